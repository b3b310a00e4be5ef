/** The IP header that all packets of a flow share. */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { internetChecksum } from "../../src/bytes/checksum.ts";
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
