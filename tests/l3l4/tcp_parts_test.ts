/** The parts of TCP that are no protocol: rings, ranges, lists, estimates, the reading of segments. */
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { IpPacket } from "../../src/l3l4/ip_packet.ts";
import { BufferPool } from "../../src/l3l4/tcp/buffer_pool.ts";
import { ByteRing } from "../../src/l3l4/tcp/byte_ring.ts";
import { RangeList } from "../../src/l3l4/tcp/range_list.ts";
import { RttEstimator } from "../../src/l3l4/tcp/rtt_estimator.ts";
import { SegmentCursor } from "../../src/l3l4/tcp/segment_cursor.ts";
import { SentSegmentPool, SentSegments, SentState } from "../../src/l3l4/tcp/sent_segments.ts";
import { tcpSettings } from "../../src/l3l4/tcp/tcp_settings.ts";
import { parseAddress } from "../../src/packet/address.ts";
import { encodeTcp, TcpFlag, tcpLength, type TcpSegment } from "../../src/packet/tcp.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";

const addresses = { source: parseAddress("192.0.2.1"), destination: parseAddress("192.0.2.2") };

const EMPTY: TcpSegment = {
  sourcePort: 1,
  destinationPort: 2,
  sequence: 3,
  acknowledgment: 4,
  flags: TcpFlag.ACK,
  window: 5,
  urgentPointer: 0,
  options: [],
  payload: new Uint8Array(0),
};

function read(segment: Partial<TcpSegment>, change?: (bytes: Uint8Array) => void): SegmentCursor | null {
  const whole: TcpSegment = { ...EMPTY, ...segment };
  const packet = new IpPacket();
  packet.bytes = new Uint8Array(20 + tcpLength(whole));
  packet.payloadAt = 20;
  packet.end = packet.bytes.length;
  encodeTcp(whole, packet.bytes.subarray(20), addresses);
  change?.(packet.bytes.subarray(20));
  const cursor = new SegmentCursor();
  return cursor.read(packet) ? cursor : null;
}

test("a ring is an array that is written at the back and beyond it, and dropped from the front", () => {
  const random = new SeededRandom(11);
  const pool = new BufferPool(1 << 20);
  const ring = new ByteRing(pool);
  let model: number[] = [];
  for (let i = 0; i < 3000; i++) {
    const bytes = random.bytes(random.between(1, 300));
    const gap = random.below(3) === 0 ? random.below(200) : 0;
    ring.writeAt(ring.length + gap, bytes, 0, bytes.length);
    if (gap === 0) {
      ring.extend(bytes.length);
      model.push(...bytes);
    }
    const into = new Uint8Array(model.length);
    ring.copyTo(0, model.length, into, 0);
    assertEquals([...into], model);
    assertEquals([...ring.peek()], model.slice(0, ring.peek().length));
    const dropped = model.length > 6000 ? model.length : random.below(model.length + 1);
    ring.cut();
    ring.drop(dropped);
    model = model.slice(dropped);
  }
  ring.free();
  assertEquals([pool.usedBytes, ring.capacity], [0, 0]);
});

test("an empty ring has no memory, and a pool that is used up gives none", () => {
  const pool = new BufferPool(8192);
  const ring = new ByteRing(pool);
  assertEquals(ring.writeAt(0, new Uint8Array(8193), 0, 8193), false);
  assertEquals(ring.writeAt(0, new Uint8Array(8192), 0, 8192), true);
  ring.extend(8192);
  assertEquals([pool.usedBytes, pool.take(1)], [8192, null]);
  ring.drop(8192);
  assertEquals([pool.usedBytes, ring.capacity], [0, 0]);
});

test("ranges are the set of their numbers, sorted and apart", () => {
  const random = new SeededRandom(2);
  for (let round = 0; round < 100; round++) {
    const ranges = new RangeList(50);
    const model = new Set<number>();
    const base = 0x7fffffc0;
    for (let i = 0; i < 40; i++) {
      const left = random.below(300);
      const right = left + random.between(1, 30);
      ranges.add((base + left) | 0, (base + right) | 0);
      for (let n = left; n < right; n++) model.add(n);
      const newest = new Int32Array(2);
      assertEquals(ranges.newest(1, newest, 0), 1);
      assertEquals(
        [(newest[0]! - base - left) | 0, (newest[1]! - base - right) | 0].map((d, e) => e ? d >= 0 : d <= 0),
        [
          true,
          true,
        ],
      );
    }
    const numbers: number[] = [];
    for (let i = 0; i < ranges.size; i++) {
      const [left, right] = [(ranges.left(i) - base) | 0, (ranges.right(i) - base) | 0];
      if (i > 0) assertEquals(left > ((ranges.right(i - 1) - base) | 0), true);
      for (let n = left; n < right; n++) numbers.push(n);
    }
    assertEquals(numbers, [...model].sort((a, b) => a - b));
  }
});

test("segments that were sent: both orders, splits and the search for a byte", () => {
  const pool = new SentSegmentPool();
  const sent = new SentSegments(pool);
  const start = 0x7ffffff0;
  for (let i = 0; i < 100; i++) sent.push((start + 10 * i) | 0, (start + 10 * i + 10) | 0, i, false);
  assertEquals([sent.size, sent.find((start + 255) | 0)], [100, 25]);
  sent.split(25, 4);
  assertEquals([sent.at(25).end, sent.at(26).start, sent.at(26).sentAt, sent.size], [
    (start + 254) | 0,
    (start + 254) | 0,
    25,
    101,
  ]);
  const early = sent.at(0);
  sent.unlink(early);
  sent.sent(early, 200);
  const order: number[] = [];
  for (let segment = sent.oldest; segment !== null; segment = segment.newer) order.push(segment.sentAt);
  assertEquals(order, [...order].sort((a, b) => a - b));
  assertEquals([order.length, sent.newest], [101, early]);
  sent.unlink(sent.at(3));
  sent.at(3).state = SentState.SACKED;
  for (let i = 0; i < 10; i++) {
    if (sent.at(0).state === SentState.OUT) sent.unlink(sent.at(0));
    sent.shift();
  }
  assertEquals([sent.size, sent.at(0).start], [91, (start + 100) | 0]);
  sent.clear();
  assertEquals([sent.size, sent.oldest, sent.newest], [0, null, null]);
});

test("L101, L103 the timeout: a second, then by the formula, doubled and reset", () => {
  const rtt = new RttEstimator(tcpSettings({ minRtoMs: 200 }));
  assertEquals(rtt.rtoMs, 1000);
  rtt.sample(100, 0);
  assertEquals([rtt.srtt, rtt.rttvar, rtt.rtoMs], [100, 50, 300]);
  rtt.sample(180, 10);
  assertEquals([rtt.srtt, rtt.rttvar, rtt.rtoMs], [110, 57.5, 340]);
  rtt.backOff();
  rtt.backOff();
  assertEquals(rtt.rtoMs, 1360);
  rtt.resetBackoff();
  assertEquals([rtt.rtoMs, rtt.minRtt], [340, 100]);
});

test("L36 a data offset below five words or beyond the segment is refused", () => {
  assertEquals(read({}, (bytes) => void (bytes[12] = 0x40)), null);
  assertEquals(read({}, (bytes) => void (bytes[12] = 0x60)), null);
});

test("L37 reserved bits change nothing", () => {
  assertEquals(read({}, (bytes) => void (bytes[12]! |= 0x0e))?.flags, TcpFlag.ACK);
});

test("L39, L46 options outside of SYNs: MSS and SACK-permitted are not heeded, timestamps and SACK are", () => {
  const cursor = read({
    options: [
      { kind: "mss", size: 100 },
      { kind: "sackPermitted" },
      { kind: "unknown", number: 99, data: new Uint8Array(1) },
      { kind: "timestamps", value: 7, echo: 8 },
      { kind: "sack", blocks: [{ left: 9, right: 10 }] },
    ],
  })!;
  assertEquals([cursor.mss, cursor.isSackPermitted], [-1, false]);
  assertEquals([cursor.tsValue, cursor.tsEcho, cursor.sackCount, cursor.sack[0], cursor.sack[1]], [7, 8, 1, 9, 10]);
});

test("L40, L41 options of length 0, 1 and past the end end the options; others may lie anywhere", () => {
  for (const length of [0, 1, 200]) {
    const cursor = read({
      flags: TcpFlag.SYN,
      options: [{ kind: "mss", size: 1460 }, { kind: "nop" }, { kind: "nop" }],
    }, (bytes) => {
      bytes[24] = 99;
      bytes[25] = length;
    })!;
    assertEquals([cursor.mss, cursor.hasTimestamps], [1460, false]);
  }
  const unaligned = read({ options: [{ kind: "nop" }, { kind: "timestamps", value: 1, echo: 2 }] })!;
  assertEquals([unaligned.hasTimestamps, unaligned.tsEcho], [true, 2]);
});

test("what a SYN said is not said by the segment that is read next", () => {
  const packet = new IpPacket();
  const cursor = new SegmentCursor();
  const read = (flags: number, options: TcpSegment["options"]): number[] => {
    const segment = { ...EMPTY, flags, options };
    packet.bytes = new Uint8Array(20 + tcpLength(segment));
    packet.payloadAt = 20;
    packet.end = packet.bytes.length;
    encodeTcp(segment, packet.bytes.subarray(20), addresses);
    assertEquals(cursor.read(packet), true);
    return [cursor.mss, cursor.windowScale, Number(cursor.isSackPermitted)];
  };
  const said: TcpSegment["options"] = [
    { kind: "mss", size: 1460 },
    { kind: "windowScale", shift: 7 },
    { kind: "sackPermitted" },
  ];
  assertEquals(read(TcpFlag.SYN, said), [1460, 7, 1]);
  assertEquals(read(TcpFlag.ACK, []), [-1, -1, 0]);
  read(TcpFlag.SYN, said);
  const timestamps = { kind: "timestamps", value: 1, echo: 2 } as const;
  assertEquals(read(TcpFlag.ACK, [{ kind: "nop" }, { kind: "nop" }, timestamps]), [-1, -1, 0]);
});

test("L43, L44 of options that come twice the last counts; a shift of 15 is one of 14", () => {
  const cursor = read({
    flags: TcpFlag.SYN,
    options: [{ kind: "mss", size: 1 }, { kind: "mss", size: 1400 }, { kind: "windowScale", shift: 14 }],
  }, (bytes) => void (bytes[30] = 15))!;
  assertEquals([cursor.mss, cursor.windowScale, cursor.length], [1400, 14, 1]);
});

test("the aligned form of timestamps is read as any other", () => {
  const cursor = read({
    options: [{ kind: "nop" }, { kind: "nop" }, { kind: "timestamps", value: 0xffffffff, echo: 5 }],
  })!;
  assertEquals([cursor.hasTimestamps, cursor.tsValue, cursor.tsEcho], [true, -1, 5]);
});

test("options of TCP are checked at once, and the window's shift follows from the buffer", () => {
  assertThrows(() => tcpSettings({ hopLimit: 256 }), RangeError, "hopLimit must be at most 255, got 256");
  assertThrows(() => tcpSettings({ sendBufferBytes: 0 }), RangeError);
  assertThrows(() => tcpSettings({ windowScale: 15 }), RangeError);
  assertThrows(() => tcpSettings({ receiveBufferBytes: Infinity }), RangeError, "at most 1073725440");
  assertThrows(() => tcpSettings({ sendBufferBytes: 2 ** 32 }), RangeError);
  assertThrows(() => tcpSettings({ congestion: "vegas" as never }), RangeError);
  assertEquals(tcpSettings({ receiveBufferBytes: 65_535 }).windowShift, 0);
  assertEquals(tcpSettings({ receiveBufferBytes: 65_536 }).windowShift, 1);
  assertEquals(tcpSettings({ windowScale: false }).windowShift, -1);
});
