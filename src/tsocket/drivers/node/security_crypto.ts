/**
 * The runtime's ciphers and digests, for security classes of RxRPC. `node:crypto` has them on Node, Deno and Bun.
 *
 * @module
 */
import { createCipheriv, createDecipheriv, createHash, createHmac } from "node:crypto";
import type { SecurityCrypto } from "../../../rxrpc/security/crypto.ts";

/**
 * What tickets of Kerberos 5 are opened with: give it to `rxkadServer`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { securityCrypto } from "@leat/streams/node";
 * import { systemRandom } from "@leat/streams/stream";
 * import { rxkadServer } from "@leat/streams/rxrpc";
 *
 * const security = rxkadServer({
 *   keys: () => [],
 *   random: systemRandom,
 *   crypto: securityCrypto,
 * });
 * assertEquals(security.index, 2);
 * ```
 */
export const securityCrypto: SecurityCrypto = {
  digest: (name, data) => new Uint8Array(createHash(name).update(data).digest()),
  hmac: (name, key, data) => new Uint8Array(createHmac(name, key).update(data).digest()),
  aesCbc(direction, key, iv, blocks) {
    const make = direction === "encrypt" ? createCipheriv : createDecipheriv;
    return new Uint8Array(make(`aes-${8 * key.length}-cbc`, key, iv).setAutoPadding(false).update(blocks));
  },
};
