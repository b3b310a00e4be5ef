/**
 * Words of error messages.
 *
 * @module
 */

/** A number of bytes in words. */
export function byteCount(count: number): string {
  return count === 1 ? "1 byte" : `${count} bytes`;
}
