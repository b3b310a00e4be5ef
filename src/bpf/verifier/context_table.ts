/**
 * The context of a socket filter (`struct __sk_buff`): which of its bytes a program may access, and how.
 *
 * @module
 */

/** Fields of four bytes that may be read: first offset and offset behind the last. */
const readable: readonly (readonly [from: number, to: number])[] = [
  [0, 72], // len to hash
  [84, 88], // napi_id
  [164, 168], // gso_segs
  [176, 180], // gso_size
];

const cbFrom = 48;
const cbTo = 68;

/** Offset of `sk`: eight bytes, an address or null. */
export const contextSocketOffset = 168;

/** Whether `size` bytes at `offset` may be read as a number. */
export function isContextReadable(offset: number, size: number): boolean {
  if (offset % size !== 0) return false;
  if (size === 8) return isInCb(offset, size);
  return readable.some(([from, to]) => offset >= from && offset + size <= to);
}

/** Whether `size` bytes at `offset` may be written. */
export function isContextWritable(offset: number, size: number): boolean {
  return offset % size === 0 && isInCb(offset, size);
}

function isInCb(offset: number, size: number): boolean {
  return offset >= cbFrom && offset + size <= cbTo;
}
