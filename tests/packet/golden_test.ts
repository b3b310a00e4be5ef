/** Packets of a Linux kernel, as values written out by hand: decoded to the value, encoded to the very bytes. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import {
  type ArpPacket,
  decodeArp,
  decodeEthernet,
  decodeIcmp,
  decodeIcmpv6,
  decodeIpv4,
  decodeIpv6,
  decodeLoopback,
  decodeSll,
  decodeSll2,
  decodeTcp,
  decodeUdp,
  encodeArp,
  encodeEthernet,
  encodeIcmp,
  encodeIcmpv6,
  encodeIpv4,
  encodeIpv6,
  encodeLoopback,
  encodeSll,
  encodeSll2,
  encodeTcp,
  encodeUdp,
  formatMac,
  type IcmpMessage,
  type Icmpv6Message,
  type Ipv4Datagram,
  type Ipv6Datagram,
  parseAddress,
  TcpFlag,
  type TcpSegment,
} from "../../src/packet/mod.ts";
import { unaligned, written } from "./support.ts";

const A4 = parseAddress("10.9.0.1");
const B4 = parseAddress("10.9.0.2");
const A6 = parseAddress("fd09::1");
const B6 = parseAddress("fd09::2");
const MAC_A = fromHex("9eced7a5bf54");
const MAC_B = fromHex("66a8c826de47");
const NOTHING = new Uint8Array(0);

function bothWays<T>(
  hex: string,
  value: T,
  decode: (bytes: Uint8Array) => T,
  encode: (value: T, into: Uint8Array) => number,
): void {
  const bytes = fromHex(hex);
  assertEquals(decode(unaligned(bytes)), value);
  assertEquals(toHex(written(bytes.length, (into) => encode(value, into))), toHex(bytes));
}

test("ARP request in an Ethernet frame", () => {
  const arp = "00010800060400019eced7a5bf540a0900010000000000000a090002";
  const request: ArpPacket = {
    operation: 1,
    senderMac: MAC_A,
    senderAddress: A4,
    targetMac: new Uint8Array(6),
    targetAddress: B4,
  };
  bothWays(arp, request, decodeArp, encodeArp);
  const frame = {
    destination: new Uint8Array(6).fill(255),
    source: MAC_A,
    tags: [],
    etherType: 0x0806,
    payload: fromHex(arp),
  };
  bothWays(`ffffffffffff9eced7a5bf540806${arp}`, frame, decodeEthernet, encodeEthernet);
  assertEquals(formatMac(frame.source), "9e:ce:d7:a5:bf:54");
});

test("Ethernet frame with two tags", () => {
  const frame = {
    destination: MAC_B,
    source: MAC_A,
    tags: [
      { protocol: 0x88a8, priority: 5, isDropEligible: true, id: 100 },
      { protocol: 0x8100, priority: 0, isDropEligible: false, id: 4095 },
    ],
    etherType: 0x0800,
    payload: fromHex("45"),
  };
  bothWays("66a8c826de479eced7a5bf5488a8b06481000fff080045", frame, decodeEthernet, encodeEthernet);
});

test("4: IPv4 TCP SYN with MSS, SACK permitted, timestamps, NOP, window scale and a Fast Open request", () => {
  const tcp = "c97c1b59a61d17d100000000b002fbe0b88200000204" +
    "04d80402080a15ac94e9000000000103030a22020101";
  const segment: TcpSegment = {
    sourcePort: 51580,
    destinationPort: 7001,
    sequence: 0xa61d17d1,
    acknowledgment: 0,
    flags: TcpFlag.SYN,
    window: 64480,
    urgentPointer: 0,
    options: [
      { kind: "mss", size: 1240 },
      { kind: "sackPermitted" },
      { kind: "timestamps", value: 363631849, echo: 0 },
      { kind: "nop" },
      { kind: "windowScale", shift: 10 },
      { kind: "fastOpen", cookie: NOTHING },
      { kind: "nop" },
      { kind: "nop" },
    ],
    payload: NOTHING,
  };
  const addresses = { source: A4, destination: B4 };
  bothWays(tcp, segment, decodeTcp, (value, into) => encodeTcp(value, into, addresses));
  const datagram: Ipv4Datagram = {
    dscp: 0,
    ecn: 0,
    identification: 0xc61a,
    isDontFragment: true,
    hasMoreFragments: false,
    fragmentOffset: 0,
    ttl: 64,
    protocol: 6,
    source: A4,
    destination: B4,
    options: [],
    payload: fromHex(tcp),
  };
  bothWays(`45000040c61a4000400660890a0900010a090002${tcp}`, datagram, decodeIpv4, encodeIpv4);
});

test("4, 35: IPv4 TCP SYN with a Fast Open cookie and data of odd length", () => {
  const hex = "c98c1b5976fc822100000000d002fbe01c280000020404d80402080afb3466ab00000000" +
    "0103030a220a466ce145c96f54c7010168656c6c6f";
  const segment = decodeTcp(fromHex(hex));
  assertEquals(segment.options[5], { kind: "fastOpen", cookie: fromHex("466ce145c96f54c7") });
  assertEquals(segment.payload, new TextEncoder().encode("hello"));
  bothWays(hex, segment, decodeTcp, (value, into) => encodeTcp(value, into, { source: A4, destination: B4 }));
});

test("35: IPv6 TCP SYN-ACK with flow label", () => {
  const tcp = "1b59aa28d0c3f0807fe8fe19d012fed0c16f0000020404c40402080a026a58aa700b026a" +
    "0103030a220a48f14d71086aca4f0101";
  const datagram: Ipv6Datagram = {
    dscp: 0,
    ecn: 0,
    flowLabel: 0x13279,
    hopLimit: 64,
    source: B6,
    destination: A6,
    extensions: [],
    protocol: 6,
    payload: fromHex(tcp),
  };
  const header = "6001327900340640fd090000000000000000000000000002fd090000000000000000000000000001";
  bothWays(header + tcp, datagram, decodeIpv6, encodeIpv6);
  const addresses = { source: B6, destination: A6 };
  bothWays(tcp, decodeTcp(fromHex(tcp)), decodeTcp, (value, into) => encodeTcp(value, into, addresses));
});

test("IPv4 UDP datagram, and the ICMP error that quotes it", () => {
  const quoted = "4500002212d24000401113e50a0900010a0900021b5a0009000e9816636c6f736564";
  const datagram = decodeIpv4(fromHex(quoted));
  bothWays(quoted, datagram, decodeIpv4, encodeIpv4);
  const udp = { sourcePort: 7002, destinationPort: 9, payload: new TextEncoder().encode("closed") };
  const addresses = { source: A4, destination: B4 };
  bothWays(toHex(datagram.payload), udp, decodeUdp, (value, into) => encodeUdp(value, into, addresses));
  const error: IcmpMessage = { kind: "destinationUnreachable", code: 3, mtu: 0, quote: fromHex(quoted) };
  bothWays(`0303113100000000${quoted}`, error, decodeIcmp, encodeIcmp);
});

test("ICMP echo", () => {
  const echo: IcmpMessage = { kind: "echo", identifier: 1, sequence: 1, data: NOTHING };
  bothWays("0800f7fd00010001", echo, decodeIcmp, encodeIcmp);
});

test("ICMPv6 neighbour solicitation and advertisement", () => {
  const group = parseAddress("ff02::1:ff00:2");
  const solicitation: Icmpv6Message = {
    kind: "neighborSolicitation",
    target: B6,
    options: fromHex("01019eced7a5bf54"),
  };
  bothWays(
    "870049bd00000000fd09000000000000000000000000000201019eced7a5bf54",
    solicitation,
    decodeIcmpv6,
    (value, into) => encodeIcmpv6(value, into, { source: A6, destination: group }),
  );
  const advertisement: Icmpv6Message = {
    kind: "neighborAdvertisement",
    isRouter: false,
    isSolicited: true,
    isOverride: true,
    target: B6,
    options: fromHex("020166a8c826de47"),
  };
  bothWays(
    "8800116a60000000fd090000000000000000000000000002020166a8c826de47",
    advertisement,
    decodeIcmpv6,
    (value, into) => encodeIcmpv6(value, into, { source: B6, destination: A6 }),
  );
});

test("ICMPv6 error behind which the quote has an odd length", () => {
  const quote = fromHex(
    "60085a5b000d1140fd090000000000000000000000000001fd090000000000000000000000000002" +
      "ebe81b5b000d95887878787878",
  );
  const error: Icmpv6Message = { kind: "destinationUnreachable", code: 4, quote };
  bothWays(
    `010438db00000000${toHex(quote)}`,
    error,
    decodeIcmpv6,
    (value, into) => encodeIcmpv6(value, into, { source: B6, destination: A6 }),
  );
});

test("15: IPv6 hop-by-hop header with a router alert and PadN", () => {
  const report = "8f008f000000000204000000ff0200000000000000000001ff26de4704000000ff0200000000000000000001ff000002";
  const datagram: Ipv6Datagram = {
    dscp: 0,
    ecn: 0,
    flowLabel: 0,
    hopLimit: 1,
    source: parseAddress("::"),
    destination: parseAddress("ff02::16"),
    extensions: [{ kind: "hopByHop", options: [{ type: 5, data: fromHex("0000") }] }],
    protocol: 58,
    payload: fromHex(report),
  };
  const header = "600000000038000100000000000000000000000000000000ff0200000000000000000000000000163a00050200000100";
  bothWays(header + report, datagram, decodeIpv6, encodeIpv6);
});

test("5: IPv4 options record route, timestamp, NOP and end of list", () => {
  // checksum summed up by hand
  const hex = "48000020000700004011" + "ef7a" + "c0000201c6336407" + "01" + "07070400000000" + "94040000";
  const datagram = decodeIpv4(fromHex(hex));
  assertEquals(datagram.options, [
    { type: 1, data: NOTHING },
    { type: 7, data: fromHex("0400000000") },
    { type: 148, data: fromHex("0000") },
  ]);
  bothWays(hex, datagram, decodeIpv4, encodeIpv4);
});

test("cooked headers of both versions, and both orders of loopback headers", () => {
  const sll = {
    packetType: 4,
    hardwareType: 1,
    address: MAC_A,
    protocol: 0x86dd,
    payload: fromHex("60"),
  };
  bothWays("0004000100069eced7a5bf54000086dd60", sll, decodeSll, encodeSll);
  const sll2 = { ...sll, packetType: 0, interfaceIndex: 258 };
  bothWays("86dd0000000001020001" + "00069eced7a5bf54000060", sll2, decodeSll2, encodeSll2);
  const little = { family: 30, isLittleEndian: true, payload: fromHex("60") };
  bothWays("1e00000060", little, decodeLoopback, encodeLoopback);
  bothWays("0000001e60", { ...little, isLittleEndian: false }, decodeLoopback, encodeLoopback);
});

test("27: a computed UDP checksum of 0 is sent as 0xffff", () => {
  const addresses = { source: A4, destination: B4 };
  let seen = 0;
  for (let port = 0; port <= 0xffff; port++) {
    const into = new Uint8Array(8);
    encodeUdp({ sourcePort: port, destinationPort: 9, payload: NOTHING }, into, addresses);
    assert(into[6] !== 0 || into[7] !== 0, `port ${port} has no checksum`);
    if (into[6] === 0xff && into[7] === 0xff) seen++;
  }
  // the sum of 16 bits goes through both of its zeros
  assert(seen >= 1, "no port sums up to 0");
});
