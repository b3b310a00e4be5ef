/**
 * The ends of flows as their users name them, checked in one place; and addresses as keys.
 *
 * @module
 */

const MAX_PORT = 0xffff;

/**
 * The IP version of two addresses.
 *
 * @throws {RangeError} when they are none, or of two versions
 */
export function versionOf(local: Uint8Array, remote: Uint8Array): 4 | 6 {
  if ((local.length !== 4 && local.length !== 16) || local.length !== remote.length) {
    throw new RangeError(`addresses must have 4 or 16 bytes each, got ${local.length} and ${remote.length}`);
  }
  return local.length === 4 ? 4 : 6;
}

/**
 * Checks a port; one that is not named is right.
 *
 * @throws {RangeError} when it is none
 */
export function checkPort(name: string, port: number | undefined): void {
  if (port === undefined || (Number.isInteger(port) && port >= 1 && port <= MAX_PORT)) return;
  throw new RangeError(`${name} must be an integer from 1 to ${MAX_PORT}, got ${port}`);
}

/** Key of an address for a `Map`: a number for 4 bytes, 8 characters for 16. */
export function addressKey(bytes: Uint8Array, at: number, size: number): number | string {
  if (size === 4) return word(bytes, at);
  return String.fromCharCode(
    (bytes[at]! << 8) | bytes[at + 1]!,
    (bytes[at + 2]! << 8) | bytes[at + 3]!,
    (bytes[at + 4]! << 8) | bytes[at + 5]!,
    (bytes[at + 6]! << 8) | bytes[at + 7]!,
    (bytes[at + 8]! << 8) | bytes[at + 9]!,
    (bytes[at + 10]! << 8) | bytes[at + 11]!,
    (bytes[at + 12]! << 8) | bytes[at + 13]!,
    (bytes[at + 14]! << 8) | bytes[at + 15]!,
  );
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
