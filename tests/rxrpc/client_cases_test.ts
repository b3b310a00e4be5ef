/** The spec's cases C: the life of a client's call. */
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { RxrpcError } from "../../src/rxrpc/errors.ts";
import { RxAckReason, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { none } from "../../src/rxrpc/security/none.ts";
import type { ClientSecurity } from "../../src/rxrpc/security/protection.ts";
import { asClient, C, L, R } from "./by_hand.ts";
import { pattern } from "./world.ts";

const { IDLE, REQUESTED } = RxAckReason;
const abortCodeOf = ({ error }: { error: unknown }): number | undefined => (error as RxrpcError).abortCode;

test("51: a small request and its reply; the last packet is acknowledged 10 ms later", () => {
  const hand = asClient();
  const call = hand.call(10);
  const [first, ...more] = hand.packets();
  assertEquals([more.length, first!.header.seq, first!.header.flags, first!.body.length], [0, 1, C | L, 10]);
  assertEquals([first!.header.serial, first!.header.callNumber, first!.header.serviceId], [1, 1, 147]);
  assertEquals(hand.d(1, L, 20), []);
  assertEquals([call.closedCount, call.error, call.bytes], [1, undefined, 20]);
  assertEquals(hand.after(9), []);
  assertEquals(hand.after(2), ["A IDLE 2/1 S0 []"]);
  assertEquals(hand.world.sent.at(-1)!.header.flags, C | 0x20);
});

test("52: the next call on the channel is the acknowledgement", () => {
  const hand = asClient();
  hand.call(10);
  hand.d(1, L, 20);
  hand.out();
  hand.call(10);
  assertEquals(hand.out(), ["D1 C|L 10"]);
  assertEquals([hand.callNumber, hand.after(50)], [2, []]);
});

test("53: an empty request is one empty packet", () => {
  const hand = asClient();
  hand.call(0);
  assertEquals(hand.out(), ["D1 C|L 0"]);
});

test("54: requests of just one packet, and of one byte more", () => {
  const one = asClient();
  one.call(1412);
  assertEquals(one.out(), ["D1 C|L 1412"]);
  const two = asClient();
  two.call(1413);
  assertEquals(two.out(), ["D1 C|R 1412", "D2 C|L 1"]);
});

test("55: what does not fill a packet waits, until it is flushed or the request ends", () => {
  const hand = asClient();
  const { call } = hand.call(undefined);
  call!.write(pattern(100), hand.world.now);
  assertEquals(hand.out(), []);
  call!.flush(hand.world.now);
  assertEquals(hand.out(), ["D1 C|R 100"]);
  call!.end(hand.world.now);
  assertEquals(hand.out(), ["D2 C|L 0"]);
});

test("56: of a long request just four packets go out until something comes back", () => {
  const hand = asClient();
  hand.call(100_000);
  assertEquals(hand.out(), ["D1 C|R 1412", "D2 C|R 1412", "D3 C|R 1412", "D4 C|R 1412"]);
  const isData = (packet: string): boolean => packet.startsWith("D");
  assertEquals(hand.after(999).filter(isData), []);
  assertEquals(hand.after(2).filter(isData), ["D4 C|R 1412"]);
});

test("57: a reply before the request has ended", () => {
  const hand = asClient();
  const call = hand.call(undefined);
  call.call!.write(pattern(2000), hand.world.now);
  hand.out();
  hand.epoch = hand.world.sent[0]!.header.epoch;
  hand.cid = hand.world.sent[0]!.header.cid;
  assertEquals(hand.d(1, L, 20), ["ABORT -5"]);
  assertEquals([call.closedCount, call.code], [1, "EPROTO"]);
});

test("58: a reply says that the request has come", () => {
  const hand = asClient();
  const call = hand.call(1413);
  hand.out();
  hand.d(1, 0, 20);
  assertEquals(hand.after(3000).filter((packet) => packet.startsWith("D")), []);
  assertEquals(call.closedCount, 0);
});

test("59: the request has come, but no reply for half a second: the server is asked", () => {
  const hand = asClient();
  hand.call(10);
  hand.out();
  hand.a(1, 1, 1, REQUESTED, [1]);
  assertEquals(hand.after(499), []);
  assertEquals(hand.after(2), ["A PING 1/0 S0 []"]);
});

test("60: ACKALL releases the request; the call waits on, and asks now and then", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.out();
  hand.packet({ type: RxPacketType.ACKALL });
  const out = hand.after(5000);
  assertEquals([call.closedCount, new Set(out).size, out[0]], [0, 1, "A PING 1/0 S0 []"]);
});

test("61, 62: an ABORT ends the call wherever it is; 0 counts as -1", () => {
  for (
    const [prepare, code] of [
      ["sending", 1234],
      ["awaiting", 1234],
      ["receiving", 1234],
      ["awaiting", 0],
    ] as const
  ) {
    const hand = asClient();
    const call = hand.call(prepare === "sending" ? 100_000 : 10);
    if (prepare === "receiving") hand.d(1, 0, 20);
    hand.out();
    assertEquals(hand.abort(code), []);
    assertEquals([call.closedCount, call.code, abortCodeOf(call)], [1, "ECONNABORTED", code === 0 ? -1 : code]);
    assertEquals((call.error as RxrpcError).blame, "remote");
    assertEquals(hand.d(1, L, 20), ["ABORT -1"], "packets that come behind it are nobody's");
    assertEquals(hand.abort(code), []);
  }
});

test("63: an ABORT of this end goes out once, and again for packets that come behind it", () => {
  const hand = asClient();
  const call = hand.call(100_000);
  hand.out();
  call.call!.abort(42, hand.world.now);
  assertEquals(hand.out(), ["ABORT 42"]);
  assertEquals([call.closedCount, abortCodeOf(call)], [1, 42]);
  let answers = 0;
  for (let i = 0; i < 30; i++) answers += hand.d(1).length;
  assertEquals(answers, 10);
});

test("64: an ABORT when the server has the request: once; the channel is free", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.out();
  hand.a(2, 1, 1, IDLE);
  call.call!.abort(42, hand.world.now);
  assertEquals(hand.out(), ["ABORT 42"]);
  assertEquals(hand.after(30_000), []);
});

test("65: a call that is given up while it waits for a channel was never there", () => {
  const hand = asClient({ maxConnectionsPerBundle: 1 });
  const running = [1, 2, 3, 4].map(() => hand.call(10));
  hand.out();
  const waiting = hand.call(10);
  assertEquals(hand.out(), []);
  waiting.call!.abort(1, hand.world.now);
  assertEquals([waiting.closedCount, hand.out()], [1, []]);
  hand.cid &= ~3;
  hand.callNumber = 1;
  hand.d(1, L, 1);
  assertEquals(running[0]!.closedCount, 1);
  hand.call(10);
  assertEquals(hand.callNumber, 2);
});

test("66, 67: the fifth call makes a second connection, the seventeenth waits for one to end", () => {
  const hand = asClient();
  const calls = Array.from({ length: 18 }, () => hand.call(10));
  const first = hand.packets();
  assertEquals(first.length, 16);
  assertEquals(new Set(first.map(({ header }) => header.cid & ~3)).size, 4);
  assertEquals(new Set(first.map(({ header }) => header.serviceId)), new Set([147]));
  hand.cid = first[5]!.header.cid;
  hand.callNumber = 1;
  assertEquals(hand.d(1, L, 1), ["D1 C|L 10"]);
  const { header: next } = hand.world.sent.at(-1)!;
  assertEquals([next.cid, next.callNumber], [first[5]!.header.cid, 2]);
  assertEquals(calls.map(({ opened_ }) => opened_ === undefined).indexOf(true), 17);
});

test("66: maxQueuedCalls", () => {
  const hand = asClient({ maxConnectionsPerBundle: 1, maxQueuedCalls: 2 });
  for (let i = 0; i < 6; i++) hand.call(10);
  const error = assertThrows(() => hand.call(10), RxrpcError);
  assertEquals([error.code, error.blame], ["ENOBUFS", "local"]);
});

test("68: calls to two services never share a connection", () => {
  const hand = asClient();
  hand.call(10);
  hand.call(10, { service: 148 });
  const [a, b] = hand.packets();
  assertEquals((a!.header.cid & ~3) === (b!.header.cid & ~3), false);
  assertEquals([a!.header.serviceId, b!.header.serviceId], [147, 148]);
});

test("69: nor do calls with other keys", () => {
  const hand = asClient();
  const key = (bundleKey: string) => ({
    index: 0,
    bundleKey,
    connect: () => ({
      changesBody: true,
      capacity: (bytes: number) => bytes,
      sealedLength: (bytes: number) => bytes,
      seal: (_place: unknown, data: Uint8Array, into: Uint8Array) => {
        into.set(data);
        return data.length;
      },
      checksum: () => 7,
      open: (_place: unknown, _checksum: number, body: Uint8Array) => body,
      respond: () => new Uint8Array(0),
    }),
  });
  for (const security of [key("a"), key("b"), key("a")]) hand.call(10, { security });
  const cids = hand.packets().map(({ header }) => header.cid & ~3);
  assertEquals([cids[0] === cids[1], cids[0] === cids[2]], [false, true]);
});

test("70: an exclusive call has a connection of its own, which answers for a while", () => {
  const hand = asClient();
  hand.call(10);
  const shared = hand.cid & ~3;
  hand.call(10, { isExclusive: true });
  const own = hand.cid & ~3;
  assertEquals(own === shared, false);
  hand.d(1, L, 1);
  hand.call(10);
  assertEquals((hand.cid & ~3) === own, false);
  hand.after(2000);
  hand.cid = own;
  hand.callNumber = 1;
  assertEquals(hand.d(1, L, 1).length, 1);
});

test("72: a connection without calls is forgotten after two minutes", () => {
  const hand = asClient();
  hand.call(10);
  hand.d(1, L, 1);
  hand.after(119_000);
  assertEquals(hand.engine.connections.client, 1);
  hand.after(2000);
  assertEquals([hand.engine.connections.client, hand.d(1, L, 1)], [0, []]);
});

test("73: reapThreshold: with many connections they are forgotten after two seconds", () => {
  const hand = asClient({ reapThreshold: 2 });
  for (let service = 1; service <= 3; service++) {
    hand.call(10, { service });
    hand.d(1, L, 1);
  }
  hand.after(1500);
  assertEquals(hand.engine.connections.client, 3);
  hand.after(1000);
  assertEquals(hand.engine.connections.client < 3, true);
});

test("73: reapThreshold: that holds for those, too, that had no calls before there were so many", () => {
  const hand = asClient({ reapThreshold: 4 });
  const serve = (service: number): void => {
    hand.call(10, { service });
    hand.d(1, L, 1);
  };
  for (let service = 1; service <= 4; service++) serve(service);
  const [oldest] = hand.engine.snapshot().connections;
  hand.after(10_000);
  assertEquals(hand.engine.connections.client, 4, "as many as may be are kept for two minutes");
  const long = hand.call(10, { service: 5 });
  assertEquals([hand.engine.connections.client, long.closedCount], [4, 0]);
  assertEquals(hand.engine.snapshot().connections.some(({ cid }) => cid === oldest!.cid), false, "the oldest goes");
  // one that has just ended its call stays for two seconds
  for (let service = 11; service <= 14; service++) serve(service);
  hand.after(1000);
  assertEquals(hand.engine.connections.client, 5);
  hand.after(1100);
  assertEquals(hand.engine.connections.client, 4);
});

test("73: reapThreshold: a server that goes on with a call that is over keeps neither its connection nor others", () => {
  const hand = asClient({ reapThreshold: 4 });
  const serve = (service: number): void => {
    hand.call(10, { service });
    hand.d(1, L, 1);
  };
  serve(1);
  const { epoch, cid, callNumber, service: serviceId } = hand;
  for (let service = 2; service <= 20; service++) serve(service);
  for (let seconds = 0; seconds < 5; seconds++) {
    hand.d(1, L, 1, { epoch, cid, callNumber, serviceId });
    hand.world.run(1000);
  }
  const { connections } = hand.engine.snapshot();
  assertEquals([connections.length, connections.some((one) => one.cid === cid)], [4, false]);
});

test("74: the last acknowledgement was lost: each repetition of the reply gets it again, ten a second", () => {
  const hand = asClient();
  hand.call(10);
  hand.d(1, L, 20);
  hand.after(20);
  assertEquals(hand.d(1, L | R, 20), [`A DUPLICATE 2/1 S${hand.serial} []`]);
  let answers = 0;
  for (let i = 0; i < 30; i++) answers += hand.d(1, L | R, 20).length;
  assertEquals(answers, 9);
});

test("75: packets of a call that the network has ended are aborted with -1", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.out();
  hand.engine.networkFailed({ code: "ECONNREFUSED", to: hand.peer }, hand.world.now);
  assertEquals([call.closedCount, hand.out()], [1, []]);
  assertEquals(hand.d(1, L, 20), ["ABORT -1"]);
});

test("75: packets of a call that has timed out are aborted with the number that it was aborted with", () => {
  const hand = asClient();
  const call = hand.call(10, { timeouts: { hardMs: 100 } });
  hand.out();
  assertEquals(hand.after(101), ["ABORT -3"]);
  assertEquals([call.closedCount, call.code], [1, "ETIMEDOUT"]);
  assertEquals(hand.d(1, L, 20), ["ABORT -3"]);
});

test("78: a service that is upgraded", () => {
  const hand = asClient();
  const call = hand.call(3000, { mayUpgrade: true });
  const first = hand.packets();
  assertEquals(first.map(({ header }) => header.userStatus), [1, 0, 0]);
  hand.after(5000);
  const again = hand.world.sent.filter(({ header }) => header.seq === 1);
  assertEquals([again.length > 1, again.every(({ header }) => header.userStatus === 1)], [true, true]);
  hand.service = 148;
  hand.a(4, 3, 3, IDLE);
  assertEquals([call.service_, call.call!.service], [148, 148]);
  hand.d(1, L, 5);
  assertEquals(call.closedCount, 1);
  const { cid } = hand;
  const next = hand.call(10, { mayUpgrade: true });
  assertEquals([hand.packets().at(-1)!.header.serviceId, hand.service, hand.cid & ~3], [148, 148, cid & ~3]);
  hand.service = 149;
  assertEquals(hand.a(1, 1, 0, REQUESTED, [1]), ["ABORT -5"]);
  assertEquals([next.closedCount, abortCodeOf(next)], [1, -5]);
});

test("79: calls behind a probe go over the same connection, and ask no more; however many there are", () => {
  const hand = asClient();
  hand.call(10, { mayUpgrade: true });
  hand.d(1, L, 5);
  hand.packets();
  const { cid } = hand;
  for (let number = 2; number <= 10; number++) {
    const call = hand.call(10, { mayUpgrade: true });
    const [{ header }] = hand.packets() as [ReturnType<typeof hand.packets>[0]];
    assertEquals([header.cid, header.callNumber, header.userStatus], [cid, number, 0]);
    hand.d(1, L, 5);
    assertEquals(call.closedCount, 1);
  }
});

test("79, 80: a service that is not upgraded; calls that may share its connection wait until that is known", () => {
  const hand = asClient();
  const asking = hand.call(10, { mayUpgrade: true });
  const other = hand.call(10, { mayUpgrade: true });
  assertEquals([hand.out(), other.opened_], [["D1 C|L 10"], undefined]);
  hand.d(1, L, 5);
  assertEquals([asking.service_, asking.closedCount], [147, 1]);
  hand.after(1);
  assertEquals(other.opened_ !== undefined, true);
});

test("maxQueuedCalls: calls that are refused leave nothing behind", () => {
  const hand = asClient({ maxQueuedCalls: 1, maxConnectionsPerBundle: 1 });
  for (let i = 0; i < 5; i++) hand.call(1);
  const ignore = { data: () => {}, ended: () => {}, closed: () => {} };
  for (let i = 0; i < 3; i++) {
    const options = { to: hand.peer, service: 147, isExclusive: true };
    assertEquals(assertThrows(() => hand.engine.call(options, ignore, hand.world.now), RxrpcError).code, "ENOBUFS");
  }
  assertEquals(hand.engine.snapshot().bundles.map(({ waitingCalls }) => waitingCalls), [1]);
});

test("a security that can't connect: whoever calls is told and nothing waits; calls that wait fail with it", () => {
  const hand = asClient({ maxConnectionsPerBundle: 1 });
  let connections = 0;
  const mostly = (most: number): ClientSecurity => ({
    ...none(),
    bundleKey: `mostly ${most}`,
    connect: (identity) => {
      if (connections++ >= most) throw new Error("no ticket");
      return none().connect(identity);
    },
  });
  assertThrows(() => hand.call(1, { security: mostly(0) }), Error, "no ticket");
  assertEquals([hand.engine.snapshot().bundles, hand.engine.snapshot().waitingCalls], [[], 0]);
  connections = 0;
  const security = mostly(1);
  const calls = Array.from({ length: 6 }, () => hand.call(1, { security }));
  assertEquals(hand.engine.snapshot().waitingCalls, 2);
  hand.abort(5, { callNumber: 0 });
  assertEquals(
    calls.map(({ error }) => (error as Error).message.includes("no ticket")),
    [0, 0, 0, 0, 1, 1].map(Boolean),
  );
  assertEquals(hand.engine.snapshot().waitingCalls, 0);
});

test("a call that is aborted when it is told which service answers: what came with that is not kept", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.out();
  call.service = () => call.call!.abort(77, hand.world.now);
  assertEquals(hand.d(1, L, 100), ["ABORT 77"]);
  assertEquals([call.closedCount, call.bytes, hand.engine.heldBytes], [1, 0, 0]);
});
