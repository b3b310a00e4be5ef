/** ZooKeeper: recordings, four-letter words, limits. */
import { join } from "../support.ts";
import { zookeeper, zookeeperEncoder } from "../../../src/strparser/parsers/zookeeper.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { ascii, checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/zookeeper.ts";

checkGoldens([
  ...goldens,
  golden("pings, and the end of the session", zookeeper, "client", [12, 12, 12], [
    "00000008 fffffffe 0000000b",
    "00000008 fffffffe 0000000b",
    "00000008 00000001 fffffff5",
  ]),
]);

const client = { direction: "client" } as const;
const server = { direction: "server" } as const;
test("zookeeper: what is none is refused", () => {
  const word = "four letters instead of a length: a four-letter word or its answer";
  const refused: [bytes: Uint8Array, options: { direction?: "client" | "server" }, reason: string][] = [
    [ascii("ruok"), client, word],
    [ascii("imok"), server, word],
    [ascii("GET "), {}, "packet of 1195725856 bytes (looks like HTTP)"],
    [hex("16030100"), {}, "packet of 369295616 bytes (looks like TLS)"],
    [hex("ffffffff"), client, "packet length -1 is negative"],
    [hex("80000000"), client, "packet length -2147483648 is negative"],
    [hex("00000007"), client, "packet of 7 bytes is shorter than its header"],
    [hex("00000001"), {}, "packet of 1 byte is shorter than its header"],
    [hex("0000000f"), server, "packet of 15 bytes is shorter than its header"],
  ];
  for (const [bytes, options, reason] of refused) {
    assertEquals(outcome(zookeeper, bytes, options), [`EPROTO 0 zookeeper: ${reason}`]);
  }
});
test("zookeeper: maxPacketBytes", () => {
  const make = () => zookeeper({ maxPacketBytes: 8 });
  assertEquals(outcome(make, hex("00000008 fffffffe0000000b"), client), [12]);
  const reason = "packet of 9 bytes exceeds maxPacketBytes 8";
  assertEquals(outcome(make, hex("00000009"), client), [`EMSGSIZE 0 zookeeper: ${reason}`]);
  const standard = "packet of 1048576 bytes exceeds maxPacketBytes 1048575";
  assertEquals(outcome(zookeeper, hex("00100000"), client), [`EMSGSIZE 0 zookeeper: ${standard}`]);
  assertEquals(outcome(zookeeper, hex("000fffff"), { ...client, maxMessageLength: Infinity }), []);
  const all = () => zookeeper({ maxPacketBytes: Infinity });
  assertEquals(outcome(all, hex("80000000"), client).length, 1);
});
test("zookeeper: the encoder", () => {
  const encoder = zookeeperEncoder({ maxPacketBytes: 45 });
  assertEquals(outcome(zookeeper, join(...encoder.encode(new Uint8Array(45))), client), [49]);
  assertThrows(() => encoder.encode(new Uint8Array(46)), Error, "at most 45");
  assertThrows(() => encoder.encode(new Uint8Array(7)), Error, "header");
});
