/**
 * Words of error messages.
 *
 * @module
 */

/** A number of bytes in words. */
export function byteCount(count: number): string {
  return count === 1 ? "1 byte" : `${count} bytes`;
}

/** What kind of value was given in place of another, for errors: `typeof`, but for `null`. */
export function typeName(value: unknown): string {
  return value === null ? "null" : typeof value;
}
