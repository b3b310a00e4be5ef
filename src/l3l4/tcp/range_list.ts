/**
 * Which bytes came out of order: ranges of sequence numbers, sorted, apart from each other, with the order in which they
 * last changed, which is the order that selective acknowledgments want (RFC 2018 section 4).
 *
 * @module
 */

/** Ranges between the next byte that is expected and the end of the window. */
export class RangeList {
  readonly #max: number;
  readonly #lefts: number[] = [];
  readonly #rights: number[] = [];
  readonly #stamps: number[] = [];
  #stamp = 0;

  /** Holds up to `max` ranges. */
  constructor(max: number) {
    this.#max = max;
  }

  /** How many there are. */
  get size(): number {
    return this.#lefts.length;
  }

  /** Left edge of the range at `index`. */
  left(index: number): number {
    return this.#lefts[index]!;
  }

  /** Right edge of the range at `index`. */
  right(index: number): number {
    return this.#rights[index]!;
  }

  /** Index of the first range that ends at or behind `sequence`. */
  find(sequence: number): number {
    let low = 0;
    let high = this.#rights.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.#rights[middle]! - sequence) | 0) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether a range can be added: there is room, or it joins one that is there. */
  hasRoom(left: number, right: number): boolean {
    if (this.#lefts.length < this.#max) return true;
    const at = this.find(left);
    return at < this.#lefts.length && ((this.#lefts[at]! - right) | 0) <= 0;
  }

  /** Adds a range, which joins those that it touches. Look with `hasRoom` first. */
  add(left: number, right: number): void {
    const at = this.find(left);
    let from = left;
    let to = right;
    let behind = at;
    while (behind < this.#lefts.length && ((this.#lefts[behind]! - to) | 0) <= 0) {
      if (((this.#lefts[behind]! - from) | 0) < 0) from = this.#lefts[behind]!;
      if (((this.#rights[behind]! - to) | 0) > 0) to = this.#rights[behind]!;
      behind++;
    }
    this.#lefts.splice(at, behind - at, from);
    this.#rights.splice(at, behind - at, to);
    this.#stamps.splice(at, behind - at, ++this.#stamp);
  }

  /** Takes the first range out. */
  shift(): void {
    this.#lefts.shift();
    this.#rights.shift();
    this.#stamps.shift();
  }

  /** Writes up to `max` ranges to `into`, the one that changed last first, and returns how many. */
  newest(max: number, into: Int32Array, at: number): number {
    let before = Infinity;
    let count = 0;
    while (count < max) {
      let best = -1;
      for (let i = 0; i < this.#stamps.length; i++) {
        const stamp = this.#stamps[i]!;
        if (stamp < before && (best < 0 || stamp > this.#stamps[best]!)) best = i;
      }
      if (best < 0) break;
      into[at + 2 * count] = this.#lefts[best]!;
      into[at + 2 * count + 1] = this.#rights[best]!;
      before = this.#stamps[best]!;
      count++;
    }
    return count;
  }
}
