/** SMB over TCP: recordings, NetBIOS sessions, what is refused. */
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { smb2, smb2Encoder } from "../../../src/strparser/parsers/smb2.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join } from "../support.ts";
import { smb2Goldens } from "./golden/smb2.ts";

const netbios = () => smb2({ netbios: true });
const request = "81000044" + ("20" + "43".repeat(32) + "00").repeat(2);
const message = (header: string, id: string, length: number) =>
  join(hex(header), hex(id), new Uint8Array(Math.max(0, length - 4)));

checkGoldens([
  ...smb2Goldens,
  golden("a session is asked for and kept alive", netbios, "client", [72, 4], `${request} 85000000`),
  golden("a session is refused, or elsewhere", netbios, "server", [5, 10], "8300000182 84000006 c0000201 008b"),
  golden("SMB 1 negotiates, then encrypted and compressed messages", smb2, "client", [39, 56, 20], [
    `00000023 ff534d42 72${"00".repeat(30)} 00000034 fd534d42${"00".repeat(48)} 00000010 fc534d42${"00".repeat(12)}`,
  ]),
]);

test("smb2: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["81", "message begins with 0x81 instead of 0 (looks like a NetBIOS session)"],
    ["85", "message begins with 0x85 instead of 0 (looks like a NetBIOS session)"],
    ["16", "message begins with 0x16 instead of 0 (looks like TLS)"],
    ["47", "message begins with 0x47 instead of 0 (looks like text)"],
    ["00000003", "message of 3 bytes is shorter than an SMB header"],
    ["00000000", "message of 0 bytes is shorter than an SMB header"],
    ["00000040 fe534d43", "protocol identifier 0xfe534d43 is not SMB's"],
    ["00000040 00000001", "protocol identifier 0x00000001 is not SMB's"],
    ["0000003f fe534d42", "message of 63 bytes is shorter than an SMB header"],
  ];
  for (const [bytes, reason] of refused) assertEquals(outcome(smb2, hex(bytes)), [`EPROTO 0 smb2: ${reason}`]);
});
test("smb2: what is none in a NetBIOS session is refused", () => {
  const refused: [bytes: string, reason: string, options: object][] = [
    ["80", "message begins with 0x80 instead of 0", {}],
    ["86", "message begins with 0x86 instead of 0", {}],
    ["00020000", "flags 0x02 of a NetBIOS session packet", {}],
    ["85000001", "keep-alive with 1 byte", {}],
    ["81000001", "session request with 1 byte", {}],
    ["82000001", "positive response with 1 byte", {}],
    ["83000000", "negative response with 0 bytes", {}],
    ["84000005", "retarget response with 5 bytes", {}],
    ["81000044", "session request from the server", { direction: "server" }],
    ["82000000", "positive response from the client", { direction: "client" }],
  ];
  for (const [bytes, reason, options] of refused) {
    assertEquals(outcome(netbios, hex(bytes), options), [`EPROTO 0 smb2: ${reason}`]);
  }
});
test("smb2: 17 bits of length in a NetBIOS session, 24 without", () => {
  assertEquals(outcome(netbios, message("0001ffff", "fe534d42", 131071)), [131075]);
  assertEquals(outcome(smb2, message("00020000", "fe534d42", 131072)), [131076]);
  assertEquals(smb2().parse(hex("00ffffff fe534d42"), 0, 8, {}), 0x1000003);
});
test("smb2: maxMessageBytes", () => {
  const make = () => smb2({ maxMessageBytes: 64 });
  assertEquals(outcome(make, message("00000040", "fe534d42", 64)), [68]);
  assertEquals(outcome(make, hex("00000041")), ["EMSGSIZE 0 smb2: message of 65 bytes exceeds maxMessageBytes 64"]);
  assertThrows(() => smb2({ maxMessageBytes: 0 }), RangeError, "maxMessageBytes");
});
test("smb2: the encoder", () => {
  const { encode } = smb2Encoder({ maxMessageBytes: 100 });
  for (const length of [64, 100]) {
    assertEquals(outcome(smb2, join(...encode(message("", "fe534d42", length)))), [length + 4]);
  }
  assertThrows(() => encode(message("", "fe534d42", 101)), Error, "at most 100");
  assertThrows(() => encode(message("", "fe534d42", 63)), Error, "no SMB message");
  assertThrows(() => encode(message("", "01020304", 64)), Error, "no SMB message");
  assertThrows(() => encode(new Uint8Array(3)), Error, "no SMB message");
});
