/** TDS: a recording, what a server says, packets and whole messages, TLS in the middle. */
import { join } from "../support.ts";
import { tds, tdsEncoder } from "../../../src/strparser/parsers/tds.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/tds.ts";

const whole = () => tds({ whole: true });
const server = [
  "0401002b00000100 00001a0006010020000102002100010300220000040022 0001ff 0c0003e8 0000 02 00 00", // prelogin
  "0400001000330100 d100000000000000", // the first packet of a result
  "0400001000330200 d100000000000000",
  "0401001500330300 fd1000c1000100000000000000", // DONE
  "1201000c00000000 16030300", // TLS, wrapped
];
checkGoldens([
  ...goldens,
  golden("a server answers, packets", tds, "server", [43, 16, 16, 21, 12], server),
  golden("a server answers, whole messages", whole, "server", [43, 53, 12], server),
  golden("an attention has no content", tds, "client", [8, 8], "0101000800000100 0601000800000100"),
]);

test("tds: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["16", "TLS record of type 0x16: the connection is encrypted"],
    ["17", "TLS record of type 0x17: the connection is encrypted"],
    ["53", "packet type 0x53 is that of MARS, which is not read here"],
    ["47", "packet type 0x47 is unknown (looks like text)"],
    ["00", "packet type 0x00 is unknown"],
    ["12010007", "packet of 7 bytes is shorter than its header"],
    ["12018000", "packet of 32768 bytes exceeds the 32767 of TDS"],
  ];
  for (const make of [tds, whole]) {
    for (const [bytes, reason] of refused) assertEquals(outcome(make, hex(bytes)), [`EPROTO 0 tds: ${reason}`]);
  }
  const wrongWay: [bytes: string, direction: "client" | "server"][] = [["04", "client"], ["01", "server"]];
  for (const [bytes, direction] of wrongWay) {
    assertEquals(outcome(tds, hex(bytes), { direction }), [`EPROTO 0 tds: packet type 0x${bytes} is unknown`]);
  }
});
test("tds: a message that changes its type", () => {
  const bytes = hex("0100000800000100 0301000800000100");
  const reason = "tds: packet type 0x03 within a message of type 0x01";
  assertEquals(outcome(tds, bytes), [8, `EPROTO 8 ${reason}`]);
  assertEquals(outcome(whole, bytes), [`EPROTO 0 ${reason}`]);
});
test("tds: encryption after the login", () => {
  assertEquals(outcome(tds, hex("1201000800000100 1703030020"), { direction: "client" }), [
    8,
    "EPROTO 8 tds: TLS record of type 0x17: the connection is encrypted",
  ]);
});
test("tds: the encoder", () => {
  const encoder = tdsEncoder({ maxPacketBytes: 512 });
  const message = join(...encoder.encode({ type: 1, payload: new Uint8Array(1010) }));
  assertEquals(outcome(tds, message), [512, 512, 10]);
  assertEquals(outcome(whole, message), [1034]);
  assertEquals(join(...encoder.encode({ type: 6, payload: new Uint8Array(0) })), hex("0601000800000100"));
  assertThrows(() => encoder.encode({ type: 9, payload: new Uint8Array(0) }), Error, "0x09");
  assertThrows(() => tdsEncoder({ maxPacketBytes: 511 }), RangeError, "maxPacketBytes");
  assertThrows(() => tdsEncoder({ maxPacketBytes: 32768 }), RangeError, "maxPacketBytes");
});
