/** BER elements: LDAP and SNMP recorded, forms of the length, what is refused. */
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { ber, berEncoder, ldap, snmp } from "../../../src/strparser/parsers/ber.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join } from "../support.ts";
import { berGoldens } from "./golden/ber.ts";

checkGoldens([
  ...berGoldens,
  golden("lengths that could be shorter", ldap, "client", [8, 9, 11], [
    "308105 0201014200",
    "30820005 0201024200",
    "308400000005 0201034200",
  ]),
  golden(
    "elements of another tag, some empty",
    () => ber({ tag: 0x61 }),
    undefined,
    [2, 5, 3],
    "6100 6103010203 618100",
  ),
]);

test("ber: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["31", "tag 0x31 instead of 0x30 (looks like text)"],
    ["16", "tag 0x16 instead of 0x30 (looks like TLS)"],
    ["00", "tag 0x00 instead of 0x30"],
    ["3080", "indefinite length"],
    ["3085", "length of 5 bytes, at most 4 are possible"],
    ["30ff", "length of 127 bytes, at most 4 are possible"],
  ];
  for (const make of [ber, ldap, snmp]) {
    for (const [bytes, reason] of refused) {
      assertEquals(outcome(make, hex(bytes)), [`EPROTO 0 ${make().name}: ${reason}`]);
    }
  }
  assertEquals(outcome(ldap, hex("3004")), ["EPROTO 0 ldap: message of 4 bytes is shorter than any"]);
  assertEquals(outcome(snmp, hex("3006")), ["EPROTO 0 snmp: message of 6 bytes is shorter than any"]);
  assertEquals(outcome(ldap, hex("308105 04")), ["EPROTO 0 ldap: message begins with tag 0x04, not an integer"]);
});
test("ber: LDAP behind StartTLS", () => {
  const extended = "300c 020101 7807 0a0100 0400 0400";
  assertEquals(outcome(ldap, hex(`${extended}160301`)), [
    14,
    "EPROTO 14 ldap: tag 0x16 instead of 0x30 (looks like TLS)",
  ]);
});
test("ber: maxContentBytes", () => {
  const make = () => ber({ maxContentBytes: 2 });
  assertEquals(outcome(make, hex("30020000")), [4]);
  assertEquals(outcome(make, hex("3003")), ["EMSGSIZE 0 ber: message of 3 bytes exceeds maxContentBytes 2"]);
  const error = "EMSGSIZE 0 ldap: message of 4294967295 bytes exceeds maxContentBytes 4194304";
  assertEquals(outcome(ldap, hex("3084ffffffff")), [error]);
  const parser = ber({ maxContentBytes: Infinity });
  assertEquals(parser.parse(hex("3084ffffffff"), 0, 6, undefined), 0x100000005);
  assertThrows(() => ber({ maxContentBytes: 0 }), RangeError, "maxContentBytes");
  for (const tag of [-1, 256, 0x1f, 0xbf, 1.5]) assertThrows(() => ber({ tag }), RangeError, "tag");
});
test("ber: the encoder", () => {
  const { encode } = berEncoder({ maxContentBytes: 65536 });
  for (const [length, header] of [[0, 2], [127, 2], [128, 3], [255, 3], [256, 4], [65536, 5]] as const) {
    const message = join(...encode(new Uint8Array(length)));
    assertEquals([message.length, ...outcome(ber, message)], [header + length, header + length]);
  }
  assertThrows(() => encode(new Uint8Array(65537)), Error, "at most 65536");
  assertEquals(join(...berEncoder({ tag: 0x61 }).encode(hex("01"))), hex("610101"));
});
