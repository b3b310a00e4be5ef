/** IKE and ESP in TCP: made by hand after RFC 9329, whose implementations live in kernels and appliances. */
import { join } from "../support.ts";
import { espInTcp, espInTcpEncoder } from "../../../src/strparser/parsers/esp_in_tcp.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";

const PREFIX = "494b45544350";
const ike = `0022 00000000 0102030405060708 0000000000000000 2120220800000000 0000001c`;
const esp = `0018 c0ffee01 00000001 ${"aa".repeat(14)}`;
checkGoldens([
  golden("an initiator: prefix, IKE, ESP, a keep-alive", espInTcp, "client", [6, 34, 24, 3], [
    PREFIX,
    ike,
    esp,
    "0003ff",
  ]),
  golden("a responder: IKE, ESP of the shortest length", espInTcp, "server", [34, 6, 24], [ike, "0006c0ffee01", esp]),
  golden("an initiator or not: nobody knows", espInTcp, undefined, [6, 24], [PREFIX, esp]),
]);

const client = { direction: "client" } as const;
const server = { direction: "server" } as const;
test("espInTcp: the prefix", () => {
  const missing = "EPROTO 0 espInTcp: client does not begin with IKETCP";
  assertEquals(outcome(espInTcp, hex(ike), client), [missing]);
  assertEquals(outcome(espInTcp, hex("494b455443 51"), client), [missing]);
  assertEquals(outcome(espInTcp, hex(PREFIX + ike), {}), [6, 34]);
  assertEquals(outcome(espInTcp, hex(ike), {}), [34]);
  // without a direction, and in the server's, the same bytes may be a length of 0x494b
  const long = join(hex("494b455443"), new Uint8Array(0x494b - 5));
  assertEquals(outcome(espInTcp, long, {}), [0x494b]);
  assertEquals(outcome(espInTcp, long, server), [0x494b]);
});
test("espInTcp: what is none is refused", () => {
  for (const length of [0, 1, 2, 4, 5]) {
    assertEquals(outcome(espInTcp, Uint8Array.of(0, length, 0xff), server), [
      `EPROTO 0 espInTcp: message length ${length} has no room for an SPI`,
    ]);
  }
  const reason = "EPROTO 0 espInTcp: message length 3 has no room for an SPI";
  assertEquals(outcome(espInTcp, hex("000300"), server), [reason]);
});
test("espInTcp: the encoder", () => {
  const encode = (length: number) => join(...espInTcpEncoder().encode(new Uint8Array(length)));
  assertEquals(encode(4), hex("000600000000"));
  assertEquals(outcome(espInTcp, encode(65533), server), [65535]);
  assertThrows(() => encode(65534), Error, "at most 65533");
  assertThrows(() => encode(3), Error, "SPI");
});
