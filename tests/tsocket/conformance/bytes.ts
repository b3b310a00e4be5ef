/** Bytes that know their place: whatever is lost, doubled or out of order shows where. */
import { SeededRandom } from "../../../src/sim/mod.ts";

/** A prime, so that a shift by any power of two shows. */
const PERIOD = 65521;
const TABLE = new SeededRandom(20261128).bytes(PERIOD);

/** Fills a view with what stands at `position` of the endless pattern. */
export function fillPattern(view: Uint8Array, position = 0): Uint8Array {
  for (let done = 0; done < view.length;) {
    const from = (position + done) % PERIOD;
    const part = TABLE.subarray(from, Math.min(PERIOD, from + view.length - done));
    view.set(part, done);
    done += part.length;
  }
  return view;
}

/** `length` bytes of the pattern. */
export function pattern(length: number, position = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  fillPattern(bytes, position);
  return bytes;
}

/** Fails unless the view holds what stands at `position` of the pattern. */
export function checkPattern(view: Uint8Array, position = 0): void {
  for (let i = 0, at = position % PERIOD; i < view.length; i++) {
    if (view[i] !== TABLE[at]) throw new Error(`byte ${position + i} is ${view[i]}, not ${TABLE[at]}`);
    if (++at === PERIOD) at = 0;
  }
}
