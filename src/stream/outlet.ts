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
  /** The wait that `wanted` told of is over: something came, or nothing ever will. */
  served?(): void;
  /** The reader cancelled; called at most once, and not after the stream has ended. */
  cancelled?(reason: unknown): void;
}

/** The two faces of a stage: `T[]` with `Batch` true, else `T`. */
export type Batched<T, Batch extends boolean> = Batch extends true ? T[] : T;

/** Items pushed one by one are gathered in batches of up to this many. */
const GATHER_ITEMS = 256;

/** Spent entries at the front are dropped once there are this many and they are half of all. */
const COMPACT_AT = 64;

interface Entry<T> {
  items: T[];
  bytes: number;
}

/** Stands in a spent slot, so that the slot pins nothing. */
const SPENT: Entry<never> = { items: [], bytes: 0 };

/** A queue of items with a lazily made `ReadableStream` in front of it. */
export class Outlet<T, Batch extends boolean = boolean> {
  /** What errors call it. */
  readonly label: string | undefined;
  readonly #batch: boolean;
  readonly #events: OutletEvents;
  #entries: Entry<T>[] = [];
  #first = 0;
  #heldBytes = 0;
  #readable: ReadableStream<Batched<T, Batch>> | undefined;
  #controller: ReadableStreamDefaultController<T | T[]> | undefined;
  #isWanted = false;
  #wasPulled = false;
  #isDelivering = false;
  #state: "open" | "ended" | "failed" | "over" = "open";
  #error: unknown;

  /** Makes an outlet that yields arrays (`batch`) or items. */
  constructor(batch: boolean, events: OutletEvents = {}, label?: string) {
    this.label = label;
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
    this.#heldBytes += bytes;
    this.#events.held?.(bytes);
    // past the queue, whose upkeep costs a tenth of what the stream does; a reader only waits while it is empty
    if (this.#isWanted && (this.#batch || items.length === 1)) return this.#hand(items, bytes);
    this.#entries.push({ items, bytes });
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
    this.#state = "failed";
    this.#error = error;
    if (this.#controller === undefined) return;
    this.#over();
    this.#controller.error(error);
  }

  /** What the reader's `cancel` does, also for an outlet whose stream was never made. */
  cancel(reason?: unknown): void {
    if (this.#state === "over") return;
    this.#cancel(reason);
    // a stream that is cancelled closes itself; one whose owner gives up has to be told
    this.#controller?.close();
  }

  #cancel(reason: unknown): void {
    const wasOpen = this.#state === "open";
    if (this.#state === "over") return;
    this.#over();
    this.#clear();
    if (wasOpen) this.#events.cancelled?.(reason);
  }

  #open(): void {
    this.#readable = new ReadableStream<Batched<T, Batch>>({
      start: (controller) => {
        this.#controller = controller as ReadableStreamDefaultController<T | T[]>;
      },
      pull: () => this.#pull(),
      cancel: (reason) => this.#cancel(reason),
    }, { highWaterMark: 0 });
    if (this.#state === "over") this.#controller!.close();
    else this.#settle();
  }

  #pull(): void {
    if (this.#isDelivering) return;
    this.#wasPulled = true;
    if (this.#first < this.#entries.length) return this.#deliver();
    this.#isWanted = true;
    this.#settle();
    if (this.#isWanted) this.#events.wanted?.();
  }

  /** A read is pending: hands the first entry to the stream. */
  #deliver(): void {
    const entry = this.#entries[this.#first]!;
    if (!this.#batch && entry.items.length > 1) {
      this.#endWait();
      return this.#lend(entry);
    }
    this.#dropFirst();
    this.#hand(entry.items, entry.bytes);
  }

  /** A read is pending: hands it a batch that is in no queue any more. */
  #hand(items: T[], bytes: number): void {
    this.#endWait();
    this.#release(bytes);
    this.#controller!.enqueue(this.#batch ? items : items[0]!);
    this.#settle();
  }

  /**
   * Hands all items of an entry but the last to the stream, whose own queue nobody else sees. The last one stays, with
   * the bytes of all: the pull for it shows that the others were read.
   */
  #lend(entry: Entry<T>): void {
    const controller = this.#controller!;
    const { items } = entry;
    entry.items = [items.pop()!];
    const last = items.pop()!;
    // with several reads pending, `enqueue` pulls at once, for a read that the next `enqueue` here serves
    this.#isDelivering = true;
    for (const item of items) controller.enqueue(item);
    this.#isDelivering = false;
    controller.enqueue(last);
  }

  #dropFirst(): void {
    this.#entries[this.#first++] = SPENT;
    if (this.#first < this.#entries.length && (this.#first < COMPACT_AT || this.#first * 2 < this.#entries.length)) {
      return;
    }
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }

  /** Passes the end on, as soon as nothing can get lost by it. */
  #settle(): void {
    const controller = this.#controller;
    if (controller === undefined || this.#first < this.#entries.length) return;
    if (this.#state === "ended") {
      this.#over();
      controller.close();
    } else if (this.#state === "failed" && controller.desiredSize === 0) {
      // below 0, a reader that left before its chunk came has it still in the stream, where an error would drop it
      this.#over();
      controller.error(this.#error);
    }
  }

  #over(): void {
    this.#state = "over";
    this.#endWait();
  }

  #endWait(): void {
    if (!this.#isWanted) return;
    this.#isWanted = false;
    this.#events.served?.();
  }

  #clear(): void {
    this.#entries = [];
    this.#first = 0;
    this.#release(this.#heldBytes);
  }

  #release(bytes: number): void {
    this.#heldBytes -= bytes;
    if (bytes > 0) this.#events.released?.(bytes);
  }
}
