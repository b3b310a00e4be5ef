/** Yamux: recordings, every type of frame, what is refused. */
import { join } from "../support.ts";
import { yamux, yamuxEncoder } from "../../../src/strparser/parsers/yamux.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/yamux.ts";

checkGoldens([
  ...goldens,
  golden("every type of frame, with numbers that are no lengths", yamux, "server", [15, 12, 12, 12, 12, 12], [
    "0000 0001 00000001 00000003 616263",
    "0001 0002 00000001 00040000",
    "0002 0001 00000000 ffffffff",
    "0000 0004 00000001 00000000",
    "0001 0008 80000000 ffffffff",
    "0003 0000 00000000 00000002",
  ]),
]);

test("yamux: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["01", "version 0x01 instead of 0"],
    ["16", "version 0x16 instead of 0 (looks like TLS)"],
    ["2f", "version 0x2f instead of 0 (looks like text)"],
    ["0004 0000 00000001 00000000", "frame type 0x04 is unknown"],
    ["0000 0010 00000001 00000000", "flags 0x0010 are unknown"],
    ["0000 0000 00000000 00000001", "frame of type 0x00 without a stream"],
    ["0001 0000 00000000 00000001", "frame of type 0x01 without a stream"],
    ["0002 0001 00000001 00000001", "frame of type 0x02 on a stream"],
    ["0003 0000 00000001 00000000", "frame of type 0x03 on a stream"],
  ];
  for (const [bytes, reason] of refused) assertEquals(outcome(yamux, hex(bytes)), [`EPROTO 0 yamux: ${reason}`]);
});
test("yamux: maxDataBytes", () => {
  const make = () => yamux({ maxDataBytes: 3 });
  assertEquals(outcome(make, hex("000000000000000100000003 616263")), [15]);
  const reason = "yamux: data of 4 bytes exceeds maxDataBytes 3";
  assertEquals(outcome(make, hex("000000000000000100000004")), [`EMSGSIZE 0 ${reason}`]);
  const beyond = "yamux: data of 4294967295 bytes exceeds maxDataBytes 16777216";
  assertEquals(outcome(yamux, hex("0000000000000001ffffffff")), [`EMSGSIZE 0 ${beyond}`]);
  assertThrows(() => yamux({ maxDataBytes: 0 }), RangeError, "maxDataBytes");
});
test("yamux: the encoder", () => {
  const encoder = yamuxEncoder({ maxDataBytes: 3 });
  const frame = join(...encoder.encode({ stream: 0xffffffff, flags: 4, data: hex("0102") }));
  assertEquals(frame, hex("0000 0004 ffffffff 00000002 0102"));
  assertEquals(outcome(yamux, frame), [14]);
  assertThrows(() => encoder.encode({ stream: 1, data: new Uint8Array(4) }), Error, "at most 3");
  assertThrows(() => encoder.encode({ stream: 0, data: new Uint8Array(1) }), Error, "no stream 0");
  assertThrows(() => encoder.encode({ stream: 1, flags: 16, data: new Uint8Array(1) }), Error, "flags 16");
});
