/** TNS: a recording, both widths of the length, what is refused. */
import { tns } from "../../../src/strparser/parsers/tns.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/tns.ts";

const accept = (version: string) => `001c0000 02000000 ${version} 0000 2000ffff 0001 0000 001c 4141 00000000`;
const wide = "0000000a 06000000 0000";
const narrow = "000a0000 06000000 0000";
checkGoldens([
  ...goldens,
  golden("a server has the connection sent again, then accepts version 319", tns, "server", [8, 28, 10, 10], [
    "00080000 0b000000",
    accept("013f"),
    wide,
    wide,
  ]),
  golden("a server accepts version 314", tns, "server", [28, 10, 11], [
    accept("013a"),
    narrow,
    "000b0000 0c000000 010002",
  ]),
  golden("a client of an old version", tns, "client", [12, 10, 10], ["000c0000 01000000 013a012c", narrow, narrow]),
  golden("a connection from its middle, wide", () => tns({ lengthBytes: 4 }), "client", [10, 10], [wide, wide]),
]);

const client = { direction: "client" } as const;
const server = { direction: "server" } as const;
test("tns: what is none is refused", () => {
  const refused: [bytes: string, options: { direction?: "client" | "server" }, reason: string][] = [
    ["16030102000100 01", client, "packet type 0x00 does not begin a connection (looks like TLS)"],
    ["4745542f20485454", client, "packet type 0x20 does not begin a connection (looks like text)"],
    ["00080000 06000000", client, "packet type 0x06 does not begin a connection"],
    ["00080000 01000000", server, "packet type 0x01 does not begin a connection"],
    ["00080000 06000000", {}, "packet type 0x06 does not begin a connection"],
    ["00000010 01000000", client, "a connection begins with a length of 16 bits, not 0"],
    ["00070000 01000000", client, "packet of 7 bytes is shorter than its header"],
    ["00090000 02000000", server, "ACCEPT of 9 bytes has no version"],
  ];
  for (const [bytes, options, reason] of refused) {
    assertEquals(outcome(tns, hex(bytes), options), [`EPROTO 0 tns: ${reason}`]);
  }
  const connect = "00080000 01000000";
  const unknown = "EPROTO 8 tns: packet type 0x08 is unknown";
  assertEquals(outcome(tns, hex(`${connect} 00000008 08000000`), client), [8, unknown]);
  const short = "EPROTO 8 tns: packet of 7 bytes is shorter than its header";
  assertEquals(outcome(tns, hex(`${connect} 00000007 06000000`), client), [8, short]);
});
test("tns: once lengths are wide they stay so", () => {
  const stream = hex(`00080000 01000000 ${wide} 00080000 06000000`);
  assertEquals(outcome(tns, stream, { ...client, maxMessageLength: Infinity }), [8, 10]);
  const after = hex(`${accept("013f")} 000a0000 06000000`);
  assertEquals(outcome(tns, after, { ...server, maxMessageLength: Infinity }), [28]);
});
test("tns: maxPacketBytes", () => {
  const make = () => tns({ maxPacketBytes: 512, lengthBytes: 4 });
  assertEquals(outcome(make, hex("00000201 06000000")), [
    "EMSGSIZE 0 tns: packet of 513 bytes exceeds maxPacketBytes 512",
  ]);
  const all = () => tns({ lengthBytes: 4 });
  assertEquals(outcome(all, hex("00200001 06000000")), [
    "EMSGSIZE 0 tns: packet of 2097153 bytes exceeds maxPacketBytes 2097152",
  ]);
  assertEquals(outcome(all, hex("ffffffff 06000000")).length, 1);
  assertThrows(() => tns({ maxPacketBytes: 511 }), RangeError, "maxPacketBytes");
  assertThrows(() => tns({ lengthBytes: 3 as 2 }), RangeError, "lengthBytes");
});
