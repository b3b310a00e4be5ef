/** Key files of servers and key payloads of clients. */
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { LeatError } from "../../src/core/errors.ts";
import { decodeClientKey, encodeClientKey } from "../../src/rxrpc/security/client_key.ts";
import { decodeKeyFile, decodeKeyFileExt, decodeKeytab } from "../../src/rxrpc/security/key_store.ts";
import { fromHex, toHex } from "./hex.ts";

const des = "80b6a7cd7a9dadb6";

test("KeyFile", () => {
  assertEquals(decodeKeyFile(fromHex(`00000001 00000003 ${des}`)), [
    { kind: "rxkad", kvno: 3, enctype: 1, key: fromHex(des) },
  ]);
  assertEquals(decodeKeyFile(fromHex("00000000")), []);
});

test("KeyFileExt: both kinds, a longer head, and a kind that nobody knows", () => {
  const file = `00000003
    00000010 00000002 00000002 00000012 00000004 01020304
    00000014 00000001 00000001 00000011 deadbeef 00000002 0506
    00000010 00000009 00000001 00000011 00000001 07`;
  assertEquals(decodeKeyFileExt(fromHex(file)), [
    { kind: "rxkad_krb5", kvno: 2, enctype: 18, key: fromHex("01020304") },
    { kind: "rxgk", kvno: 1, enctype: 17, key: fromHex("0506") },
  ]);
});

/** An entry of a keytab. */
function entry(names: string[], kvno: number, enctype: number, key: string, longKvno = ""): string {
  const counted = (text: string): string =>
    text.length.toString(16).padStart(4, "0") + toHex(new TextEncoder().encode(text));
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
  const body = hex(names.length, 4) + counted("EXAMPLE.ORG") + names.map(counted).join("") + "00000001" + "65000000" +
    hex(kvno, 2) + hex(enctype, 4) + hex(key.length / 2, 4) + key + longKvno;
  return hex(body.length / 2, 8) + body;
}

test("keytab: keys of AFS servers, of any cell or of one; holes and other principals are left out", () => {
  const keytab = "0502" + entry(["afs", "example.org"], 3, 18, "0102") + "fffffffc" + "00000000" +
    entry(["host", "example.org"], 3, 18, "0304") + entry(["afs"], 4, 3, des) +
    entry(["afs", "other.org"], 255, 17, "0506", "00000100");
  assertEquals(decodeKeytab(fromHex(keytab)), [
    { kind: "rxkad_krb5", kvno: 3, enctype: 18, key: fromHex("0102") },
    { kind: "rxkad", kvno: 4, enctype: 3, key: fromHex(des) },
    { kind: "rxkad_krb5", kvno: 256, enctype: 17, key: fromHex("0506") },
  ]);
  assertEquals(decodeKeytab(fromHex(keytab), "example.org").map(({ kvno }) => kvno), [3, 4]);
});

test("key files that are cut anywhere, or say that they hold too many keys", () => {
  const files: [(bytes: Uint8Array) => unknown, string][] = [
    [decodeKeyFile, `00000001 00000003 ${des}`],
    [decodeKeyFileExt, "00000001 00000010 00000002 00000002 00000012 00000004 01020304"],
    [decodeKeytab, "0502" + entry(["afs", "example.org"], 3, 18, "0102")],
  ];
  for (const [decode, file] of files) {
    const bytes = fromHex(file);
    for (let length = 0; length < bytes.length; length++) {
      // a keytab may end behind any entry
      if (decode === decodeKeytab && length >= 2 && length < 6) continue;
      const error = assertThrows(() => decode(bytes.subarray(0, length)), LeatError);
      assertEquals([error.code, error.layer], ["EPROTO", "rxrpc"]);
    }
  }
  assertThrows(() => decodeKeyFile(fromHex("00000401")), LeatError, "1025 keys");
  assertThrows(() => decodeKeyFileExt(fromHex("00000001 0000000f")), LeatError);
  assertThrows(() => decodeKeytab(fromHex("0501")), LeatError, "501");
});

test("a key of a client as Linux takes it, both ways", () => {
  const payload = fromHex(`01000000 0200 0500 78563412 03000000 ${des} 0102030405`);
  const key = { kvno: 3, expires: 0x12345678, sessionKey: fromHex(des), ticket: fromHex("0102030405") };
  assertEquals(decodeClientKey(payload), key);
  assertEquals(toHex(encodeClientKey(key)), toHex(payload));
});

test("keys of clients that are none, and none of them is told", () => {
  const good = `01000000 0200 0500 78563412 03000000 ${des} 0102030405`;
  const broken = [
    good.slice(0, -2),
    `${good}06`,
    good.replace("01000000", "02000000"),
    good.replace("0200", "0600"),
    "",
  ];
  for (const text of broken) {
    const error = assertThrows(() => decodeClientKey(fromHex(text)), LeatError);
    assertEquals([error.code, error.message.includes(des)], ["EPROTO", false]);
  }
  const key = { kvno: 3, expires: 0, sessionKey: fromHex("01"), ticket: new Uint8Array(4) };
  assertThrows(() => encodeClientKey(key), RangeError);
  assertThrows(() => encodeClientKey({ ...key, sessionKey: fromHex(des), ticket: new Uint8Array(12_001) }), RangeError);
});
