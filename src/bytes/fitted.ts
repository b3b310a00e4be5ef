/**
 * Keeping a piece of a large buffer without the buffer.
 *
 * @module
 */

/** A view that uses less than this share of its buffer is not worth keeping it. */
const WORTH_KEEPING = 0.5;

/** Whether keeping the view would keep a buffer alive that is more than twice as large. */
export function isWasteful(bytes: Uint8Array): boolean {
  return bytes.length < bytes.buffer.byteLength * WORTH_KEEPING;
}

/** The bytes to be kept: themselves, or a copy where they are wasteful. */
export function fitted(bytes: Uint8Array): Uint8Array {
  return isWasteful(bytes) ? new Uint8Array(bytes) : bytes;
}
