/** Real bytes through each parser, cut in every way. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { type Golden, goldens, grantedTls, parserFor } from "./golden.ts";
import { parserByName } from "../../src/strparser/parsers/mod.ts";
import { bytewise, chaos, cut, join, record, seeded } from "./support.ts";

function check(golden: Golden, chunks: Uint8Array[], direction: Golden["direction"] | undefined): void {
  const run = record(parserFor(golden), { direction }).push(...chunks).end();
  assertEquals(run.errors, []);
  assertEquals(run.lengths(), golden.lengths);
  assertEquals(run.ends, 1);
  assertEquals(run.returned.reduce((a, b) => a + b, 0), golden.bytes.length);
  assertEquals(join(...run.messages), golden.bytes);
}

for (const golden of goldens) {
  const { name, direction, bytes } = golden;
  test(`${name}: whole and byte by byte`, () => {
    check(golden, [bytes], direction);
    check(golden, bytewise(bytes), direction);
  });
  test(`${name}: every split point`, () => {
    for (let i = 1; i < bytes.length; i++) check(golden, cut(bytes, i), direction);
  });
  test(`${name}: seeded chaos, empty chunks and odd views`, () => {
    const random = seeded(bytes.length);
    for (let i = 0; i < 60; i++) {
      const odd = new Uint8Array(bytes.length + 7).fill(0xee).subarray(1 + i % 5);
      odd.set(bytes);
      check(golden, chaos(odd.subarray(0, bytes.length), random, 1 + i), direction);
    }
  });
  test(`${name}: with the direction unknown`, () => {
    check(golden, [bytes], undefined);
    check(golden, bytewise(bytes), undefined);
  });
  test(`${name}: every cut is a clean end between messages and ETRUNCATED inside one`, () => {
    const borders = new Set(golden.lengths.reduce<number[]>((sums, n) => [...sums, sums.at(-1)! + n], [0]));
    for (let i = 0; i < bytes.length; i++) {
      const run = record(parserFor(golden), { direction }).push(bytes.subarray(0, i)).end();
      assertEquals(run.errors.map((error) => error.code), borders.has(i) ? [] : ["ETRUNCATED"]);
    }
  });
}

test("postgres: a granted request for TLS ends delineation with that reason", () => {
  for (const direction of ["client", "server"] as const) {
    for (const chunks of [[grantedTls[direction]], bytewise(grantedTls[direction])]) {
      const run = record(parserByName("postgres"), { direction }).push(...chunks);
      assertEquals(run.lengths(), [direction === "client" ? 8 : 1]);
      assertEquals([run.errors.length, run.errors[0]!.code, run.errors[0]!.offset], [
        1,
        "EPROTO",
        run.messages[0]!.length,
      ]);
      const reason = "postgres: TLS after SSLRequest; the rest of this connection is encrypted";
      assertEquals(run.errors[0]!.message, reason);
    }
  }
});
