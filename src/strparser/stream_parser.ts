/**
 * The engine of the strparser layer: bytes in, whole messages out.
 *
 * Follows the general mode of Linux `net/strparser` (Documentation/networking/strparser.rst), with exact counters, one
 * report per failure, a bound on headers, deadlines that cover every message, and a truncation error. This file is the
 * life of a parser: pushed, paused, failed, over. How messages are found is in `message_scanner.ts`.
 *
 * Not here: the receive-callback mode (`receive_mode.ts`), sockets, timers.
 *
 * @module
 */
import { partOf } from "../bytes/known_base.ts";
import type { Engine, EngineFactory, Sink } from "../core/engine.ts";
import { durationOption, limitOption } from "../core/limits.ts";
import { busyError, lostBytesError, StreamParserError } from "./errors.ts";
import { timedOut } from "./failures.ts";
import { LinuxGate } from "./linux_gate.ts";
import { MessageDeadlines } from "./message_deadlines.ts";
import type { MessageOf } from "./message_parts.ts";
import { MessageScanner } from "./message_scanner.ts";
import type { StreamParserOptions, StreamParserStats } from "./options.ts";
import type { Parser } from "./parser.ts";
import { checkedParser, type Settings, settingsOf } from "./settings.ts";
import { type Counts, newCounts } from "./statistics.ts";

/**
 * Cuts a byte stream into messages.
 *
 * What a peer sent never makes a method throw: it ends in `sink.error`, once, and from then on nothing is taken. What
 * a message's `sink.item` throws comes out of `push` unchanged; the message counts as delivered, and `stats.bytes` says
 * how far it got.
 *
 * From within `sink.item` `pause`, `resume`, `stop`, `abort`, `takeover` and `setParser` may be called.
 *
 * @example
 * ```ts
 * import { lengthPrefix, StreamParser } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const messages: Uint8Array[] = [];
 * const parser = new StreamParser({ parser: lengthPrefix(2) }, {
 *   item: (message) => messages.push(message),
 *   error: (error) => console.log(error.code, error.message),
 *   end: () => {},
 * });
 * parser.push(Uint8Array.of(0, 1, 65, 0), 0);
 * parser.push(Uint8Array.of(2, 66, 67), 0);
 * parser.end(0);
 * assertEquals(messages, [Uint8Array.of(0, 1, 65), Uint8Array.of(0, 2, 66, 67)]);
 * ```
 */
export class StreamParser<Parts extends boolean = false> implements Engine<Uint8Array> {
  readonly #settings: Settings;
  readonly #sink: Sink<MessageOf<Parts>>;
  readonly #counts: Counts = newCounts();
  readonly #deadlines: MessageDeadlines;
  readonly #scanner: MessageScanner;
  #isBusy = false;
  /** Failed or stopped. Linux goes on parsing all the same until it is done. */
  #isStopped = false;
  #error: StreamParserError | undefined;

  /**
   * Makes a parser that hands its messages to `sink`. `below` tells how many bytes can be read where the chunks come
   * from, the chunk in work included; only `compat: "linux"` wants to know.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(
    options: StreamParserOptions<Parts>,
    sink: Sink<MessageOf<Parts>>,
    below: () => number = () => Infinity,
  ) {
    const parser = checkedParser(options?.parser);
    const settings = settingsOf(options);
    this.#settings = settings;
    this.#sink = sink;
    this.#deadlines = new MessageDeadlines(settings.headerTimeoutMs, settings.idleTimeoutMs);
    const gate = settings.isLinux ? new LinuxGate(below) : undefined;
    this.#scanner = new MessageScanner(settings, parser, sink as Sink<unknown>, this.#counts, this.#deadlines, gate);
  }

  /** The same as a factory, for `through` and `fuse`; wrong options are noticed when it is called. */
  static with<Parts extends boolean = false>(
    options: StreamParserOptions<Parts>,
  ): EngineFactory<Uint8Array, MessageOf<Parts>> {
    return (sink) => new StreamParser<Parts>(options, sink);
  }

  /** Live counters. */
  get stats(): StreamParserStats {
    return this.#counts;
  }

  /** The failure, once there is one. */
  get error(): StreamParserError | undefined {
    return this.#error;
  }

  /** Whether it has failed, ended, or was stopped. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Whether it takes nothing for now. */
  get isPaused(): boolean {
    return this.#scanner.isPaused;
  }

  /** Bytes of the stream taken so far. */
  get bytesTaken(): number {
    return this.#scanner.reached;
  }

  /** Bytes held of a message that has begun. */
  get bytesHeld(): number {
    return this.#scanner.held;
  }

  /** Bytes still missing of the message that has begun, as far as known: 0 between messages. */
  get bytesNeeded(): number {
    return this.#scanner.missing;
  }

  /** With `compat: "linux"`: how many bytes the kernel would wait for before it reads again; 0 for any. */
  get bytesAwaited(): number {
    return this.#scanner.gate?.awaited ?? 0;
  }

  /**
   * Takes the next bytes of the stream and hands out every message that they complete.
   *
   * @returns how many bytes were taken: all, or less when paused (offer the rest again after `resume`) or failed (the
   * rest is unread and begins with what this chunk had of the failing message)
   * @throws {TypeError} when `chunk` is not a `Uint8Array`
   * @throws {StreamParserError} `EBUSY` when called from within the sink or the parser, `EFAULT` when the chunk's buffer
   * was transferred
   */
  push(chunk: Uint8Array, now: number): number {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("chunk must be a Uint8Array");
    if (this.#isBusy) throw busyError("push");
    const scanner = this.#scanner;
    if (scanner.isHalted) return 0;
    if (chunk.length === 0) return emptyChunk(chunk);
    if (now >= this.#deadlines.at && this.#isLate(now)) return 0;
    scanner.now = now;
    let taken = 0;
    this.#isBusy = true;
    try {
      scanner.consume(chunk);
    } finally {
      this.#isBusy = false;
      taken = scanner.taken;
      scanner.position += taken;
      scanner.taken = 0;
      this.#counts.bytes += taken;
      if (scanner.gate !== undefined) this.#countDoubled(scanner.gate);
    }
    if (scanner.failed !== undefined) this.#fail();
    return taken;
  }

  /**
   * The kernel's `strp_process`: takes `length` bytes of `chunk` from `offset` on, with a longest message and a time for
   * each message (0: none) in place of the options. A limit counts when the length of a message becomes known in this
   * call, a time for the messages that begin in it, or that have none so far.
   *
   * @returns how many bytes were taken, see {@linkcode StreamParser.push}
   * @throws {RangeError} when the bytes are not there
   * @throws {StreamParserError} as {@linkcode StreamParser.push}
   */
  process(
    chunk: Uint8Array,
    offset: number,
    length: number,
    maxMessageLength: number,
    timeoutMs: number,
    now: number,
  ): number {
    if (!(offset >= 0 && length >= 0 && offset + length <= chunk.length)) {
      throw new RangeError(`there are no ${length} bytes at ${offset} of ${chunk.length}`);
    }
    if (this.#isBusy) throw busyError("process");
    const scanner = this.#scanner;
    scanner.setLimit(limitOption("maxMessageLength", maxMessageLength, maxMessageLength));
    scanner.messageTimeoutMs = durationOption("timeoutMs", timeoutMs, 0) || Infinity;
    try {
      // there are no views of a buffer that is gone
      return this.push(chunk.length === 0 ? chunk : chunk.subarray(offset, offset + length), now);
    } finally {
      scanner.setLimit(this.#settings.maxMessageLength);
      scanner.messageTimeoutMs = this.#settings.messageTimeoutMs;
    }
  }

  /**
   * The stream has ended: `sink.end`, or `ETRUNCATED` inside a message.
   *
   * @throws {StreamParserError} `EBUSY` when called from within the sink or the parser
   */
  end(now: number): void {
    if (this.#isBusy) throw busyError("end");
    if (this.#isStopped) return;
    const scanner = this.#scanner;
    scanner.now = now;
    if (!this.#settings.isLinux) {
      this.#isBusy = true;
      try {
        scanner.end();
      } finally {
        this.#isBusy = false;
      }
      if (scanner.failed !== undefined) return this.#fail();
      if (this.#isStopped) return;
    }
    this.#finish();
    this.#sink.end();
  }

  /**
   * Hands out nothing more until {@linkcode resume}: `push` stops behind the message in work and takes nothing after.
   * Deadlines stand still from `now` on.
   *
   * @param now the time, where it is not that of the latest `push`
   */
  pause(now: number = this.#scanner.now): void {
    this.#scanner.isPaused = true;
    this.#scanner.halt();
    if (!this.#settings.isLinux) this.#deadlines.freeze(now);
  }

  /**
   * Takes bytes again. Nothing is kept back while paused, so nothing comes out before the next `push`.
   *
   * @param now the time; without it deadlines go on from the next call that tells it
   */
  resume(now?: number): void {
    this.#scanner.isPaused = false;
    this.#scanner.halt();
    this.#deadlines.thaw(now ?? (this.#isBusy ? this.#scanner.now : undefined));
  }

  /** Takes nothing more and frees what is held, without a report. The kernel only marks it and frees at `strp_done`. */
  stop(): void {
    if (this.#settings.isLinux) this.#isStopped = true;
    else this.#finish();
  }

  /** Gives up: as {@linkcode stop}, and counted. May be called at any time, more than once. The kernel's `strp_done`. */
  abort(): void {
    if (this.#scanner.isDone) return;
    if (!this.#settings.isLinux) this.#counts.aborts++;
    if (this.#settings.keepsConsumed) this.#scanner.consumed = this.#scanner.takeHeld();
    this.#finish();
  }

  /**
   * Stops and returns what was taken of the unfinished message, or with `keepConsumed` of the one that failed. What
   * `push` has not taken comes behind it: together they are all that was not handed out.
   */
  takeover(): Uint8Array {
    const bytes = this.#scanner.takeHeld();
    this.#finish();
    return bytes;
  }

  /**
   * Changes the parser, as when a protocol is upgraded. Allowed between messages and in `sink.item`: the bytes behind
   * that message are for the new parser, in the same chunk already.
   *
   * @throws {TypeError} when it is no parser
   * @throws {StreamParserError} `EBUSY` in mid-message
   */
  setParser(parser: Parser): void {
    const scanner = this.#scanner;
    if (!this.#isBusy && !scanner.isBetweenMessages) throw busyError("setParser", "inside a message");
    scanner.setParser(checkedParser(parser), this.#isBusy);
  }

  /**
   * After a failure or a stop: takes bytes again, beginning with a message. What was held is lost.
   *
   * @throws {StreamParserError} `EBUSY` when called from within the sink or the parser
   */
  reset(): void {
    if (this.#isBusy) throw busyError("reset");
    this.#finish();
    this.#scanner.isDone = false;
    this.#scanner.consumed = undefined;
    this.#scanner.restart();
    this.#isStopped = false;
    this.#error = undefined;
  }

  /** When {@linkcode onTimeout} must be called; `Infinity` without deadlines or between messages. */
  timeoutAt(): number {
    return this.#deadlines.at;
  }

  /**
   * Fails with `ETIMEDOUT` when a deadline has passed.
   *
   * @throws {StreamParserError} `EBUSY` when called from within the sink or the parser
   */
  onTimeout(now: number): void {
    if (this.#isBusy) throw busyError("onTimeout");
    this.#isLate(now);
  }

  /** The kernel counts what it holds of a body when it takes it, and again at the end of the call. */
  #countDoubled(gate: LinuxGate): void {
    this.#counts.bytes += gate.doubled;
    gate.doubled = 0;
  }

  #isLate(now: number): boolean {
    const deadlines = this.#deadlines;
    const kind = deadlines.passed(now);
    if (kind === undefined) return false;
    const scanner = this.#scanner;
    const ms = deadlines.lengthOf(kind);
    deadlines.finish();
    if (this.#isStopped) {
      // Linux: the timer was not cancelled, but there is nothing left to abort
      this.#counts.timeouts++;
      return false;
    }
    scanner.failHeld(timedOut(kind, ms, scanner.arrived, scanner.missing));
    this.#fail();
    return true;
  }

  /** The one place where it fails. */
  #fail(): void {
    const counts = this.#counts;
    const { failure, offset } = this.#scanner.failed!;
    const { counter, message, code, blame = "remote" } = failure;
    this.#scanner.failed = undefined;
    if (counter === "interrupted" || counter === "unrecoverable") counts[counter] = 1;
    else if (counter !== undefined) counts[counter]++;
    const error = new StreamParserError(message, { ...failure, code, blame, offset });
    this.#error ??= error;
    this.#isStopped = true;
    this.#deadlines.finish();
    if (!this.#settings.isLinux) {
      counts.aborts++;
      this.#finish();
    }
    this.#sink.error(error);
  }

  #finish(): void {
    this.#isStopped = true;
    this.#scanner.isDone = true;
    this.#scanner.halt();
    this.#scanner.free();
    this.#deadlines.finish();
  }
}

/** Nothing to take, unless that is because the buffer is gone. */
function emptyChunk(chunk: Uint8Array): 0 {
  try {
    partOf(chunk, 0, 0);
  } catch {
    throw lostBytesError();
  }
  return 0;
}
