/** AMQP 0-9-1: recordings, heartbeats, other versions, the end of frames, what is refused. */
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { amqp091, amqp091Encoder } from "../../../src/strparser/parsers/amqp091.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join, record } from "../support.ts";
import { amqp091Goldens } from "./golden/amqp091.ts";

const client = { direction: "client" } as const;
const server = { direction: "server" } as const;
const header = "414d515000000901";
const heartbeat = "08000000000000ce";

checkGoldens([
  ...amqp091Goldens,
  golden("a header, a method, content and a heartbeat", amqp091, "client", [8, 12, 22, 9, 8], [
    header,
    "01000100000004 003c0028 ce",
    "0200010000000e 003c0000 0000000000000001 0000 ce",
    "03000100000001 61 ce",
    heartbeat,
  ]),
  golden("a server that wants another version", amqp091, "server", [8], header),
]);

test("amqp091: what is none is refused", () => {
  const refused: [bytes: string, reason: string, options: object][] = [
    ["04", "frame type 0x04 is unknown", server],
    ["16", "frame type 0x16 is unknown (looks like TLS)", server],
    ["48", "frame type 0x48 is unknown (looks like text)", server],
    ["16", "connection does not begin with a protocol header (looks like TLS)", client],
    ["414d5151", "connection does not begin with a protocol header (looks like text)", client],
    ["01", "connection does not begin with a protocol header", client],
    ["414d515000010000", "protocol header is that of AMQP 1.0", client],
    ["414d515003010000", "protocol header is that of AMQP 1.0, protocol 3", client],
    ["414d515001010009", "protocol header is that of AMQP 1.0, protocol 1", client],
    ["414d51500000090a", "protocol header is that of AMQP 0-9-10", {}],
    ["01000000000003", "frame of type 1 with 3 bytes", server],
    ["0200000000000d", "frame of type 2 with 13 bytes", server],
    ["08000000000001", "heartbeat with 1 byte on channel 0", server],
    ["08000100000000", "heartbeat with 0 bytes on channel 1", server],
    ["08000000000000cd", "frame ends with 0xcd instead of 0xce", server],
  ];
  for (const [bytes, reason, options] of refused) {
    assertEquals(outcome(amqp091, hex(bytes), options), [`EPROTO 0 amqp091: ${reason}`]);
  }
  assertEquals(outcome(amqp091, hex(header + header), client), [
    8,
    "EPROTO 8 amqp091: frame type 0x41 is unknown (looks like text)",
  ]);
  assertEquals(outcome(amqp091, hex(header + heartbeat), server), [
    8,
    "EPROTO 8 amqp091: bytes behind the server's answer that it wants another version",
  ]);
});
test("amqp091: maxFrameBytes", () => {
  const make = () => amqp091({ maxFrameBytes: 4096 });
  const body = (size: number) =>
    join(hex("030001"), Uint8Array.of(0, 0, size >> 8, size), new Uint8Array(size), hex("ce"));
  assertEquals(outcome(make, body(4088), server), [4096]);
  assertEquals(outcome(make, body(4089).subarray(0, 7), server), [
    "EMSGSIZE 0 amqp091: frame of 4097 bytes exceeds maxFrameBytes 4096",
  ]);
  assertEquals(outcome(amqp091, hex("030001ffffffff"), server), [
    "EMSGSIZE 0 amqp091: frame of 4294967303 bytes exceeds maxFrameBytes 131072",
  ]);
  assertThrows(() => amqp091({ maxFrameBytes: 4095 }), RangeError, "maxFrameBytes");
});
test("amqp091: the largest frame of the default limit, in small chunks", () => {
  const size = 131072 - 8;
  const frame = join(hex("03000100"), Uint8Array.of(size >> 16, size >> 8, size), new Uint8Array(size), hex("ce"));
  const run = record(amqp091(), server);
  for (let at = 0; at < frame.length; at += 100) run.push(frame.subarray(at, at + 100));
  assertEquals(run.lengths(), [131072]);
  // at its header, and at its end
  assertEquals(run.calls < 5, true);
});
test("amqp091: the encoder", () => {
  const { encode } = amqp091Encoder({ maxFrameBytes: 4096 });
  const payload = new Uint8Array(4);
  assertEquals(outcome(amqp091, join(...encode({ type: 1, channel: 65535, payload })), server), [12]);
  assertEquals(join(...encode({ type: 8, channel: 0, payload: new Uint8Array(0) })), hex(heartbeat));
  assertThrows(() => encode({ type: 3, channel: 1, payload: new Uint8Array(4089) }), Error, "at most 4088");
  assertThrows(() => encode({ type: 4, channel: 0, payload }), Error, "type 4");
  assertThrows(() => encode({ type: 8, channel: 0, payload }), Error, "type 8");
  assertThrows(() => encode({ type: 2, channel: 0, payload }), Error, "type 2");
  assertThrows(() => encode({ type: 1, channel: 65536, payload }), Error, "channel 65536");
  assertThrows(() => encode({ type: 1, channel: 1.5, payload }), Error, "channel 1.5");
});
