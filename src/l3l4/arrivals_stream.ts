/**
 * What peers have opened and nobody has taken: a bounded line with a stream in front of it. Internal.
 *
 * @module
 */

/** The line. What waits in it may be less than what is handed out, which then is made when it is taken. */
export class Arrivals<T, W = T> {
  /** What came, one by one; nothing is taken ahead. Cancelling it ends the line. */
  readonly readable: ReadableStream<T>;
  readonly #backlog: number;
  readonly #handOut: (item: W) => T;
  readonly #dropped: (item: W) => void;
  readonly #ended: () => void;
  #controller!: ReadableStreamDefaultController<T>;
  #waiting: W[] = [];
  #isWanted = false;
  #isOver = false;
  #error: { readonly reason: unknown } | undefined;

  /**
   * `handOut` makes what readers get. `dropped` is told of what will never be taken, and `ended` before that, when readers
   * want nothing more.
   */
  constructor(backlog: number, handOut: (item: W) => T, dropped: (item: W) => void, ended: () => void = () => {}) {
    this.#backlog = backlog;
    this.#handOut = handOut;
    this.#dropped = dropped;
    this.#ended = ended;
    this.readable = new ReadableStream<T>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        this.#isWanted = true;
        this.#deliver();
      },
      cancel: () => this.#leave(),
    }, { highWaterMark: 0 });
  }

  /** Whether nothing is taken any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** How many more may come. */
  get room(): number {
    return this.#isOver ? 0 : this.#backlog - this.#waiting.length;
  }

  /** One more, for which there is room. */
  push(item: W): void {
    this.#waiting.push(item);
    this.#deliver();
  }

  /** Nothing more comes: what waits can still be had, and then how it ended. */
  end(reason?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (reason !== undefined) this.#error = { reason };
    this.#deliver();
  }

  /** Nothing more is taken; what waits is dropped. */
  close(): void {
    if (this.#isOver) return;
    this.#leave();
    this.#controller.close();
  }

  #leave(): void {
    this.#isOver = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#ended();
    for (const item of waiting) this.#dropped(item);
  }

  #deliver(): void {
    if (this.#isWanted && this.#waiting.length > 0) {
      this.#isWanted = false;
      // the line is short, or somebody is slow anyway
      this.#controller.enqueue(this.#handOut(this.#waiting.shift()!));
    }
    if (!this.#isOver || this.#waiting.length > 0) return;
    if (this.#error === undefined) this.#controller.close();
    else this.#controller.error(this.#error.reason);
  }
}
