/** Section 7 of the spec: what an endpoint sends to, and keeps for, addresses that have proved nothing; and its budgets. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { ackLength, decodeAck, encodeAck } from "../../src/rxrpc/ack.ts";
import { HEADER_BYTES } from "../../src/rxrpc/header.ts";
import { RxAckReason, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { unprotected } from "../../src/rxrpc/security/none.ts";
import type { RxService } from "../../src/rxrpc/ports.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { asClient, asServer, type Hand, L, R, secured } from "./by_hand.ts";
import type { Recorder } from "./world.ts";

const { IDLE, PING, PING_RESPONSE } = RxAckReason;

const ACTIVE = 2;
const sizes = { maxMtu: 1444, ifMtu: 1444, rwind: 32, jumboMax: 1 };

function pingResponse(serial: number): Uint8Array {
  const body = new Uint8Array(ackLength(0));
  encodeAck({ firstPacket: 1, previousPacket: 0, serial, reason: PING_RESPONSE, acks: [], ...sizes }, body);
  return body;
}

/** Everything that was sent. */
function outBytes(hand: Hand): number {
  return hand.world.sent.reduce((sum, { data }) => sum + data.length, 0);
}

test("191: the smallest call from an address that never answers: no more than three times as much, its ABORT included", () => {
  const hand = asServer({ reachCheck: "always" });
  hand.offer(147);
  hand.d(1, L, 0);
  hand.world.run(60_000);
  const bytes = outBytes(hand);
  assert(bytes > 0 && bytes <= 3 * HEADER_BYTES, `${bytes} bytes`);
});

test("191: a client that has to prove who it is, and is silent, is challenged, and not asked whether it is there", () => {
  const hand = asServer();
  hand.offer(secured);
  hand.securityIndex = 2;
  hand.d(1, L, 10);
  hand.world.run(60_000);
  const bytes = outBytes(hand);
  assert(bytes <= 3 * 38, `${bytes} bytes`);
  const { CHALLENGE } = RxPacketType;
  assertEquals(hand.world.sent.map(({ header }) => header.type), [CHALLENGE, CHALLENGE]);
});

/** Silent clients of a secured service at one address: whoever is asked who it is, and has not said so, is asked again. */
function silent(hand: Hand, count: number): void {
  for (let epoch = 1; epoch <= count; epoch++) hand.d(1, L, 0, { epoch: 0x90000000 + epoch });
}

test("191: the ABORT for a wrong response is paid for: it is not sent when challenges have used up what there was", () => {
  for (const [others, aborts] of [[0, 1], [2, 0]] as const) {
    const hand = asServer();
    hand.offer(secured);
    hand.securityIndex = 2;
    hand.d(1, L, 0);
    silent(hand, others);
    hand.after(3500);
    hand.packet({ type: RxPacketType.RESPONSE, callNumber: 0 });
    const told = hand.after(1500).filter((packet) => packet === "ABORT 19270407");
    assertEquals(told.length, aborts, `${others} others`);
    assert(outBytes(hand) <= 3 * (others + 2) * HEADER_BYTES, `${outBytes(hand)} bytes`);
  }
});

test("191: answers to packets of a dead connection are paid for, too: challenges get what they leave", () => {
  const hand = asServer();
  hand.offer(secured);
  hand.securityIndex = 2;
  hand.d(1, L, 0);
  hand.packet({ type: RxPacketType.RESPONSE, callNumber: 0 });
  assertEquals(hand.after(1000), ["ABORT 19270407"]);
  let answers = 0;
  for (let i = 0; i < 10; i++) answers += hand.d(1, L, 0).length;
  assertEquals(answers, 10);
  silent(hand, 4);
  hand.after(60_000);
  const [bytes, most] = [outBytes(hand), 3 * 16 * HEADER_BYTES];
  assert(bytes > most - 44 && bytes <= most, `${bytes} bytes, of ${most}`);
});

/** Bytes that go to an address in whose name sixty calls are forged; each is one packet without data. */
function forged(hand: Hand): number {
  const before = outBytes(hand);
  for (let i = 0; i < 60; i++) hand.d(1, L, 0, { epoch: 0x90000000 + i });
  hand.world.run(60_000);
  return outBytes(hand) - before;
}

/** A server whose client has proved that it is there; and its call, of which more is to come. */
function proved(): [Hand, Recorder] {
  const hand = asServer({ reachCheck: "always" });
  const calls = hand.offer(147);
  hand.d(1, 0, 1412);
  hand.a(1, 0, hand.world.sent[0]!.header.serial, PING_RESPONSE);
  return [hand, calls[0]!];
}

for (const pauseMs of [10, 700]) {
  test(`191: what an address sent while it was known is no credit for those who forge it later, packets ${pauseMs} ms apart`, () => {
    const [hand, call] = proved();
    for (let seq = 2; seq <= 100; seq++) {
      hand.d(seq, seq === 100 ? L : 0, 1412);
      // no question is answered meanwhile: after a minute nobody knows any more
      hand.world.run(pauseMs);
    }
    assertEquals([call.bytes, call.hasEnded], [100 * 1412, true]);
    hand.reply(call, 10);
    hand.a(2, 100, 0, IDLE);
    assertEquals(call.closedCount, 1);
    hand.world.run(pauseMs === 10 ? 120_000 : 0);
    const bytes = forged(hand);
    assert(bytes > 0 && bytes <= 3 * 60 * HEADER_BYTES, `${bytes} bytes`);
  });
}

test("191: what an address sent that never answered is forgotten after a minute of silence", () => {
  const hand = asServer();
  hand.offer(secured);
  hand.securityIndex = 2;
  for (let seq = 1; seq <= 30; seq++) hand.d(seq, 0, 1412);
  hand.world.run(61_000);
  const bytes = forged(hand);
  assert(bytes > 0 && bytes <= 3 * 60 * HEADER_BYTES, `${bytes} bytes`);
});

test("191: a call that was proved is aborted aloud, however long ago that was", () => {
  const [hand, call] = proved();
  for (let seq = 2; seq <= 10; seq++) {
    hand.d(seq, 0, 1412);
    hand.world.run(7000);
  }
  hand.out();
  call.call!.abort(-7, hand.world.now);
  assertEquals(hand.out(), ["ABORT -7"]);
});

test("102: two calls wait for the same address: once it has answered one, the other one is asked about for free", () => {
  const hand = asServer({ reachCheck: "always" });
  const calls = hand.offer(147);
  for (const channel of [0, 1]) hand.d(1, L, 0, { cid: hand.cid | channel });
  const ping = hand.world.sent.find(({ header }) => (header.cid & 3) === 0)!;
  hand.a(1, 0, ping.header.serial, PING_RESPONSE);
  assertEquals(calls.length, 1);
  hand.out();
  hand.world.run(10_000);
  const asked = hand.packets().filter(({ ack, header }) => ack?.reason === PING && (header.cid & 3) === 1);
  assertEquals(asked.length, 5);
});

for (const [what, service, securityIndex] of [["open", { id: 147 }, 0], ["secured", secured, 2]] as const) {
  test(`191: whatever addresses send that never answer: none gets more than three times as much, ${what} service`, () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new SeededRandom(seed);
      const hand = asServer({ reachCheck: "always" });
      hand.offer(service);
      const came = new Map<string, number>();
      for (let i = 0; i < 200; i++) {
        const from = { address: `10.1.1.${random.below(4)}`, port: 9000 };
        const seq = random.below(4);
        const body = new Uint8Array(random.pick([0, 1, 18, 18, 40]));
        if (body.length >= 18) body.set([0, 0, 0, 1], 4);
        const header = {
          type: random.pick([RxPacketType.DATA, RxPacketType.DATA, RxPacketType.ACK, RxPacketType.RESPONSE]),
          seq,
          flags: 1 | random.pick([0, L, R, L | R]),
          callNumber: random.below(4),
          cid: hand.cid | random.below(4),
          securityIndex,
        };
        if (header.type === RxPacketType.ACK) body[16] = random.pick([PING, IDLE, PING_RESPONSE]);
        hand.packet(header, body, from);
        came.set(from.address, (came.get(from.address) ?? 0) + HEADER_BYTES + body.length);
        hand.world.run(random.below(3000));
      }
      hand.world.run(120_000);
      for (const [address, bytes] of came) {
        const went = hand.world.sent.filter(({ to }) => to.address === address)
          .reduce((sum, { data }) => sum + data.length, 0);
        assert(went <= 3 * bytes, `seed ${seed}: ${went} bytes to ${address} for ${bytes}`);
      }
    }
  });
}

test("102: whoever has not seen the question cannot answer it: the serial numbers of servers begin anywhere", () => {
  const hand = asServer({ reachCheck: "always" });
  const calls = hand.offer(147);
  hand.d(1, L, 4);
  for (let serial = 0; serial < 1000; serial++) hand.a(1, 0, serial, PING_RESPONSE);
  assertEquals(calls.length, 0);
  const first = hand.world.sent[0]!.header.serial;
  hand.d(1, L, 4, { epoch: 0x80005678 });
  const second = hand.world.sent.at(-1)!.header;
  assertEquals(second.epoch, 0x80005678);
  assert(Math.abs(first - second.serial) > 1000, `${first}, ${second.serial}`);
  // others compare them by their difference, and drop an ABORT whose number is far off
  assert(Math.max(first, second.serial) < 2 ** 30, `${first}, ${second.serial}`);
  hand.a(1, 0, first, PING_RESPONSE);
  assertEquals(calls.length, 1);
});

test("102: an address that does not answer is asked every two seconds, as far as it may be", () => {
  const hand = asServer({ reachCheck: "always" });
  hand.offer(147);
  const start = hand.world.now;
  hand.d(1, L, 200);
  hand.world.run(30_000);
  const sent = hand.world.sent.map(({ header, data, at }) => ({ ...header, at: at - start, reason: data[44] }));
  const pings = sent.filter(({ type, reason }) => type === RxPacketType.ACK && reason === PING);
  assertEquals(pings.slice(0, 5).map(({ at }) => at), [0, 2000, 4000, 6000, 8000]);
  assertEquals([sent.at(-1)!.type, sent.at(-1)!.at], [RxPacketType.ABORT, 20_000]);
});

test("102: who was told that there is no room before it had answered hears that there is", () => {
  const hand = asServer({ reachCheck: "always", maxHeldBytes: 100_000 });
  const calls = hand.offer(147);
  for (let host = 0; host < 10; host++) {
    const from = { address: `10.1.0.${host}`, port: 7001 };
    for (let seq = 1; seq <= 2; seq++) hand.packet({ epoch: 0x80000000 + host, seq }, new Uint8Array(1412), from);
  }
  hand.out();
  hand.d(1, 0, 1412);
  const ping = hand.world.sent.findLast(({ data }) => data[HEADER_BYTES + 16] === PING);
  const rwind = (data: Uint8Array): number => decodeAck(data.subarray(HEADER_BYTES))!.rwind!;
  assertEquals(rwind(ping!.data), 0);
  hand.a(1, 0, ping!.header.serial, PING_RESPONSE);
  const told = hand.world.sent.at(-1)!;
  assertEquals([calls.length, told.to, rwind(told.data) > 0], [1, hand.peer, true]);
});

test("102: a call that is forged again and again is over when its time is, like one that is silent", () => {
  const hand = asServer({ reachCheck: "always" });
  hand.offer(147);
  hand.d(1, 0, 0);
  hand.after(10_000);
  hand.d(1, 0, 0);
  hand.d(2, 0, 0);
  hand.a(1, 0, 0, IDLE);
  assertEquals(hand.after(9000).includes("ABORT -3"), false);
  const { acks, firstPacket, rwind } = decodeAck(hand.world.sent.at(-1)!.data.subarray(HEADER_BYTES))!;
  assertEquals([acks, firstPacket, rwind], [[], 1, 34], "two that say nothing, and what an unread call may have");
  assertEquals(hand.after(2000), ["ABORT -3"]);
});

test("102: who answers at the last moment is waited for as long as anybody", () => {
  const hand = asServer({ reachCheck: "always" });
  const calls = hand.offer(147);
  hand.d(1, 0, 100);
  hand.world.run(19_000);
  hand.a(1, 0, hand.world.sent.at(-1)!.header.serial, PING_RESPONSE);
  hand.world.run(10_000);
  assertEquals([calls.length, calls[0]!.closedCount], [1, 0]);
});

test("maxHeldBytesPerPeer: packets that wait for a client to prove who it is", () => {
  const hand = asServer({ maxHeldBytesPerPeer: 10_000 });
  hand.offer(secured);
  hand.securityIndex = 2;
  for (let channel = 0; channel < 4; channel++) {
    for (let seq = 1; seq <= 20; seq++) hand.d(seq, 0, 1000, { cid: hand.cid | channel });
  }
  assert(hand.engine.heldBytes > 8000 && hand.engine.heldBytes <= 10_000, String(hand.engine.heldBytes));
  hand.world.run(60_000);
  assertEquals(hand.engine.heldBytes, 0);
});

for (const limit of ["maxHeldBytesPerPeer", "maxHeldBytes"] as const) {
  test(`${limit}: what a call says in order before its address has answered; the rest comes again`, () => {
    // of the endpoint's budget there is a quarter for those who have proved nothing
    const hand = asServer({ reachCheck: "always", [limit]: limit === "maxHeldBytes" ? 10_000 : 2500 });
    const calls = hand.offer(147);
    for (let seq = 1; seq <= 5; seq++) hand.d(seq, seq === 5 ? L : 0, 1000);
    assertEquals([calls.length, hand.engine.heldBytes], [0, 2000]);
    const ping = hand.world.sent.find(({ data }) => data[HEADER_BYTES + 16] === PING)!;
    hand.a(1, 0, ping.header.serial, PING_RESPONSE);
    assertEquals([calls[0]!.bytes, calls[0]!.hasEnded, hand.engine.heldBytes], [2000, false, 0]);
    for (let seq = 3; seq <= 5; seq++) hand.d(seq, seq === 5 ? L : 0, 1000);
    assertEquals([calls[0]!.bytes, calls[0]!.hasEnded], [5000, true]);
  });
}

for (const [what, service, securityIndex] of [["open", { id: 147 }, 0], ["secured", secured, 2]] as const) {
  test(`maxHeldBytes: calls that wait for their clients to prove something are so many at most, ${what} service`, () => {
    const hand = asServer({ reachCheck: "always", maxHeldBytes: 20 * 16 * 1024 });
    const calls = hand.offer(service);
    const begin = (host: number): void => {
      const from = { address: `10.1.0.${host}`, port: 7001 };
      for (let channel = 0; channel < 4; channel++) {
        hand.packet({ cid: hand.cid | channel, seq: 1, securityIndex }, new Uint8Array(0), from);
      }
    };
    const running = (): number =>
      hand.engine.snapshot().connections.flatMap(({ channels }) => channels).filter(({ state }) => state === ACTIVE)
        .length;
    for (let host = 0; host < 10; host++) begin(host);
    assertEquals([hand.engine.stats.serviceCalls, running()], [40, 20]);
    const busy = hand.world.sent.filter(({ header }) => header.type === RxPacketType.BUSY);
    assertEquals([...new Set(busy.map(({ to }) => to.address))], [0, 1, 2, 3, 4].map((host) => `10.1.0.${host}`));
    hand.world.run(30_000);
    assertEquals([calls.length, running()], [0, 0]);
    begin(11);
    assertEquals([hand.engine.stats.serviceCalls, running()], [44, 4], "there is room again");
  });
}

test("maxHeldBytes: made up addresses keep no client out that answers within a round trip", () => {
  const hand = asServer({ reachCheck: "always", maxHeldBytes: 10_000 });
  const calls = hand.offer(147);
  const flood = (): void => {
    for (let host = 0; host < 200; host++) {
      hand.packet({ seq: 1 }, new Uint8Array(0), { address: `10.2.0.${host}`, port: 7001 });
    }
  };
  const from = { address: "10.1.0.1", port: 7001 };
  flood();
  hand.packet({ seq: 1 }, new Uint8Array(4), from);
  hand.packet({ type: RxPacketType.ACK }, pingResponse(hand.world.sent.at(-1)!.header.serial), from);
  flood();
  assertEquals(calls.length, 1);
});

test("maxHeldBytes: a secured call that was put off before its client said who it is begins when that is said", () => {
  const accepted = {
    protection: unprotected,
    identity: { name: "a", realm: "b", level: 0 },
    callNumbers: [1, 0, 0, 0],
  };
  const handshake = { challenge: () => new Uint8Array(16), accept: () => accepted };
  const hand = asServer({ reachCheck: "always", maxHeldBytes: 10_000 });
  const calls = hand.offer({ id: 147, security: [{ index: 2, challenge: () => handshake }] } as unknown as RxService);
  const begin = (address: string): void => {
    hand.packet({ seq: 1, securityIndex: 2 }, new Uint8Array(4), { address, port: 7001 });
  };
  begin("10.1.0.1");
  for (let host = 0; host < 30; host++) begin(`10.2.0.${host}`);
  const response = { type: RxPacketType.RESPONSE, callNumber: 0, securityIndex: 2 };
  hand.packet(response, new Uint8Array(8), { address: "10.1.0.1", port: 7001 });
  begin("10.1.0.1");
  assertEquals(calls.length, 1);
});

test("maxHeldBytes: a call whose client has proved something takes no place of those that wait for that", () => {
  const hand = asServer({ reachCheck: "always", maxHeldBytes: 10_000 });
  const calls = hand.offer(147);
  for (let host = 0; host < 40; host++) {
    const from = { address: `10.1.0.${host}`, port: 7001 };
    hand.packet({ seq: 1 }, new Uint8Array(4), from);
    hand.packet({ type: RxPacketType.ACK }, pingResponse(hand.world.sent.at(-1)!.header.serial), from);
  }
  assertEquals(calls.length, 40);
});

test("102: what came before its address had answered: nothing is told behind an abort", () => {
  const hand = asServer({ reachCheck: "always" });
  hand.offer(147);
  const told: string[] = [];
  hand.host.incoming = (port) => ({
    data: () => {
      told.push("data");
      port.abort(5, hand.world.now);
    },
    ended: () => told.push("ended"),
    closed: () => told.push("closed"),
  });
  for (let seq = 1; seq <= 3; seq++) hand.d(seq, seq === 3 ? L : 0, 100);
  hand.a(1, 0, hand.world.sent[0]!.header.serial, PING_RESPONSE);
  assertEquals([told, hand.engine.heldBytes], [["data", "closed"], 0]);
});

test("99: late packets of a call that went well: a server answers two a second in each channel", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  for (let channel = 0; channel < 2; channel++) {
    hand.d(1, L, 10, { cid: hand.cid | channel });
    hand.reply(calls[channel]!, 20);
    hand.a(2, 1, 0, IDLE, [], { header: { cid: hand.cid | channel } });
  }
  const answers = (channel: number): number => {
    let count = 0;
    for (let i = 0; i < 10; i++) count += hand.d(1, L, 10, { cid: hand.cid | channel }).length;
    return count;
  };
  assertEquals([answers(0), answers(1)], [2, 2]);
  hand.world.run(500);
  assertEquals(answers(0), 1);
});

test("7.1, 17: without security a running call is ended by one of the next sixteen numbers only", () => {
  for (const [number, isTaken] of [[17, true], [18, false]] as const) {
    const hand = asServer();
    const calls = hand.offer(147);
    hand.d(1);
    hand.d(1, L, 10, { callNumber: number });
    assertEquals([calls.length, calls[0]!.closedCount], isTaken ? [2, 1] : [1, 0]);
  }
  const idle = asServer();
  const calls = idle.offer(147);
  idle.d(1, L);
  idle.reply(calls[0]!, 10);
  idle.a(2, 1, 1, IDLE);
  idle.d(1, L, 10, { callNumber: 1000 });
  assertEquals(calls.length, 2);
});

test("7.3: with more than half of maxServiceConnections there, those without calls are kept for a minute", () => {
  const hand = asServer({ maxServiceConnections: 8, maxServiceConnectionsPerPeer: 8 });
  const calls = hand.offer(147);
  const serve = (epoch: number): void => {
    hand.d(1, L, 1, { epoch: 0x80000000 + epoch });
    hand.reply(calls.at(-1)!, 1);
    hand.a(2, 1, 0, IDLE, [], { header: { epoch: 0x80000000 + epoch } });
  };
  for (let epoch = 1; epoch <= 4; epoch++) serve(epoch);
  hand.world.run(61_000);
  assertEquals(hand.engine.connections.service, 4, "half: ten minutes");
  serve(5);
  assertEquals(hand.engine.connections.service, 5);
  serve(6);
  serve(7);
  assertEquals([hand.engine.connections.service, hand.drops()["connection evicted"]], [5, 2], "the oldest give way");
  hand.world.run(61_000);
  assertEquals(hand.engine.connections.service < 5, true);
  hand.world.run(600_000);
  assertEquals(hand.engine.connections.service, 0);
});

test("92: a first packet beyond receiveWindow leaves nothing behind; within it may be any", () => {
  for (const [receiveWindow, seq, connections] of [[32, 33, 0], [32, 32, 1], [255, 255, 1]] as const) {
    const hand = asServer({ receiveWindow });
    hand.offer(147);
    hand.d(seq);
    assertEquals(hand.engine.connections.service, connections, `${seq} of ${receiveWindow}`);
  }
});

test("2.10: the last acknowledgement says the same of sizes as others do", () => {
  const hand = asClient({ acceptJumbo: 4, receiveWindow: 100 });
  hand.call(10);
  hand.d(1, L, 20);
  hand.world.run(20);
  const { maxMtu, ifMtu, rwind, jumboMax } = decodeAck(hand.world.sent.at(-1)!.data.subarray(HEADER_BYTES))!;
  assertEquals([maxMtu, ifMtu, rwind, jumboMax], [65_160, 1444, 100, 4]);
});

test("2.7: a connection that its other end has aborted: whoever goes on with it hears of that, an ABORT does not", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1);
  hand.abort(-5, { callNumber: 0 });
  assertEquals([calls[0]!.closedCount, hand.d(2, L), hand.abort(-5)], [1, ["ABORT -5"], []]);
});
