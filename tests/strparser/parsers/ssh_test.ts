import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { concat, toHex } from "../../../src/bytes/mod.ts";
import { ssh } from "../../../src/strparser/parsers/mod.ts";
import { ascii, checkGoldens, golden, hex, outcome } from "./check.ts";
import { clientAfter, goldens, serverAfter } from "./golden/ssh.ts";

const PACKET = "0000000c 06 02 00000000 00 000000000000";
const ID = toHex(ascii("SSH-2.0-x\n"));

checkGoldens([
  ...goldens,
  golden("ssh: lines of the server before its identification", () => ssh(), "server", [8, 2, 10, 16], [
    toHex(ascii("Hello.\r\n\r\n")),
    ID,
    "0000000c0a02" + "00".repeat(10),
  ]),
]);

test("ssh: what is encrypted is handed over", () => {
  for (const [i, after] of [clientAfter, serverAfter].entries()) {
    const { bytes, lengths, direction } = goldens[i]!;
    const [error, ...rest] = outcome(() => ssh(), concat([bytes, hex(after)]), { direction }).slice(lengths.length);
    assertEquals([error?.toString().slice(0, 12 + String(bytes.length).length - 3), rest], [
      `ESTRPIPE ${bytes.length}`,
      [],
    ]);
  }
});
test("ssh: what is refused", () => {
  const refused: [string, string][] = [
    [toHex(ascii("SSH-1.5-x\r\n")), "EPROTO 0 ssh: identification is of another version than 2.0"],
    [
      toHex(ascii("GET / HTTP/1.1\r\n")),
      "EPROTO 0 ssh: client does not begin with its identification (looks like HTTP)",
    ],
    ["160301020001", "EPROTO 0 ssh: client does not begin with its identification (looks like TLS)"],
    [toHex(ascii("SSH-" + "x".repeat(255))), "EPROTO 0 ssh: line of more than 255 bytes before the packets"],
  ];
  for (const [bytes, error] of refused) {
    assertEquals(outcome(() => ssh(), hex(bytes), { direction: "client" }), [error]);
  }
  const packets: [string, string][] = [
    ["00009000 04 02", "EMSGSIZE 10 ssh: packet of 36868 bytes exceeds maxPacketBytes 35000"],
    ["47455420 2f20", "EPROTO 10 ssh: no packet begins like this (looks like HTTP)"],
    ["00000004 04 02", "EPROTO 10 ssh: packet of 8 bytes is no multiple of 8 from 16 on"],
    ["0000000d 04 02", "EPROTO 10 ssh: packet of 17 bytes is no multiple of 8 from 16 on"],
    ["0000000c 03 02", "EPROTO 10 ssh: packet of 16 bytes with 3 of padding"],
    ["0000000c 0b 02", "EPROTO 10 ssh: packet of 16 bytes with 11 of padding"],
  ];
  for (const [bytes, error] of packets) assertEquals(outcome(() => ssh(), hex(ID + bytes)), [10, error]);
});
test("ssh: maxPacketBytes and maxLinesBefore", () => {
  assertEquals(outcome(() => ssh({ maxPacketBytes: 16 }), hex(ID + PACKET.slice(0, -2) + "0000000c 0a 02")), [
    10,
    16,
  ]);
  assertEquals(outcome(() => ssh({ maxLinesBefore: 2 }), ascii("a\nb\nc\n123")), [
    2,
    2,
    "EPROTO 4 ssh: no identification within 2 lines",
  ]);
  assertThrows(() => ssh({ maxPacketBytes: 8 }), RangeError, "maxPacketBytes");
  assertThrows(() => ssh({ maxLinesBefore: -1 }), RangeError, "maxLinesBefore");
});
