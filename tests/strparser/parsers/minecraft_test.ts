/** Packets made by hand from the community's documentation of the protocol: the game is not free, nor in Debian. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { minecraft } from "../../../src/strparser/parsers/mod.ts";
import { checkGoldens, golden, hex, outcome } from "./check.ts";

/** Version 760, host "localhost", port 25565, and the intent. */
const handshake = (intent: string) => "10 00 f805 09 6c6f63616c686f7374 63dd" + intent;
const LOGIN_START = "07 00 05 416c657800";
const OLD_PING = "fe01fa 000b 004d0043007c00500069006e00670048006f00730074 0019 4a 0009 " +
  "006c006f00630061006c0068006f00730074 000063dd";
const ZEROS = (n: number) => "00".repeat(n);

checkGoldens([
  golden("minecraft: status, client", () => minecraft(), "client", [17, 2, 10], [
    handshake("01"),
    "0100 0901" + ZEROS(8),
  ]),
  golden("minecraft: status, server", () => minecraft(), "server", [132, 10, 3], [
    "8201 00 8001" + ZEROS(127) + "0901" + ZEROS(8) + "02 0102",
  ]),
  golden("minecraft: login without encryption, client", () => minecraft(), "client", [17, 8, 4, 3, 256], [
    handshake("02"),
    LOGIN_START + "03020100 020003 fe01" + ZEROS(254),
  ]),
  golden("minecraft: login without encryption, server", () => minecraft(), "server", [4, 3, 6], [
    "03 03 80 02 02 00 02 05 01 01 01 01 01",
  ]),
  golden("minecraft: old ping", () => minecraft(), "client", [54], OLD_PING),
  golden("minecraft: old answer", () => minecraft(), "server", [9], "ff0003 00a7 0031 0000"),
]);

test("minecraft: what is encrypted is handed over", () => {
  const client = hex(handshake("02") + LOGIN_START + "05 01 01aa 01bb" + "9999");
  const outcomes = outcome(() => minecraft(), client, { direction: "client" });
  assertEquals(outcomes.slice(0, 3), [17, 8, 6]);
  assertEquals(String(outcomes[3]).slice(0, 12), "ESTRPIPE 31 ");
  const server = outcome(() => minecraft(), hex("06 01 00 01aa 01bb" + "9999"), { direction: "server" });
  assertEquals([server[0], String(server[1]).slice(0, 11)], [7, "ESTRPIPE 7 "]);
});
test("minecraft: what is refused", () => {
  const refused: [string, string][] = [
    ["00", "packet is empty"],
    ["80808001", "length does not end within 3 bytes"],
    ["8000", "packet is empty"],
    ["0201", "first packet of the client is no handshake"],
    ["ffff7f00", "handshake of 2097154 bytes"],
  ];
  for (const [bytes, reason] of refused) {
    assertEquals(outcome(() => minecraft(), hex(bytes), { direction: "client" }), [`EPROTO 0 minecraft: ${reason}`]);
  }
});
test("minecraft: a first packet whose length looks like the old ping", () => {
  assertEquals(outcome(() => minecraft(), hex("fe0100" + ZEROS(253) + "0100")), [256, 2]);
});
