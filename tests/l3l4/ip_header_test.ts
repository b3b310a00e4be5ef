/** The IP header that all packets of a flow share. */
import { test } from "node:test";
import { assertEquals, assertNotEquals } from "@std/assert";
import { internetChecksum } from "../../src/bytes/checksum.ts";
import { IpIds } from "../../src/l3l4/ip_ids.ts";
import { IpTemplate } from "../../src/l3l4/ip_header.ts";

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
