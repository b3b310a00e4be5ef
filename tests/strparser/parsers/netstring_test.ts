import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { netstring } from "../../../src/strparser/parsers/mod.ts";
import { record } from "../support.ts";
import { ascii, checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/netstring.ts";

const DOCUMENT = "31323a68656c6c6f20776f726c64212c 303a2c 333a2c2c2c2c";

checkGoldens([
  ...goldens,
  golden("netstring: the document's, and commas", () => netstring(), "client", [16, 3, 6], DOCUMENT),
  golden("netstring: end not checked", () => netstring({ checksEnd: false }), "client", [16, 3, 6], DOCUMENT),
]);

test("netstring: what is refused", () => {
  const refused: [string, string][] = [
    ["x", "EPROTO 0 netstring: string has no valid length: it begins with 0x78 (looks like text)"],
    [":", "EPROTO 0 netstring: string has no valid length: it begins with 0x3a (looks like text)"],
    ["01:a,", "EPROTO 0 netstring: string has no valid length: it begins with 0x30, which is a zero in front"],
    ["00:,", "EPROTO 0 netstring: string has no valid length: it begins with 0x30, which is a zero in front"],
    ["3;abc,", "EPROTO 0 netstring: length is followed by 0x3b"],
    ["-1:,", "EPROTO 0 netstring: string has no valid length: it begins with 0x2d (looks like text)"],
    ["3:abcd", "EPROTO 0 netstring: string is followed by 0x64, not a comma"],
    ["1048577:", "EMSGSIZE 0 netstring: string of 1048577 bytes exceeds maxPayloadBytes 1048576"],
    ["10000000", "EMSGSIZE 0 netstring: string with a length of over 7 digits exceeds maxPayloadBytes 1048576"],
  ];
  for (const [bytes, error] of refused) assertEquals(outcome(() => netstring(), ascii(bytes)), [error]);
});
test("netstring: without a check of the end the length is told with the colon", () => {
  assertEquals(netstring({ checksEnd: false }).parse(ascii("300:"), 0, 4, undefined), 305);
  assertEquals(netstring().parse(ascii("300:"), 0, 4, undefined), -305);
  assertEquals(outcome(() => netstring({ checksEnd: false }), ascii("1:ab0:,")), [4, 3]);
});
test("netstring: maxPayloadBytes", () => {
  const small = () => netstring({ maxPayloadBytes: 3 });
  assertEquals(outcome(small, ascii("3:abc,4:")), [
    6,
    "EMSGSIZE 6 netstring: string of 4 bytes exceeds maxPayloadBytes 3",
  ]);
  assertEquals(outcome(() => netstring({ maxPayloadBytes: 0 }), ascii("0:,1")), [3]);
  const run = record(netstring({ maxPayloadBytes: Infinity }), { maxMessageLength: Infinity });
  assertEquals(run.push(ascii("999999999999999:")).errors, []);
  assertThrows(() => netstring({ maxPayloadBytes: -1 }), RangeError, "maxPayloadBytes");
  assertEquals(outcome(() => netstring(), hex("16030100")).length, 1);
});
