/** The spec's cases D: the life of a call at a server. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { RxrpcError } from "../../src/rxrpc/errors.ts";
import { RxAckReason, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import type { RxCallPort } from "../../src/rxrpc/ports.ts";
import { asServer, L, R } from "./by_hand.ts";
import { pattern, request, serve, World } from "./world.ts";

const { IDLE, PING, PING_RESPONSE, DUPLICATE } = RxAckReason;

test("81: a call comes", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L, 30, { cid: hand.cid | 2, userStatus: 9 });
  const [{ call, bytes, hasEnded }] = calls as [typeof calls[0]];
  assertEquals([call!.service, call!.remote, call!.userStatus, bytes, hasEnded], [147, hand.peer, 9, 30, true]);
});

test("82: a quick answer is the acknowledgement of the request", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  assertEquals(hand.d(1, L), []);
  assertEquals(hand.reply(calls[0]!, 20), ["D1 L 20"]);
  assertEquals(hand.after(150), []);
});

test("83: a slow answer: the request is acknowledged within 100 ms, then the client is asked whether it is there", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  assertEquals(hand.after(100), ["A IDLE 2/1 S0 []"]);
  assertEquals(hand.after(900), ["A PING 2/1 S0 []"]);
  assertEquals(hand.reply(calls[0]!, 20), ["D1 L 20"]);
});

test("84: the last acknowledgement closes the call, once", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.reply(calls[0]!, 20);
  hand.a(2, 1, 1, IDLE);
  hand.a(2, 1, 1, IDLE);
  assertEquals([calls[0]!.closedCount, calls[0]!.error], [1, undefined]);
});

test("85: an acknowledgement that could be taken back closes the call after a while", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.reply(calls[0]!, 20);
  hand.a(1, 1, 1, IDLE, [1]);
  assertEquals([calls[0]!.closedCount, hand.after(24), calls[0]!.closedCount], [0, [], 0]);
  hand.after(2);
  assertEquals([calls[0]!.closedCount, calls[0]!.error], [1, undefined]);
});

test("86: it is taken back: the packet is sent again, and the call is not over", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.reply(calls[0]!, 20);
  hand.a(1, 1, 1, IDLE, [1]);
  assertEquals(hand.a(1, 1, 1, IDLE, [0]), ["D1 R|L 20"]);
  hand.after(250);
  assertEquals(calls[0]!.closedCount, 0);
});

test("87: the next call says that the reply has come", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.reply(calls[0]!, 20);
  hand.d(1, L, 10, { callNumber: 2 });
  assertEquals(calls.map(({ closedCount, error }) => [closedCount, error]), [[1, undefined], [0, undefined]]);
});

test("88: the next call while the last one is at work: the client has given that up", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  assertEquals(hand.d(1, L, 10, { callNumber: 2 }), ["ABORT -1"]);
  assertEquals(calls.map(({ closedCount, code }) => [closedCount, code]), [[1, "ECONNABORTED"], [0, undefined]]);
});

test("89: a reply that is lost is sent again, with a new serial number, asking, and still the last", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.reply(calls[0]!, 20);
  const serial = hand.world.sent.at(-1)!.header.serial;
  const again = hand.after(1001).filter((packet) => packet.startsWith("D"));
  assertEquals(again, ["D1 R|L 20"]);
  const last = hand.world.sent.findLast(({ header }) => header.type === RxPacketType.DATA)!.header;
  assertEquals(last.serial > serial, true);
});

test("90, 104: calls that are refused: busy, or with a number", () => {
  const hand = asServer();
  hand.engine.offer({ id: 147 });
  hand.host.incoming = () => "busy";
  hand.packet({ seq: 1, flags: 1 | L, callNumber: 3 });
  const { header, data } = hand.world.sent[0]!;
  assertEquals([header.type, data.length, header.callNumber, header.flags & 1], [RxPacketType.BUSY, 28, 3, 0]);
  hand.host.incoming = () => 5;
  assertEquals(hand.d(1, L, 10, { cid: 0x200 }), ["ABORT 5"]);
});

test("90: a client that goes on trying is served once there is room for its call, whichever packet comes then", () => {
  for (const seq of [1, 2]) {
    const hand = asServer();
    hand.engine.offer({ id: 147 });
    hand.host.incoming = () => "busy";
    hand.callNumber = 3;
    for (let i = 0; i < 3; i++) assertEquals([hand.d(1), hand.d(2, L)], [["BUSY"], ["BUSY"]]);
    const calls = hand.offer();
    hand.world.run(100);
    hand.d(seq, seq === 2 ? L : 0);
    hand.d(3 - seq, seq === 1 ? L : 0);
    assertEquals(calls.map(({ bytes, hasEnded }) => [bytes, hasEnded]), [[200, true]]);
    assertEquals(hand.reply(calls[0]!, 10), ["D1 L 10"]);
  }
});

test("90: a call that was told that this end is busy is told again for a tenth of a second, and nobody is asked", () => {
  const hand = asServer();
  hand.engine.offer({ id: 147 });
  let asked = 0;
  hand.host.incoming = () => (asked++, "busy");
  for (let i = 0; i < 4; i++) assertEquals(hand.d(1 + i), ["BUSY"]);
  assertEquals(asked, 1);
  // another channel, and the same one with another call, are another matter
  assertEquals([hand.d(1, 0, 1, { cid: hand.cid | 1 }), hand.d(1, 0, 1, { callNumber: 2 })], [["BUSY"], ["BUSY"]]);
  assertEquals(asked, 3);
  hand.world.run(100);
  hand.d(1, 0, 1, { callNumber: 2 });
  assertEquals([asked, hand.engine.stats.serviceCalls], [4, 4]);
});

for (const [what, decision] of [["busy", "busy"], ["aborted", 5]] as const) {
  test(`7.1: calls that are refused (${what}), each with another number: only some twenty a second are looked at`, () => {
    const hand = asServer();
    hand.engine.offer({ id: 147 });
    let asked = 0;
    hand.host.incoming = () => (asked++, decision);
    for (let ms = 0; ms < 1000; ms++) {
      hand.d(1, L, 1, { callNumber: 1 + ms, cid: hand.cid | (ms & 3) });
      hand.world.run(1);
    }
    assert(asked >= 10 && asked <= 30, `${asked} calls`);
    assert((hand.drops()["call beyond the rate of refusals"] ?? 0) >= 900);
    // whoever comes when there is room is served
    const calls = hand.offer();
    hand.world.run(100);
    hand.d(1, L, 1, { callNumber: 2000 });
    assertEquals(calls.length, 1);
  });
}

test("90: BUSY is said ten times a second at most", () => {
  const hand = asServer();
  hand.engine.offer({ id: 147 });
  hand.host.incoming = () => "busy";
  let answers = 0;
  for (let i = 0; i < 50; i++) answers += hand.d(1).length;
  assertEquals(answers, 10);
});

test("91: a service that is withdrawn: running calls finish", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.engine.withdraw(147);
  assertEquals(hand.d(1, L, 10, { cid: 0x200 }), ["ABORT -2"]);
  assertEquals(hand.d(1, L, 10, { cid: hand.cid | 1 }), ["ABORT -2"]);
  assertEquals(hand.reply(calls[0]!, 20), ["D1 L 20"]);
});

test("92: a call that begins with a later packet", () => {
  const hand = asServer({ receiveWindow: 32 });
  hand.offer(147);
  assertEquals(hand.d(33), []);
  assertEquals(hand.d(2), [`A OUT_OF_SEQUENCE 1/2 S${hand.serial} [01]`]);
});

for (
  const [number, what, packets] of [
    [93, "data behind the last packet", [[3, L], [5, 0]]],
    [94, "two last packets", [[3, L], [4, L]]],
    [95, "a last packet before one that has come", [[5, 0], [3, L]]],
  ] as const
) {
  test(`${number}: ${what}`, () => {
    const hand = asServer();
    const calls = hand.offer(147);
    hand.d(1);
    for (const [seq, flags] of packets.slice(0, -1)) hand.d(seq, flags);
    const [seq, flags] = packets.at(-1)!;
    assertEquals(hand.d(seq, flags), ["ABORT -5"]);
    assertEquals([calls[0]!.closedCount, calls[0]!.code], [1, "EPROTO"]);
  });
}

test("96: a reply before the request has ended is the server's mistake, and nothing is sent", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1);
  hand.out();
  const error = assertThrows(() => calls[0]!.call!.write(new Uint8Array(5), hand.world.now), RxrpcError);
  assertEquals([error.code, error.blame, hand.out()], ["EPROTO", "local", []]);
});

test("97: a call that fails: the number goes out, and again for packets that come behind", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  calls[0]!.call!.abort(7, hand.world.now);
  assertEquals(hand.out(), ["ABORT 7"]);
  assertEquals(hand.d(1, L), ["ABORT 7"]);
});

test("98: the client gives up in the middle of the reply", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.reply(calls[0]!, 100_000);
  assertEquals(hand.abort(99), []);
  assertEquals([calls[0]!.closedCount, (calls[0]!.error as RxrpcError).abortCode], [1, 99]);
  assertEquals([calls[0]!.call!.write(new Uint8Array(5), hand.world.now), hand.after(5000)], [0, []]);
});

test("99, 100: packets behind a call that went well", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.reply(calls[0]!, 20);
  hand.a(2, 1, 1, IDLE);
  assertEquals(hand.d(1, L), [`A DUPLICATE 2/1 S${hand.serial} []`]);
  assertEquals(hand.a(2, 1, 0, PING), [`A PING_RESPONSE 2/1 S${hand.serial} []`]);
  assertEquals(hand.a(2, 1, 0, DUPLICATE), []);
});

test("101: requestIdleMs: a request that stops coming", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1);
  for (let at = 0; at < 59; at++) {
    hand.after(1000);
    hand.a(1, 0, 0, PING);
  }
  assertEquals(calls[0]!.closedCount, 0);
  assertEquals(hand.after(1100).at(-1), "ABORT -3");
  assertEquals([calls[0]!.closedCount, calls[0]!.code], [1, "ETIMEDOUT"]);
});

test("101: requestIdleMs: packets that came before do not keep a request with a gap open", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1);
  hand.d(3);
  for (let at = 0; at < 61; at++) {
    hand.d(1);
    hand.d(3);
    hand.after(1000);
  }
  assertEquals([calls[0]!.closedCount, calls[0]!.code], [1, "ETIMEDOUT"]);
});

test("101: requestIdleMs: a request waits as long as this end reads nothing of it, and is waited for again then", () => {
  const hand = asServer({ receiveWindow: 16 });
  hand.engine.offer({ id: 147 });
  let call: RxCallPort | undefined;
  const errors: unknown[] = [];
  hand.host.incoming = (port) => {
    call = port;
    return { data: () => {}, ended: () => {}, closed: (error) => errors.push((error as { code: string }).code) };
  };
  for (let seq = 1; seq <= 16; seq++) hand.d(seq);
  const answerFor = (seconds: number): void => {
    for (let at = 0; at < seconds; at++) {
      hand.a(1, 0, 0, PING);
      hand.after(1000);
    }
  };
  answerFor(100);
  assertEquals(errors, []);
  call!.consumed(100, hand.world.now);
  answerFor(59);
  assertEquals(errors, []);
  answerFor(2);
  assertEquals(errors, ["ETIMEDOUT"]);
});

test("102, 191: a call from an address that has not answered waits; it gets three times what it sent", () => {
  const hand = asServer({ reachCheck: "always" });
  const calls = hand.offer(147);
  assertEquals(hand.d(1, L, 100), ["A PING 1/0 S0 []"]);
  assertEquals(calls.length, 0);
  hand.after(10_000);
  const sent = hand.world.sent.reduce((sum, { data }) => sum + data.length, 0);
  assertEquals(sent <= 3 * 128, true, `${sent} bytes`);
  const ping = hand.world.sent.at(-1)!.header.serial;
  assertEquals(hand.a(1, 0, ping, PING_RESPONSE), ["A IDLE 2/1 S0 []"], "acknowledged once it is taken");
  assertEquals([calls.length, calls[0]?.bytes, calls[0]?.hasEnded], [1, 100, true]);
  assertEquals(hand.engine.heldBytes, 0);
});

test("102, 104: a call that has waited, and for which there is no room: its client still has all of it, and tries on", () => {
  for (const failsWhenBusy of [false, true]) {
    const world = new World();
    const [client, server] = [world.add(), world.add({ reachCheck: "always" })];
    const served = serve(world, server, (body) => body);
    server.engine.offer({ id: 147 });
    const take = server.incoming;
    let count = 0;
    server.incoming = (call) => count++ === 0 ? "busy" : take(call);
    const call = request(world, client, server, pattern(20_000), { failsWhenBusy });
    world.run(5000);
    assertEquals([call.code, call.bytes, call.busyCount], failsWhenBusy ? ["EBUSY", 0, 1] : [undefined, 20_000, 1]);
    assertEquals([served.length, server.engine.heldBytes], [failsWhenBusy ? 0 : 1, 0]);
  }
});

test("102: no answer: the call is over when its time is", () => {
  const hand = asServer({ reachCheck: "always" });
  const calls = hand.offer(147);
  hand.d(1, L, 100);
  hand.after(21_000);
  assertEquals([calls.length, hand.engine.heldBytes], [0, 0]);
});

test("103: a second call from an address that has answered lately does not wait", () => {
  const hand = asServer({ reachCheck: "always" });
  const calls = hand.offer(147);
  hand.d(1, L, 100);
  hand.a(1, 0, hand.world.sent[0]!.header.serial, PING_RESPONSE);
  hand.d(1, L, 100, { cid: 0x200 });
  assertEquals(calls.length, 2);
});

test("105: a slow call does not delay those on other channels", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  for (let channel = 0; channel < 4; channel++) hand.d(1, L, 10, { cid: hand.cid | channel });
  for (const at of [3, 1, 2]) assertEquals(hand.reply(calls[at]!, 5), ["D1 L 5"]);
});

test("106: two services on one port", () => {
  const hand = asServer();
  const calls = hand.offer(147, 148);
  hand.d(1, L);
  hand.d(1, L, 10, { cid: 0x200, serviceId: 148 });
  assertEquals(hand.d(1, L, 10, { cid: 0x300, serviceId: 149 }), ["ABORT -2"]);
  assertEquals(calls.map(({ call }) => call!.service), [147, 148]);
});

test("107: a service that is upgraded for who asks with the first packet of a connection", () => {
  const hand = asServer();
  const calls = hand.offer({ id: 147, upgradeTo: 148 });
  hand.d(1, L, 10, { userStatus: 1 });
  hand.reply(calls[0]!, 5);
  assertEquals([calls[0]!.call!.service, hand.world.sent.at(-1)!.header.serviceId], [148, 148]);
  hand.d(1, L, 10, { callNumber: 2 });
  assertEquals(calls[1]!.call!.service, 148);
  hand.d(1, L, 10, { cid: 0x200 });
  hand.reply(calls[2]!, 5);
  hand.d(1, L, 10, { cid: 0x200, callNumber: 2, userStatus: 1 });
  assertEquals(calls.slice(2).map(({ call }) => call!.service), [147, 147]);
});

test("asking for acknowledgements: what was asked for is given", () => {
  const hand = asServer();
  hand.offer(147);
  assertEquals(hand.d(1, R), [`A REQUESTED 2/1 S${hand.serial} []`]);
});
