/** Reading whole captures, in one piece and in many, for the tests of this folder. */
import { assert, assertEquals } from "@std/assert";
import type { LeatError } from "../../../src/core/errors.ts";
import { CaptureReader, type CaptureReaderOptions, type Packet } from "../../../src/pcap/mod.ts";
import { splitEvery, splits } from "../../../src/sim/mod.ts";

export interface Outcome {
  packets: Packet[];
  error: LeatError | undefined;
  ended: boolean;
  reader: CaptureReader;
}

/** Pushes the chunks, then ends. Fails when the reader says anything after its last word. */
export function readChunks(chunks: Iterable<Uint8Array>, options: CaptureReaderOptions = {}): Outcome {
  const packets: Packet[] = [];
  let error: LeatError | undefined;
  let ended = false;
  const reader = new CaptureReader(options, {
    item: (packet) => {
      assert(!ended && error === undefined, "packet after the end");
      packets.push(packet);
    },
    error: (what) => {
      assert(!ended && error === undefined, "error after the end");
      error = what;
    },
    end: () => {
      assert(!ended && error === undefined, "end after the end");
      ended = true;
    },
  });
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  assert(ended !== (error !== undefined), "neither ended nor failed");
  return { packets, error, ended, reader };
}

/** Reads a capture in one piece. */
export function readAll(bytes: Uint8Array, options: CaptureReaderOptions = {}): Outcome {
  return readChunks([bytes], options);
}

/** What must not depend on how the input was split. */
export function summary(outcome: Outcome): unknown {
  const { packets, error, ended, reader } = outcome;
  return {
    packets,
    error: error && [error.name, error.code, error.offset, error.message, (error as { missing?: number }).missing],
    ended,
    format: reader.format,
    stats: reader.stats,
    interfaces: reader.interfaces,
    names: reader.names,
    statistics: reader.statistics,
  };
}

/** Copies bytes to an odd offset of a larger buffer. */
export function unaligned(bytes: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(bytes.length + 4).fill(0xee);
  buffer.set(bytes, 3);
  return buffer.subarray(3, 3 + bytes.length);
}

/** Whole, byte by byte, at every split point, in pieces of all small sizes, by seed, and at odd offsets. */
export function checkSplits(bytes: Uint8Array, options: CaptureReaderOptions = {}): void {
  const whole = summary(readAll(bytes, options));
  const check = (chunks: readonly Uint8Array[], how: string) =>
    assertEquals(summary(readChunks(chunks, options)), whole, how);
  for (const { name, chunks } of splits(bytes, { seeds: 20 })) check(chunks, name);
  for (let size = 2; size < 40; size++) check(splitEvery(bytes, size), `pieces of ${size}`);
  check([bytes.subarray(0, 0), bytes, bytes.subarray(0, 0)], "empty chunks around");
  check([unaligned(bytes)], "odd offset");
  check(splitEvery(bytes, 9).map(unaligned), "pieces at odd offsets");
}
