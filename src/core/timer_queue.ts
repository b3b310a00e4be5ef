/**
 * Which of many objects is due next: a binary heap in which each object stands once.
 *
 * An object that is due later than it stands is left where it is, and looked at when its turn comes: so the usual case,
 * a deadline that moves away with every packet, costs nothing. One that is due never more is taken out at once, because
 * whatever it holds on to would stay with it.
 *
 * @module
 */

/** Something that is due at some time. */
export interface Timed {
  /** When it stands in the queue; kept by the queue, `Infinity` to begin with. */
  queuedAt: number;
  /** Where it stands; kept by the queue, -1 to begin with. */
  queueIndex: number;
  /** When it really is due; `Infinity` for never. */
  timeoutAt(): number;
  /** Its turn has come. */
  onTimeout(now: number): void;
}

/** The queue. */
export class TimerQueue {
  readonly #heap: Timed[] = [];

  /** When the first of them may be due. */
  get nextAt(): number {
    return this.#heap[0]?.queuedAt ?? Infinity;
  }

  /** How many objects stand in it. */
  get size(): number {
    return this.#heap.length;
  }

  /** Notices that an object may be due earlier than before, or never more. */
  update(timed: Timed): void {
    const at = timed.timeoutAt();
    if (at === Infinity) return this.#remove(timed);
    if (at >= timed.queuedAt) return;
    timed.queuedAt = at;
    this.#rise(timed, timed.queueIndex < 0 ? this.#heap.length : timed.queueIndex);
  }

  /** Runs everything that is due. */
  run(now: number): void {
    while (this.nextAt <= now) {
      const timed = this.#heap[0]!;
      this.#remove(timed);
      if (timed.timeoutAt() <= now) timed.onTimeout(now);
      this.update(timed);
    }
  }

  #remove(timed: Timed): void {
    const { queueIndex } = timed;
    if (queueIndex < 0) return;
    timed.queueIndex = -1;
    timed.queuedAt = Infinity;
    const last = this.#heap.pop()!;
    if (last === timed) return;
    const parent = this.#heap[(queueIndex - 1) >>> 1];
    if (queueIndex > 0 && parent!.queuedAt > last.queuedAt) this.#rise(last, queueIndex);
    else this.#sink(last, queueIndex);
  }

  #rise(timed: Timed, at: number): void {
    while (at > 0) {
      const parent = this.#heap[(at - 1) >>> 1]!;
      if (parent.queuedAt <= timed.queuedAt) break;
      this.#put(parent, at);
      at = (at - 1) >>> 1;
    }
    this.#put(timed, at);
  }

  #sink(timed: Timed, at: number): void {
    const heap = this.#heap;
    for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.queuedAt < heap[child]!.queuedAt) child++;
      if (heap[child]!.queuedAt >= timed.queuedAt) break;
      this.#put(heap[child]!, at);
      at = child;
    }
    this.#put(timed, at);
  }

  #put(timed: Timed, at: number): void {
    this.#heap[at] = timed;
    timed.queueIndex = at;
  }
}
