/** Kerberos 5 as far as tickets need it, against the vectors of its RFCs and of a cell. */
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { crc32 } from "../../src/rxrpc/security/krb5/crc32.ts";
import { derElement, derElements, derInteger } from "../../src/rxrpc/security/krb5/der.ts";
import { ctsDecrypt, ctsEncrypt, deriveKey, krb5Decrypt, krb5Encrypt } from "../../src/rxrpc/security/krb5/enctypes.ts";
import { decodeK5Ticket, K5_ENCRYPTED_PART, K5_TICKET } from "../../src/rxrpc/security/krb5/k5_ticket.ts";
import { nFold } from "../../src/rxrpc/security/krb5/n_fold.ts";
import type { ServerKey } from "../../src/rxrpc/security/key_store.ts";
import { pcbcEncrypt } from "../../src/rxrpc/security/rxkad/block_cipher.ts";
import { deriveRxkadKey } from "../../src/rxrpc/security/rxkad/derive_key.ts";
import { Des } from "../../src/rxrpc/security/rxkad/des.ts";
import { RxkadError } from "../../src/rxrpc/security/rxkad/errors.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { fromHex, toHex } from "./hex.ts";
import { encryptedPart, text, wholeTicket } from "./made_tickets.ts";
import { nodeCrypto } from "./node_crypto.ts";

test("n-fold: the vectors of RFC 3961, A.1", () => {
  const vectors: [string, number, string][] = [
    ["012345", 8, "be072631276b1955"],
    ["password", 7, "78a07b6caf85fa"],
    ["kerberos", 8, "6b65726265726f73"],
    ["kerberos", 16, "6b65726265726f737b9b5b2b93132b93"],
    ["kerberos", 21, "8372c236344e5f1550cd0747e15d62ca7a5a3bcea4"],
    ["MASSACHVSETTS INSTITVTE OF TECHNOLOGY", 24, "db3b0d8f0b061e603282b308a50841229ad798fab9540c1b"],
  ];
  for (const [from, length, folded] of vectors) assertEquals(toHex(nFold(text(from), length)), folded);
});

const chicken = text("I would like the General Gau's Chicken, please, and wonton soup.");
const stolen: [number, string][] = [
  [17, "c6353568f2bf8cb4d8a580362da7ff7f97"],
  [31, "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"],
  [32, "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584"],
  [47, "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5"],
  [48, "97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd839312523a78662d5be7fcbcc98ebf5a8"],
  [
    64,
    "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a84807efe836ee89a526730dbc2f7bc840" +
    "9dad8bbb96c4cdc03bc103e1a194bbd8",
  ],
];

test("ciphertext stealing: the vectors of RFC 3962, B, both ways", () => {
  const key = text("chicken teriyaki");
  for (const [length, sealed] of stolen) {
    assertEquals(toHex(ctsEncrypt(nodeCrypto, key, chicken.subarray(0, length))), sealed);
    assertEquals(toHex(ctsDecrypt(nodeCrypto, key, fromHex(sealed))), toHex(chicken.subarray(0, length)));
  }
});

test("keys for rxkad out of session keys: the vectors of a cell", () => {
  const derived = (enctype: number, key: string): string => toHex(deriveRxkadKey(nodeCrypto, enctype, fromHex(key)));
  assertEquals(derived(18, "fc99a656840fc9534d85edae14fd780637530f94c0851c7cf79e0b07ea1e9af4"), "4f23108370a8a73b");
  assertEquals(derived(18, "91173b40d3c230e47bb8bcf211ba5c6a4f35d97a68659f464920336aff225d66"), "86b902d5e0076dfd");
  assertEquals(derived(17, "7bfb97da8b4e9b4351bab97ac7d972a3"), "1a54e098b664da61");
  assertEquals(derived(1, "0123456789abcdef"), "0123456789abcdef");
});

test("keys for rxkad: triple DES without its parity bits is as the 21 bytes that are left", () => {
  // all upper bits of byte 7 set: bit j of it goes to byte j
  const key = fromHex("00000000000000fe".repeat(3));
  const seed = fromHex("01010101010101".repeat(3));
  assertEquals(deriveRxkadKey(nodeCrypto, 16, key), deriveRxkadKey(nodeCrypto, 18, seed));
});

test("keys for rxkad: types that can't be used, and keys that are short", () => {
  for (const enctype of [-1, 0, 4, 6, 8, 15]) {
    const error = assertThrows(() => deriveRxkadKey(nodeCrypto, enctype, new Uint8Array(32)), RxkadError);
    assertEquals(error.code, "RXKADBADKEY");
  }
  assertThrows(() => deriveRxkadKey(nodeCrypto, 18, new Uint8Array(6)), RxkadError);
  assertThrows(() => deriveRxkadKey(nodeCrypto, 3, new Uint8Array(16)), RxkadError);
});

test("AES: what is sealed opens, with the right key and usage only, and unchanged only", () => {
  const random = new SeededRandom(3962);
  for (const [enctype, size] of [[17, 16], [18, 32]] as const) {
    for (let length = 0; length < 40; length++) {
      const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => random.below(256));
      const key = bytes(size);
      const plain = bytes(length);
      const sealed = krb5Encrypt(nodeCrypto, key, 2, plain, bytes(16));
      assertEquals(krb5Decrypt(nodeCrypto, enctype, key, 2, sealed), plain);
      assertEquals(krb5Decrypt(nodeCrypto, enctype, key, 3, sealed), undefined);
      assertEquals(krb5Decrypt(nodeCrypto, enctype, bytes(size), 2, sealed), undefined);
      sealed[random.below(sealed.length)]! ^= 1 << random.below(8);
      assertEquals(krb5Decrypt(nodeCrypto, enctype, key, 2, sealed), undefined);
    }
  }
  assertEquals(krb5Decrypt(nodeCrypto, 18, new Uint8Array(32), 2, new Uint8Array(27)), undefined);
  assertEquals(krb5Decrypt(nodeCrypto, 18, new Uint8Array(16), 2, new Uint8Array(64)), undefined);
  assertEquals(krb5Decrypt(nodeCrypto, 23, new Uint8Array(16), 2, new Uint8Array(64)), undefined);
});

test("derived keys: those of RFC 3961's usage constants differ from each other", () => {
  const keys = [0x99, 0xaa, 0x55].map((purpose) => toHex(deriveKey(nodeCrypto, new Uint8Array(32), 2, purpose)));
  assertEquals(new Set(keys).size, 3);
  assertEquals(keys[0]!.length, 64);
});

/** CBC by the book, out of PCBC of one block. */
function desCbc(key: Uint8Array, iv: Uint8Array, plain: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(plain.length);
  const cipher = new Des(key);
  for (let at = 0; at < plain.length; at += 8) {
    const before = at === 0 ? iv : sealed.subarray(at - 8, at);
    pcbcEncrypt(cipher, before, plain.subarray(at, at + 8), sealed.subarray(at, at + 8));
  }
  return sealed;
}

test("DES: with CRC and with MD5, right, changed, and with another key", () => {
  const key = fromHex("80b6a7cd7a9dadb6");
  for (const [enctype, sumBytes, iv] of [[1, 4, key], [3, 16, new Uint8Array(8)]] as const) {
    const plain = new Uint8Array(8 + sumBytes + 12);
    plain.set(text("confound"));
    plain.set(text("twelve bytes"), 8 + sumBytes);
    plain.set(enctype === 1 ? crc32(plain) : nodeCrypto.digest("md5", plain), 8);
    const sealed = desCbc(key, iv, plain.length % 8 === 0 ? plain : new Uint8Array([...plain, 0, 0, 0, 0]));
    const opened = krb5Decrypt(nodeCrypto, enctype, key, 2, sealed);
    if (plain.length % 8 === 0) assertEquals(opened, text("twelve bytes"));
    assertEquals(krb5Decrypt(nodeCrypto, enctype, fromHex("1334a2c876f1d5e9"), 2, sealed), undefined);
    sealed[9]! ^= 1;
    assertEquals(krb5Decrypt(nodeCrypto, enctype, key, 2, sealed), undefined);
    assertEquals(krb5Decrypt(nodeCrypto, enctype, key, 2, sealed.subarray(0, 8)), undefined);
  }
});

test("the CRC is the usual one without preset and inversion", () => {
  // RFC 3961, A.5
  assertEquals(toHex(crc32(text("foo"))), "33bc3273");
  assertEquals(toHex(crc32(text("test0123456789"))), "d6883eb8");
  assertEquals(toHex(crc32(fromHex("8000"))), "4b98833b");
});

const cellKey: ServerKey = { kind: "rxkad_krb5", kvno: 5, enctype: 18, key: new Uint8Array(32).fill(9) };
const open = (ticket: Uint8Array, kvno = K5_ENCRYPTED_PART, keys = [cellKey]): unknown =>
  decodeK5Ticket(nodeCrypto, keys, kvno, ticket);

test("a ticket, whole and its enciphered part alone", () => {
  const expected = {
    name: ["alice"],
    realm: "EXAMPLE.ORG",
    sessionKey: fromHex("0123456789abcdef"),
    start: 0,
    end: 0x7fffffff,
  };
  assertEquals(open(encryptedPart(cellKey.key)), expected);
  assertEquals(open(wholeTicket(cellKey.key), K5_TICKET), expected);
});

test("the start of a ticket, and times of leap years", () => {
  const startOf = (start: string): number => (open(encryptedPart(cellKey.key, { start })) as { start: number }).start;
  for (const date of ["2000-02-29T23:59:59", "2026-11-20T12:30:00", "2024-03-01T00:00:00", "2100-03-01T00:00:00"]) {
    assertEquals(startOf(date.replaceAll(/[-:T]/g, "") + "Z"), Date.parse(`${date}Z`) / 1000);
  }
});

test("tickets that are refused, and why", () => {
  const why = (run: () => unknown): string => assertThrows(run, RxkadError).code;
  assertEquals(why(() => open(encryptedPart(cellKey.key, { flags: "0001000000" }))), "RXKADNOAUTH");
  assertEquals(why(() => open(encryptedPart(cellKey.key, { names: ["a", "b", "c"] }))), "RXKADBADTICKET");
  assertEquals(why(() => open(encryptedPart(cellKey.key, { end: "2038" }))), "RXKADBADTICKET");
  assertEquals(why(() => open(encryptedPart(new Uint8Array(32)))), "RXKADBADTICKET");
  assertEquals(why(() => open(wholeTicket(cellKey.key, 4), K5_TICKET)), "RXKADBADTICKET");
  assertEquals(why(() => open(encryptedPart(cellKey.key), K5_TICKET)), "RXKADBADTICKET");
  assertEquals(
    why(() => open(encryptedPart(cellKey.key), K5_ENCRYPTED_PART, [{ ...cellKey, kvno: 4 }])),
    "RXKADUNKNOWNKEY",
  );
  assertEquals(
    why(() => open(encryptedPart(cellKey.key), K5_ENCRYPTED_PART, [{ ...cellKey, kind: "rxgk" }])),
    "RXKADUNKNOWNKEY",
  );
});

test("a ticket with any byte changed, or cut anywhere, is refused with a typed error", () => {
  const ticket = wholeTicket(cellKey.key);
  for (let at = 0; at < ticket.length; at++) {
    assertThrows(() => open(ticket.subarray(0, at), K5_TICKET), RxkadError);
    const changed = ticket.slice();
    changed[at]! ^= 0xff;
    try {
      open(changed, K5_TICKET);
    } catch (error) {
      assertEquals(error instanceof RxkadError, true, String(error));
    }
  }
});

test("DER: lengths of one to four bytes, numbers with sign, and what is none", () => {
  assertEquals(derElements(derElement(4, new Uint8Array(300)))?.[0]?.content.length, 300);
  assertEquals(derInteger(fromHex("0201ff")), -1);
  assertEquals(derInteger(fromHex("02020080")), 128);
  assertEquals(derInteger(fromHex("0200")), undefined);
  assertEquals(derInteger(fromHex("02050000000001")), undefined);
  for (const broken of ["04", "0480", "0484000000010a", "0402ff", "04820100"]) {
    assertEquals(derElements(fromHex(broken)), undefined, broken);
  }
  assertEquals(derElements(fromHex("0500".repeat(256)))?.length, 256);
  assertEquals(derElements(fromHex("0500".repeat(257))), undefined);
});
