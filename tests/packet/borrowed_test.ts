/** Packets and segments that are lent, one object for all, against those that may be kept. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { FlowTracker } from "../../src/flow/mod.ts";
import { packetTimeMs, type Segment, SegmentDecoder } from "../../src/packet/mod.ts";
import { CaptureReader } from "../../src/pcap/mod.ts";
import { splitEvery } from "../../src/sim/splits.ts";
import { decoderOf, packetOf } from "./support.ts";

const FOLDERS = [new URL("../../examples/captures/", import.meta.url), new URL("captures/", import.meta.url)];

function captures(): URL[] {
  const ofFolder = (folder: URL) => readdirSync(folder).map((name) => new URL(name, folder));
  return FOLDERS.flatMap(ofFolder).filter(({ pathname }) => /\.pcap(ng)?$/.test(pathname));
}

function fail(error: unknown): never {
  throw error;
}

const latin1 = new TextDecoder("latin1");

/** All that a segment tells, its packet included; as text, which is compared in no time. */
function told(segment: Segment): string {
  const { packet, version, protocol, wirePayloadLength, checksum } = segment;
  const { seconds, nanoseconds, originalLength, linkType, number, interfaceId } = packet;
  const fields = [seconds, nanoseconds, originalLength, linkType, number, interfaceId];
  const views = [packet.bytes, segment.datagram, segment.payload, segment.header].map((view) => latin1.decode(view));
  return [...fields, version, protocol, wirePayloadLength, checksum, ...views].join("|");
}

/** What comes out of a capture in pieces, with `borrows` or without; and the segments themselves. */
function segmentsOf(
  capture: Uint8Array,
  borrows: boolean,
): { all: string[]; objects: Set<Segment>; reasons: unknown } {
  const all: string[] = [];
  const objects = new Set<Segment>();
  const item = (segment: Segment) => {
    objects.add(segment);
    all.push(told(segment));
  };
  const decoder = new SegmentDecoder({ verifyChecksums: true, badChecksum: "keep" }, {
    item,
    error: fail,
    end: () => {},
    borrows,
  });
  const reader = new CaptureReader({}, {
    item: (packet) => decoder.push(packet, packetTimeMs(packet)),
    error: () => {},
    end: () => {},
    borrows: decoder.borrows,
  });
  for (const chunk of splitEvery(capture, 4096)) reader.push(chunk);
  return { all, objects, reasons: decoder.reasons.toJSON() };
}

for (const url of captures()) {
  test(`what is lent tells the same as what may be kept: ${url.pathname.replace(/.*\//, "")}`, () => {
    const capture = new Uint8Array(readFileSync(url));
    const kept = segmentsOf(capture, false), lent = segmentsOf(capture, true);
    assertEquals(lent.all, kept.all);
    assertEquals(lent.reasons, kept.reasons);
    assertEquals(kept.objects.size, kept.all.length);
    assertEquals(lent.objects.size, 1);
  });
}

test("a decoder borrows packets only where nobody can keep one", () => {
  const sink = { item: () => {}, error: fail, end: () => {}, borrows: true };
  assertEquals(new SegmentDecoder({}, sink).borrows, true);
  assertEquals(new SegmentDecoder({ onSkip: () => {} }, sink).borrows, false);
  assertEquals(new SegmentDecoder({ onError: () => {} }, sink).borrows, false);
  assertEquals(decoderOf().decoder.borrows, false);
  const flows = { open() {}, data() {}, gap() {}, end() {}, error() {}, close() {}, finish() {} };
  assertEquals(new FlowTracker({}, flows).borrows, true);
});

test("a lent packet and its segment let go of the chunk when that has been read", () => {
  let lent: Segment | undefined;
  const item = (segment: Segment) => {
    assertEquals([segment.packet.number, segment.payload.length], [1, 1]);
    lent = segment;
  };
  const decoder = new SegmentDecoder({}, { item, error: fail, end: () => {}, borrows: true });
  const reader = new CaptureReader({}, {
    item: (packet) => decoder.push(packet, 0),
    error: fail,
    end: () => {},
    borrows: decoder.borrows,
  });
  const header = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0];
  const datagram = [0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17, 0, 0, 9, 9, 9, 9, 8, 8, 8, 8, 0, 1, 0, 2, 0, 9, 0, 0, 65];
  reader.push(Uint8Array.from([...header, 1, 0, 0, 0, 2, 0, 0, 0, 29, 0, 0, 0, 29, 0, 0, 0, ...datagram]));
  assert(lent !== undefined);
  assertEquals([lent.packet.number, lent.packet.bytes.length, lent.bytes.length], [1, 0, 0]);
});

test("a decoder that borrows takes packets of any make", () => {
  let lent: Segment | undefined;
  const decoder = new SegmentDecoder({}, {
    item: (segment) => lent = segment,
    error: fail,
    end: () => {},
    borrows: true,
  });
  const udp = (port: number) =>
    packetOf(
      Uint8Array.of(0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 9, 9, 9, 9, 8, 8, 8, 8, 0, port, 0, 2, 0, 8, 0, 0),
    );
  decoder.push(udp(1), 0);
  const first = lent;
  assertEquals(first?.sourcePort, 1);
  const second = udp(3);
  decoder.push(second, 0);
  assertStrictEquals(lent, first);
  assertStrictEquals(lent?.packet, second);
  assertEquals(lent?.sourcePort, 3);
});
