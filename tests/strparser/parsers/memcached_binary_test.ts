/** memcached's binary protocol: recordings, the examples of its document, what is refused. */
import { ascii, checkGoldens, golden, hex, outcome } from "./check.ts";
import { memcachedBinary } from "../../../src/strparser/parsers/memcached_binary.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join } from "../support.ts";
import { memcachedGoldens } from "./golden/memcached_binary.ts";

const client = { direction: "client" } as const;

checkGoldens([
  ...memcachedGoldens,
  golden("a get as in the document", memcachedBinary, "client", [29], [
    "80000005 00000000 00000005 00000000 00000000 00000000 48656c6c6f",
  ]),
  golden("its answer as in the document", memcachedBinary, "server", [33, 33], [
    "81000000 04000000 00000009 00000000 00000000 00000001 deadbeef 576f726c64",
    "81000000 00000001 00000009 00000000 00000000 00000000 4e6f7420666f756e64",
  ]),
]);

test("memcachedBinary: what is none is refused", () => {
  const header = (changed: string) => hex(changed);
  const refused: [bytes: Uint8Array, reason: string][] = [
    [ascii("g"), "magic 0x67 is none of the binary protocol (looks like the text protocol)"],
    [hex("16"), "magic 0x16 is none of the binary protocol (looks like TLS)"],
    [hex("82"), "magic 0x82 is none of the binary protocol"],
    [hex("81"), "magic 0x81 is that of a response"],
    [header("80000000 00010000 00000000"), "data type 0x01 is unknown"],
    [header("800000fb 00000000 000000fb"), "key of 251 bytes, at most 250 are possible"],
    [header("80000005 08000000 0000000c"), "body of 12 bytes is shorter than its key of 5 and extras of 8"],
  ];
  for (const [bytes, reason] of refused) {
    assertEquals(outcome(memcachedBinary, bytes, client), [`EPROTO 0 memcachedBinary: ${reason}`]);
  }
  const reason = "memcachedBinary: magic 0x80 is that of a request";
  assertEquals(outcome(memcachedBinary, hex("80"), { direction: "server" }), [`EPROTO 0 ${reason}`]);
  const version = hex("810b0000 00000000 00000000 00000000 00000000 00000000");
  assertEquals(outcome(memcachedBinary, join(version, hex("80"))), [24, `EPROTO 24 ${reason}`]);
});
test("memcachedBinary: maxBodyBytes", () => {
  const make = () => memcachedBinary({ maxBodyBytes: 5 });
  assertEquals(outcome(make, join(hex("80000005 00000000 00000005"), new Uint8Array(17)), client), [29]);
  assertEquals(outcome(make, hex("80000005 00000000 00000006"), client), [
    "EMSGSIZE 0 memcachedBinary: body of 6 bytes exceeds maxBodyBytes 5",
  ]);
  const large = { ...client, maxMessageLength: Infinity };
  assertEquals(outcome(memcachedBinary, hex("80000000 00000000 fffffffe"), large), [
    "EMSGSIZE 0 memcachedBinary: body of 4294967294 bytes exceeds maxBodyBytes 1048576",
  ]);
  assertThrows(() => memcachedBinary({ maxBodyBytes: 0 }), RangeError, "maxBodyBytes");
});
