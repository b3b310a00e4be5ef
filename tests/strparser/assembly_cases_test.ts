/** Cases S1 to S25: assembly in general mode. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { lengthPrefix } from "../../src/strparser/mod.ts";
import {
  A,
  B,
  bytewise,
  chaos,
  counters,
  cut,
  join,
  L2,
  L4,
  M,
  parserOf,
  record,
  type RecordOptions,
  seeded,
  Z,
} from "./support.ts";

interface Expected {
  ret: number[];
  out: number[];
  calls?: number;
  nm?: number;
}

function check(parser: typeof L2, chunks: Uint8Array[], expected: Expected, options: RecordOptions = {}): void {
  const run = record(parser, options).push(...chunks);
  assertEquals(run.returned, expected.ret);
  assertEquals(run.lengths(), expected.out);
  if (expected.calls !== undefined) assertEquals(run.calls, expected.calls);
  const stats: Record<string, number> = {
    messages: expected.out.length,
    bytes: expected.ret.reduce((a, b) => a + b, 0),
    needMoreHeader: expected.nm ?? 0,
  };
  assertEquals(counters(run), Object.fromEntries(Object.entries(stats).filter(([, count]) => count !== 0)));
  assertEquals(join(...run.messages), join(...chunks).subarray(0, join(...run.messages).length));
  assertEquals(run.errors, []);
}

const tenFromFour = parserOf((b) => b.length < 4 ? 0 : 10);

test("S1 one message in one chunk", () => check(L2, [A], { ret: [5], out: [5], calls: 1 }));
test("S2 two messages in one chunk", () => check(L2, [join(A, B)], { ret: [12], out: [5, 7], calls: 2 }));
test("S3 byte by byte", () => check(L2, bytewise(A), { ret: [1, 1, 1, 1, 1], out: [5], calls: 2, nm: 1 }));
test("S4 cut behind the header: not parsed again", () => check(L2, cut(A, 2), { ret: [2, 3], out: [5], calls: 1 }));
test("S5 cut inside the header", () => check(L2, cut(A, 1), { ret: [1, 4], out: [5], calls: 2, nm: 1 }));
test("S6 second message cut inside its header", () => {
  check(L2, cut(join(A, B), 6), { ret: [6, 6], out: [5, 7], calls: 3, nm: 1 });
});
test("S7 second message cut inside its body", () => {
  check(L2, cut(join(A, B), 9), { ret: [9, 3], out: [5, 7], calls: 2 });
});
test("S8 an empty body is a message", () => check(L2, [Z], { ret: [2], out: [2] }));
test("S9 several empty bodies", () => check(L2, [join(Z, Z, Z)], { ret: [6], out: [2, 2, 2], calls: 3 }));
test("S10 an empty chunk calls nothing", () => {
  check(L2, [new Uint8Array(0), A], { ret: [0, 5], out: [5], calls: 1 });
});
test("S11 an empty chunk inside a message", () => {
  check(L2, [A.subarray(0, 3), new Uint8Array(0), A.subarray(3)], { ret: [3, 0, 2], out: [5], calls: 1 });
});
test("S12 a hundred messages in one chunk", () => {
  const chunk = join(...Array.from({ length: 100 }, () => A));
  check(L2, [chunk], { ret: [500], out: Array.from({ length: 100 }, () => 5), calls: 100 });
});
test("S13 fixed length known late", () => {
  check(tenFromFour, cut(new Uint8Array(10), 3), { ret: [3, 7], out: [10], calls: 2, nm: 1 });
});
test("S14 fixed length in three parts", () => {
  check(tenFromFour, cut(new Uint8Array(10), 3, 9), { ret: [3, 6, 1], out: [10], calls: 2, nm: 1 });
});
test("S15 a thousand bytes of ten", () => {
  check(tenFromFour, [new Uint8Array(1000)], { ret: [1000], out: Array.from({ length: 100 }, () => 10), calls: 100 });
});
test("S16 messages of one byte", () => {
  check(parserOf(() => 1), [Uint8Array.of(7, 7, 7)], { ret: [3], out: [1, 1, 1], calls: 3 });
});
test("S17 a parser that passes everything through", () => {
  check(parserOf((b) => b.length), cut(new Uint8Array(4), 3), { ret: [3, 1], out: [3, 1], calls: 2 });
});
test("S18 unknown length until the last byte", () => {
  const parser = parserOf((b) => b.length < 5 ? 0 : 5);
  check(parser, bytewise(new Uint8Array(5)), { ret: [1, 1, 1, 1, 1], out: [5], calls: 5, nm: 4 });
});
test("S19 every split into two and three chunks", () => {
  const stream = join(A, B, Z, A);
  for (let i = 1; i < stream.length; i++) {
    for (let j = i; j < stream.length; j++) {
      const run = record(L2).push(...cut(stream, i, j));
      assertEquals(run.lengths(), [5, 7, 2, 5]);
      assertEquals(join(...run.messages), stream);
      assertEquals([run.engine.stats.messages, run.engine.stats.bytes], [4, 19]);
      assertEquals(run.returned.reduce((a, b) => a + b), 19);
    }
  }
});
test("S20 random messages in random pieces are the messages of a single chunk", () => {
  const random = seeded(20);
  for (let i = 0; i < 10_000; i++) {
    const messages = Array.from({ length: 1 + random() * 8 }, () => M(Math.floor(random() * 301), i));
    const stream = join(...messages);
    let unknown = 0;
    const counting = parserOf((b) => {
      if (b.length < 2) unknown++;
      return b.length < 2 ? 0 : 2 + (b[0]! << 8) + b[1]!;
    });
    const run = record(counting).push(...chaos(stream, random, 1 + i % 200));
    assertEquals(run.lengths(), messages.map((message) => message.length));
    assertEquals(join(...run.messages), stream);
    assertEquals([run.engine.stats.bytes, run.engine.stats.needMoreHeader], [stream.length, unknown]);
  }
});
test("S21 a view inside a larger buffer: nothing outside is read", () => {
  const buffer = new Uint8Array(12).fill(0xff);
  buffer.set(A, 3);
  check(L2, [buffer.subarray(3, 8)], { ret: [5], out: [5] });
  const run = record(L2);
  assertEquals([run.engine.process(buffer, 3, 5, 100, 0, 0), run.messages], [5, [A]]);
});
test("S22 a view inside a larger buffer continues a message", () => {
  const buffer = new Uint8Array(7).fill(0xff);
  buffer.set(A.subarray(2), 2);
  const run = record(L2).push(A.subarray(0, 2), buffer.subarray(2, 5));
  assertEquals(run.returned, [2, 3]);
  assertEquals(run.messages, [A]);
  const processed = record(L2).push(A.subarray(0, 2));
  assertEquals([processed.engine.process(buffer, 2, 3, 100, 0, 0), processed.messages], [3, [A]]);
});
test("S23 the top bit of a 32-bit length is no sign", () => {
  const chunk = Uint8Array.of(0x80, 0, 0, 0, 1);
  for (const parser of [L4, lengthPrefix(4)]) {
    const run = record(parser, { maxMessageLength: 2 ** 32 }).push(chunk);
    assertEquals([run.returned, run.errors], [[5], []]);
    assertEquals(run.engine.bytesNeeded, 2147483652 - 5);
  }
});
test("S23 compat: the kernel's lengths are signed", () => {
  const run = record(L4, { maxMessageLength: 2 ** 32, compat: "linux" }).push(Uint8Array.of(0x80, 0, 0, 0, 1));
  assertEquals([run.returned, run.errors.map((error) => error.code)], [[0], ["EPROTO"]]);
});
test("S24 a length above the limit is never taken for need-more", () => {
  for (const parser of [L4, lengthPrefix(4)]) {
    const run = record(parser, { maxMessageLength: 2 ** 31 }).push(Uint8Array.of(0xff, 0xff, 0xff, 0xfc));
    assertEquals([run.returned, run.errors.map((error) => error.code)], [[0], ["EMSGSIZE"]]);
    assertEquals(run.errors[0]!.message, "message of 4294967296 bytes exceeds maxMessageLength 2147483648");
  }
});
test("S25 a varint prefix byte by byte", () => {
  const varint = parserOf((b) => {
    let value = 0;
    for (let i = 0; i < b.length; i++) {
      value += (b[i]! & 0x7f) * 2 ** (7 * i);
      if (b[i]! < 0x80) return i + 1 + value;
    }
    return 0;
  });
  const message = new Uint8Array(302).fill(9);
  message.set([0xac, 0x02]);
  check(varint, bytewise(message), { ret: Array.from(message, () => 1), out: [302], calls: 2, nm: 1 });
});
