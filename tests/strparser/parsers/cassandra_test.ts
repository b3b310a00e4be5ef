/** Cassandra: recordings, old versions, segments with and without LZ4, what is refused. */
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { cassandra } from "../../../src/strparser/parsers/cassandra.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join } from "../support.ts";
import { cassandraGoldens } from "./golden/cassandra.ts";

const client = { direction: "client" } as const;
const server = { direction: "server" } as const;
const startup = "0500000001 00000002 0000";
/** Fields of a segment's header: 9 bytes, self-contained; with LZ4 also how many they are uncompressed. */
const plain = segment([9, 0, 2], 13);
const lz4 = segment([9, 0, 36, 0, 4], 13);

/** A segment with the right CRC-24, computed bit by bit as the specification has it, and `more` zeros behind. */
function segment(fields: number[], more: number): Uint8Array {
  let crc = 0x875060;
  for (const byte of fields) {
    for (let bit = 7; bit >= 0; bit--) {
      const top = ((crc >> 23) ^ (byte >> bit)) & 1;
      crc = ((crc << 1) & 0xffffff) ^ (top === 1 ? 0x974f0b : 0);
    }
  }
  return Uint8Array.from([...fields, crc & 255, (crc >> 8) & 255, crc >> 16, ...new Array<number>(more).fill(0)]);
}

checkGoldens([
  ...cassandraGoldens,
  golden("version 2 asks", cassandra, "client", [8, 12], "0200000500000000 0200010100000004 00000000"),
  golden("version 2 is answered", cassandra, "server", [10, 8], "82000006000000020000 8200010200000000"),
  {
    name: "LZ4 segments",
    parser: cassandra,
    direction: "client",
    bytes: join(hex(startup), lz4, lz4),
    lengths: [11, 21, 21],
  },
]);

test("cassandra: what is none is refused", () => {
  const refused: [bytes: string, reason: string, options: object][] = [
    ["00", "version 0x00 is unknown", {}],
    ["06", "version 0x06 is unknown", {}],
    ["86", "version 0x86 is unknown", {}],
    ["16", "version 0x16 is unknown (looks like TLS)", {}],
    ["47", "version 0x47 is unknown (looks like text)", {}],
    ["84", "version 0x84 is that of a response", client],
    ["04", "version 0x04 is that of a request", server],
    ["040000000200000000", "opcode 0x02 is unknown to the client", client],
    ["840000000500000000", "opcode 0x05 is unknown to the server", server],
    ["0200000200000000", "opcode 0x02 is unknown to the client", client],
    ["040000000580000000", "length of a frame is negative", client],
  ];
  for (const [bytes, reason, options] of refused) {
    assertEquals(outcome(cassandra, hex(bytes), options), [`EPROTO 0 cassandra: ${reason}`]);
  }
  assertEquals(outcome(cassandra, hex("040000000500000000 84")), [
    9,
    "EPROTO 9 cassandra: version 0x84 is that of a response",
  ]);
});
test("cassandra: maxFrameBytes", () => {
  const make = () => cassandra({ maxFrameBytes: 2 });
  assertEquals(outcome(make, hex("0400000005000000020000"), client), [11]);
  assertEquals(outcome(make, hex("040000000500000003"), client), [
    "EMSGSIZE 0 cassandra: frame of 3 bytes exceeds maxFrameBytes 2",
  ]);
  assertEquals(outcome(cassandra, hex("040000000510000001"), client), [
    "EMSGSIZE 0 cassandra: frame of 268435457 bytes exceeds maxFrameBytes 268435456",
  ]);
  assertThrows(() => cassandra({ maxFrameBytes: 0 }), RangeError, "maxFrameBytes");
});
test("cassandra: segments begin behind STARTUP and its answer, in version 5 only", () => {
  assertEquals(outcome(cassandra, join(hex(startup), plain), client), [11, 19]);
  const ready = hex("850000000200000000");
  const authenticate = hex("850000000300000002 0000");
  assertEquals(outcome(cassandra, join(ready, plain), server), [9, 19]);
  assertEquals(outcome(cassandra, join(authenticate, plain), server), [11, 19]);
  assertEquals(outcome(cassandra, join(ready, lz4), server), [9, 21]);
  assertEquals(outcome(cassandra, hex("840000000200000000 840000000800000000"), server), [9, 9]);
  assertEquals(outcome(cassandra, join(hex(startup), segment([255, 255, 3], 131075)), client), [11, 131081]);
});
test("cassandra: a segment whose header does not add up", () => {
  const reason = "cassandra: checksum of a segment's header is wrong";
  const damaged = plain.slice();
  damaged[0]! ^= 1;
  assertEquals(outcome(cassandra, join(hex(startup), damaged), client), [11, `EPROTO 11 ${reason}`]);
  assertEquals(outcome(cassandra, join(hex(startup), plain, damaged), client), [11, 19, `EPROTO 30 ${reason}`]);
  assertEquals(outcome(cassandra, join(hex(startup), plain, lz4), client), [11, 19, `EPROTO 30 ${reason}`]);
  assertEquals(outcome(cassandra, join(hex(startup), lz4, plain), client), [11, 21, `EPROTO 32 ${reason}`]);
});
