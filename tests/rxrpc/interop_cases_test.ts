/** The spec's cases of other implementations, replayed: a conversation of OpenAFS 1.8 (205), a server that is stuck (208). */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { RxAckReason, RxFlag, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { asClient, asServer, type Hand, L, R } from "./by_hand.ts";
import { pattern, type Recorder } from "./world.ts";

const { DELAY, IDLE, PING, PING_RESPONSE, REQUESTED } = RxAckReason;
const FULL = 1412;
const MORE = 8;
const NEW = { maxMtu: 5692, ifMtu: 1444, jumboMax: 4 };

/** A jumbogram's body: full packets with their headers, the last one shorter. */
function jumboBody(flags: readonly number[], lastBytes: number): Uint8Array {
  const parts = flags.map((flag) => [...pattern(FULL), flag, 0, 0, 0]);
  return Uint8Array.from([...parts.flat(), ...pattern(lastBytes)]);
}

test("205: OpenAFS's conversation, our server: a soft acknowledgement and the next call end the first", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  assertEquals(hand.d(1, R, FULL), ["A REQUESTED 2/1 S1 []"]);
  hand.d(2, MORE | R, FULL);
  assertEquals(hand.d(3, R, FULL), ["A REQUESTED 4/3 S3 []"]);
  for (let seq = 4; seq < 15; seq++) hand.d(seq, 0, FULL);
  hand.d(15, L, 200);
  assertEquals([calls[0]!.hasEnded, calls[0]!.bytes], [true, 14 * FULL + 200]);
  hand.out();
  hand.reply(calls[0]!, 21 * FULL + 352);
  for (let released = 3; released < 14; released += 2) {
    hand.a(released, released - 1, 0, IDLE, [], NEW);
    hand.out();
  }
  // the last acknowledgement of the call: soft, and no other comes
  assertEquals(hand.a(14, 22, 0, IDLE, [1, 1, 1, 1, 1, 1, 1, 1, 1], NEW), []);
  assertEquals(calls[0]!.closedCount, 0);
  hand.callNumber = 2;
  const out = hand.d(1, R, FULL);
  assertEquals(out, [`A REQUESTED 2/1 S${hand.serial} []`]);
  assertEquals([calls.length, calls[0]!.closedCount, calls[0]!.error], [2, 1, undefined]);
});

test("205: OpenAFS's conversation, our client: the reply acknowledges, a jumbogram ends it, the next call is ready", () => {
  const hand = asClient();
  const call = hand.call(14 * FULL + 200);
  const sent = hand.world.sent.map(({ header }) => header);
  assertEquals([sent[0]!.seq, sent.length], [1, 4]);
  // reachability check before a thread is given
  const answer = hand.a(1, 1, 0, PING, [1], { ...NEW, rwind: 16 });
  assertEquals(answer.filter((packet) => packet.startsWith("A ")), ["A PING_RESPONSE 1/0 S1 []"]);
  // nobody has read yet; then the window opens
  hand.a(1, 4, 4, REQUESTED, [1, 1, 1, 1], { ...NEW, rwind: 16 });
  hand.a(5, 4, 0, DELAY, [], { ...NEW, rwind: 32 });
  hand.a(9, 12, 0, DELAY, [1, 1, 1, 1], { ...NEW, rwind: 32 });
  const all = hand.world.sent.filter(({ header }) => header.type === RxPacketType.DATA).map(({ header }) => header);
  assertEquals(all.map(({ seq }) => seq), Array.from({ length: 15 }, (_, i) => i + 1), "each once");
  assertEquals(all.at(-1)!.flags & (RxFlag.LAST_PACKET | RxFlag.REQUEST_ACK), RxFlag.LAST_PACKET);
  hand.out();
  hand.d(1, 0, FULL);
  for (let seq = 2; seq < 20; seq++) hand.d(seq, 0, FULL);
  hand.out();
  hand.packet({ seq: 20, flags: 0x28 }, jumboBody([0x28, L], 352));
  assertEquals([call.closedCount, call.error, call.bytes], [1, undefined, 21 * FULL + 352]);
  assertEquals(hand.after(20), ["A IDLE 23/22 S0 []"]);
  const { cid } = call.opened_!;
  const next = hand.call(10);
  assertEquals([next.opened_!.cid, next.opened_!.callNumber], [cid, 2]);
  assertEquals(hand.out(), ["D1 C|L 10"]);
});

/** A client whose call was given up on each of the four channels, so that the next has to take one that may be busy. */
function afterStuckCalls(): { hand: Hand; stuck: Recorder[] } {
  const hand = asClient({ maxConnectionsPerBundle: 1 });
  const stuck = Array.from({ length: 4 }, () => {
    const call = hand.call(10);
    hand.a(2, 1, 1, PING_RESPONSE);
    return call;
  });
  for (const { call } of stuck) call!.abort(-1, hand.world.now);
  hand.out();
  return { hand, stuck };
}

test("208: a new call on a channel whose handler is stuck: BUSY until it is served; one call number, never two", () => {
  const { hand, stuck } = afterStuckCalls();
  const call = hand.call(10);
  assertEquals([stuck.length, call.opened_!.callNumber], [4, 2]);
  for (let i = 0; i < 5; i++) {
    hand.packet({ type: RxPacketType.BUSY });
    hand.after(1500);
  }
  const seen = hand.world.sent.filter(({ header }) => header.type === RxPacketType.DATA && header.callNumber === 2);
  assert(seen.length >= 3, `${seen.length} transmissions`);
  assertEquals(new Set(seen.map(({ header }) => `${header.cid} ${header.seq}`)).size, 1);
  assert(call.busyCount >= 4);
  hand.d(1, L, 20);
  assertEquals([call.closedCount, call.error, call.bytes], [1, undefined, 20]);
});

test("208: a handler that stays stuck: BUSY is no word that keeps a call alive", () => {
  const { hand } = afterStuckCalls();
  const call = hand.call(10);
  for (let second = 0; second < 30 && call.closedCount === 0; second++) {
    hand.packet({ type: RxPacketType.BUSY });
    hand.after(1000);
  }
  assert(call.error !== undefined && call.closedCount === 1, String(call.error));
  assert(call.code === "ETIMEDOUT" || call.code === "ECONNRESET", call.code);
});
