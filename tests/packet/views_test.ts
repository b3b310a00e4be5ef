import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { fromHex } from "../../src/bytes/hex.ts";
import {
  ArpView,
  decodeArp,
  decodeEthernet,
  decodeIpv4,
  decodeIpv6,
  decodeTcp,
  decodeUdp,
  encodeArp,
  encodeEthernet,
  encodeIcmp,
  encodeIcmpv6,
  encodeIpv4,
  encodeIpv6,
  encodeTcp,
  encodeUdp,
  EthernetView,
  IcmpView,
  Ipv4View,
  type Ipv6Extension,
  ipv6OptionAction,
  Ipv6View,
  PacketError,
  parseAddress,
  TcpView,
  UdpView,
} from "../../src/packet/mod.ts";
import { tcp, udp, unaligned, V4, v4, V6, v6 } from "./support.ts";

const NOTHING = new Uint8Array(0);

/** Sets each named field in turn and checks that it, and no other, changed. */
function assertSetters<V extends object>(view: V, fields: { [K in keyof V]?: readonly V[K][] }): void {
  const names = Object.keys(fields) as (keyof V)[];
  const read = (): Map<keyof V, V[keyof V]> => new Map(names.map((name) => [name, copy(view[name])]));
  for (const name of names) {
    for (const value of fields[name]!) {
      const expected = read().set(name, value as V[keyof V]);
      view[name] = value as V[keyof V];
      assertEquals(read(), expected, String(name));
    }
  }
}

function copy<T>(value: T): T {
  return value instanceof Uint8Array ? value.slice() as T : value;
}

test("setters of views change their field and nothing else, at any alignment", () => {
  assertSetters(new TcpView(unaligned(tcp({ flags: 0x1ff }, V4))), {
    sourcePort: [0, 0xffff],
    destinationPort: [1, 0xfffe],
    sequence: [0xffffffff, 0x80000000, 0],
    acknowledgment: [0xffffffff, 1],
    flags: [0, 0x1ff, 0x100, 0x12],
    window: [0xffff, 3],
    checksum: [0xffff, 4],
    urgentPointer: [0xffff, 5],
  });
  assertSetters(new UdpView(unaligned(udp({}, V4))), {
    sourcePort: [0xffff, 0],
    destinationPort: [0xffff, 1],
    checksum: [0xffff, 2],
  });
  assertSetters(new Ipv4View(unaligned(v4({}))), {
    dscp: [63, 0, 21],
    ecn: [3, 0, 1],
    identification: [0xffff, 1],
    ttl: [255, 2],
    checksum: [0xffff, 3],
    source: [parseAddress("255.255.255.255"), parseAddress("1.2.3.4")],
    destination: [parseAddress("255.255.255.255"), parseAddress("5.6.7.8")],
  });
  assertSetters(new Ipv6View(unaligned(v6({}))), {
    dscp: [63, 0, 42],
    ecn: [3, 0, 2],
    flowLabel: [0xfffff, 0, 0x12345],
    hopLimit: [255, 1],
    source: [parseAddress("ffff::ffff"), parseAddress("::1")],
    destination: [parseAddress("ffff::ffff"), parseAddress("::2")],
  });
  assertSetters(new EthernetView(unaligned(new Uint8Array(20))), {
    destination: [fromHex("ffffffffffff"), fromHex("010203040506")],
    source: [fromHex("ffffffffffff"), fromHex("0708090a0b0c")],
    outerType: [0xffff, 0x0800],
  });
  assertSetters(new IcmpView(unaligned(new Uint8Array(9))), {
    type: [255, 8],
    code: [255, 1],
    checksum: [0xffff, 2],
    word: [0xffffffff, 3],
  });
  const arp = new ArpView(unaligned(fromHex("00010800060400019eced7a5bf540a0900010000000000000a090002")));
  assertSetters(arp, { operation: [0xffff, 2] });
});

test("the header length of TCP and its reserved bits survive the flags", () => {
  const view = new TcpView(tcp({}, V4));
  view.bytes[12] = 0x5e;
  view.flags = 0xffff;
  assertEquals([view.bytes[12], view.bytes[13], view.headerLength], [0x5f, 0xff, 20]);
  view.flags = 0;
  assertEquals([view.bytes[12], view.bytes[13]], [0x5e, 0]);
});

test("the version survives all setters", () => {
  const four = new Ipv4View(v4({}));
  four.dscp = 0xff;
  assertEquals(Ipv4View.check(four.bytes), null);
  const six = new Ipv6View(v6({}));
  six.dscp = 0xffff;
  six.flowLabel = 0xffffffff;
  assertEquals([Ipv6View.check(six.bytes), six.ecn], [null, 0]);
});

test("26, 36, 2: views say why they refuse bytes", () => {
  const cases: [(bytes: Uint8Array) => string | null, string, string | null][] = [
    [TcpView.check, "00".repeat(19), "truncated, 19 of at least 20 bytes"],
    [TcpView.check, "00".repeat(12) + "40" + "00".repeat(7), "data offset of 16 bytes is below 20"],
    [TcpView.check, "00".repeat(12) + "60" + "00".repeat(7), "truncated, 20 of at least 24 bytes"],
    [TcpView.check, "00".repeat(12) + "50" + "00".repeat(7), null],
    [UdpView.check, "00".repeat(7), "truncated, 7 of at least 8 bytes"],
    [UdpView.check, "0000000000070000", "length 7 is below 8"],
    [UdpView.check, "0000000000090000", "truncated, 8 of at least 9 bytes"],
    [Ipv4View.check, "45", "truncated, 1 of at least 20 bytes"],
    [Ipv4View.check, "55" + "00".repeat(19), "version is 5"],
    [Ipv4View.check, "44" + "00".repeat(19), "header length 16 is below 20"],
    [Ipv4View.check, "46000014" + "00".repeat(20), "total length 20 is below header length 24"],
    [Ipv4View.check, "45000015" + "00".repeat(16), "truncated, 20 of at least 21 bytes"],
    [Ipv6View.check, "60" + "00".repeat(38), "truncated, 39 of at least 40 bytes"],
    [Ipv6View.check, "50" + "00".repeat(39), "version is 5"],
    [Ipv6View.check, "600000000001" + "00".repeat(34), "truncated, 40 of at least 41 bytes"],
    [ArpView.check, "0001080106040001" + "00".repeat(20), "neither for Ethernet nor for IPv4"],
    [ArpView.check, "0001080006080001" + "00".repeat(20), "address lengths are not 6 and 4"],
    [EthernetView.check, "00".repeat(13), "truncated, 13 of at least 14 bytes"],
    [IcmpView.check, "00".repeat(7), "truncated, 7 of at least 8 bytes"],
  ];
  for (const [check, hex, reason] of cases) assertEquals(check(fromHex(hex)), reason, hex);
});

test("decoders name the protocol, the code and the place of what is wrong", () => {
  const failures: [() => unknown, string, string, number][] = [
    [() => decodeTcp(new Uint8Array(3)), "ETRUNCATED", "TCP: truncated, 3 of at least 20 bytes", 0],
    [() => decodeUdp(new Uint8Array(8)), "EPROTO", "UDP: length 0 is below 8", 0],
    [() => decodeArp(new Uint8Array(28)), "EPROTO", "ARP: neither for Ethernet nor for IPv4", 0],
    [() => decodeEthernet(fromHex("00".repeat(12) + "0026")), "EPROTO", "Ethernet: type 38 is a length", 12],
    [
      () => decodeEthernet(fromHex("00".repeat(12) + "8100")),
      "ETRUNCATED",
      "Ethernet: truncated, 14 of at least 18 bytes",
      12,
    ],
    [
      () => decodeIpv4(fromHex("460000180000000000000000" + "00".repeat(8) + "07030000").fill(9, 21, 22)),
      "EPROTO",
      "IPv4: option 7 has length 9 of 4 left",
      0,
    ],
    [() => decodeIpv6(v6Patched(0, [43, 0])), "ETRUNCATED", "IPv6: truncated, 4 of at least 8 bytes", 0],
    [() => decodeIpv6(v6Patched(8, [51, 0])), "EPROTO", "IPv6: authentication header has 8 bytes", 0],
    [() => decodeIpv6(v6Patched(8, [60, 9])), "EPROTO", "IPv6: option 9 reaches beyond its header", 0],
    [
      () => decodeIpv6(v6Patched(16, [60, 1, 0], [0])),
      "EPROTO",
      "IPv6: hop-by-hop options are not the first extension header",
      8,
    ],
  ];
  for (const [fail, code, message, offset] of failures) {
    const thrown = assertThrows(fail, PacketError);
    assertEquals([thrown.code, thrown.message, thrown.offset, thrown.blame], [code, message, offset, "remote"]);
  }
});

/** An IPv6 datagram of `length` payload bytes (4 for 0), whose first header is the first of `first`. */
function v6Patched(length: number, first: number[], second: number[] = []): Uint8Array {
  const [protocol, option] = first;
  const bytes = v6({ protocol: 253, payload: new Uint8Array(length || 4) });
  bytes[6] = protocol!;
  bytes[40] = second[0] ?? 17;
  if (protocol === 60 && second.length === 0) bytes.set([option!, 200], 42);
  return bytes;
}

test("encoders refuse fields that do not fit and values that would come back as others", () => {
  const into = new Uint8Array(70_000);
  const mac = new Uint8Array(6);
  const frame = { destination: mac, source: mac, tags: [], etherType: 0x0800, payload: NOTHING };
  const tag = { protocol: 0x8100, priority: 0, isDropEligible: false, id: 0 };
  const arp = { operation: 1, senderMac: mac, senderAddress: V4.source, targetMac: mac, targetAddress: V4.source };
  const four = decodeIpv4(v4({}));
  const six = decodeIpv6(v6({}));
  const segment = decodeTcp(tcp({}, V4));
  const hop: Ipv6Extension = { kind: "hopByHop", options: [] };
  const fragment: Ipv6Extension = { kind: "fragment", offset: 8, hasMore: false, identification: 0 };
  const wrong: (() => unknown)[] = [
    () => encodeEthernet({ ...frame, source: NOTHING }, into),
    () => encodeEthernet({ ...frame, etherType: 1500 }, into),
    () => encodeEthernet({ ...frame, etherType: 0x8100 }, into),
    () => encodeEthernet({ ...frame, tags: [{ ...tag, protocol: 0x0800 }] }, into),
    () => encodeEthernet({ ...frame, tags: [{ ...tag, id: 4096 }] }, into),
    () => encodeEthernet({ ...frame, tags: [{ ...tag, priority: 8 }] }, into),
    () => encodeArp({ ...arp, targetAddress: V6.source }, into),
    () => encodeArp({ ...arp, operation: 1.5 }, into),
    () => encodeIpv4({ ...four, ttl: 256 }, into),
    () => encodeIpv4({ ...four, fragmentOffset: 4 }, into),
    () => encodeIpv4({ ...four, fragmentOffset: 65536 }, into),
    () => encodeIpv4({ ...four, source: V6.source }, into),
    () => encodeIpv4({ ...four, payload: new Uint8Array(65516) }, into),
    () => encodeIpv4({ ...four, options: [{ type: 0, data: NOTHING }] }, into),
    () => encodeIpv4({ ...four, options: [{ type: 1, data: new Uint8Array(1) }] }, into),
    () => encodeIpv4({ ...four, options: [{ type: 7, data: new Uint8Array(39) }] }, into),
    () => encodeIpv6({ ...six, flowLabel: 0x100000 }, into),
    () => encodeIpv6({ ...six, payload: new Uint8Array(65536) }, into),
    () => encodeIpv6({ ...six, protocol: 44 }, into),
    () => encodeIpv6({ ...six, extensions: [hop, hop] }, into),
    () => encodeIpv6({ ...six, extensions: [fragment, { kind: "destinationOptions", options: [] }] }, into),
    () => encodeIpv6({ ...six, extensions: [{ ...fragment, offset: 4 }] }, into),
    () =>
      encodeIpv6(
        { ...six, extensions: [{ kind: "routing", type: 2, segmentsLeft: 0, data: new Uint8Array(5) }] },
        into,
      ),
    () =>
      encodeIpv6(
        { ...six, extensions: [{ kind: "authentication", spi: 0, sequence: 0, icv: new Uint8Array(8) }] },
        into,
      ),
    () => encodeIpv6({ ...six, extensions: [{ ...hop, options: [{ type: 1, data: NOTHING }] }] }, into),
    () => encodeIpv6({ ...six, extensions: [{ ...hop, options: [{ type: 9, data: new Uint8Array(256) }] }] }, into),
    () => encodeUdp({ sourcePort: 65536, destinationPort: 0, payload: NOTHING }, into, V4),
    () => encodeUdp({ sourcePort: 0, destinationPort: 0, payload: new Uint8Array(65528) }, into, V4),
    () => encodeUdp({ sourcePort: 0, destinationPort: 0, payload: NOTHING }, into, { ...V4, source: V6.source }),
    () =>
      encodeUdp({ sourcePort: 0, destinationPort: 0, payload: NOTHING }, into, {
        source: NOTHING,
        destination: NOTHING,
      }),
    () => encodeTcp({ ...segment, sequence: -1 }, into, V4),
    () => encodeTcp({ ...segment, flags: 0x200 }, into, V4),
    () => encodeTcp({ ...segment, window: NaN }, into, V4),
    () => encodeIcmp({ kind: "unknown", type: 8, code: 0, word: 0, data: NOTHING }, into),
    () => encodeIcmp({ kind: "timeExceeded", code: 256, quote: NOTHING }, into),
    () => encodeIcmp({ kind: "redirect", code: 0, router: NOTHING, quote: NOTHING }, into),
    () => encodeIcmpv6({ kind: "unknown", type: 128, code: 0, word: 0, data: NOTHING }, into, V6),
    () => encodeIcmpv6({ kind: "packetTooBig", mtu: 2 ** 32, quote: NOTHING }, into, V6),
    () => encodeIcmpv6({ kind: "neighborSolicitation", target: V4.source, options: NOTHING }, into, V6),
  ];
  for (const encode of wrong) assertThrows(encode, RangeError, undefined, encode.toString());
});

test("15: the highest bits of an option type say what to do when it is unknown", () => {
  assertEquals([0x05, 0x45, 0x85, 0xc5].map(ipv6OptionAction), [
    "skip",
    "discard",
    "report",
    "report-unless-multicast",
  ]);
});
