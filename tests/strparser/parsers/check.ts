/**
 * What the tests of every parser share: a golden stream cut in all ways, limits, truncation, damage.
 *
 * A test file says `checkGoldens(goldens)` and then, with {@linkcode outcome}, what is refused and which forms the
 * recordings do not have.
 */
import { fromHex, toHex } from "../../../src/bytes/mod.ts";
import { mutate, SeededRandom } from "../../../src/sim/mod.ts";
import { fuzzInputs, fuzzSeeds } from "../../support/fuzz.ts";
import type { ParseFailure, Parser } from "../../../src/strparser/parser.ts";
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { bytewise, chaos, cut, join, record, type Recording, type RecordOptions, seeded } from "../support.ts";

export type Direction = "client" | "server";

/** One direction of a connection from its first byte on, with the lengths of its messages. */
export interface ParserGolden {
  /** A plain sentence: who says what. */
  readonly name: string;
  /** Makes the parser that delineates it; a new one for each run. */
  readonly parser: () => Parser;
  /** Undefined where the golden is to be parsed without one being known. */
  readonly direction: Direction | undefined;
  readonly bytes: Uint8Array;
  readonly lengths: readonly number[];
  /** What the parser needs to be told the direction for, if it can't do without; such goldens run with it only. */
  readonly needsDirection?: boolean;
}

/** Makes a golden from hex; white space in it does not count. */
export function golden(
  name: string,
  parser: () => Parser,
  direction: Direction | undefined,
  lengths: readonly number[],
  hex: readonly string[] | string,
  more: Pick<ParserGolden, "needsDirection"> = {},
): ParserGolden {
  const bytes = fromHex((typeof hex === "string" ? [hex] : hex).join("").replace(/\s+/g, ""));
  return { name, parser, direction, bytes, lengths, ...more };
}

/** Bytes from hex with white space in it. */
export function hex(text: string): Uint8Array {
  return fromHex(text.replace(/\s+/g, ""));
}

/** Bytes from characters, one each. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/**
 * Lengths of the messages and then the error, if it is not the cut at the end, as `CODE offset message`. Asserts that
 * whole, byte by byte and (up to 512 bytes) cut at every place come out alike.
 */
export function outcome(parser: () => Parser, bytes: Uint8Array, options: RecordOptions = {}): (number | string)[] {
  const run = (chunks: Uint8Array[]) => {
    const recording = record(parser(), options);
    // not as arguments, of which there may be too many
    for (const chunk of chunks) recording.push(chunk);
    return summary(recording.end());
  };
  const whole = run([bytes]);
  assertEquals(run(bytewise(bytes)), whole);
  for (let at = 1; at < Math.min(bytes.length, 512); at++) assertEquals(run(cut(bytes, at)), whole);
  return whole.filter((part) => typeof part === "number" || !part.startsWith("ETRUNCATED"));
}

function summary(run: Recording): (number | string)[] {
  return [...run.lengths(), ...run.errors.map((e) => `${e.code} ${e.offset} ${e.message}`)];
}

/** Registers the tests that every golden has to pass, and one fuzz test over all of them. */
export function checkGoldens(goldens: readonly ParserGolden[]): void {
  for (const golden of goldens) {
    test(`${golden.name}: whole, byte by byte, every split point`, () => checkSplits(golden));
    test(`${golden.name}: seeded chaos, empty chunks and odd views`, () => checkChaos(golden));
    test(`${golden.name}: every cut is a clean end between messages and ETRUNCATED inside one`, () =>
      checkCuts(golden));
    test(`${golden.name}: maxMessageLength`, () => checkLimit(golden));
    test(`${golden.name}: the length is told early, from the message's own bytes, in linear time`, () => {
      checkAnswers(golden);
    });
  }
  test("damaged goldens come out alike in any chunks, within the budgets, and nothing throws", () => {
    checkDamaged(goldens);
  });
}

function pass(golden: ParserGolden, chunks: Uint8Array[], direction: Direction | undefined): void {
  const run = record(golden.parser(), { direction, maxMessageLength: Infinity }).push(...chunks).end();
  assertEquals(run.errors, []);
  assertEquals(run.lengths(), golden.lengths);
  assertEquals(run.ends, 1);
  assertEquals(run.returned.reduce((a, b) => a + b, 0), golden.bytes.length);
  assertEquals(join(...run.messages), golden.bytes);
}

function checkSplits(golden: ParserGolden): void {
  const { bytes, direction } = golden;
  for (const way of golden.needsDirection ? [direction] : new Set([direction, undefined])) {
    pass(golden, [bytes], way);
    pass(golden, bytewise(bytes), way);
  }
  for (let at = 1; at < bytes.length; at++) pass(golden, cut(bytes, at), direction);
}

function checkChaos(golden: ParserGolden): void {
  const { bytes, direction } = golden;
  const random = seeded(bytes.length);
  for (let i = 0; i < 60; i++) {
    const odd = new Uint8Array(bytes.length + 7).fill(0xee).subarray(1 + i % 5);
    odd.set(bytes);
    pass(golden, chaos(odd.subarray(0, bytes.length), random, 1 + i), direction);
  }
}

function checkCuts(golden: ParserGolden): void {
  const { bytes, direction } = golden;
  const borders = new Set([0]);
  let at = 0;
  for (const length of golden.lengths) borders.add(at += length);
  for (let to = 0; to < bytes.length; to++) {
    const run = record(golden.parser(), { direction, maxMessageLength: Infinity }).push(bytes.subarray(0, to)).end();
    assertEquals(run.errors.map((error) => error.code), borders.has(to) ? [] : ["ETRUNCATED"]);
  }
}

function checkLimit(golden: ParserGolden): void {
  const { bytes, direction, lengths } = golden;
  const longest = Math.max(...lengths);
  const run = (maxMessageLength: number, chunks: Uint8Array[]) =>
    record(golden.parser(), { direction, maxMessageLength }).push(...chunks).end();
  assertEquals(run(longest, [bytes]).lengths(), lengths);
  if (longest === 1) return;
  const at = lengths.indexOf(longest);
  for (const chunks of [[bytes], bytewise(bytes)]) {
    const short = run(longest - 1, chunks);
    assertEquals(short.lengths(), lengths.slice(0, at));
    const offset = lengths.slice(0, at).reduce((a, b) => a + b, 0);
    assertEquals(short.errors.map((e) => [e.code, e.offset]), [["EMSGSIZE", offset]]);
  }
}

/**
 * Asks the parser itself, as often as it wants to be asked: once it has told a length, that is right; until then it
 * asks for more than it has and never for more than there is; what lies behind the end does not matter, nor is it
 * read often.
 */
function checkAnswers(golden: ParserGolden): void {
  const { bytes, lengths, direction } = golden;
  const tails = [0x00, 0xff].map((filler) => {
    const parser = golden.parser();
    return { filler, parser, state: parser.start?.({ direction }), reads: 0 };
  });
  let from = 0;
  for (const length of lengths) {
    for (const tail of tails) {
      const message = bytes.subarray(from, from + length);
      let answer: number | ParseFailure = -1;
      while (typeof answer === "number" && answer <= 0) {
        const seen: number = -answer;
        assert(seen <= length, `asked for ${seen} bytes of a message of ${length}`);
        const shown = new Uint8Array(from + length + 16).fill(tail.filler);
        shown.set(message.subarray(0, seen), from);
        const next: number | ParseFailure = tail.parser.parse(counted(shown, tail), from, from + seen, tail.state);
        if (typeof next === "number" && next <= 0) assert(-next > seen || next === 0, `${next} of ${seen} bytes`);
        answer = next === 0 ? -(seen + 1) : next;
      }
      assertEquals(answer, length);
    }
    from += length;
  }
  for (const tail of tails) {
    const bound = 8 * bytes.length + 64 * lengths.length;
    assert(tail.reads <= bound, `${tail.reads} reads of ${bytes.length} bytes`);
  }
}

/** The bytes, with reads of single ones counted. */
function counted(bytes: Uint8Array, counter: { reads: number }): Uint8Array {
  return new Proxy(bytes, {
    get(target, key) {
      if (typeof key === "string" && key !== "length") counter.reads++;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** With a tenth of the usual number of inputs, over all goldens: there are dozens of parsers. */
function checkDamaged(goldens: readonly ParserGolden[]): void {
  const inputs = Math.max(200, Math.ceil(fuzzInputs() / 10));
  for (const seed of fuzzSeeds()) {
    const random = new SeededRandom(seed);
    for (let number = 0; number < inputs; number++) {
      const golden = goldens[number % goldens.length]!;
      const input = mutate(golden.bytes, random);
      try {
        checkInput(golden, input, random);
      } catch (cause) {
        const head = toHex(input.subarray(0, 256));
        throw new Error(`${golden.name}: seed ${seed}, input ${number} (${input.length} bytes): ${head}`, { cause });
      }
    }
  }
}

function checkInput(golden: ParserGolden, input: Uint8Array, random: SeededRandom): void {
  checkAlike(golden.parser, input, random, {
    maxMessageLength: random.pick([256, 4096, 1024 * 1024]),
    direction: random.chance(0.2) ? undefined : golden.direction,
  });
}

/** Asserts that a damaged input comes out alike however it is cut, within the limit, and that nothing throws. */
export function checkAlike(
  make: () => Parser,
  input: Uint8Array,
  random: SeededRandom,
  options: RecordOptions & { readonly maxMessageLength: number },
): void {
  const { maxMessageLength } = options;
  const run = (chunks: Uint8Array[]) => {
    const recording = record(make(), options);
    for (const chunk of chunks) {
      recording.push(chunk);
      const held = recording.engine.bytesHeld;
      assert(held <= maxMessageLength, `${held} bytes held with maxMessageLength ${maxMessageLength}`);
    }
    const all = recording.end();
    assertEquals(all.errors.length + all.ends, 1);
    const lengths = all.lengths();
    assert(lengths.every((length) => length > 0 && length <= maxMessageLength));
    assertEquals(join(...all.messages), input.subarray(0, lengths.reduce((a, b) => a + b, 0)));
    assert(all.errors.every((error) => error.blame === "remote"), all.errors[0]?.message);
    const held = all.errors[0]?.bytesHeld ?? 0;
    if (chunks.length === 1) assertEquals(all.engine.stats.bytes, join(...all.messages).length + held);
    return summary(all).join(", ");
  };
  const whole = run([input]);
  assertEquals(run(chaos(input, () => random.fraction(), 1 + random.below(97))), whole);
  if (random.chance(0.2)) assertEquals(run(bytewise(input)), whole);
}
