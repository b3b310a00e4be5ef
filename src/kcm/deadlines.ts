/**
 * When something is due, of many things of which few are: a heap. Internal.
 *
 * An entry whose time moves back stays where it is and is looked at too early, once; so each one is in the heap at most
 * once, and deadlines that move on with every message cost nothing.
 *
 * @module
 */

/** What can be due. */
export interface Timed {
  /** When it is to be looked at; `Infinity` when it is not in the heap. Belongs to the heap. */
  scheduledAt: number;
  /** Its place. Belongs to the heap. */
  heapIndex: number;
  /** When it is due. */
  timeoutAt(): number;
  /** Does what is due. */
  onTimeout(now: number): void;
}

/** The heap, earliest first. */
export class Deadlines {
  readonly #heap: Timed[] = [];

  /** When the first is to be looked at. */
  get at(): number {
    return this.#heap[0]?.scheduledAt ?? Infinity;
  }

  /** Looks at what `timed` wants now. */
  update(timed: Timed): void {
    const at = timed.timeoutAt();
    if (at >= timed.scheduledAt) return;
    if (timed.scheduledAt === Infinity) timed.heapIndex = this.#heap.push(timed) - 1;
    timed.scheduledAt = at;
    this.#siftUp(timed.heapIndex);
  }

  /** It is never due again. */
  remove(timed: Timed): void {
    if (timed.scheduledAt === Infinity) return;
    const heap = this.#heap;
    const at = timed.heapIndex;
    timed.scheduledAt = Infinity;
    const last = heap.pop()!;
    if (last === timed) return;
    heap[at] = last;
    last.heapIndex = at;
    this.#siftUp(at);
    this.#siftDown(last.heapIndex);
  }

  /** Runs all that is due. What is thrown leaves the rest for the next call. */
  run(now: number): void {
    for (let first = this.#heap[0]; first !== undefined && first.scheduledAt <= now; first = this.#heap[0]) {
      this.remove(first);
      try {
        if (first.timeoutAt() <= now) first.onTimeout(now);
      } finally {
        // what is still due then is due again when the time has moved on
        if (first.timeoutAt() > now) this.update(first);
      }
    }
  }

  #siftUp(from: number): void {
    const heap = this.#heap;
    const timed = heap[from]!;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.scheduledAt <= timed.scheduledAt) break;
      this.#put(heap[parent]!, at);
      at = parent;
    }
    this.#put(timed, at);
  }

  #siftDown(from: number): void {
    const heap = this.#heap;
    const timed = heap[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < heap.length && heap[child + 1]!.scheduledAt < heap[child]!.scheduledAt) child++;
      if (child >= heap.length || heap[child]!.scheduledAt >= timed.scheduledAt) break;
      this.#put(heap[child]!, at);
      at = child;
    }
    this.#put(timed, at);
  }

  #put(timed: Timed, at: number): void {
    this.#heap[at] = timed;
    timed.heapIndex = at;
  }
}
