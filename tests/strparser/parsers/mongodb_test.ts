/** MongoDB: a recording, old and compressed messages, what is refused. */
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { mongodb, mongodbEncoder } from "../../../src/strparser/parsers/mongodb.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join } from "../support.ts";
import { mongodbGoldens } from "./golden/mongodb.ts";

checkGoldens([
  ...mongodbGoldens,
  golden("a compressed message and a kill of cursors", mongodb, "client", [27, 32], [
    "1b000000 01000000 00000000 dc070000 dd070000 02000000 00 abab",
    "20000000 02000000 00000000 d7070000 00000000 01000000 0102030405060708",
  ]),
]);

test("mongodb: what is none is refused", () => {
  const refused: [bytes: string, outcome: string][] = [
    ["0f000000", "EPROTO 0 mongodb: message of 15 bytes is shorter than its header"],
    ["ffffffff", "EPROTO 0 mongodb: length is negative"],
    ["016cdc02", "EMSGSIZE 0 mongodb: message of 48000001 bytes exceeds maxMessageBytes 48000000"],
    ["47455420", "EMSGSIZE 0 mongodb: message of 542393671 bytes exceeds maxMessageBytes 48000000 (looks like HTTP)"],
    ["160301aa", "EPROTO 0 mongodb: length is negative (looks like TLS)"],
    ["10000000 01000000 00000000 ff070000", "EPROTO 0 mongodb: opcode 2047 is unknown"],
  ];
  for (const [bytes, error] of refused) assertEquals(outcome(mongodb, hex(bytes)), [error]);
});
test("mongodb: maxMessageBytes", () => {
  const make = () => mongodb({ maxMessageBytes: 16 });
  assertEquals(outcome(make, hex("10000000 01000000 00000000 dd070000")), [16]);
  assertEquals(outcome(make, hex("11000000")), ["EMSGSIZE 0 mongodb: message of 17 bytes exceeds maxMessageBytes 16"]);
  assertThrows(() => mongodb({ maxMessageBytes: 15 }), RangeError, "maxMessageBytes");
});
test("mongodb: the encoder", () => {
  const encoder = mongodbEncoder({ maxMessageBytes: 20 });
  const rest = (length: number, opcode: string) => {
    const bytes = new Uint8Array(length);
    bytes.set(hex(opcode), 8);
    return bytes;
  };
  for (const length of [12, 16]) {
    assertEquals(outcome(mongodb, join(...encoder.encode(rest(length, "dd070000")))), [length + 4]);
  }
  assertThrows(() => encoder.encode(new Uint8Array(11)), Error, "shorter than the header");
  assertThrows(() => encoder.encode(rest(17, "dd070000")), Error, "at most 16");
  assertThrows(() => encoder.encode(rest(12, "ff070000")), Error, "unknown opcode");
});
