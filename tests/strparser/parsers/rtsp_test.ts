/** RTSP: recordings, bodies, empty lines, what is refused. */
import { join } from "../support.ts";
import { rtsp, rtspInterleavedEncoder } from "../../../src/strparser/parsers/rtsp.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { toHex } from "../../../src/bytes/mod.ts";
import { ascii, checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/rtsp.ts";

const text = (...parts: string[]) => parts.map((part) => toHex(ascii(part)));
const keepAlive = "GET_PARAMETER rtsp://h/t RTSP/2.0\r\nCSeq: 9\r\n\r\n";
const describe = "RTSP/1.0 200 OK\r\ncontent-LENGTH :  5 \r\nX: a\r\n b\r\nContent-Length: 5\r\n\r\nv=0\r\n";
checkGoldens([
  ...goldens,
  golden("bodies, empty lines, frames and bare line feeds", rtsp, "server", [75, 2, 1, 9, 4, 46, 20], [
    ...text(describe, "\r\n", "\n", "$\x01\0\x05hello", "$\0\0\0", keepAlive, "OPTIONS * RTSP/1.0\n\n"),
  ]),
]);

test("rtsp: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["\x16\x03\x01", "0x16 begins neither a message nor a frame (looks like TLS)"],
    ["\x80", "0x80 begins neither a message nor a frame"],
    ["GET /t HTTP/1.0\r\n", "HTTP instead of RTSP, perhaps RTSP tunnelled in it"],
    ["HTTP/1.0 200 OK\r\n", "HTTP instead of RTSP, perhaps RTSP tunnelled in it"],
    ["INVITE sip:a SIP/2.0\r\n", "first line names no version of RTSP"],
    ["xRTSP/1.0\r\n", "first line names no version of RTSP"],
    ["HELO\r\n", "first line is too short for RTSP"],
    ["\rx", "carriage return without a line feed"],
    ["RTSP/1.0 200 OK\r\nCSeq\r\n", "header line without a colon"],
    ["RTSP/1.0 200 OK\r\nContent-Length: x\r\n", "Content-Length is no number"],
    ["RTSP/1.0 200 OK\r\nContent-Length:\r\n", "Content-Length is no number"],
    ["RTSP/1.0 200 OK\r\nContent-Length: -1\r\n", "Content-Length is no number"],
    ["RTSP/1.0 200 OK\r\nContent-Length: 1 2\r\n", "Content-Length is no number"],
    ["RTSP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n", "two different Content-Lengths"],
  ];
  for (const [bytes, reason] of refused) assertEquals(outcome(rtsp, ascii(bytes)), [`EPROTO 0 rtsp: ${reason}`]);
});
test("rtsp: a body ends with its message", () => {
  assertEquals(outcome(rtsp, ascii(describe + keepAlive + describe)), [75, 46, 75]);
});
test("rtsp: maxHeadBytes", () => {
  const make = () => rtsp({ maxHeadBytes: keepAlive.length });
  assertEquals(outcome(make, ascii(keepAlive + keepAlive)), [46, 46]);
  const reason = "EMSGSIZE 0 length of a message is not known within maxHeaderBytes 46";
  assertEquals(outcome(make, ascii(keepAlive.replace("9", "10"))), [reason]);
  assertEquals(outcome(make, ascii("G".repeat(47))), [reason]);
});
test("rtsp: maxBodyBytes", () => {
  assertEquals(outcome(() => rtsp({ maxBodyBytes: 5 }), ascii(describe)), [75]);
  const reason = "EMSGSIZE 0 rtsp: body of 5 bytes exceeds maxBodyBytes 4";
  assertEquals(outcome(() => rtsp({ maxBodyBytes: 4 }), ascii(describe)), [reason]);
  const long = ascii("RTSP/1.0 200 OK\r\nContent-Length: 9999999999999999\r\n");
  assertEquals(outcome(rtsp, long), ["EMSGSIZE 0 rtsp: Content-Length is beyond all limits"]);
  assertThrows(() => rtsp({ maxBodyBytes: -1 }), RangeError, "maxBodyBytes");
});
test("rtsp: the encoder of frames", () => {
  const encoder = rtspInterleavedEncoder({ channel: 3 });
  assertEquals(join(...encoder.encode(hex("80c9"))), hex("24030002 80c9"));
  assertEquals(outcome(rtsp, join(...encoder.encode(new Uint8Array(65535)))), [65539]);
  assertThrows(() => encoder.encode(new Uint8Array(65536)), Error, "at most 65535");
  assertThrows(() => rtspInterleavedEncoder({ channel: 256 }), RangeError, "channel");
});
