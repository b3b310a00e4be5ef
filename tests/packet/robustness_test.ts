/** Hostile bytes: every cut, every mutation. Nothing throws, nothing is read outside, every packet is counted once. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { test } from "node:test";
import { concat } from "../../src/bytes/concat.ts";
import * as packet from "../../src/packet/mod.ts";
import {
  LinkType,
  type Packet,
  PacketError,
  type Segment,
  type SegmentDecoder,
  type SegmentDecoderOptions,
} from "../../src/packet/mod.ts";
import { mutate } from "../../src/sim/mutate.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import { fuzzInputs, fuzzSeeds } from "../support/fuzz.ts";
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

function assertWithin(segment: Segment): void {
  assert(segment.transportOffset <= segment.payloadOffset);
  assert(segment.payloadOffset <= segment.payloadEnd);
  assert(segment.payloadEnd <= segment.datagram.length);
  assert(segment.wirePayloadLength >= segment.payloadEnd - segment.payloadOffset);
}

/** Pushes hostile packets and counts what becomes of them; keeps none, so that there may be millions. */
class Audit {
  readonly decoder: SegmentDecoder;
  readonly reasons: Set<string> = new Set();
  packets = 0;
  segments = 0;
  skipped = 0;
  /** Fragments kept. */
  kept = 0;
  readonly #decoded: Decoded;

  constructor(options: SegmentDecoderOptions) {
    this.#decoded = decoderOf(options);
    this.decoder = this.#decoded.decoder;
  }

  /** Pushes a packet that must become a segment that lies within what was captured, be skipped, or be kept. */
  push(one: Packet): void {
    const { segments, skipped, errors } = this.#decoded;
    const { fragments } = this.decoder.stats;
    this.#decoded.push(one);
    this.packets++;
    assert(segments.length + skipped.length <= 1, "counted twice");
    if (segments.length + skipped.length === 0) {
      assert(this.decoder.stats.fragments > fragments, "lost");
      this.kept++;
    }
    segments.forEach(assertWithin);
    for (const reason of skipped) this.reasons.add(reason);
    this.segments += segments.length;
    this.skipped += skipped.length;
    segments.length = skipped.length = errors.length = 0;
  }

  /** The decoder's counters say the same. */
  finish(): void {
    const { stats, reasons } = this.decoder;
    assertEquals([stats.packets, stats.segments, stats.skipped], [this.packets, this.segments, this.skipped]);
    assertEquals(reasons.total, this.skipped);
    assertEquals(this.packets, this.segments + this.skipped + this.kept);
    assertEquals(new Set(Object.keys(reasons.toJSON())), this.reasons);
  }
}

/** Runs `check` on the inputs that the settings ask for, with one source of randomness for each seed. */
function eachInput(salt: number, share: number, check: (random: SeededRandom, number: number) => void): number {
  const inputs = Math.ceil(fuzzInputs() * share);
  for (const seed of fuzzSeeds()) {
    const random = new SeededRandom(seed * 0x10000 + salt);
    for (let number = 0; number < inputs; number++) check(random, number);
  }
  return inputs * fuzzSeeds().length;
}

test("every golden packet decodes, and every fragment finds its others", () => {
  const decoded = decode(GOLDEN, { verifyChecksums: true });
  assertEquals(decoded.decoder.reasons.toJSON(), { arp: 2 });
  assertEquals(decoded.decoder.stats.reassembled, 4);
});

test("every truncation of every golden packet is counted once and never throws, cut by the wire or by the capture", () => {
  for (const golden of GOLDEN) {
    const audit = new Audit({ verifyChecksums: true });
    for (let length = 0; length < golden.bytes.length; length++) {
      const bytes = unaligned(golden.bytes.subarray(0, length));
      for (const originalLength of [length, golden.bytes.length]) {
        audit.push({ ...golden, bytes, originalLength });
      }
    }
    audit.finish();
    assertEquals(audit.packets, 2 * golden.bytes.length);
  }
});

test("seeded mutations of golden packets are each counted once and never throw", () => {
  for (const verifyChecksums of [true, false]) {
    const audit = new Audit({ verifyChecksums, badChecksum: "keep", maxFragmentBytes: 100_000 });
    const inputs = eachInput(1, 0.5, (random, number) => {
      const golden = random.pick(GOLDEN);
      const bytes = mutate(golden.bytes, random);
      const originalLength = random.chance(0.5) ? bytes.length : golden.originalLength;
      const linkType = random.chance(0.05) ? random.pick(Object.values(LinkType)) : golden.linkType;
      audit.push({ ...golden, bytes, originalLength, linkType, seconds: number / 1000 | 0 });
    });
    audit.finish();
    const { packets, segments, skipped, reasons, decoder } = audit;
    assertEquals(packets, inputs);
    assert(decoder.stats.heldFragmentBytes <= 100_000);
    decoder.end(0);
    assertEquals(decoder.stats.heldFragmentBytes, 0);
    if (packets < 1000) continue;
    // about a third survive; rare reasons need many inputs
    assert(segments > packets / 10, `${segments} of ${packets} survived: the mutations are too wild to test much`);
    assert(skipped > packets / 10, `${skipped} of ${packets} broke`);
    assert(reasons.size > 15 || packets < 10_000, `${reasons.size} reasons seen`);
  }
});

test("random bytes of every link type never throw", () => {
  const audit = new Audit({ verifyChecksums: true });
  eachInput(2, 0.25, (random) => {
    const bytes = random.bytes(random.below(120));
    // an IP version in front makes it past the first check
    if (bytes.length > 0 && random.chance(0.7)) bytes[0] = random.pick([0x45, 0x60, 0x4f]);
    const linkType = random.pick(Object.values(LinkType));
    audit.push(packetOf(bytes, { linkType, originalLength: random.below(200) }));
  });
  audit.finish();
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
  let errors = 0;
  const inputs = eachInput(3, 0.1, (random) => {
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
  });
  assert(errors > inputs && errors < inputs * DECODERS.length, `${errors} errors`);
});

const VIEWS = [
  packet.ArpView,
  packet.EthernetView,
  packet.IcmpView,
  packet.Icmpv6View,
  packet.Ipv4View,
  packet.Ipv6View,
  packet.LoopbackView,
  packet.SllView,
  packet.Sll2View,
  packet.TcpView,
  packet.UdpView,
] as const;

/** Those of the class and of the one that it extends. */
function gettersOf(prototype: object): [name: string, descriptor: PropertyDescriptor][] {
  return [prototype, Object.getPrototypeOf(prototype) as object]
    .flatMap((each) => each === Object.prototype ? [] : Object.entries(Object.getOwnPropertyDescriptors(each)));
}

test("a view is refused exactly where its check says why, and its getters read nothing outside", () => {
  eachInput(4, 0.1, (random) => {
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
      for (const [name, { get }] of gettersOf(View.prototype)) {
        const value: unknown = get?.call(view);
        assert(get === undefined || (value !== undefined && !Number.isNaN(value)), `${View.name}.${name}`);
      }
    }
  });
});

test("the longest chains of tags and of extension headers are followed to their end", () => {
  const tags = new Uint8Array(60_000);
  for (let at = 12; at + 1 < tags.length; at += 4) tags.set([0x81, 0], at);
  const chain = new Uint8Array(40 + 65_528).fill(0);
  chain.set([0x60, 0, 0, 0, 0xff, 0xf8, 60]);
  for (let at = 40; at < chain.length; at += 8) chain.set([60, 0, 1, 4], at);
  const packets = [packetOf(tags, { linkType: LinkType.ETHERNET }), packetOf(chain)];
  assertEquals(decode(packets).skipped, ["truncatedLink", "badExtensionHeader"]);
});
