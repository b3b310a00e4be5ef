/** Hostile bytes: every cut, every mutation. Nothing throws, nothing is read outside, every packet is counted once. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { test } from "node:test";
import { concat } from "../../src/bytes/concat.ts";
import * as packet from "../../src/packet/mod.ts";
import { LinkType, type Packet, PacketError } from "../../src/packet/mod.ts";
import { mutate } from "../../src/sim/mutate.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import {
  decode,
  type Decoded,
  decoderOf,
  packetOf,
  pattern,
  readCapture,
  tcp,
  udp,
  unaligned,
  V4,
  v4,
  v4Fragments,
  V6,
  v6,
  v6Fragments,
} from "./support.ts";

const INPUTS = Number(process.env["LEAT_FUZZ_INPUTS"] ?? 20_000);

const SACK = { kind: "sack" as const, blocks: [{ left: 1, right: 2 }] };

/** One of everything, by link type. */
const GOLDEN: readonly Packet[] = [
  ...readCapture("veth.pcap"),
  packetOf(v4({ options: [{ type: 7, data: pattern(9) }], payload: udp({ payload: pattern(9) }, V4) })),
  packetOf(v4({ protocol: 6, payload: tcp({ options: [SACK], payload: pattern(33) }, V4) })),
  packetOf(v6({
    extensions: [
      { kind: "hopByHop", options: [{ type: 5, data: pattern(2) }] },
      { kind: "destinationOptions", options: [] },
      { kind: "routing", type: 4, segmentsLeft: 1, data: pattern(20) },
      { kind: "fragment", offset: 0, hasMore: false, identification: 3 },
      { kind: "authentication", spi: 1, sequence: 1, icv: pattern(12) },
    ],
    payload: udp({ payload: pattern(9) }, V6),
  })),
  ...v4Fragments(udp({ payload: pattern(53) }, V4), [[0, 24], [24, 61]]).map((bytes) => packetOf(bytes)),
  ...v6Fragments(udp({ payload: pattern(53) }, V6), [[0, 24], [24, 61]]).map((bytes) => packetOf(bytes)),
  packetOf(concat([Uint8Array.of(2, 0, 0, 0), v4({ payload: udp({}, V4) })]), { linkType: LinkType.NULL }),
  packetOf(concat([new Uint8Array(14), Uint8Array.of(8, 0), v4({ payload: udp({}, V4) })]), {
    linkType: LinkType.LINUX_SLL,
  }),
  packetOf(concat([Uint8Array.of(8, 0), new Uint8Array(18), v4({ payload: udp({}, V4) })]), {
    linkType: LinkType.LINUX_SLL2,
  }),
];

/** The counters add up, and every segment lies within what was captured. */
function assertSound({ decoder, segments, skipped }: Decoded, fragmentsKept: number): void {
  const { packets } = decoder.stats;
  assertEquals(decoder.stats.segments, segments.length);
  assertEquals(decoder.stats.skipped, skipped.length);
  assertEquals(decoder.reasons.total, skipped.length);
  assertEquals(packets, segments.length + skipped.length + fragmentsKept);
  for (const segment of segments) {
    assert(segment.transportOffset <= segment.payloadOffset);
    assert(segment.payloadOffset <= segment.payloadEnd);
    assert(segment.payloadEnd <= segment.datagram.length);
    assert(segment.wirePayloadLength >= segment.payloadEnd - segment.payloadOffset);
  }
}

/** Pushes one packet; whether it was kept as a fragment. */
function pushOne(decoded: Decoded, one: Packet): boolean {
  const { decoder } = decoded;
  const before = decoder.stats.segments + decoder.stats.skipped;
  decoded.push(one);
  return decoder.stats.segments + decoder.stats.skipped === before;
}

test("every golden packet decodes, and every fragment finds its others", () => {
  const decoded = decode(GOLDEN, { verifyChecksums: true });
  assertEquals(decoded.decoder.reasons.toJSON(), { arp: 2 });
  assertEquals(decoded.decoder.stats.reassembled, 4);
});

test("every truncation of every golden packet is counted once and never throws, cut by the wire or by the capture", () => {
  for (const golden of GOLDEN) {
    const decoded = decoderOf({ verifyChecksums: true });
    let kept = 0;
    for (let length = 0; length < golden.bytes.length; length++) {
      const bytes = unaligned(golden.bytes.subarray(0, length));
      for (const originalLength of [length, golden.bytes.length]) {
        if (pushOne(decoded, { ...golden, bytes, originalLength })) kept++;
      }
    }
    assertSound(decoded, kept);
    assertEquals(decoded.decoder.stats.packets, 2 * golden.bytes.length);
  }
});

test("seeded mutations of golden packets are each counted once and never throw", () => {
  const random = new SeededRandom(0x1ea7);
  for (const verifyChecksums of [true, false]) {
    const decoded = decoderOf({ verifyChecksums, badChecksum: "keep", maxFragmentBytes: 100_000 });
    let kept = 0;
    for (let i = 0; i < INPUTS / 2; i++) {
      const golden = random.pick(GOLDEN);
      const bytes = mutate(golden.bytes, random);
      const originalLength = random.chance(0.5) ? bytes.length : golden.originalLength;
      const linkType = random.chance(0.05) ? random.pick(Object.values(LinkType)) : golden.linkType;
      if (pushOne(decoded, { ...golden, bytes, originalLength, linkType, seconds: i / 1000 | 0 })) kept++;
    }
    assertSound(decoded, kept);
    assert(decoded.segments.length > INPUTS / 20, "few packets survived: the mutations are too wild to test much");
    assert(decoded.skipped.length > INPUTS / 20, "few packets broke");
    assert(new Set(decoded.skipped).size > 15, "few reasons seen");
    assert(decoded.decoder.stats.heldFragmentBytes <= 100_000);
    decoded.decoder.end(0);
    assertEquals(decoded.decoder.stats.heldFragmentBytes, 0);
  }
});

test("random bytes of every link type never throw", () => {
  const random = new SeededRandom(99);
  const decoded = decoderOf({ verifyChecksums: true });
  let kept = 0;
  for (let i = 0; i < INPUTS / 4; i++) {
    const bytes = random.bytes(random.below(120));
    // an IP version in front makes it past the first check
    if (bytes.length > 0 && random.chance(0.7)) bytes[0] = random.pick([0x45, 0x60, 0x4f]);
    const linkType = random.pick(Object.values(LinkType));
    if (pushOne(decoded, packetOf(bytes, { linkType, originalLength: random.below(200) }))) kept++;
  }
  assertSound(decoded, kept);
});

const DECODERS: readonly ((bytes: Uint8Array) => unknown)[] = [
  packet.decodeArp,
  packet.decodeEthernet,
  packet.decodeIcmp,
  packet.decodeIcmpv6,
  packet.decodeIpv4,
  packet.decodeIpv6,
  packet.decodeLoopback,
  packet.decodeSll,
  packet.decodeSll2,
  packet.decodeTcp,
  packet.decodeUdp,
  packet.decodeTcpOptions,
  packet.decodeIpv4Options,
  packet.decodeIpv6Options,
];

test("decoders of values give a value or a PacketError for any bytes, nothing else", () => {
  const random = new SeededRandom(3);
  let errors = 0;
  for (let i = 0; i < INPUTS / 10; i++) {
    const golden = random.pick(GOLDEN).bytes;
    const from = random.pick([0, 14, 34, 40, 54]);
    const bytes = mutate(golden.subarray(Math.min(from, golden.length)), random);
    for (const decodeValue of DECODERS) {
      try {
        decodeValue(bytes);
      } catch (thrown) {
        assertInstanceOf(thrown, PacketError);
        assert(thrown.code === "EPROTO" || thrown.code === "ETRUNCATED");
        errors++;
      }
    }
  }
  assert(errors > INPUTS / 10);
});

const VIEWS = [
  packet.ArpView,
  packet.EthernetView,
  packet.IcmpView,
  packet.Ipv4View,
  packet.Ipv6View,
  packet.LoopbackView,
  packet.SllView,
  packet.Sll2View,
  packet.TcpView,
  packet.UdpView,
] as const;

test("a view is refused exactly where its check says why, and its getters read nothing outside", () => {
  const random = new SeededRandom(4);
  for (let i = 0; i < INPUTS / 10; i++) {
    const bytes = mutate(random.pick(GOLDEN).bytes.subarray(random.pick([0, 14, 34])), random);
    for (const View of VIEWS) {
      const reason = View.check(bytes);
      let view: InstanceType<typeof View> | undefined;
      try {
        view = new View(bytes);
      } catch (thrown) {
        assertInstanceOf(thrown, PacketError);
        assert(reason !== null && thrown.message.endsWith(reason));
      }
      assertEquals(view === undefined, reason !== null);
      if (view === undefined) continue;
      for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(View.prototype))) {
        const value: unknown = get?.call(view);
        assert(get === undefined || (value !== undefined && !Number.isNaN(value)), `${View.name}.${name}`);
      }
    }
  }
});

test("a long chain of tags, extension headers or options costs linear time", () => {
  const tags = new Uint8Array(60_000);
  for (let at = 12; at + 1 < tags.length; at += 4) tags.set([0x81, 0], at);
  const chain = new Uint8Array(40 + 65_528).fill(0);
  chain.set([0x60, 0, 0, 0, 0xff, 0xf8, 60]);
  for (let at = 40; at < chain.length; at += 8) chain.set([60, 0, 1, 4], at);
  const packets = [packetOf(tags, { linkType: LinkType.ETHERNET }), packetOf(chain)];
  assertEquals(decode(packets).skipped, ["truncatedLink", "badExtensionHeader"]);
});
