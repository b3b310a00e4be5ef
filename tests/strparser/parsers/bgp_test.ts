/** BGP: recordings, every type, extended messages, what is refused. */
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { bgp, bgpEncoder } from "../../../src/strparser/parsers/bgp.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join } from "../support.ts";
import { bgpGoldens } from "./golden/bgp.ts";

const extended = () => bgp({ extended: true });
const marker = "ff".repeat(16);
const open = `${marker}001d01 04fde9005a01010101 00`;
const message = (header: string, length: number) => join(hex(marker + header), new Uint8Array(length - 19));

checkGoldens([
  ...bgpGoldens,
  golden("a session that is refused at once", bgp, "server", [21], `${marker}001503 0602`),
  golden("a session of one of each", bgp, "client", [29, 19, 23, 23, 21], [
    open,
    `${marker}001304 ${marker}001702 00000000`,
    `${marker}001705 00010001 ${marker}001503 0602`,
  ]),
]);

test("bgp: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["00", "marker has 0x00 as byte 0, all have to be 0xff"],
    ["16", "marker has 0x16 as byte 0, all have to be 0xff"],
    ["ffff00", "marker has 0x00 as byte 2, all have to be 0xff"],
    [`${marker}001204`, "message of 18 bytes is shorter than its header"],
    [`${marker}001300`, "message type 0 is unknown"],
    [`${marker}001306`, "message type 6 is unknown"],
    [`${marker}001304`, "session begins with KEEPALIVE"],
    [`${marker}001c01`, "OPEN of 28 bytes"],
    [`${marker}100101`, "OPEN of 4097 bytes"],
    [`${marker}001403`, "NOTIFICATION of 20 bytes"],
  ];
  for (const make of [bgp, extended]) {
    for (const [bytes, reason] of refused) assertEquals(outcome(make, hex(bytes)), [`EPROTO 0 bgp: ${reason}`]);
  }
  const behind: [bytes: string, reason: string][] = [
    ["001404", "KEEPALIVE of 20 bytes"],
    ["001602", "UPDATE of 22 bytes"],
    ["001605", "ROUTE-REFRESH of 22 bytes"],
  ];
  for (const [bytes, reason] of behind) {
    assertEquals(outcome(bgp, hex(open + marker + bytes)), [29, `EPROTO 29 bgp: ${reason}`]);
  }
});
test("bgp: 4096 bytes, or 65535 with extended messages", () => {
  assertEquals(outcome(bgp, join(hex(open), message("100002", 4096))), [29, 4096]);
  assertEquals(outcome(bgp, join(hex(open), message("100102", 4097))), [
    29,
    "EMSGSIZE 29 bgp: UPDATE of 4097 bytes exceeds the 4096 of sessions without extended messages",
  ]);
  assertEquals(outcome(extended, join(hex(open), message("100102", 4097), message("ffff02", 65535))), [
    29,
    4097,
    65535,
  ]);
});
test("bgp: the encoder", () => {
  const { encode } = bgpEncoder();
  const large = bgpEncoder({ extended: true });
  assertEquals(join(...encode({ type: 4, payload: new Uint8Array(0) })), hex(`${marker}001304`));
  const update = (length: number) => ({ type: 2, payload: new Uint8Array(length - 19) });
  assertEquals(outcome(bgp, join(hex(open), ...encode(update(4096)))), [29, 4096]);
  assertEquals(outcome(extended, join(hex(open), ...large.encode(update(65535)))), [29, 65535]);
  assertThrows(() => encode(update(4097)), Error, "at most 4077");
  assertThrows(() => large.encode(update(65536)), Error, "UPDATE of 65536 bytes");
  assertThrows(() => large.encode({ type: 1, payload: new Uint8Array(4078) }), Error, "OPEN of 4097 bytes");
  assertThrows(() => encode({ type: 4, payload: new Uint8Array(1) }), Error, "KEEPALIVE of 20 bytes");
  assertThrows(() => encode({ type: 6, payload: new Uint8Array(0) }), Error, "type 6");
});
