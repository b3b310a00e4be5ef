/**
 * The parser that reads a socket itself: Linux's receive-callback mode over a {@linkcode TStream}.
 *
 * Reads into slabs; messages are views of them. Not here: writing, and closing the socket, which stays its owner's.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { durationOption, limitOption, needObject } from "../core/limits.ts";
import { EngineTimer } from "../stream/engine_timer.ts";
import { breathe } from "../stream/turn.ts";
import type { TStream } from "../tsocket/types.ts";
import type { StreamParserError } from "./errors.ts";
import type { StreamParserOptions, StreamParserStats } from "./options.ts";
import type { Parser } from "./parser.ts";
import { type ReceiveCallbacks, ReceiveMode } from "./receive_mode.ts";
import { UnreadBytes } from "./unread_bytes.ts";

/** Options of {@linkcode StreamParserSocket}. */
export interface StreamParserSocketOptions<Parts extends boolean = false> extends StreamParserOptions<Parts> {
  /** Size of the slabs that are read into, in bytes. @default {65536} */
  slabBytes?: number | undefined;
  /** Time and timers. @default {systemClock} */
  clock?: Clock | undefined;
}

/** What is to be taken over. */
export interface TakeoverOptions {
  /** Also the bytes that were taken of an unfinished message; of a failed one only with `keepConsumed`. @default {false} */
  includeConsumed?: boolean | undefined;
}

const DEFAULT_SLAB_BYTES = 65536;
/** A slab with less room than this is not read into any more. */
const MIN_ROOM = 4096;

/** Reason of reads that are called off; nobody sees it. */
const CALLED_OFF = new Error("not wanted now");

/**
 * Reads messages from a socket, beginning at once, and tells its callbacks.
 *
 * Reading goes on while it is neither paused nor stopped. A failure stops it and leaves the socket alone: whoever owns
 * it closes it, or goes on reading behind {@linkcode StreamParserSocket.takeover}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { lengthPrefix, StreamParserSocket } from "@leat/streams/strparser";
 * import { streamPair } from "@leat/streams/tsocket";
 *
 * const [client, server] = streamPair();
 * const messages: Uint8Array[] = [];
 * const parser = new StreamParserSocket(server, { parser: lengthPrefix(1) }, {
 *   receiveMessage: (message) => messages.push(message),
 * });
 * await client.writev([Uint8Array.of(1, 65, 2, 66, 67)]);
 * await client.shutdown();
 * await parser.ended;
 * assertEquals(messages, [Uint8Array.of(1, 65), Uint8Array.of(2, 66, 67)]);
 * await Promise.all([client.close(), server.close()]);
 * ```
 */
export class StreamParserSocket<Parts extends boolean = false> {
  /**
   * Resolves when the peer has ended between two messages, or after `stop` or `done`; rejects with what failed: a
   * {@linkcode StreamParserError}, the socket's error, or what a callback threw. Needs no handler.
   */
  readonly ended: Promise<void>;
  readonly #socket: TStream;
  readonly #clock: Clock;
  readonly #unread: UnreadBytes = new UnreadBytes();
  readonly #mode: ReceiveMode<Parts>;
  readonly #slabBytes: number;
  readonly #timer: EngineTimer;
  #slab: Uint8Array = new Uint8Array(0);
  #slabUsed = 0;
  #canceller: AbortController | undefined;
  /** While a read is under way: settles when none is; never rejects. */
  #reading: Promise<void> | undefined;
  #isRunning = false;
  #isAtEnd = false;
  #isOver = false;
  #settle!: { resolve: () => void; reject: (reason: unknown) => void };

  /**
   * Attaches a parser to a socket, whose reading half is its own from now on.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(socket: TStream, options: StreamParserSocketOptions<Parts>, callbacks: ReceiveCallbacks<Parts>) {
    if (typeof socket?.readSome !== "function") throw new TypeError("socket must be a TStream");
    needObject("options", options);
    this.#socket = socket;
    this.#mode = new ReceiveMode<Parts>(options, this.#unread, callbacks, () => {
      // soon, but one that is always called again must not keep the event loop for itself
      (breathe() ?? Promise.resolve()).then(() => this.#run((now) => this.#mode.work(now)));
    });
    this.#clock = options.clock ?? systemClock;
    this.#slabBytes = limitOption("slabBytes", options.slabBytes, DEFAULT_SLAB_BYTES);
    this.#timer = new EngineTimer(
      this.#clock,
      this.#mode.parser,
      () => this.#run(() => {}),
      (thrown) => this.#finish(true, thrown),
    );
    this.ended = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.ended.catch(() => {});
    this.#mode.checkReceive();
  }

  /** Live counters. */
  get stats(): StreamParserStats {
    return this.#mode.stats;
  }

  /** The failure of delineation, once there is one: what the kernel would leave in `SO_ERROR`. */
  get error(): StreamParserError | undefined {
    return this.#mode.parser.error;
  }

  /** Whether it reads nothing for now. */
  get isPaused(): boolean {
    return this.#mode.parser.isPaused;
  }

  /** Whether it has failed, ended or was stopped. */
  get isStopped(): boolean {
    return this.#mode.parser.isStopped;
  }

  /** Bytes that were read from the socket and that the parser has not taken. */
  get unreadBytes(): number {
    return this.#unread.pendingBytes - this.#mode.bytesAhead;
  }

  /** Bytes held of a message that has begun. */
  get bytesHeld(): number {
    return this.#mode.parser.bytesHeld;
  }

  /** Longest message; a change counts for lengths that become known after it. The kernel's receive buffer limit. */
  get maxMessageLength(): number {
    return this.#mode.maxMessageLength;
  }

  set maxMessageLength(bytes: number) {
    this.#mode.maxMessageLength = limitOption("maxMessageLength", bytes, bytes);
  }

  /** Time for a message; a change counts for those that begin after it. The kernel's receive timeout. */
  get messageTimeoutMs(): number {
    return this.#mode.messageTimeoutMs;
  }

  set messageTimeoutMs(ms: number) {
    this.#mode.messageTimeoutMs = durationOption("messageTimeoutMs", ms, ms);
  }

  /** Parses what was read and not taken yet, now. Reading starts by itself; there is no need to call this. */
  dataReady(): void {
    this.#run((now) => this.#mode.dataReady(now));
  }

  /** Queues a look at what is there; it runs after this has returned, once, however often this is called. */
  checkReceive(): void {
    this.#mode.checkReceive();
  }

  /** Reads nothing more, so that the socket's flow control holds up the peer. Deadlines stand still. */
  pause(): void {
    this.#mode.pause(this.#clock.now());
    this.#canceller?.abort(CALLED_OFF);
  }

  /** Goes on; nothing is delivered before this has returned. */
  unpause(): void {
    this.#mode.unpause(this.#clock.now());
    this.#timer.update();
  }

  /** Delivers nothing more. What was read and not taken is there for {@linkcode takeover}. */
  stop(): void {
    this.#mode.parser.stop();
    this.#finish();
  }

  /** Stops, and frees everything. */
  done(): void {
    this.stop();
    this.#mode.parser.abort();
    this.#mode.settle();
    this.#unread.takeAll();
    this.#slab = new Uint8Array(0);
  }

  /** Changes the parser, see {@linkcode StreamParser.setParser}. */
  setParser(parser: Parser): void {
    this.#mode.parser.setParser(parser);
  }

  /**
   * Stops at once and gives the stream back: resolves with the bytes that were read from the socket and not delivered.
   * What comes behind them is still in the socket, which may be read from then on. Not at once, since a read under way
   * is called off and may have got something nevertheless.
   */
  async takeover(options: TakeoverOptions = {}): Promise<Uint8Array> {
    const consumed = this.#mode.parser.takeover();
    this.#mode.settle();
    this.#finish();
    await this.#reading;
    const unread = this.#unread.takeAll();
    return options.includeConsumed ? concat([consumed, unread]) : unread;
  }

  /** From within `abortParser` only: goes on with the bytes that are unread. What was taken of the message is lost. */
  reset(): void {
    this.#mode.parser.reset();
  }

  /** Runs a piece of the engine; then reads, or comes to an end. */
  #run(piece: (now: number) => void): void {
    if (this.#isOver) return;
    // called from within a callback: later, as the kernel does while the socket is in use
    if (this.#isRunning) return this.#mode.checkReceive();
    this.#isRunning = true;
    const { parser } = this.#mode;
    try {
      const now = this.#clock.now();
      piece(now);
      // the peer's end counts when everything before it is parsed
      if (this.#isAtEnd && !this.isPaused && !this.isStopped && this.#unread.pendingBytes <= parser.bytesAwaited) {
        parser.end(now);
      }
    } catch (thrown) {
      return this.#finish(true, thrown);
    } finally {
      this.#isRunning = false;
    }
    if (parser.isStopped) return this.#finish();
    this.#timer.update();
    if (this.#wantsMore()) this.#reading ??= this.#readAll();
  }

  #wantsMore(): boolean {
    return !this.#isOver && !this.#isAtEnd && !this.isPaused && !this.isStopped;
  }

  async #readAll(): Promise<void> {
    while (this.#wantsMore()) {
      // a peer in the same process may have more for ever, with nothing but promises in between
      const turn = breathe();
      if (turn !== undefined) {
        await turn;
        continue;
      }
      const canceller = new AbortController();
      this.#canceller = canceller;
      try {
        const count = await this.#socket.readSome(this.#room(), { signal: canceller.signal });
        this.#received(count);
      } catch (thrown) {
        if (!canceller.signal.aborted) this.#finish(true, thrown);
      }
    }
    this.#reading = undefined;
  }

  #received(count: number | null): void {
    if (count === null) {
      this.#isAtEnd = true;
    } else {
      const from = this.#slabUsed;
      this.#slabUsed += count;
      this.#unread.push(this.#slab.subarray(from, from + count));
    }
    this.#run((now) => this.#mode.dataReady(now));
  }

  #room(): Uint8Array {
    const left = this.#slab.length - this.#slabUsed;
    if (left < Math.min(MIN_ROOM, this.#slabBytes)) {
      this.#slab = new Uint8Array(this.#slabBytes);
      this.#slabUsed = 0;
    }
    return this.#slab.subarray(this.#slabUsed);
  }

  /** Over, because of what was thrown or of the parser's own failure, or in good order. */
  #finish(hasFailed: boolean = this.error !== undefined, reason: unknown = this.error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer.stop();
    this.#canceller?.abort(CALLED_OFF);
    if (!this.isStopped) this.#mode.parser.abort();
    if (hasFailed) this.#settle.reject(reason);
    else this.#settle.resolve();
  }
}
