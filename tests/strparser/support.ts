/** What the tests of this layer share: an engine with everything that happens to it written down. */
import type { LeatError } from "../../src/core/errors.ts";
import type { Parser } from "../../src/strparser/mod.ts";
import { StreamParser, type StreamParserError, type StreamParserOptions } from "../../src/strparser/mod.ts";

export interface Recording {
  engine: StreamParser;
  /** Results of the calls of push. */
  returned: number[];
  messages: Uint8Array[];
  /** Calls of parse. */
  calls: number;
  errors: StreamParserError[];
  ends: number;
  push(...chunks: Uint8Array[]): Recording;
  /** Pushes at a given time. */
  at(now: number, ...chunks: Uint8Array[]): Recording;
  /** Lets time pass: runs what is due. */
  wait(now: number): Recording;
  end(): Recording;
  lengths(): number[];
}

export interface RecordOptions extends Omit<StreamParserOptions, "parser"> {
  onMessage?: (recording: Recording, message: Uint8Array) => void;
}

/** Builds an engine around `parser` that records. */
export function record(parser: Parser, options: RecordOptions = {}): Recording {
  const { onMessage, ...rest } = options;
  const recording = {
    returned: [],
    messages: [],
    calls: 0,
    errors: [],
    ends: 0,
    push(...chunks: Uint8Array[]) {
      for (const chunk of chunks) recording.returned.push(recording.engine.push(chunk, 0));
      return recording;
    },
    at(now: number, ...chunks: Uint8Array[]) {
      for (const chunk of chunks) recording.returned.push(recording.engine.push(chunk, now));
      return recording;
    },
    wait(now: number) {
      if (recording.engine.timeoutAt() <= now) recording.engine.onTimeout(now);
      return recording;
    },
    end() {
      recording.engine.end(0);
      return recording;
    },
    lengths: () => recording.messages.map((message) => message.length),
  } as unknown as Recording;
  const counting: Parser = {
    ...parser,
    parse(bytes, start, end, state) {
      recording.calls++;
      return parser.parse(bytes, start, end, state);
    },
  };
  recording.engine = new StreamParser({ ...rest, parser: counting }, {
    item(message) {
      recording.messages.push(message);
      onMessage?.(recording, message);
    },
    error: (error: LeatError) => recording.errors.push(error as StreamParserError),
    end: () => recording.ends++,
  });
  return recording;
}

/** A parser from a function of the visible bytes. */
export function parserOf(parse: (bytes: Uint8Array) => unknown, more: Partial<Parser> = {}): Parser {
  return { name: "test", ...more, parse: (bytes, start, end) => parse(bytes.subarray(start, end)) as number };
}

/** The spec's L2: a 16-bit length in front of the body; 0 for "need more". */
export const L2: Parser = parserOf((b) => b.length < 2 ? 0 : 2 + (b[0]! << 8) + b[1]!);
/** The spec's L4. */
export const L4: Parser = parserOf((b) =>
  b.length < 4 ? 0 : 4 + b[0]! * 0x1000000 + (b[1]! << 16) + (b[2]! << 8) + b[3]!
);

/** The spec's M(n): an L2 message with `n` body bytes. */
export function M(n: number, fill = 0x61): Uint8Array {
  const message = new Uint8Array(n + 2).fill(fill);
  message[0] = n >> 8;
  message[1] = n;
  return message;
}
export const A: Uint8Array = M(3);
export const B: Uint8Array = M(5);
export const Z: Uint8Array = M(0);

export function join(...parts: Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Single bytes. */
export function bytewise(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
}

/** Pieces between the given cut positions. */
export function cut(bytes: Uint8Array, ...positions: number[]): Uint8Array[] {
  const all = [0, ...positions, bytes.length];
  return all.slice(1).map((to, i) => bytes.subarray(all[i]!, to));
}

/** Small seeded generator (mulberry32), 0 <= value < 1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Random pieces, empty ones among them. */
export function chaos(bytes: Uint8Array, random: () => number, longest: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const to = Math.min(bytes.length, at + Math.floor(random() * (longest + 1)));
    pieces.push(bytes.subarray(at, to));
    at = to;
  }
  return pieces;
}

/** Picks the counters that are not zero. */
export function counters(recording: Recording): Record<string, number> {
  return Object.fromEntries(Object.entries(recording.engine.stats).filter(([, count]) => count !== 0));
}
