/** The engine against a tiny reference: join everything, then slice by the parser. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import {
  lengthField,
  type LengthFieldSize,
  type Parser,
  StreamParser,
  type StreamParserOptions,
} from "../../src/strparser/mod.ts";
import { bytewise, chaos, join, parserOf, record, type Recording, seeded } from "./support.ts";

interface Outcome {
  messages: Uint8Array[];
  end: string;
}

/** Slow and plain: the parser is asked about one byte more each time, from a fresh state that saw all before. */
function reference(parser: Parser, bytes: Uint8Array, max: number): Outcome {
  const state = parser.start?.({});
  const messages: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const answer = firstAnswer(parser, bytes, at, state);
    if (typeof answer !== "number") return { messages, end: `${answer.code} at ${at}` };
    if (answer > Math.min(max, parser.maxMessageLength ?? max)) return { messages, end: `EMSGSIZE at ${at}` };
    if (answer <= 0 || at + answer > bytes.length) return { messages, end: `ETRUNCATED at ${at}` };
    messages.push(bytes.slice(at, at + answer));
    at += answer;
  }
  return { messages, end: "clean" };
}

function firstAnswer(parser: Parser, bytes: Uint8Array, at: number, state: unknown): ReturnType<Parser["parse"]> {
  for (let end = at + 1; end <= bytes.length; end++) {
    const answer = parser.parse(bytes, at, end, state);
    if (typeof answer !== "number" || answer > 0) return answer;
  }
  return 0;
}

function outcome(run: Recording): Outcome {
  const error = run.errors[0];
  assertEquals(run.errors.length + run.ends, 1);
  return { messages: run.messages.map((m) => m.slice()), end: error ? `${error.code} at ${error.offset}` : "clean" };
}

test("random length-field streams in random pieces, views and copies alike", () => {
  const layout = fc.record({
    size: fc.constantFrom<LengthFieldSize>(1, 2, 3, 4, 8),
    offset: fc.nat(5),
    littleEndian: fc.boolean(),
    includesHeader: fc.boolean(),
  });
  const property = fc.property(
    layout,
    fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }),
    fc.array(fc.nat(60), { minLength: 1, maxLength: 20 }),
    fc.boolean(),
    fc.integer({ min: 20, max: 120 }),
    (options, bodies, sizes, copy, maxMessageLength) => {
      const messages = bodies.map((body) => encode(options, body));
      const stream = join(...messages);
      const parser = lengthField(options);
      const run = record(parser, { copy, maxMessageLength });
      for (let at = 0, i = 0; at < stream.length; i++) {
        // the caller's chunk is reused: a copy must not notice
        const chunk = stream.slice(at, at + sizes[i % sizes.length]! + 1);
        run.push(chunk);
        if (copy) chunk.fill(0xee);
        at += sizes[i % sizes.length]! + 1;
      }
      run.end();
      assertEquals(outcome(run), reference(parser, stream, maxMessageLength));
      for (const message of copy ? run.messages : []) assertEquals(message.buffer.byteLength, message.length);
    },
  );
  fc.assert(property, { numRuns: 300 });
});

function encode(
  options: { size: number; offset: number; littleEndian: boolean; includesHeader: boolean },
  body: Uint8Array,
): Uint8Array {
  const header = new Uint8Array(options.offset + options.size).fill(0xaa, 0, options.offset);
  const value = body.length + (options.includesHeader ? header.length : 0);
  header[options.littleEndian ? options.offset : header.length - 1] = value;
  return join(header, body);
}

test("parsers that know the length late, or ask for a number of bytes", () => {
  const late = fc.record({ header: fc.integer({ min: 1, max: 40 }), asks: fc.boolean(), body: fc.nat(30) });
  const property = fc.property(late, fc.nat(300), fc.nat(), ({ header, asks, body }, total, seed) => {
    const parser = parserOf((b) => b.length >= header ? header + body : asks ? -header : 0);
    const stream = Uint8Array.from({ length: total }, (_, i) => i);
    const run = record(parser).push(...chaos(stream, seeded(seed), 1 + seed % 50)).end();
    assertEquals(outcome(run), reference(parser, stream, 1024));
  });
  fc.assert(property, { numRuns: 300 });
});

test("messages of every size class, across pieces of every size class", () => {
  const random = seeded(7);
  const parser = lengthField({ size: 4 });
  for (const longest of [1, 100, 1500, 5000, 70_000]) {
    const sizes = [0, 1, 4000, 16_380, 16_381, 65_536, 200_000, 3, 40_000, 16_000, 16_000, 16_000, 16_000, 9];
    const stream = join(...sizes.map((size, i) => encode4(size, i)));
    const pieces = chaos(stream, random, longest);
    const run = record(parser);
    for (const piece of pieces) run.push(piece);
    run.end();
    assertEquals(run.lengths(), sizes.map((size) => size + 4));
    assertEquals(join(...run.messages), stream);
  }
});

function encode4(size: number, seed: number): Uint8Array {
  const message = Uint8Array.from({ length: size + 4 }, (_, i) => i * 7 + seed);
  new DataView(message.buffer).setUint32(0, size);
  return message;
}

/** The same stream whole and in random pieces, under every mix of options; what is told must not differ. */
test("random options: whole and pieces agree in messages, error and counters", () => {
  const options = fc.record({
    maxMessageLength: fc.integer({ min: 4, max: 60 }),
    maxHeaderBytes: fc.constantFrom(1, 2, 4, 60),
    oversize: fc.constantFrom("abort" as const, "discard" as const),
    copyThreshold: fc.constantFrom(0, 8, 1000),
    parts: fc.boolean(),
    isResyncing: fc.boolean(),
    messageTimeoutMs: fc.constantFrom(0, 10),
    idleTimeoutMs: fc.constantFrom(0, 10),
  });
  const property = fc.property(
    options,
    fc.constantFrom(LATE, EARLY),
    fc.array(fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 4 })), { maxLength: 12 }),
    fc.nat(),
    fc.integer({ min: 1, max: 40 }),
    ({ isResyncing, ...options }, parser, bodies, seed, longest) => {
      const random = seeded(seed);
      const noise = () =>
        random() < 0.2 ? Uint8Array.from({ length: 5 * random() }, () => 4 * random()) : new Uint8Array(0);
      const stream = join(...bodies.flatMap((body) => [noise(), Uint8Array.of(MARK, body.length), body]));
      // a parser that does not judge what it could cannot tell junk at the end from a beginning
      fc.pre(!isResyncing || parser !== LATE);
      const full = { ...options, parser, resync: isResyncing ? toMark : undefined };
      const whole = observe(full, [stream]);
      assertEquals(observe(full, chaos(stream, random, longest)), whole);
      assertEquals(observe({ ...full, parts: !full.parts, copyThreshold: 0 }, bytewise(stream)), whole);
    },
  );
  fc.assert(property, { numRuns: 2000 });
});

const MARK = 3;

/** A mark, a length, a body; `more` bytes are asked for before anything is judged. */
function marked(more: number): Parser {
  return parserOf((b) => {
    if (b.length < more) return -more;
    if (b[0] !== MARK) return { code: "EPROTO", reason: "no mark" };
    return b.length < 2 ? 0 : 2 + b[1]!;
  });
}

const LATE = marked(2);
const EARLY = marked(0);

/** Skips to the next mark; what it sees without one can be no beginning. */
function toMark(bytes: Uint8Array, start: number, end: number): number {
  const at = bytes.subarray(0, end).indexOf(MARK, start + 1);
  return (at < 0 ? end : at) - start;
}

/** Everything about a run that may not depend on the chunks. */
function observe(options: StreamParserOptions<boolean>, chunks: Uint8Array[]): unknown {
  const seen: unknown[] = [];
  const parser = new StreamParser(options, {
    item: (message) => seen.push(message instanceof Uint8Array ? message.slice() : message.toUint8Array().slice()),
    error: (error) => seen.push(`${error.code} at ${error.offset}: ${error.message}`),
    end: () => seen.push("end"),
  });
  for (const chunk of chunks) parser.push(chunk.slice(), 0);
  seen.push(parser.isStopped ? 0 : parser.bytesNeeded, parser.timeoutAt());
  if (seen.length % 2 === 0) parser.onTimeout(10);
  parser.end(10);
  // how often a chunk ended inside a header is about the chunks; what of a failing message was taken, too
  const { needMoreHeader: _, bytes, ...stats } = parser.stats;
  return [seen, stats, parser.error === undefined ? bytes : 0, parser.bytesHeld];
}
