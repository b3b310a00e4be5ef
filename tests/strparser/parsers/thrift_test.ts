/** Thrift, framed: recordings, unframed transport, limits. */
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { thrift, thriftEncoder } from "../../../src/strparser/parsers/thrift.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join } from "../support.ts";
import { thriftGoldens } from "./golden/thrift.ts";

checkGoldens([
  ...thriftGoldens,
  golden(
    "a call of the strict binary protocol",
    thrift,
    "client",
    [21],
    "00000011 80010001 00000004 70696e67 00000000 00",
  ),
]);

test("thrift: what is none is refused", () => {
  const refused: [bytes: string, outcome: string][] = [
    ["80010001", "EPROTO 0 thrift: unframed transport: begins as the binary protocol does, not with a length"],
    ["82210470", "EPROTO 0 thrift: unframed transport: begins as the compact protocol does, not with a length"],
    ["ffffffff", "EPROTO 0 thrift: length is negative"],
    ["00000000", "EPROTO 0 thrift: frame of 0 bytes, the shortest has 1"],
    ["16030100", "EMSGSIZE 0 thrift: frame of 369295616 bytes exceeds maxFrameBytes 16384000 (looks like TLS)"],
    ["504f5354", "EMSGSIZE 0 thrift: frame of 1347375956 bytes exceeds maxFrameBytes 16384000 (looks like HTTP)"],
  ];
  for (const [bytes, error] of refused) assertEquals(outcome(thrift, hex(bytes)), [error]);
});
test("thrift: maxFrameBytes", () => {
  const make = () => thrift({ maxFrameBytes: 2 });
  assertEquals(outcome(make, hex("000000020102")), [6]);
  assertEquals(outcome(make, hex("00000003")), ["EMSGSIZE 0 thrift: frame of 3 bytes exceeds maxFrameBytes 2"]);
  assertEquals(thrift().parse(hex("00fa0000"), 0, 4, undefined), 16384004);
  assertEquals(thrift({ maxFrameBytes: Infinity }).parse(hex("7fffffff"), 0, 4, undefined), 0x80000003);
  assertThrows(() => thrift({ maxFrameBytes: 0 }), RangeError, "maxFrameBytes");
});
test("thrift: the encoder", () => {
  const encoder = thriftEncoder({ maxFrameBytes: 300 });
  for (const length of [1, 255, 300]) {
    const message = join(...encoder.encode(new Uint8Array(length)));
    assertEquals(outcome(thrift, message), [length + 4]);
  }
  assertThrows(() => encoder.encode(new Uint8Array(301)), Error, "at most 300");
  assertThrows(() => encoder.encode(new Uint8Array(0)), Error, "payload of 0 bytes");
});
