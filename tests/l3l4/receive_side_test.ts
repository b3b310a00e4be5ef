/** Bytes put in order, windows, acknowledgments that are owed. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { BufferPool } from "../../src/l3l4/tcp/buffer_pool.ts";
import { AckDue, ReceiveSide } from "../../src/l3l4/tcp/receive_side.ts";
import { SegmentCursor } from "../../src/l3l4/tcp/segment_cursor.ts";
import { type TcpOptions, tcpSettings } from "../../src/l3l4/tcp/tcp_settings.ts";
import { TcpFlag } from "../../src/packet/tcp.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";

const ISN = 0x7ffffff0;

function side(options: TcpOptions = {}, pool = new BufferPool(1 << 24)): ReceiveSide {
  const receive = new ReceiveSide(tcpSettings(options), pool);
  receive.start(ISN, 0);
  return receive;
}

/** The byte at each place of the stream. */
const byteAt = (place: number): number => (place * 7 + (place >>> 8)) & 0xff;

function segment(place: number, length: number, flags: number = TcpFlag.ACK): SegmentCursor {
  const cursor = new SegmentCursor();
  cursor.bytes = Uint8Array.from({ length: length + 3 }, (_, i) => byteAt(place + i - 3));
  cursor.dataAt = 3;
  cursor.dataEnd = 3 + length;
  cursor.sequence = (ISN + 1 + place) | 0;
  cursor.flags = flags;
  return cursor;
}

/** All that is in order, taken out. */
function drain(receive: ReceiveSide): number[] {
  const out: number[] = [];
  while (receive.ring.length > 0) {
    const view = receive.ring.peek();
    out.push(...view);
    receive.ring.drop(view.length);
  }
  return out;
}

const expected = (length: number): number[] => Array.from({ length }, (_, i) => byteAt(i));

const blocks = (receive: ReceiveSide, max = 4): number[][] => {
  const into = new Int32Array(8);
  const count = receive.sackBlocks(max, into);
  return Array.from({ length: count }, (_, i) => [into[2 * i]!, into[2 * i + 1]!].map((edge) => (edge - ISN - 1) | 0));
};

function permutations<T>(values: readonly T[]): T[][] {
  if (values.length === 0) return [[]];
  return values.flatMap((value, i) => permutations(values.toSpliced(i, 1)).map((rest) => [value, ...rest]));
}

test("L77 all permutations of five segments give the same bytes, once", () => {
  for (const order of permutations([0, 1, 2, 3, 4])) {
    const receive = side();
    let news = 0;
    for (const i of order) news += receive.take(segment(i * 10, 10), 0);
    assertEquals(news, 50);
    assertEquals(drain(receive), expected(50));
    assertEquals(receive.hasHoles, false);
  }
});

test("L78 segments that overlap in any way: each byte once, those in the order of the stream", () => {
  const random = new SeededRandom(3);
  for (let round = 0; round < 200; round++) {
    const receive = side({ receiveBufferBytes: 4096 });
    const out: number[] = [];
    for (let i = 0; i < 400 && out.length < 3000; i++) {
      const place = Math.max(0, out.length + random.between(-300, 600));
      receive.take(segment(place, random.between(1, 400)), 0);
      if (random.chance(0.5)) out.push(...drain(receive));
    }
    out.push(...drain(receive));
    assertEquals(out, expected(out.length));
    assertEquals(receive.next, (ISN + 1 + out.length) | 0);
  }
});

test("L79 a table of holes that is full takes what is next in order, and what joins a range", () => {
  const receive = side({ maxOutOfOrderRanges: 2 });
  receive.take(segment(10, 5), 0);
  receive.take(segment(20, 5), 0);
  receive.take(segment(30, 5), 0);
  assertEquals(blocks(receive), [[20, 25], [10, 15]]);
  receive.take(segment(15, 5), 0);
  assertEquals(blocks(receive), [[10, 25]]);
  assertEquals(receive.take(segment(0, 10), 0), 25);
  assertEquals(drain(receive), expected(25));
});

test("L81 a FIN out of order counts when it is reached, once; what follows it does not count", () => {
  const receive = side();
  receive.take(segment(5, 5, TcpFlag.ACK | TcpFlag.FIN), 0);
  assertEquals([receive.isEnded, receive.ackDue], [false, AckDue.NOW]);
  receive.take(segment(8, 10), 0);
  assertEquals(receive.take(segment(0, 5), 0), 10);
  assertEquals([receive.isEnded, receive.next], [true, (ISN + 12) | 0]);
  assertEquals(receive.take(segment(5, 5, TcpFlag.ACK | TcpFlag.FIN), 0), 0);
  assertEquals(receive.next, (ISN + 12) | 0);
});

test("L82 the newest block comes first, and none is left when the hole is filled", () => {
  const receive = side();
  receive.take(segment(10, 5), 0);
  receive.take(segment(30, 5), 0);
  receive.take(segment(50, 5), 0);
  receive.take(segment(70, 5), 0);
  receive.take(segment(35, 5), 0);
  assertEquals(blocks(receive, 3), [[30, 40], [70, 75], [50, 55]]);
  receive.take(segment(0, 75), 0);
  receive.told(1000, 0);
  assertEquals(blocks(receive), []);
});

test("L83 what came twice is told first, then the block that holds it", () => {
  const receive = side();
  receive.take(segment(20, 10), 0);
  receive.told(1000, 0);
  receive.take(segment(15, 20), 0);
  assertEquals(blocks(receive), [[20, 30], [15, 35]]);
  receive.told(1000, 0);
  receive.take(segment(0, 5), 0);
  receive.told(1000, 0);
  receive.take(segment(0, 7), 0);
  assertEquals(blocks(receive), [[0, 5], [15, 35]]);
});

test("L85 every second full segment is acknowledged at once, one alone within the time for it", () => {
  const receive = side({ delayedAckMs: 40 });
  receive.take(segment(0, 1000), 5);
  assertEquals([receive.ackDue, receive.ackAt], [AckDue.DELAYED, 45]);
  receive.take(segment(1000, 1000), 6);
  assertEquals(receive.ackDue, AckDue.NOW);
});

test("L76, L87 nothing beyond the window is taken; it closes when nobody reads, and opens again", () => {
  const receive = side({ receiveBufferBytes: 2000 });
  assertEquals(receive.take(segment(0, 5000), 0), 2000);
  receive.told(receive.offer(), 0);
  assertEquals([receive.window, receive.isAcceptable(receive.next, 1), receive.isAcceptable(receive.next, 0)], [
    0,
    false,
    true,
  ]);
  receive.ring.drop(100);
  assertEquals([receive.isOfferDue, receive.offer()], [false, 0]);
  receive.ring.drop(1900);
  assertEquals([receive.isOfferDue, receive.offer()], [true, 2000]);
});

test("L86 the right edge of the window never moves back", () => {
  const receive = side({ receiveBufferBytes: 10_000 });
  const random = new SeededRandom(5);
  let place = 0;
  let edge = receive.edge;
  for (let i = 0; i < 500; i++) {
    const count = Math.min(receive.window, random.between(0, 900));
    if (count > 0) place += receive.take(segment(place, count), 0);
    receive.ring.drop(Math.min(receive.ring.length, random.between(0, 1200)));
    receive.told(receive.offer(), 0);
    assert(((receive.edge - edge) | 0) >= 0);
    edge = receive.edge;
  }
});

test("maxBufferBytes: without memory a segment was never here, and the memory of others comes back", () => {
  const pool = new BufferPool(4096);
  const first = side({}, pool);
  const second = side({}, pool);
  assertEquals(first.take(segment(0, 1000), 0), 1000);
  assertEquals(second.take(segment(0, 1000), 0), 0);
  assertEquals([second.ackDue, second.next], [AckDue.NOW, (ISN + 1) | 0]);
  drain(first);
  assertEquals(pool.usedBytes, 0);
  assertEquals(second.take(segment(0, 1000), 0), 1000);
  assertEquals(drain(second), expected(1000));
});

test("L81 a FIN below bytes that are held is not believed, and harms nothing", () => {
  const pool = new BufferPool(1 << 20);
  const receive = side({}, pool);
  receive.take(segment(10, 20), 0);
  assertEquals(receive.take(segment(0, 10, TcpFlag.ACK | TcpFlag.FIN), 0), 30);
  assertEquals(receive.isEnded, false);
  assertEquals(receive.take(segment(30, 10, TcpFlag.ACK | TcpFlag.FIN), 0), 10);
  assertEquals([receive.isEnded, receive.hasHoles], [true, false]);
  assertEquals(drain(receive), expected(40));
  assertEquals(pool.usedBytes, 0);
});

test("L68 behind data that fill the window and a FIN the window is 0, and an ACK is acceptable", () => {
  const receive = side({ receiveBufferBytes: 1000 });
  assertEquals(receive.take(segment(0, 1000, TcpFlag.ACK | TcpFlag.FIN), 0), 1000);
  assertEquals([receive.isEnded, receive.window, receive.isAcceptable(receive.next, 0)], [true, 0, true]);
});

test("L88 after 24 days of silence an older timestamp is taken, and kept as the latest", () => {
  const receive = side();
  const late = segment(0, 0);
  late.hasTimestamps = true;
  late.tsValue = 5000;
  receive.noteTimestamp(late, 0);
  late.tsValue = 4000;
  receive.noteTimestamp(late, 1000);
  assertEquals([receive.isOld(late, 1000), receive.tsRecent], [true, 5000]);
  const now = 25 * 24 * 3600 * 1000;
  assertEquals(receive.isOld(late, now), false);
  receive.noteTimestamp(late, now);
  assertEquals([receive.tsRecent, receive.tsRecentAt], [4000, now]);
});

test("maxBufferBytes: bytes far ahead of others leave memory for those that are next", () => {
  const pool = new BufferPool(4 * 65_536);
  for (let i = 0; i < 10; i++) side({ receiveBufferBytes: 65_536 }, pool).take(segment(60_000, 1), 0);
  assert(pool.usedBytes <= 3 * 65_536);
  assertEquals(side({}, pool).take(segment(0, 1000), 0), 1000);
});
