/**
 * BTF: the type information that clang writes with `-g`. Read as far as map definitions and the fields of values need
 * it. Document: `Documentation/bpf/btf.rst` of the kernel.
 *
 * @module
 */
import { BpfError } from "../errors.ts";
import { ByteView, text } from "./byte_view.ts";
import type { LoaderLimits } from "./loader_limits.ts";

/** Kinds of types. */
export const BTF_KIND = {
  INT: 1,
  PTR: 2,
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FWD: 7,
  TYPEDEF: 8,
  VOLATILE: 9,
  CONST: 10,
  RESTRICT: 11,
  FUNC: 12,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  FLOAT: 16,
  DECL_TAG: 17,
  TYPE_TAG: 18,
  ENUM64: 19,
} as const;

/** Bytes that follow the 12 of a type: fixed, and per element of `vlen`. */
const tails: Readonly<Record<number, readonly [fixed: number, each: number]>> = {
  [BTF_KIND.INT]: [4, 0],
  [BTF_KIND.PTR]: [0, 0],
  [BTF_KIND.ARRAY]: [12, 0],
  [BTF_KIND.STRUCT]: [0, 12],
  [BTF_KIND.UNION]: [0, 12],
  [BTF_KIND.ENUM]: [0, 8],
  [BTF_KIND.FWD]: [0, 0],
  [BTF_KIND.TYPEDEF]: [0, 0],
  [BTF_KIND.VOLATILE]: [0, 0],
  [BTF_KIND.CONST]: [0, 0],
  [BTF_KIND.RESTRICT]: [0, 0],
  [BTF_KIND.FUNC]: [0, 0],
  [BTF_KIND.FUNC_PROTO]: [0, 8],
  [BTF_KIND.VAR]: [4, 0],
  [BTF_KIND.DATASEC]: [0, 12],
  [BTF_KIND.FLOAT]: [0, 0],
  [BTF_KIND.DECL_TAG]: [4, 0],
  [BTF_KIND.TYPE_TAG]: [0, 0],
  [BTF_KIND.ENUM64]: [0, 12],
};

/** Kinds that only name or qualify another type. */
const transparent: ReadonlySet<number> = new Set([
  BTF_KIND.TYPEDEF,
  BTF_KIND.VOLATILE,
  BTF_KIND.CONST,
  BTF_KIND.RESTRICT,
  BTF_KIND.TYPE_TAG,
]);

/** Deepest nesting of types that is followed. */
const MAX_DEPTH = 32;

/** A type. */
export interface BtfType {
  /** One of {@linkcode BTF_KIND}. */
  readonly kind: number;
  /** Where its name is in the strings; read only where it is needed, for many types may share a long one. */
  readonly nameAt: number;
  /** Size in bytes, or the number of the type it refers to. */
  readonly sizeOrType: number;
  /** Where its members or other details begin in the types. */
  readonly detailsAt: number;
  /** Number of members. */
  readonly count: number;
  /** Whether offsets of members carry sizes of bit fields. */
  readonly hasBitFields: boolean;
}

/** A member of a structure or a variable of a section. */
export interface BtfMember {
  /** Its name. */
  readonly name: string;
  /** Number of its type. */
  readonly type: number;
  /** Byte offset; `undefined` for bit fields. */
  readonly offset: number | undefined;
  /** Bytes; only for variables of sections. */
  readonly size: number;
}

/** The types of an object. */
export class Btf {
  readonly #types: readonly BtfType[];
  readonly #data: ByteView;
  readonly #strings: Uint8Array;
  readonly #maxMembers: number;
  /** Sections by name, made when one is asked for. */
  #sections: ReadonlyMap<string, BtfType> | undefined;
  /** By name of a function whether it returns a number, made when one is asked for. */
  #numeric: ReadonlyMap<string, boolean> | undefined;
  #membersRead = 0;

  /** Reads the section. */
  constructor(bytes: Uint8Array, limits: LoaderLimits) {
    const view = new ByteView(bytes, ".BTF", "the type information");
    if (view.u16(0) !== 0xeb9f) view.refuse("the magic number of BTF is missing", 0);
    const headerBytes = view.u32(4);
    this.#strings = view.slice(headerBytes + view.u32(16), view.u32(20), "the strings");
    this.#data = new ByteView(view.slice(headerBytes + view.u32(8), view.u32(12), "the types"), ".BTF", "a type");
    this.#types = readTypes(this.#data, this.#strings.length, limits);
    this.#maxMembers = limits.maxMembers;
  }

  /** The type of this number, names and qualifiers of it taken off. */
  type(number: number): BtfType {
    let type = this.#at(number);
    for (let depth = 0; transparent.has(type.kind); depth++) {
      if (depth > MAX_DEPTH) this.#data.refuse(`type ${number} is nested too deeply`, 0);
      type = this.#at(type.sizeOrType);
    }
    return type;
  }

  /** The variables of a section; `undefined` where BTF does not know it. */
  section(name: string): BtfMember[] | undefined {
    this.#sections ??= new Map(
      this.#types.filter((type) => type.kind === BTF_KIND.DATASEC).map((type) => [this.string(type.nameAt), type]),
    );
    const section = this.#sections.get(name);
    if (section === undefined) return undefined;
    this.#count(section.count);
    return Array.from({ length: section.count }, (_, i) => {
      const at = section.detailsAt + 12 * i;
      const variable = this.#at(this.#data.u32(at));
      if (variable.kind !== BTF_KIND.VAR) this.#data.refuse(`an entry of section ${name} is no variable`, at);
      const own = this.string(variable.nameAt);
      return { name: own, type: variable.sizeOrType, offset: this.#data.u32(at + 4), size: this.#data.u32(at + 8) };
    });
  }

  /** Whether all functions of this name return an integer of at most 8 bytes or an enumeration; there must be one. */
  returnsNumber(name: string): boolean {
    return (this.#numeric ??= this.#findNumeric()).get(name) === true;
  }

  /** Of all functions at once: very many of them are asked for, and there are very many types. */
  #findNumeric(): Map<string, boolean> {
    const found = new Map<string, boolean>();
    for (const { kind, nameAt, sizeOrType } of this.#types) {
      if (kind !== BTF_KIND.FUNC) continue;
      const name = this.string(nameAt);
      found.set(name, found.get(name) !== false && this.#isNumeric(this.#at(sizeOrType)));
    }
    return found;
  }

  #isNumeric({ kind, sizeOrType }: BtfType): boolean {
    if (kind !== BTF_KIND.FUNC_PROTO || sizeOrType === 0) return false;
    const result = this.type(sizeOrType);
    const isEnum = result.kind === BTF_KIND.ENUM || result.kind === BTF_KIND.ENUM64;
    return isEnum || result.kind === BTF_KIND.INT && result.sizeOrType <= 8;
  }

  /** The members of a structure or union, the first `most` of them. */
  members(type: BtfType, most: number): BtfMember[] {
    const count = Math.min(type.count, most);
    this.#count(count);
    return Array.from({ length: count }, (_, i) => {
      const at = type.detailsAt + 12 * i;
      const raw = this.#data.u32(at + 8);
      const bits = type.hasBitFields ? raw & 0xffffff : raw;
      const isBitField = bits % 8 !== 0 || (type.hasBitFields && raw >>> 24 !== 0);
      const offset = isBitField ? undefined : bits / 8;
      return { name: this.string(this.#data.u32(at)), type: this.#data.u32(at + 4), offset, size: 0 };
    });
  }

  /** Element type and count of an array. */
  array(type: BtfType): { element: number; count: number } {
    return { element: this.#data.u32(type.detailsAt), count: this.#data.u32(type.detailsAt + 8) };
  }

  /** Whether an integer is signed. */
  isSigned(type: BtfType): boolean {
    return type.kind === BTF_KIND.INT && (this.#data.u32(type.detailsAt) >>> 24 & 1) === 1;
  }

  /** Bytes of a type. */
  size(number: number, depth = 0): number {
    if (depth > MAX_DEPTH) this.#data.refuse(`type ${number} is nested too deeply`, 0);
    const type = this.type(number);
    if (type.kind === BTF_KIND.PTR) return 8;
    if (type.kind === BTF_KIND.VAR) return this.size(type.sizeOrType, depth + 1);
    if (type.kind === BTF_KIND.ARRAY) {
      const { element, count } = this.array(type);
      const bytes = count * this.size(element, depth + 1);
      return bytes <= 0xffff_ffff ? bytes : this.#data.refuse(`type ${number} has ${bytes} bytes`, type.detailsAt);
    }
    if (![1, 4, 5, 6, 15, 16, 19].includes(type.kind)) this.#data.refuse(`type ${number} has no size`, type.detailsAt);
    return type.sizeOrType;
  }

  /** A string of the section by its offset. */
  string(at: number): string {
    return text(this.#strings, at) ?? this.#data.refuse(`the string at ${at} is outside of the strings`, 0);
  }

  /** Counts what is looked at: few types can name each other so that it would never end. */
  #count(members: number): void {
    this.#membersRead += members;
    if (this.#membersRead <= this.#maxMembers) return;
    throw new BpfError(`.BTF makes for more members than maxMembers, ${this.#maxMembers}`, {
      code: "E2BIG",
      section: ".BTF",
    });
  }

  #at(number: number): BtfType {
    return this.#types[number - 1] ?? this.#data.refuse(`type ${number} is none of ${this.#types.length}`, 0);
  }
}

function readTypes(data: ByteView, stringBytes: number, limits: LoaderLimits): BtfType[] {
  const types: BtfType[] = [];
  for (let at = 0; at < data.bytes.length;) {
    if (types.length >= limits.maxTypes) {
      throw new BpfError(`.BTF has more types than maxTypes, ${limits.maxTypes}`, { code: "E2BIG", section: ".BTF" });
    }
    const info = data.u32(at + 4);
    const kind = info >>> 24 & 31;
    const count = info & 0xffff;
    const tail = tails[kind] ?? data.refuse(`type of kind ${kind} is unknown`, at);
    const nameAt = data.u32(at);
    if (nameAt >= stringBytes && nameAt !== 0) data.refuse("a type's name is outside of the strings", at);
    const sizeOrType = data.u32(at + 8);
    types.push({ kind, nameAt, sizeOrType, detailsAt: at + 12, count, hasBitFields: info >>> 31 === 1 });
    at += 12 + tail[0] + tail[1] * count;
    if (at > data.bytes.length) data.refuse("the last type is cut off", data.bytes.length);
  }
  return types;
}
