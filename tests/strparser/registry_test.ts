import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { parserByName, parserTable } from "../../src/strparser/parsers/mod.ts";

const lengthOf = (spec: string, ...bytes: number[]) =>
  parserByName(spec).parse(Uint8Array.from(bytes), 0, bytes.length, undefined);

test("the parsers of protocols by their names", () => {
  const names = parserTable.map((entry) => entry.name).filter((name) => /^[a-z0-9]+$/.test(name));
  for (const name of ["dns", "http2", "postgres", "resp", "tls", "cobs", "lines", "ndjson"]) {
    assertEquals(parserByName(name).name, name);
    assertEquals(names.includes(name), true);
  }
  // what an error calls it can be asked for too
  for (const { name } of names.map(parserByName)) assertEquals(parserByName(name).name, name);
});
test("short names of length prefixes", () => {
  assertEquals(lengthOf("len8", 9), 10);
  assertEquals(lengthOf("len16", 1, 2), 260);
  assertEquals(lengthOf("len16be", 1, 2), 260);
  assertEquals(lengthOf("len16le", 1, 2), 515);
  assertEquals(lengthOf("len24", 0, 1, 0), 259);
  assertEquals(lengthOf("len32", 0, 0, 1, 0), 260);
  assertEquals(lengthOf("len32le", 0, 1, 0, 0), 260);
  assertEquals(lengthOf("len64le", 1, 0, 0, 0, 0, 0, 0, 0), 9);
  assertEquals(lengthOf("len32,incl", 0, 0, 1, 0), 256);
  assertEquals(parserByName("len32,incl").name, "len32,incl");
});
test("length fields with options", () => {
  assertEquals(lengthOf("length:4", 0, 0, 0, 9), 13);
  assertEquals(lengthOf("length:4,le,incl", 9, 0, 0, 0), 9);
  assertEquals(lengthOf("length:4,be", 0, 0, 0, 9), 13);
  assertEquals(lengthOf("length:2, offset=1, adjustment=-3", 0xff, 0, 9), 9);
  assertEquals(parserByName("length:2,max=100").maxMessageLength, 100);
});
test("what is unknown is refused with what there is", () => {
  const wrong: [spec: string, message: string][] = [
    ["", 'no parser is named ""; there are amqp091, amqp10, ber, bgp, bitcoin'],
    ["smtp", "no parser is named"],
    ["len12", "no parser is named"],
    ["toString", "no parser is named"],
    ["dns,le", "no parser is named"],
    ["length:5", "length field of 5 bytes; there are 1, 2, 3, 4, 8"],
    ["length:", "length field of  bytes"],
    ["len32,middle", 'no option of a length field is "middle"; there are le, be, incl, offset=N, adjustment=N, max=N'],
    ["len32,offset", "no option"],
    ["len32,offset=x", "no option"],
    ["len32,offset=1=2", "no option"],
    ["len32,constructor", "no option"],
    ["len32,offset=-1", "offset must be at least 0"],
    ["len32,max=0", "max must be at least 1"],
  ];
  for (const [spec, message] of wrong) assertThrows(() => parserByName(spec), RangeError, message);
});
