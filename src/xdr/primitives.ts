/**
 * Numbers, truth values and enumerations of RFC 4506.
 *
 * @module
 */
import type { XdrMeasure } from "./measure.ts";
import type { XdrReader } from "./reader.ts";
import type { XdrWriter } from "./writer.ts";
import type { XdrType } from "./xdr_type.ts";

function integer(name: string, min: number, max: number, read: (unsigned: number) => number): XdrType<number> {
  return fixed(name, 4, (reader) => read(reader.u32()), (writer, value) => {
    if (!Number.isInteger(value) || value < min || value > max) throw new RangeError(`${String(value)} is no ${name}`);
    writer.u32(value);
  });
}

function longInteger(name: string, read: (bits: number, value: bigint) => bigint): XdrType<bigint> {
  return fixed(name, 8, (reader) => {
    const high = BigInt(reader.u32());
    return read(64, high << 32n | BigInt(reader.u32()));
  }, (writer, value) => {
    if (typeof value !== "bigint") throw new TypeError(`${name} must be a bigint, got ${typeof value}`);
    if (read(64, value) !== value) throw new RangeError(`${value} is no ${name}`);
    writer.u32(Number(value >> 32n & 0xffffffffn));
    writer.u32(Number(value & 0xffffffffn));
  });
}

function floating(name: string, size: 4 | 8): XdrType<number> {
  return fixed(name, size, (reader) => reader.float(size), (writer, value) => {
    if (typeof value !== "number") throw new TypeError(`${name} must be a number, got ${typeof value}`);
    writer.float(value, size);
  });
}

/** Makes a type all of whose values have one size. */
export function fixed<Value>(
  name: string,
  bytes: number,
  decode: (reader: XdrReader) => Value,
  encode: (writer: XdrWriter, value: Value) => void,
): XdrType<Value> {
  const measure = (m: XdrMeasure): boolean => {
    m.skip(bytes);
    return true;
  };
  return { name, minBytes: bytes, fixedBytes: bytes, decode, encode, measure };
}

/**
 * `int`: -2147483648 to 2147483647.
 *
 * @example
 * ```ts
 * import { encodeXdr, int } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...encodeXdr(int, -2)], [255, 255, 255, 254]);
 * ```
 */
export const int: XdrType<number> = integer("int", -0x80000000, 0x7fffffff, (unsigned) => unsigned | 0);

/** `unsigned int`: 0 to 4294967295. */
export const uint: XdrType<number> = integer("unsigned int", 0, 0xffffffff, (unsigned) => unsigned);

/** `hyper`: 64 bits with sign. */
export const hyper: XdrType<bigint> = longInteger("hyper", BigInt.asIntN);

/** `unsigned hyper`: 64 bits without. */
export const uhyper: XdrType<bigint> = longInteger("unsigned hyper", BigInt.asUintN);

/** `float`: IEEE 754, 4 bytes; a value is rounded to what fits. */
export const float: XdrType<number> = floating("float", 4);

/** `double`: IEEE 754, 8 bytes. */
export const double: XdrType<number> = floating("double", 8);

/** `bool`. Whatever is not 0 decodes to `true`, as other implementations have it. */
export const bool: XdrType<boolean> = fixed("bool", 4, (reader) => reader.u32() !== 0, (writer, value) => {
  if (typeof value !== "boolean") throw new TypeError(`bool must be a boolean, got ${typeof value}`);
  writer.u32(value ? 1 : 0);
});

/** `void`: nothing. For procedures without arguments and arms of unions without content. */
export const nothing: XdrType<undefined> = fixed("void", 0, () => undefined, () => {});

/**
 * `enum`: names for some numbers; a number without a name is `EPROTO`.
 *
 * @throws {RangeError} when a number is no `int`, or has two names
 * @example
 * ```ts
 * import { decodeXdr, enumeration } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * const kind = enumeration({ TEXT: 0, DATA: 1, EXEC: 2 });
 * assertEquals(decodeXdr(kind, Uint8Array.of(0, 0, 0, 1)), "DATA");
 * ```
 */
export function enumeration<const Names extends Readonly<Record<string, number>>>(
  names: Names,
): XdrType<keyof Names & string> {
  const numbers = new Map(Object.entries(names));
  const byNumber = new Map<number, keyof Names & string>();
  for (const [name, number] of numbers) {
    if (number !== (number | 0)) throw new RangeError(`${name} = ${number} is no int`);
    if (byNumber.has(number)) throw new RangeError(`${name} and ${byNumber.get(number)} are both ${number}`);
    byNumber.set(number, name);
  }
  return fixed("enum", 4, (reader) => {
    const number = int.decode(reader);
    const name = byNumber.get(number);
    if (name === undefined) throw reader.unexpected(`${number} has no name in the enumeration`, 4);
    return name;
  }, (writer, name) => {
    const number = numbers.get(name);
    if (number === undefined) throw new RangeError(`${String(name)} is not in the enumeration`);
    int.encode(writer, number);
  });
}
