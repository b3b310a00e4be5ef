/** IEC 60870-5-104: frames of scapy, and some made by hand after the standard. */
import { join } from "../support.ts";
import { iec104, iec104Encoder } from "../../../src/strparser/parsers/iec104.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/iec104.ts";

checkGoldens([
  ...goldens,
  golden("a controlling station starts, interrogates, confirms, tests and stops", iec104, "client", [6, 16, 6, 6, 6], [
    "680407000000",
    "680e00000000640106000100000000 14",
    "680401000400",
    "680443000000",
    "680413000000",
  ]),
  golden("a controlled station answers with points and the longest frame", iec104, "server", [6, 16, 17, 255, 6], [
    "68040b000000",
    "680e0000020064010700010000000014",
    "680f020002000101140001000100000100",
    `68fd040002000d1f14000100 ${"00".repeat(243)}`,
    "680483000000",
  ]),
]);

test("iec104: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["16", "start byte 0x16 instead of 0x68 (looks like TLS)"],
    ["47", "start byte 0x47 instead of 0x68 (looks like text)"],
    ["0300", "start byte 0x03 instead of 0x68"],
    ["6803", "length 3 is not within 4 to 253"],
    ["68fe", "length 254 is not within 4 to 253"],
    ["680400000000", "I format of length 4 has no ASDU"],
    ["680507000000", "control byte 0x07 with length 5 instead of 4"],
    ["6804ff000000", "control byte 0xff is of no format"],
    ["680405000000", "control byte 0x05 is of no format"],
    ["680401010000", "S format with bits where zeros belong"],
    ["680407000100", "U format with bits where zeros belong"],
  ];
  for (const [bytes, reason] of refused) assertEquals(outcome(iec104, hex(bytes)), [`EPROTO 0 iec104: ${reason}`]);
});
test("iec104: the encoder", () => {
  const encode = (payload: string) => join(...iec104Encoder().encode(hex(payload)));
  assertEquals(encode("07000000"), hex("680407000000"));
  assertEquals(outcome(iec104, encode(`00000000${"01".repeat(249)}`)), [255]);
  assertThrows(() => encode("00".repeat(254)), Error, "at most 253");
  assertThrows(() => encode("070000"), Error, "control field");
  assertThrows(() => encode("0700000000"), Error, "length 5");
});
