/**
 * A queue that gives the entry with the least priority first: a binary heap.
 *
 * @module
 */

/** Entries ordered by a number. */
export class PriorityQueue<T> {
  readonly #heap: (readonly [priority: number, entry: T])[] = [];

  /** Adds an entry. */
  push(priority: number, entry: T): void {
    const heap = this.#heap;
    let at = heap.length;
    const item = [priority, entry] as const;
    heap.push(item);
    while (at > 0) {
      const parent = at - 1 >> 1;
      if (heap[parent]![0] <= priority) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = item;
  }

  /** Takes the entry with the least priority; `undefined` when there is none. */
  pop(): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (heap.length > 0) this.#sink(last);
    return first[1];
  }

  #sink(item: readonly [number, T]): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]![0] < heap[child]![0]) child++;
      if (heap[child]![0] >= item[0]) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = item;
  }
}
