import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ImpairStream, Link, type LinkOptions, ManualClock } from "../../src/sim/mod.ts";
import { stageChecklist } from "../support/stage_checklist.ts";

interface Arrival {
  at: number;
  bytes: Uint8Array;
}

function run(options: LinkOptions, count: number, everyMs = 1, length = 100): { link: Link; arrivals: Arrival[] } {
  const arrivals: Arrival[] = [];
  const link = new Link(options, { packet: (bytes, at) => arrivals.push({ at, bytes }) });
  for (let i = 0; i < count; i++) {
    const packet = new Uint8Array(length);
    packet[0] = i & 255;
    packet[1] = i >>> 8;
    link.onTimeout(i * everyMs);
    link.push(packet, i * everyMs);
  }
  link.onTimeout(1e9);
  return { link, arrivals };
}

const numbers = (arrivals: Arrival[]): number[] => arrivals.map(({ bytes }) => bytes[0]! | (bytes[1]! << 8));
const ascending = (values: number[]): boolean => values.every((value, i) => i === 0 || values[i - 1]! <= value);

test("a link without options delivers everything at once, in order", () => {
  const { arrivals, link } = run({}, 100);
  assertEquals(numbers(arrivals), Array.from({ length: 100 }, (_, i) => i));
  assertEquals(arrivals.map(({ at }) => at), Array.from({ length: 100 }, (_, i) => i));
  assertEquals([link.stats.sent, link.stats.delivered, link.flying, link.timeoutAt()], [100, 100, 0, Infinity]);
});

test("delay moves every packet, jitter spreads them and keeps their order", () => {
  assertEquals(run({ delayMs: 7 }, 3).arrivals.map(({ at }) => at), [7, 8, 9]);
  const { arrivals } = run({ delayMs: 10, jitterMs: 20 }, 500);
  assert(ascending(numbers(arrivals)));
  const late = arrivals.map(({ at, bytes }) => at - (bytes[0]! | (bytes[1]! << 8)));
  assert(Math.min(...late) >= 10 && Math.max(...late) <= 30 && Math.max(...late) - Math.min(...late) > 10);
});

test("loss, duplication, reordering and corruption come in the share asked for", () => {
  const many = 20_000;
  const near = (value: number, share: number): boolean => Math.abs(value - share * many) < 0.02 * many;
  assert(near(run({ loss: 0.1 }, many).link.stats.lost, 0.1));
  const doubled = run({ duplication: 0.2 }, many);
  assert(near(doubled.link.stats.duplicated, 0.2));
  assertEquals(doubled.arrivals.length, many + doubled.link.stats.duplicated);
  const reordered = run({ delayMs: 10, reordering: 0.1 }, many);
  assert(near(reordered.link.stats.reordered, 0.1));
  assert(!ascending(numbers(reordered.arrivals)));
  assertEquals(reordered.arrivals.length, many);
  assert(near(run({ corruption: 0.3 }, many).link.stats.corrupted, 0.3));
});

test("corruption turns over one bit of a copy", () => {
  const arrivals: Uint8Array[] = [];
  const link = new Link({ corruption: 1 }, { packet: (bytes) => arrivals.push(bytes) });
  const packet = new Uint8Array(50);
  link.push(packet, 0);
  link.push(new Uint8Array(0), 0);
  link.onTimeout(0);
  assert(packet.every((byte) => byte === 0));
  const damaged = arrivals[0]!.filter((byte) => byte !== 0);
  assertEquals(damaged.length, 1);
  assertEquals(damaged[0]! & (damaged[0]! - 1), 0);
});

test("rate spaces packets, and maxQueuedPackets drops those that find the queue full", () => {
  const { arrivals, link } = run({ bytesPerMs: 10, maxQueuedPackets: 5 }, 8, 0);
  assertEquals(arrivals.map(({ at }) => at), [10, 20, 30, 40, 50]);
  assertEquals(link.stats.overflowed, 3);
  assertEquals(run({ bytesPerMs: 100, maxQueuedPackets: 2 }, 5000, 1).link.stats.overflowed, 0);
});

test("maxFlyingPackets bounds what is under way, doubles included", () => {
  const link = new Link({ delayMs: 1, maxFlyingPackets: 5, duplication: 1 }, { packet: () => {} });
  for (let i = 0; i < 100; i++) link.push(new Uint8Array(1), 0);
  assertEquals([link.flying, link.stats.overflowed], [5, 97]);
  link.stop();
  assertEquals([link.flying, link.timeoutAt()], [0, Infinity]);
});

test("mtu drops what is longer, drop what the test picks", () => {
  assertEquals(run({ mtu: 99 }, 4).link.stats.tooLong, 4);
  assertEquals(run({ mtu: 100 }, 4).arrivals.length, 4);
  assertEquals(numbers(run({ drop: (_, number) => number % 2 === 0 }, 6).arrivals), [1, 3, 5]);
});

test("the same seed gives the same arrivals, another one does not", () => {
  const bad = { delayMs: 5, jitterMs: 3, loss: 0.1, duplication: 0.1, reordering: 0.1, corruption: 0.1 };
  assertEquals(run({ ...bad, seed: 4 }, 1000).arrivals, run({ ...bad, seed: 4 }, 1000).arrivals);
  const other = run({ ...bad, seed: 5 }, 1000).arrivals;
  assert(JSON.stringify(other) !== JSON.stringify(run({ ...bad, seed: 4 }, 1000).arrivals));
});

test("wrong options are refused at once", () => {
  for (
    const options of [{ loss: 2 }, { duplication: -1 }, { bytesPerMs: 0 }, { delayMs: -1 }, { mtu: 0 }, {
      maxQueuedPackets: 0.5,
    }, { reordering: NaN }]
  ) {
    assertThrows(() => new Link(options, { packet: () => {} }), RangeError);
  }
  assertThrows(() => new Link({ loss: "1" as unknown as number }, { packet: () => {} }), TypeError);
  assertThrows(() => new Link({ bytesPerMs: "1" as unknown as number }, { packet: () => {} }), TypeError);
});

stageChecklist<Uint8Array, Uint8Array>({
  name: "ImpairStream",
  make: (options) => new ImpairStream(options) as ReadableWritablePair<Uint8Array | Uint8Array[], Uint8Array>,
  inputs: [Uint8Array.of(1), Uint8Array.of(2, 3), Uint8Array.of(4)],
  outputs: [Uint8Array.of(1), Uint8Array.of(2, 3), Uint8Array.of(4)],
  badOptions: [{ loss: 2 }, { delayMs: -1 }, { mtu: 0 }, { drop: 1 }, { seed: "1" }],
});

test("ImpairStream delays by its clock and hands out the rest at the end", async () => {
  const clock = new ManualClock();
  const stage = new ImpairStream({ delayMs: 10, clock, batch: true });
  const writer = stage.writable.getWriter();
  const reader = stage.readable.getReader();
  await writer.write([new Uint8Array([1]), new Uint8Array([2])]);
  let hasCome = false;
  const first = reader.read().then((result) => {
    hasCome = true;
    return result;
  });
  clock.advance(9);
  for (let i = 0; i < 20; i++) await Promise.resolve();
  assertEquals(hasCome, false);
  clock.advance(1);
  assertEquals((await first).value, [new Uint8Array([1]), new Uint8Array([2])]);
  await writer.write(new Uint8Array([3]));
  const closed = writer.close();
  assertEquals((await reader.read()).value, [new Uint8Array([3])]);
  assertEquals((await reader.read()).done, true);
  await closed;
  assertEquals([stage.stats.sent, stage.stats.delivered, clock.timers], [3, 3, 0]);
});

test("ImpairStream refuses what is no packet and lets go of its timer when cancelled", async () => {
  const clock = new ManualClock();
  const stage = new ImpairStream({ delayMs: 10, clock });
  const writer = stage.writable.getWriter();
  await writer.write(new Uint8Array(1));
  assertEquals(clock.timers, 1);
  await stage.readable.cancel("enough");
  assertEquals(clock.timers, 0);
  await writer.closed.catch(() => {});

  const other = new ImpairStream();
  const bad = other.writable.getWriter();
  bad.closed.catch(() => {});
  const read = other.readable.getReader().read().catch((error) => error);
  assert(await bad.write(5 as unknown as Uint8Array).catch((error) => error) instanceof TypeError);
  assert(await read instanceof TypeError);
});
