/**
 * The CRC of des-cbc-crc (RFC 3961, section 6.1.3): the usual polynomial, but neither preset nor inverted.
 *
 * @module
 */

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? sum >>> 1 ^ 0xedb88320 : sum >>> 1;
  return sum;
});

/** The sum, least significant byte first. */
export function crc32(bytes: Uint8Array): Uint8Array {
  const sum = bytes.reduce((sum, byte) => table[(sum ^ byte) & 255]! ^ sum >>> 8, 0);
  return Uint8Array.of(sum, sum >>> 8, sum >>> 16, sum >>> 24);
}
