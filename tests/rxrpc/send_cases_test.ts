/** The spec's cases F, G and H: acknowledgements, windows, losses, times, jumbograms. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { ackLength, encodeAck } from "../../src/rxrpc/ack.ts";
import { Congestion } from "../../src/rxrpc/congestion.ts";
import { packetOf } from "../../src/rxrpc/control_packet.ts";
import { dataPackets } from "../../src/rxrpc/jumbo.ts";
import { RxAckReason, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { RxPeer } from "../../src/rxrpc/peer.ts";
import { LossDetector } from "../../src/rxrpc/loss_detector.ts";
import { RttEstimator } from "../../src/rxrpc/rtt_estimator.ts";
import type { SendPacket } from "../../src/rxrpc/send_packet.ts";
import { SendSide } from "../../src/rxrpc/send_side.ts";
import { asClient, asServer, type Hand, J, L, R } from "./by_hand.ts";

const { DELAY, DUPLICATE, EXCEEDS_WINDOW, IDLE, OUT_OF_SEQUENCE, PING, PING_RESPONSE, REQUESTED } = RxAckReason;

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
  const after = hand.a(1, 4, 4, OUT_OF_SEQUENCE, [0, 1, 1, 1]);
  assertEquals(data(after)[0], "D1 C|R 1412");
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
  assertEquals(hand.a(1, 1, 1, REQUESTED, [0, 0]), []);
  assertEquals(hand.a(1, 1, 0, PING), [`A PING_RESPONSE 1/0 S${hand.serial} []`]);
  // it goes on hearing such, and is over twenty seconds after the one that counted: the server seems to know it no more
  const heard = hand.world.now;
  while (hand.call_.closedCount === 0) {
    hand.world.run(500);
    hand.a(1, 1, 1, REQUESTED, [0, 0]);
  }
  assertEquals([hand.call_.code, hand.world.now - heard], ["ECONNRESET", 20_000]);
});

test("134: with nothing released, the highest packet tells which is older; some peers put a serial number there", () => {
  const hand = sending();
  hand.a(1, 3, 3, REQUESTED, [1, 0, 1]);
  assertEquals(hand.a(1, 2, 2, REQUESTED, [1, 1, 0]), [], "packet 3 is not taken for one that was thrown away");
  assertEquals(numbers(hand.a(1, 1000, 4, REQUESTED, [1, 1, 1, 1])), [9, 10, 11, 12]);
});

test("135, 136: acknowledgements of what was never sent: three are ignored, the fourth ends the call", () => {
  for (const [first, acks] of [[0, []], [6, []], [1, [1, 1, 1, 1, 1]]] as const) {
    const hand = sending();
    for (let i = 0; i < 3; i++) assertEquals(hand.a(first, 9, 1, REQUESTED, acks), []);
    assertEquals(hand.a(first, 9, 1, REQUESTED, acks), ["ABORT -5"]);
    assertEquals([hand.call_.closedCount, hand.call_.code], [1, "EPROTO"]);
  }
});

test("140, 154, 155, 159: the congestion window, and where slow start ends", () => {
  const full = (one: Congestion, packets: number, order: number): number => {
    one.acknowledged(packets, order, true, false);
    return one.window;
  };
  const congestion = new Congestion(8);
  assertEquals([full(congestion, 2, 1), full(congestion, 2, 3), full(congestion, 2, 5)], [6, 8, 8]);
  // from there on by one packet for each round trip, and only when it was what kept more from being sent
  assertEquals([full(congestion, 4, 9), full(congestion, 2, 11), full(congestion, 7, 18)], [8, 9, 9]);
  congestion.acknowledged(100, 118, false, false);
  assertEquals(congestion.window, 9);
  // half of what is under way, two packets at least; once for all that is lost of one window
  assertEquals([congestion.lost(120, 130, 9), congestion.window, congestion.threshold], [true, 4, 4]);
  assertEquals([congestion.lost(125, 131, 3), congestion.window, full(congestion, 4, 130)], [false, 4, 4]);
  assertEquals([congestion.lost(140, 150, 3), congestion.threshold], [true, 2]);
  const late = new Congestion(128);
  late.timedOut(10, 40);
  assertEquals([late.window, late.threshold], [1, 20]);
  late.timedOut(10, 1);
  assertEquals(late.threshold, 20, "a second timeout of the same packets");
  const idle = Object.assign(new Congestion(8), { window: 40 });
  idle.idle();
  assertEquals([idle.window, idle.threshold], [20, 30]);
  idle.window = 6;
  idle.idle();
  assertEquals([idle.window, idle.threshold], [4, 30]);
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
  const waits = asked.slice(1).map((at, i) => at - asked[i]!);
  // the keepalive asks too; beside it each wait is twice the last, until it is ten seconds
  assertEquals(waits.slice(0, 4).every((wait, i) => i === 0 || wait >= 2 * waits[i - 1]! - 100), true, String(asked));
  assertEquals(numbers(hand.a(5, 4, 0, IDLE, [], { rwind: 4 })), [5, 6, 7, 8]);
});

test("139: what an acknowledgement says of sizes is held within bounds", () => {
  const hand = sending({ maxDatagram: 1444 });
  hand.a(3, 2, 2, REQUESTED, [], { rwind: 0xffffffff, maxMtu: 0, jumboMax: 0x80000000 });
  hand.a(5, 4, 4, REQUESTED, [], { rwind: 0xffffffff, maxMtu: 0x80000000, jumboMax: 0x80000000 });
  assertEquals(hand.engine.snapshot().peers[0]!.maxMtu, 65_507);
  hand.a(5, 4, 4, REQUESTED, [], { rwind: 0xffffffff, maxMtu: 0, jumboMax: 0x80000000 });
  assertEquals(hand.engine.snapshot().peers[0]!.maxMtu, 500);
  const peer = new RxPeer(hand.peer, 0);
  peer.sizes(65_507, 0x80000000);
  assertEquals([peer.maxMtu, peer.jumboMax], [65_507, 46]);
  const side = new SendSide(new RttEstimator(), Object.assign(new Congestion(), { window: 1000 }), 255, true);
  for (let seq = 1; seq <= 300; seq++) {
    side.add({ seq, transmissions: 0, isAcked: false, isLost: false, isLast: false } as SendPacket);
  }
  side.window(0xffffffff);
  let under = 0;
  for (let packet = side.peek(0); packet !== undefined; packet = side.peek(0)) side.transmitted(packet, ++under, 0);
  assertEquals(under, 255);
});

test("140: a window that shrinks below what is under way sends nothing again", () => {
  const hand = sending();
  hand.a(3, 2, 2, REQUESTED);
  const before = hand.world.sent.length;
  hand.a(4, 3, 3, REQUESTED, [], { rwind: 1 });
  assertEquals(hand.world.sent.length, before);
});

test("141, 142: no trailer: sixteen packets; an unknown reason is as good as any", () => {
  const hand = sending({ jumbo: 4, maxDatagram: 5692 }, 2_000_000);
  hand.world.run(20);
  let highest = 4;
  let under = 0;
  for (let round = 0; round < 6; round++) {
    const body = new Uint8Array(18);
    body[7] = highest + 1;
    body[11] = highest;
    body[15] = hand.world.sent.at(-1)!.header.serial;
    body[16] = 200;
    const sent = numbers(hand.packet({ type: RxPacketType.ACK, flags: 0x20 }, body));
    sent.push(...numbers(hand.after(1)));
    under = Math.max(...sent) - highest;
    highest = Math.max(...sent);
  }
  assertEquals([under, hand.call_.call!.srtt], [16, undefined]);
  assertEquals(hand.world.sent.some(({ header }) => header.type === 1 && (header.flags & J) !== 0), false);
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
  const silent = asClient();
  silent.call(10);
  silent.after(15_000);
  const times = (one: Hand): number[] => one.world.sent.map(({ at }) => at);
  assertEquals(times(hand), times(silent), "BUSY makes nothing go sooner, or later");
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
  assertEquals(numbers(hand.after(0)), [], "one is under way");
  // the timeout has halved what was under way: slow start goes up to two, then by one for each round trip
  const answer = (first: number): number[] =>
    numbers(hand.a(first, first - 1, hand.world.sent.at(-1)!.header.serial, REQUESTED, [], { rwind: 32 }));
  assertEquals([answer(2), answer(3), answer(5)], [[2, 3], [4], [5, 6, 7]]);
});

test("157: the last packet is lost: it is asked for before the timeout", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.reply(calls[0]!, 3000);
  hand.world.run(10);
  const second = hand.world.sent.find(({ header }) => header.seq === 2)!.header.serial;
  hand.a(3, 2, second, REQUESTED);
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

test("158: three that overtake a packet are enough to take it for lost; after a mistake, six", () => {
  const losses = new LossDetector();
  const packet = (order: number): SendPacket => ({ order, sentAt: 0 }) as SendPacket;
  const isLostWith = (order: number): boolean => {
    losses.acknowledged(packet(order));
    return losses.isLost(packet(0), 100);
  };
  assertEquals([1, 2, 3].map(isLostWith), [false, false, true]);
  losses.wasWrong();
  assertEquals([losses.isLost(packet(0), 100), ...[4, 5, 6].map(isLostWith)], [false, false, false, true]);
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
  const highest = grow(hand, 10);
  /** One turn: what goes out until the engine has nothing more to send. */
  const turn = (): number => {
    let count = 0;
    let buffer = new Uint8Array(0);
    hand.engine.transmit({
      alloc: (size) => buffer = new Uint8Array(size),
      commit: () => {
        if (buffer[20] === RxPacketType.DATA) count++;
      },
    }, hand.world.now);
    return count;
  };
  const body = new Uint8Array(ackLength(0));
  const ack = { firstPacket: highest + 1, previousPacket: highest, serial: 0, reason: IDLE, acks: [] };
  encodeAck({ ...ack, maxMtu: 1444, ifMtu: 1444, rwind: 255, jumboMax: 1 }, body);
  const header = hand.header({ type: RxPacketType.ACK, flags: 0x20 });
  hand.engine.push({ data: packetOf(header, body), from: hand.peer }, hand.world.now);
  const turns = [turn(), turn()];
  for (let i = 0; i < 2; i++) {
    assertEquals(hand.engine.timeoutAt(), hand.world.now, "the next turn is due at once");
    hand.engine.onTimeout(hand.world.now);
    turns.push(turn());
  }
  // the rest of the last turn's ten, nothing more before the others had theirs, then ten each time
  assertEquals([turns[0]! <= 10, ...turns.slice(1)], [true, 0, 10, 10]);
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
  const { seq, serial } = jumbos[0]!.header;
  hand.world.run(1);
  // the first of the jumbograms is lost
  const lost = hand.a(seq, seq + 7, 0, OUT_OF_SEQUENCE, [0, 0, 0, 0, 1, 1, 1, 1], { jumboMax: 4, maxMtu: 5692 });
  lost.push(...hand.after(1));
  const again = hand.world.sent.filter(({ header }) =>
    header.type === 1 && header.seq === seq && header.serial !== serial
  );
  assertEquals(again.map(({ header, data: bytes }) => [header.flags & J, bytes.length]), [[0, 1440]], String(lost));
});

test("168: what is shorter than a packet rides at the end of a jumbogram", () => {
  const hand = asClient({ jumbo: 4, maxDatagram: 5692 });
  const call = hand.call(undefined);
  call.call!.write(new Uint8Array(10), hand.world.now);
  call.call!.flush(hand.world.now);
  hand.follow();
  hand.a(2, 1, hand.world.sent.at(-1)!.header.serial, REQUESTED, [], { jumboMax: 4, maxMtu: 5692 });
  call.call!.write(new Uint8Array(3 * 1412 + 100), hand.world.now);
  call.call!.end(hand.world.now);
  hand.world.settle();
  const { header, data: bytes } = hand.world.sent.at(-1)!;
  const packets = dataPackets(header, bytes)!;
  assertEquals(packets.map(({ body }) => body.length), [1412, 1412, 1412, 100]);
  assertEquals(packets.map((packet) => packet.header.flags & L), [0, 0, 0, L]);
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
