import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { syslog } from "../../../src/strparser/parsers/mod.ts";
import { ascii, checkGoldens, outcome } from "./check.ts";
import { goldens } from "./golden/syslog.ts";

checkGoldens(goldens);

test("syslog: what is refused", () => {
  const refused: [string, string][] = [
    ["x", "message begins with 0x78, not a count or < (looks like text)"],
    ["0 ", "message begins with 0x30, not a count or < (looks like text)"],
    ["\n<1>a\n", "message begins with 0x0a, not a count or < (looks like text)"],
    ["\x16\x03", "message begins with 0x16, not a count or < (looks like TLS)"],
    ["12<", "count is followed by 0x3c, not a space"],
    ["12  ", "count is followed by 0x20, not <"],
  ];
  for (const [bytes, reason] of refused) {
    assertEquals(outcome(() => syslog(), ascii(bytes)), [`EPROTO 0 syslog: ${reason}`]);
  }
});
test("syslog: both framings on one connection, or one only", () => {
  const both = ascii("5 <1>ab4 <1>\n<1>\n3 <1><1>b\n");
  assertEquals(outcome(() => syslog(), both), [7, 6, 4, 5, 5]);
  assertEquals(outcome(() => syslog({ framing: "counted" }), both.subarray(13)), [
    "EPROTO 0 syslog: message begins with 0x3c, not a count (looks like text)",
  ]);
  assertEquals(outcome(() => syslog({ framing: "newline" }), both.subarray(13)), [
    4,
    "EPROTO 4 syslog: message begins with 0x33, not < (looks like text)",
  ]);
  assertThrows(() => syslog({ framing: "octets" as "counted" }), RangeError, "framing");
});
test("syslog: maxPayloadBytes", () => {
  const small = () => syslog({ maxPayloadBytes: 10 });
  assertEquals(outcome(small, ascii("10 <1>4567890<1>4567890\n11 ")), [
    13,
    11,
    "EMSGSIZE 24 syslog: message of 11 bytes exceeds maxPayloadBytes 10",
  ]);
  assertEquals(outcome(small, ascii("100 ")), [
    "EMSGSIZE 0 syslog: message with a count of over 2 digits exceeds maxPayloadBytes 10",
  ]);
  assertEquals(outcome(small, ascii("<1>45678901\n")), ["EMSGSIZE 0 syslog: line exceeds maxPayloadBytes 10"]);
});
