/** Bodies of RPCs: words of 32 bits, and what is made of them. */
import { concat } from "../../../src/bytes/mod.ts";

/** Numbers are words, strings XDR strings. */
export function body(...parts: readonly (number | string | Uint8Array)[]): Uint8Array {
  return concat(
    parts.map((part) => typeof part === "number" ? word(part) : typeof part === "string" ? xdr(part) : part),
  );
}

/** A name as the protection server has them: 64 words, a letter in each. */
export function name64(name: string): Uint8Array {
  const bytes = new Uint8Array(256);
  for (let at = 0; at < name.length; at++) bytes[4 * at + 3] = name.charCodeAt(at);
  return bytes;
}

/** The signed words of a reply. */
export function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length >> 2 }, (_, index) => view.getInt32(4 * index));
}

/** The name that begins with a word. */
export function nameAt(all: readonly number[], at: number): string {
  const letters = all.slice(at, at + 64);
  return String.fromCharCode(...letters.slice(0, letters.indexOf(0)));
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value);
  return bytes;
}

function xdr(text: string): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * Math.ceil(text.length / 4));
  bytes.set(word(text.length));
  bytes.set(new TextEncoder().encode(text), 4);
  return bytes;
}
