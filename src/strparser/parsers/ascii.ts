/**
 * Characters, decimal numbers and line ends in bytes. Internal to the parsers of text.
 *
 * @module
 */

export const LF = 10;
export const CR = 13;
export const SP = 32;
export const COLON = 58;
export const COMMA = 44;
export const LESS = 60;
export const ZERO = 48;

/** The bytes end within the number; one more at least is needed. */
export const DECIMAL_MORE = -1;
/** There is no number, or one with a zero in front. */
export const DECIMAL_BAD = -2;
/** The number has more digits than allowed. */
export const DECIMAL_LONG = -3;

/** Below this many bytes a loop is faster than a view and a native search. */
const NATIVE_AT = 48;

/** Bytes of ASCII characters. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** Position of `byte` from `from` on, before `end`; -1 where it is not. Touches nothing else. */
export function indexOfByte(bytes: Uint8Array, byte: number, from: number, end: number): number {
  if (end - from < NATIVE_AT) {
    for (let i = from; i < end; i++) if (bytes[i] === byte) return i;
    return -1;
  }
  if (end === bytes.length) return bytes.indexOf(byte, from);
  const found = bytes.subarray(from, end).indexOf(byte);
  return found < 0 ? -1 : from + found;
}

/**
 * The decimal number at `at`, which any byte but a digit ends, of `maxDigits` (15 at most) digits at most, without
 * zeros in front.
 */
export function readDecimal(bytes: Uint8Array, at: number, end: number, maxDigits: number): number {
  let value = 0;
  for (let i = at;; i++) {
    if (i >= end) return DECIMAL_MORE;
    const digit = bytes[i]! - ZERO;
    if (digit < 0 || digit > 9) return i === at ? DECIMAL_BAD : value;
    if (i === at + 1 && value === 0) return DECIMAL_BAD;
    if (i - at === maxDigits) return DECIMAL_LONG;
    value = value * 10 + digit;
  }
}

/** How many digits a number that {@linkcode readDecimal} returned has. */
export function decimalWidth(value: number): number {
  let width = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) width++;
  return width;
}

/** Whether the bytes from `at` on are those of `word`, which has capital letters, in any case. There must be enough. */
export function isWord(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) {
    const byte = bytes[at + i]!;
    if ((byte >= 97 && byte <= 122 ? byte - 32 : byte) !== word[i]) return false;
  }
  return true;
}

/** Where bytes and `word` begin to differ, `word.length` where they don't; looks at the bytes before `end` only. */
export function sameUpTo(bytes: Uint8Array, at: number, end: number, word: Uint8Array): number {
  const stop = Math.min(word.length, end - at);
  let same = 0;
  while (same < stop && bytes[at + same] === word[same]) same++;
  return same;
}
