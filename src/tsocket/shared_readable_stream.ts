/**
 * A readable stream over a place that items can be taken from in other ways, too.
 *
 * The stream holds nothing of its own (its high-water mark is 0): it takes an item only when its reader asks for one, so
 * that what it was not asked for is still there for everybody else. Cancelling it ends nothing but itself.
 *
 * @module
 */

/** How the place ended: `error` is there when it broke. */
export interface Ending {
  /** What broke it. */
  readonly error?: unknown;
}

/** Where the items are. */
export interface SharedSource<T> {
  /** Takes the next item, if there is one. */
  take(): T | undefined;
  /** Whether nothing will come any more once {@linkcode take} has nothing. */
  ending(): Ending | undefined;
}

/** The stream. */
export class SharedReadable<T> {
  /** What readers get. */
  readonly stream: ReadableStream<T>;
  readonly #source: SharedSource<T>;
  #controller!: ReadableStreamDefaultController<T>;
  #isWaiting = false;
  #isOver = false;

  /** A stream over `source`. */
  constructor(source: SharedSource<T>) {
    this.#source = source;
    this.stream = new ReadableStream<T>({
      start: (controller) => {
        this.#controller = controller;
      },
      // Returns at once, whether there is something or not: a pull that waited would keep the stream from asking again
      // for the next reader, after one that left with its read pending.
      pull: () => this.#pull(),
      cancel: () => {
        this.#isOver = true;
      },
    }, { highWaterMark: 0 });
  }

  /** Hands over an item that just came. Returns `false`, and leaves it alone, when no reader waits for one. */
  offer(item: T): boolean {
    if (!this.#isWaiting || this.#isOver) return false;
    this.#isWaiting = false;
    // the reader that had asked has left
    if (!this.stream.locked) return false;
    this.#controller.enqueue(item);
    return true;
  }

  /** Something changed at the source: serves a waiting reader if that is possible now. */
  wake(): void {
    if (!this.#isWaiting || !this.stream.locked) return;
    this.#isWaiting = false;
    this.#pull();
  }

  /** Ends at once; a waiting reader learns of it. */
  end({ error }: Ending): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (error === undefined) this.#controller.close();
    else this.#controller.error(error);
  }

  #pull(): void {
    if (this.#isOver) return;
    const item = this.#source.take();
    if (item !== undefined) return this.#controller.enqueue(item);
    const ending = this.#source.ending();
    if (ending === undefined) this.#isWaiting = true;
    else this.end(ending);
  }
}
