/** The memory stream as a driver: what the contract of `TStreamDriver` says, and every fault. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { ManualClock } from "../../src/sim/manual_clock.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import { type MemoryStreamOptions, streamDriverPair } from "../../src/tsocket/drivers/memory/mod.ts";
import type { SocketError } from "../../src/tsocket/errors.ts";
import { VirtualAddress } from "../../src/tsocket/local_address.ts";
import { READ_AGAIN, READ_END, type TStreamDriver } from "../../src/tsocket/driver_types.ts";
import { isSettled, turns } from "../support/turns.ts";

/** A driver with a protocol of what it told, that fails when an event comes from within one of its methods. */
class Watched {
  readonly driver: TStreamDriver;
  readonly told: string[] = [];
  static depth = 0;

  constructor(driver: TStreamDriver) {
    this.driver = driver;
    this.#call(() =>
      driver.start({
        readable: () => this.#tell("readable"),
        broken: (error) => this.#tell(error.code),
      })
    );
  }

  #tell(what: string): void {
    assertEquals(Watched.depth, 0, "an event came from within a method");
    this.told.push(what);
  }

  #call<T>(body: () => T): T {
    Watched.depth++;
    try {
      return body();
    } finally {
      Watched.depth--;
    }
  }

  read(room = 65536): number[] | number {
    const into = new Uint8Array(room);
    const count = this.#call(() => this.driver.readSync(into));
    return count > 0 ? [...into.subarray(0, count)] : count;
  }

  write(...views: number[][]): Promise<string> {
    return this.#call(() => this.driver.writev(views.map((bytes) => Uint8Array.from(bytes)))).then(
      () => "ok",
      (error: SocketError) => `${error.code} after ${error.bytesTransferred}`,
    );
  }

  shutdown(): Promise<void> {
    return this.#call(() => this.driver.shutdown());
  }

  close(): Promise<void> {
    return this.#call(() => this.driver.close());
  }

  abort(): void {
    this.#call(() => this.driver.abort());
  }

  /** What is told until nothing more comes. */
  async events(): Promise<string[]> {
    await turns();
    return this.told.splice(0);
  }
}

function pair(options?: MemoryStreamOptions): [Watched, Watched] {
  const [left, right] = streamDriverPair(options);
  return [new Watched(left), new Watched(right)];
}

const bytes = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => (i + from) & 255);

test("bytes arrive in order, and readable is told once for each READ_AGAIN, never from within a method", async () => {
  const [a, b] = pair();
  await a.write([1, 2]);
  assertEquals(await b.events(), [], "nobody has asked");
  assertEquals([b.driver.pendingBytes, b.read(1), b.driver.pendingBytes], [2, [1], 1]);
  assertEquals(b.read(), [2]);
  assertEquals([b.read(), b.read()], [READ_AGAIN, READ_AGAIN]);
  await a.write([3], [], [4, 5]);
  await a.write([6]);
  assertEquals(await b.events(), ["readable"]);
  assertEquals(b.read(), [3, 4, 5, 6]);
  await a.write([7]);
  assertEquals(await b.events(), [], "the last read was answered");
});

test("readable is not told when a read has taken the bytes meanwhile", async () => {
  const [a, b] = pair();
  b.read();
  void a.write([1]);
  assertEquals(b.read(), [1]);
  assertEquals(await b.events(), []);
});

test("the capacity is respected: a write settles when all of it is in the peer's ring", async () => {
  const [a, b] = pair({ capacityBytes: 4 });
  const written = a.write([1, 2, 3], [4, 5, 6, 7, 8, 9]);
  assertEquals(await isSettled(written), false);
  assertEquals(b.driver.pendingBytes, 4);
  assertEquals(b.read(), [1, 2, 3, 4]);
  assertEquals(await isSettled(written), false);
  assertEquals([b.read(3), b.read(), b.read()], [[5, 6, 7], [8, 9], READ_AGAIN]);
  assertEquals(await written, "ok");
});

test("both directions are independent, and wrap around their rings", async () => {
  const [a, b] = pair({ capacityBytes: 7 });
  for (let i = 0; i < 100; i++) {
    await Promise.all([a.write(bytes(5, i)), b.write(bytes(3, i))]);
    assertEquals([b.read(), a.read()], [bytes(5, i), bytes(3, i)]);
  }
});

test("empty views and empty writes need no room", async () => {
  const [a, b] = pair({ capacityBytes: 1 });
  assertEquals(await a.write([], [1], []), "ok");
  assertEquals(await a.write([], []), "ok");
  assertEquals(await a.write(), "ok");
  assertEquals(b.read(), [1]);
});

test("a second write at the same time fails with EBUSY and does no harm", async () => {
  const [a, b] = pair({ capacityBytes: 1 });
  const first = a.write([1, 2]);
  assertEquals(await a.write([3]), "EBUSY after undefined");
  assertEquals([b.read(), b.read(), b.read()], [[1], [2], READ_AGAIN]);
  assertEquals(await first, "ok");
});

test("shutdown ends one direction only, behind the bytes, and is told once", async () => {
  const [a, b] = pair();
  await a.write([1]);
  await a.shutdown();
  assertEquals(await b.events(), ["EOF"], "although nobody reads");
  assertEquals([b.read(), b.read(), b.read()], [[1], READ_END, READ_END]);
  assertEquals(b.driver.readError, undefined);
  assertEquals(await a.write([2]), "EPIPE after 0");
  assertEquals(await b.write([3]), "ok");
  assertEquals(a.read(), [3]);
  assertEquals(await b.events(), []);
});

test("the end wakes a reader that was told READ_AGAIN, before broken", async () => {
  const [a, b] = pair();
  b.read();
  await a.shutdown();
  assertEquals(await b.events(), ["readable", "EOF"]);
});

test("close delivers what was written, then the end; writes to it fail with EPIPE", async () => {
  const [a, b] = pair({ capacityBytes: 2 });
  const blocked = b.write([7, 8, 9]);
  await a.write([1, 2]);
  await a.close();
  assertEquals(await blocked, "EPIPE after 2");
  assertEquals(await b.write([1]), "EPIPE after 0");
  assertEquals([b.read(), b.read()], [[1, 2], READ_END]);
  assertEquals(b.driver.readError, undefined);
  assertEquals(await b.events(), ["EOF"]);
});

test("close ends a write under way: what was taken is delivered", async () => {
  const [a, b] = pair({ capacityBytes: 2 });
  const written = a.write([1, 2, 3]);
  await a.close();
  assertEquals(await written, "ECONNABORTED after 2");
  assertEquals([b.read(), b.read()], [[1, 2], READ_END]);
});

test("after close everything is over: reads end with ECONNABORTED, writes fail with it, nothing is told", async () => {
  const [a, b] = pair();
  await b.write([1]);
  a.read(0);
  a.read();
  a.read();
  await a.close();
  await b.write([2]);
  await b.shutdown();
  assertEquals([a.read(), a.driver.pendingBytes, a.driver.readError?.code], [READ_END, 0, "ECONNABORTED"]);
  assertEquals(await a.write([1]), "ECONNABORTED after undefined");
  assertEquals(await a.events(), []);
});

test("abort: the peer reads what came, then ECONNRESET; its writes fail with that too", async () => {
  const [a, b] = pair({ capacityBytes: 2 });
  const blocked = b.write([7, 8, 9]);
  const torn = a.write([1, 2, 3]);
  a.abort();
  assertEquals(await torn, "ECONNABORTED after 2");
  assertEquals(await blocked, "ECONNRESET after 2");
  assertEquals(await b.events(), ["ECONNRESET"]);
  assertEquals([b.read(1), b.read(), b.read(), b.read()], [[1], [2], READ_END, READ_END]);
  assertEquals(b.driver.readError?.code, "ECONNRESET");
  assertEquals(await b.write([1]), "ECONNRESET after 0");
});

test("a reset after an orderly end leaves the end as it was read, fails writes, and is told besides", async () => {
  const [a, b] = pair();
  await a.shutdown();
  assertEquals(await b.events(), ["EOF"]);
  assertEquals(b.read(), READ_END);
  a.abort();
  assertEquals(await b.events(), ["ECONNRESET"]);
  assertEquals([b.read(), b.driver.readError], [READ_END, undefined]);
  assertEquals(await b.write([1]), "ECONNRESET after 0");
});

test("close and abort may be called again, in any order", async () => {
  const [a, b] = pair();
  await Promise.all([a.close(), a.close()]);
  a.abort();
  a.abort();
  await a.close();
  assertEquals(await b.events(), ["EOF"]);
  b.abort();
  await b.close();
  assertEquals(await a.events(), []);
});

test("what happened before start is told after it", async () => {
  const [left, right] = streamDriverPair();
  await left.writev([Uint8Array.of(1)]);
  left.abort();
  const b = new Watched(right);
  assertEquals(b.told, []);
  assertEquals(await b.events(), ["ECONNRESET"]);
  assertEquals([b.read(), b.read()], [[1], READ_END]);
});

test("readInto is filled by the next write without the ring, and then needs no event", async () => {
  const [a, b] = pair({ capacityBytes: 4 });
  const into = new Uint8Array(3);
  assertEquals(b.read(), READ_AGAIN);
  const filled = b.driver.readInto!(into);
  assertEquals(await a.write([1, 2, 3, 4, 5, 6, 7]), "ok", "3 went into the view, 4 into the ring");
  assertEquals([await filled, [...into]], [3, [1, 2, 3]]);
  assertEquals(await b.events(), []);
  assertEquals(b.read(), [4, 5, 6, 7]);
});

test("readInto answers READ_END when the peer ends, resets, or the driver is closed; it never rejects", async () => {
  for (const end of ["shutdown", "abort", "own close", "own abort"]) {
    const [a, b] = pair();
    b.read();
    const filled = b.driver.readInto!(new Uint8Array(8));
    if (end === "shutdown") await a.shutdown();
    else if (end === "abort") a.abort();
    else if (end === "own close") await b.close();
    else b.abort();
    assertEquals(await filled, READ_END, end);
    assertEquals((await b.events()).includes("readable"), false);
  }
});

test("without canReadInto there is no readInto", () => {
  assertEquals(streamDriverPair({ canReadInto: false })[0].readInto, undefined);
});

test("isEndNoticedLate: the end is told when it is read, or when somebody watches", async () => {
  const [a, b] = pair({ isEndNoticedLate: true });
  await a.write([1]);
  await a.shutdown();
  assertEquals(await b.events(), []);
  assertEquals(b.read(), [1]);
  assertEquals(await b.events(), []);
  assertEquals(b.read(), READ_END);
  assertEquals(await b.events(), ["EOF"]);
  await b.shutdown();
  assertEquals(await a.events(), []);
  a.driver.watch!();
  assertEquals(await a.events(), ["EOF"]);
});

test("addresses are left and right, or those given", () => {
  const [a, b] = streamDriverPair();
  assertEquals([a.localAddress?.toHostPort(), a.remoteAddress?.toHostPort()], ["memory:left", "memory:right"]);
  assertEquals([b.localAddress?.toHostPort(), b.remoteAddress?.toHostPort()], ["memory:right", "memory:left"]);
  assertEquals([a.kind, a.alpn], ["memory", null]);
  const own = VirtualAddress.from("test", "x");
  assertEquals(streamDriverPair({ addresses: [own, undefined] })[1].remoteAddress, own);
});

test("wrong options are refused at once", () => {
  assertThrows(() => streamDriverPair({ capacityBytes: 0 }), RangeError);
  assertThrows(() => streamDriverPair({ capacityBytes: "1" as unknown as number }), TypeError);
  for (const name of ["shortReads", "shortWrites"]) {
    assertThrows(() => streamDriverPair({ faults: { [name]: 1.5 } }), RangeError);
    assertThrows(() => streamDriverPair({ faults: { [name]: -1 } }), RangeError);
  }
  for (const name of ["maxReadBytes", "maxWriteBytes", "resetAfterBytes", "endAfterBytes", "truncateAfterBytes"]) {
    assertThrows(() => streamDriverPair({ faults: [{}, { [name]: -1 }] }), RangeError);
  }
  for (const name of ["delayTurns", "jitterTurns", "delayMs", "jitterMs"]) {
    assertThrows(() => streamDriverPair({ faults: { [name]: Number.NaN } }), RangeError);
  }
});

/** Reads until the end or until nothing more comes; the sizes of the reads. */
async function sizesOfReads(b: Watched, total: number): Promise<number[]> {
  const sizes: number[] = [];
  for (let sum = 0; sum < total;) {
    const read = b.read();
    if (read === READ_AGAIN) {
      await turns(1);
      continue;
    }
    if (read === READ_END) break;
    assertEquals(read, bytes((read as number[]).length, sum));
    sum += (read as number[]).length;
    sizes.push((read as number[]).length);
  }
  return sizes;
}

test("maxReadBytes: one byte per read, although all are there", async () => {
  const [a, b] = pair({ faults: { maxReadBytes: 1 } });
  await a.write(bytes(5));
  assertEquals(b.driver.pendingBytes, 5);
  assertEquals(await sizesOfReads(b, 5), [1, 1, 1, 1, 1]);
});

test("maxWriteBytes: a write is taken in pieces, one per turn", async () => {
  const [a, b] = pair({ faults: { maxWriteBytes: 2 } });
  const written = a.write(bytes(5));
  assertEquals(b.driver.pendingBytes, 2);
  await turns(1);
  assertEquals([b.driver.pendingBytes, await written, b.driver.pendingBytes], [4, "ok", 5]);
});

test("the same seed gives the same short reads and writes, another one others; so does given randomness", async () => {
  const sizes = async (faults: object): Promise<string> => {
    const [a, b] = pair({ capacityBytes: 64, faults: { shortReads: 0.5, shortWrites: 0.5, ...faults } });
    const written = a.write(bytes(3000));
    const all = await sizesOfReads(b, 3000);
    assertEquals(await written, "ok");
    assertEquals(all.reduce((sum, size) => sum + size, 0), 3000);
    return all.join();
  };
  assertEquals(await sizes({ seed: 7 }), await sizes({ seed: 7 }));
  assert(await sizes({ seed: 7 }) !== await sizes({ seed: 8 }));
  assertEquals(await sizes({}), await sizes({ seed: 1 }));
  const random = (seed: number) => ({ random: new SeededRandom(seed).fill });
  assertEquals(await sizes(random(7)), await sizes(random(7)));
});

test("the two directions of a pair draw different faults from one seed", async () => {
  const [a, b] = pair({ faults: { seed: 7, shortReads: 0.5 } });
  await Promise.all([a.write(bytes(200)), b.write(bytes(200))]);
  assert((await sizesOfReads(a, 200)).join() !== (await sizesOfReads(b, 200)).join());
});

test("delayTurns: bytes and the end arrive so many turns later, in order", async () => {
  const [a, b] = pair({ faults: { delayTurns: 3 } });
  await a.write([1, 2]);
  await a.shutdown();
  const seen: number[] = [];
  for (let i = 0; i < 5; i++) {
    seen.push(b.driver.pendingBytes);
    await turns(1);
  }
  assertEquals(seen, [0, 0, 0, 2, 2]);
  assertEquals(b.told, ["EOF"]);
  assertEquals([b.read(), b.read()], [[1, 2], READ_END]);
});

test("what is on its way counts against the capacity", async () => {
  const clock = new ManualClock();
  const [a, b] = pair({ capacityBytes: 2, faults: { delayMs: 10, clock } });
  const written = a.write([1, 2, 3]);
  assertEquals([await isSettled(written), b.read()], [false, READ_AGAIN]);
  clock.advance(10);
  assertEquals(b.read(), [1, 2]);
  assertEquals(await written, "ok");
});

test("delayMs and jitterMs: nothing moves but with the clock, order is kept, and no timer is left", async () => {
  const clock = new ManualClock();
  const [a, b] = pair({ faults: { delayMs: 10, jitterMs: 50, clock, seed: 9 } });
  assertEquals(b.read(), READ_AGAIN);
  for (let i = 0; i < 20; i++) await a.write([i]);
  await a.close();
  assertEquals([await b.events(), clock.timers], [[], 21]);
  const got: number[] = [];
  const moments = new Set<number>();
  while (clock.timers > 0) {
    clock.advance(1);
    const read = b.read();
    if (read === READ_AGAIN || read === READ_END) continue;
    got.push(...read as number[]);
    moments.add(clock.now());
  }
  assertEquals([got, b.read()], [bytes(20), READ_END]);
  assert(moments.size > 1, "they came one after the other");
});

test("a reset travels behind the bytes, a closed reader lets go of its timers", async () => {
  const clock = new ManualClock();
  const [a, b] = pair({ faults: { delayMs: 10, clock } });
  await a.write([1]);
  a.abort();
  assertEquals([b.read(), await b.events()], [READ_AGAIN, []]);
  clock.advance(10);
  assertEquals([b.read(), b.read()], [[1], READ_END]);
  assertEquals((await b.events()).at(-1), "ECONNRESET");
  const [c, d] = pair({ faults: { delayMs: 10, clock } });
  await c.write([1]);
  await Promise.all([d.close(), c.close()]);
  assertEquals(clock.timers, 0);
});

test("resetAfterBytes: both sides are reset when so many were sent, and those arrive", async () => {
  const [a, b] = pair({ faults: [{ resetAfterBytes: 5 }, {}] });
  await b.write([9]);
  assertEquals(await a.write(bytes(3)), "ok");
  assertEquals(await a.write(bytes(3, 3)), "ECONNRESET after 2");
  assertEquals([await a.events(), await b.events()], [["ECONNRESET"], ["ECONNRESET"]]);
  assertEquals([b.read(), b.read(), b.driver.readError?.code], [bytes(5), READ_END, "ECONNRESET"]);
  assertEquals([a.read(), a.read(), a.driver.readError?.code], [[9], READ_END, "ECONNRESET"]);
  assertEquals([await a.write([1]), await b.write([1])], ["ECONNRESET after 0", "ECONNRESET after 0"]);
});

test("resetAfterBytes 0 resets at the first write; a write that just fits is fine", async () => {
  const [a, b] = pair({ faults: [{ resetAfterBytes: 0 }, {}] });
  assertEquals(await a.write([1]), "ECONNRESET after 0");
  assertEquals(b.read(), READ_END);
  const [c, d] = pair({ faults: [{ resetAfterBytes: 2 }, {}] });
  assertEquals([await c.write([1, 2]), d.read(), d.read()], ["ok", [1, 2], READ_END]);
});

test("endAfterBytes: the direction ends in order, the other goes on", async () => {
  const [a, b] = pair({ faults: [{ endAfterBytes: 2 }, {}] });
  assertEquals(await a.write([1], [2, 3]), "EPIPE after 2");
  assertEquals([b.read(), b.read(), b.driver.readError], [[1, 2], READ_END, undefined]);
  assertEquals([await b.write([4]), a.read(), await a.events()], ["ok", [4], []]);
  assertEquals(await b.events(), ["EOF"]);
});

test("truncateAfterBytes: the rest vanishes and nobody is told", async () => {
  const [a, b] = pair({ faults: { truncateAfterBytes: 3 } });
  assertEquals([await a.write([1, 2], [3, 4]), await a.write([5])], ["ok", "ok"]);
  await a.shutdown();
  assertEquals([b.read(), b.read()], [[1, 2, 3], READ_END]);
});

test("faults and readInto together: bytes come right, whatever the delays", async () => {
  const [a, b] = pair({ capacityBytes: 50, faults: { jitterTurns: 2, shortWrites: 0.5, shortReads: 0.5, seed: 5 } });
  const written = a.write(bytes(1000)).then(() => a.shutdown());
  const got: number[] = [];
  const into = new Uint8Array(17);
  for (;;) {
    let count = b.driver.readSync(into);
    if (count === READ_AGAIN) count = await b.driver.readInto!(into);
    if (count === READ_END) break;
    got.push(...into.subarray(0, count));
  }
  assertEquals(got, bytes(1000));
  await written;
});

test("10 000 steps of two sides at random agree with a model of two queues", async () => {
  const random = new SeededRandom(11);
  const [a, b] = pair({ capacityBytes: 37, faults: { seed: 11, shortReads: 0.3, shortWrites: 0.3 } });
  const sides = [{ me: a, to: [] as number[] }, { me: b, to: [] as number[] }];
  let next = 0;
  const pending: (Promise<string> | undefined)[] = [undefined, undefined];
  for (let step = 0; step < 10_000; step++) {
    const side = random.below(2);
    const { me, to } = sides[side]!;
    if (random.chance(0.5) && pending[side] === undefined) {
      const data = bytes(random.below(60), next++);
      to.push(...data);
      pending[side] = me.write(data);
      void pending[side].then(() => pending[side] = undefined);
    } else {
      const got = me.read(1 + random.below(50));
      if (typeof got !== "number") assertEquals(got, sides[1 - side]!.to.splice(0, got.length));
    }
    if (step % 10 === 0) await turns(1);
  }
});
