/**
 * Deciphering what Kerberos 5 has enciphered: the encryption types of service tickets that AFS cells use.
 *
 * Here: des-cbc-crc and des-cbc-md5 (RFC 3961), aes128- and aes256-cts-hmac-sha1-96 (RFC 3962). Not here: des-cbc-md4,
 * triple DES, RC4, and the types with SHA-2, which no release of OpenAFS accepts.
 *
 * @module
 */
import type { SecurityCrypto } from "../crypto.ts";
import { pcbcDecrypt } from "../rxkad/block_cipher.ts";
import { Des } from "../rxkad/des.ts";
import { crc32 } from "./crc32.ts";
import { nFold } from "./n_fold.ts";

/** Numbers of encryption types. */
export const Enctype = {
  "des-cbc-crc": 1,
  "des-cbc-md5": 3,
  "aes128-cts-hmac-sha1-96": 17,
  "aes256-cts-hmac-sha1-96": 18,
} as const;

/** The key usage of the enciphered part of a ticket. */
export const KU_TICKET = 2;

const AES_BLOCK = 16;
const HMAC_BYTES = 12;
const AES_KEY_BYTES: Readonly<Record<number, number>> = { 17: 16, 18: 32 };

/**
 * Deciphers and checks.
 *
 * @returns `undefined` when the key is not the right one, the data were changed, or the type is none of these
 */
export function krb5Decrypt(
  ciphers: SecurityCrypto,
  enctype: number,
  key: Uint8Array,
  usage: number,
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (enctype === Enctype["des-cbc-crc"] || enctype === Enctype["des-cbc-md5"]) {
    return key.length === 8 ? desDecrypt(ciphers, enctype, key, sealed) : undefined;
  }
  return AES_KEY_BYTES[enctype] === key.length ? aesDecrypt(ciphers, key, usage, sealed) : undefined;
}

/** Enciphers with one of the types with AES, for those who issue tickets. */
export function krb5Encrypt(
  ciphers: SecurityCrypto,
  key: Uint8Array,
  usage: number,
  plain: Uint8Array,
  confounder: Uint8Array,
): Uint8Array {
  const text = new Uint8Array(AES_BLOCK + plain.length);
  text.set(confounder.subarray(0, AES_BLOCK));
  text.set(plain, AES_BLOCK);
  const sealed = ctsEncrypt(ciphers, deriveKey(ciphers, key, usage, 0xaa), text);
  const mac = ciphers.hmac("sha1", deriveKey(ciphers, key, usage, 0x55), text).subarray(0, HMAC_BYTES);
  const all = new Uint8Array(sealed.length + HMAC_BYTES);
  all.set(sealed);
  all.set(mac, sealed.length);
  return all;
}

function aesDecrypt(
  ciphers: SecurityCrypto,
  key: Uint8Array,
  usage: number,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const length = sealed.length - HMAC_BYTES;
  if (length < AES_BLOCK) return undefined;
  const text = ctsDecrypt(ciphers, deriveKey(ciphers, key, usage, 0xaa), sealed.subarray(0, length));
  const mac = ciphers.hmac("sha1", deriveKey(ciphers, key, usage, 0x55), text).subarray(0, HMAC_BYTES);
  return isSame(mac, sealed.subarray(length)) ? text.subarray(AES_BLOCK) : undefined;
}

/** DK of RFC 3961: the constant is folded to a block, and enciphered again and again until there is enough. */
export function deriveKey(ciphers: SecurityCrypto, key: Uint8Array, usage: number, purpose: number): Uint8Array {
  const constant = nFold(Uint8Array.of(usage >>> 24, usage >>> 16, usage >>> 8, usage, purpose), AES_BLOCK);
  const derived = new Uint8Array(key.length);
  let block = constant;
  for (let at = 0; at < derived.length; at += AES_BLOCK) {
    block = ciphers.aesCbc("encrypt", key, new Uint8Array(AES_BLOCK), block);
    derived.set(block, at);
  }
  return derived;
}

/** CBC with ciphertext stealing, as RFC 3962 has it: the last two blocks are always exchanged. */
export function ctsEncrypt(ciphers: SecurityCrypto, key: Uint8Array, plain: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(plain.length / AES_BLOCK) * AES_BLOCK);
  whole.set(plain);
  const sealed = ciphers.aesCbc("encrypt", key, new Uint8Array(AES_BLOCK), whole);
  if (whole.length <= AES_BLOCK) return sealed;
  const cut = whole.length - 2 * AES_BLOCK;
  const result = new Uint8Array(whole.length);
  result.set(sealed.subarray(0, cut));
  result.set(sealed.subarray(cut + AES_BLOCK), cut);
  result.set(sealed.subarray(cut, cut + AES_BLOCK), cut + AES_BLOCK);
  return result.subarray(0, plain.length);
}

/** The way back of {@linkcode ctsEncrypt}; a block or more. */
export function ctsDecrypt(ciphers: SecurityCrypto, key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const zeros = new Uint8Array(AES_BLOCK);
  if (sealed.length <= AES_BLOCK) return ciphers.aesCbc("decrypt", key, zeros, sealed);
  const rest = sealed.length % AES_BLOCK || AES_BLOCK;
  const cut = sealed.length - rest - AES_BLOCK;
  const last = sealed.subarray(cut + AES_BLOCK);
  // what the stolen bytes were is in the block that is whole
  const opened = ciphers.aesCbc("decrypt", key, zeros, sealed.subarray(cut, cut + AES_BLOCK));
  const whole = new Uint8Array(cut + 2 * AES_BLOCK);
  whole.set(sealed.subarray(0, cut));
  whole.set(opened, cut);
  whole.set(last, cut);
  whole.set(sealed.subarray(cut, cut + AES_BLOCK), cut + AES_BLOCK);
  return ciphers.aesCbc("decrypt", key, zeros, whole).subarray(0, sealed.length);
}

function desDecrypt(
  ciphers: SecurityCrypto,
  enctype: number,
  key: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const sumBytes = enctype === Enctype["des-cbc-crc"] ? 4 : 16;
  if (sealed.length % 8 !== 0 || sealed.length < 8 + sumBytes) return undefined;
  const iv = enctype === Enctype["des-cbc-crc"] ? key : new Uint8Array(8);
  const text = desCbcDecrypt(key, iv, sealed);
  const found = text.slice(8, 8 + sumBytes);
  text.fill(0, 8, 8 + sumBytes);
  const sum = sumBytes === 4 ? crc32(text) : ciphers.digest("md5", text);
  return isSame(sum, found) ? text.subarray(8 + sumBytes) : undefined;
}

/** CBC out of PCBC of one block at a time. */
function desCbcDecrypt(key: Uint8Array, iv: Uint8Array, sealed: Uint8Array): Uint8Array {
  const cipher = new Des(key);
  const text = new Uint8Array(sealed.length);
  for (let at = 0; at < sealed.length; at += 8) {
    const before = at === 0 ? iv : sealed.subarray(at - 8, at);
    pcbcDecrypt(cipher, before, sealed.subarray(at, at + 8), text.subarray(at, at + 8));
  }
  return text;
}

/** Compares in a time that does not tell where the first difference is. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.reduce((difference, byte, at) => difference | byte ^ b[at]!, 0) === 0;
}
