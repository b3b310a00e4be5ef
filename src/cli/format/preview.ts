/**
 * Bytes as people can read them: a line of hex and text, or a dump.
 *
 * What comes out is safe to print: nothing of the bytes can move the cursor, change colours or turn the direction of
 * writing. Not here: decoding of any protocol.
 *
 * @module
 */
import { type Paint, plain } from "./color.ts";
import { codePointWidth } from "./width.ts";

const DIGITS = "0123456789abcdef";
const ESCAPES: Readonly<Record<number, string>> = { 9: "\\t", 10: "\\n", 13: "\\r" };
/** Stands for a byte that is no text. */
const DOT = "·";
/** Letters, numbers, punctuation, symbols, spaces: what stays where it is, unlike marks. */
const VISIBLE = /^[\p{L}\p{N}\p{P}\p{S}\p{Zs}]$/u;

/** Two digits a byte, with spaces between. */
export function hexLine(bytes: Uint8Array, most: number): string {
  const count = Math.min(bytes.length, most);
  let line = "";
  for (let i = 0; i < count; i++) {
    const byte = bytes[i]!;
    line += (i === 0 ? "" : " ") + DIGITS[byte >> 4] + DIGITS[byte & 15];
  }
  return line;
}

/**
 * At most `width` columns of the bytes as text: UTF-8 where it is valid and visible, `\r`, `\n`, `\t` by name, a dot for
 * any other byte; "…" at the end where not all was shown. Only as many bytes are looked at as can be seen.
 */
export function textLine(bytes: Uint8Array, width: number, paint: Paint = plain): string {
  if (width <= 0) return "";
  let line = "";
  let run = "";
  let isText = true;
  let taken = 0;
  let at = 0;
  while (at < bytes.length) {
    const piece = pieceAt(bytes, at);
    // the last column is for the "…", unless what is left fits into it
    if (taken + piece.width > width - 1 && !fits(bytes, at, width - taken)) break;
    // neighbours of a kind get one pair of colour codes
    if (piece.isText !== isText) {
      line += isText ? run : paint("escape", run);
      run = "";
      isText = piece.isText;
    }
    run += piece.text;
    taken += piece.width;
    at += piece.length;
  }
  line += isText ? run : paint("escape", run);
  return at < bytes.length ? line + paint("dim", "…") : line;
}

/** Whether all bytes from `at` on take at most `width` columns. */
function fits(bytes: Uint8Array, at: number, width: number): boolean {
  let taken = 0;
  while (at < bytes.length && taken <= width) {
    const piece = pieceAt(bytes, at);
    taken += piece.width;
    at += piece.length;
  }
  return taken <= width;
}

interface Piece {
  readonly text: string;
  readonly width: number;
  readonly isText: boolean;
  /** Bytes that it stands for. */
  readonly length: number;
}

/** What stands for each byte on its own, made once. */
const BYTE_PIECES: readonly Piece[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x20 && byte < 0x7f) return { text: String.fromCharCode(byte), width: 1, isText: true, length: 1 };
  const escape = ESCAPES[byte];
  if (escape !== undefined) return { text: escape, width: 2, isText: false, length: 1 };
  return { text: DOT, width: 1, isText: false, length: 1 };
});

/** What stands for the bytes at `at`. */
function pieceAt(bytes: Uint8Array, at: number): Piece {
  const byte = bytes[at]!;
  const length = byte < 0xc2 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf5 ? 4 : 0;
  const codePoint = length === 0 ? -1 : decodeUtf8(bytes, at, length);
  if (codePoint < 0) return BYTE_PIECES[byte]!;
  const text = String.fromCodePoint(codePoint);
  const width = codePointWidth(codePoint);
  const isVisible = width > 0 && VISIBLE.test(text);
  return isVisible ? { text, width, isText: true, length } : { text: DOT, width: 1, isText: false, length };
}

/** Code point of a sequence of `length` bytes, -1 where it is none: cut, overlong, a surrogate, beyond Unicode. */
function decodeUtf8(bytes: Uint8Array, at: number, length: number): number {
  if (at + length > bytes.length) return -1;
  let codePoint = bytes[at]! & (0x7f >> length);
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i]!;
    if ((byte & 0xc0) !== 0x80) return -1;
    codePoint = (codePoint << 6) | (byte & 0x3f);
  }
  const least = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
  if (codePoint < least || codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint <= 0xdfff)) return -1;
  return codePoint;
}

/** A line of hex and text of at most `width` columns: more hex where there is more room, always aligned. */
export function previewLine(bytes: Uint8Array, width: number, paint: Paint = plain): string {
  const most = previewHexBytes(width);
  const hexWidth = 3 * most - 1;
  const hex = hexLine(bytes, most).padEnd(hexWidth);
  if (most === 0) return textLine(bytes, width, paint);
  return `${paint("dim", hex)}  ${textLine(bytes, width - hexWidth - 2, paint)}`.trimEnd();
}

/** How many bytes a preview of that width shows in hex. */
function previewHexBytes(width: number): number {
  if (width < 24) return 0;
  return width < 64 ? 4 : 8;
}

/** Lines of a dump: offset, sixteen bytes in hex, the same as ASCII. At most `most` bytes, then a line that says so. */
export function* dumpLines(bytes: Uint8Array, most: number = Infinity, paint: Paint = plain): Generator<string> {
  const end = Math.min(bytes.length, most);
  for (let at = 0; at < end; at += 16) {
    const line = bytes.subarray(at, Math.min(at + 16, end));
    const left = hexLine(line.subarray(0, 8), 8).padEnd(23);
    const right = hexLine(line.subarray(8), 8).padEnd(23);
    let text = "";
    for (const byte of line) text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".";
    const offset = at.toString(16).padStart(6, "0");
    yield `${paint("dim", offset)}  ${left}  ${right}  ${text}`;
  }
  if (end < bytes.length) yield paint("dim", `${bytes.length - end} more bytes`);
}
