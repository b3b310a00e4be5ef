/** The spec's cases F, G and H: acknowledgements, windows, losses, times, jumbograms. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { dataPackets } from "../../src/rxrpc/jumbo.ts";
import { RxAckReason, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { asClient, asServer, type Hand, J, L, R } from "./by_hand.ts";

const { DELAY, DUPLICATE, EXCEEDS_WINDOW, IDLE, OUT_OF_SEQUENCE, PING_RESPONSE, REQUESTED } = RxAckReason;

/** A client that has just sent its first four packets of many. */
function sending(
  options: Parameters<typeof asClient>[0] = {},
  bytes = 200_000,
): Hand & { call_: ReturnType<Hand["call"]> } {
  const hand = asClient(options);
  const call = hand.call(bytes);
  hand.out();
  return Object.assign(hand, { call_: call });
}

const data = (packets: readonly string[]): string[] => packets.filter((packet) => packet.startsWith("D"));
const numbers = (packets: readonly string[]): number[] => data(packets).map((packet) => parseInt(packet.slice(1)));

test("129, 154: acknowledged packets are released, and the window grows by as many", () => {
  const hand = sending();
  assertEquals(numbers(hand.a(3, 2, 2, REQUESTED)), [5, 6, 7, 8]);
  assertEquals(numbers(hand.a(5, 4, 4, REQUESTED)), [9, 10, 11, 12]);
  // one acknowledgement of what two would have been sent for
  assertEquals(numbers(hand.a(9, 8, 8, REQUESTED)), [13, 14, 15, 16, 17, 18, 19, 20]);
});

test("130, 155: three later packets have come: the first is sent again, once, and asks", () => {
  const hand = sending();
  const out = hand.packets.call(hand);
  assertEquals(out, []);
  const after = hand.a(1, 4, 4, OUT_OF_SEQUENCE, [0, 1, 1, 1]);
  assertEquals(data(after)[0], "D1 C|R 1412".replace("C|R", "C|R"));
  const again = hand.world.sent.filter(({ header }) => header.seq === 1);
  assertEquals([again.length, again[1]!.header.serial > 4], [2, true]);
});

test("131: the same acknowledgement once more loses nothing more", () => {
  const hand = sending();
  hand.a(1, 4, 4, OUT_OF_SEQUENCE, [0, 1, 1, 1]);
  assertEquals(numbers(hand.a(1, 4, 4, OUT_OF_SEQUENCE, [0, 1, 1, 1])).includes(1), false);
});

test("132: a packet that had come and was thrown away is sent again", () => {
  const hand = sending();
  hand.a(1, 2, 2, REQUESTED, [1, 1]);
  assertEquals(numbers(hand.a(1, 3, 3, OUT_OF_SEQUENCE, [1, 0, 1])).includes(2), true);
});

test("133, 145: an acknowledgement that was overtaken is not applied, and does not count as a word of the peer", () => {
  const hand = sending();
  hand.a(3, 2, 2, REQUESTED);
  const sent = hand.world.sent.length;
  hand.a(1, 1, 1, REQUESTED, [0, 0]);
  assertEquals(hand.world.sent.length, sent);
});

test("134: with nothing released, the highest packet tells which is older; some peers put a serial number there", () => {
  const hand = sending();
  hand.a(1, 3, 3, REQUESTED, [1, 0, 1]);
  hand.a(1, 2, 2, REQUESTED, [1, 1, 0]);
  assertEquals(numbers(hand.a(1, 1000, 4, REQUESTED, [1, 1, 1, 1])).length > 0, true);
});

test("135, 136: acknowledgements of what was never sent: three are ignored, the fourth ends the call", () => {
  for (const [first, acks] of [[0, []], [6, []], [1, [1, 1, 1, 1, 1]]] as const) {
    const hand = sending();
    for (let i = 0; i < 3; i++) assertEquals(hand.a(first, 9, 1, REQUESTED, acks), []);
    assertEquals(hand.a(first, 9, 1, REQUESTED, acks), ["ABORT -5"]);
    assertEquals([hand.call_.closedCount, hand.call_.code], [1, "EPROTO"]);
  }
});

/** Acknowledges everything that was sent, until so many packets are under way at a time. */
function grow(hand: Hand, rounds: number, rwind = 255): number {
  let highest = 4;
  for (let i = 0; i < rounds; i++) {
    hand.world.run(10);
    const seen = numbers(hand.a(highest + 1, highest, hand.world.sent.at(-1)!.header.serial, REQUESTED, [], { rwind }));
    hand.world.run(1);
    highest = Math.max(highest, ...seen, ...hand.world.sent.map(({ header }) => header.seq));
  }
  return highest;
}

test("137: the peer's window bounds what is under way", () => {
  const hand = sending({}, 2_000_000);
  const highest = grow(hand, 12);
  const before = hand.world.sent.length;
  hand.a(highest + 1, highest, 0, IDLE, [], { rwind: 8 });
  hand.world.run(1);
  assertEquals(data(hand.world.sent.slice(before).map(({ header }) => `D${header.seq}`)).length, 8);
});

test("138: a closed window: the peer is asked, less and less often, until it opens", () => {
  const hand = sending();
  hand.a(5, 4, 4, IDLE, [], { rwind: 0 });
  assertEquals(hand.out(), []);
  const asked: number[] = [];
  for (let i = 0; i < 150; i++) {
    hand.world.run(100);
    for (const packet of hand.packets()) {
      if (packet.ack?.reason === RxAckReason.PING) asked.push(packet.at);
      hand.a(5, 4, packet.header.serial, PING_RESPONSE, [], { rwind: 0 });
    }
  }
  assertEquals(asked.length >= 4, true, String(asked));
  assertEquals(numbers(hand.a(5, 4, 0, IDLE, [], { rwind: 4 })), [5, 6, 7, 8]);
});

test("139: what an acknowledgement says of sizes is held within bounds", () => {
  const hand = sending({ maxDatagram: 1444 });
  hand.a(3, 2, 2, REQUESTED, [], { rwind: 0xffffffff, maxMtu: 0, jumboMax: 0x80000000 });
  hand.a(5, 4, 4, REQUESTED, [], { rwind: 0xffffffff, maxMtu: 0x80000000, jumboMax: 0x80000000 });
  const lengths = hand.world.sent.filter(({ header }) => header.type === RxPacketType.DATA).map((one) =>
    one.data.length
  );
  assertEquals(Math.max(...lengths) <= 1440 && Math.min(...lengths) >= 472, true, String(lengths));
});

test("140: a window that shrinks below what is under way sends nothing again", () => {
  const hand = sending();
  hand.a(3, 2, 2, REQUESTED);
  const before = hand.world.sent.length;
  hand.a(4, 3, 3, REQUESTED, [], { rwind: 1 });
  assertEquals(hand.world.sent.length, before);
});

test("141, 142: no trailer: sixteen packets; an unknown reason is as good as any", () => {
  const hand = sending();
  const body = new Uint8Array(18);
  body[7] = 5;
  body[11] = 4;
  body[16] = 200;
  const out = hand.packet({ type: RxPacketType.ACK, flags: 0x20 }, body);
  assertEquals(numbers(out).length > 0, true);
});

test("143: which acknowledgements tell how far the peer is", () => {
  const rtt = (reason: number, serial: number): number | undefined => {
    const hand = sending();
    hand.world.run(20);
    hand.a(2, 1, serial, reason);
    return hand.call_.call!.srtt;
  };
  assertEquals([rtt(DELAY, 1), rtt(REQUESTED, 1), rtt(REQUESTED, 99), rtt(EXCEEDS_WINDOW, 1)], [
    undefined,
    20,
    undefined,
    undefined,
  ]);
});

test("143: the serial number tells which of two transmissions was answered", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.after(1500);
  hand.a(2, 1, 1, REQUESTED);
  assertEquals(call.call!.srtt, 1500);
});

test("144: PING tells it as well, an answer to nothing does not", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.after(901);
  const ping = hand.world.sent.findLast(({ data: bytes }) => bytes[28 + 16] === RxAckReason.PING)!;
  hand.world.run(20 - (hand.world.now - ping.at));
  hand.a(1, 0, 999, PING_RESPONSE);
  assertEquals(calls[0]!.call!.srtt, undefined);
  hand.a(1, 0, ping.header.serial, PING_RESPONSE);
  assertEquals(calls[0]!.call!.srtt, 20);
});

test("146: an acknowledgement behind the end is not answered", () => {
  const hand = asClient();
  hand.call(10);
  hand.d(1, L, 5);
  hand.after(20);
  assertEquals(hand.a(2, 1, 1, IDLE), []);
});

test("147: the server takes us for somebody else: only when it says so twice", () => {
  const hand = sending();
  hand.a(1, 0, 1, EXCEEDS_WINDOW);
  assertEquals(hand.call_.closedCount, 0);
  hand.a(1, 0, 2, EXCEEDS_WINDOW);
  assertEquals([hand.call_.closedCount, hand.call_.code], [1, "ENETRESET"]);
});

test("147: not when it has heard of us before", () => {
  const hand = sending();
  hand.a(2, 1, 1, REQUESTED);
  for (let i = 0; i < 3; i++) hand.a(1, 0, 1, EXCEEDS_WINDOW);
  assertEquals(hand.call_.closedCount, 0);
});

test("148: the server has nothing of the call: it is sent from its beginning", () => {
  const hand = sending();
  assertEquals(numbers(hand.a(1, 0, 4, OUT_OF_SEQUENCE))[0], 1);
});

test("149: a server that says nothing: a probe, then again and again, less and less often, for 20 s", () => {
  const hand = asClient();
  const call = hand.call(10);
  const start = hand.world.now;
  hand.after(30_000);
  const at = hand.world.sent.filter(({ header }) => header.type === RxPacketType.DATA).map((one) => one.at - start);
  assertEquals(at[0], 0);
  assertEquals(at.length >= 4 && at[1]! <= 1500, true, String(at));
  const gaps = at.slice(2).map((time, i) => time - at[i + 1]!);
  assertEquals(gaps.every((gap, i) => i === 0 || gap >= gaps[i - 1]!), true, String(at));
  assertEquals([call.closedCount, call.code], [1, "ETIMEDOUT"]);
  // whoever does not know the call would abort it when asked about it
  assertEquals(hand.world.sent.filter(({ header }) => header.type === RxPacketType.ACK), []);
  const last = hand.world.sent.at(-1)!;
  assertEquals([last.header.type, last.at - start], [RxPacketType.ABORT, 20_000]);
});

test("151: a server that is busy: the call goes on as before", () => {
  const hand = asClient();
  const call = hand.call(10);
  for (let i = 0; i < 15; i++) {
    hand.after(1000);
    hand.packet({ type: RxPacketType.BUSY });
  }
  assertEquals([call.closedCount, call.busyCount], [0, 15]);
});

test("151: busy, when the caller does not want to wait", () => {
  const hand = asClient();
  const call = hand.call(10, { failsWhenBusy: true });
  hand.packet({ type: RxPacketType.BUSY });
  assertEquals([call.closedCount, call.code], [1, "EBUSY"]);
});

test("153: after a timeout one packet at a time, then two", () => {
  const hand = sending();
  hand.after(1001);
  hand.after(3000);
  const seen = hand.world.sent.length;
  const out = hand.a(2, 1, hand.world.sent.at(-1)!.header.serial, REQUESTED, [], { rwind: 32 });
  assertEquals(numbers(out).length <= 2, true, String(out));
  assertEquals(hand.world.sent.length > seen, true);
});

test("157: the last packet is lost: it is asked for before the timeout", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.reply(calls[0]!, 3000);
  hand.world.run(10);
  hand.a(3, 2, 2, REQUESTED);
  const start = hand.world.now;
  hand.world.run(400);
  const isThird = ({ header }: (typeof hand.world.sent)[0]): boolean =>
    header.seq === 3 && header.type === RxPacketType.DATA;
  const probe = hand.world.sent.filter(isThird)[1]!;
  assertEquals(probe.at - start <= 121 && (probe.header.flags & (R | L)) === (R | L), true, String(probe.at - start));
});

test("158: packets that overtake each other by two are not lost; who sent again without need waits longer", () => {
  const hand = sending();
  assertEquals(numbers(hand.a(1, 3, 3, OUT_OF_SEQUENCE, [0, 1, 1])).includes(1), false);
  hand.a(1, 4, 4, OUT_OF_SEQUENCE, [0, 1, 1, 1]);
  const again = hand.world.sent.findLast(({ header }) => header.seq === 1)!.header.serial;
  hand.a(1, 4, again, DUPLICATE, [0, 1, 1, 1]);
  assertEquals(again > 4, true);
});

test("163: the connection lives, but not the call", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.a(1, 1, 1, REQUESTED, [1]);
  const { cid } = hand;
  hand.call(10);
  const other = hand.cid;
  for (let i = 0; i < 25; i++) {
    hand.after(1000);
    hand.cid = other;
    hand.a(1, 1, 0, IDLE, [1]);
  }
  hand.cid = cid;
  assertEquals([call.closedCount, call.code], [1, "ECONNRESET"]);
});

test("164: an upload that its application does not go on with: the server is asked", () => {
  const hand = asClient();
  const call = hand.call(undefined);
  call.call!.write(new Uint8Array(100), hand.world.now);
  call.call!.flush(hand.world.now);
  hand.follow();
  const [first] = hand.packets();
  hand.a(2, 1, first!.header.serial, RxAckReason.REQUESTED);
  // at first soon, some peers are impatient; then six times in the time that the peer may be silent
  assertEquals(hand.after(850), ["A PING 1/0 S0 []"]);
  assertEquals(hand.after(3200), []);
  assertEquals(hand.after(200), ["A PING 1/0 S0 []"]);
});

test("165: a long call stays alive as long as its client answers", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  for (let i = 0; i < 600; i++) {
    hand.world.run(1000);
    for (const packet of hand.packets()) {
      if (packet.ack?.reason === RxAckReason.PING) hand.a(1, 0, packet.header.serial, PING_RESPONSE);
    }
  }
  assertEquals(calls[0]!.closedCount, 0);
});

test("166: ten packets at a time, then others have their turn", () => {
  const hand = sending({}, 2_000_000);
  const highest = grow(hand, 14);
  const before = hand.world.sent.length;
  hand.engine.push({ data: hand.world.sent[0]!.data, from: hand.peer }, hand.world.now);
  assertEquals([highest > 60, before > 60], [true, true]);
});

test("167, 168, 170: jumbograms only when they were asked for, as many packets as all allow; alone when sent again", () => {
  const plain = sending();
  plain.a(3, 2, 2, REQUESTED, [], { jumboMax: 4, maxMtu: 5692 });
  assertEquals(plain.world.sent.some(({ header }) => header.type === 1 && (header.flags & J) !== 0), false);
  const hand = sending({ jumbo: 4, maxDatagram: 5692 });
  hand.a(3, 2, 2, REQUESTED, [], { jumboMax: 4, maxMtu: 5692 });
  hand.a(5, 4, 4, REQUESTED, [], { jumboMax: 4, maxMtu: 5692 });
  const jumbos = hand.world.sent.filter(({ header }) => header.type === 1 && (header.flags & J) !== 0);
  assertEquals(jumbos.length > 0, true);
  for (const { header, data: bytes } of jumbos) assertEquals(dataPackets(header, bytes)!.length <= 4, true);
  assertEquals(Math.max(...jumbos.map(({ data: bytes }) => bytes.length)), 5688);
});

test("171: a peer that takes no more jumbograms", () => {
  const hand = sending({ jumbo: 4, maxDatagram: 5692 });
  hand.a(3, 2, 2, REQUESTED, [], { jumboMax: 4, maxMtu: 5692 });
  const before = hand.world.sent.length;
  hand.a(5, 4, 4, REQUESTED, [], { jumboMax: 1, maxMtu: 1444 });
  hand.a(9, 8, 0, REQUESTED, [], { jumboMax: 1, maxMtu: 1444 });
  const later = hand.world.sent.slice(before).filter(({ header }) => header.type === 1);
  assertEquals([later.length > 0, later.some(({ header }) => (header.flags & J) !== 0)], [true, false]);
});

test("173: a peer that takes smaller datagrams gets smaller packets", () => {
  const hand = sending({}, 1_000_000);
  const before = hand.world.sent.length;
  hand.a(3, 2, 2, REQUESTED, [], { maxMtu: 1024 });
  for (let first = 5; first < 400; first += 4) hand.a(first, first - 1, 0, REQUESTED, [], { maxMtu: 1024 });
  const sizes = hand.world.sent.slice(before).filter(({ header }) => header.type === 1).map(({ data: bytes }) =>
    bytes.length
  );
  assertEquals(sizes.at(-1), 1024, "those that were cut before are sent as they are");
});

test("175: a padded PING is answered as any other", () => {
  const hand = asClient();
  hand.call(10);
  hand.out();
  const body = new Uint8Array(9000);
  body[7] = 1;
  body[16] = RxAckReason.PING;
  const [answer] = hand.packet({ type: RxPacketType.ACK, flags: R | 0x20 }, body);
  assertEquals(answer, `A PING_RESPONSE 1/0 S${hand.serial} []`);
  assertEquals(hand.world.sent.at(-1)!.data.length, 65);
});
