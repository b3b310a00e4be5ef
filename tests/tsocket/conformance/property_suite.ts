/** Random interleavings of all ways to write and to read, with cancelling: the bytes stay the same, in the same order. */
import { assertEquals } from "@std/assert";
import { SeededRandom } from "../../../src/sim/mod.ts";
import type { TStream } from "../../../src/tsocket/types.ts";
import { turns } from "../../support/turns.ts";
import { checkPattern, pattern } from "./bytes.ts";
import { define, withPair } from "./define.ts";
import type { StreamRig } from "./rig.ts";

const SEEDS = 12;
const BYTES = 120_000;

/** Registers the tests. */
export function propertySuite(rig: StreamRig): void {
  define(
    rig,
    64,
    `${SEEDS} random interleavings of writes, reads and cancelling keep every byte in its place`,
    async () => {
      const bytes = Math.max(4_000, Math.round(BYTES * rig.features.share));
      for (let seed = 0; seed < SEEDS; seed++) {
        try {
          await withPair(rig, { a: { allowHalfOpen: true }, b: { allowHalfOpen: true } }, async ({ a, b }) => {
            await Promise.all([
              writeRandomly(a, bytes, new SeededRandom(seed)),
              readRandomly(b, bytes, new SeededRandom(seed + 1000)),
              writeRandomly(b, bytes >> 2, new SeededRandom(seed + 2000)),
              readRandomly(a, bytes >> 2, new SeededRandom(seed + 3000)),
            ]);
          });
        } catch (error) {
          throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
        }
      }
    },
  );
}

/** Cuts into views at random, empty ones included. */
function cut(bytes: Uint8Array, random: SeededRandom): Uint8Array[] {
  const views: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Math.min(bytes.length - at, random.chance(0.1) ? 0 : random.between(1, 2 + (bytes.length >> 1)));
    views.push(bytes.subarray(at, at + length));
    at += length;
  }
  return views;
}

function someLength(left: number, random: SeededRandom): number {
  return Math.min(left, random.chance(0.2) ? random.between(1, 20_000) : random.between(1, 300));
}

async function writeRandomly(stream: TStream, bytes: number, random: SeededRandom): Promise<void> {
  const pending: Promise<unknown>[] = [];
  for (let at = 0; at < bytes;) {
    if (random.chance(0.15)) {
      // One that is taken out of the queue again: blocked, so that it cannot have started.
      const release = stream.writeQueue.block();
      const controller = new AbortController();
      pending.push(stream.writev([new Uint8Array(50)], { signal: controller.signal }).catch(() => {}));
      controller.abort();
      release[Symbol.dispose]();
      continue;
    }
    const length = someLength(bytes - at, random);
    const write = stream.writev(cut(pattern(length, at), random), { copy: random.chance(0.3) });
    pending.push(write);
    if (random.chance(0.4)) await write;
    if (random.chance(0.1)) await turns(1);
    at += length;
  }
  await Promise.all(pending);
  await stream.shutdown();
}

/** One read of `length` bytes in one of the three ways. Resolves with how many came. */
async function readOnce(
  stream: TStream,
  into: Uint8Array,
  random: SeededRandom,
  signal?: AbortSignal,
): Promise<number> {
  const options = signal === undefined ? {} : { signal };
  switch (random.below(4)) {
    case 0:
      return await stream.readv(cut(into, random).concat(new Uint8Array(0)), options);
    case 1:
      return (await stream.readSome(into, options))!;
    case 2: {
      if (stream.tryReadv([into])) return into.length;
      return await stream.readv([into], options);
    }
    default: {
      const views = cut(into, random).filter((view) => view.length > 0);
      return await stream.readvPdu(() => {
        const view = views.shift();
        return view === undefined ? null : [view];
      }, options);
    }
  }
}

async function readRandomly(stream: TStream, bytes: number, random: SeededRandom): Promise<void> {
  for (let at = 0; at < bytes;) {
    const into = new Uint8Array(someLength(bytes - at, random));
    if (!random.chance(0.3)) {
      const count = await readOnce(stream, into, random);
      checkPattern(into.subarray(0, count), at);
      at += count;
      continue;
    }
    const controller = new AbortController();
    const read = readOnce(stream, into, random, controller.signal).catch((error: unknown) => {
      if (error !== "cancelled") throw error;
      return 0;
    });
    if (random.chance(0.7)) await turns(random.below(3));
    controller.abort("cancelled");
    const count = await read;
    checkPattern(into.subarray(0, count), at);
    at += count;
  }
  assertEquals(await stream.readSome(new Uint8Array(1)), null);
}
