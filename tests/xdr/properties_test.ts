/** Any type, any value: both ways, against another implementation, and as a parser of streams in any pieces. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import peer from "js-xdr";
import { test } from "node:test";
import { concat } from "../../src/bytes/mod.ts";
import { splitRandomly, splits } from "../../src/sim/mod.ts";
import * as xdr from "../../src/xdr/mod.ts";
import { record } from "../strparser/support.ts";
import { samples } from "./values.ts";

const runs = Math.max(1, Math.floor(Number(process.env["LEAT_FUZZ_INPUTS"] ?? 20_000) / 20));

const withValue = samples(3).chain(({ type, values }) =>
  fc.tuple(fc.constant(type), fc.array(values, { minLength: 1, maxLength: 3 }))
);

test("property: a value decodes from its own bytes", () => {
  fc.assert(
    fc.property(withValue, ([type, [value]]) => {
      const bytes = xdr.encodeXdr(type, value);
      assertEquals(bytes.length % 4, 0);
      assert(bytes.length >= type.minBytes && bytes.length === (type.fixedBytes ?? bytes.length));
      assertEquals(xdr.decodeXdr(type, bytes), value);
    }),
    { numRuns: runs },
  );
});

test("property: a stream of values is cut where they end, whole and in pieces, with each byte looked at once", () => {
  let next = 5;
  const seed = () => next++;
  fc.assert(
    fc.property(withValue, ([type, values]) => {
      const each = values.map((value) => xdr.encodeXdr(type, value));
      const stream = concat(each);
      for (const chunks of [[stream], splitRandomly(stream, seed())]) {
        const run = record(xdr.xdrParser(type)).push(...chunks).end();
        assertEquals(run.errors, []);
        assertEquals(run.messages, each);
      }
    }),
    { numRuns: runs },
  );
});

test("property: damaged bytes throw nothing but XdrError, and a parser's verdict does not depend on the pieces", () => {
  let next = 6;
  const seed = () => next++;
  fc.assert(
    fc.property(withValue, fc.nat(), fc.nat(255), ([type, [value]], at, byte) => {
      const bytes = xdr.encodeXdr(type, value);
      bytes[at % bytes.length] = byte;
      try {
        xdr.decodeXdr(type, bytes);
      } catch (error) {
        assert(error instanceof xdr.XdrError, String(error));
      }
      const whole = record(xdr.xdrParser(type), { maxMessageLength: 4096 }).push(bytes).end();
      const pieces = record(xdr.xdrParser(type), { maxMessageLength: 4096 }).push(...splitRandomly(bytes, seed()))
        .end();
      assertEquals(pieces.messages, whole.messages);
      assertEquals(pieces.errors.map((error) => error.code), whole.errors.map((error) => error.code));
    }),
    { numRuns: runs },
  );
});

const file = xdr.struct({
  name: xdr.string(255),
  kind: xdr.union(xdr.enumeration({ TEXT: 0, DATA: 1 }), { TEXT: xdr.nothing, DATA: xdr.string(255) }),
  sizes: xdr.array(xdr.uhyper, 4),
});

for (
  const split of splits(concat([
    xdr.encodeXdr(file, { name: "a", kind: { tag: "DATA", value: "bcd" }, sizes: [1n, 2n] }),
    xdr.encodeXdr(file, { name: "", kind: { tag: "TEXT", value: undefined }, sizes: [] }),
  ]))
) {
  test(`split matrix: ${split.name}`, () => {
    const run = record(xdr.xdrParser(file)).push(...split.chunks).end();
    assertEquals(run.messages.map((message) => xdr.decodeXdr(file, message).kind.tag), ["DATA", "TEXT"]);
  });
}

test("what a parser refuses: a count above the bound, a union without an arm, a list too long", () => {
  const code = (type: xdr.XdrType<unknown>, ...words: number[]): string | undefined => {
    const bytes = xdr.encodeXdr(xdr.fixedArray(xdr.int, words.length), words);
    return record(xdr.xdrParser(type)).push(...Array.from(bytes, (byte) => Uint8Array.of(byte))).errors[0]?.code;
  };
  assertEquals(code(xdr.array(xdr.int, 2), 3), "EMSGSIZE");
  assertEquals(code(xdr.opaque(2), 3), "EMSGSIZE");
  assertEquals(code(xdr.list(xdr.int, 1), 1, 9, 1), "EMSGSIZE");
  assertEquals(code(xdr.union(xdr.int, { 1: xdr.int }), 2), "EPROTO");
  assertEquals(code(xdr.union(xdr.enumeration({ A: 1 }), { A: xdr.int }), 2), "EPROTO");
});

test("a type that contains itself without end is refused by the parser, not followed", () => {
  const endless: xdr.XdrType<unknown> = xdr.lazy(() => endless);
  const wide: xdr.XdrType<unknown> = xdr.struct({ a: xdr.lazy(() => wide), b: xdr.int });
  for (const type of [endless, wide]) {
    assertEquals(record(xdr.xdrParser(type)).push(new Uint8Array(8)).errors[0]?.code, "EMSGSIZE");
  }
});

test("a list of a hundred thousand elements byte by byte takes no stack and no second look", () => {
  const type = xdr.list(xdr.opaque(4), Infinity);
  const bytes = xdr.encodeXdr(type, Array.from({ length: 100_000 }, () => Uint8Array.of(1)));
  const run = record(xdr.xdrParser(type), { maxMessageLength: Infinity });
  for (let at = 0; at < bytes.length; at += 7) run.push(bytes.subarray(at, at + 7));
  assertEquals(run.end().lengths(), [bytes.length]);
});

test("another implementation writes the same bytes, and reads ours", () => {
  const theirs = peer.config((types) => {
    types.enum("Kind", { text: 0, data: 1 });
    types.union("Content", {
      switchOn: types.lookup("Kind"),
      switchName: "kind",
      switches: [["text", types.void()], ["data", "note"]],
      arms: { note: types.string(32) },
    });
    types.struct("Entry", [
      ["id", types.int()],
      ["size", types.uhyper()],
      ["isOld", types.bool()],
      ["rate", types.double()],
      ["tag", types.opaque(3)],
      ["body", types.varOpaque(16)],
      ["names", types.varArray(types.string(8), 4)],
      ["parent", types.option(types.uint())],
      ["content", types.lookup("Content")],
    ]);
  });
  const Entry = theirs["Entry"]!;
  const ours = xdr.struct({
    id: xdr.int,
    size: xdr.uhyper,
    isOld: xdr.bool,
    rate: xdr.double,
    tag: xdr.fixedOpaque(3),
    body: xdr.opaque(16),
    names: xdr.array(xdr.string(8), 4),
    parent: xdr.optional(xdr.uint),
    content: xdr.union(xdr.enumeration({ text: 0, data: 1 }), { text: xdr.nothing, data: xdr.string(32) }),
  });
  const values = fc.record({
    id: fc.integer(),
    size: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    isOld: fc.boolean(),
    rate: fc.double({ noNaN: true }),
    tag: fc.uint8Array({ minLength: 3, maxLength: 3 }),
    body: fc.uint8Array({ maxLength: 16 }),
    names: fc.array(fc.string({ maxLength: 8 }), { maxLength: 4 }),
    parent: fc.option(fc.integer({ min: 0, max: 0xffffffff }), { nil: undefined }),
    content: fc.oneof(
      fc.constant({ tag: "text" as const, value: undefined }),
      fc.string({ maxLength: 32 }).map((value) => ({ tag: "data" as const, value })),
    ),
  });
  fc.assert(
    fc.property(values, (value) => {
      const { content, size, ...rest } = value;
      const Content = theirs["Content"]!;
      const entry = new Entry({
        ...rest,
        size: new peer.UnsignedHyper(size),
        tag: Buffer.from(value.tag),
        body: Buffer.from(value.body),
        content: content.tag === "text" ? Content["text"]!() : Content["data"]!(content.value),
      });
      const bytes = Uint8Array.from(entry.toXDR());
      assertEquals(xdr.encodeXdr(ours, value), bytes);
      assertEquals(xdr.decodeXdr(ours, bytes), value);
    }),
    { numRuns: 300 },
  );
});
