/**
 * Bytes as hexadecimal digits, for tests, vectors and people.
 *
 * @module
 */

const DIGITS = "0123456789abcdef";

/** Lower-case digits, two a byte, with `separator` between bytes. */
export function toHex(bytes: Uint8Array, separator = ""): string {
  const pairs: string[] = [];
  for (const byte of bytes) pairs.push(DIGITS[byte >> 4]! + DIGITS[byte & 15]!);
  return pairs.join(separator);
}

/**
 * Reads digits of either case; white space between bytes is passed over.
 *
 * @throws {TypeError} when something else stands in the text or a byte has one digit only
 */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2 !== 0) throw new TypeError(`hex text has an odd number of digits: ${digits.length}`);
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const pair = digits.slice(2 * i, 2 * i + 2);
    if (!/^[0-9a-fA-F]{2}$/.test(pair)) throw new TypeError(`not hex at digit ${2 * i}: ${JSON.stringify(pair)}`);
    bytes[i] = parseInt(pair, 16);
  }
  return bytes;
}
