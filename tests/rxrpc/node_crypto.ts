/** The runtime's algorithms, for security classes. */
import { createCipheriv, createDecipheriv, createHash, createHmac } from "node:crypto";
import type { SecurityCrypto } from "../../src/rxrpc/security/crypto.ts";

export const nodeCrypto: SecurityCrypto = {
  digest: (name, data) => new Uint8Array(createHash(name).update(data).digest()),
  hmac: (name, key, data) => new Uint8Array(createHmac(name, key).update(data).digest()),
  aesCbc(direction, key, iv, blocks) {
    const make = direction === "encrypt" ? createCipheriv : createDecipheriv;
    return new Uint8Array(make(`aes-${8 * key.length}-cbc`, key, iv).setAutoPadding(false).update(blocks));
  },
};
