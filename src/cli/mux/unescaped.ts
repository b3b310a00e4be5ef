/**
 * Bytes as somebody can type them.
 *
 * @module
 */
import { UsageError } from "../io.ts";

const SIMPLE: Readonly<Record<string, number>> = { r: 13, n: 10, t: 9, "0": 0, "\\": 92 };

/**
 * The bytes of a text in UTF-8, in which `\r \n \t \0 \\` and `\xHH` stand for one byte each.
 *
 * @throws {UsageError} for any other escape
 */
export function unescaped(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const [part] of text.matchAll(/\\x[0-9a-fA-F]{2}|\\[^x]|[^\\]+|\\/g)) {
    if (!part.startsWith("\\")) bytes.push(...new TextEncoder().encode(part));
    else if (part.length === 4) bytes.push(parseInt(part.slice(2), 16));
    else if (SIMPLE[part[1] ?? ""] !== undefined) bytes.push(SIMPLE[part[1]!]!);
    else throw new UsageError(`${JSON.stringify(part)} stands for nothing: there are \\r \\n \\t \\0 \\\\ \\xHH`);
  }
  return Uint8Array.from(bytes);
}
