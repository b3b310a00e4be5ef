/**
 * How parsers name a byte that they took for a type: in hex, so that nobody takes it for a position or a length.
 *
 * @module
 */

/** Two digits with `0x`. */
export function hexByte(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
