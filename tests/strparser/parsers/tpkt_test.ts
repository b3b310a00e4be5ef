/** TPKT: RDP recorded with fast-path, H.323's keep-alive, S7, what is refused. */
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { tpkt, tpktEncoder } from "../../../src/strparser/parsers/tpkt.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join } from "../support.ts";
import { tpktGoldens } from "./golden/tpkt.ts";

const fastPath = () => tpkt({ fastPath: true });
const first = "0300000702f080";

checkGoldens([
  ...tpktGoldens,
  golden("S7 connects and keeps alive as H.323 does", tpkt, "client", [22, 4], [
    "03000016 11e00000000100c0010ac1020100c2020102 03000004",
  ]),
  golden("fast-path with one and two bytes of length", fastPath, "server", [7, 4, 5, 7, 4], [
    `${first} 00040100 0080050100`,
    `${first} 44040100`,
  ]),
]);

test("tpkt: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["00", "version 0x00 is unknown"],
    ["16", "version 0x16 is unknown (looks like TLS)"],
    ["47", "version 0x47 is unknown (looks like text)"],
    ["03000003", "packet of 3 bytes is shorter than its header"],
  ];
  for (const make of [tpkt, fastPath]) {
    for (const [bytes, reason] of refused) assertEquals(outcome(make, hex(bytes)), [`EPROTO 0 tpkt: ${reason}`]);
  }
  assertEquals(outcome(tpkt, hex("0301ffff").subarray(0, 4)), []);
});
test("tpkt: what is none behind the first packet is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["16030100", "version 0x16 is unknown (looks like TLS)"],
    ["01", "version 0x01 is unknown"],
    ["0002", "fast-path PDU of 2 bytes is not longer than its header"],
    ["008003", "fast-path PDU of 3 bytes is not longer than its header"],
    ["0000", "fast-path PDU of 0 bytes is not longer than its header"],
  ];
  for (const [bytes, reason] of refused) {
    assertEquals(outcome(fastPath, hex(first + bytes)), [7, `EPROTO 7 tpkt: ${reason}`]);
  }
  assertEquals(outcome(tpkt, hex(`${first}00040100`)), [7, "EPROTO 7 tpkt: version 0x00 is unknown"]);
});
test("tpkt: the longest packets", () => {
  assertEquals(outcome(tpkt, join(hex("0300ffff"), new Uint8Array(65531))), [65535]);
  assertEquals(outcome(fastPath, join(hex(`${first}00ffff`), new Uint8Array(32764))), [7, 32767]);
});
test("tpkt: the encoder", () => {
  const { encode } = tpktEncoder();
  for (const length of [0, 15, 65531]) {
    assertEquals(outcome(tpkt, join(...encode(new Uint8Array(length)))), [length + 4]);
  }
  assertThrows(() => encode(new Uint8Array(65532)), Error, "at most 65531");
});
