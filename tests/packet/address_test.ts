import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { fromHex } from "../../src/bytes/hex.ts";
import { formatAddress, parseAddress } from "../../src/packet/address.ts";

/** Bytes as hex and their one canonical text. */
const GOLDEN: readonly [hex: string, text: string][] = [
  ["00000000", "0.0.0.0"],
  ["c0000201", "192.0.2.1"],
  ["ffffffff", "255.255.255.255"],
  ["00000000000000000000000000000000", "::"],
  ["00000000000000000000000000000001", "::1"],
  ["20010db8000000000000000000000001", "2001:db8::1"],
  ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
  ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
  ["20010000000000010000000000000001", "2001:0:0:1::1"],
  ["20010db8000100000000000000000000", "2001:db8:1::"],
  ["00010000000000000000000000000000", "1::"],
  ["0000000000000000000000000000abcd", "::abcd"],
  ["00000000000000000000ffffc0000201", "::ffff:192.0.2.1"],
  ["0000000000000000ffff0000c0000201", "::ffff:0:c000:201"],
  ["00000000000000000000fffec0000201", "::fffe:c000:201"],
  ["0064ff9b0000000000000000c0000221", "64:ff9b::c000:221"],
  ["fe80000000000000020c29fffe123456", "fe80::20c:29ff:fe12:3456"],
  ["00010002000300040005000600070008", "1:2:3:4:5:6:7:8"],
  ["00000002000300040005000600070000", "0:2:3:4:5:6:7:0"],
];

test("addresses are written in their canonical form and read back", () => {
  for (const [hex, text] of GOLDEN) {
    assertEquals(formatAddress(fromHex(hex)), text);
    assertEquals(parseAddress(text), fromHex(hex), text);
  }
});

test("other spellings of IPv6 addresses are read too", () => {
  const spellings: [string, string][] = [
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["::ffff:c000:201", "::ffff:192.0.2.1"],
    ["1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"],
    ["::1.2.3.4", "::102:304"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
  ];
  for (const [spelling, canonical] of spellings) assertEquals(formatAddress(parseAddress(spelling)), canonical);
});

test("what is not an address is refused", () => {
  const wrong = [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.04",
    "1.2.3.-4",
    "1.2.3.4 ",
    "0x1.2.3.4",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "1:2:3:4::5:6:7:8",
    "12345::",
    "g::",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "::1.2.3.4.5",
    "1:2:3:4:5:6:7:1.2.3.4",
    "fe80::1%eth0",
    "2001:db8::/32",
    ":1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:",
  ];
  for (const text of wrong) assertThrows(() => parseAddress(text), TypeError, "not an IPv4 or IPv6 address", text);
});

test("only 4 or 16 bytes are an address", () => {
  for (const length of [0, 3, 5, 15, 17]) {
    assertThrows(() => formatAddress(new Uint8Array(length)), RangeError, `got ${length}`);
  }
});

test("every address comes back from its text, also from an unaligned view", () => {
  // few distinct values, so that runs of zeros and mapped prefixes are common
  const byte = fc.oneof(fc.constant(0), fc.constant(0), fc.constant(255), fc.nat(255));
  const address = fc.constantFrom(4, 16).chain((length) => fc.array(byte, { minLength: length, maxLength: length }));
  fc.assert(fc.property(address, (bytes) => {
    const unaligned = new Uint8Array([9, ...bytes]).subarray(1);
    assertEquals(parseAddress(formatAddress(unaligned)), new Uint8Array(bytes));
  }));
});
