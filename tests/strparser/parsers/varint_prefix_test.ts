/** Messages behind varints: long forms, endless prefixes, 64-bit lengths. */
import { join } from "../support.ts";
import { varintPrefix, varintPrefixEncoder } from "../../../src/strparser/parsers/varint_prefix.ts";
import { encodeVarint, readVarint, varintWidth } from "../../../src/strparser/parsers/varint.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/varint_prefix.ts";

const libp2p = () => varintPrefix({ isMinimal: true, maxPrefixBytes: 9 });
checkGoldens([
  ...goldens,
  golden("multistream-select begins", libp2p, "client", [20, 14], [
    "132f6d756c746973747265616d2f312e302e300a", // /multistream/1.0.0
    "0d2f79616d75782f312e302e300a", // /yamux/1.0.0
  ]),
  golden("delimited messages, empty and in long forms", varintPrefix, "server", [1, 3, 302, 11, 130], [
    "00",
    "020801",
    `ac02${"61".repeat(300)}`,
    "81808080808080808000 ff",
    `8001${"62".repeat(128)}`,
  ]),
]);

test("varintPrefix: long forms keep their width, or are refused", () => {
  assertEquals(outcome(varintPrefix, hex("8100aa 8000 0155")), [3, 2, 2]);
  assertEquals(outcome(libp2p, hex("8100aa")), ["EPROTO 0 varintPrefix: length is not in its shortest form"]);
  assertEquals(outcome(libp2p, hex("01aa")), [2]);
});
test("varintPrefix: a prefix that never ends", () => {
  const endless = hex("80".repeat(12));
  assertEquals(outcome(varintPrefix, endless), ["EPROTO 0 varintPrefix: length does not end within 10 bytes"]);
  assertEquals(outcome(libp2p, endless), ["EPROTO 0 varintPrefix: length does not end within 9 bytes"]);
  assertEquals(outcome(varintPrefix, hex("808080")), []);
});
test("varintPrefix: maxPayloadBytes, up to 64 bits", () => {
  const make = () => varintPrefix({ maxPayloadBytes: 127 });
  assertEquals(outcome(make, new Uint8Array(128).fill(127)), [128]);
  const reason = "message of 128 bytes exceeds maxPayloadBytes 127";
  assertEquals(outcome(make, hex("8001")), [`EMSGSIZE 0 varintPrefix: ${reason}`]);
  assertEquals(outcome(varintPrefix, hex("81808002")), [
    "EMSGSIZE 0 varintPrefix: message of 4194305 bytes exceeds maxPayloadBytes 4194304",
  ]);
  const all = () => varintPrefix({ maxPayloadBytes: Infinity });
  assertEquals(
    outcome(all, hex("ffffffffffffffffff01"), { maxMessageLength: Infinity })[0],
    [
      `EMSGSIZE 0 varintPrefix: length is beyond 2^53 and exceeds maxPayloadBytes ${Number.MAX_SAFE_INTEGER - 10}`,
    ][0],
  );
  assertThrows(() => varintPrefix({ maxPrefixBytes: 11 }), RangeError, "at most 10");
  assertThrows(() => varintPrefix({ maxPayloadBytes: 1.5 }), RangeError, "maxPayloadBytes");
});
test("varints: what is written is read, at every width", () => {
  for (let width = 1; width <= 7; width++) {
    for (const value of [2 ** (7 * (width - 1)), 2 ** (7 * width) - 1, 2 ** (7 * width - 1) + 5]) {
      const bytes = encodeVarint(value);
      assertEquals([bytes.length, readVarint(bytes, 0, width, 10), varintWidth(bytes, 0)], [width, value, width]);
    }
  }
  assertEquals(readVarint(encodeVarint(Number.MAX_SAFE_INTEGER), 0, 8, 10), Number.MAX_SAFE_INTEGER);
});
test("varintPrefix: the encoder", () => {
  const encoder = varintPrefixEncoder({ maxPayloadBytes: 300 });
  for (const length of [0, 1, 127, 128, 300]) {
    const message = join(...encoder.encode(new Uint8Array(length)));
    assertEquals(outcome(libp2p, message), [length + (length > 127 ? 2 : 1)]);
  }
  assertThrows(() => encoder.encode(new Uint8Array(301)), Error, "at most 300");
  const narrow = varintPrefixEncoder({ maxPrefixBytes: 1 });
  assertThrows(() => narrow.encode(new Uint8Array(128)), Error, "at most 127");
});
