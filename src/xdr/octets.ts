/**
 * Opaque data and strings of RFC 4506.
 *
 * @module
 */
import { limitOption } from "../core/limits.ts";
import { fixed } from "./primitives.ts";
import type { XdrMeasure } from "./measure.ts";
import type { XdrReader } from "./reader.ts";
import type { XdrWriter } from "./writer.ts";
import { padding, type XdrType } from "./xdr_type.ts";

const LONGEST = 0xffffffff;

function bytesOf(value: Uint8Array, name: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name} must be a Uint8Array, got ${typeof value}`);
  return value;
}

/**
 * `opaque[length]`: so many bytes. Decodes to a view.
 *
 * @throws {TypeError | RangeError} when `length` is no length
 * @example
 * ```ts
 * import { encodeXdr, fixedOpaque } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...encodeXdr(fixedOpaque(3), Uint8Array.of(1, 2, 3))], [1, 2, 3, 0]);
 * ```
 */
export function fixedOpaque(length: number): XdrType<Uint8Array> {
  const exact = boundOf(length);
  const name = `opaque[${exact}]`;
  return fixed(name, exact + padding(exact), (reader) => reader.opaque(exact), (writer, value) => {
    const found = bytesOf(value, name).length;
    if (found !== exact) throw new RangeError(`${found} bytes are no ${name}`);
    writer.opaque(value);
  });
}

/**
 * `opaque<max>`: up to so many bytes, with their number in front. Decodes to a view.
 *
 * @throws {TypeError | RangeError} when `max` is no bound
 * @example
 * ```ts
 * import { encodeXdr, opaque } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...encodeXdr(opaque(64), Uint8Array.of(9))], [0, 0, 0, 1, 9, 0, 0, 0]);
 * ```
 */
export function opaque(max: number): XdrType<Uint8Array> {
  const name = `opaque<${max}>`;
  return counted(name, max, (bytes) => bytes, (value) => bytesOf(value, name));
}

/**
 * `string<max>`: text of up to so many bytes of UTF-8; bytes that are none are `EPROTO`. For strings in other
 * encodings, or in none, take {@linkcode opaque}: it has the same form.
 *
 * @throws {TypeError | RangeError} when `max` is no bound
 * @example
 * ```ts
 * import { encodeXdr, string } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...encodeXdr(string(8), "é")], [0, 0, 0, 2, 0xc3, 0xa9, 0, 0]);
 * ```
 */
export function string(max: number): XdrType<string> {
  const name = `string<${max}>`;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const encoder = new TextEncoder();
  return counted(name, max, (bytes, reader) => {
    try {
      return decoder.decode(bytes);
    } catch {
      throw reader.unexpected(`a ${name} is not UTF-8`, bytes.length + padding(bytes.length));
    }
  }, (value) => {
    if (typeof value !== "string") throw new TypeError(`${name} must be a string, got ${typeof value}`);
    if (/\p{Surrogate}/u.test(value)) throw new RangeError(`half a surrogate pair is nothing a ${name} can hold`);
    return encoder.encode(value);
  });
}

function counted<Value>(
  name: string,
  max: number,
  decoded: (bytes: Uint8Array, reader: XdrReader) => Value,
  encoded: (value: Value) => Uint8Array,
): XdrType<Value> {
  const bound = boundOf(max);
  return {
    name,
    minBytes: 4,
    encode(writer: XdrWriter, value: Value): void {
      const bytes = encoded(value);
      if (bytes.length > bound) throw new RangeError(`${bytes.length} bytes exceed the bound of ${name}`);
      writer.u32(bytes.length);
      writer.opaque(bytes);
    },
    decode: (reader: XdrReader): Value => decoded(reader.opaque(reader.count(bound, 1, name)), reader),
    measure(m: XdrMeasure): boolean {
      const length = m.peek();
      if (length === undefined) return false;
      if (length > bound) return m.fail("EMSGSIZE", `${length} exceeds the bound of ${name}`);
      m.skip(4 + length + padding(length));
      return true;
    },
  };
}

/** Checks a bound on a length or count; `Infinity` means all that a count can say. */
export function boundOf(max: number): number {
  return Math.min(limitOption("bound", max, LONGEST, 0), LONGEST);
}
