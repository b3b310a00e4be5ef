/** gRPC messages: recordings, gRPC-Web, limits. */
import { join } from "../support.ts";
import { grpc, grpcEncoder } from "../../../src/strparser/parsers/grpc.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { ascii, checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/grpc.ts";

const web = () => grpc({ web: true });
checkGoldens([
  ...goldens,
  golden("gRPC-Web with trailers", web, "server", [7, 20], [
    "0000000002 0801 800000000f",
    "677270632d7374617475733a300d0a",
  ]),
]);

test("grpc: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["02", "compression flag 0x02 is neither 0 nor 1"],
    ["80", "compression flag 0x80 is neither 0 nor 1"],
    ["50", "compression flag 0x50 is neither 0 nor 1 (looks like text)"],
    ["16", "compression flag 0x16 is neither 0 nor 1 (looks like TLS)"],
  ];
  for (const [bytes, reason] of refused) assertEquals(outcome(grpc, hex(bytes)), [`EPROTO 0 grpc: ${reason}`]);
  assertEquals(outcome(web, hex("82")), ["EPROTO 0 grpc: compression flag 0x82 is neither 0 nor 1"]);
});
test("grpc: maxMessageBytes", () => {
  const make = () => grpc({ maxMessageBytes: 3 });
  assertEquals(outcome(make, hex("0000000003616263")), [8]);
  assertEquals(outcome(make, hex("0000000004")), ["EMSGSIZE 0 grpc: message of 4 bytes exceeds maxMessageBytes 3"]);
  const reason = "EMSGSIZE 0 grpc: message of 4194305 bytes exceeds maxMessageBytes 4194304";
  assertEquals(outcome(grpc, hex("0000400001")), [reason]);
  assertEquals(outcome(grpc, hex("0000400000"), { maxMessageLength: Infinity }), []);
  assertEquals(outcome(grpc, hex("00ffffffff")).length, 1);
  assertThrows(() => grpc({ maxMessageBytes: 0 }), RangeError, "maxMessageBytes");
});
test("grpc: the encoder", () => {
  const encode = grpcEncoder({ maxMessageBytes: 300, web: true }).encode;
  assertEquals(join(...encode({ payload: hex("0801"), isCompressed: true })), hex("0100000002 0801"));
  assertEquals(encode({ payload: ascii("grpc-status:0\r\n"), isTrailers: true })[0], hex("800000000f"));
  assertEquals(outcome(grpc, join(...encode({ payload: new Uint8Array(300) }))), [305]);
  assertThrows(() => encode({ payload: new Uint8Array(301) }), Error, "at most 300");
  const plain = grpcEncoder().encode;
  assertThrows(() => plain({ payload: new Uint8Array(1), isTrailers: true }), Error, "trailers");
});
