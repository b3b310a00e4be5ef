/**
 * Joining byte arrays; name and semantics of `concat` in `@std/bytes`.
 *
 * @module
 */

/** Copies the given arrays, one behind the other, into a new one. */
export function concat(buffers: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const buffer of buffers) length += buffer.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const buffer of buffers) {
    joined.set(buffer, at);
    at += buffer.length;
  }
  return joined;
}
