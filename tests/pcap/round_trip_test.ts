/** Properties: what was written is read back; times are exact. */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { concat } from "../../src/bytes/mod.ts";
import { CaptureWriter, type CaptureWriterOptions, type Packet } from "../../src/pcap/mod.ts";
import { TickClock } from "../../src/pcap/tick_clock.ts";
import { splitRandomly } from "../../src/sim/mod.ts";
import { readAll, readChunks } from "./support/read_all.ts";

function write(packets: readonly Packet[], options: CaptureWriterOptions): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new CaptureWriter(options, {
    item: (chunk) => chunks.push(chunk),
    error: (error) => {
      throw error;
    },
    end: () => {},
  });
  for (const packet of packets) writer.push(packet);
  writer.end();
  return concat(chunks);
}

const anyPacket = fc.record({
  seconds: fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 1_700_000_000, max: 1_800_000_000 })),
  nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
  bytes: fc.uint8Array({ maxLength: 200 }),
  more: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 100_000 })),
  linkType: fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 65535 })),
  interfaceId: fc.integer({ min: 0, max: 3 }),
});

const anyOptions = fc.record({
  format: fc.constantFrom("pcap" as const, "pcapng" as const),
  byteOrder: fc.constantFrom("big-endian" as const, "little-endian" as const),
  resolution: fc.constantFrom("us" as const, "ns" as const),
});

test("what was written is read back, however it is split", () => {
  fc.assert(
    fc.property(fc.array(anyPacket, { maxLength: 12 }), anyOptions, fc.nat(), (records, options, seed) => {
      const isPcap = options.format === "pcap";
      const packets = records.map(({ more, ...record }, index): Packet => ({
        ...record,
        originalLength: record.bytes.length + more,
        number: index + 1,
        ...(isPcap ? { linkType: records[0]!.linkType, interfaceId: 0 } : {}),
      }));
      const outcome = readChunks(splitRandomly(write(packets, options), seed));
      assertEquals(outcome.error, undefined);
      assertEquals(outcome.packets, packets.map((packet) => expected(packet, packets, options)));
    }),
    { numRuns: 300 },
  );
});

/** Interfaces are numbered in order of appearance, and a microsecond file cuts times. */
function expected(packet: Packet, packets: readonly Packet[], options: CaptureWriterOptions): Packet {
  const key = (one: Packet) => `${one.interfaceId}/${one.linkType}`;
  const ids = [...new Set(packets.map(key))];
  const { nanoseconds } = packet;
  return {
    ...packet,
    nanoseconds: options.resolution === "us" ? nanoseconds - nanoseconds % 1000 : nanoseconds,
    interfaceId: ids.indexOf(key(packet)),
  };
}

test("a written file is written the same again after it was read", () => {
  fc.assert(
    fc.property(fc.array(anyPacket, { maxLength: 8 }), anyOptions, (records, options) => {
      const packets = records.map(({ more, ...record }, index): Packet => ({
        ...record,
        originalLength: record.bytes.length + more,
        linkType: 1,
        number: index + 1,
      }));
      const file = write(packets, options);
      assertEquals(write(readAll(file).packets, { ...options, linkType: 1 }), file);
    }),
    { numRuns: 100 },
  );
});

test("times of every resolution agree with the plain arithmetic of big integers", () => {
  const word = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 1, 0xfffff, 0x100000, 0xffffffff));
  const base = fc.constantFrom(2 as const, 10 as const);
  const exponent = fc.oneof(fc.constantFrom(0, 3, 5, 6, 9, 10, 20, 23, 24, 32), fc.integer({ min: 0, max: 127 }));
  fc.assert(
    fc.property(
      base,
      exponent,
      word,
      word,
      fc.integer({ min: -1000, max: 1000 }),
      (base, exponent, high, low, offset) => {
        const clock = new TickClock({ base, exponent }, offset);
        clock.convert(high, low);
        const ticks = BigInt(high) * 2n ** 32n + BigInt(low);
        const units = BigInt(base) ** BigInt(exponent);
        const seconds = ticks / units;
        const nanoseconds = (ticks % units) * 1_000_000_000n / units;
        if (seconds >= 2n ** 52n) return assertEquals([clock.seconds, clock.nanoseconds], [2 ** 52 + offset, 0]);
        assertEquals([clock.seconds, clock.nanoseconds], [Number(seconds) + offset, Number(nanoseconds)]);
      },
    ),
    { numRuns: 5000 },
  );
});

test("times next to a whole second are exact where floats would round", () => {
  for (const [exponent, units] of [[6, 1_000_000n], [9, 1_000_000_000n]] as const) {
    const clock = new TickClock({ base: 10, exponent });
    for (let seconds = 1n; seconds < 2n ** 34n && seconds * units < 2n ** 64n; seconds = seconds * 3n + 1n) {
      for (const step of [-1n, 0n, 1n]) {
        const ticks = seconds * units + step;
        clock.convert(Number(ticks >> 32n), Number(ticks & 0xffffffffn));
        assertEquals(BigInt(clock.seconds), ticks / units);
        assertEquals(BigInt(clock.nanoseconds), (ticks % units) * (1_000_000_000n / units));
      }
    }
  }
});
