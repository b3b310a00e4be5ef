/**
 * From a session key of any encryption type of Kerberos 5 to the 8 bytes that rxkad works with
 * (draft-kaduk-afs3-rxkad-k5-kdf).
 *
 * @module
 */
import type { SecurityCrypto } from "../crypto.ts";
import { isWeakDesKey, withOddParity } from "./des.ts";
import { RxkadError } from "./errors.ts";

/** DES, as it is. */
const AS_THEY_ARE = [1, 2, 3];
/** Triple DES: with parity bits in the key. */
const WITH_PARITY = [5, 7, 16];
const REFUSED = [0, 4, 6, 8, 9, 10, 11, 12, 13, 14, 15];
const MIN_BYTES = 7;
const LABEL = Uint8Array.of(0x72, 0x78, 0x6b, 0x61, 0x64, 0, 0, 0, 0, 64);

/**
 * The key for rxkad.
 *
 * @throws {RxkadError} `RXKADBADKEY` when keys of this type can't be used
 */
export function deriveRxkadKey(ciphers: SecurityCrypto, enctype: number, key: Uint8Array): Uint8Array {
  if (AS_THEY_ARE.includes(enctype) && key.length === 8) return key.slice();
  if (AS_THEY_ARE.includes(enctype) || REFUSED.includes(enctype) || enctype < 0 || key.length < MIN_BYTES) {
    throw new RxkadError("RXKADBADKEY", `a session key of type ${enctype} with ${key.length} bytes can't be used`);
  }
  const seed = WITH_PARITY.includes(enctype) ? withoutParity(key) : key;
  const input = new Uint8Array(1 + LABEL.length);
  input.set(LABEL, 1);
  for (let counter = 1; counter < 256; counter++) {
    input[0] = counter;
    const derived = withOddParity(ciphers.hmac("md5", seed, input).subarray(0, 8));
    if (!isWeakDesKey(derived)) return derived;
  }
  throw new RxkadError("RXKADBADKEY", "every key derived is a weak one");
}

/** Of every 8 bytes, 7: the upper bits of the last are spread over the lowest bits of the others. */
function withoutParity(key: Uint8Array): Uint8Array {
  const groups = Math.floor(key.length / 8);
  return Uint8Array.from({ length: 7 * groups }, (_, at) => {
    const group = 8 * Math.floor(at / 7);
    const place = at % 7;
    return key[group + place]! & 0xfe | key[group + 7]! >>> (place + 1) & 1;
  });
}
