/** Reading whole captures, in one piece and in many, for the tests of this folder. */
import { assert, assertEquals } from "@std/assert";
import type { LeatError } from "../../../src/core/errors.ts";
import { CaptureReader, type CaptureReaderOptions, type Packet } from "../../../src/pcap/mod.ts";

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

/** Pieces of `size` bytes. */
export function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Whole, byte by byte, at every split point, in small pieces, with empty chunks, and at an odd offset. */
export function checkSplits(bytes: Uint8Array, options: CaptureReaderOptions = {}): void {
  const whole = summary(readAll(bytes, options));
  const check = (chunks: Iterable<Uint8Array>, how: string) =>
    assertEquals(summary(readChunks(chunks, options)), whole, how);
  for (const size of [1, 2, 3, 5, 7, 8, 11, 13, 16, 17, 31]) check(pieces(bytes, size), `pieces of ${size}`);
  for (let at = 1; at < bytes.length; at++) check([bytes.subarray(0, at), bytes.subarray(at)], `split at ${at}`);
  check([bytes.subarray(0, 0), bytes, bytes.subarray(0, 0)], "empty chunks around");
  check([unaligned(bytes)], "odd offset");
  check([...pieces(bytes, 9)].map(unaligned), "pieces at odd offsets");
}
