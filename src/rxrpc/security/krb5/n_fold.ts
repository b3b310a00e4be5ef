/**
 * n-fold (RFC 3961, section 5.1): stretches or shrinks a text to a given number of bytes, so that each bit of it counts
 * as much as any other.
 *
 * @module
 */

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Bits of `text` rotated right by `by`, as bytes. */
function rotateRight(text: Uint8Array, by: number): Uint8Array {
  const bits = 8 * text.length;
  return text.map((_, at) => {
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) {
      const from = (8 * at + bit - by % bits + bits) % bits;
      byte = byte << 1 | text[from >>> 3]! >>> (7 - from % 8) & 1;
    }
    return byte;
  });
}

/** Folds `text` to `length` bytes. */
export function nFold(text: Uint8Array, length: number): Uint8Array {
  const copies = length / gcd(length, text.length);
  const sum = new Uint8Array(length);
  const stretched = new Uint8Array(copies * text.length);
  for (let copy = 0; copy < copies; copy++) stretched.set(rotateRight(text, 13 * copy), copy * text.length);
  // addition with end-around carry, from the last byte to the first
  for (let from = 0; from < stretched.length; from += length) {
    let carry = addInto(sum, stretched.subarray(from, from + length));
    const one = new Uint8Array(length);
    one[length - 1] = 1;
    while (carry > 0) carry = addInto(sum, one);
  }
  return sum;
}

function addInto(sum: Uint8Array, text: Uint8Array): number {
  let carry = 0;
  for (let at = sum.length - 1; at >= 0; at--) {
    carry += sum[at]! + text[at]!;
    sum[at] = carry;
    carry >>>= 8;
  }
  return carry;
}
