import { assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { internetChecksum } from "../../src/bytes/checksum.ts";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { writeU16 } from "../../src/bytes/integers.ts";
import {
  encodeEthernet,
  encodeLoopback,
  encodeSll,
  encodeSll2,
  ethernetLength,
  type Ipv6Extension,
  LinkType,
  loopbackLength,
  type Packet,
  PacketError,
  SegmentDecoder,
  sll2Length,
  sllLength,
} from "../../src/packet/mod.ts";
import {
  decode,
  decoderOf,
  packetOf,
  pattern,
  readCapture,
  tcp,
  udp,
  unaligned,
  V4,
  v4,
  V6,
  v6,
  written,
} from "./support.ts";

const HELLO = new TextEncoder().encode("hello");
const UDP4 = v4({ payload: udp({ payload: HELLO }, V4) });
const UDP6 = v6({ payload: udp({ payload: HELLO }, V6) });
const TCP4 = v4({ protocol: 6, payload: tcp({ payload: HELLO, options: [{ kind: "mss", size: 1460 }] }, V4) });
const TCP6 = v6({ protocol: 6, payload: tcp({ payload: HELLO }, V6) });
const MACS = { destination: fromHex("66a8c826de47"), source: fromHex("9eced7a5bf54"), tags: [] };

/** A copy with one byte set. */
function patched(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

function skipsOf(packet: Packet | Uint8Array, options = {}): string[] {
  const { segments, skipped, decoder } = decode([packet], options);
  assertEquals(decoder.reasons.total, skipped.length);
  assertEquals(segments.length + skipped.length, 1);
  return skipped;
}

function frame(etherType: number, payload: Uint8Array, tags: number[] = []): Packet {
  const value = {
    ...MACS,
    etherType,
    payload,
    tags: tags.map((protocol, id) => ({ protocol, priority: 0, isDropEligible: false, id })),
  };
  const bytes = written(ethernetLength(value), (into) => encodeEthernet(value, into));
  return packetOf(bytes, { linkType: LinkType.ETHERNET });
}

test("a segment knows its addresses, ports, header and payload", () => {
  for (const [bytes, version, source] of [[TCP4, 4, "192.0.2.1"], [TCP6, 6, "2001:db8::1"]] as const) {
    const packet = packetOf(unaligned(bytes));
    const { segments: [segment] } = decode([packet]);
    assertStrictEquals(segment!.packet, packet);
    assertEquals(segment!.version, version);
    assertEquals(segment!.protocol, 6);
    assertEquals(segment!.sourceAddress, source);
    assertEquals([segment!.sourcePort, segment!.destinationPort], [41111, 42222]);
    assertEquals(segment!.header.length, version === 4 ? 24 : 20);
    assertEquals(segment!.payload, HELLO);
    assertEquals(segment!.wirePayloadLength, 5);
    assertEquals(segment!.checksum, "unverified");
  }
});

test("no new view is made where the packet is the datagram", () => {
  const packet = packetOf(UDP4);
  assertStrictEquals(decode([packet]).segments[0]!.datagram, packet.bytes);
});

test("the datagram behind a link header is a view of the packet, without what is padded behind it", () => {
  for (const [type, bytes] of [[0x0800, UDP4], [0x86dd, UDP6]] as const) {
    const packet = frame(type, concat([bytes, new Uint8Array(13).fill(0xee)]));
    const { segments: [segment] } = decode([packet]);
    assertStrictEquals(segment!.bytes, segment!.packet.bytes);
    assertEquals(segment!.datagramOffset, 14);
    assertEquals(segment!.datagram, bytes);
    assertEquals([segment!.sourcePort, segment!.destinationPort], [41111, 42222]);
    assertStrictEquals(segment!.datagram.buffer, segment!.packet.bytes.buffer);
  }
});

test("a cut packet's datagram ends where the capture cut it", () => {
  const { segments: [segment] } = decode([
    packetOf(UDP4.subarray(0, UDP4.length - 2), { originalLength: UDP4.length }),
  ]);
  assertEquals(segment!.datagram, UDP4.subarray(0, UDP4.length - 2));
  assertEquals([segment!.payload.length, segment!.wirePayloadLength], [3, 5]);
});

test("every link header leads to the IP header", () => {
  const cooked = { packetType: 0, hardwareType: 1, address: MACS.source, interfaceIndex: 3 };
  for (const [ip, type, families] of [[UDP4, 0x0800, [2]], [UDP6, 0x86dd, [10, 24, 28, 30]]] as const) {
    const sll = { ...cooked, protocol: type, payload: ip };
    const snap = concat([
      MACS.destination,
      MACS.source,
      fromHex("0031aaaa03000000"),
      Uint8Array.of(type >> 8, type),
      ip,
    ]);
    const llc = concat([fromHex("aaaa03000000"), Uint8Array.of(type >> 8, type), ip]);
    const vlanInCooked = concat([fromHex("0007"), Uint8Array.of(type >> 8, type), ip]);
    const tagged = [0x8100, 0x88a8, 0x9100].map((protocol) => ({ protocol, payload: vlanInCooked }));
    const packets: Packet[] = [
      frame(type, ip),
      frame(type, ip, [0x8100]),
      frame(type, ip, [0x88a8, 0x8100]),
      frame(type, ip, [0x9100, 0x8100, 0x8100]),
      packetOf(snap, { linkType: LinkType.ETHERNET }),
      packetOf(written(sllLength(sll), (into) => encodeSll(sll, into)), { linkType: LinkType.LINUX_SLL }),
      packetOf(written(sll2Length(sll), (into) => encodeSll2(sll, into)), { linkType: LinkType.LINUX_SLL2 }),
      ...[{ protocol: 4, payload: llc }, ...tagged].flatMap((inner) => {
        const value = { ...cooked, ...inner };
        return [
          packetOf(written(sllLength(value), (into) => encodeSll(value, into)), { linkType: LinkType.LINUX_SLL }),
          packetOf(written(sll2Length(value), (into) => encodeSll2(value, into)), { linkType: LinkType.LINUX_SLL2 }),
        ];
      }),
      ...[LinkType.RAW, LinkType.RAW_12, LinkType.RAW_14, type === 0x0800 ? LinkType.IPV4 : LinkType.IPV6]
        .map((linkType) => packetOf(ip, { linkType })),
      ...families.flatMap((family) =>
        [true, false].map((isLittleEndian) => {
          const value = { family, isLittleEndian, payload: ip };
          const bytes = written(loopbackLength(value), (into) => encodeLoopback(value, into));
          return packetOf(bytes, { linkType: isLittleEndian ? LinkType.NULL : LinkType.LOOP });
        })
      ),
    ];
    const { segments, skipped } = decode(packets);
    assertEquals(skipped, []);
    for (const segment of segments) assertEquals(segment.payload, HELLO);
    assertEquals(segments.length, packets.length);
  }
});

test("what is not IP is skipped by name, without an error", () => {
  const arp = frame(0x0806, new Uint8Array(28));
  const lldp = frame(0x88cc, new Uint8Array(40));
  const llc = packetOf(concat([MACS.destination, MACS.source, fromHex("0026424203000000")]), { linkType: 1 });
  const cisco = packetOf(concat([MACS.destination, MACS.source, fromHex("0029aaaa0300000c0800"), UDP4]), {
    linkType: 1,
  });
  const netlink = packetOf(concat([fromHex("00040338000000000000000000000800"), UDP4]), {
    linkType: LinkType.LINUX_SLL,
  });
  const wifi = packetOf(new Uint8Array(64), { linkType: 105 });
  const other = packetOf(fromHex("00000010aabb"), { linkType: LinkType.LOOP });
  const { skipped, errors } = decode([arp, lldp, llc, cisco, netlink, wifi, other]);
  assertEquals(skipped, ["arp", "nonIp", "nonIp", "nonIp", "nonIp", "unknownLinkType", "nonIp"]);
  assertEquals(errors, []);
});

test("1: an IPv4 header with a wrong checksum is dropped and counted when verification is on", () => {
  const bad = patched(UDP4, 8, 63);
  assertEquals(skipsOf(bad, { verifyChecksums: true }), ["badIpChecksum"]);
  assertEquals(skipsOf(bad), []);
});

test("2: version 5, header length 4, total length below the header or beyond the packet have each a counter", () => {
  assertEquals(skipsOf(patched(UDP4, 0, 0x55)), ["badIpVersion"]);
  assertEquals(skipsOf(patched(UDP4, 0, 0x44)), ["badIpHeaderLength"]);
  assertEquals(skipsOf(patched(UDP4, 3, 19)), ["badIpTotalLength"]);
  const withOptions = v4({ options: [{ type: 7, data: new Uint8Array(2) }], payload: udp({}, V4) });
  assertEquals(skipsOf(patched(withOptions, 3, 23)), ["badIpTotalLength"]);
  assertEquals(skipsOf(patched(UDP4, 3, UDP4.length + 1)), ["ipLengthBeyondPacket"]);
  assertEquals(skipsOf(patched(UDP6, 5, UDP6.length)), ["ipLengthBeyondPacket"]);
  assertEquals(skipsOf(UDP4.subarray(0, 19)), ["truncatedIp"]);
  assertEquals(skipsOf(UDP6.subarray(0, 39)), ["truncatedIp"]);
  assertEquals(skipsOf(frame(0x86dd, UDP4)), ["badIpVersion"]);
  assertEquals(skipsOf(packetOf(UDP4, { linkType: LinkType.IPV6 })), ["badIpVersion"]);
});

test("2: link padding behind the datagram is no payload", () => {
  for (const [type, bytes] of [[0x0800, UDP4], [0x86dd, UDP6], [0x0800, TCP4], [0x86dd, TCP6]] as const) {
    const padded = concat([bytes, new Uint8Array(13).fill(0xee)]);
    const { segments: [segment] } = decode([frame(type, padded)], { verifyChecksums: true });
    assertEquals(segment!.payload, HELLO);
    assertEquals([segment!.wirePayloadLength, segment!.checksum], [5, "valid"]);
  }
});

test("5: IPv4 options are passed over, also unknown ones", () => {
  const options = [
    { type: 1, data: new Uint8Array(0) },
    { type: 7, data: fromHex("0400000000") },
    { type: 68, data: fromHex("0500" + "00000000") },
    { type: 222, data: fromHex("aabb") },
  ];
  const { segments: [segment] } = decode([v4({ options, payload: udp({ payload: HELLO }, V4) })]);
  assertEquals(segment!.payload, HELLO);
});

test("5: source routed packets are dropped and counted by default, and kept with sourceRouted", () => {
  for (const type of [131, 137]) {
    const bytes = v4({ options: [{ type, data: fromHex("0800000000") }], payload: udp({}, V4) });
    assertEquals(skipsOf(bytes), ["sourceRouted"]);
    assertEquals(skipsOf(bytes, { sourceRouted: "keep" }), []);
    // the sender summed up the last address of the route, which is not in the fixed header
    const { segments: [segment] } = decode([bytes], { sourceRouted: "keep", verifyChecksums: true });
    assertEquals(segment!.checksum, "unverified");
  }
});

test("5: malformed IPv4 options are counted", () => {
  for (const options of ["07000000", "07010000", "07050000", "01010107"]) {
    const bytes = v4({ options: new Array(4).fill({ type: 1, data: new Uint8Array(0) }), payload: udp({}, V4) });
    bytes.set(fromHex(options), 20);
    assertEquals(skipsOf(bytes), ["badIpOptions"]);
  }
});

test("15: hop-by-hop, destination options, routing, atomic fragment and authentication lead to TCP", () => {
  const extensions: Ipv6Extension[] = [
    { kind: "hopByHop", options: [{ type: 5, data: fromHex("0000") }] },
    { kind: "destinationOptions", options: [{ type: 0x1e, data: pattern(300).subarray(0, 20) }] },
    { kind: "routing", type: 2, segmentsLeft: 0, data: pattern(20) },
    { kind: "fragment", offset: 0, hasMore: false, identification: 9 },
    { kind: "authentication", spi: 1, sequence: 2, icv: pattern(12) },
    { kind: "destinationOptions", options: [] },
  ];
  const bytes = v6({ extensions, protocol: 6, payload: tcp({ payload: HELLO }, V6) });
  const { segments: [segment], decoder } = decode([bytes], { verifyChecksums: true });
  assertEquals(segment!.payload, HELLO);
  assertEquals(segment!.checksum, "valid");
  assertEquals(decoder.stats.fragments, 0);
});

test("15: routing header of type 0 is dropped by default; with segments left there is no checksum to verify", () => {
  const zero: Ipv6Extension[] = [{ kind: "routing", type: 0, segmentsLeft: 0, data: pattern(4) }];
  const bytes = v6({ extensions: zero, payload: udp({}, V6) });
  assertEquals(skipsOf(bytes), ["sourceRouted"]);
  assertEquals(skipsOf(bytes, { sourceRouted: "keep" }), []);
  const left: Ipv6Extension[] = [{ kind: "routing", type: 4, segmentsLeft: 1, data: pattern(20) }];
  const routed = decode([v6({ extensions: left, payload: udp({}, V4) })], { verifyChecksums: true });
  assertEquals(routed.segments[0]!.checksum, "unverified");
  const arrived: Ipv6Extension[] = [{ kind: "routing", type: 4, segmentsLeft: 0, data: pattern(20) }];
  routed.push(packetOf(v6({ extensions: arrived, payload: udp({}, V6) })));
  assertEquals(routed.segments[1]!.checksum, "valid");
});

test("15: with a home address in an option there is no checksum to verify (RFC 6275)", () => {
  const home = { ...V6, source: fromHex("20010db8000900000000000000000009") };
  const extensions: Ipv6Extension[] = [{ kind: "destinationOptions", options: [{ type: 0xc9, data: home.source }] }];
  const payload = udp({ payload: HELLO }, home);
  const decoded = decode([v6({ extensions, payload }), UDP6], { verifyChecksums: true });
  assertEquals(decoded.skipped, []);
  assertEquals(decoded.segments.map((segment) => segment.checksum), ["unverified", "valid"]);
});

test("15: unknown next headers come out as they are; ESP ends the chain; no next header gives nothing", () => {
  for (const protocol of [50, 135, 253]) {
    const { segments: [segment] } = decode([v6({ protocol, payload: HELLO })]);
    assertEquals([segment!.protocol, segment!.transportOffset, segment!.payloadOffset], [protocol, 40, 40]);
    assertEquals([segment!.sourcePort, segment!.destinationPort], [0, 0]);
    assertEquals(segment!.payload, HELLO);
  }
  assertEquals(skipsOf(v6({ protocol: 59, payload: HELLO })), ["noNextHeader"]);
});

test("15: an unknown IPv6 option is passed over or discards the packet, as its two highest bits say", () => {
  for (
    const [type, reason] of [[0x3e, []], [0x7e, ["unknownIpv6Option"]], [0xbe, ["unknownIpv6Option"]], [0xfe, [
      "unknownIpv6Option",
    ]], [0xc9, []]] as const
  ) {
    for (const kind of ["hopByHop", "destinationOptions"] as const) {
      const extensions: Ipv6Extension[] = [{ kind, options: [{ type, data: fromHex("00") }] }];
      assertEquals(skipsOf(v6({ extensions, payload: udp({}, V6) })), [...reason]);
    }
  }
});

test("15: malformed extension headers are counted", () => {
  const hop: Ipv6Extension = { kind: "hopByHop", options: [] };
  const good = v6({ extensions: [hop, { kind: "destinationOptions", options: [] }], payload: udp({}, V6) });
  // hop-by-hop in second place; a header beyond the end; an option beyond its header, whole and without a length
  assertEquals(skipsOf(patched(good, 40, 0)), ["badExtensionHeader"]);
  assertEquals(skipsOf(patched(good, 49, 200)), ["badExtensionHeader"]);
  assertEquals(skipsOf(patched(good, 43, 5)), ["badExtensionHeader"]);
  const pads = good.slice();
  pads.set(fromHex("000000000005"), 42);
  assertEquals(skipsOf(pads), ["badExtensionHeader"]);
  // an upper layer that begins behind the end of the datagram
  assertEquals(skipsOf(v6({ extensions: [hop], protocol: 17 })), ["truncatedTransport"]);
});

test("jumbograms are counted, not read", () => {
  const jumbo = v6({ extensions: [{ kind: "hopByHop", options: [{ type: 0xc2, data: fromHex("00010000") }] }] });
  writeU16(jumbo, 4, 0);
  assertEquals(skipsOf(jumbo), ["jumbogram"]);
  const plain = v6({ extensions: [{ kind: "hopByHop", options: [] }], payload: udp({}, V6) });
  writeU16(plain, 4, 0);
  assertEquals(skipsOf(plain), ["badExtensionHeader"]);
  const fragment: Ipv6Extension = { kind: "fragment", offset: 0, hasMore: true, identification: 7 };
  const fragmented = v6({ extensions: [{ kind: "hopByHop", options: [] }, fragment], payload: pattern(24) });
  writeU16(fragmented, 4, 0);
  assertEquals(skipsOf(fragmented), ["badExtensionHeader"]);
});

test("an IP length of 0 is taken as the captured length, and counted (segmentation offload)", () => {
  for (const [bytes, type, at] of [[TCP4, 0x0800, 2], [TCP6, 0x86dd, 4]] as const) {
    const zero = bytes.slice();
    writeU16(zero, at, 0);
    if (at === 2) {
      writeU16(zero, 10, 0);
      writeU16(zero, 10, internetChecksum(zero, 0, 20));
    }
    const { segments: [segment], decoder } = decode([frame(type, zero)], { verifyChecksums: true });
    assertEquals(segment!.payload, HELLO);
    // the network card that cuts the packet also sums it up
    assertEquals(segment!.checksum, "unverified");
    assertEquals(decoder.stats.zeroTotalLength, 1);
  }
  // what may be link padding is no segment
  const empty = v6({ protocol: 6 });
  assertEquals(skipsOf(frame(0x86dd, concat([empty, new Uint8Array(6).fill(0x50)]))), ["truncatedTransport"]);
  assertEquals(decode([frame(0x86dd, empty)]).decoder.stats.zeroTotalLength, 0);
});

test("26: a UDP length below 8 or beyond the IP payload is dropped; a shorter one cuts the payload", () => {
  for (const length of [0, 7, 14, 0xffff]) {
    const bytes = UDP4.slice();
    writeU16(bytes, 24, length);
    assertEquals(skipsOf(bytes), ["badUdpLength"], `length ${length}`);
  }
  const short = UDP4.slice();
  writeU16(short, 24, 10);
  const { segments: [segment] } = decode([short]);
  assertEquals([toHex(segment!.payload), segment!.wirePayloadLength], ["6865", 2]);
  assertEquals(skipsOf(v4({ payload: new Uint8Array(7) })), ["truncatedTransport"]);
});

test("27: UDP over IPv4 without a checksum is accepted, as unverified", () => {
  const bytes = UDP4.slice();
  writeU16(bytes, 26, 0);
  assertEquals(decode([bytes], { verifyChecksums: true }).segments[0]!.checksum, "unverified");
});

test("28: UDP over IPv6 without a checksum is dropped when verification is on", () => {
  const bytes = UDP6.slice();
  writeU16(bytes, 46, 0);
  assertEquals(skipsOf(bytes, { verifyChecksums: true }), ["noUdpChecksum"]);
  assertEquals(skipsOf(bytes), []);
});

test("29, 35: wrong UDP, TCP and ICMP checksums are dropped by name, or kept and marked", () => {
  const icmp = v4({ protocol: 1, payload: fromHex("0800f7fd00010001") });
  const icmp6 = v6({ protocol: 58, payload: fromHex("8000000000010001") });
  const cases = [
    [UDP4, "badUdpChecksum"],
    [UDP6, "badUdpChecksum"],
    [TCP4, "badTcpChecksum"],
    [TCP6, "badTcpChecksum"],
    [icmp, "badIcmpChecksum"],
    [icmp6, "badIcmpChecksum"],
  ] as const;
  for (const [good, reason] of cases) {
    const bad = patched(good, good.length - 1, good[good.length - 1]! ^ 1);
    assertEquals(skipsOf(bad, { verifyChecksums: true }), [reason]);
    const kept = decode([bad], { verifyChecksums: true, badChecksum: "keep" });
    assertEquals(kept.segments[0]!.checksum, "invalid");
    assertEquals(decode([bad]).segments[0]!.checksum, "unverified");
  }
  const header = decode([patched(UDP4, 8, 9)], { verifyChecksums: true, badChecksum: "keep" });
  assertEquals(header.segments[0]!.checksum, "invalid");
});

test("35: right checksums are valid, over both versions and for odd lengths", () => {
  for (let length = 0; length < 9; length++) {
    const payload = pattern(length);
    const packets = [
      v4({ payload: udp({ payload }, V4) }),
      v6({ payload: udp({ payload }, V6) }),
      v4({ protocol: 6, payload: tcp({ payload }, V4) }),
      v6({ protocol: 6, payload: tcp({ payload }, V6) }),
    ];
    const { segments } = decode(packets, { verifyChecksums: true });
    assertEquals(segments.map((segment) => segment.checksum), ["valid", "valid", "valid", "valid"]);
  }
});

test("36: a TCP data offset below 5 or beyond the segment is dropped", () => {
  for (const offset of [0, 4, 8, 13, 15]) {
    assertEquals(skipsOf(patched(TCP4, 32, offset << 4)), ["badTcpDataOffset"], `offset ${offset}`);
  }
  assertEquals(skipsOf(v4({ protocol: 6, payload: new Uint8Array(19) })), ["truncatedTransport"]);
});

test("37: reserved bits of TCP are ignored", () => {
  const { segments: [segment] } = decode([patched(TCP4, 32, TCP4[32]! | 0x0e)]);
  assertEquals(segment!.payload, HELLO);
});

test("38: ports of 0 are handed out; refusing them is up to an end", () => {
  const { segments: [segment] } = decode([v4({ payload: udp({ sourcePort: 0, destinationPort: 0 }, V4) })]);
  assertEquals([segment!.sourcePort, segment!.destinationPort], [0, 0]);
});

test("30: a UDP datagram without payload is a segment of length 0", () => {
  const { segments: [segment] } = decode([v4({ payload: udp({}, V4) })]);
  assertEquals([segment!.payload.length, segment!.wirePayloadLength], [0, 0]);
});

test("a packet cut by the capture keeps its captured payload and its length on the wire", () => {
  for (const [bytes, type] of [[UDP4, 0x0800], [UDP6, 0x86dd], [TCP4, 0x0800], [TCP6, 0x86dd]] as const) {
    const whole = frame(type, bytes);
    const cut = { ...whole, bytes: whole.bytes.subarray(0, whole.bytes.length - 2) };
    const { segments: [segment] } = decode([cut], { verifyChecksums: true });
    assertEquals(new TextDecoder().decode(segment!.payload), "hel");
    assertEquals([segment!.wirePayloadLength, segment!.checksum], [5, "unverified"]);
  }
});

test("a packet cut by the capture within its headers is counted as such", () => {
  for (const bytes of [UDP4, UDP6, TCP4, TCP6]) {
    for (let length = 1; length < bytes.length - HELLO.length; length++) {
      const cut = packetOf(bytes.subarray(0, length), { originalLength: bytes.length });
      assertEquals(skipsOf(cut), ["cutHeader"], `${length} bytes`);
    }
  }
  const chain = v6({ extensions: [{ kind: "destinationOptions", options: [] }], payload: udp({}, V6) });
  for (let length = 40; length < 56; length++) {
    assertEquals(
      skipsOf(packetOf(chain.subarray(0, length), { originalLength: 56 })),
      ["cutHeader"],
      `${length} bytes`,
    );
  }
});

test("a packet that claims to be shorter than it is, is taken at what it holds", () => {
  for (const bytes of [UDP4, UDP6]) {
    assertEquals(decode([packetOf(bytes, { originalLength: 0 })]).segments[0]!.payload, HELLO);
  }
});

test("errors on request are typed, blame the sender and name no payload; harmless packets make none", () => {
  const { errors } = decode([patched(UDP4, 0, 0x44), UDP4.subarray(0, 10), frame(0x0806, new Uint8Array(28))]);
  for (const error of errors) assertInstanceOf(error, PacketError);
  assertEquals(errors.map(({ code, layer, blame, offset }) => [code, layer, blame, offset]), [
    ["EPROTO", "packet", "remote", 0],
    ["ETRUNCATED", "packet", "remote", 0],
  ]);
  const [error] = decode([frame(0x0800, patched(UDP4, 3, 19))]).errors;
  assertEquals(error!.offset, 16);
});

test("every packet is counted once, and a copy of the counters does not change", () => {
  const { decoder, push, segments } = decode([UDP4, TCP6, UDP4.subarray(0, 3)]);
  const before = decoder.stats;
  push(packetOf(UDP6));
  assertEquals([before.packets, before.segments, before.skipped], [3, 2, 1]);
  assertEquals([decoder.stats.packets, decoder.stats.segments, decoder.stats.skipped], [4, 3, 1]);
  assertEquals(decoder.stats.payloadBytes, 15);
  assertEquals(decoder.stats.bytes, UDP4.length + TCP6.length + 3 + UDP6.length);
  assertEquals(segments.length, 3);
  assertEquals(decoder.reasons.toJSON(), { truncatedIp: 1 });
});

test("nothing is read behind the end, and the end is told once", () => {
  let ends = 0;
  const items: unknown[] = [];
  const decoder = new SegmentDecoder({}, { item: (item) => items.push(item), error: () => {}, end: () => ends++ });
  decoder.push(packetOf(UDP4), 0);
  decoder.end(1);
  decoder.end(2);
  decoder.push(packetOf(UDP4), 3);
  assertEquals([items.length, ends, decoder.stats.packets, decoder.timeoutAt()], [1, 1, 1, Infinity]);
});

test("the time of a packet is its capture time in milliseconds", () => {
  const { decoder } = decoderOf();
  assertEquals(decoder.timeOf({ ...packetOf(UDP4), seconds: 5, nanoseconds: 250_000_000 }), 5250);
});

test("wrong options are refused at once", () => {
  const wrong: Record<string, unknown>[] = [
    { verifyChecksums: 1 },
    { badChecksum: "mark" },
    { sourceRouted: true },
    { onSkip: "log" },
    { onError: {} },
    { maxFragmentBytes: 0 },
    { maxFragmentDatagrams: 1.5 },
    { maxFragmentsPerDatagram: -1 },
    { fragmentTimeoutMs: { v4: NaN } },
    { fragmentTimeoutMs: { v6: -1 } },
  ];
  for (const options of wrong) {
    const thrown = assertThrows(() => decoderOf(options), Error, undefined, JSON.stringify(options));
    assertEquals(thrown instanceof TypeError || thrown instanceof RangeError, true);
  }
});

test("a capture of a Linux kernel is read whole, with right checksums and both datagrams in fragments", () => {
  const packets = readCapture("veth.pcap");
  const { decoder, segments } = decode(packets, { verifyChecksums: true });
  decoder.end(0);
  assertEquals(decoder.reasons.toJSON(), { arp: 2 });
  assertEquals([packets.length, segments.length, decoder.stats.fragments, decoder.stats.reassembled], [65, 59, 6, 2]);
  assertEquals(new Set(segments.map((segment) => segment.checksum)), new Set(["valid"]));
  const large = segments.filter((segment) => segment.protocol === 17 && segment.wirePayloadLength === 2600);
  assertEquals(large.map((segment) => segment.version), [4, 6]);
  for (const { payload } of large) assertEquals(payload, Uint8Array.from({ length: 2600 }, (_, i) => i & 255));
  const count = (protocol: number) => segments.filter((segment) => segment.protocol === protocol).length;
  assertEquals([count(1), count(6), count(17), count(58)], [5, 32, 6, 16]);
});
