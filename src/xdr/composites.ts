/**
 * Types made of types: structures, arrays, optional data, lists and unions of RFC 4506.
 *
 * @module
 */
import type { XdrMeasure } from "./measure.ts";
import { boundOf } from "./octets.ts";
import { bool } from "./primitives.ts";
import type { XdrReader } from "./reader.ts";
import type { XdrWriter } from "./writer.ts";
import type { XdrType, XdrValue } from "./xdr_type.ts";

/** The value of a structure with these fields. */
export type StructValue<Fields> = { [Name in keyof Fields]: XdrValue<Fields[Name]> };

function objectOf(value: unknown, name: string): void {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(`${name} must be an object, got ${typeof value}`);
  }
}

function arrayOf(value: unknown, name: string): void {
  if (!Array.isArray(value)) throw new TypeError(`${name} must be an array, got ${typeof value}`);
}

function sumOf(sizes: readonly (number | undefined)[]): number | undefined {
  return sizes.includes(undefined) ? undefined : sizes.reduce<number>((sum, size) => sum + size!, 0);
}

/**
 * `struct`: fields, in the order given. Other members of a value are ignored.
 *
 * @example
 * ```ts
 * import { decodeXdr, encodeXdr, int, string, struct } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * const person = struct({ id: int, name: string(32) });
 * assertEquals(decodeXdr(person, encodeXdr(person, { id: 7, name: "Ada" })), { id: 7, name: "Ada" });
 * ```
 */
export function struct<const Fields extends Readonly<Record<string, XdrType<unknown>>>>(
  fields: Fields,
): XdrType<StructValue<Fields>> {
  const entries = Object.entries(fields) as [string, XdrType<unknown>][];
  const backwards = entries.map(([, type]) => type).reverse();
  return {
    name: "struct",
    minBytes: backwards.reduce((sum, type) => sum + type.minBytes, 0),
    fixedBytes: sumOf(backwards.map((type) => type.fixedBytes)),
    encode(writer: XdrWriter, value: StructValue<Fields>): void {
      objectOf(value, "struct");
      for (const [name, type] of entries) type.encode(writer, (value as Record<string, unknown>)[name]);
    },
    decode(reader: XdrReader): StructValue<Fields> {
      const decoded = entries.map(([name, type]) => [name, type.decode(reader)]);
      return Object.fromEntries(decoded) as StructValue<Fields>;
    },
    measure(m: XdrMeasure): boolean {
      for (const type of backwards) m.expect(type, 1);
      return true;
    },
  };
}

/**
 * `type[count]`: so many values.
 *
 * @throws {TypeError | RangeError} when `count` is no count
 */
export function fixedArray<Value>(type: XdrType<Value>, count: number): XdrType<Value[]> {
  const exact = boundOf(count);
  const name = `${type.name}[${exact}]`;
  return {
    name,
    minBytes: exact * type.minBytes,
    fixedBytes: type.fixedBytes === undefined ? undefined : exact * type.fixedBytes,
    encode(writer: XdrWriter, value: Value[]): void {
      arrayOf(value, name);
      if (value.length !== exact) throw new RangeError(`${value.length} values are no ${name}`);
      for (const one of value) type.encode(writer, one);
    },
    decode: (reader: XdrReader): Value[] => several(reader, type, exact),
    measure(m: XdrMeasure): boolean {
      m.expect(type, exact);
      return true;
    },
  };
}

/**
 * `type<max>`: up to so many values, with their number in front.
 *
 * @throws {TypeError | RangeError} when `max` is no bound, or values of the type may have no bytes: a count of four
 * thousand million of them would come for free
 * @example
 * ```ts
 * import { array, encodeXdr, int } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...encodeXdr(array(int, 10), [7])], [0, 0, 0, 1, 0, 0, 0, 7]);
 * ```
 */
export function array<Value>(type: XdrType<Value>, max: number): XdrType<Value[]> {
  const bound = boundOf(max);
  const name = `${type.name}<${bound}>`;
  if (type.minBytes === 0) throw new RangeError(`values of ${name} may have no bytes`);
  return {
    name,
    minBytes: 4,
    encode(writer: XdrWriter, value: Value[]): void {
      arrayOf(value, name);
      if (value.length > bound) throw new RangeError(`${value.length} values exceed the bound of ${name}`);
      writer.u32(value.length);
      for (const one of value) type.encode(writer, one);
    },
    decode: (reader: XdrReader): Value[] => several(reader, type, reader.count(bound, type.minBytes, name)),
    measure(m: XdrMeasure): boolean {
      const count = m.peek();
      if (count === undefined) return false;
      if (count > bound) return m.fail("EMSGSIZE", `${count} exceeds the bound of ${name}`);
      m.skip(4);
      m.expect(type, count);
      return true;
    },
  };
}

function several<Value>(reader: XdrReader, type: XdrType<Value>, count: number): Value[] {
  const values: Value[] = [];
  for (let i = 0; i < count; i++) values.push(type.decode(reader));
  return values;
}

/**
 * `type *`: a value or none. For linked lists see {@linkcode list}.
 *
 * @example
 * ```ts
 * import { encodeXdr, int, optional } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...encodeXdr(optional(int), undefined)], [0, 0, 0, 0]);
 * assertEquals([...encodeXdr(optional(int), 5)], [0, 0, 0, 1, 0, 0, 0, 5]);
 * ```
 */
export function optional<Value>(type: XdrType<Value>): XdrType<Value | undefined> {
  return {
    name: `${type.name} *`,
    minBytes: 4,
    encode(writer: XdrWriter, value: Value | undefined): void {
      bool.encode(writer, value !== undefined);
      if (value !== undefined) type.encode(writer, value);
    },
    decode: (reader: XdrReader): Value | undefined => bool.decode(reader) ? type.decode(reader) : undefined,
    measure(m: XdrMeasure): boolean {
      const isThere = m.peek();
      if (isThere === undefined) return false;
      m.skip(4);
      if (isThere !== 0) m.expect(type, 1);
      return true;
    },
  };
}

/**
 * A linked list, the usual way to write a sequence without a count: `struct { type value; next *rest; } *`. An array
 * here, however long: nothing is nested.
 *
 * @throws {TypeError | RangeError} when `max` is no bound
 * @example
 * ```ts
 * import { encodeXdr, int, list } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...encodeXdr(list(int, 10), [5])], [0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 0]);
 * ```
 */
export function list<Value>(type: XdrType<Value>, max: number): XdrType<Value[]> {
  const bound = boundOf(max);
  const name = `list of ${type.name}<${bound}>`;
  return {
    name,
    minBytes: 4,
    encode(writer: XdrWriter, value: Value[]): void {
      arrayOf(value, name);
      if (value.length > bound) throw new RangeError(`${value.length} values exceed the bound of ${name}`);
      for (const one of value) {
        bool.encode(writer, true);
        type.encode(writer, one);
      }
      bool.encode(writer, false);
    },
    decode(reader: XdrReader): Value[] {
      const values: Value[] = [];
      while (bool.decode(reader)) {
        if (values.length === bound) throw reader.unexpected(`more than the bound of ${name}`, 4, "EMSGSIZE");
        values.push(type.decode(reader));
      }
      return values;
    },
    measure: (m: XdrMeasure): boolean => listRest(type, bound, name).measure(m),
  };
}

/** What of a list is left when `bound` more elements are allowed; only ever measured. */
function listRest(type: XdrType<unknown>, bound: number, name: string): XdrType<unknown> {
  let left = bound;
  const rest: XdrType<unknown> = {
    name,
    minBytes: 4,
    encode: () => {},
    decode: () => undefined,
    measure(m: XdrMeasure): boolean {
      const isThere = m.peek();
      if (isThere === undefined) return false;
      if (isThere !== 0) {
        if (left-- === 0) return m.fail("EMSGSIZE", `more than the bound of ${name}`);
        m.expect(rest, 1);
        m.expect(type, 1);
      }
      m.skip(4);
      return true;
    },
  };
  return rest;
}

/** The value of a union with these arms: the discriminant as `tag`, what belongs to it as `value`. */
export type UnionValue<Arms> = {
  [Tag in keyof Arms]: {
    tag: Tag extends "true" ? true : Tag extends "false" ? false : Tag;
    value: XdrValue<Arms[Tag]>;
  };
}[keyof Arms];

/**
 * `union switch`: one of several types, chosen by what stands in front: an {@linkcode enumeration}, an `int`, an
 * `unsigned int` or a `bool`. Without an arm for it (`nothing` for one without content), it is `EPROTO`.
 *
 * @example
 * ```ts
 * import { decodeXdr, encodeXdr, enumeration, nothing, string, union } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * const status = enumeration({ OK: 0, ERROR: 1 });
 * const answer = union(status, { OK: nothing, ERROR: string(80) });
 * const bytes = encodeXdr(answer, { tag: "ERROR", value: "full" });
 * assertEquals(decodeXdr(answer, bytes), { tag: "ERROR", value: "full" });
 * ```
 */
export function union<
  Tag extends string | number | boolean,
  const Arms extends Readonly<Partial<Record<`${Tag}`, XdrType<unknown>>>>,
>(discriminant: XdrType<Tag>, arms: Arms): XdrType<UnionValue<Arms>> {
  const byTag = new Map(Object.entries(arms)) as Map<string, XdrType<unknown>>;
  const smallest = Math.min(...[...byTag.values()].map((type) => type.minBytes));
  return {
    name: "union",
    minBytes: discriminant.minBytes + (byTag.size === 0 ? 0 : smallest),
    encode(writer: XdrWriter, value: UnionValue<Arms>): void {
      objectOf(value, "union");
      const { tag, value: content } = value as unknown as { tag: Tag; value: unknown };
      const type = byTag.get(String(tag));
      if (type === undefined) throw new RangeError(`the union has no arm for ${String(tag)}`);
      discriminant.encode(writer, tag);
      type.encode(writer, content);
    },
    decode(reader: XdrReader): UnionValue<Arms> {
      const tag = discriminant.decode(reader);
      const type = byTag.get(String(tag));
      if (type === undefined) throw reader.unexpected(`the union has no arm for ${String(tag)}`, 4);
      return { tag, value: type.decode(reader) } as unknown as UnionValue<Arms>;
    },
    measure(m: XdrMeasure): boolean {
      const tag = m.take(discriminant);
      if (tag === undefined) return false;
      const type = byTag.get(String(tag));
      if (type === undefined) return m.fail("EPROTO", `the union has no arm for ${String(tag)}`);
      m.expect(type, 1);
      return true;
    },
  };
}

/**
 * A type that is named before it is there, for those that contain themselves. How deep values may be nested is the
 * reader's and the writer's `maxDepth` (100).
 *
 * @example
 * ```ts
 * import { array, decodeXdr, encodeXdr, int, lazy, struct, type XdrType } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * interface Tree {
 *   id: number;
 *   children: Tree[];
 * }
 * const tree: XdrType<Tree> = struct({ id: int, children: array(lazy((): XdrType<Tree> => tree, 8), 16) });
 * const value = { id: 1, children: [{ id: 2, children: [] }] };
 * assertEquals(decodeXdr(tree, encodeXdr(tree, value)), value);
 * ```
 *
 * @param type gives the type, once it is there
 * @param minBytes bytes of its shortest value; what a count in front of such values is checked against
 */
export function lazy<Value>(type: () => XdrType<Value>, minBytes = 4): XdrType<Value> {
  return {
    name: "type",
    minBytes,
    encode: (writer: XdrWriter, value: Value): void => writer.nested(() => type().encode(writer, value)),
    decode: (reader: XdrReader): Value => reader.nested(() => type().decode(reader)),
    measure(m: XdrMeasure): boolean {
      m.expect(type(), 1);
      return true;
    },
  };
}
