/** ONC RPC: recordings, records in fragments, what is refused. */
import { join } from "../support.ts";
import { oncRpc, oncRpcEncoder } from "../../../src/strparser/parsers/onc_rpc.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/onc_rpc.ts";

const CALL = "00000001 00000000 00000002 000186a0 00000004 00000000 00000000 00000000 00000000 00000000";
const REPLY = "00000001 00000001 00000000 00000000 00000000 00000000";
const whole = () => oncRpc({ whole: true });
const fragments = `00000008 ${CALL.slice(0, 17)} 00000000 00000004 00000002 8000001c ${
  CALL.slice(27)
} 80000018 ${REPLY}`;
checkGoldens([
  ...goldens,
  golden("a record in fragments, one of them empty, and one in one", oncRpc, "client", [12, 4, 8, 32, 28], fragments),
  golden("the same as whole records", whole, "client", [56, 28], fragments),
  golden("first fragments too short to be checked", oncRpc, "server", [4, 8, 24], [
    `00000000 00000004 00000001 80000014 ${"00".repeat(20)}`,
  ]),
]);

test("oncRpc: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["80000013", "record of 19 bytes is shorter than any RPC message"],
    ["80000000", "record of 0 bytes is shorter than any RPC message"],
    ["80000028 00000001 00000002", "record is neither call nor reply"],
    ["474554202f20485454502f31", "record is neither call nor reply (looks like HTTP)"],
    ["16030102000100 01fc0303 00", "record is neither call nor reply (looks like TLS)"],
  ];
  for (const make of [oncRpc, whole]) {
    for (const [bytes, reason] of refused) assertEquals(outcome(make, hex(bytes)), [`EPROTO 0 oncRpc: ${reason}`]);
  }
});
test("oncRpc: maxFragmentBytes, and the largest mark is not negative", () => {
  const make = () => oncRpc({ maxFragmentBytes: 40 });
  const call = (length: string) => hex(`${length} 00000001 00000000`);
  assertEquals(outcome(make, hex(`80000028 ${CALL}`)), [44]);
  assertEquals(outcome(make, call("80000029")), [
    "EMSGSIZE 0 oncRpc: fragment of 41 bytes exceeds maxFragmentBytes 40",
  ]);
  const limit = "EMSGSIZE 0 message of 2147483651 bytes exceeds maxMessageLength 1048576";
  assertEquals(outcome(oncRpc, call("ffffffff")), [limit]);
  assertEquals(outcome(oncRpc, call("7fffffff")), [limit]);
  assertEquals(outcome(oncRpc, call("ffffffff"), { maxMessageLength: Infinity }), []);
});
test("oncRpc: whole records are bounded by maxMessageLength", () => {
  const endless = hex(`00000008 0000000100000000 ${"00000004 00000000".repeat(20)}`);
  const reason = "EMSGSIZE 0 length of a message is not known within maxMessageLength 100";
  assertEquals(outcome(whole, endless, { maxMessageLength: 100 }), [reason]);
  assertEquals(outcome(whole, hex("7fffffff 00000001 00000000")), [reason.replace("100", "1048576")]);
});
test("oncRpc: the encoder, in one fragment and in several", () => {
  const one = join(...oncRpcEncoder().encode(hex(CALL)));
  assertEquals(one, hex(`80000028 ${CALL}`));
  const several = join(...oncRpcEncoder({ maxFragmentBytes: 16 }).encode(hex(CALL)));
  assertEquals(outcome(oncRpc, several), [20, 20, 12]);
  assertEquals(outcome(whole, several), [52]);
  assertThrows(() => oncRpcEncoder({ maxFragmentBytes: 0 }), RangeError, "maxFragmentBytes");
  const neither = hex(CALL).fill(2, 4, 8);
  for (const payload of [new Uint8Array(19), neither]) {
    assertThrows(() => oncRpcEncoder().encode(payload), Error, "neither a call nor a reply");
  }
});
