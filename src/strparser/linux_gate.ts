/**
 * What the kernel does with a body that is not all there: it leaves the rest in the socket until it is.
 *
 * Only for `compat: "linux"`. There is no gate otherwise, since a rest that does not fit into the receive window never
 * comes while nobody reads.
 *
 * @module
 */

/** Waits for the rest of a message, and counts as the kernel does. */
export class LinuxGate {
  /** Bytes that are counted once too often. */
  doubled = 0;
  /** So many bytes have to be there before it is worth reading. */
  awaited = 0;
  readonly #below: () => number;

  /** `below` tells how much the lower socket holds, the chunk in work included. */
  constructor(below: () => number) {
    this.#below = below;
  }

  /**
   * `count` bytes were taken of a message that had `before` of its `length` (0: unknown) and is not complete. Returns
   * whether the rest is waited for.
   */
  hold(length: number, before: number, count: number): boolean {
    if (length === 0 || length - before <= this.#below()) return false;
    this.doubled += count;
    this.awaited = length - before - count;
    return true;
  }
}
