/**
 * The readable end of a stage: a queue of batches with a byte count, and a stream made of it on first access.
 *
 * The queue is ours, not the stream's (whose high-water mark is 0), for two reasons: `controller.error()` throws away
 * what a stream has queued, and here everything accepted before an error is read before the error is; and a queue
 * that nobody reads needs no stream at all.
 *
 * @module
 */

/** What an outlet tells its owner. */
export interface OutletEvents {
  /** Bytes have entered the queue. */
  held?(bytes: number): void;
  /** Bytes have left the queue. */
  released?(bytes: number): void;
  /** A reader waits and the queue is empty. */
  wanted?(): void;
  /** The reader cancelled; called at most once, and not after the stream has ended. */
  cancelled?(reason: unknown): void;
}

/** The two faces of a stage: `T[]` with `Batch` true, else `T`. */
export type Batched<T, Batch extends boolean> = Batch extends true ? T[] : T;

/** Items pushed one by one are gathered in batches of up to this many. */
const GATHER_ITEMS = 256;

interface Entry<T> {
  items: T[];
  bytes: number;
}

/** A queue of items with a lazily made `ReadableStream` in front of it. */
export class Outlet<T, Batch extends boolean = boolean> {
  readonly #batch: boolean;
  readonly #events: OutletEvents;
  #entries: Entry<T>[] = [];
  #first = 0;
  #heldBytes = 0;
  /** Bytes of the items that sit in the stream's own queue; counted as held until the next pull shows that they left. */
  #lentBytes = 0;
  #isLent = false;
  #readable: ReadableStream<Batched<T, Batch>> | undefined;
  #controller: ReadableStreamDefaultController<T | T[]> | undefined;
  #isWanted = false;
  #wasPulled = false;
  #state: "open" | "ended" | "failed" | "over" = "open";
  #error: unknown;

  /** Makes an outlet that yields arrays (`batch`) or items. */
  constructor(batch: boolean, events: OutletEvents = {}) {
    this.#batch = batch;
    this.#events = events;
  }

  /** The stream; made on first access. */
  get readable(): ReadableStream<Batched<T, Batch>> {
    if (this.#readable === undefined) this.#open();
    return this.#readable!;
  }

  /** Bytes queued and not yet taken by the reader. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether a reader waits while nothing is there. */
  get isStarving(): boolean {
    return this.#isWanted;
  }

  /** Whether anyone has ever read. */
  get wasRead(): boolean {
    return this.#wasPulled;
  }

  /** Whether nothing can be pushed any more: ended, failed or cancelled. */
  get isOver(): boolean {
    return this.#state !== "open";
  }

  /** Queues a batch; the array belongs to the outlet from now on. Ignored once over; an empty one always. */
  pushBatch(items: T[], bytes: number): void {
    if (this.#state !== "open" || items.length === 0) return;
    this.#entries.push({ items, bytes });
    this.#heldBytes += bytes;
    this.#events.held?.(bytes);
    if (this.#isWanted) this.#deliver();
  }

  /** Queues one item. Ignored once over. */
  push(item: T, bytes: number): void {
    if (this.#state !== "open") return;
    const tail = this.#entries.length > this.#first ? this.#entries[this.#entries.length - 1] : undefined;
    if (tail === undefined || tail.items.length >= GATHER_ITEMS) return this.pushBatch([item], bytes);
    tail.items.push(item);
    tail.bytes += bytes;
    this.#heldBytes += bytes;
    this.#events.held?.(bytes);
  }

  /** No more will come; the stream closes once everything was read. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#settle();
  }

  /** It went wrong; the stream errors once everything queued was read. */
  fail(error: unknown): void {
    if (this.#state !== "open") return;
    this.#state = "failed";
    this.#error = error;
    this.#settle();
  }

  /** Throws the queue away and errors the stream at once. */
  abort(error: unknown): void {
    if (this.#state === "over") return;
    this.#clear();
    this.#isLent = false;
    this.#state = "failed";
    this.#error = error;
    this.#settle();
  }

  /** What the reader's `cancel` does, also for an outlet whose stream was never made. */
  cancel(reason?: unknown): void {
    const wasOpen = this.#state === "open";
    if (this.#state === "over") return;
    this.#state = "over";
    this.#isWanted = false;
    this.#clear();
    if (wasOpen) this.#events.cancelled?.(reason);
  }

  #open(): void {
    this.#readable = new ReadableStream<Batched<T, Batch>>({
      start: (controller) => {
        this.#controller = controller as ReadableStreamDefaultController<T | T[]>;
      },
      pull: () => this.#pull(),
      cancel: (reason) => this.cancel(reason),
    }, { highWaterMark: 0 });
    if (this.#state === "over") this.#controller!.close();
    else this.#settle();
  }

  #pull(): void {
    this.#wasPulled = true;
    this.#returnLent();
    if (this.#first < this.#entries.length) return this.#deliver();
    this.#isWanted = true;
    this.#settle();
    if (this.#isWanted) this.#events.wanted?.();
  }

  /** Hands the first entry to the stream; a read is pending, so the stream passes the first chunk on at once. */
  #deliver(): void {
    const entry = this.#entries[this.#first]!;
    this.#dropFirst();
    this.#isWanted = false;
    const controller = this.#controller!;
    if (this.#batch) {
      controller.enqueue(entry.items);
    } else {
      this.#isLent = entry.items.length > 1;
      for (const item of entry.items) controller.enqueue(item);
    }
    if (this.#isLent) this.#lentBytes = entry.bytes;
    else this.#release(entry.bytes);
    this.#settle();
  }

  #dropFirst(): void {
    this.#first++;
    if (this.#first < this.#entries.length) return;
    this.#entries = [];
    this.#first = 0;
  }

  /** The stream asks for more, so what was lent to it has been read. */
  #returnLent(): void {
    if (!this.#isLent) return;
    this.#isLent = false;
    const bytes = this.#lentBytes;
    this.#lentBytes = 0;
    this.#release(bytes);
  }

  /** Passes the end on, as soon as nothing can get lost by it. */
  #settle(): void {
    const controller = this.#controller;
    if (controller === undefined || this.#first < this.#entries.length) return;
    if (this.#state === "ended") {
      // a closed stream never pulls again, so what it still holds counts as read
      this.#returnLent();
      controller.close();
    } else if (this.#state === "failed" && !this.#isLent) {
      controller.error(this.#error);
    } else {
      return;
    }
    this.#state = "over";
    this.#isWanted = false;
  }

  #clear(): void {
    this.#entries = [];
    this.#first = 0;
    this.#lentBytes = 0;
    this.#release(this.#heldBytes);
  }

  #release(bytes: number): void {
    this.#heldBytes -= bytes;
    if (bytes > 0) this.#events.released?.(bytes);
  }
}
