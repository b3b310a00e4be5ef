/**
 * Parts of arrays, without asking each array what it is a view of.
 *
 * On Node 20 `subarray` takes 32 ns and a view of a buffer that is at hand 17; asking an array for its buffer and offset
 * takes 28. So who makes a view notes here what of, and who makes a view of that one a moment later need not ask. One
 * array is known at a time, and by identity, so a note that is out of date costs time and nothing else. Whoever notes
 * one calls {@linkcode forgetBase} when its work is done: until then the buffer stays alive.
 *
 * @module
 */

/** What an array is a view of. */
export interface Base {
  /** The buffer. */
  readonly buffer: ArrayBufferLike;
  /** Where in it the array begins. */
  readonly offset: number;
}

const known = {
  bytes: undefined as Uint8Array | undefined,
  buffer: undefined as unknown as ArrayBufferLike,
  offset: 0,
};

/** Notes that `bytes` is a view of `buffer` from `offset` on. */
export function noteBase(bytes: Uint8Array, buffer: ArrayBufferLike, offset: number): void {
  known.bytes = bytes;
  // a store of what is there already costs as much as any: a young object in an old one
  if (buffer !== known.buffer) known.buffer = buffer;
  known.offset = offset;
}

/** Forgets what was noted. */
export function forgetBase(): void {
  known.bytes = undefined;
  known.buffer = undefined as unknown as ArrayBufferLike;
}

/** What `bytes` is a view of. Good until the next is noted. */
export function baseOf(bytes: Uint8Array): Base {
  return bytes === known.bytes ? known : { buffer: bytes.buffer, offset: bytes.byteOffset };
}

/** The bytes from `from` to `to`: a plain view, also of a Node `Buffer`. */
export function partOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const base = baseOf(bytes);
  return new Uint8Array(base.buffer, base.offset + from, to - from);
}

/** The same; where `bytes` is known, the part is from now on. */
export function innerPartOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  if (bytes !== known.bytes) return bytes.subarray(from, to);
  const { buffer } = known;
  const offset = known.offset + from;
  const part = new Uint8Array(buffer, offset, to - from);
  noteBase(part, buffer, offset);
  return part;
}
