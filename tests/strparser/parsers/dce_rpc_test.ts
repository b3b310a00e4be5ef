/** DCE/RPC: recordings, big-endian, fragments, what is refused. */
import { dceRpc } from "../../../src/strparser/parsers/dce_rpc.ts";
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/dce_rpc.ts";

const whole = () => dceRpc({ whole: true });
checkGoldens([
  ...goldens,
  golden("big-endian, with authentication, then little-endian", dceRpc, "client", [16, 28, 16], [
    "05000b03000000000010000000000001",
    "0501100301000000001c000400000001 0a02000000000000 01020304",
    "05000003100000001000000000000001",
  ]),
]);

test("dceRpc: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["04", "version 0x04 instead of 5"],
    ["16", "version 0x16 instead of 5 (looks like TLS)"],
    ["0502000010", "version 5.2 is none of the connection-oriented protocol"],
    ["0500040010", "PDU type 0x04 is unknown"],
    ["0500150010", "PDU type 0x15 is unknown"],
    ["0500000020", "data representation 0x20 is unknown"],
    ["0500000012", "data representation 0x12 is unknown"],
    ["05000003100000000f00000000000000", "fragment of 15 bytes cannot hold its header and 0 of authentication"],
    ["05000003100000001b00040000000000", "fragment of 27 bytes cannot hold its header and 4 of authentication"],
  ];
  for (const make of [dceRpc, whole]) {
    for (const [bytes, reason] of refused) assertEquals(outcome(make, hex(bytes)), [`EPROTO 0 dceRpc: ${reason}`]);
  }
});
test("dceRpc: fragments that do not belong together can't be joined", () => {
  const fragment = (flags: string, call: string, type = "00") => `0500${type}${flags}1000000010000000${call}000000`;
  const first = fragment("01", "01");
  const refused: [bytes: string, reason: string][] = [
    [fragment("00", "01"), "fragment of a call that has not begun"],
    [first + fragment("01", "01"), "first fragment within a call; calls interleave"],
    [first + fragment("02", "02"), "fragment of another call; calls interleave, which whole can't join"],
    [first + fragment("02", "01", "02"), "fragment of another call; calls interleave, which whole can't join"],
  ];
  for (const [bytes, reason] of refused) assertEquals(outcome(whole, hex(bytes)), [`EPROTO 0 dceRpc: ${reason}`]);
  const stream = hex(first + fragment("00", "01") + fragment("02", "01") + fragment("03", "02"));
  assertEquals(outcome(whole, stream), [48, 16]);
  assertEquals(outcome(dceRpc, stream), [16, 16, 16, 16]);
});
