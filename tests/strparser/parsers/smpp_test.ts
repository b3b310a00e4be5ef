/** SMPP: a recording, what is refused, limits. */
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { smpp, smppEncoder } from "../../../src/strparser/parsers/smpp.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join } from "../support.ts";
import { smppGoldens } from "./golden/smpp.ts";

checkGoldens([
  ...smppGoldens,
  golden("a nack, a vendor's command and an outbind", smpp, "server", [16, 17, 23], [
    "00000010 80000000 00000003 00000000",
    "00000011 00010200 00000000 00000002 ff",
    "00000017 0000000b 00000000 00000001 736d7363 00 7000",
  ]),
]);

test("smpp: what is none is refused", () => {
  const refused: [bytes: string, outcome: string][] = [
    ["0000000f", "EPROTO 0 smpp: PDU of 15 bytes is shorter than its header"],
    ["00020001", "EMSGSIZE 0 smpp: PDU of 131073 bytes exceeds maxPduBytes 131072"],
    ["16030100", "EMSGSIZE 0 smpp: PDU of 369295616 bytes exceeds maxPduBytes 131072 (looks like TLS)"],
    ["47455420", "EMSGSIZE 0 smpp: PDU of 1195725856 bytes exceeds maxPduBytes 131072 (looks like HTTP)"],
    ["00000010 00000000", "EPROTO 0 smpp: command identifier 0x0 is unknown"],
    ["00000010 8000000b", "EPROTO 0 smpp: command identifier 0x8000000b is unknown"],
    ["00000010 00010300", "EPROTO 0 smpp: command identifier 0x10300 is unknown"],
  ];
  for (const [bytes, error] of refused) assertEquals(outcome(smpp, hex(bytes)), [error]);
});
test("smpp: maxPduBytes", () => {
  const make = () => smpp({ maxPduBytes: 16 });
  assertEquals(outcome(make, hex("00000010 00000015 00000000 00000001")), [16]);
  assertEquals(outcome(make, hex("00000011")), ["EMSGSIZE 0 smpp: PDU of 17 bytes exceeds maxPduBytes 16"]);
  assertThrows(() => smpp({ maxPduBytes: 15 }), RangeError, "maxPduBytes");
});
test("smpp: the encoder", () => {
  const { encode } = smppEncoder({ maxPduBytes: 20 });
  const rest = (length: number, command: string) => {
    const bytes = new Uint8Array(length);
    bytes.set(hex(command));
    return bytes;
  };
  for (const length of [12, 16]) assertEquals(outcome(smpp, join(...encode(rest(length, "80000004")))), [length + 4]);
  assertThrows(() => encode(rest(11, "80000004")), Error, "shorter than the header");
  assertThrows(() => encode(rest(17, "80000004")), Error, "at most 16");
  assertThrows(() => encode(rest(12, "00000000")), Error, "unknown command");
});
