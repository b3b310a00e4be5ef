/**
 * The Internet checksum (RFC 1071): the ones' complement sum of 16-bit big-endian words.
 *
 * @module
 */

/**
 * Adds the bytes from `start` to `end` to an unfolded sum of 16-bit words. An odd last byte is padded with a zero
 * behind it, so every part but the last must have an even length. Sums of up to 2^37 bytes stay exact.
 */
export function checksumAdd(sum: number, bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  let total = sum;
  let i = start;
  while (end - i >= 2) {
    // 32-bit integers are the fast ones; 2^15 words at most fit in one before it has to be carried over
    const stop = Math.min(end - 1, i + 0x8000);
    let block = 0;
    for (; i < stop; i += 2) block += (bytes[i]! << 8) | bytes[i + 1]!;
    total += block;
  }
  if (i < end) total += bytes[i]! << 8;
  return total;
}

/** Folds an unfolded sum to 16 bits and complements it: the value of a checksum field. */
export function checksumFinish(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

/**
 * Checksum of the given bytes. Over data that includes a correct checksum field the result is 0.
 */
export function internetChecksum(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  return checksumFinish(checksumAdd(0, bytes, start, end));
}
