/**
 * The bytes of a connection as a stream: each read takes what has come, and the window follows. Internal.
 *
 * Nothing is read ahead, so a reader that stops stops the peer. A class in place of closures: a stack may have ten
 * thousand of these, most of them idle.
 *
 * @module
 */

/** Whom the stream asks. */
export interface FlowReads {
  /** The next bytes: a copy; `undefined` when none are there. */
  take(): Uint8Array<ArrayBuffer> | undefined;
  /** Bytes were taken because somebody asked: the window may be told. */
  took(): void;
  /** How reading is over once all was taken: `null` when the peer has ended, what broke it, `undefined` when it is not. */
  readEnding(): { readonly error: unknown } | null | undefined;
  /** Nobody wants more. */
  stopReading(): void;
}

/** The stream and what is behind it. */
export class FlowReadable implements UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> {
  /** What readers get. */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #reads: FlowReads;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #isWanted = false;
  #isOver = false;

  /** Makes the stream. */
  constructor(reads: FlowReads) {
    this.#reads = reads;
    this.stream = new ReadableStream<Uint8Array<ArrayBuffer>>(this, { highWaterMark: 0 });
    this.#settle();
  }

  /** The stream's own. */
  start(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): void {
    this.#controller = controller;
  }

  /** The stream's own. */
  pull(): void {
    this.#isWanted = true;
    this.wake();
    if (!this.#isWanted) this.#reads.took();
  }

  /** The stream's own. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reads.stopReading();
  }

  /** Something has come, or ended. */
  wake(): void {
    if (this.#isOver) return;
    if (this.#isWanted) {
      const chunk = this.#reads.take();
      if (chunk !== undefined) {
        this.#isWanted = false;
        this.#controller.enqueue(chunk);
      }
    }
    this.#settle();
  }

  /** Ends at once: what was not read is not wanted, or will never be had. */
  end(error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (error === undefined) this.#controller.close();
    else this.#controller.error(error);
  }

  #settle(): void {
    if (this.#isOver) return;
    const ending = this.#reads.readEnding();
    if (ending !== undefined) this.end(ending?.error);
  }
}
