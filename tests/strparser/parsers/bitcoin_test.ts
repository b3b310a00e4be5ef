/**
 * Bitcoin: recordings, the messages of the protocol documentation (Bitcoin Wiki, "Protocol documentation": version and
 * verack) and some made by hand.
 */
import { bitcoin } from "../../../src/strparser/parsers/bitcoin.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/bitcoin.ts";

const VERSION = [
  "f9beb4d976657273696f6e000000000064000000358d493262ea0000010000000000000011b2d05000000000",
  "010000000000000000000000000000000000ffff000000000000010000000000000000000000000000000000ffff000000000000",
  "3b2eb35d8ce617650f2f5361746f7368693a302e372e322fc03e0300",
];
const VERACK = "f9beb4d976657261636b000000000000000000005df6e0e2";
const ping = (magic: string) => `${magic} 70696e670000000000000000 08000000 00000000 0102030405060708`;
checkGoldens([
  ...goldens,
  golden("a node begins on the main network", bitcoin, "client", [124, 24, 32], [...VERSION, VERACK, ping("f9beb4d9")]),
  golden("a node on regtest, a command of twelve letters", bitcoin, "server", [32, 25], [
    ping("fabfb5da"),
    "fabfb5da 736d61727466656573787878 01000000 00000000 00",
  ]),
  golden("another network", () => bitcoin({ magic: 0xfbc0b6db }), "client", [32], ping("fbc0b6db")),
]);

test("bitcoin: what is none is refused", () => {
  const magic = (hexMagic: string) => `magic number 0x${hexMagic} is not this network's; BIP 324 would encrypt`;
  const refused: [bytes: string, reason: string][] = [
    ["f9beb4d8", magic("f9beb4d8")],
    ["16030102", `${magic("16030102")} (looks like TLS)`],
    ["47455420", `${magic("47455420")} (looks like HTTP)`],
    ["f9beb4d9 000000000000000000000000 00000000", "command is not a name padded with zeros"],
    ["f9beb4d9 70696e670000000000000078 00000000", "command is not a name padded with zeros"],
    ["f9beb4d9 70696e670a00000000000000 00000000", "command is not a name padded with zeros"],
  ];
  for (const [bytes, reason] of refused) assertEquals(outcome(bitcoin, hex(bytes)), [`EPROTO 0 bitcoin: ${reason}`]);
  const mixed = hex(ping("f9beb4d9") + ping("fabfb5da"));
  assertEquals(outcome(bitcoin, mixed), [32, `EPROTO 32 bitcoin: ${magic("fabfb5da")}`]);
  const other = () => bitcoin({ magic: 0xfbc0b6db });
  assertEquals(outcome(other, hex(ping("f9beb4d9"))), [`EPROTO 0 bitcoin: ${magic("f9beb4d9")}`]);
  assertThrows(() => bitcoin({ magic: -1 }), RangeError, "magic");
});
test("bitcoin: maxPayloadBytes", () => {
  const head = (length: string) => hex(`f9beb4d9 626c6f636b00000000000000 ${length}`);
  const reason = "bitcoin: payload of 4000001 bytes exceeds maxPayloadBytes 4000000";
  assertEquals(outcome(bitcoin, head("01093d00")), [`EMSGSIZE 0 ${reason}`]);
  assertEquals(outcome(bitcoin, head("ffffffff")), [`EMSGSIZE 0 ${reason.replace("4000001", "4294967295")}`]);
  assertEquals(outcome(bitcoin, head("00093d00"), { maxMessageLength: Infinity }), []);
  assertEquals(outcome(() => bitcoin({ maxPayloadBytes: 8 }), hex(ping("f9beb4d9"))), [32]);
  assertEquals(outcome(() => bitcoin({ maxPayloadBytes: 7 }), hex(ping("f9beb4d9"))).length, 1);
});
