/**
 * Which of many objects is due next: a heap, from which nothing is ever taken but the first.
 *
 * An object that is due earlier than it stands is put in once more; what stands too late or too early is noticed when
 * its turn comes. So the usual case, a deadline that moves away with every packet, costs nothing.
 *
 * @module
 */

/** Something that is due at some time. */
export interface Timed {
  /** When it stands in the queue; kept by the queue, `Infinity` to begin with. */
  queuedAt: number;
  /** When it really is due; `Infinity` for never. */
  timeoutAt(): number;
  /** Its turn has come. */
  onTimeout(now: number): void;
}

interface Entry {
  at: number;
  timed: Timed;
}

/** The queue. */
export class TimerQueue {
  readonly #heap: Entry[] = [];

  /** When the first of them may be due. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  /** How many entries there are, with those that stand twice. */
  get size(): number {
    return this.#heap.length;
  }

  /** Notices that an object may be due earlier than before. */
  update(timed: Timed): void {
    const at = timed.timeoutAt();
    if (at >= timed.queuedAt) return;
    timed.queuedAt = at;
    this.#push({ at, timed });
  }

  /** Runs everything that is due. */
  run(now: number): void {
    while (this.nextAt <= now) {
      const { at, timed } = this.#pop();
      if (at !== timed.queuedAt) continue;
      timed.queuedAt = Infinity;
      if (timed.timeoutAt() <= now) timed.onTimeout(now);
      this.update(timed);
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (heap[parent]!.at <= entry.at) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (heap[child]!.at >= last.at) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
