/** 9P: recordings, msize, what is refused. */
import { ninep } from "../../../src/strparser/parsers/ninep.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/ninep.ts";

const version = (msize: string, type = "64") => `13000000 ${type} ffff ${msize} 0600 395032303030`;
const clunk = "0b000000 78 0100 00000000";
checkGoldens([
  ...goldens,
  golden("a second version message settles on more", ninep, "client", [19, 11, 19, 11], [
    version("0e000000"),
    clunk,
    version("00200000"),
    clunk,
  ]),
  golden("a server knows no version before it answers with one", ninep, "server", [11, 19, 7], [
    "0b000000 07 ffff 16000000",
    version("00200000", "65"),
    "07000000 79 0100",
  ]),
]);

const client = { direction: "client" } as const;
const server = { direction: "server" } as const;
test("ninep: what is none is refused", () => {
  const refused: [bytes: string, options: { direction?: "client" | "server" }, reason: string][] = [
    [clunk, client, "message type 120 does not begin a connection"],
    [version("00200000"), server, "message type 100 does not begin a connection"],
    [version("00200000", "65"), client, "message type 101 does not begin a connection"],
    ["474554202f2048", {}, "message type 47 does not begin a connection (looks like HTTP)"],
    ["16030102000100", {}, "message type 0 does not begin a connection (looks like TLS)"],
    ["01010000 64 ffff", client, "first message of 257 bytes"],
    ["06000000 6b ffff", server, "first message of 6 bytes"],
    ["0c000000 64 ffff", client, "version message of 12 bytes"],
    ["13000000 64 ffff 00200000 0700", client, "version message of 19 bytes with a name of 7"],
    ["13000000 64 ffff 0c000000 0600", client, "messages of at most 12 bytes are asked for"],
  ];
  for (const [bytes, options, reason] of refused) {
    assertEquals(outcome(ninep, hex(bytes), options), [`EPROTO 0 ninep: ${reason}`]);
  }
  const later: [bytes: string, reason: string][] = [
    ["06000000 78 0100", "EPROTO 19 ninep: message of 6 bytes is shorter than its header"],
    ["07000000 79 0100", "EPROTO 19 ninep: message type 121 is not the client's"],
    ["01200000 76 0100", "EMSGSIZE 19 ninep: message of 8193 bytes exceeds the msize of 8192"],
    ["ffffffff 76 0100", "EMSGSIZE 19 ninep: message of 4294967295 bytes exceeds the msize of 8192"],
  ];
  for (const [bytes, reason] of later) {
    for (const options of [client, {}]) {
      assertEquals(outcome(ninep, hex(version("00200000") + bytes), options), [19, reason]);
    }
  }
});
test("ninep: maxMessageBytes, whatever the ends agree on", () => {
  const make = () => ninep({ maxMessageBytes: 8192 });
  const stream = hex(`${version("ffffffff")} 01200000 76 0100`);
  assertEquals(outcome(make, stream, client), [19, "EMSGSIZE 19 message of 8193 bytes exceeds maxMessageLength 8192"]);
  assertThrows(() => ninep({ maxMessageBytes: 255 }), RangeError, "maxMessageBytes");
});
