/**
 * The algorithms that a runtime brings, as far as security classes need them: synchronous, because packets must stay in
 * order.
 *
 * @module
 */

/** Digests, by their names in most libraries. */
export type DigestName = "md5" | "sha1" | "sha256" | "sha384";

/** What has to be supplied; `node:crypto` has all of it, on Node, Deno and Bun. */
export interface SecurityCrypto {
  /** The digest of `data`. */
  digest(name: DigestName, data: Uint8Array): Uint8Array;
  /** HMAC of `data` under `key`. */
  hmac(name: DigestName, key: Uint8Array, data: Uint8Array): Uint8Array;
  /** AES in CBC mode of whole blocks without padding; the size of the key chooses between AES-128 and AES-256. */
  aesCbc(direction: "encrypt" | "decrypt", key: Uint8Array, iv: Uint8Array, blocks: Uint8Array): Uint8Array;
}
