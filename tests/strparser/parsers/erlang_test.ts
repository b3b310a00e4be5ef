/** Erlang's distribution: recordings, the handshakes of old and new nodes, what is refused. */
import { join } from "../support.ts";
import { erlang, erlangEncoder } from "../../../src/strparser/parsers/erlang.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/erlang.ts";

const oldName = "000a 6e 0005 00000004 614062";
const reply = `0015 72 00000001 ${"aa".repeat(16)}`;
const acknowledgement = `0011 61 ${"bb".repeat(16)}`;
checkGoldens([
  ...goldens,
  golden("an old node that is known already: complement, then ticks", erlang, "client", [12, 11, 7, 23, 4, 4, 7], [
    oldName,
    "0009 63 00000001 00000002",
    "0005 73 74727565",
    reply,
    "00000000 00000000",
    "00000003 706800",
  ]),
  golden("a node answers with a tick before all else", erlang, "server", [5, 19, 4, 6], [
    "0003 736f6b",
    acknowledgement,
    "00000000",
    "00000002 8344",
  ]),
]);

const client = { direction: "client" } as const;
const server = { direction: "server" } as const;
test("erlang: what is none is refused", () => {
  const refused: [bytes: string, options: { direction?: "client" | "server" }, reason: string][] = [
    ["160301", {}, "handshake tag 0x01 is unknown (looks like TLS)"],
    ["000178", {}, "handshake tag 0x78 is unknown"],
    ["00036e", {}, "handshake message 0x6e of 3 bytes"],
    ["001472", client, "handshake message 0x72 of 20 bytes"],
    ["001261", server, "handshake message 0x61 of 18 bytes"],
    ["001572", server, "handshake tag 0x72 is not the server's"],
    ["001161", client, "handshake tag 0x61 is not the client's"],
  ];
  for (const [bytes, options, reason] of refused) {
    assertEquals(outcome(erlang, hex(bytes), options), [`EPROTO 0 erlang: ${reason}`]);
  }
  const later = hex(`${reply} 00000003 836800 00000001 16`);
  assertEquals(outcome(erlang, later, client), [
    23,
    7,
    "EPROTO 30 erlang: message begins with 0x16, which is neither a term nor a header",
  ]);
});
test("erlang: maxPayloadBytes", () => {
  const make = () => erlang({ maxPayloadBytes: 100 });
  const after = (length: string) => hex(`${acknowledgement} ${length} 70`);
  const reason = "EMSGSIZE 19 erlang: message of 101 bytes exceeds maxPayloadBytes 100";
  assertEquals(outcome(make, after("00000065"), server), [19, reason]);
  assertEquals(outcome(make, after("00000064"), server), [19]);
  const beyond = "EMSGSIZE 19 erlang: message of 4294967295 bytes exceeds maxPayloadBytes 67108864";
  assertEquals(outcome(erlang, after("ffffffff"), server), [19, beyond]);
});
test("erlang: the encoder", () => {
  const encoder = erlangEncoder({ maxPayloadBytes: 3 });
  const stream = join(hex(reply), ...encoder.encode(hex("706800")), ...encoder.encode(new Uint8Array(0)));
  assertEquals(outcome(erlang, stream, client), [23, 7, 4]);
  assertThrows(() => encoder.encode(new Uint8Array(4)), Error, "at most 3");
  assertThrows(() => encoder.encode(hex("0102")), Error, "neither with a term nor with a header");
});
