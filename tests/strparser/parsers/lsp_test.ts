import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { toHex } from "../../../src/bytes/mod.ts";
import { lsp } from "../../../src/strparser/parsers/mod.ts";
import { ascii, checkGoldens, golden, outcome } from "./check.ts";
import { goldens } from "./golden/lsp.ts";

const FORMS = "Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{}" +
  "content-length:0\r\n\r\nX: y\r\nCONTENT-LENGTH:   3\r\n\r\n[1]";

checkGoldens([
  ...goldens,
  golden("lsp: forms of headers", () => lsp(), "client", [80, 20, 32], toHex(ascii(FORMS))),
]);

test("lsp: what is refused", () => {
  const refused: [string, string][] = [
    ['{"jsonrpc"', "message begins with 0x7b, not a header field: JSON without a header"],
    ["\r\n", "message begins with 0x0d, not a header field: header has no Content-Length"],
    ["\x1b[31m", "message begins with 0x1b, not a header field"],
    ["X: y\r\n\r\n", "header has no Content-Length"],
    ["Starting server...\r\n", "line is no header field; was something printed to the protocol's stream?"],
    ["X: y\r\n Y: z\r\n", "line is no header field; was something printed to the protocol's stream?"],
    ["Content-Length: 2\n\n{}", "header line does not end with CR LF"],
    ["Content-Length: 2\r\nContent-Length: 2\r\n", "header has Content-Length twice"],
    ["Content-Length: -2\r\n", "Content-Length is no number"],
    ["Content-Length: \r\n", "Content-Length is no number"],
    ["Content-Length: 2 bytes\r\n", "Content-Length is no number"],
    ["Content-Length: 02\r\n", "Content-Length is no number"],
    ["Content-Length: 1234567890123456\r\n", "Content-Length is no number"],
  ];
  for (const [bytes, reason] of refused) {
    assertEquals(outcome(() => lsp(), ascii(bytes)), [`EPROTO 0 lsp: ${reason}`]);
  }
});
test("lsp: maxPayloadBytes and maxHeaderBytes", () => {
  assertEquals(outcome(() => lsp({ maxPayloadBytes: 2 }), ascii("Content-Length: 3\r\n")), [
    "EMSGSIZE 0 lsp: content of 3 bytes exceeds maxPayloadBytes 2",
  ]);
  const small = () => lsp({ maxHeaderBytes: 22 });
  assertEquals(outcome(small, ascii("Content-Length: 99\r\n\r\n" + "x".repeat(99) + "Content-Length: 999\r\n\r\n")), [
    121,
    "EMSGSIZE 121 length of a message is not known within maxHeaderBytes 22",
  ]);
  assertThrows(() => lsp({ maxHeaderBytes: 0 }), RangeError, "maxHeaderBytes");
  assertThrows(() => lsp({ maxPayloadBytes: -1 }), RangeError, "maxPayloadBytes");
});
