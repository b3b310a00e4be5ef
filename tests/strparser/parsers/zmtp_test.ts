/** ZMTP 3: recordings, frames and whole messages, older versions. */
import { join } from "../support.ts";
import { zmtp, zmtpEncoder } from "../../../src/strparser/parsers/zmtp.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/zmtp.ts";

const whole = () => zmtp({ whole: true });
const GREETING = `ff 0000000000000001 7f 0301 4e554c4c${"00".repeat(48)}`;
const frames = [
  GREETING,
  "0405 0452454144", // a command
  "0100 0103616263 03 0000000000000002 6465",
  "02 0000000000000001 66",
  "0000",
  "06 0000000000000005 0450494e47",
];
checkGoldens([
  ...goldens,
  golden("frames short and long, empty ones", zmtp, "client", [64, 7, 2, 5, 11, 10, 2, 14], frames),
  golden("the same as whole messages", whole, "client", [64, 7, 28, 2, 14], frames),
]);

test("zmtp: what is none is refused", () => {
  const signature = "ff 0000000000000001";
  const refused: [bytes: string, reason: string][] = [
    ["01", "greeting begins with 0x01 instead of 0xff; ZMTP 1"],
    ["16", "greeting begins with 0x16 instead of 0xff; ZMTP 1 (looks like TLS)"],
    ["47", "greeting begins with 0x47 instead of 0xff; ZMTP 1 (looks like text)"],
    [`${signature} 7e 03`, "signature ends with 0x7e instead of 0x7f"],
    [`${signature} 7f 01`, "version 1 of ZMTP is older than 3"],
  ];
  for (const make of [zmtp, whole]) {
    for (const [bytes, reason] of refused) assertEquals(outcome(make, hex(bytes)), [`EPROTO 0 zmtp: ${reason}`]);
  }
  const later: [bytes: string, reason: string][] = [
    ["08", "EPROTO 64 zmtp: frame flags 0x08 are reserved"],
    ["ff", "EPROTO 64 zmtp: frame flags 0xff are reserved"],
    ["05", "EPROTO 64 zmtp: command that wants to be continued"],
    ["0400", "EPROTO 64 zmtp: command without a name"],
    ["02 ffffffffffffffff", "EMSGSIZE 64 zmtp: frame length is beyond 2^53"],
    ["02 0020000000000000", "EMSGSIZE 64 zmtp: frame length is beyond 2^53"],
  ];
  for (const make of [zmtp, whole]) {
    for (const [bytes, reason] of later) assertEquals(outcome(make, hex(GREETING + bytes)), [64, reason]);
  }
  const inside = hex(`${GREETING} 0100 0401 00`);
  assertEquals(outcome(zmtp, inside), [64, 2, "EPROTO 66 zmtp: command within a message"]);
  assertEquals(outcome(whole, inside), [64, "EPROTO 64 zmtp: command within a message"]);
});
test("zmtp: maxFrameBytes, and lengths of 64 bits", () => {
  const make = () => zmtp({ maxFrameBytes: 3 });
  assertEquals(outcome(make, hex(`${GREETING} 0003616263`)), [64, 5]);
  const reason = "EMSGSIZE 64 zmtp: frame of 4 bytes exceeds maxFrameBytes 3";
  assertEquals(outcome(make, hex(`${GREETING} 0004`)), [64, reason]);
  const large = hex(`${GREETING} 02 0000000100000000`);
  assertEquals(outcome(zmtp, large, { maxMessageLength: Infinity }), [64]);
  assertEquals(outcome(zmtp, large), [64, "EMSGSIZE 64 message of 4294967305 bytes exceeds maxMessageLength 1048576"]);
});
test("zmtp: whole messages are bounded, by maxMessageLength and by 2^53", () => {
  const endless = hex(`${GREETING} ${"0102aabb".repeat(40)}`);
  const reason = "EMSGSIZE 64 length of a message is not known within maxMessageLength 100";
  assertEquals(outcome(whole, endless, { maxMessageLength: 100 }), [64, reason]);
  const parser = whole();
  const state = parser.start?.({});
  assertEquals(parser.parse(hex(GREETING), 0, 64, state), 64);
  assertEquals(parser.parse(hex("03 001ffffffffffff0"), 0, 9, state), -(2 ** 53 - 16 + 9 + 1));
});
test("zmtp: the encoder", () => {
  const encoder = zmtpEncoder({ maxFrameBytes: 300 });
  const bodies = [new Uint8Array(0), new Uint8Array(255), new Uint8Array(256)];
  const stream = join(hex(GREETING), ...encoder.encode(bodies));
  assertEquals(outcome(zmtp, stream), [64, 2, 257, 265]);
  assertEquals(outcome(whole, stream), [64, 524]);
  assertThrows(() => encoder.encode([]), Error, "without frames");
  assertThrows(() => encoder.encode([new Uint8Array(301)]), Error, "at most 300");
});
