/**
 * What all maps have in common: typed access from TypeScript. The kinds differ in how an entry is found, which is what
 * the helpers of programs call.
 *
 * @module
 */
import { BpfError } from "../errors.ts";
import { BPF_ANY } from "../map_types.ts";
import type { BpfMemory } from "../memory.ts";
import type { MapDefinition, ValueField } from "../program.ts";
import { errnoError } from "./errno.ts";
import {
  type BpfKey,
  type BpfNumber,
  type BpfValue,
  isNumberSize,
  readField,
  readNumber,
  writeField,
  writeNumber,
} from "./value_codec.ts";

/** Bytes from one value to the next. */
export function strideOf(definition: MapDefinition): number {
  return Math.ceil(definition.valueSize / 8) * 8;
}

/**
 * A map of a machine. Programs and TypeScript see the same values at once.
 *
 * @example
 * ```ts
 * import { BPF_MAP_TYPE_HASH, BpfMachine } from "@leat/streams/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const sizes = { name: "sizes", type: BPF_MAP_TYPE_HASH, keySize: 1, valueSize: 4, maxEntries: 8, flags: 0 };
 * const code = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0); // r0 = 0; exit
 * const machine = new BpfMachine({ name: "none", code, maps: [sizes], license: "" });
 * const map = machine.map("sizes");
 * map.set(2, 64);
 * assertEquals([map.get(2), map.get(3), map.delete(2), map.size], [64, undefined, true, 0]);
 * ```
 */
export abstract class BpfMap {
  /** Type and sizes. */
  readonly definition: MapDefinition;
  /** Address of the first value; 0 where values have none. */
  readonly address: number;
  /** The memory that the values are in. */
  protected readonly memory: BpfMemory;
  readonly #scratch: number;
  readonly #fields: ReadonlyMap<string, ValueField>;
  #isFrozen = false;

  /** Takes the memory for the values, and for one key and one value on their way in. */
  constructor(definition: MapDefinition, memory: BpfMemory) {
    this.definition = definition;
    this.memory = memory;
    this.address = memory.allocate(strideOf(definition) * definition.maxEntries).address;
    this.#scratch = memory.allocate(definition.keySize + definition.valueSize + 8).address;
    this.#fields = new Map((definition.fields ?? []).map((field) => [field.name, field]));
  }

  /** Its name in the object. */
  get name(): string {
    return this.definition.name;
  }

  /** Number of entries; those of arrays are always all there. */
  abstract get size(): number;

  /** Helper: address of the value of the key at this address, 0 where there is none. */
  abstract lookup(key: number): number;

  /** Helper: makes or replaces an entry; 0 or a negated errno. */
  abstract update(key: number, value: number, flags: number): number;

  /** Helper: removes an entry; 0 or a negated errno. */
  abstract remove(key: number): number;

  /** Keys of the entries, as numbers where they have a number's size. */
  abstract keys(): IterableIterator<BpfKey>;

  /** Whether nothing may be written any more. */
  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Forbids writing from now on. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** The value of a key; `undefined` where there is none. */
  get(key: BpfKey): BpfValue | undefined {
    const at = this.#find(key);
    return at === 0 ? undefined : this.#read(at);
  }

  /** A copy of the bytes of a key's value; `undefined` where there is none. */
  getBytes(key: BpfKey): Uint8Array | undefined {
    const at = this.#find(key);
    return at === 0 ? undefined : this.memory.bytes.slice(at, at + this.definition.valueSize);
  }

  /**
   * Makes or replaces an entry. Fields that are not named keep their value, in a new entry they are 0. Numbers may be
   * signed or unsigned, whatever the field is: -1 in four bytes is 4294967295.
   *
   * @throws {BpfError} `EPERM` where the map is frozen, `E2BIG` where it is full, `ENOENT` where there is no such key or
   * field, `EEXIST` and `ENOENT` as `flags` has it
   */
  set(key: BpfKey, value: BpfValue, flags: number = BPF_ANY): void {
    this.#checkWritable();
    const { keySize, valueSize } = this.definition;
    const old = this.#find(key);
    const at = this.#scratch + Math.ceil(keySize / 8) * 8;
    if (old === 0) this.memory.bytes.fill(0, at, at + valueSize);
    else this.memory.bytes.copyWithin(at, old, old + valueSize);
    this.#write(at, value);
    const result = this.update(this.#scratch, at, flags);
    if (result < 0) throw errnoError(result, `map ${this.name} does not take the entry`);
  }

  /**
   * Removes an entry; whether there was one.
   *
   * @throws {BpfError} `EINVAL` where entries cannot be removed, `EPERM` where the map is frozen
   */
  delete(key: BpfKey): boolean {
    this.#checkWritable();
    if (this.#find(key) === 0) return false;
    const result = this.remove(this.#scratch);
    if (result < 0) throw errnoError(result, `map ${this.name} does not remove entries`);
    return true;
  }

  /** All entries, as they are when they are come to. */
  *entries(): IterableIterator<[key: BpfKey, value: BpfValue]> {
    for (const key of this.keys()) {
      const value = this.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  /** A global variable or field of the first value. */
  getField(name: string): BpfNumber | BpfNumber[] {
    return readField(this.memory.view, this.address, this.#field(name));
  }

  /**
   * Writes a global variable or field of the first value.
   *
   * @throws {BpfError} `ENOENT` where there is none of this name, `EPERM` where the map is frozen
   */
  setField(name: string, value: BpfNumber | readonly BpfNumber[]): void {
    this.#checkWritable();
    writeField(this.memory.view, this.address, this.#field(name), value);
  }

  /** Whether values have a field of this name. */
  hasField(name: string): boolean {
    return this.#fields.has(name);
  }

  /** A key at an address, as `keys()` gives it. */
  protected readKey(at: number, view: DataView = this.memory.view): BpfKey {
    const { keySize } = this.definition;
    if (isNumberSize(keySize)) return readNumber(view, at, keySize, false);
    return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset + at, keySize).slice();
  }

  #checkWritable(): void {
    if (this.#isFrozen) throw new BpfError(`map ${this.name} is frozen`, { code: "EPERM" });
  }

  #field(name: string): ValueField {
    const field = this.#fields.get(name);
    if (field !== undefined) return field;
    throw new BpfError(`values of map ${this.name} have no field ${name}`, { code: "ENOENT" });
  }

  /** Writes the key where helpers can read it, and looks it up. */
  #find(key: BpfKey): number {
    const { keySize } = this.definition;
    if (key instanceof Uint8Array) {
      if (key.length !== keySize) {
        throw new RangeError(`keys of map ${this.name} have ${keySize} bytes, got ${key.length}`);
      }
      this.memory.bytes.set(key, this.#scratch);
    } else {
      if (!isNumberSize(keySize)) {
        throw new TypeError(`keys of map ${this.name} have ${keySize} bytes and are no numbers`);
      }
      writeNumber(this.memory.view, this.#scratch, keySize, key, `key of map ${this.name}`);
    }
    return this.lookup(this.#scratch);
  }

  #read(at: number): BpfValue {
    const { valueSize, fields } = this.definition;
    const { view, bytes } = this.memory;
    const [first] = fields ?? [];
    const isNumber = fields?.length === 1 && first?.name === "value" && first.count === undefined;
    if (isNumber) return readNumber(view, at + first.offset, first.size, first.signed);
    if (fields !== undefined && fields.length > 0) {
      return Object.fromEntries(fields.map((field) => [field.name, readField(view, at, field)]));
    }
    return isNumberSize(valueSize) ? readNumber(view, at, valueSize, false) : bytes.slice(at, at + valueSize);
  }

  #write(at: number, value: BpfValue): void {
    const { valueSize } = this.definition;
    if (value instanceof Uint8Array) {
      if (value.length !== valueSize) {
        throw new RangeError(`values of map ${this.name} have ${valueSize} bytes, got ${value.length}`);
      }
      this.memory.bytes.set(value, at);
    } else if (typeof value === "object" && value !== null) {
      if (Array.isArray(value)) throw new TypeError(`value of map ${this.name} must be no list; fields have names`);
      for (const [name, one] of Object.entries(value)) writeField(this.memory.view, at, this.#field(name), one);
    } else {
      if (!isNumberSize(valueSize)) {
        throw new TypeError(`values of map ${this.name} have ${valueSize} bytes and are no numbers`);
      }
      writeNumber(this.memory.view, at, valueSize, value, `value of map ${this.name}`);
    }
  }
}
