import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { toHex } from "../../../src/bytes/mod.ts";
import { nats } from "../../../src/strparser/parsers/mod.ts";
import { ascii, checkGoldens, golden, outcome } from "./check.ts";
import { goldens } from "./golden/nats.ts";

const FORMS = ["ping\r\n", "-ERR 'Unknown Protocol Operation'\r\n", "MSG a\t9 \t b 2\r\nhi\r\n", "PUB a 0 \r\n\r\n"];
const hmsg = "HMSG a 9 12 12\r\nNATS/1.0\r\n\r\n\r\n";

checkGoldens([
  ...goldens,
  golden(
    "nats: forms",
    () => nats(),
    undefined,
    [...FORMS, hmsg].map((m) => m.length),
    toHex(ascii(FORMS.join("") + hmsg)),
  ),
  golden(
    "nats: end not checked",
    () => nats({ checksEnd: false }),
    "client",
    [14, 6],
    toHex(ascii("PUB a 3\r\nabc\r\nPING\r\n")),
  ),
]);

test("nats: what is refused", () => {
  const none = "no command of this direction begins like this";
  const refused: [string, string][] = [
    ["GET / HTTP/1.1\r\n", `${none} (looks like text)`],
    ["\x16\x03\x01", `${none} (looks like TLS)`],
    ["\r\n", `${none} (looks like text)`],
    ["PINGS\r\n", `${none} (looks like text)`],
    ["MSG a 1 0\r\n\r\n", `${none} (looks like text)`],
    ["PING\n", `${none} (looks like text)`],
    ["SUB a 1\n", "control line does not end with CR LF"],
    ["PUB a\r\n", "control line with 1 words, not 2 to 3"],
    ["PUB a b c 1\r\n", "control line with 4 words, not 2 to 3"],
    ["PUB a x\r\n", "size of the payload is no number"],
    ["PUB a 1x\r\n", "size of the payload is no number"],
    ["PUB a -1\r\n", "size of the payload is no number"],
    ["HPUB a 4 3\r\n", "headers of 4 bytes in a message of 3"],
    ["HPUB a x 3\r\n", "size of the payload is no number"],
    ["PUB a 1\r\nabc", "payload is not followed by a line end"],
  ];
  for (const [bytes, reason] of refused) {
    assertEquals(outcome(() => nats(), ascii(bytes), { direction: "client" }), [`EPROTO 0 nats: ${reason}`]);
  }
});
test("nats: TLS behind INFO is refused as such", () => {
  assertEquals(outcome(() => nats(), ascii('INFO {"tls_required":true}\r\n\x16\x03\x03'), { direction: "server" }), [
    28,
    "EPROTO 28 nats: no command of this direction begins like this (looks like TLS)",
  ]);
});
test("nats: maxPayloadBytes, maxLineBytes and maxInfoBytes", () => {
  const small = () => nats({ maxPayloadBytes: 5, maxLineBytes: 16, maxInfoBytes: 20 });
  assertEquals(outcome(small, ascii("PUB a 5\r\n12345\r\nPUB a 6\r\n")), [
    16,
    "EMSGSIZE 16 nats: payload of 6 bytes exceeds maxPayloadBytes 5",
  ]);
  assertEquals(outcome(small, ascii("SUB 12345678 1\r\nSUB 123456789 1\r\n")), [
    16,
    "EMSGSIZE 16 nats: control line exceeds maxLineBytes 16",
  ]);
  assertEquals(outcome(small, ascii("INFO 1234567890123\r\nINFO 12345678901234\r\n")), [
    20,
    "EMSGSIZE 20 nats: control line exceeds maxInfoBytes 20",
  ]);
  assertEquals(outcome(() => nats(), ascii("PUB a 1234567890123456\r\n")), [
    "EMSGSIZE 0 nats: payload with a size of over 15 digits",
  ]);
  assertThrows(() => nats({ maxPayloadBytes: 0 }), RangeError, "maxPayloadBytes");
  assertThrows(() => nats({ maxLineBytes: 1 }), RangeError, "maxLineBytes");
  assertThrows(() => nats({ maxInfoBytes: 1 }), RangeError, "maxInfoBytes");
});
