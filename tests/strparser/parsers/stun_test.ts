/** STUN and TURN: recordings, padding, what is refused. */
import { join } from "../support.ts";
import { stun, turnChannelEncoder } from "../../../src/strparser/parsers/stun.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/stun.ts";

const id = "000102030405060708090a0b";
const REQUEST = `00010000 2112a442 ${id}`;
checkGoldens([
  ...goldens,
  golden("a binding request, and channel data of 0 to 5 bytes", stun, "client", [20, 4, 8, 8, 8, 8, 12], [
    REQUEST,
    "40000000",
    "40000001 01000000",
    "40010002 01020000",
    "7fff0003 01020300",
    "40000004 01020304",
    "40000005 0102030405000000",
  ]),
]);

test("stun: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["80", "first byte 0x80 is neither STUN nor a channel"],
    ["ff", "first byte 0xff is neither STUN nor a channel"],
    ["474554202f", "channel data before any STUN message (looks like HTTP)"],
    ["40000000", "channel data before any STUN message"],
    ["00010000 01020304", "magic cookie 0x01020304"],
    ["16030102 000100 01", "magic cookie 0x00010001 (looks like TLS)"],
    ["00010002 2112a442", "STUN length 2 is not a multiple of 4"],
    ["00140001 00082112", "magic cookie 0x00082112"],
  ];
  for (const [bytes, reason] of refused) assertEquals(outcome(stun, hex(bytes)), [`EPROTO 0 stun: ${reason}`]);
});
test("stun: the longest messages", () => {
  const long = join(hex(`0001fffc 2112a442 ${id}`), new Uint8Array(0xfffc));
  assertEquals(outcome(stun, long), [20 + 0xfffc]);
  assertEquals(outcome(stun, join(hex(`${REQUEST} 4000ffff`), new Uint8Array(0x10000))), [20, 4 + 0x10000]);
});
test("stun: the encoder of channel data", () => {
  const encoder = turnChannelEncoder({ channel: 0x4001 });
  for (const length of [0, 1, 4, 5, 0xffff]) {
    const stream = join(hex(REQUEST), ...encoder.encode(new Uint8Array(length)));
    assertEquals(outcome(stun, stream), [20, 4 + 4 * Math.ceil(length / 4)]);
  }
  assertThrows(() => encoder.encode(new Uint8Array(0x10000)), Error, "at most 65535");
  for (const channel of [0x3fff, 0x8000, 16384.5]) {
    assertThrows(() => turnChannelEncoder({ channel }), RangeError, "channel");
  }
});
