/**
 * Comparing byte arrays; name and semantics of `equals` in `@std/bytes`. Not constant-time.
 *
 * @module
 */

/** Whether both arrays hold the same bytes. */
export function equals(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}
