import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { checksumAdd, checksumFinish } from "../../src/bytes/checksum.ts";
import { parseAddress } from "../../src/packet/address.ts";
import { IpProtocol } from "../../src/packet/segment.ts";
import { decodeIpv4, Ipv4View } from "../../src/packet/ipv4.ts";
import { decodeIpv6 } from "../../src/packet/ipv6.ts";
import { IpTemplate } from "../../src/l3l4/ip_header.ts";
import { foldSum, Summer } from "../../src/l3l4/sum.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";

test("the fast checksum is that of the loop over bytes, at all alignments and lengths", () => {
  const random = new SeededRandom(7);
  const bytes = new Uint8Array(70_000);
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
  const summer = new Summer();
  for (let length = 0; length < 200; length++) {
    for (let start = 0; start < 5; start++) {
      const fast = foldSum(summer.add(9, bytes, start, start + length));
      assertEquals(~fast & 0xffff, checksumFinish(checksumAdd(9, bytes, start, start + length)));
    }
  }
  bytes.fill(0xff);
  for (const end of [32_767, 32_768, 65_536, 69_999]) {
    assertEquals(~foldSum(summer.add(0, bytes, 1, end)) & 0xffff, checksumFinish(checksumAdd(0, bytes, 1, end)));
  }
  const other = new Uint8Array(100).fill(3).subarray(1);
  assertEquals(~foldSum(summer.add(0, other, 0, 99)) & 0xffff, checksumFinish(checksumAdd(0, other, 0, 99)));
});

test("sums beyond 32 bits fold", () => {
  assertEquals(~foldSum(0xffff * 0x20000 + 5) & 0xffff, checksumFinish(0xffff * 0x20000 + 5));
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
