/** The IP header that all packets of a flow share. */
import { test } from "node:test";
import { assertEquals, assertNotEquals } from "@std/assert";
import { internetChecksum } from "../../src/bytes/checksum.ts";
import { IpIds } from "../../src/l3l4/ip_ids.ts";
import { IpTemplate } from "../../src/l3l4/ip_header.ts";
import { parseAddress } from "../../src/packet/address.ts";
import { decodeIpv4, Ipv4View } from "../../src/packet/ipv4.ts";
import { decodeIpv6 } from "../../src/packet/ipv6.ts";
import { IpProtocol } from "../../src/packet/segment.ts";

test("of an identification 16 bits count, and the checksum is right for them", () => {
  const template = new IpTemplate(4, Uint8Array.of(10, 0, 0, 1), Uint8Array.of(10, 0, 0, 2), 17);
  for (const id of [0, 0xffff, 0x12345678, 0xffffffff]) {
    const header = new Uint8Array(20);
    template.write(header, 8, 0, id, false);
    assertEquals((header[4]! << 8) | header[5]!, id & 0xffff);
    assertEquals(internetChecksum(header), 0);
  }
});

test("addresses come out as they went in, and numbers for them are those for their bytes", () => {
  for (const [version, length, at] of [[4, 4, 12], [6, 16, 8]] as const) {
    const addresses = Uint8Array.from({ length: 2 * length }, (_, i) => 250 - 7 * i);
    const template = new IpTemplate(version, addresses.subarray(0, length), addresses.subarray(length), 6, 200, 1);
    assertEquals([...template.source, ...template.destination], [...addresses]);
    assertEquals([template.hopLimit, template.protocol], [200, 6]);
    const header = new Uint8Array(template.headerLength);
    template.write(header, 1000, 1, 0, true);
    assertEquals(header.subarray(at), addresses);
    const ids = () => new IpIds((into) => into.fill(3));
    assertEquals(ids().nextFor(template.words, 6), ids().next(header, at, header.length, 6));
    const twice = ids();
    assertNotEquals(twice.nextFor(template.words, 6), twice.next(header, at, header.length, 6));
  }
});

test("L16 headers of a flow have their checksum, DSCP, hop limit and identification", () => {
  const source = parseAddress("192.0.2.1");
  const destination = parseAddress("198.51.100.7");
  const template = new IpTemplate(4, source, destination, IpProtocol.UDP, 9, 46);
  const packet = new Uint8Array(25).fill(0xee);
  template.write(packet, 5, 2, 0xabcd, true);
  const read = decodeIpv4(packet);
  assertEquals(
    [read.dscp, read.ecn, read.ttl, read.identification, read.isDontFragment, read.protocol, read.payload.length],
    [46, 2, 9, 0xabcd, true, 17, 5],
  );
  assertEquals([read.source, read.destination], [source, destination] as Uint8Array[]);
  assertEquals(new Ipv4View(packet).isChecksumValid, true);
  const from = parseAddress("2001:db8::1");
  const to = parseAddress("2001:db8::2");
  const packet6 = new Uint8Array(43).fill(0xee);
  new IpTemplate(6, from, to, IpProtocol.TCP, 200, 46).write(packet6, 3, 1, 0, true);
  const read6 = decodeIpv6(packet6);
  assertEquals([read6.hopLimit, read6.payload.length], [200, 3]);
  assertEquals([read6.source, read6.destination], [from, to] as Uint8Array[]);
});
