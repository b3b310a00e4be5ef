/** Bytes that streams of tests carry: whoever sees a byte and its place knows whether it is right. */
import { SeededRandom } from "../../src/sim/seeded_random.ts";

/** A prime, so that no power of two hides a displacement. */
const LENGTH = 65_521;
const BYTES = new SeededRandom(0x1ea7).bytes(LENGTH);

/** Bytes of stream number `stream` from `offset` on, `most` at most. */
export function patternAt(stream: number, offset: number, most: number): Uint8Array {
  const from = (offset + stream * 7919) % LENGTH;
  return BYTES.subarray(from, Math.min(LENGTH, from + most));
}

/** Whether these are the bytes of that stream at `offset`. */
export function isPattern(stream: number, offset: number, bytes: Uint8Array): boolean {
  for (let done = 0; done < bytes.length;) {
    const expected = patternAt(stream, offset + done, bytes.length - done);
    for (let i = 0; i < expected.length; i++) if (bytes[done + i] !== expected[i]) return false;
    done += expected.length;
  }
  return true;
}
