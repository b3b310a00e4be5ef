/** Going on after bytes that are no message, and one budget for many parsers. */
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { MessageBudget, type Resync, StreamParser } from "../../src/strparser/mod.ts";
import { bytewise, cut, join, L2 as lengthPrefixed, M, parserOf, record, type RecordOptions } from "./support.ts";

const X = 0x58;
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
/** "X", length, body, and the sum of the body behind it. */
const summed = parserOf((b) => {
  if (b[0] !== X) return { code: "EPROTO", reason: "no X" };
  if (b.length < 2 || b.length < 3 + b[1]!) return b.length < 2 ? -2 : -(3 + b[1]!);
  let sum = 0;
  for (const byte of b.subarray(2, 2 + b[1]!)) sum += byte;
  return (sum & 0xff) === b[2 + b[1]!] ? 3 + b[1]! : { code: "EPROTO", reason: "wrong sum" };
});
/** To the next X. */
const toX: Resync = (b, start, end) => {
  const at = b.subarray(0, end).indexOf(X, start + 1);
  return (at < 0 ? end : at) - start;
};
const good = (...body: number[]) => bytes(X, body.length, ...body, body.reduce((a, b) => a + b, 0) & 0xff);
const splits = (
  stream: Uint8Array,
) => [[stream], bytewise(stream), ...Array.from(stream.keys(), (at) => cut(stream, at))];

function checkAll(
  stream: Uint8Array,
  options: RecordOptions,
  messages: Uint8Array[],
  skipped: number,
  resyncs: number,
): void {
  for (const chunks of splits(stream)) {
    const run = record(summed, { resync: toX, ...options }).push(...chunks).end();
    assertEquals([run.messages, run.errors, run.ends], [messages, [], 1]);
    const { stats } = run.engine;
    assertEquals([stats.skippedBytes, stats.resyncs, stats.bytes, stats.interrupted], [
      skipped,
      resyncs,
      stream.length,
      0,
    ]);
  }
}

test("resync: junk before, between and behind messages is skipped and counted", () => {
  checkAll(join(bytes(1, 2), good(1, 2, 3), bytes(9), good(), bytes(7, 7, 7)), {}, [good(1, 2, 3), good()], 6, 3);
});
test("resync: a damaged message that holds whole messages and the beginning of another", () => {
  // the sum of the first is wrong; inside are three good ones, the last reaches beyond it
  const inside = join(good(5), good(6, 7), good(8, 9, 10).subarray(0, 4));
  const damaged = bytes(X, inside.length, ...inside, 0xee);
  assertEquals(inside.length, 13);
  const stream = join(damaged, bytes(0xdd), good(1));
  for (const chunks of splits(stream)) {
    const run = record(summed, { resync: toX }).push(...chunks).end();
    assertEquals([run.messages, run.errors, run.ends], [[good(5), good(6, 7), good(1)], [], 1]);
  }
});
test("resync: paused, stopped or with another parser among bytes that were held", () => {
  const inside = join(good(5), good(6), good(7));
  const stream = join(bytes(X, inside.length, ...inside, 0xee), good(1));
  const all = [good(5), good(6), good(7), good(1)];
  for (const chunks of splits(stream)) {
    const run = record(summed, { resync: toX, onMessage: ({ engine }) => engine.pause() });
    for (let chunk of chunks) {
      while (chunk.length > 0) {
        chunk = chunk.subarray(run.engine.push(chunk, 0));
        run.engine.resume();
      }
    }
    assertEquals(run.end().messages, all);
    assertEquals([run.errors, run.engine.stats.bytes], [[], stream.length]);
    const switching = record(summed, { resync: toX, onMessage: ({ engine }) => engine.setParser(summed) });
    assertEquals(switching.push(...chunks).end().messages, all);
    const stopping = record(summed, { resync: toX, onMessage: ({ engine }) => engine.stop() }).push(...chunks).end();
    assertEquals([stopping.messages, stopping.engine.bytesHeld], [[good(5)], 0]);
    let left = new Uint8Array(0);
    const leaving = record(summed, { resync: toX, onMessage: ({ engine }) => left = engine.takeover().slice() });
    leaving.push(...chunks);
    const rest = join(left, stream.subarray(leaving.engine.bytesTaken));
    assertEquals([leaving.messages, rest], [[good(5)], stream.subarray(6)]);
  }
});
test("resync: a consumer that throws among bytes that were held loses nothing", () => {
  const inside = join(good(5), good(6));
  const stream = join(bytes(X, inside.length, ...inside, 0xee), good(1));
  const run = record(summed, {
    resync: toX,
    onMessage: ({ messages }) => {
      if (messages.length === 1) throw new Error("consumer");
    },
  }).push(stream.subarray(0, 10));
  assertThrows(() => run.push(stream.subarray(10, 11)), Error, "consumer");
  const rest = stream.subarray(run.engine.bytesTaken);
  assertEquals(run.push(rest).end().messages, [good(5), good(6), good(1)]);
});
test("resync: who wants to see more gets more, up to maxHeaderBytes", () => {
  /** Wants the two bytes "XX"; whoever has seen only one X cannot tell. */
  const pair: Resync = (b, start, end) => {
    for (let at = start + 1; at < end; at++) {
      if (b[at] !== X) continue;
      if (at + 1 === end) return at - start;
      if (b[at + 1] === X) return at - start;
    }
    return end - start < 4 ? 0 : end - start - 1;
  };
  const parser = parserOf((b) =>
    b[0] !== X || (b.length > 1 && b[1] !== X) ? { code: "EPROTO", reason: "no" } : b.length < 3 ? 0 : 3
  );
  const stream = join(bytes(1, X, 2, X, X, 9, 3, 3, 3, 3, 3, X, X, 8));
  for (const chunks of splits(stream)) {
    const run = record(parser, { resync: pair }).push(...chunks).end();
    assertEquals(run.lengths(), [3, 3]);
  }
  for (const chunks of splits(new Uint8Array(9))) {
    const run = record(parser, { resync: () => 0, maxHeaderBytes: 8 }).push(...chunks).end();
    assertEquals(run.errors.map((error) => [error.code, error.offset]), [["EPROTO", 0]]);
    assertEquals(run.errors[0]!.message, "test: no, and no resync within 8 bytes");
  }
  for (const chunks of splits(new Uint8Array(5))) {
    const run = record(parser, { resync: () => 0, maxHeaderBytes: 8 }).push(...chunks).end();
    assertEquals(run.errors.map((error) => [error.code, error.offset]), [["EPROTO", 0]]);
  }
});
test("resync: the hook may give up, and what it answers wrongly is its own fault", () => {
  const run = (resync: Resync) => record(summed, { resync }).push(bytes(1, 2, 3)).errors[0]!;
  const given = run(() => ({ code: "EILSEQ", reason: "hopeless" }));
  assertEquals([given.code, given.message, given.blame], ["EILSEQ", "resync: hopeless", "remote"]);
  for (const wrong of [-1, 1.5, NaN, "1"]) {
    const error = run(() => wrong as number);
    assertEquals([error.code, error.blame], ["EPROTO", "local"]);
  }
  const thrown = new Error("hook");
  assertEquals(
    run(() => {
      throw thrown;
    }).cause,
    thrown,
  );
});
test("resync: skips beyond what is there; the end inside is ETRUNCATED", () => {
  for (const chunks of splits(join(bytes(1, 2, 3, 4), good(1)))) {
    const run = record(summed, { resync: () => 4 }).push(...chunks).end();
    assertEquals([run.messages, run.engine.stats.skippedBytes], [[good(1)], 4]);
  }
  for (const chunks of splits(bytes(1, 2, 3))) {
    const error = record(summed, { resync: () => 10 }).push(...chunks).end().errors[0]!;
    assertEquals([error.code, error.bytesHeld, error.bytesMissing, error.offset], ["ETRUNCATED", 3, 7, 0]);
  }
});
test("resync: a hand-over and a parser that throws are final", () => {
  for (
    const parser of [
      parserOf(() => ({ code: "ESTRPIPE", reason: "" })),
      parserOf(() => {
        throw new Error("parser");
      }),
    ]
  ) {
    assertEquals(record(parser, { resync: () => 1 }).push(bytes(1)).errors.length, 1);
  }
});
test("resync: too long, and a length that is none, may be skipped too; the parser's state is new each time", () => {
  let starts = 0;
  const parser = parserOf((b) => b[0] === 0 ? { code: "EPROTO", reason: "0" } : b[0]!, { start: () => starts++ });
  const run = record(parser, { resync: () => 1, maxMessageLength: 3 }).push(bytes(9, 2, 7, 0, 1));
  assertEquals([run.messages, run.engine.stats.skippedBytes, starts], [[bytes(2, 7), bytes(1)], 2, 3]);
});

test("budget: what all hold is bounded; who exceeds it fails, and gives back", () => {
  const budget = new MessageBudget(10);
  const one = record(lengthPrefixed, { budget }).push(M(20).subarray(0, 6));
  const two = record(lengthPrefixed, { budget }).push(M(20).subarray(0, 4));
  assertEquals(budget.bytesHeld, 10);
  const [message] = two.push(M(20).subarray(4, 5)).errors;
  assertEquals([message!.code, message!.blame, message!.offset, budget.bytesHeld], ["ENOBUFS", "local", 0, 6]);
  assertEquals([two.returned, two.engine.stats.memoryFailures], [[4, 0], 1]);
  one.push(M(20).subarray(6, 10));
  assertEquals([one.push(M(20).subarray(10)).messages, budget.bytesHeld], [[M(20)], 0]);
});
test("budget: messages that end in the chunk in work do not count; ends of any kind give back", () => {
  const budget = new MessageBudget(4);
  const parts = () =>
    new StreamParser({ parser: lengthPrefixed, budget, parts: true }, { item() {}, error() {}, end() {} });
  for (const end of ["end", "abort", "stop", "takeover", "reset"] as const) {
    for (const engine of [record(lengthPrefixed, { budget }).engine, parts()]) {
      engine.push(join(M(50), M(50).subarray(0, 3)), 0);
      assertEquals(budget.bytesHeld, 3);
      engine[end](0);
      assertEquals(budget.bytesHeld, 0);
    }
  }
});
test("budget: a message that is swallowed holds nothing", () => {
  const budget = new MessageBudget(2);
  const run = record(lengthPrefixed, { budget, maxMessageLength: 9, oversize: "discard" }).push(
    ...bytewise(M(500)),
    M(3),
  );
  assertEquals([run.messages, run.errors], [[M(3)], []]);
});
