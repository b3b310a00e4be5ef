/** Kafka: recordings, limits, other protocols on the port. */
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { kafka, kafkaEncoder } from "../../../src/strparser/parsers/kafka.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join } from "../support.ts";
import { kafkaGoldens } from "./golden/kafka.ts";

checkGoldens([
  ...kafkaGoldens,
  golden("an old SASL handshake ends with an empty answer", kafka, "server", [27, 4], [
    "00000017 00000001 0000 00000001 000b 53435241 4d2d5348 412d31",
    "00000000",
  ]),
]);

test("kafka: what is none is refused", () => {
  const refused: [bytes: string, outcome: string][] = [
    ["80000000", "EPROTO 0 kafka: length is negative"],
    ["ffffffff", "EPROTO 0 kafka: length is negative"],
    ["16030100", "EMSGSIZE 0 kafka: frame of 369295616 bytes exceeds maxRequestBytes 104857600 (looks like TLS)"],
    ["47455420", "EMSGSIZE 0 kafka: frame of 1195725856 bytes exceeds maxRequestBytes 104857600 (looks like HTTP)"],
    ["06400001", "EMSGSIZE 0 kafka: frame of 104857601 bytes exceeds maxRequestBytes 104857600"],
  ];
  for (const [bytes, error] of refused) assertEquals(outcome(kafka, hex(bytes)), [error]);
  assertEquals(kafka().parse(hex("06400000"), 0, 4, undefined), 104857604);
});
test("kafka: maxRequestBytes", () => {
  const make = () => kafka({ maxRequestBytes: 8 });
  assertEquals(outcome(make, join(hex("00000008"), new Uint8Array(8))), [12]);
  assertEquals(outcome(make, hex("00000009")), ["EMSGSIZE 0 kafka: frame of 9 bytes exceeds maxRequestBytes 8"]);
  assertThrows(() => kafka({ maxRequestBytes: -1 }), RangeError, "maxRequestBytes");
});
test("kafka: the encoder", () => {
  const encoder = kafkaEncoder({ maxRequestBytes: 8 });
  for (const length of [0, 8]) {
    assertEquals(outcome(kafka, join(...encoder.encode(new Uint8Array(length)))), [length + 4]);
  }
  assertThrows(() => encoder.encode(new Uint8Array(9)), Error, "at most 8");
});
