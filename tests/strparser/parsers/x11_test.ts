/** X11: recordings, big-endian, big requests, generic events, what is refused. */
import { x11 } from "../../../src/strparser/parsers/x11.ts";
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/x11.ts";

const setup = "6c00 0b00 0000 0000 0000 0000";
const success = `01000b00 0000 0800 ${"00".repeat(32)}`;
const event = `02${"00".repeat(31)}`;
checkGoldens([
  ...goldens,
  golden("a big-endian client with a cookie, and big requests", x11, "client", [48, 4, 12, 24], [
    `4200 000b 0000 0012 0010 0000 4d49542d4d414749432d434f4f4b49452d31 0000 ${"aa".repeat(16)}`,
    "7f00 0001",
    "8000 0000 00000003 01020304",
    "4800 0000 00000006 0000000000000000 0000000000000000",
  ]),
  golden("a big-endian server: reply, error, event, sent event, generic events", x11, "server", [
    40,
    36,
    32,
    32,
    32,
    44,
    32,
  ], [
    `0100000b 0000 0008 ${"00".repeat(32)}`,
    `0100 0001 00000001 ${"00".repeat(28)}`,
    `00${"00".repeat(31)}`,
    event,
    `a1${"00".repeat(31)}`,
    `2383 0002 00000003 ${"00".repeat(36)}`,
    `a383 0002 00000000 ${"00".repeat(24)}`,
  ]),
  golden("a server asks for more, then refuses", x11, "server", [12, 32], [
    "0200 0000 0000 0001 00000000",
    "0015 0b00 0000 0600 4e6f2070726f746f636f6c20737065636966696564 000000",
  ]),
]);

const client = { direction: "client" } as const;
const server = { direction: "server" } as const;
test("x11: what is none is refused", () => {
  const refused: [bytes: string, options: { direction?: "client" | "server" }, reason: string][] = [
    ["16", client, "byte order 0x16 is neither B nor l (looks like TLS)"],
    ["01", client, "byte order 0x01 is neither B nor l"],
    ["47", {}, "byte order 0x47 is neither B nor l (looks like text)"],
    ["6c00000b0000000000000000", client, "protocol version 2816 instead of 11"],
    ["42000b000000000000000000", client, "protocol version 2816 instead of 11"],
    ["6c000a000000000000000000", {}, "protocol version 10 instead of 11"],
    ["03", server, "answer 0x03 to the connection setup is unknown"],
    ["6c", server, "answer 0x6c to the connection setup is unknown (looks like text)"],
    ["01000c0000000800", server, "protocol version 3072 instead of 11"],
    ["01000b0000000700", server, "connection setup of 28 bytes, at least 32 belong there"],
    ["00050b0000000100", server, "connection setup of 4 bytes, at least 5 belong there"],
  ];
  for (const [bytes, options, reason] of refused) {
    assertEquals(outcome(x11, hex(bytes), options), [`EPROTO 0 x11: ${reason}`]);
  }
  const requests: [bytes: string, reason: string][] = [
    ["00", "request 0 is unknown"],
    ["78", "request 120 is unknown"],
    ["7e", "request 126 is unknown"],
    ["0100000000000000", "big request of 0 units is shorter than its header"],
    ["0100000001000000", "big request of 1 units is shorter than its header"],
  ];
  for (const [bytes, reason] of requests) {
    assertEquals(outcome(x11, hex(setup + bytes), client), [12, `EPROTO 12 x11: ${reason}`]);
  }
  for (const type of ["80", "81"]) {
    const reason = `EPROTO 40 x11: event 0x${type} is sent by nobody`;
    assertEquals(outcome(x11, hex(success + type), server), [40, reason]);
  }
});
test("x11: nothing follows a refusal", () => {
  const stream = hex("0001 0b00 0000 0100 4e000000 01");
  assertEquals(outcome(x11, stream, server), [12, "EPROTO 12 x11: bytes after the connection was refused"]);
});
test("x11: lengths beyond 2^31", () => {
  const big = outcome(x11, hex(`${setup} 01000000 ffffffff`), client);
  assertEquals(big, [12, "EMSGSIZE 12 message of 17179869180 bytes exceeds maxMessageLength 1048576"]);
  const reply = outcome(x11, hex(`${success} 01000000 ffffffff`), server);
  assertEquals(reply, [40, "EMSGSIZE 40 message of 17179869212 bytes exceeds maxMessageLength 1048576"]);
});
