/**
 * The engine of the strparser layer: bytes in, whole messages out.
 *
 * Follows the general mode of Linux `net/strparser` (Documentation/networking/strparser.rst), with exact counters, one
 * report per failure, a bound on headers and a truncation error. Not here: the receive-callback mode, deadlines,
 * skipping of oversize messages, exchange of the parser in mid-stream.
 *
 * Theory. Between two pushes the engine holds nothing, or the bytes of exactly one unfinished message (`#assembly`),
 * whose length is known (`#length`) or not (0). Messages that lie inside a chunk are never copied or stored. A push
 * finishes the held message first (`#continueMessage`), then walks through the chunk (`#scan`) and begins to hold what
 * is cut off at its end (`#beginMessage`).
 *
 * @module
 */
import type { Engine, EngineFactory, Sink } from "../core/engine.ts";
import { choiceOption, limitOption } from "../core/limits.ts";
import { byteCount } from "../core/words.ts";
import { Assembly } from "./assembly.ts";
import { busyError, StreamParserError } from "./errors.ts";
import type { StreamParserOptions, StreamParserStats } from "./options.ts";
import type { ParseFailure, Parser } from "./parser.ts";

const DEFAULT_MAX_MESSAGE_LENGTH = 1024 * 1024;
const DEFAULT_MAX_HEADER_BYTES = 64 * 1024;
/** How much of a chunk is first joined to a held header; where that is not enough, four times as much, and so on. */
const FIRST_WINDOW = 1024;

type Counts = { -readonly [Name in keyof StreamParserStats]: StreamParserStats[Name] };

/**
 * Cuts a byte stream into messages.
 *
 * What a peer sent never makes a method throw: it ends in `sink.error`, once, and from then on nothing is taken. What
 * a message's `sink.item` throws comes out of `push` unchanged; the message counts as delivered, and `stats.bytes` says
 * how far it got.
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
export class StreamParser implements Engine<Uint8Array> {
  readonly #parser: Parser;
  readonly #parserState: unknown;
  readonly #sink: Sink<Uint8Array>;
  readonly #maxMessageLength: number;
  readonly #maxHeaderBytes: number;
  readonly #copy: boolean;
  readonly #counts: Counts;
  readonly #assembly: Assembly = new Assembly();
  /** Length of the held message, 0 while it is unknown. */
  #length = 0;
  /** While the length is unknown: how many bytes the parser wants to see. */
  #wanted = 0;
  /** How much of the chunk in work was taken. */
  #taken = 0;
  #isBusy = false;
  #isPaused = false;
  #isOver = false;
  /** Paused or over: the one thing to look at after each message. */
  #isHalted = false;
  #error: StreamParserError | undefined;

  /**
   * Makes a parser that hands its messages to `sink`.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: StreamParserOptions, sink: Sink<Uint8Array>) {
    const parser = options.parser;
    if (typeof parser?.parse !== "function") throw new TypeError("parser must be an object with a parse method");
    const limit = limitOption("maxMessageLength", options.maxMessageLength, DEFAULT_MAX_MESSAGE_LENGTH);
    this.#maxMessageLength = Math.min(limit, parser.maxMessageLength ?? Infinity);
    const headerDefault = parser.maxHeaderBytes ?? DEFAULT_MAX_HEADER_BYTES;
    const headerLimit = limitOption("maxHeaderBytes", options.maxHeaderBytes, headerDefault);
    this.#maxHeaderBytes = Math.min(headerLimit, this.#maxMessageLength);
    this.#copy = options.copy ?? false;
    const direction = options.direction === undefined
      ? undefined
      : choiceOption("direction", options.direction, options.direction, ["client", "server"]);
    this.#parser = parser;
    this.#parserState = parser.start?.({ direction });
    this.#sink = sink;
    this.#counts = {
      messages: 0,
      bytes: 0,
      needMoreHeader: 0,
      messageTooBig: 0,
      headerTooBig: 0,
      badHeaderLength: 0,
      interrupted: 0,
      aborts: 0,
    };
  }

  /** The same as a factory, for `through` and `fuse`; wrong options are noticed when it is called. */
  static with(options: StreamParserOptions): EngineFactory<Uint8Array, Uint8Array> {
    return (sink) => new StreamParser(options, sink);
  }

  /** Live counters. */
  get stats(): StreamParserStats {
    return this.#counts;
  }

  /** The failure, once there is one. */
  get error(): StreamParserError | undefined {
    return this.#error;
  }

  /** Bytes held of a message that has begun. */
  get bytesHeld(): number {
    return this.#assembly.held;
  }

  /** Bytes still missing of the message that has begun, as far as known: 0 between messages. */
  get bytesNeeded(): number {
    const held = this.#assembly.held;
    if (held === 0) return 0;
    return this.#length > 0 ? this.#length - held : this.#wanted - held;
  }

  /**
   * Takes the next bytes of the stream and hands out every message that they complete.
   *
   * @returns how many bytes were taken: all, or less when paused (offer the rest again after `resume`) or failed (the
   * rest is unread and begins with what this chunk had of the failing message)
   * @throws {TypeError} when `chunk` is not a `Uint8Array`
   * @throws {StreamParserError} `EBUSY` when called from within the sink or the parser
   */
  push(chunk: Uint8Array, _now: number): number {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("chunk must be a Uint8Array");
    if (this.#isBusy) throw busyError("push");
    if (this.#isHalted || chunk.length === 0) return 0;
    this.#isBusy = true;
    this.#taken = 0;
    try {
      const at = this.#assembly.held > 0 ? this.#continueMessage(chunk) : 0;
      if (!this.#isHalted) this.#scan(chunk, at);
    } finally {
      this.#isBusy = false;
      this.#counts.bytes += this.#taken;
    }
    if (this.#error !== undefined) this.#sink.error(this.#error);
    return this.#taken;
  }

  /**
   * The stream has ended: `sink.end`, or `ETRUNCATED` inside a message.
   *
   * @throws {StreamParserError} `EBUSY` when called from within the sink or the parser
   */
  end(_now: number): void {
    if (this.#isBusy) throw busyError("end");
    if (this.#isOver) return;
    if (this.#assembly.held === 0) {
      this.#stop();
      this.#sink.end();
      return;
    }
    if (this.#length === 0 && this.#assembly.held < this.#wanted) this.#askLast();
    if (!this.#isOver) this.#failTruncated();
    if (this.#error !== undefined) this.#sink.error(this.#error);
  }

  /** Hands out nothing more until {@linkcode resume}: `push` stops behind the message in work and takes nothing after. */
  pause(): void {
    this.#isPaused = true;
    this.#isHalted = true;
  }

  /** Takes bytes again. Nothing is kept back while paused, so nothing comes out before the next `push`. */
  resume(): void {
    this.#isPaused = false;
    this.#isHalted = this.#isOver;
  }

  /** Gives up: frees what is held; nothing is taken or reported any more. May be called at any time, more than once. */
  abort(): void {
    if (this.#isOver) return;
    this.#counts.aborts++;
    this.#stop();
  }

  /** Always `Infinity`: there are no deadlines here. */
  timeoutAt(): number {
    return Infinity;
  }

  /** Does nothing: there are no deadlines here. */
  onTimeout(_now: number): void {}

  /** Walks through the messages that lie whole inside the chunk. This is the hot loop. */
  #scan(chunk: Uint8Array, from: number): void {
    const parser = this.#parser;
    const state = this.#parserState;
    const sink = this.#sink;
    const counts = this.#counts;
    const maxMessageLength = this.#maxMessageLength;
    const maxHeaderBytes = this.#maxHeaderBytes;
    const copy = this.#copy;
    const end = chunk.length;
    let buffer: ArrayBufferLike | undefined;
    let byteOffset = 0;
    let at = from;
    while (at < end) {
      const visible = end - at > maxHeaderBytes ? at + maxHeaderBytes : end;
      let answer: number | ParseFailure;
      try {
        answer = parser.parse(chunk, at, visible, state);
      } catch (thrown) {
        return this.#parserThrew(thrown, at);
      }
      if (typeof answer !== "number" || !(answer > 0 && answer <= end - at && answer <= maxMessageLength)) {
        return this.#beginMessage(chunk, at, answer);
      }
      const next = at + answer;
      if (!Number.isInteger(next)) return this.#beginMessage(chunk, at, answer);
      counts.messages++;
      this.#taken = next;
      // 14 ns a view on Node 20, `subarray` 29; asking for the buffer costs 28, so not where no message ends
      if (buffer === undefined) ({ buffer, byteOffset } = chunk);
      sink.item(copy ? copyOf(chunk, at, next) : new Uint8Array(buffer, byteOffset + at, answer));
      at = next;
      if (this.#isHalted) return;
    }
  }

  /** Holds what the chunk's end has cut off. `answer` is what the parser said about it. */
  #beginMessage(chunk: Uint8Array, at: number, answer: number | ParseFailure): void {
    const end = chunk.length;
    if (!this.#accept(answer, at, 0)) return;
    if (this.#length > 0) {
      this.#assembly.expect(this.#length);
      this.#assembly.fill(chunk, at, end);
    } else {
      if (end - at > this.#maxHeaderBytes) return this.#failHeader(at);
      this.#counts.needMoreHeader++;
      this.#assembly.append(chunk, at, end);
      this.#wanted = Math.max(this.#wanted, end - at + 1);
    }
    this.#taken = end;
  }

  /** Adds to the held message; returns where in the chunk the next one begins. */
  #continueMessage(chunk: Uint8Array): number {
    const assembly = this.#assembly;
    const heldBefore = assembly.held;
    let at = 0;
    if (this.#length === 0) {
      at = this.#continueHeader(chunk);
      if (this.#length === 0) return at;
    }
    const length = this.#length;
    if (assembly.held < length) {
      const to = Math.min(chunk.length, at + length - assembly.held);
      assembly.fill(chunk, at, to);
      if (assembly.held < length) {
        this.#taken = to;
        return to;
      }
    }
    const next = length - heldBefore;
    const message = assembly.finish(length);
    this.#length = 0;
    this.#counts.messages++;
    this.#taken = next;
    this.#sink.item(this.#copy ? copyOf(message, 0, length) : message);
    return next;
  }

  /** Adds to a held message of unknown length and asks for the length; returns how much of the chunk it has copied. */
  #continueHeader(chunk: Uint8Array): number {
    const assembly = this.#assembly;
    const heldBefore = assembly.held;
    let window = FIRST_WINDOW;
    for (let at = 0;;) {
      const room = this.#maxHeaderBytes - assembly.held;
      const to = Math.min(chunk.length, at + Math.min(room, Math.max(window, this.#wanted - assembly.held)));
      assembly.append(chunk, at, to);
      at = to;
      if (assembly.held >= this.#wanted) {
        if (!this.#askAgain(heldBefore)) return 0;
        if (this.#length > 0) {
          if (this.#length > assembly.held) assembly.expect(this.#length);
          return at;
        }
        this.#wanted = Math.max(this.#wanted, assembly.held + 1);
      }
      if (at === chunk.length) break;
      if (assembly.held === this.#maxHeaderBytes) {
        this.#failHeader(-heldBefore);
        return 0;
      }
      window *= 4;
    }
    this.#counts.needMoreHeader++;
    this.#taken = chunk.length;
    return chunk.length;
  }

  /**
   * At the end, bytes that the parser has not seen because it asked for more are judged after all: what is wrong with
   * a message is worth more than that it is cut, and must not depend on the chunks.
   */
  #askLast(): void {
    this.#isBusy = true;
    try {
      const { held } = this.#assembly;
      if (this.#askAgain(held)) this.#wanted = Math.max(this.#wanted, held + 1);
    } finally {
      this.#isBusy = false;
    }
  }

  /** Asks the parser about the held bytes; returns whether the answer was acceptable. */
  #askAgain(heldBefore: number): boolean {
    const { slab, start, held } = this.#assembly;
    let answer: number | ParseFailure;
    try {
      answer = this.#parser.parse(slab, start, start + held, this.#parserState);
    } catch (thrown) {
      this.#parserThrew(thrown, -heldBefore);
      return false;
    }
    return this.#accept(answer, -heldBefore, heldBefore);
  }

  /**
   * Judges a parser's answer about the message that begins at `at` of the chunk (negative: in an earlier one). Sets
   * `#length` or `#wanted`; returns false when it failed.
   */
  #accept(answer: number | ParseFailure, at: number, heldBefore: number): boolean {
    if (typeof answer !== "number" || !Number.isSafeInteger(answer)) {
      this.#failAnswer(answer, at);
    } else if (answer <= 0) {
      this.#length = 0;
      this.#wanted = -answer;
      if (-answer > this.#maxHeaderBytes) this.#failHeader(at);
    } else if (answer > this.#maxMessageLength) {
      this.#counts.messageTooBig++;
      const limit = `maxMessageLength ${this.#maxMessageLength}`;
      this.#fail(`message of ${answer} bytes exceeds ${limit}`, "EMSGSIZE", at);
    } else if (answer <= heldBefore) {
      this.#counts.badHeaderLength++;
      const taken = `${byteCount(heldBefore)} that had to be taken to learn it`;
      this.#fail(`message length ${answer} ends within the ${taken}`, "EPROTO", at);
    } else {
      this.#length = answer;
    }
    return !this.#isOver;
  }

  /** The parser gave an answer that is no length. */
  #failAnswer(answer: unknown, at: number): void {
    const failure = answer as Partial<ParseFailure> | null;
    if (typeof failure === "object" && failure !== null && typeof failure.code === "string") {
      this.#counts.interrupted++;
      this.#fail(`${this.#parser.name}: ${failure.reason}`, failure.code, at);
      return;
    }
    this.#counts.badHeaderLength++;
    const seen = typeof answer === "number" || answer == null ? String(answer) : `a value of type ${typeof answer}`;
    this.#fail(`parser ${this.#parser.name} returned ${seen}, which is no length`, "EPROTO", at, { blame: "local" });
  }

  #parserThrew(cause: unknown, at: number): void {
    this.#counts.interrupted++;
    this.#fail(`parser ${this.#parser.name} threw`, "EPROTO", at, { blame: "local", cause });
  }

  #failTruncated(): void {
    const bytesHeld = this.#assembly.held;
    const bytesMissing = this.bytesNeeded;
    const what = this.#length > 0
      ? `with ${bytesHeld} of its ${byteCount(this.#length)}, ${bytesMissing} missing`
      : `of unknown length with ${byteCount(bytesHeld)}, at least ${bytesMissing} missing`;
    this.#fail(`stream ended inside a message ${what}`, "ETRUNCATED", -bytesHeld, { bytesHeld, bytesMissing });
  }

  #failHeader(at: number): void {
    const isOwn = this.#maxHeaderBytes < this.#maxMessageLength;
    if (isOwn) this.#counts.headerTooBig++;
    else this.#counts.messageTooBig++;
    const limit = isOwn ? `maxHeaderBytes ${this.#maxHeaderBytes}` : `maxMessageLength ${this.#maxMessageLength}`;
    this.#fail(`length of a message is not known within ${limit}`, "EMSGSIZE", at);
  }

  /** The one place where the engine fails. */
  #fail(message: string, code: string, at: number, more: Partial<StreamParserError> = {}): void {
    this.#counts.aborts++;
    this.#error = new StreamParserError(message, { blame: "remote", ...more, code, offset: this.#counts.bytes + at });
    this.#stop();
  }

  #stop(): void {
    this.#isOver = true;
    this.#isHalted = true;
    this.#length = 0;
    this.#wanted = 0;
    this.#assembly.clear();
  }
}

/** A copy with a buffer of its own. Not `slice`: on a Node `Buffer` that is a view. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}
