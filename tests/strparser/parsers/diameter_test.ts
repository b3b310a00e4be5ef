/** Diameter: recordings, what is refused, limits. */
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { diameter, diameterEncoder } from "../../../src/strparser/parsers/diameter.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join } from "../support.ts";
import { diameterGoldens } from "./golden/diameter.ts";

checkGoldens([
  ...diameterGoldens,
  golden("a watchdog request with one AVP", diameter, "client", [32], [
    "01000020 80000118 00000000 00000001 00000002 00000116 4000000c 00000001",
  ]),
]);

test("diameter: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["00", "version 0x00 is unknown"],
    ["16", "version 0x16 is unknown (looks like TLS)"],
    ["47", "version 0x47 is unknown (looks like text)"],
    ["01000010", "message of 16 bytes is shorter than its header"],
    ["01000015", "message of 21 bytes, not a multiple of 4"],
    ["01ffffff", "message of 16777215 bytes, not a multiple of 4"],
  ];
  for (const [bytes, reason] of refused) assertEquals(outcome(diameter, hex(bytes)), [`EPROTO 0 diameter: ${reason}`]);
  assertEquals(diameter().parse(hex("01fffffc"), 0, 4, undefined), 0xfffffc);
});
test("diameter: maxMessageBytes", () => {
  const make = () => diameter({ maxMessageBytes: 20 });
  assertEquals(outcome(make, join(hex("01000014"), new Uint8Array(16))), [20]);
  assertEquals(outcome(make, hex("01000018")), ["EMSGSIZE 0 diameter: message of 24 bytes exceeds maxMessageBytes 20"]);
  assertThrows(() => diameter({ maxMessageBytes: 19 }), RangeError, "maxMessageBytes");
});
test("diameter: the encoder", () => {
  const { encode } = diameterEncoder({ maxMessageBytes: 24 });
  for (const length of [16, 20]) assertEquals(outcome(diameter, join(...encode(new Uint8Array(length)))), [length + 4]);
  for (const length of [0, 12, 17]) assertThrows(() => encode(new Uint8Array(length)), Error, `payload of ${length}`);
  assertThrows(() => encode(new Uint8Array(24)), Error, "at most 20");
});
