/** The receive-callback mode over segments, with everything that happens written down. */
import type { StreamParserError, StreamParserOptions } from "../../src/strparser/mod.ts";
import type { Parser } from "../../src/strparser/parser.ts";
import { ReceiveMode, type ReceiveSource } from "../../src/strparser/receive_mode.ts";

/** A socket of segments. */
export class Segments implements ReceiveSource {
  readonly #segments: Uint8Array[] = [];

  get pendingBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.length, 0);
  }

  push(...segments: Uint8Array[]): void {
    this.#segments.push(...segments);
  }

  peek(): Uint8Array | undefined {
    return this.#segments[0];
  }

  skip(count: number): void {
    if (count === 0) return;
    const first = this.#segments.shift()!;
    if (count < first.length) this.#segments.unshift(first.subarray(count));
  }
}

export interface Receiving {
  mode: ReceiveMode;
  source: Segments;
  messages: Uint8Array[];
  /** Calls of abortParser. */
  errors: StreamParserError[];
  /** What readDone was called with. */
  passes: (string | undefined)[];
  /** What readDone returns. */
  readDoneAnswer: ((code: string | undefined) => string | undefined) | undefined;
  /** Calls of parse. */
  calls: number;
  /** Work items queued. */
  queued: number;
  /** Puts segments down and tells of it once. */
  arrive(...segments: Uint8Array[]): Receiving;
  arriveAt(now: number, ...segments: Uint8Array[]): Receiving;
  /** Runs the work that is queued. */
  work(now?: number): Receiving;
  wait(now: number): Receiving;
  lengths(): number[];
}

export interface ReceivingOptions extends Omit<StreamParserOptions, "parser"> {
  onMessage?: (receiving: Receiving, message: Uint8Array) => void;
}

export function receive(parser: Parser, options: ReceivingOptions = {}): Receiving {
  const { onMessage, ...rest } = options;
  const source = new Segments();
  const receiving = {
    source,
    messages: [],
    errors: [],
    passes: [],
    readDoneAnswer: undefined,
    calls: 0,
    queued: 0,
    arrive: (...segments: Uint8Array[]) => receiving.arriveAt(0, ...segments),
    arriveAt(now: number, ...segments: Uint8Array[]) {
      source.push(...segments);
      receiving.mode.dataReady(now);
      return receiving;
    },
    work(now = 0) {
      for (; receiving.queued > 0; receiving.queued--) receiving.mode.work(now);
      return receiving;
    },
    wait(now: number) {
      if (receiving.mode.parser.timeoutAt() <= now) receiving.mode.parser.onTimeout(now);
      return receiving;
    },
    lengths: () => receiving.messages.map((message) => message.length),
  } as unknown as Receiving;
  const counting: Parser = {
    ...parser,
    parse(bytes, start, end, state) {
      receiving.calls++;
      return parser.parse(bytes, start, end, state);
    },
  };
  receiving.mode = new ReceiveMode({ ...rest, parser: counting }, source, {
    receiveMessage(message) {
      receiving.messages.push(message);
      onMessage?.(receiving, message);
    },
    readDone(code) {
      receiving.passes.push(code);
      return receiving.readDoneAnswer === undefined ? code : receiving.readDoneAnswer(code);
    },
    abortParser: (error) => receiving.errors.push(error),
  }, () => receiving.queued++);
  return receiving;
}
