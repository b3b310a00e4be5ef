/** Golden bytes of every type, both ways, and what is refused. */
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import * as xdr from "../../src/xdr/mod.ts";

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/[0-9a-f]{2}/g) ?? [], (byte) => parseInt(byte, 16));

const color = xdr.enumeration({ RED: 2, YELLOW: 3, BLUE: 5 });

const golden: [what: string, type: xdr.XdrType<unknown>, value: unknown, bytes: string][] = [
  ["int", xdr.int, -2147483648, "80000000"],
  ["int", xdr.int, 2147483647, "7fffffff"],
  ["unsigned int", xdr.uint, 4294967295, "ffffffff"],
  ["hyper", xdr.hyper, -2n, "fffffffffffffffe"],
  ["unsigned hyper", xdr.uhyper, 2n ** 64n - 1n, "ffffffffffffffff"],
  ["unsigned hyper", xdr.uhyper, 0x0102030405060708n, "0102030405060708"],
  ["float", xdr.float, 1.5, "3fc00000"],
  ["float", xdr.float, NaN, "7fc00000"],
  ["double", xdr.double, -0, "8000000000000000"],
  ["double", xdr.double, Math.PI, "400921fb54442d18"],
  ["bool", xdr.bool, true, "00000001"],
  ["enum", color, "BLUE", "00000005"],
  ["void", xdr.nothing, undefined, ""],
  ["opaque[4]", xdr.fixedOpaque(4), hex("01020304"), "01020304"],
  ["opaque[0]", xdr.fixedOpaque(0), hex(""), ""],
  ["opaque<>", xdr.opaque(Infinity), hex("0102030405"), "00000005 01020304 05000000"],
  ["string", xdr.string(9), "sillyprog", "00000009 73696c6c 7970726f 67000000"],
  ["array[]", xdr.fixedArray(xdr.string(3), 2), ["a", ""], "00000001 61000000 00000000"],
  ["array<>", xdr.array(xdr.int, 3), [1, -1], "00000002 00000001 ffffffff"],
  ["optional", xdr.optional(xdr.int), undefined, "00000000"],
  ["optional", xdr.optional(xdr.int), 3, "00000001 00000003"],
  ["list", xdr.list(xdr.string(4), 2), ["x", "y"], "00000001 00000001 78000000 00000001 00000001 79000000 00000000"],
  [
    "union of bool",
    xdr.union(xdr.bool, { true: xdr.int, false: xdr.nothing }),
    { tag: true, value: 4 },
    "00000001 00000004",
  ],
  ["union of int", xdr.union(xdr.int, { 0: xdr.nothing, 7: xdr.int }), { tag: 0, value: undefined }, "00000000"],
  [
    // the example of RFC 4506, section 7
    "file",
    xdr.struct({
      filename: xdr.string(255),
      type: xdr.union(xdr.enumeration({ TEXT: 0, DATA: 1, EXEC: 2 }), {
        TEXT: xdr.nothing,
        DATA: xdr.string(255),
        EXEC: xdr.string(255),
      }),
      owner: xdr.string(32),
      data: xdr.opaque(65535),
    }),
    {
      filename: "sillyprog",
      type: { tag: "EXEC", value: "lisp" },
      owner: "john",
      data: new TextEncoder().encode("(quit)"),
    },
    "00000009 73696c6c 7970726f 67000000 00000002 00000004 6c697370 00000004 6a6f686e 00000006 28717569 74290000",
  ],
];

for (const [what, type, value, text] of golden) {
  test(`golden ${what} ${text.slice(0, 20)}: encodes to its bytes and decodes from them`, () => {
    assertEquals(xdr.encodeXdr(type, value), hex(text));
    assertEquals(xdr.decodeXdr(type, hex(text)), value);
  });

  test(`golden ${what} ${text.slice(0, 20)}: cut anywhere it is ETRUNCATED, with more behind it EPROTO`, () => {
    const bytes = hex(text);
    for (let length = 0; length < bytes.length; length++) {
      const error = assertThrows(() => xdr.decodeXdr(type, bytes.subarray(0, length)), xdr.XdrError);
      assertEquals([error.code, error.blame, error.layer], ["ETRUNCATED", "remote", "xdr"]);
    }
    const longer = Uint8Array.of(...bytes, 0);
    const error = assertThrows(() => xdr.decodeXdr(type, longer), xdr.XdrError);
    assertEquals([error.code, error.offset], ["EPROTO", bytes.length]);
  });
}

test("bool decodes any number but 0 to true", () => {
  assertEquals(xdr.decodeXdr(xdr.bool, hex("00000100")), true);
});

test("padding may be anything when decoded, and is zero when encoded", () => {
  assertEquals(xdr.decodeXdr(xdr.opaque(4), hex("00000001 09ffffff")), hex("09"));
  assertEquals(xdr.encodeXdr(xdr.opaque(4), hex("09")), hex("00000001 09000000"));
});

test("opaque data decode to a view, also of a view that is not aligned", () => {
  const buffer = hex("ff 00000002 0102 0000");
  const value = xdr.decodeXdr(xdr.opaque(2), buffer.subarray(1));
  assertEquals([value.buffer === buffer.buffer, [...value]], [true, [1, 2]]);
});

const refused: [what: string, type: xdr.XdrType<unknown>, value: unknown, error: typeof Error][] = [
  ["int above its range", xdr.int, 2147483648, RangeError],
  ["int with a fraction", xdr.int, 1.5, RangeError],
  ["int that is text", xdr.int, "1", RangeError],
  ["unsigned int below 0", xdr.uint, -1, RangeError],
  ["hyper that is a number", xdr.hyper, 1, TypeError],
  ["hyper above its range", xdr.hyper, 2n ** 63n, RangeError],
  ["unsigned hyper below 0", xdr.uhyper, -1n, RangeError],
  ["float that is text", xdr.float, "1", TypeError],
  ["bool that is a number", xdr.bool, 1, TypeError],
  ["enum without such a name", color, "GREEN", RangeError],
  ["enum named like a member of every object", color, "constructor", RangeError],
  ["opaque[2] of three", xdr.fixedOpaque(2), hex("010203"), RangeError],
  ["opaque that is an array", xdr.opaque(2), [1], TypeError],
  ["opaque<2> of three", xdr.opaque(2), hex("010203"), RangeError],
  ["string<2> of three bytes in two characters", xdr.string(2), "é!", RangeError],
  ["string with half a surrogate pair", xdr.string(9), "\ud800", RangeError],
  ["string that is a number", xdr.string(2), 7, TypeError],
  ["array<1> of two", xdr.array(xdr.int, 1), [1, 2], RangeError],
  ["array[1] of two", xdr.fixedArray(xdr.int, 1), [1, 2], RangeError],
  ["array that is none", xdr.array(xdr.int, 1), 1, TypeError],
  ["list of more than its bound", xdr.list(xdr.int, 1), [1, 2], RangeError],
  ["struct that is null", xdr.struct({ a: xdr.int }), null, TypeError],
  ["struct without a field", xdr.struct({ a: xdr.int }), {}, RangeError],
  ["union without such an arm", xdr.union(xdr.int, { 1: xdr.int }), { tag: 2, value: 1 }, RangeError],
  ["union that is a number", xdr.union(xdr.int, { 1: xdr.int }), 1, TypeError],
];

for (const [what, type, value, error] of refused) {
  test(`refused: ${what}`, () => {
    assertThrows(() => xdr.encodeXdr(type, value), error);
  });
}

const broken: [what: string, type: xdr.XdrType<unknown>, bytes: string, code: string, offset: number][] = [
  ["an enumeration's number without a name", color, "00000004", "EPROTO", 0],
  ["a union's number without an arm", xdr.union(xdr.int, { 1: xdr.int }), "00000002 00000000", "EPROTO", 0],
  ["text that is not UTF-8", xdr.string(4), "00000002 c3280000", "EPROTO", 4],
  ["opaque<4> of five", xdr.opaque(4), "00000005 01020304 05000000", "EMSGSIZE", 0],
  ["array<1> of two", xdr.array(xdr.int, 1), "00000002 00000001 00000001", "EMSGSIZE", 0],
  ["list of more than its bound", xdr.list(xdr.int, 1), "00000001 00000001 00000001 00000002 00000000", "EMSGSIZE", 8],
  ["a count of what can't be there", xdr.array(xdr.hyper, Infinity), "ffffffff 00000000", "ETRUNCATED", 4],
  ["a length of what can't be there", xdr.opaque(Infinity), "ffffffff 00000000", "ETRUNCATED", 4],
];

for (const [what, type, text, code, offset] of broken) {
  test(`broken: ${what} is ${code}`, () => {
    const error = assertThrows(() => xdr.decodeXdr(type, hex(text)), xdr.XdrError);
    assertEquals([error.code, error.offset], [code, offset]);
  });
}

test("a wrong type is refused when it is made", () => {
  assertThrows(() => xdr.enumeration({ A: 1, B: 1 }), RangeError, "A");
  assertThrows(() => xdr.enumeration({ A: 2 ** 31 }), RangeError);
  assertThrows(() => xdr.opaque(-1), RangeError);
  assertThrows(() => xdr.fixedOpaque("4" as unknown as number), TypeError);
  assertThrows(() => xdr.array(xdr.nothing, 9), RangeError, "no bytes");
  assertThrows(() => xdr.xdrParser(xdr.nothing), RangeError);
});

interface Tree {
  id: number;
  children: Tree[];
}
const tree: xdr.XdrType<Tree> = xdr.struct({ id: xdr.int, children: xdr.array(xdr.lazy(() => tree, 8), 4) });

function nested(depth: number): Tree {
  let value: Tree = { id: 0, children: [] };
  for (let id = 1; id <= depth; id++) value = { id, children: [value] };
  return value;
}

test("maxDepth: values nested in their own type, both ways", () => {
  const deep = xdr.encodeXdr(tree, nested(100));
  assertEquals(xdr.decodeXdr(tree, deep), nested(100));
  assertThrows(() => xdr.encodeXdr(tree, nested(101)), RangeError, "maxDepth 100");
  const error = assertThrows(() => tree.decode(new xdr.XdrReader(deep, { maxDepth: 99 })), xdr.XdrError);
  assertEquals(error.code, "EMSGSIZE");
  const writer = new xdr.XdrWriter({ maxDepth: 101 });
  tree.encode(writer, nested(101));
  assertEquals(writer.length, deep.length + 8);
});

test("maxBytes: a writer refuses more, and keeps what it has", () => {
  const writer = new xdr.XdrWriter({ maxBytes: 8 });
  xdr.int.encode(writer, 1);
  assertThrows(() => xdr.opaque(8).encode(writer, hex("0102")), RangeError, "maxBytes 8");
  assertEquals(writer.length, 8);
});
