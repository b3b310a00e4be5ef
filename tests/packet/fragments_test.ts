import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { concat } from "../../src/bytes/concat.ts";
import { readU16, writeU16 } from "../../src/bytes/integers.ts";
import { decodeIpv4, decodeIpv6, Ipv4View, parseAddress } from "../../src/packet/mod.ts";
import { PendingDatagrams } from "../../src/packet/pending_datagrams.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import {
  type Cuts,
  decode,
  type Decoded,
  decoderOf,
  packetOf,
  pattern,
  tcp,
  udp,
  V4,
  v4,
  v4Fragments,
  V6,
  v6,
  v6Fragments,
} from "./support.ts";

/** A fragmented part of 61 bytes: a UDP datagram. */
const PART4 = udp({ payload: pattern(53) }, V4);
const PART6 = udp({ payload: pattern(53) }, V6);
const CUTS: Cuts = [[0, 8], [8, 24], [24, 48], [48, 61]];

type Make = (cuts: Cuts, id?: number, part?: Uint8Array) => Uint8Array[];
const VERSIONS: readonly [version: 4 | 6, make: Make, part: Uint8Array][] = [
  [4, (cuts, identification = 7, part = PART4) => v4Fragments(part, cuts, { identification }), PART4],
  [6, (cuts, identification = 7, part = PART6) => v6Fragments(part, cuts, { identification }), PART6],
];

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}

function assertWhole(decoded: Decoded, count = 1): void {
  assertEquals(decoded.segments.length, count);
  for (const segment of decoded.segments) {
    assertEquals(segment.payload, pattern(53));
    assertEquals([segment.sourcePort, segment.destinationPort, segment.wirePayloadLength], [41111, 42222, 53]);
  }
}

test("6: fragments in any order, the first of 8 bytes, make one datagram with right checksums", () => {
  for (const [version, make] of VERSIONS) {
    const fragments = make(CUTS);
    for (const order of permutations(fragments)) {
      const decoded = decode(order, { verifyChecksums: true });
      assertWhole(decoded);
      assertEquals([decoded.segments[0]!.version, decoded.segments[0]!.checksum], [version, "valid"]);
      const { fragments: seen, reassembled, heldFragmentBytes, heldFragmentDatagrams } = decoded.decoder.stats;
      assertEquals([seen, reassembled, heldFragmentBytes, heldFragmentDatagrams], [4, 1, 0, 0]);
    }
  }
});

test("6: any cuts in any order give the datagram back", () => {
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 124 }), { minLength: 1, maxLength: 20 });
  fc.assert(fc.property(cuts, fc.nat(), fc.constantFrom(...VERSIONS), (units, seed, [version, make]) => {
    const payload = pattern(993);
    const part = udp({ payload }, version === 4 ? V4 : V6);
    const edges = [0, ...units.sort((a, b) => a - b).map((unit) => unit * 8), part.length];
    const pieces = edges.slice(1).map((end, i) => [edges[i]!, end] as const);
    const fragments = new SeededRandom(seed).shuffle(make(pieces, 1, part));
    const { segments } = decode(fragments, { verifyChecksums: true });
    assertEquals(segments.map((segment) => segment.payload), [payload]);
  }));
});

test("the datagram put together has the headers of its first fragment, without those of a fragment", () => {
  const options = [{ type: 7, data: new Uint8Array(9) }];
  const fragments4 = v4Fragments(PART4, CUTS, { options, ttl: 9, dscp: 5 });
  const whole4 = decode(fragments4.toReversed()).segments[0]!;
  const value4 = decodeIpv4(whole4.datagram);
  assertEquals([value4.ttl, value4.dscp, value4.hasMoreFragments, value4.fragmentOffset], [9, 5, false, 0]);
  assertEquals(value4.options, options);
  assertEquals(value4.payload, PART4);
  assert(new Ipv4View(whole4.datagram).isChecksumValid);
  const before = [{ kind: "destinationOptions" as const, options: [{ type: 5, data: new Uint8Array(2) }] }];
  const whole6 = decode(v6Fragments(PART6, CUTS, { before, hopLimit: 3 }).toReversed()).segments[0]!;
  const value6 = decodeIpv6(whole6.datagram);
  assertEquals([value6.hopLimit, value6.protocol], [3, 17]);
  assertEquals(value6.extensions, before);
  assertEquals(value6.payload, PART6);
});

test("the packet of a datagram put together is the one that completed it", () => {
  const packets = v4Fragments(PART4, CUTS).map((bytes, i) => packetOf(bytes, { number: i + 1 }));
  const { segments } = decode([packets[0]!, packets[3]!, packets[1]!, packets[2]!]);
  assertEquals(segments[0]!.packet.number, 3);
});

test("fragments are copied: changing the captured bytes afterwards changes nothing", () => {
  const packets = v4Fragments(PART4, CUTS).map((bytes) => packetOf(bytes));
  const decoded = decoderOf();
  for (const packet of packets) {
    decoded.push(packet);
    if (packet !== packets.at(-1)) packet.bytes.fill(0xee);
  }
  assertWhole(decoded);
});

test("link padding behind a fragment is not part of it", () => {
  const fragments = v4Fragments(PART4, CUTS).map((bytes) => concat([bytes, new Uint8Array(7)]));
  assertWhole(decode(fragments, { verifyChecksums: true }));
});

test("extension headers behind the Fragment header are read when the datagram is whole", () => {
  const inner = v6({ extensions: [{ kind: "destinationOptions", options: [] }], payload: PART6 }).subarray(40);
  const fragments = v6Fragments(inner, [[0, 8], [8, 40], [40, inner.length]], { protocol: 17 });
  for (const fragment of fragments) fragment[40] = 60;
  assertWhole(decode(fragments, { verifyChecksums: true }));
});

test("7, 14: overlapping fragments drop the whole datagram with what is still to come; a new one works", () => {
  const overlaps: Cuts[] = [
    [[0, 24], [16, 48], [48, 61]],
    [[0, 24], [8, 16], [24, 61]],
    [[8, 16], [0, 24], [24, 61]],
    [[24, 61], [0, 32]],
    [[0, 24], [0, 16], [24, 61]],
    [[0, 16], [0, 24], [24, 61]],
    [[16, 61], [0, 8], [8, 24]],
  ];
  for (const [, make] of VERSIONS) {
    for (const cuts of overlaps) {
      const decoded = decode([...make(cuts), ...make(CUTS)]);
      assertEquals(decoded.segments, [], JSON.stringify(cuts));
      assertEquals(decoded.skipped.filter((reason) => reason === "fragmentOverlap").length, 1);
      assertEquals(new Set(decoded.skipped), new Set(["fragmentOverlap", "fragmentOfDropped"]));
      assertEquals(decoded.decoder.stats.heldFragmentBytes, 0);
      for (const fragment of make(CUTS, 8)) decoded.push(packetOf(fragment));
      assertWhole(decoded);
    }
  }
});

test("7: the same range with other bytes is an overlap", () => {
  for (const [, make] of VERSIONS) {
    const fragments = make(CUTS);
    const forged = fragments[1]!.slice();
    forged[forged.length - 1]! ^= 1;
    assertEquals(decode([fragments[0]!, fragments[1]!, forged]).skipped, ["fragmentOverlap"]);
  }
});

test("7: last fragments that contradict each other or others are an overlap", () => {
  for (const [version, make, part] of VERSIONS) {
    const fragments = make(CUTS);
    const shorter = make([[0, 48]], 7, part.subarray(0, 48));
    const lastAt24 = make([[24, 48]], 7, part.subarray(0, 48));
    const name = `IPv${version}`;
    // two ends; an end before what was seen; more behind the end
    assertEquals(decode([fragments[3]!, lastAt24[0]!]).skipped, ["fragmentOverlap"], name);
    assertEquals(decode([fragments[2]!, lastAt24[0]!]).skipped, ["fragmentOverlap"], name);
    assertEquals(decode([lastAt24[0]!, fragments[2]!]).skipped, ["fragmentOverlap"], name);
    assertEquals(decode([lastAt24[0]!, fragments[3]!]).skipped, ["fragmentOverlap"], name);
    const lastAt8 = make([[8, 20]], 7, part.subarray(0, 20));
    assertEquals(decode([fragments[2]!, lastAt8[0]!]).skipped, ["fragmentOverlap"], name);
    // not a fragment at all, so it has nothing to do with them
    assertEquals(shorter.length, 1);
    assertWholeButFor(fragments, shorter[0]!);
  }
});

/** A whole datagram of the same identification does not disturb the fragments (RFC 6946). */
function assertWholeButFor(fragments: Uint8Array[], other: Uint8Array): void {
  const { segments, skipped } = decode([fragments[0]!, other, ...fragments.slice(1)]);
  assertEquals(segments.at(-1)!.payload, pattern(53));
  assertEquals(segments.length + skipped.length, 2);
}

test("8: exact duplicates are tolerated and counted, in every place", () => {
  for (const [, make] of VERSIONS) {
    const fragments = make(CUTS);
    for (let twice = 0; twice < 3; twice++) {
      const decoded = decode(fragments.toSpliced(twice, 0, fragments[twice]!));
      assertWhole(decoded);
      assertEquals(decoded.skipped, ["duplicateFragment"]);
      assertEquals(decoded.errors, []);
    }
    const last = decode([fragments[3]!, fragments[3]!, ...fragments.slice(0, 3)]);
    assertWhole(last);
  }
});

test("9: the last fragment may have any length; an empty one or a middle one that is no multiple of 8 is dropped", () => {
  for (const [, make] of VERSIONS) {
    for (let end = 49; end <= 60; end++) {
      const part = make([[0, 24], [24, 48], [48, end]], 7, pattern(end));
      assertEquals(decode(part).decoder.stats.reassembled, 1);
    }
    for (const end of [1, 7, 9, 23]) {
      const { skipped, decoder } = decode(make([[0, end]]));
      assertEquals(skipped, ["badFragmentLength"], `${end}`);
      assertEquals(decoder.stats.heldFragmentDatagrams, 0);
    }
    assertEquals(decode(make([[8, 8]], 7, pattern(8))).skipped, ["badFragmentLength"]);
    assertEquals(decode(make([[8, 8]])).skipped, ["badFragmentLength"]);
  }
});

test("10: a datagram of more than 65535 bytes is dropped and its memory freed (ping of death)", () => {
  const before = pattern(1400);
  const ping4 = [
    v4({ hasMoreFragments: true, payload: before }),
    v4({ fragmentOffset: 65528, payload: pattern(100) }),
  ];
  const long6 = { kind: "fragment" as const, offset: 65528, hasMore: false, identification: 7 };
  const ping6 = [
    v6({ extensions: [{ ...long6, offset: 0, hasMore: true }], payload: before }),
    v6({ extensions: [long6], payload: pattern(100) }),
  ];
  for (const fragments of [ping4, ping6]) {
    const inOrder = decode(fragments);
    assertEquals(inOrder.skipped, ["fragmentBeyondLimit"]);
    const reversed = decode(fragments.toReversed());
    assertEquals(reversed.skipped, ["fragmentBeyondLimit", "fragmentOfDropped"]);
    for (const { segments, decoder } of [inOrder, reversed]) {
      assertEquals([segments.length, decoder.stats.heldFragmentBytes], [0, 0]);
    }
  }
});

test("10: the last byte that may be is the 65535th", () => {
  const ending = (length: number) => v4({ protocol: 253, fragmentOffset: 65512, payload: pattern(length) });
  assertEquals(decode([ending(3)]).skipped, []);
  assertEquals(decode([ending(4)]).skipped, ["fragmentBeyondLimit"]);
});

test("10: the largest datagram is put together; with longer headers in its first fragment it is too large", () => {
  const part = pattern(65515);
  const cuts = Array.from({ length: 48 }, (_, i) => [i * 1400, Math.min(65515, (i + 1) * 1400)] as const)
    .filter(([start, end]) => end > start);
  const { segments } = decode(v4Fragments(part, cuts, { protocol: 253 }));
  assertEquals(segments[0]!.datagram.length, 65535);
  assertEquals(segments[0]!.payload, part);
  const options = [{ type: 7, data: new Uint8Array(5) }];
  const [, ...rest] = v4Fragments(part, cuts, { protocol: 253 });
  const [first] = v4Fragments(part, cuts, { protocol: 253, options });
  const tooLarge = decode([...rest, first!]);
  assertEquals(tooLarge.skipped, ["fragmentBeyondLimit"]);
  assertEquals(tooLarge.decoder.stats.heldFragmentBytes, 0);
  const largest6 = pattern(65535);
  const cuts6 = Array.from({ length: 64 }, (_, i) => [i * 1024, Math.min(65535, (i + 1) * 1024)] as const);
  assertEquals(decode(v6Fragments(largest6, cuts6, { protocol: 253 })).segments[0]!.payload, largest6);
});

test("11: an incomplete datagram is given up 30 s (IPv4) or 60 s (IPv6) after its first fragment", () => {
  for (const [version, make] of VERSIONS) {
    const timeout = version === 4 ? 30_000 : 60_000;
    const [first, second, ...rest] = make(CUTS).map((bytes) => packetOf(bytes, { atMs: 1000 }));
    const late = (packet: typeof first, atMs: number) => packetOf(packet!.bytes, { atMs });
    const decoded = decode([first!, late(second, 20_000)]);
    assertEquals(decoded.decoder.timeoutAt(), 1000 + timeout);
    decoded.decoder.onTimeout(1000 + timeout - 1);
    assertEquals(decoded.decoder.stats.heldFragmentDatagrams, 1);
    decoded.decoder.onTimeout(1000 + timeout);
    assertEquals(decoded.decoder.stats.heldFragmentDatagrams, 0);
    assertEquals([decoded.decoder.stats.heldFragmentBytes, decoded.decoder.stats.fragmentTimeouts], [0, 1]);
    assertEquals(decoded.decoder.timeoutAt(), Infinity);
    for (const packet of rest) decoded.push(late(packet, 1000 + timeout));
    assertEquals(decoded.segments, []);
  }
});

test("11: capture time alone runs the timeout, also while other packets come", () => {
  const [first, ...rest] = v4Fragments(PART4, CUTS);
  const whole = v4({ payload: PART4 });
  const early = decode([packetOf(first!), packetOf(whole, { atMs: 29_999 })]);
  for (const fragment of rest) early.push(packetOf(fragment, { atMs: 29_999 }));
  assertWhole(early, 2);
  const late = decode([packetOf(first!), packetOf(whole, { atMs: 30_000 })]);
  assertEquals(late.decoder.stats.fragmentTimeouts, 1);
  for (const fragment of rest) late.push(packetOf(fragment, { atMs: 30_000 }));
  assertWhole(late, 1);
});

test("fragmentTimeoutMs sets both times", () => {
  const decoded = decode([v4Fragments(PART4, CUTS)[0]!], { fragmentTimeoutMs: { v4: 5, v6: 3 } });
  assertEquals(decoded.decoder.timeoutAt(), 5);
  decoded.push(packetOf(v6Fragments(PART6, CUTS)[0]!));
  assertEquals(decoded.decoder.timeoutAt(), 3);
});

test("12: with 10,000 incomplete datagrams the memory stays under maxFragmentBytes and live ones complete", () => {
  const maxFragmentBytes = 64 * 1024;
  const decoded = decoderOf({ maxFragmentBytes, maxFragmentDatagrams: 1_000_000 });
  const random = new SeededRandom(12);
  let completed = 0;
  for (let i = 0; i < 10_000; i++) {
    const source = random.bytes(4);
    decoded.push(packetOf(v4({ source, identification: i & 0xffff, hasMoreFragments: true, payload: pattern(80) })));
    assert(decoded.decoder.stats.heldFragmentBytes <= maxFragmentBytes);
    if (i % 100 !== 0) continue;
    const live = v4Fragments(PART4, CUTS, { source: parseAddress("203.0.113.9"), identification: i & 0xffff });
    for (const fragment of live) decoded.push(packetOf(fragment));
    completed++;
  }
  assertWhole(decoded, completed);
  const { fragmentEvictions, heldFragmentDatagrams } = decoded.decoder.stats;
  assertEquals(fragmentEvictions + heldFragmentDatagrams, 10_000);
  assert(fragmentEvictions > 9000);
});

test("maxFragmentDatagrams evicts the oldest datagram, over both versions", () => {
  const [a0, ...a] = v4Fragments(PART4, CUTS, { identification: 1 });
  const [b0, ...b] = v6Fragments(PART6, CUTS, { identification: 2 });
  const [c0, ...c] = v4Fragments(PART4, CUTS, { identification: 3 });
  const start = [a0!, b0!, c0!].map((bytes, i) => packetOf(bytes, { atMs: i }));
  const decoded = decode(start, { maxFragmentDatagrams: 2 });
  assertEquals([decoded.decoder.stats.heldFragmentDatagrams, decoded.decoder.stats.fragmentEvictions], [2, 1]);
  for (const bytes of [...b, ...c]) decoded.push(packetOf(bytes));
  assertWhole(decoded, 2);
  for (const bytes of a) decoded.push(packetOf(bytes));
  assertWhole(decoded, 2);
});

test("maxFragmentBytes smaller than one datagram refuses it and keeps nothing", () => {
  const { skipped, decoder, segments } = decode(v4Fragments(PART4, CUTS), { maxFragmentBytes: 300 });
  assertEquals(segments, []);
  assertEquals(skipped, ["fragmentMemory", "fragmentMemory"]);
  assertEquals([decoder.stats.heldFragmentBytes, decoder.stats.fragmentEvictions], [0, 2]);
});

test("maxFragmentBytes counts the headers kept for the first fragment", () => {
  const before = [{ kind: "routing" as const, type: 4, segmentsLeft: 0, data: new Uint8Array(1012) }];
  const { decoder } = decode(v6Fragments(PART6, [[0, 8]], { before }));
  assertEquals(decoder.stats.heldFragmentBytes, 8 + 192 + 40 + 1016);
});

test("maxFragmentsPerDatagram drops a datagram in more fragments", () => {
  const cuts = Array.from({ length: 6 }, (_, i) => [i * 8, (i + 1) * 8] as const);
  const exact = decode(v4Fragments(pattern(48), cuts, { protocol: 253 }), { maxFragmentsPerDatagram: 6 });
  assertEquals(exact.segments.length, 1);
  const more = decode(v4Fragments(pattern(48), cuts, { protocol: 253 }), { maxFragmentsPerDatagram: 4 });
  assertEquals(more.skipped, ["tooManyFragments", "fragmentOfDropped"]);
  assertEquals(more.decoder.stats.heldFragmentBytes, 0);
});

test("dropped datagrams count as held until their time is over", () => {
  const [first, second] = v4Fragments(PART4, [[0, 24], [16, 61]]);
  const decoded = decode([first!, second!]);
  assertEquals(decoded.decoder.stats.heldFragmentDatagrams, 1);
  decoded.decoder.onTimeout(30_000);
  assertEquals([decoded.decoder.stats.heldFragmentDatagrams, decoded.decoder.stats.fragmentTimeouts], [0, 0]);
  for (const fragment of v4Fragments(PART4, CUTS)) decoded.push(packetOf(fragment, { atMs: 30_000 }));
  assertWhole(decoded);
});

test("13: an IPv6 atomic fragment is read alone and never mixed with fragments of the same identification", () => {
  const atomic = v6({
    extensions: [{ kind: "fragment", offset: 0, hasMore: false, identification: 7 }],
    payload: PART6,
  });
  // the reserved bits are no part of the offset
  atomic[43] = 0x06;
  const [first, ...rest] = v6Fragments(PART6, CUTS);
  const decoded = decode([first!, atomic, ...rest], { verifyChecksums: true });
  assertWhole(decoded, 2);
  assertEquals(decoded.decoder.stats.fragments, 4);
});

test("fragments of other datagrams are told apart by each part of the key", () => {
  const others: [Uint8Array, string][] = [
    [v4Fragments(PART4, CUTS, { identification: 8 })[1]!, "identification"],
    [v4Fragments(PART4, CUTS, { protocol: 253 })[1]!, "protocol"],
    [v4Fragments(PART4, CUTS, { source: parseAddress("192.0.2.2") })[1]!, "source"],
    [v4Fragments(PART4, CUTS, { destination: parseAddress("192.0.2.2") })[1]!, "destination"],
  ];
  for (const [other, name] of others) {
    const [first, second, third, fourth] = v4Fragments(PART4, CUTS);
    const decoded = decode([first!, other, third!, fourth!]);
    assertEquals([decoded.segments.length, decoded.decoder.stats.heldFragmentDatagrams], [0, 2], name);
    decoded.push(packetOf(second!));
    assertWhole(decoded);
  }
});

test("a fragment in a fragment is refused", () => {
  const inner = v6({
    extensions: [{ kind: "fragment", offset: 0, hasMore: true, identification: 1 }],
    payload: pattern(48),
  }).subarray(40);
  const fragments = v6Fragments(inner, [[0, 24], [24, inner.length]], { protocol: 17 });
  for (const fragment of fragments) fragment[40] = 44;
  assertEquals(decode(fragments).skipped, ["nestedFragment"]);
});

test("a fragment cut by the capture is counted and not used", () => {
  for (const [, make] of VERSIONS) {
    const [first] = make(CUTS);
    const cut = packetOf(first!.subarray(0, first!.length - 1), { originalLength: first!.length });
    assertEquals(decode([cut]).skipped, ["cutFragment"]);
  }
});

test("1: a fragment with a wrong header checksum is never used, even where bad checksums are kept", () => {
  const [first] = v4Fragments(PART4, CUTS);
  first![8] = 1;
  const { skipped } = decode([first!], { verifyChecksums: true, badChecksum: "keep" });
  assertEquals(skipped, ["badIpChecksum"]);
});

test("29: a wrong checksum over a datagram put together is found", () => {
  const part = tcp({ payload: pattern(41) }, V4);
  writeU16(part, 16, readU16(part, 16) ^ 1);
  const fragments = v4Fragments(part, CUTS, { protocol: 6 });
  assertEquals(decode(fragments, { verifyChecksums: true }).skipped, ["badTcpChecksum"]);
});

test("5: a source routed datagram in fragments has no checksum to verify, like a whole one", () => {
  const destination = parseAddress("203.0.113.1");
  const part = udp({ payload: pattern(53) }, { ...V4, destination });
  const options = [{ type: 131, data: concat([Uint8Array.of(4), destination]) }];
  const fragments = v4Fragments(part, CUTS, { options });
  const { segments, skipped } = decode(fragments, { verifyChecksums: true, sourceRouted: "keep" });
  assertEquals(skipped, []);
  assertEquals(segments.map(({ checksum, payload }) => [checksum, payload]), [["unverified", pattern(53)]]);
  // other options say nothing about addresses
  const recorded = v4Fragments(PART4, CUTS, { options: [{ type: 7, data: new Uint8Array(5) }] });
  assertEquals(decode(recorded, { verifyChecksums: true }).segments[0]!.checksum, "valid");
});

test("31: a datagram of 65507 bytes comes out of its fragments", () => {
  const payload = pattern(65507);
  const part = udp({ payload }, V4);
  const cuts = Array.from({ length: 45 }, (_, i) => [i * 1480, Math.min(part.length, (i + 1) * 1480)] as const);
  const { segments } = decode(v4Fragments(part, cuts), { verifyChecksums: true });
  assertEquals(segments[0]!.payload, payload);
  assertEquals(segments[0]!.checksum, "valid");
});

test("the end of the capture frees incomplete datagrams and counts them", () => {
  const decoded = decode([v4Fragments(PART4, CUTS)[0]!, v6Fragments(PART6, CUTS)[0]!]);
  decoded.decoder.end(0);
  const { heldFragmentBytes, heldFragmentDatagrams, fragmentTimeouts } = decoded.decoder.stats;
  assertEquals([heldFragmentBytes, heldFragmentDatagrams, fragmentTimeouts], [0, 0, 2]);
  assertEquals(decoded.decoder.timeoutAt(), Infinity);
});

test("pending datagrams stay in order of their start, whichever are taken out", () => {
  const random = new SeededRandom(8);
  const datagrams = new PendingDatagrams();
  const model: string[] = [];
  for (let i = 0; i < 2000; i++) {
    if (random.chance(0.55) || model.length === 0) {
      datagrams.start(`${i}`, i, i + 10);
      model.push(`${i}`);
    } else {
      const [key] = model.splice(random.pick([0, model.length - 1, random.below(model.length)]), 1);
      datagrams.delete(datagrams.get(key!)!);
    }
    assertEquals([datagrams.size, datagrams.oldest?.key], [model.length, model[0]]);
  }
  for (const key of model) {
    assertEquals(datagrams.oldest?.key, key);
    datagrams.delete(datagrams.oldest!);
  }
  assertEquals([datagrams.size, datagrams.oldest], [0, undefined]);
});
