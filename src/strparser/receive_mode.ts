/**
 * The receive-callback mode of the kernel's strparser: a parser that takes its bytes itself, from something below that
 * holds what nobody has read yet.
 *
 * What the parser does not take stays below, so that pausing holds up the sender and, after a failure or a hand-over,
 * somebody else can read on. Nothing here waits: the driver says when bytes have come (`dataReady`), calls `work` when
 * `schedule` asked for it, and `onTimeout` when it is time. Internal; `StreamParserSocket` is the driver over a socket.
 *
 * @module
 */
import type { StreamParserError } from "./errors.ts";
import type { MessageOf } from "./message_parts.ts";
import type { StreamParserOptions, StreamParserStats } from "./options.ts";
import { settingsOf } from "./settings.ts";
import { StreamParser } from "./stream_parser.ts";

/** What bytes are read from: the kernel's lower socket. */
export interface ReceiveSource {
  /** Bytes that can be read now. */
  readonly pendingBytes: number;
  /** The first of them that lie in one piece; `undefined` when there are none. */
  peek(): Uint8Array | undefined;
  /** Takes so many bytes away. */
  skip(count: number): void;
}

/** What the user of a parser is told; names are the kernel's. */
export interface ReceiveCallbacks<Parts extends boolean = false> {
  /** A message. May pause and stop. */
  receiveMessage(message: MessageOf<Parts>): void;
  /**
   * After each pass over what can be read, with the code of its failure if there was one. Who returns `ENOMEM` is
   * called again: one more pass is queued.
   */
  readDone?(code: string | undefined): string | undefined;
  /** Delineation has failed and is stopped; what is unread is still below. Only from here may it be `reset`. */
  abortParser?(error: StreamParserError): void;
}

/** What the kernel calls a strparser with a socket. */
export class ReceiveMode<Parts extends boolean = false> {
  /** Longest message; may be changed at any time and counts for lengths that become known after. */
  maxMessageLength: number;
  /** Time for a message that begins from now on, in milliseconds. */
  messageTimeoutMs: number;
  readonly #parser: StreamParser<Parts>;
  readonly #source: ReceiveSource;
  readonly #callbacks: ReceiveCallbacks<Parts>;
  readonly #schedule: () => void;
  #isWorkQueued = false;
  #failure: string | undefined;
  /** How much of what the parser took is gone from the source. */
  #skipped = 0;

  /**
   * A parser over `source`; `schedule` has to call `work` soon, but not at once.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(
    options: StreamParserOptions<Parts>,
    source: ReceiveSource,
    callbacks: ReceiveCallbacks<Parts>,
    schedule: () => void,
  ) {
    if (typeof callbacks?.receiveMessage !== "function") throw new TypeError("receiveMessage must be a function");
    const { maxMessageLength, messageTimeoutMs } = settingsOf(options);
    this.maxMessageLength = maxMessageLength;
    this.messageTimeoutMs = messageTimeoutMs;
    this.#source = source;
    this.#callbacks = callbacks;
    this.#schedule = schedule;
    this.#parser = new StreamParser<Parts>(options, {
      item: (message) => callbacks.receiveMessage(message),
      error: (error) => {
        this.#failure = error.code;
        callbacks.abortParser?.(error as StreamParserError);
        // reset, and the message had begun in bytes that are gone: what follows has not been looked at
        if (!this.#parser.isStopped && error.offset! < this.#parser.bytesTaken) this.checkReceive();
      },
      end: () => {},
    }, () => source.pendingBytes);
  }

  /** The parser inside: counters, error, `setParser`, `takeover`. */
  get parser(): StreamParser<Parts> {
    return this.#parser;
  }

  /** Live counters. */
  get stats(): StreamParserStats {
    return this.#parser.stats;
  }

  /** Bytes that the parser has taken and that still lie in the source: those of the pass in work. */
  get bytesAhead(): number {
    return this.#parser.bytesTaken - this.#skipped;
  }

  /** Takes out of the source what the parser has taken, also in the middle of a pass. */
  settle(): void {
    const count = this.bytesAhead;
    this.#skipped += count;
    this.#source.skip(count);
  }

  /** Something has come: a pass over it, unless paused or stopped. */
  dataReady(now: number): void {
    // the kernel waits until the rest of the message is there; on its way through a small window it may never be
    if (this.#parser.bytesAwaited <= this.#source.pendingBytes) this.#readPass(now);
  }

  /** Queues a pass over what is there; calling it again before that changes nothing. */
  checkReceive(): void {
    if (this.#isWorkQueued) return;
    this.#isWorkQueued = true;
    this.#schedule();
  }

  /** The queued pass. */
  work(now: number): void {
    this.#isWorkQueued = false;
    this.#readPass(now);
  }

  /** Reads nothing more until {@linkcode unpause}. */
  pause(now: number): void {
    this.#parser.pause(now);
  }

  /** Goes on, not before this returns. */
  unpause(now: number): void {
    this.#parser.resume(now);
    this.checkReceive();
  }

  #readPass(now: number): void {
    const source = this.#source;
    const parser = this.#parser;
    if (parser.isPaused || parser.isStopped) return;
    this.#failure = undefined;
    for (let bytes = source.peek(); bytes !== undefined; bytes = source.peek()) {
      const awaited = parser.bytesAwaited;
      if (this.#offer(bytes, now) === 0) break;
      if (parser.bytesAwaited > 0 && parser.bytesAwaited !== awaited) break;
    }
    const failure = this.#failure;
    const { readDone } = this.#callbacks;
    if ((readDone === undefined ? failure : readDone.call(this.#callbacks, failure)) === "ENOMEM") this.checkReceive();
  }

  /** Returns how many bytes were taken; what a callback throws comes out, with that many gone all the same. */
  #offer(bytes: Uint8Array, now: number): number {
    try {
      return this.#parser.process(bytes, 0, bytes.length, this.maxMessageLength, this.messageTimeoutMs, now);
    } finally {
      this.settle();
    }
  }
}
