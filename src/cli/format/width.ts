/**
 * How many columns a text takes in a terminal, and texts cut or filled to a number of columns.
 *
 * Follows Unicode Standard Annex 11 (East Asian Width) closely enough for tables: wide and full-width blocks and emoji
 * are two columns, combining marks none. Not here: ligatures, emoji joined into one.
 *
 * @module
 */

/** First and last code points of what takes two columns. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x2329, 0x232a],
  [0x23e9, 0x23ec],
  [0x25fd, 0x25fe],
  [0x2614, 0x2615],
  [0x2648, 0x2653],
  [0x26a1, 0x26a1],
  [0x26bd, 0x26be],
  [0x2705, 0x2705],
  [0x2728, 0x2728],
  [0x274c, 0x274c],
  [0x2795, 0x2797],
  [0x2b1b, 0x2b1c],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x1fa70, 0x1faff],
  [0x20000, 0x3fffd],
];

const COMBINING = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
// deno-lint-ignore no-control-regex -- colours are control sequences
const SGR = /\x1b\[[0-9;]*m/g;

/** Columns of one code point: 0, 1 or 2. */
export function codePointWidth(codePoint: number): 0 | 1 | 2 {
  if (codePoint < 0x300) return 1;
  if (COMBINING.test(String.fromCodePoint(codePoint))) return 0;
  for (const [first, last] of WIDE) {
    if (codePoint < first) return 1;
    if (codePoint <= last) return 2;
  }
  return 1;
}

/** Columns of a text; colours take none. */
export function textWidth(text: string): number {
  if (isPlainAscii(text)) return text.length;
  let width = 0;
  for (const char of text.replace(SGR, "")) width += codePointWidth(char.codePointAt(0)!);
  return width;
}

/** Most texts are; a loop is faster here than a regular expression. */
function isPlainAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}

/** Fills up with spaces, on the left for `align` "right". */
export function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const missing = width - textWidth(text);
  if (missing <= 0) return text;
  return align === "right" ? " ".repeat(missing) + text : text + " ".repeat(missing);
}

/** Cuts a text without colours so that it takes at most `width` columns; a cut one ends in "…". */
export function clip(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = "";
  let taken = 0;
  for (const char of text) {
    taken += codePointWidth(char.codePointAt(0)!);
    if (taken > width - 1) break;
    kept += char;
  }
  return width > 0 ? `${kept}…` : "";
}

/** Breaks a text between words so that no line is longer than `width` characters, longer words apart. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line];
}
