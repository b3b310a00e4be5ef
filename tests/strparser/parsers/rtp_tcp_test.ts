/** RTP over TCP: a recording, RTCP, what ICE sends, what is refused. */
import { join } from "../support.ts";
import { rtpTcp, rtpTcpEncoder } from "../../../src/strparser/parsers/rtp_tcp.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/rtp_tcp.ts";

const ice = () => rtpTcp({ multiplexed: true });
checkGoldens([
  ...goldens,
  golden("RTP, RTCP, nothing, the shortest BYE", rtpTcp, "server", [14, 10, 2, 6], [
    "000c 800000010000000200000003",
    "0008 80c9000100000003",
    "0000",
    "0004 80cb0000",
  ]),
  golden("STUN, DTLS and RTP over a connection of ICE", ice, "client", [22, 15, 14], [
    "0014 000100002112a442000102030405060708090a0b",
    "000d 16feff00000000000000000001",
    "000c 800000010000000200000003",
  ]),
]);

test("rtpTcp: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["0001", "packet of 1 bytes is shorter than any header"],
    ["0003", "packet of 3 bytes is shorter than any header"],
    ["001400", "packet begins with 0x00, not with version 2 of RTP; ICE needs multiplexed"],
    ["001416", "packet begins with 0x16, not with version 2 of RTP; ICE needs multiplexed"],
    ["001450", "packet begins with 0x50, not with version 2 of RTP"],
    ["0014c0", "packet begins with 0xc0, not with version 2 of RTP"],
  ];
  for (const [bytes, reason] of refused) assertEquals(outcome(rtpTcp, hex(bytes)), [`EPROTO 0 rtpTcp: ${reason}`]);
  for (const first of ["04", "0f", "50", "7f", "c0", "ff"]) {
    const reason = `packet begins with 0x${first}, not with version 2 of RTP`;
    assertEquals(outcome(ice, hex(`0014${first}`)), [`EPROTO 0 rtpTcp: ${reason}`]);
  }
});
test("rtpTcp: the encoder", () => {
  const encode = (length: number) => join(...rtpTcpEncoder().encode(new Uint8Array(length).fill(0x80)));
  for (const length of [0, 4, 65535]) assertEquals(outcome(rtpTcp, encode(length)), [2 + length]);
  assertThrows(() => encode(65536), Error, "at most 65535");
  assertThrows(() => encode(3), Error, "no header");
  const stun = hex("000100002112a442");
  assertThrows(() => rtpTcpEncoder().encode(stun), Error, "multiplexed");
  assertEquals(rtpTcpEncoder({ multiplexed: true }).encode(stun)[1], stun);
});
