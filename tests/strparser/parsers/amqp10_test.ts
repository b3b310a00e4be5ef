/** AMQP 1.0: recordings, layers, other versions, what is refused. */
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { amqp10, amqp10Encoder } from "../../../src/strparser/parsers/amqp10.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join } from "../support.ts";
import { amqp10Goldens } from "./golden/amqp10.ts";

const header = "414d515000010000";
const sasl = "414d515003010000";

checkGoldens([
  ...amqp10Goldens,
  golden("a client without SASL opens and keeps alive", amqp10, "client", [8, 16, 8], [
    header,
    "00000010 02000000 0053 10c0 0301 a100",
    "00000008 02000000",
  ]),
  golden(
    "a server with an extended header",
    amqp10,
    "server",
    [8, 16],
    `${header} 00000010 03000001 deadbeef 00531045`,
  ),
]);

test("amqp10: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["00000008", "connection does not begin with a protocol header"],
    ["16030100", "connection does not begin with a protocol header (looks like TLS)"],
    ["414d515000000901", "protocol header is that of AMQP 0-9-1"],
    ["414d515001010000", "protocol id 1 is unknown"],
  ];
  for (const [bytes, reason] of refused) assertEquals(outcome(amqp10, hex(bytes)), [`EPROTO 0 amqp10: ${reason}`]);
  const behind: [bytes: string, reason: string][] = [
    ["00000007", "frame of 7 bytes is shorter than its header"],
    ["0000000801000000", "data offset 1 in a frame of 8 bytes"],
    ["0000000803000000", "data offset 3 in a frame of 8 bytes"],
    ["0000000802010000", "frame type 0x01 where AMQP is spoken"],
  ];
  for (const [bytes, reason] of behind) {
    assertEquals(outcome(amqp10, hex(header + bytes)), [8, `EPROTO 8 amqp10: ${reason}`]);
  }
  assertEquals(outcome(amqp10, hex(`${sasl} 0000000802000000`)), [
    8,
    "EPROTO 8 amqp10: frame type 0x00 where SASL is spoken",
  ]);
  assertEquals(outcome(amqp10, hex(sasl + sasl)), [8, "EPROTO 8 amqp10: protocol header for SASL within SASL"]);
  const twice = "EMSGSIZE 8 amqp10: frame of 1095586128 bytes exceeds maxFrameBytes 1048576 (looks like text)";
  assertEquals(outcome(amqp10, hex(header + header)), [8, twice]);
});
test("amqp10: TLS behind its protocol header", () => {
  assertEquals(outcome(amqp10, hex("414d515002010000 16")), [
    8,
    "EPROTO 8 amqp10: TLS after its protocol header; the rest of this connection is encrypted",
  ]);
});
test("amqp10: maxFrameBytes", () => {
  const make = () => amqp10({ maxFrameBytes: 512 });
  const frame = (size: number) =>
    join(hex(header), Uint8Array.of(0, 0, size >> 8, size, 2, 0, 0, 0), new Uint8Array(504));
  assertEquals(outcome(make, frame(512)), [8, 512]);
  assertEquals(outcome(make, frame(513)), [8, "EMSGSIZE 8 amqp10: frame of 513 bytes exceeds maxFrameBytes 512"]);
  assertThrows(() => amqp10({ maxFrameBytes: 511 }), RangeError, "maxFrameBytes");
});
test("amqp10: the encoder", () => {
  const { encode } = amqp10Encoder({ maxFrameBytes: 512 });
  const large = join(...encode({ channel: 258, payload: new Uint8Array(504) }));
  assertEquals(large.subarray(0, 8), hex("00000200 02000102"));
  assertEquals(outcome(amqp10, join(hex(header), large)), [8, 512]);
  assertEquals(outcome(amqp10, join(hex(sasl), ...encode({ type: 1, payload: new Uint8Array(3) }))), [8, 11]);
  assertThrows(() => encode({ payload: new Uint8Array(505) }), Error, "at most 504");
  assertThrows(() => encode({ type: 2, payload: new Uint8Array(0) }), Error, "type 2");
  assertThrows(() => encode({ channel: -1, payload: new Uint8Array(0) }), Error, "channel -1");
});
