/**
 * Searching byte arrays; name and semantics of `indexOfNeedle` in `@std/bytes`, in linear time.
 *
 * @module
 */

/**
 * Index of the first occurrence of `needle` in `source` at or behind `start`; -1 when there is none, or when `needle`
 * is empty. A negative `start` counts from the end.
 */
export function indexOfNeedle(source: Uint8Array, needle: Uint8Array, start = 0): number {
  const from = start < 0 ? Math.max(0, source.length + start) : start;
  if (needle.length === 0 || from >= source.length) return -1;
  if (needle.length === 1) return source.indexOf(needle[0]!, from);
  return searchLinear(source, needle, from);
}

/** Knuth-Morris-Pratt: hostile repetitions cost no more than other bytes. */
function searchLinear(source: Uint8Array, needle: Uint8Array, from: number): number {
  const fallback = borders(needle);
  let matched = 0;
  for (let i = from; i < source.length; i++) {
    const byte = source[i];
    while (matched > 0 && byte !== needle[matched]) matched = fallback[matched - 1]!;
    if (byte === needle[matched]) matched++;
    if (matched === needle.length) return i - matched + 1;
  }
  return -1;
}

/** For each prefix of `needle`, the length of its longest proper border. */
function borders(needle: Uint8Array): Int32Array {
  const border = new Int32Array(needle.length);
  let length = 0;
  for (let i = 1; i < needle.length; i++) {
    while (length > 0 && needle[i] !== needle[length]) length = border[length - 1]!;
    if (needle[i] === needle[length]) length++;
    border[i] = length;
  }
  return border;
}
