/** WebSocket: a recording, the examples of RFC 6455 section 5.7, frames and whole messages, what is refused. */
import { ascii, checkGoldens, golden, hex, outcome } from "./check.ts";
import { websocket, websocketEncoder } from "../../../src/strparser/parsers/websocket.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join, seeded } from "../support.ts";
import { websocketGoldens } from "./golden/websocket.ts";

const whole = () => websocket({ whole: true });
const client = { direction: "client" } as const;
const server = { direction: "server" } as const;
/** A ping between the fragments of one message, and after it a compressed one. */
const interleaved = "010348656c 8902 6869 8003 6c6f21 c10548656c6c6f 8a00";

checkGoldens([
  ...websocketGoldens,
  ...websocketGoldens.map((one) => ({
    ...one,
    name: `${one.name}, whole messages`,
    parser: whole,
    lengths: joined(one),
  })),
  golden("the examples of the RFC, server", websocket, "server", [7, 5, 4, 7, 260], [
    "810548656c6c6f 010348656c 80026c6f 890548656c6c6f 827e0100",
    "5a".repeat(256),
  ]),
  golden(
    "the examples of the RFC, client",
    websocket,
    "client",
    [11, 11],
    "818537fa213d7f9f4d5158 8a8537fa213d7f9f4d5158",
  ),
  golden("a ping within a message, frames", websocket, "server", [5, 4, 5, 7, 2], interleaved),
  golden("a ping within a message, whole messages", whole, "server", [14, 7, 2], interleaved),
]);

/** Joins the lengths of fragments, as their first bytes say. */
function joined({ bytes, lengths }: { bytes: Uint8Array; lengths: readonly number[] }): number[] {
  const sums: number[] = [];
  let at = 0;
  let open = 0;
  for (const length of lengths) {
    open += length;
    const isControl = (bytes[at]! & 8) !== 0;
    if (bytes[at]! >= 0x80 && (!isControl || open === length)) {
      sums.push(open);
      open = 0;
    }
    at += length;
  }
  return sums;
}

test("websocket: the widths of the length", () => {
  const frame = (header: string, length: number) => join(hex(header), new Uint8Array(length));
  assertEquals(outcome(websocket, frame("827d", 125), server), [127]);
  assertEquals(outcome(websocket, frame("827e007e", 126), server), [130]);
  assertEquals(outcome(websocket, frame("827effff", 65535), server), [65539]);
  assertEquals(outcome(websocket, frame("827f0000000000010000", 65536), server), [65546]);
  assertEquals(outcome(websocket, frame("82ff0000000000010000 01020304", 65536), client), [65550]);
});
test("websocket: lengths of 64 bits", () => {
  const outcomeOf = (length: string) =>
    outcome(websocket, hex(`827f${length}`), { ...server, maxMessageLength: Infinity });
  assertEquals(outcomeOf("0020000000000000"), ["EMSGSIZE 0 websocket: length field is beyond 2^53"]);
  assertEquals(outcomeOf("7fffffffffffffff"), ["EMSGSIZE 0 websocket: length field is beyond 2^53"]);
  assertEquals(outcomeOf("8000000000000000"), ["EPROTO 0 websocket: length of 64 bits has its top bit set"]);
  assertEquals(outcomeOf("0000000080000000"), []);
  const parser = websocket();
  assertEquals(parser.parse(hex("827f001ffffffffffff0"), 0, 10, parser.start!(server)), 2 ** 53 - 16 + 10);
});
test("websocket: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["83", "opcode 0x03 is reserved"],
    ["8b", "opcode 0x0b is reserved"],
    ["47", "opcode 0x07 is reserved (looks like text)"],
    ["16", "opcode 0x06 is reserved (looks like TLS)"],
    ["a1", "reserved bits in 0xa1"],
    ["91", "reserved bits in 0x91"],
    ["09", "fragmented control frame"],
    ["48", "fragmented control frame (looks like text)"],
    ["c9", "bit of compressed messages in 0xc9, where it may not be"],
    ["c0", "bit of compressed messages in 0xc0, where it may not be"],
    ["80", "continuation without a message"],
    ["897e", "control frame of more than 125 bytes"],
    ["8801", "close frame with half a status code"],
    ["827e007d", "length 125 is not in its shortest form"],
    ["827f000000000000ffff", "length 65535 is not in its shortest form"],
  ];
  for (const make of [websocket, whole]) {
    for (const [bytes, reason] of refused) assertEquals(outcome(make, hex(bytes)), [`EPROTO 0 websocket: ${reason}`]);
  }
  assertEquals(outcome(() => websocket({ compression: false }), hex("c100"), server), [
    "EPROTO 0 websocket: bit of compressed messages in 0xc1, where it may not be",
  ]);
});
test("websocket: who masks", () => {
  const [masked, plain] = ["frame from the client is not masked", "masked frame from the server"];
  assertEquals(outcome(websocket, hex("8100"), client), [`EPROTO 0 websocket: ${masked}`]);
  assertEquals(outcome(websocket, hex("818000000000"), server), [`EPROTO 0 websocket: ${plain}`]);
  assertEquals(outcome(websocket, hex("8100 818000000000")), [2, `EPROTO 2 websocket: ${plain}`]);
  assertEquals(outcome(websocket, hex("818000000000 8100")), [6, `EPROTO 6 websocket: ${masked}`]);
});
test("websocket: order of frames", () => {
  assertEquals(outcome(websocket, hex("0100 0200"), server), [
    2,
    "EPROTO 2 websocket: new message within a fragmented one",
  ]);
  assertEquals(outcome(whole, hex("0100 0200"), server), ["EPROTO 0 websocket: new message within a fragmented one"]);
  assertEquals(outcome(websocket, hex("0100 8000 8000"), server), [
    2,
    2,
    "EPROTO 4 websocket: continuation without a message",
  ]);
  assertEquals(outcome(websocket, hex("880203e8 81"), server), [4, "EPROTO 4 websocket: bytes behind the close frame"]);
});
test("websocket: HTTP in front of the frames is refused", () => {
  const head = ascii("GET / HTTP/1.1\r\n");
  assertEquals(outcome(websocket, head, client), ["EPROTO 0 websocket: opcode 0x07 is reserved (looks like text)"]);
});
test("websocket: whole messages are bounded by maxMessageLength", () => {
  const bytes = hex("0103616263 0003616263 8003616263");
  assertEquals(outcome(whole, bytes, { maxMessageLength: 15 }), [15]);
  const [error] = outcome(whole, bytes, { maxMessageLength: 14 });
  assertEquals(String(error).slice(0, 10), "EMSGSIZE 0");
});
test("websocket: the encoder", () => {
  const random = seeded(1);
  const fillMask = (mask: Uint8Array) => mask.forEach((_, i) => mask[i] = Math.floor(random() * 256));
  for (
    const [encoder, direction] of [[websocketEncoder(), server], [websocketEncoder({ fillMask }), client]] as const
  ) {
    for (const length of [0, 1, 125, 126, 65535, 65536]) {
      const message = join(...encoder.encode({ opcode: 2, payload: new Uint8Array(length) }));
      assertEquals(outcome(websocket, message, direction), [message.length]);
    }
  }
  const fixed = websocketEncoder({ fillMask: (mask) => mask.set([0x37, 0xfa, 0x21, 0x3d]) });
  assertEquals(join(...fixed.encode({ opcode: 1, payload: ascii("Hello") })), hex("818537fa213d7f9f4d5158"));
  const { encode } = websocketEncoder();
  assertEquals(join(...encode({ opcode: 1, isFinal: false, isCompressed: true, payload: ascii("H") })), hex("410148"));
  const payload = new Uint8Array(1);
  assertThrows(() => encode({ opcode: 3, payload }), Error, "opcode 3");
  assertThrows(() => encode({ opcode: 9, payload, isFinal: false }), Error, "control frame");
  assertThrows(() => encode({ opcode: 9, payload: new Uint8Array(126) }), Error, "control frame of 126 bytes");
  assertThrows(() => encode({ opcode: 8, payload }), Error, "half a status code");
  assertThrows(() => encode({ opcode: 0, payload, isCompressed: true }), Error, "first frames");
});
