/** The spec's cases E: receiving, and when to acknowledge. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { concat } from "../../src/bytes/mod.ts";
import { HEADER_BYTES } from "../../src/rxrpc/header.ts";
import { packetOf } from "../../src/rxrpc/control_packet.ts";
import { RxAckReason, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { asClient, asServer, type Hand, J, L, R } from "./by_hand.ts";
import { pattern } from "./world.ts";

const { DELAY, IDLE, PING, PING_RESPONSE } = RxAckReason;

/** A jumbogram from packet `seq` on; flags of each packet, lengths are full but the last. */
function jumbo(hand: Hand, seq: number, flags: readonly number[]): string[] {
  const first = packetOf(hand.header({ seq, flags: hand.direction | flags[0]! | J }), new Uint8Array(0));
  const parts = [first];
  flags.slice(1).forEach((flag, at) => {
    const isLast = at === flags.length - 2;
    parts.push(pattern(1412, seq + at), Uint8Array.of(hand.direction | flag | (isLast ? 0 : J), 0, 0, 0));
    hand.serial++;
  });
  return hand.raw(concat([...parts, pattern(100, seq)]));
}

test("108: one packet is acknowledged after 100 ms", () => {
  const hand = asServer();
  hand.offer(147);
  assertEquals(hand.d(1), []);
  assertEquals(hand.after(99), []);
  assertEquals(hand.after(1), ["A IDLE 2/1 S0 []"]);
});

test("109: two packets are acknowledged at once", () => {
  const hand = asServer();
  hand.offer(147);
  assertEquals(hand.d(1), []);
  assertEquals(hand.d(2), [`A IDLE 3/2 S${hand.serial} []`]);
  assertEquals(hand.after(150), []);
});

test("110: a packet that asks is acknowledged at once, and only then", () => {
  const hand = asServer();
  hand.offer(147);
  assertEquals(hand.d(1, R), [`A REQUESTED 2/1 S${hand.serial} []`]);
  assertEquals(hand.after(150), []);
});

test("111: packets behind a hole, and the one that fills it", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1);
  assertEquals(hand.d(3), [`A OUT_OF_SEQUENCE 2/3 S${hand.serial} [01]`]);
  assertEquals(hand.d(4), [`A OUT_OF_SEQUENCE 2/4 S${hand.serial} [011]`]);
  assertEquals(hand.d(2), [`A DELAY 5/4 S${hand.serial} []`]);
  assertEquals([calls[0]!.bytes, hand.engine.heldBytes], [400, 0]);
});

test("112: a packet behind a hole that comes twice", () => {
  const hand = asServer();
  hand.offer(147);
  hand.d(2);
  const held = hand.engine.heldBytes;
  assertEquals(hand.d(2), [`A DUPLICATE 1/2 S${hand.serial} [01]`]);
  assertEquals(hand.engine.heldBytes, held);
});

test("113: receiveWindow: a packet beyond the window is dropped, and taken when the window has moved", () => {
  const hand = asServer({ receiveWindow: 16 });
  const calls = hand.offer(147);
  hand.d(1);
  assertEquals(hand.d(17), [`A EXCEEDS_WINDOW 2/1 S${hand.serial} []`]);
  for (let seq = 2; seq <= 16; seq++) hand.d(seq, seq === 16 ? R : 0);
  hand.world.settle();
  hand.d(17, L);
  assertEquals([calls[0]!.hasEnded, calls[0]!.bytes], [true, 1700]);
});

test("114: a reader that does not read: the window closes, and opens again", () => {
  const hand = asServer({ receiveWindow: 16 });
  const calls = hand.offer(147);
  const accept = hand.host.incoming;
  hand.host.incoming = (call) => {
    const sink = accept(call) as (typeof calls)[0];
    sink.onData = undefined;
    return sink;
  };
  for (let seq = 1; seq <= 16; seq++) hand.d(seq, seq === 16 ? R : 0);
  const rwind = (): number | undefined => hand.world.sent.at(-1)!.data[HEADER_BYTES + 18 + 3 + 11];
  assertEquals([hand.world.sent.length > 0, rwind()], [true, 0]);
  hand.d(17);
  calls[0]!.call!.consumed(800, hand.world.now);
  assertEquals(hand.out(), ["A IDLE 18/17 S0 []"]);
  assertEquals(rwind(), 7);
});

test("116: the highest packet that has come stays the highest", () => {
  const hand = asServer();
  hand.offer(147);
  hand.d(1);
  hand.d(5);
  assertEquals(hand.d(3), [`A OUT_OF_SEQUENCE 2/5 S${hand.serial} [0101]`]);
});

test("117: 255 packets can be told of, no more", () => {
  const hand = asServer({ receiveWindow: 255 });
  hand.offer(147);
  hand.d(2);
  for (let seq = 3; seq <= 255; seq++) hand.d(seq, 0, 1);
  hand.d(255, 0, 1);
  const packet = hand.d(256, 0, 1)[0]!;
  assertEquals(packet.startsWith("A EXCEEDS_WINDOW 1/255"), true, packet);
  assertEquals(packet.split("[")[1]!.length - 1, 255);
});

test("118: a jumbogram is acknowledged once, by the packet that asks", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  const before = hand.serial;
  assertEquals(jumbo(hand, 1, [0, 0, 0, R]), [`A REQUESTED 5/4 S${before + 4} []`]);
  assertEquals(calls[0]!.bytes, 3 * 1412 + 100);
});

test("119: a jumbogram of which some packets are duplicates", () => {
  const hand = asServer();
  hand.offer(147);
  hand.d(1);
  hand.d(2, R);
  const before = hand.serial;
  assertEquals(jumbo(hand, 2, [0, 0]), [`A DUPLICATE 4/3 S${before + 1} []`]);
});

test("120: what is out of order counts more than what is asked", () => {
  const hand = asServer();
  hand.offer(147);
  const before = hand.serial;
  assertEquals(jumbo(hand, 3, [0, R]), [`A OUT_OF_SEQUENCE 1/4 S${before + 1} [0011]`]);
});

test("121: PING is answered at once, whatever the state of the call", () => {
  const hand = asClient();
  hand.call(10);
  hand.out();
  assertEquals(hand.a(1, 0, 0, PING), [`A PING_RESPONSE 1/0 S${hand.serial} []`]);
  hand.a(2, 1, 1, IDLE);
  assertEquals(hand.a(1, 0, 0, PING), [`A PING_RESPONSE 1/0 S${hand.serial} []`], "although it is stale");
});

test("122, 123: other acknowledgements are answered when they ask, but not the answer to a PING", () => {
  const hand = asClient();
  hand.call(10);
  hand.out();
  assertEquals(hand.a(1, 0, 0, DELAY), []);
  assertEquals(hand.a(1, 0, 0, DELAY, [], { header: { flags: R } }), [`A REQUESTED 1/0 S${hand.serial} []`]);
  assertEquals(hand.a(1, 0, 9, PING_RESPONSE, [], { header: { flags: R } }), []);
});

test("124: a hundred PINGs in a second get ten answers", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.out();
  let answers = 0;
  for (let i = 0; i < 100; i++) answers += hand.a(1, 0, 0, PING).length;
  assertEquals([answers, call.closedCount], [10, 0]);
});

test("125: what is said acknowledges what was asked", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.after(50);
  hand.reply(calls[0]!, 20);
  assertEquals(hand.after(100), []);
});

test("126: every acknowledgement has its flags, its padding and its trailer", () => {
  const hand = asServer();
  hand.offer(147);
  hand.d(1, R);
  hand.d(3);
  hand.d(3);
  hand.a(1, 0, 0, PING);
  const acks = hand.world.sent.filter(({ header }) => header.type === RxPacketType.ACK);
  assertEquals(acks.length, 4);
  for (const { header, data } of acks) {
    const count = data[HEADER_BYTES + 17]!;
    assertEquals([header.flags, header.seq, data.length], [0x20, 0, HEADER_BYTES + 18 + count + 3 + 16]);
    assertEquals([...data.subarray(HEADER_BYTES + 18 + count, HEADER_BYTES + 21 + count)], [0, 0, 0]);
  }
});

test("127: packets of every size", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  let total = 0;
  for (let size = 0; size <= 1444; size++) {
    hand.d(size + 1, 0, size);
    total += size;
    hand.world.settle();
  }
  assertEquals(calls[0]!.bytes, total);
});

test("128: a thousand packets in any order within the window, a third of them twice", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = new SeededRandom(seed);
    const hand = asServer();
    const calls = hand.offer(147);
    const body = pattern(100_000, seed);
    let next = 1;
    while (next <= 1000) {
      const window = Array.from({ length: Math.min(100, 1001 - next) }, (_, at) => next + at);
      const order = window.flatMap((seq) => random.chance(0.3) ? [seq, seq] : [seq]);
      random.shuffle(order);
      for (const seq of order) hand.d(seq, seq === 1000 ? L : 0, body.subarray(100 * (seq - 1), 100 * seq));
      next += window.length;
    }
    assertEquals([calls[0]!.hasEnded, calls[0]!.bytes], [true, 100_000]);
    assertEquals(calls[0]!.all.every((byte, at) => byte === body[at]), true);
    assertEquals(hand.engine.heldBytes, 0);
  }
});

test("maxHeldBytesPerPeer: what is out of order is dropped beyond it, and told as such", () => {
  const hand = asServer({ maxHeldBytesPerPeer: 300 });
  const calls = hand.offer(147);
  hand.d(2);
  hand.d(3);
  assertEquals(hand.d(4), [`A NOSPACE 1/3 S${hand.serial} [011]`]);
  hand.d(1);
  hand.d(4, L);
  assertEquals([calls[0]!.bytes, calls[0]!.hasEnded, hand.engine.heldBytes], [400, true, 0]);
});
