import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { fromHex } from "../../src/bytes/mod.ts";
import { checkSplits, readAll } from "./support/read_all.ts";

/** Two packets: 1 s + 2 µs, three bytes of five; 0x60000000 s + 999999 µs, none of none. */
const RECORDS_LITTLE = `
  01000000 02000000 03000000 05000000 450001
  00000060 3f420f00 00000000 00000000`;
const RECORDS_BIG = `
  00000001 00000002 00000003 00000005 450001
  60000000 000f423f 00000000 00000000`;

const FILES: Record<string, { hex: string; fractions: [number, number]; exponent: number }> = {
  "microseconds, little-endian": {
    hex: `d4c3b2a1 0200 0400 00000000 00000000 00000400 65000000 ${RECORDS_LITTLE}`,
    fractions: [2_000, 999_999_000],
    exponent: 6,
  },
  "microseconds, big-endian": {
    hex: `a1b2c3d4 0002 0004 00000000 00000000 00040000 00000065 ${RECORDS_BIG}`,
    fractions: [2_000, 999_999_000],
    exponent: 6,
  },
  "nanoseconds, little-endian": {
    hex: `4d3cb2a1 0200 0400 00000000 00000000 00000400 65000000 ${RECORDS_LITTLE}`,
    fractions: [2, 999_999],
    exponent: 9,
  },
  "nanoseconds, big-endian": {
    hex: `a1b23c4d 0002 0004 00000000 00000000 00040000 00000065 ${RECORDS_BIG}`,
    fractions: [2, 999_999],
    exponent: 9,
  },
};

for (const [name, { hex, fractions, exponent }] of Object.entries(FILES)) {
  test(`a pcap file with ${name} is read field by field`, () => {
    const { packets, error, ended, reader } = readAll(fromHex(hex));
    assertEquals(error, undefined);
    assertEquals(ended, true);
    assertEquals(reader.format, "pcap");
    assertEquals(packets, [
      {
        seconds: 1,
        nanoseconds: fractions[0],
        bytes: Uint8Array.of(0x45, 0, 1),
        originalLength: 5,
        linkType: 101,
        number: 1,
        interfaceId: 0,
      },
      {
        seconds: 0x60000000,
        nanoseconds: fractions[1],
        bytes: new Uint8Array(0),
        originalLength: 0,
        linkType: 101,
        number: 2,
        interfaceId: 0,
      },
    ]);
    assertEquals(reader.interfaces, [{
      id: 0,
      section: 0,
      linkType: 101,
      snapLength: 262144,
      resolution: { base: 10, exponent },
      offsetSeconds: 0,
      fcsLength: undefined,
      name: undefined,
      description: undefined,
    }]);
  });

  test(`a pcap file with ${name} reads the same however it is split`, () => checkSplits(fromHex(hex)));
}

test("seconds beyond 2038 are read as unsigned", () => {
  const { packets } = readAll(
    fromHex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000 feffffff 00000000 00000000 00000000"),
  );
  assertEquals(packets[0]?.seconds, 0xfffffffe);
});

test("a fraction of a second or more is carried into the seconds", () => {
  const { packets } = readAll(
    fromHex("a1b2c3d4 0002 0004 00000000 00000000 00000000 00000001 00000007 ffffffff 00000000 00000000"),
  );
  assertEquals(packets[0]?.seconds, 7 + 4294);
  assertEquals(packets[0]?.nanoseconds, 967_295_000);
});

test("a frame check sequence in the link type's upper bits is told apart from the link type", () => {
  const { reader } = readAll(fromHex("a1b2c3d4 0002 0004 00000000 00000000 00000000 24000001"));
  assertEquals(reader.interfaces[0]?.linkType, 1);
  assertEquals(reader.interfaces[0]?.fcsLength, 4);
});

test("a packet longer than the snap length is read and counted", () => {
  const { packets, reader } = readAll(
    fromHex("a1b2c3d4 0002 0004 00000000 00000000 00000002 00000001 00000000 00000000 00000003 00000003 010203"),
  );
  assertEquals(packets[0]?.bytes, Uint8Array.of(1, 2, 3));
  assertEquals(reader.stats.overSnapLength, 1);
});

test("a snap length of 0 binds nobody", () => {
  const { reader } = readAll(
    fromHex("a1b2c3d4 0002 0004 00000000 00000000 00000000 00000001 00000000 00000000 00000003 00000003 010203"),
  );
  assertEquals(reader.stats.overSnapLength, 0);
  assertEquals(reader.stats.packets, 1);
  assertEquals(reader.stats.bytes, 3);
});

test("an original length below the captured one is raised to it and counted", () => {
  const { packets, reader } = readAll(
    fromHex("a1b2c3d4 0002 0004 00000000 00000000 00000000 00000001 00000000 00000000 00000003 00000000 010203"),
  );
  assertEquals(packets[0]?.originalLength, 3);
  assertEquals(reader.stats.lengthsCorrected, 1);
});
