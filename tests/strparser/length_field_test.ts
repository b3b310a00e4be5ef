import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { bytewise, record } from "./support.ts";
import { lengthField, type LengthFieldOptions, lengthPrefix, type ParseFailure } from "../../src/strparser/mod.ts";

function parse(options: LengthFieldOptions, bytes: number[]): number | ParseFailure {
  // with something on both sides that must not count
  const framed = Uint8Array.of(0xff, 0xff, 0xff, ...bytes, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
  return lengthField(options).parse(framed, 3, 3 + bytes.length, undefined);
}

const layouts: [string, LengthFieldOptions, number[], number][] = [
  ["1 byte", { size: 1 }, [200], 201],
  ["2 bytes", { size: 2 }, [0x01, 0x02], 260],
  ["2 bytes, little-endian", { size: 2, littleEndian: true }, [0x01, 0x02], 515],
  ["3 bytes", { size: 3 }, [0x80, 0, 1], 0x800001 + 3],
  ["3 bytes, little-endian", { size: 3, littleEndian: true }, [1, 0, 0x80], 0x800001 + 3],
  ["4 bytes with the top bit", { size: 4 }, [0xff, 0xff, 0xff, 0xff], 0xffffffff + 4],
  ["4 bytes with the top bit, little-endian", { size: 4, littleEndian: true }, [0, 0, 0, 0x80], 0x80000000 + 4],
  ["8 bytes", { size: 8 }, [0, 0, 0, 1, 0, 0, 0, 2], 2 ** 32 + 2 + 8],
  ["8 bytes, little-endian", { size: 8, littleEndian: true }, [2, 0, 0, 0, 1, 0, 0, 0], 2 ** 32 + 2 + 8],
  ["8 bytes at the largest", { size: 8, includesHeader: true }, [0, 0x1f, 255, 255, 255, 255, 255, 255], 2 ** 53 - 1],
  ["empty body", { size: 4 }, [0, 0, 0, 0], 4],
  ["Cassandra: 9 + field at 5", { offset: 5, size: 4 }, [4, 0, 0, 0, 5, 0, 0, 0, 7], 16],
  ["memcached: 24 + field at 8", { offset: 8, size: 4, adjustment: 12 }, [128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], 33],
  ["MongoDB: counts itself", { size: 4, littleEndian: true, includesHeader: true }, [16, 0, 0, 0], 16],
  ["BGP: field behind a marker", { offset: 16, size: 2, includesHeader: true }, [...Array(16).fill(255), 0, 19], 19],
  ["AMQP 0-9-1: a trailer", { offset: 3, size: 4, adjustment: 1 }, [1, 0, 0, 0, 0, 0, 4], 12],
];
for (const [name, options, bytes, total] of layouts) {
  test(`length field: ${name}`, () => {
    assertEquals(parse(options, bytes), total);
    for (let i = 1; i < bytes.length; i++) assertEquals(parse(options, bytes.slice(0, i)), -bytes.length);
  });
}

/** Those of the documentation of `LengthFieldBasedFrameDecoder`, with what it strips; the payload is HELLO, WORLD. */
const NETTY: readonly [constructor: string, options: LengthFieldOptions, header: number[], strip: number][] = [
  ["0, 2", { size: 2 }, [0, 12], 0],
  ["0, 2, 0, 2", { size: 2 }, [0, 12], 2],
  ["0, 2, -2", { size: 2, adjustment: -2 }, [0, 14], 0],
  ["2, 3", { offset: 2, size: 3 }, [0xca, 0xfe, 0, 0, 12], 0],
  ["0, 3, 2", { size: 3, adjustment: 2 }, [0, 0, 12, 0xca, 0xfe], 0],
  ["1, 2, 1, 3", { offset: 1, size: 2, adjustment: 1 }, [0xca, 0, 12, 0xfe], 3],
  ["1, 2, -3, 3", { offset: 1, size: 2, adjustment: -3 }, [0xca, 0, 16, 0xfe], 3],
];
for (const [constructor, options, header, strip] of NETTY) {
  test(`length field: Netty's example (${constructor})`, () => {
    const hello = new TextEncoder().encode("HELLO, WORLD");
    const frame = Uint8Array.of(...header, ...hello);
    for (const max of [frame.length, frame.length - 1]) {
      const run = record(lengthField({ ...options, max })).push(...bytewise(Uint8Array.of(...frame, ...frame)));
      const stripped = run.messages.map((message) => message.subarray(strip));
      const codes = run.errors.map((error) => error.code);
      const fits = max === frame.length;
      assertEquals([stripped, codes], fits ? [[frame.subarray(strip), frame.subarray(strip)], []] : [[], ["EMSGSIZE"]]);
    }
    // the discarding mode: what is too long is swallowed, and the next one comes
    const big = frame.slice();
    const at = (options.offset ?? 0) + options.size - 1;
    big[at]! += 1;
    const run = record(lengthField(options), { maxMessageLength: frame.length, oversize: "discard" });
    run.push(...bytewise(Uint8Array.of(...big, 0x21, ...frame))).end();
    assertEquals([run.messages, run.errors, run.engine.stats.discarded], [[frame], [], 1]);
  });
}

test("length field: a total below the header is EPROTO", () => {
  for (const value of [0, 3]) {
    const failure = parse({ size: 4, includesHeader: true }, [0, 0, 0, value]) as ParseFailure;
    assertEquals(failure.code, "EPROTO");
    assertEquals(failure.reason, `length field makes a message of ${value} bytes, its header alone has 4`);
  }
  assertEquals((parse({ size: 1, adjustment: -5 }, [2]) as ParseFailure).code, "EPROTO");
});
test("length field: beyond 2^53 is EMSGSIZE", () => {
  assertEquals((parse({ size: 8 }, [0, 0x20, 0, 0, 0, 0, 0, 0]) as ParseFailure).code, "EMSGSIZE");
  assertEquals((parse({ size: 8 }, [255, 255, 255, 255, 255, 255, 255, 255]) as ParseFailure).code, "EMSGSIZE");
  // the field fits, the total does not
  assertEquals((parse({ size: 8 }, [0, 0x1f, 255, 255, 255, 255, 255, 255]) as ParseFailure).code, "EMSGSIZE");
});
test("length prefix is a length field at offset 0", () => {
  const parser = lengthPrefix(2, { littleEndian: true, includesHeader: true, max: 500 });
  assertEquals(parser.parse(Uint8Array.of(9, 1), 0, 2, undefined), 265);
  assertEquals([parser.maxMessageLength, parser.name], [500, "length:2,le"]);
});
test("length field: wrong options", () => {
  assertThrows(() => lengthPrefix(5 as 4), RangeError, "size");
  assertThrows(() => lengthPrefix("4" as unknown as 4), RangeError, "size must be 1, 2, 3, 4 or 8, got string 4");
  assertThrows(() => lengthField({ size: 4, offset: -1 }), RangeError, "offset");
  assertThrows(() => lengthField({ size: 4, offset: Infinity }), RangeError, "offset");
  assertThrows(() => lengthField({ size: 4, adjustment: 0.5 }), RangeError, "adjustment");
  assertThrows(() => lengthField({ size: 4, max: 0 }), RangeError, "max");
});
