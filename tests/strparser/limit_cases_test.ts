/** Cases S26 to S49: limits and errors in general mode. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  handOver,
  lengthPrefix,
  MessageBudget,
  MessageStream,
  StreamParser,
  StreamParserError,
} from "../../src/strparser/mod.ts";
import { A, B, bytewise, counters, cut, join, L2, M, parserOf, record, type Recording } from "./support.ts";

function codes(run: Recording): string[] {
  return run.errors.map((error) => error.code);
}
const refusing = (code = "EINVAL") => parserOf(() => ({ code, reason: "not mine" }));
/** L2 that refuses what begins with 0xff. */
const L2OrRefuse = parserOf((b) => {
  if (b[0] === 0xff) return { code: "EINVAL", reason: "not mine" };
  return b.length < 2 ? 0 : 2 + (b[0]! << 8) + b[1]!;
});

test("S26 maxMessageLength: a message of exactly the limit is delivered", () => {
  assertEquals(record(L2, { maxMessageLength: 10 }).push(M(8)).lengths(), [10]);
});
test("S27 maxMessageLength: one byte more is refused", () => {
  const run = record(L2, { maxMessageLength: 10 }).push(M(9));
  assertEquals([run.returned, run.lengths(), codes(run)], [[0], [], ["EMSGSIZE"]]);
  assertEquals(counters(run), { messageTooBig: 1, aborts: 1 });
  assertEquals(run.errors[0]!.message, "message of 11 bytes exceeds maxMessageLength 10");
  assertEquals([run.errors[0]!.blame, run.errors[0]!.layer, run.errors[0]!.offset], ["remote", "strparser", 0]);
});
test("S28 a good message in front of one too long", () => {
  const run = record(L2, { maxMessageLength: 10 }).push(join(A, M(9)));
  assertEquals([run.returned, run.lengths(), codes(run)], [[5], [5], ["EMSGSIZE"]]);
  assertEquals(counters(run), { messages: 1, bytes: 5, messageTooBig: 1, aborts: 1 });
  assertEquals(run.errors[0]!.offset, 5);
});
test("S29, S49 too long, known in the second chunk only; nothing stays held", () => {
  const run = record(L2, { maxMessageLength: 10 }).push(Uint8Array.of(0), Uint8Array.of(9, 1, 2, 3));
  assertEquals([run.returned, codes(run)], [[1, 0], ["EMSGSIZE"]]);
  assertEquals(counters(run), { bytes: 1, needMoreHeader: 1, messageTooBig: 1, aborts: 1 });
  assertEquals([run.errors[0]!.offset, run.engine.bytesHeld, run.engine.bytesNeeded], [0, 0, 0]);
});
test("S30 a limit counts when the length becomes known, and not again", () => {
  const run = record(L2);
  const message = M(9);
  assertEquals(run.engine.process(message.subarray(0, 3), 0, 3, 11, 0, 0), 3);
  assertEquals(run.engine.process(message, 3, 8, 5, 0, 0), 8);
  assertEquals([run.messages, run.errors], [[message], []]);
  assertEquals(run.engine.process(message, 0, 11, 5, 0, 0), 0);
  assertEquals(codes(run), ["EMSGSIZE"]);
});
test("process: the limit of a call replaces the option, and only for that call", () => {
  const run = record(L2, { maxMessageLength: 10 });
  assertEquals(run.engine.process(M(20), 0, 22, 100, 0, 0), 22);
  assertEquals([run.lengths(), codes(run.push(M(20)))], [[22], ["EMSGSIZE"]]);
});
test("process: wrong arguments throw", () => {
  const { engine } = record(L2);
  for (const [offset, length] of [[-1, 2], [0, 6], [4, 2], [0, -1], [NaN, 1]] as const) {
    assertThrows(() => engine.process(A, offset, length, 10, 0, 0), RangeError, "there are no");
  }
  assertThrows(() => engine.process(A, 0, 5, 0, 0, 0), RangeError, "maxMessageLength");
  assertThrows(() => engine.process(A, 0, 5, 10, -1, 0), RangeError, "timeoutMs");
});
test("S31 the parser refuses at once", () => {
  const run = record(refusing()).push(A);
  assertEquals([run.returned, codes(run)], [[0], ["EINVAL"]]);
  assertEquals(counters(run), { interrupted: 1, aborts: 1 });
  assertEquals(run.errors[0]!.message, "test: not mine");
});
test("S32 the parser refuses the second message", () => {
  const run = record(L2OrRefuse).push(join(A, Uint8Array.of(0xff, 1, 2)));
  assertEquals([run.returned, run.lengths(), run.calls, codes(run)], [[5], [5], 2, ["EINVAL"]]);
  assertEquals(counters(run), { messages: 1, bytes: 5, interrupted: 1, aborts: 1 });
  assertEquals(run.errors[0]!.offset, 5);
});
test("S33 handed back on the first chunk: all bytes are still the caller's", () => {
  const run = record(refusing("ESTRPIPE")).push(A);
  assertEquals([run.returned, codes(run), run.engine.takeover().length], [[0], ["ESTRPIPE"], 0]);
  assertEquals(counters(run), { interrupted: 1, aborts: 1 });
});
test("S34 handed back after the first byte was taken", () => {
  const run = record(parserOf((b) => b.length < 2 ? 0 : { code: "ESTRPIPE", reason: "other protocol" }));
  run.push(...cut(A, 1));
  assertEquals([run.returned, codes(run)], [[1, 0], ["ENODATA"]]);
  assertEquals(counters(run), { bytes: 1, needMoreHeader: 1, unrecoverable: 1, aborts: 1 });
  assertEquals(run.errors[0]!.offset, 0);
});
test("S35 a message before does not count as taken from the one that is handed back", () => {
  const handingOver = parserOf((b) => b[0] === 0xff ? handOver : b.length < 2 ? 0 : 2 + (b[0]! << 8) + b[1]!);
  for (const chunks of [[join(A, Uint8Array.of(0xff, 1))], cut(join(A, Uint8Array.of(0xff, 1)), 3)]) {
    const run = record(handingOver).push(...chunks);
    assertEquals([run.engine.bytesTaken, codes(run), run.errors[0]!.offset], [5, ["ESTRPIPE"], 5]);
    assertEquals([run.returned.at(-1), run.engine.stats.interrupted], [chunks.length === 1 ? 5 : 2, 1]);
    assertEquals(run.engine.stats.unrecoverable, 0);
  }
});
test("S36 a length that ends within bytes already taken", () => {
  const run = record(parserOf((b) => b.length < 4 ? 0 : 3)).push(new Uint8Array(3), new Uint8Array(1));
  assertEquals([run.returned, codes(run)], [[3, 0], ["EPROTO"]]);
  assertEquals(counters(run), { bytes: 3, needMoreHeader: 1, badHeaderLength: 1, aborts: 1 });
});
test("S37 a length that ends in the new chunk", () => {
  const run = record(parserOf((b) => b.length < 4 ? 0 : 4)).push(new Uint8Array(3), new Uint8Array(1));
  assertEquals([run.returned, run.lengths()], [[3, 1], [4]]);
});
test("S38 a length of exactly the bytes already taken", () => {
  const run = record(parserOf((b) => b.length < 2 ? 0 : 1)).push(new Uint8Array(1), new Uint8Array(4));
  assertEquals([run.returned, codes(run), run.engine.stats.badHeaderLength], [[1, 0], ["EPROTO"], 1]);
});
test("S39 never called with an empty view", () => {
  const run = record(parserOf((b) => b.length === 0 ? { code: "EINVAL", reason: "empty" } : b.length));
  run.push(new Uint8Array(0), A, new Uint8Array(0), B, new Uint8Array(0)).end();
  assertEquals([run.lengths(), run.ends], [[5, 7], 1]);
});
test("S40 one failure is reported once", () => {
  const run = record(refusing()).push(A, A).end();
  run.engine.abort();
  assertEquals([codes(run), run.ends, run.engine.stats.aborts], [["EINVAL"], 0, 1]);
});
test("S41 a failed parser takes and parses nothing", () => {
  const run = record(L2OrRefuse).push(Uint8Array.of(0xff), A);
  run.engine.resume();
  run.push(A);
  assertEquals([run.returned, run.lengths(), run.calls], [[0, 0, 0], [], 1]);
  assertEquals(run.engine.error, run.errors[0]);
});
test("S41 compat: the kernel goes on, although stopped", () => {
  const run = record(L2OrRefuse, { compat: "linux" }).push(Uint8Array.of(0xff), A);
  assertEquals([run.returned, run.lengths(), codes(run)], [[0, 5], [5], ["EINVAL"]]);
  assertEquals([run.engine.isStopped, counters(run)], [true, { messages: 1, bytes: 5, interrupted: 1 }]);
});
test("S42 a failed parser goes on when it is reset", () => {
  const run = record(L2OrRefuse);
  const { errors } = run;
  errors.push = (...error) => {
    run.engine.reset();
    return Array.prototype.push.apply(errors, error);
  };
  run.push(A.subarray(0, 1), A.subarray(1), Uint8Array.of(0xff), B.subarray(0, 4), B.subarray(4)).end();
  assertEquals([run.returned, run.messages, codes(run), run.ends], [[1, 4, 0, 4, 3], [A, B], ["EINVAL"], 1]);
});

for (
  const answer of [
    2.5,
    NaN,
    Infinity,
    "7",
    2 ** 53,
    -2.5,
    -(2 ** 53),
    2n ** 53n,
    -(2n ** 64n),
    null,
    undefined,
    true,
    {},
    { code: 1 },
  ]
) {
  test(`S43 ${typeof answer} ${JSON.stringify(answer, (_, v) => typeof v === "bigint" ? "n" : v)} is no length`, () => {
    for (const chunks of [[A], bytewise(A)]) {
      const run = record(parserOf((b) => b.length < chunks.length % 5 + 1 ? 0 : answer)).push(...chunks);
      assertEquals(codes(run), ["EPROTO"]);
      assertEquals([run.errors[0]!.blame, run.engine.stats.badHeaderLength], ["local", 1]);
    }
  });
}
test("S43 what is no length is named", () => {
  const said = (answer: unknown) => record(parserOf(() => answer)).push(A).errors[0]!.message;
  assertEquals(said(undefined), "parser test returned undefined");
  assertEquals(said(null), "parser test returned null");
  assertEquals(said(2.5), "parser test returned 2.5");
  assertEquals(said(2n ** 60n), "parser test returned bigint");
  assertEquals(said("secret"), "parser test returned string");
});
test("S43 a bigint is accepted when it is safe", () => {
  const parser = parserOf((b) => b.length < 2 ? -2n : BigInt(2 + b[1]!));
  for (const chunks of [[join(A, B)], bytewise(join(A, B)), cut(join(A, B), 3, 8)]) {
    const run = record(parser).push(...chunks).end();
    assertEquals([run.messages, run.errors, run.engine.stats.messages], [[A, B], [], 2]);
  }
});
test("S43 minus zero means need more", () => {
  const run = record(parserOf((b) => b.length < 5 ? -0 : 5)).push(...bytewise(A));
  assertEquals([run.lengths(), run.calls], [[5], 5]);
});
test("S44 a parser that throws is an error with the thrown value as cause", () => {
  const thrown = new RangeError("out of bounds");
  const run = record(parserOf((b) => {
    if (b[0] === 0xff) throw thrown;
    return 5;
  })).push(join(A, Uint8Array.of(0xff, 1)));
  assertEquals([run.returned, run.lengths(), codes(run)], [[5], [5], ["EPROTO"]]);
  assertEquals([run.errors[0]!.cause, run.errors[0]!.blame, run.errors[0]!.offset], [thrown, "local", 5]);
  assertEquals(counters(run), { messages: 1, bytes: 5, interrupted: 1, aborts: 1 });
});
test("S44 a parser that throws in the middle of a header", () => {
  const run = record(parserOf((b) => {
    if (b.length > 1) throw new Error("no");
    return 0;
  })).push(...cut(A, 1));
  assertEquals([run.returned, codes(run), run.errors[0]!.offset], [[1, 0], ["EPROTO"], 0]);
});
test("S45 what the sink throws comes out of push; the message counts, the next was not touched", () => {
  const run = record(L2, {
    onMessage: (recording) => {
      if (recording.messages.length === 1) throw new Error("consumer");
    },
  });
  const chunk = join(A, B);
  assertThrows(() => run.push(chunk), Error, "consumer");
  assertEquals(counters(run), { messages: 1, bytes: 5 });
  run.push(chunk.subarray(run.engine.stats.bytes));
  assertEquals([run.lengths(), run.errors], [[5, 7], []]);
});
test("S45 the same for a message that was held", () => {
  const run = record(L2, {
    onMessage: (recording) => {
      if (recording.messages.length === 1) throw new Error("consumer");
    },
  }).push(A.subarray(0, 3));
  const rest = join(A.subarray(3), B);
  assertThrows(() => run.push(rest), Error, "consumer");
  assertEquals(run.engine.stats.bytes, 5);
  run.push(rest.subarray(2)).end();
  assertEquals([run.messages, run.ends], [[A, B], 1]);
});
test("S46 maxHeaderBytes: a header that never ends", () => {
  const run = record(parserOf(() => 0), { maxHeaderBytes: 8 }).push(...cut(new Uint8Array(9), 3, 6));
  assertEquals([run.returned, codes(run)], [[3, 3, 0], ["EMSGSIZE"]]);
  assertEquals(counters(run), { bytes: 6, needMoreHeader: 2, headerTooBig: 1, aborts: 1 });
  assertEquals(run.errors[0]!.message, "length of a message is not known within maxHeaderBytes 8");
});

for (const chunks of [[join(M(20), A)], bytewise(join(M(20), A)), cut(join(M(20), A), 1, 5, 24)]) {
  test(`S47, S48 discard: a message too long is swallowed, in ${chunks.length} chunks`, () => {
    const run = record(L2, { maxMessageLength: 10, oversize: "discard" });
    let most = 0;
    for (const chunk of chunks) {
      run.push(chunk);
      most = Math.max(most, run.engine.bytesHeld);
    }
    run.end();
    assertEquals([run.messages, run.errors, run.ends, most <= 4], [[A], [], 1, true]);
    const { needMoreHeader: _, ...rest } = counters(run);
    assertEquals(rest, { messages: 1, bytes: 27, messageTooBig: 1, discarded: 1, discardedBytes: 22 });
  });
}
test("S47 discard: the end inside a swallowed message is ETRUNCATED, however cut", () => {
  for (const chunks of [[M(20).subarray(0, 15)], bytewise(M(20).subarray(0, 15))]) {
    const run = record(L2, { maxMessageLength: 10, oversize: "discard" }).push(...chunks);
    assertEquals([run.engine.bytesHeld, run.engine.bytesNeeded], [0, 7]);
    const error = run.end().errors[0]!;
    assertEquals([error.code, error.bytesHeld, error.bytesMissing, error.offset], ["ETRUNCATED", 15, 7, 0]);
  }
});
test("S47 discard: a length that never becomes known still fails", () => {
  const run = record(parserOf(() => 0), { maxHeaderBytes: 4, oversize: "discard" }).push(new Uint8Array(5));
  assertEquals(codes(run), ["EMSGSIZE"]);
});

test("maxHeaderBytes: the outcome does not depend on the chunks", () => {
  const lineOf = (limit: number) =>
    parserOf((b) => {
      const at = b.indexOf(10);
      return at < 0 ? 0 : at + 1;
    }, { maxHeaderBytes: limit });
  for (const [length, limit, good] of [[8, 8, 1], [9, 8, 0], [3000, 3000, 1], [3001, 3000, 0]] as const) {
    const line = new Uint8Array(length).fill(65);
    line[length - 1] = 10;
    const splits = [[line], bytewise(line), cut(line, 1), cut(line, length - 1), cut(line, 1, 2, length - 2)];
    for (const chunks of splits) {
      const run = record(lineOf(limit)).push(...chunks);
      assertEquals([run.messages.length, codes(run)], [good, good === 1 ? [] : ["EMSGSIZE"]]);
    }
  }
});
test("maxHeaderBytes: asking for more than the limit fails without waiting", () => {
  const run = record(parserOf(() => -9), { maxHeaderBytes: 8 }).push(new Uint8Array(1));
  assertEquals([run.returned, codes(run)], [[0], ["EMSGSIZE"]]);
});
test("maxHeaderBytes: a parser may have none, then maxMessageLength counts", () => {
  const run = record(parserOf(() => 0, { maxHeaderBytes: Infinity }), { maxMessageLength: 100 });
  run.push(...bytewise(new Uint8Array(101)));
  assertEquals([codes(run), run.engine.stats.messageTooBig, run.engine.stats.headerTooBig], [["EMSGSIZE"], 1, 0]);
  assertEquals(run.engine.stats.bytes, 100);
});
test("maxHeaderBytes: default 65536", () => {
  const run = record(parserOf(() => 0)).push(new Uint8Array(65536), new Uint8Array(1));
  assertEquals([run.returned, codes(run)], [[65536, 0], ["EMSGSIZE"]]);
});
test("maxMessageLength: default 1048576", () => {
  assertEquals(codes(record(lengthPrefix(4)).push(Uint8Array.of(0, 0x10, 0, 0))), ["EMSGSIZE"]);
  assertEquals(codes(record(lengthPrefix(4)).push(Uint8Array.of(0, 0x0f, 0xff, 0xfc))), []);
});
test("maxMessageLength: the smaller of option and protocol counts", () => {
  const parser = lengthPrefix(2, { max: 10 });
  assertEquals(codes(record(parser).push(M(9))), ["EMSGSIZE"]);
  assertEquals(codes(record(parser, { maxMessageLength: 9 }).push(M(8))), ["EMSGSIZE"]);
  assertEquals(record(parser, { maxMessageLength: 99 }).push(M(8)).lengths(), [10]);
});
test("a parser that asks for n bytes is not called before they are there", () => {
  const run = record(parserOf((b) => b.length < 4 ? -4 : 6)).push(...bytewise(new Uint8Array(6)));
  assertEquals([run.lengths(), run.calls, run.engine.stats.needMoreHeader], [[6], 2, 3]);
});
test("a parser that asks for bytes it has already is treated as need more", () => {
  const run = record(parserOf((b) => b.length < 4 ? -1 : 6)).push(...bytewise(new Uint8Array(6)));
  assertEquals([run.lengths(), run.calls], [[6], 4]);
});

test("wrong options fail at once", () => {
  const sink = { item: () => {}, error: () => {}, end: () => {} };
  const make = (options: object) => () => new StreamParser({ parser: L2, ...options }, sink);
  assertThrows(make({ maxMessageLength: 0 }), RangeError, "maxMessageLength");
  assertThrows(make({ maxMessageLength: 1.5 }), RangeError, "maxMessageLength");
  assertThrows(make({ maxHeaderBytes: -1 }), RangeError, "maxHeaderBytes");
  assertThrows(make({ maxHeaderBytes: "8" }), TypeError, "maxHeaderBytes");
  assertThrows(make({ direction: "up" }), RangeError, "direction");
  for (const name of ["headerTimeoutMs", "messageTimeoutMs", "idleTimeoutMs", "copyThreshold"]) {
    assertThrows(make({ [name]: -1 }), RangeError, name);
    assertThrows(make({ [name]: "1" }), TypeError, name);
  }
  assertThrows(make({ oversize: "keep" }), RangeError, "oversize");
  assertThrows(make({ compat: "bsd" }), RangeError, "compat");
  assertThrows(make({ resync: 3 }), TypeError, "resync");
  assertThrows(make({ budget: 3 }), TypeError, "budget");
  assertThrows(() => new MessageBudget(0), RangeError, "maxBytes");
  assertThrows(make({ parser: undefined }), TypeError, "parser");
  assertThrows(make({ parser: {} }), TypeError, "parser");
});
test("a chunk that is not bytes throws", () => {
  assertThrows(() => record(L2).push("text" as unknown as Uint8Array), TypeError, "Uint8Array");
});

test("end: clean between messages, once", () => {
  const run = record(L2).push(A).end().end().push(A);
  assertEquals([run.ends, run.returned, run.errors], [1, [5, 0], []]);
});
test("end: inside a body says what is held and missing", () => {
  const run = record(L2).push(A, B.subarray(0, 4)).end().end();
  assertEquals([run.ends, codes(run)], [0, ["ETRUNCATED"]]);
  const error = run.errors[0]!;
  assertEquals([error.bytesHeld, error.bytesMissing, error.offset, error.blame], [4, 3, 5, "remote"]);
  assertEquals(error.message, "stream ended inside a message with 4 of its 7 bytes, 3 missing");
  assertEquals([run.engine.bytesHeld, error instanceof StreamParserError], [0, true]);
});
test("end: one byte is one byte", () => {
  const { message } = record(lengthPrefix(2)).push(new Uint8Array(1)).end().errors[0]!;
  assertEquals(message, "stream ended inside a message of unknown length with 1 byte, at least 1 missing");
});
test("end: inside a header says at least how much is missing", () => {
  const known = record(lengthPrefix(4)).push(new Uint8Array(1)).end().errors[0]!;
  assertEquals([known.code, known.bytesHeld, known.bytesMissing], ["ETRUNCATED", 1, 3]);
  const unknown = record(L2).push(new Uint8Array(1)).end().errors[0]!;
  assertEquals([unknown.bytesHeld, unknown.bytesMissing], [1, 1]);
});
test("every way of failing leaves the messages before it and one error", async () => {
  const stream = new MessageStream({ parser: L2, maxMessageLength: 10 });
  const writer = stream.writable.getWriter();
  writer.write(join(A, B, M(9))).catch(() => {});
  writer.closed.catch(() => {});
  const reader = stream.readable.getReader();
  assertEquals((await reader.read()).value, A);
  assertEquals((await reader.read()).value, B);
  await assertRejects(() => reader.read(), StreamParserError, "maxMessageLength 10");
  assertEquals(stream.stats.messages, 2);
});
test("end: bytes that the parser had asked to see later are judged after all", () => {
  const parser = parserOf((b) => b[0] === 0xff && b.length > 1 ? { code: "EPROTO", reason: "wrong" } : -8);
  for (const chunks of [[Uint8Array.of(0xff, 1)], bytewise(Uint8Array.of(0xff, 1))]) {
    const run = record(parser).push(...chunks).end();
    assertEquals([codes(run), run.errors[0]!.offset, run.ends], [["EPROTO"], 0, 0]);
  }
  const fine = record(parserOf((b) => b.length < 3 ? -4 : 9)).push(...bytewise(new Uint8Array(3))).end().errors[0]!;
  assertEquals([fine.code, fine.bytesHeld, fine.bytesMissing], ["ETRUNCATED", 3, 6]);
});
test("end: at least one byte is missing, even if the parser asked for fewer than it has", () => {
  const run = record(parserOf(() => -1)).push(new Uint8Array(2), new Uint8Array(3));
  assertEquals([run.engine.bytesHeld, run.engine.bytesNeeded], [5, 1]);
  assertEquals(run.end().errors[0]!.bytesMissing, 1);
});
test("a large chunk behind a held header costs few calls of the parser", () => {
  const run = record(parserOf((b) => b.length < 60_000 ? 0 : 60_000)).push(new Uint8Array(1), new Uint8Array(65_000));
  assertEquals(run.lengths(), [60_000]);
  // the first chunk; 1, 5, 21, 85 KiB of the second; what lies behind the message
  assertEquals(run.calls, 6);
});
