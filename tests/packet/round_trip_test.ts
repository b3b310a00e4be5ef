import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import * as packet from "../../src/packet/mod.ts";
import * as arbitrary from "./arbitraries.ts";
import { pattern, unaligned, V4, V6, written } from "./support.ts";

interface Codec<T> {
  name: string;
  values: fc.Arbitrary<T>;
  length(value: T): number;
  encode(value: T, into: Uint8Array): number;
  decode(bytes: Uint8Array): T;
}

/** Every value comes back from its bytes, wherever they lie; no shorter room is accepted. */
function roundTrip<T>(codec: Codec<T>): void {
  test(`every ${codec.name} value comes back from its bytes`, () => {
    fc.assert(
      fc.property(codec.values, (value) => {
        const bytes = written(codec.length(value), (into) => codec.encode(value, into));
        assertEquals(codec.decode(unaligned(bytes)), value);
      }),
      { numRuns: 300 },
    );
  });

  test(`an encoder of ${codec.name} refuses room that is too short`, () => {
    fc.assert(
      fc.property(codec.values, (value) => {
        const room = new Uint8Array(codec.length(value) - 1);
        assertThrows(() => codec.encode(value, room), RangeError);
      }),
      { numRuns: 50 },
    );
  });
}

roundTrip({
  name: "Ethernet",
  values: arbitrary.ethernet,
  length: packet.ethernetLength,
  encode: packet.encodeEthernet,
  decode: packet.decodeEthernet,
});
roundTrip({
  name: "ARP",
  values: arbitrary.arp,
  length: packet.arpLength,
  encode: packet.encodeArp,
  decode: packet.decodeArp,
});
roundTrip({
  name: "SLL",
  values: arbitrary.sll,
  length: packet.sllLength,
  encode: packet.encodeSll,
  decode: packet.decodeSll,
});
roundTrip({
  name: "SLL2",
  values: arbitrary.sll2,
  length: packet.sll2Length,
  encode: packet.encodeSll2,
  decode: packet.decodeSll2,
});
roundTrip({
  name: "loopback",
  values: arbitrary.loopback,
  length: packet.loopbackLength,
  encode: packet.encodeLoopback,
  decode: packet.decodeLoopback,
});
roundTrip({
  name: "IPv4",
  values: arbitrary.ipv4,
  length: packet.ipv4Length,
  encode: packet.encodeIpv4,
  decode: packet.decodeIpv4,
});
roundTrip({
  name: "IPv6",
  values: arbitrary.ipv6,
  length: packet.ipv6Length,
  encode: packet.encodeIpv6,
  decode: packet.decodeIpv6,
});
roundTrip({
  name: "ICMP",
  values: arbitrary.icmp,
  length: packet.icmpLength,
  encode: packet.encodeIcmp,
  decode: packet.decodeIcmp,
});
for (const [version, addresses] of [[4, V4], [6, V6]] as const) {
  roundTrip({
    name: `UDP over IPv${version}`,
    values: arbitrary.udp,
    length: packet.udpLength,
    encode: (value, into) => packet.encodeUdp(value, into, addresses),
    decode: packet.decodeUdp,
  });
  roundTrip({
    name: `TCP over IPv${version}`,
    values: arbitrary.tcp,
    length: packet.tcpLength,
    encode: (value, into) => packet.encodeTcp(value, into, addresses),
    decode: packet.decodeTcp,
  });
}
roundTrip({
  name: "ICMPv6",
  values: arbitrary.icmpv6,
  length: packet.icmpv6Length,
  encode: (value, into) => packet.encodeIcmpv6(value, into, V6),
  decode: packet.decodeIcmpv6,
});

test("16, 35: every checksum written is right, for odd lengths and both pseudo headers, and no longer after a flip", () => {
  fc.assert(
    fc.property(arbitrary.tcp, arbitrary.udp, arbitrary.addresses, fc.nat(7), (segment, datagram, addresses, bit) => {
      const tcp = new packet.TcpView(
        written(packet.tcpLength(segment), (into) => packet.encodeTcp(segment, into, addresses)),
      );
      const udp = new packet.UdpView(
        written(packet.udpLength(datagram), (into) => packet.encodeUdp(datagram, into, addresses)),
      );
      assert(tcp.isChecksumValid(addresses));
      assert(udp.isChecksumValid(addresses));
      assert(udp.checksum !== 0);
      const last = tcp.bytes.length - 1;
      tcp.bytes[last] = tcp.bytes[last]! ^ (1 << bit);
      assert(!tcp.isChecksumValid(addresses));
    }),
  );
});

test("16: IPv4, ICMP and ICMPv6 checksums written are right", () => {
  fc.assert(fc.property(arbitrary.ipv4, arbitrary.icmp, arbitrary.icmpv6, (datagram, message, message6) => {
    const ip = written(packet.ipv4Length(datagram), (into) => packet.encodeIpv4(datagram, into));
    assert(new packet.Ipv4View(ip).isChecksumValid);
    const icmp = written(packet.icmpLength(message), (into) => packet.encodeIcmp(message, into));
    assert(new packet.IcmpView(icmp).isChecksumValid);
    const icmpv6 = written(packet.icmpv6Length(message6), (into) => packet.encodeIcmpv6(message6, into, V6));
    const view6 = new packet.Icmpv6View(icmpv6);
    assert(view6.isChecksumValid(V6));
    // unlike ICMP's, it covers the addresses
    assert(!view6.isChecksumValid({ ...V6, source: pattern(16) }));
  }));
});
