/**
 * Gathers small views for one write each: Deno has no writev, and a write costs far more than a small copy.
 *
 * @module
 */
import type { Vector } from "../../types.ts";

/** A view of at least this many bytes is written as it is; smaller neighbours are copied together. */
export const JOIN_BELOW_BYTES = 4096;

/** Views are copied together up to this many bytes. */
export const JOINED_BYTES = 65536;

/** The bytes of `vector`, in order, in few pieces. Views that need no copy come out as they are. */
export function* joinViews(vector: Vector): Generator<Uint8Array, void> {
  for (let index = 0; index < vector.length;) {
    const { until, length } = smallRun(vector, index);
    if (until - index > 1) {
      if (length > 0) yield copied(vector, index, until, length);
      index = until;
    } else {
      const view = vector[index++]!;
      if (view.length > 0) yield view;
    }
  }
}

/** The neighbours from `index` on that are worth joining. */
function smallRun(vector: Vector, index: number): { until: number; length: number } {
  let length = 0;
  let until = index;
  for (; until < vector.length; until++) {
    const more = vector[until]!.length;
    if (more >= JOIN_BELOW_BYTES || length + more > JOINED_BYTES) break;
    length += more;
  }
  return { until, length };
}

function copied(vector: Vector, from: number, until: number, length: number): Uint8Array {
  const joined = new Uint8Array(length);
  let at = 0;
  for (let i = from; i < until; i++) {
    joined.set(vector[i]!, at);
    at += vector[i]!.length;
  }
  return joined;
}
