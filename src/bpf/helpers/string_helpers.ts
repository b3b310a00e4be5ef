/**
 * Helpers on text: numbers out of it, comparison, tracing.
 *
 * @module
 */
import { ERRNO } from "../maps/errno.ts";
import type { BpfMemory } from "../memory.ts";
import { type HelperHost, type MakeHelper, result } from "./helper_host.ts";
import { formatTrace } from "./trace_format.ts";

/** Longest text that is looked at. */
const MAX_TEXT_BYTES = 1024;

/** Characters from an address to the zero byte, the memory's end or `most`. */
export function textAt(memory: BpfMemory, at: number, most: number): string {
  let text = "";
  const end = Math.min(at + Math.min(most, MAX_TEXT_BYTES), memory.bytes.length);
  for (let i = Math.max(at, 0); i < end && memory.bytes[i] !== 0; i++) text += String.fromCharCode(memory.bytes[i]!);
  return text;
}

/**
 * `strtol` and `strtoul` of the kernel: base 0 (told by the prefix), 8, 10 or 16. Where it fails the number is 0: the
 * program may read it, whatever was there before.
 */
function toNumber(host: HelperHost, text: string, base: number, into: number, signed: boolean): number {
  host.memory.view.setBigUint64(into, 0n, true);
  if (![0, 8, 10, 16].includes(base)) return -ERRNO.EINVAL;
  const [all, sign, prefix, digits] = /^([ \t\n\v\f\r]*-?)(0x)?([0-9a-f]*)/i.exec(text)!;
  const isNegative = sign!.endsWith("-");
  const radix = base !== 0 ? base : prefix ? 16 : digits!.startsWith("0") ? 8 : 10;
  if ((prefix && radix !== 16) || (isNegative && !signed)) return -ERRNO.EINVAL;
  const own = radix === 16 ? /^[0-9a-f]+/i : radix === 10 ? /^[0-9]+/ : /^[0-7]+/;
  const used = own.exec(digits!)?.[0];
  if (used === undefined) return -ERRNO.EINVAL;
  const magnitude = BigInt((radix === 16 ? "0x" : radix === 8 ? "0o" : "") + used);
  const value = isNegative ? -magnitude : magnitude;
  const fits = signed ? value === BigInt.asIntN(64, value) : value === BigInt.asUintN(64, value);
  if (!fits) return -ERRNO.ERANGE;
  host.memory.view.setBigUint64(into, BigInt.asUintN(64, value), true);
  return all!.length - digits!.length + used.length;
}

function strtol(signed: boolean): MakeHelper {
  return (host) => (text, _t, length, _l, base, _b, into) => {
    return result(host, toNumber(host, textAt(host.memory, text, length), base, into, signed));
  };
}

/** Compares like the C function, up to `length` bytes. */
function compare(memory: BpfMemory, a: number, length: number, b: number): number {
  const { bytes } = memory;
  for (let i = 0; i < length; i++) {
    const difference = (bytes[a + i] ?? 0) - (bytes[b + i] ?? 0);
    if (difference !== 0 || bytes[a + i] === 0) return Math.sign(difference);
  }
  return 0;
}

function trace(host: HelperHost, format: number, size: number, values: Int32Array): number {
  const line = formatTrace(textAt(host.memory, format, size), values);
  if (line === undefined) return result(host, -ERRNO.EINVAL);
  host.trace(line);
  return result(host, line.length);
}

/** By number. */
export const stringHelpers: readonly (readonly [number: number, make: MakeHelper])[] = [
  [6, (host) => (format, _f, size, _s, a, aHigh, b, bHigh, c, cHigh) => {
    return trace(host, format, size, Int32Array.of(a, aHigh, b, bHigh, c, cHigh));
  }],
  [105, strtol(true)],
  [106, strtol(false)],
  [177, (host) => (format, _f, size, _s, data, _d, bytes) => {
    if (bytes % 8 !== 0 || bytes < 0 || bytes > 96) return result(host, -ERRNO.EINVAL);
    return trace(host, format, size, new Int32Array(host.memory.buffer.slice(data, data + bytes)));
  }],
  [182, (host) => (a, _a, length, _l, b) => result(host, compare(host.memory, a, length, b))],
];
