/**
 * A hash of addresses that is the same on every runtime: for choosing a shard or a bucket.
 *
 * Not for secrets, and no match for somebody who knows the seed.
 *
 * @module
 */

/** Hashes a text to 32 bits: FNV-1a over its UTF-16 units, then MurmurHash3's finaliser. */
export function hashText(text: string, seed = 0): number {
  // seeds of the core have 48 bits
  let hash = 0x811c9dc5 ^ (seed | 0) ^ Math.imul(Math.trunc(seed / 0x100000000), 0x9e3779b1);
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
