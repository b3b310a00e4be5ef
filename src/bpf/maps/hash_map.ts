/**
 * Hash tables, plain and with replacement of the entry used longest ago.
 *
 * Values stay where they are for as long as their entry lives: a program may hold the address. Room for all entries is
 * taken at the start. Keys are kept outside of the program's memory, in chains by a keyed hash (HalfSipHash-1-3 by
 * Aumasson and Bernstein), so that whoever chooses the keys cannot aim for one chain.
 *
 * @module
 */
import { BPF_ANY, BPF_EXIST, BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH, BPF_NOEXIST } from "../map_types.ts";
import type { BpfMemory } from "../memory.ts";
import type { MapDefinition } from "../program.ts";
import { BpfMap, strideOf } from "./bpf_map.ts";
import { ERRNO } from "./errno.ts";
import { keyedHash } from "./keyed_hash.ts";
import { UseOrder } from "./use_order.ts";
import type { BpfKey } from "./value_codec.ts";

/** A hash table. */
export class HashMap extends BpfMap {
  readonly #stride: number;
  readonly #seed: number;
  /** Entry at the head of each chain plus 1, 0 for none. */
  readonly #heads: Int32Array;
  /** Entry behind each entry plus 1: in its chain, or in the list of free ones. */
  readonly #nexts: Int32Array;
  readonly #keys: Uint8Array;
  readonly #isUsed: Uint8Array;
  readonly #order: UseOrder | undefined;
  #free = 1;
  #size = 0;

  /** Makes an empty one; `seed` keys the hash. */
  constructor(definition: MapDefinition, memory: BpfMemory, seed: number) {
    super(definition, memory);
    const { maxEntries, keySize, type } = definition;
    this.#stride = strideOf(definition);
    this.#seed = seed;
    this.#heads = new Int32Array(2 ** Math.ceil(Math.log2(maxEntries)));
    this.#nexts = Int32Array.from({ length: maxEntries }, (_, entry) => entry + 1 < maxEntries ? entry + 2 : 0);
    this.#keys = new Uint8Array(maxEntries * keySize);
    this.#isUsed = new Uint8Array(maxEntries);
    const isLru = type === BPF_MAP_TYPE_LRU_HASH || type === BPF_MAP_TYPE_LRU_PERCPU_HASH;
    this.#order = isLru ? new UseOrder(maxEntries) : undefined;
  }

  get size(): number {
    return this.#size;
  }

  lookup(key: number): number {
    const entry = this.#find(key);
    if (entry < 0) return 0;
    this.#order?.use(entry);
    return this.address + entry * this.#stride;
  }

  update(key: number, value: number, flags: number): number {
    if (flags < BPF_ANY || flags > BPF_EXIST) return -ERRNO.EINVAL;
    let entry = this.#find(key);
    if (entry >= 0 && flags === BPF_NOEXIST) return -ERRNO.EEXIST;
    if (entry < 0 && flags === BPF_EXIST) return -ERRNO.ENOENT;
    if (entry < 0) entry = this.#insert(key);
    if (entry < 0) return -ERRNO.E2BIG;
    this.#order?.use(entry);
    this.memory.bytes.copyWithin(this.address + entry * this.#stride, value, value + this.definition.valueSize);
    return 0;
  }

  remove(key: number): number {
    const entry = this.#find(key);
    if (entry < 0) return -ERRNO.ENOENT;
    this.#release(entry);
    return 0;
  }

  *keys(): IterableIterator<BpfKey> {
    const view = new DataView(this.#keys.buffer);
    for (let entry = 0; entry < this.definition.maxEntries; entry++) {
      if (this.#isUsed[entry] === 1) yield this.readKey(entry * this.definition.keySize, view);
    }
  }

  #chain(bytes: Uint8Array, at: number): number {
    return keyedHash(this.#seed, bytes, at, this.definition.keySize) & (this.#heads.length - 1);
  }

  #find(key: number): number {
    const { bytes } = this.memory;
    let next = this.#heads[this.#chain(bytes, key)]!;
    while (next !== 0 && !this.#hasKey(next - 1, bytes, key)) next = this.#nexts[next - 1]!;
    return next - 1;
  }

  #hasKey(entry: number, bytes: Uint8Array, key: number): boolean {
    const { keySize } = this.definition;
    const base = entry * keySize;
    for (let i = 0; i < keySize; i++) if (this.#keys[base + i] !== bytes[key + i]) return false;
    return true;
  }

  #insert(key: number): number {
    if (this.#free === 0 && this.#order !== undefined) this.#release(this.#order.oldest);
    const entry = this.#free - 1;
    if (entry < 0) return -1;
    this.#free = this.#nexts[entry]!;
    const { keySize } = this.definition;
    this.#keys.set(this.memory.bytes.subarray(key, key + keySize), entry * keySize);
    const chain = this.#chain(this.memory.bytes, key);
    this.#nexts[entry] = this.#heads[chain]!;
    this.#heads[chain] = entry + 1;
    this.#isUsed[entry] = 1;
    this.#size++;
    return entry;
  }

  #release(entry: number): void {
    const chain = this.#chain(this.#keys, entry * this.definition.keySize);
    let before = this.#heads[chain]! - 1;
    if (before === entry) this.#heads[chain] = this.#nexts[entry]!;
    else {
      while (this.#nexts[before] !== entry + 1) before = this.#nexts[before]! - 1;
      this.#nexts[before] = this.#nexts[entry]!;
    }
    this.#order?.forget(entry);
    this.#isUsed[entry] = 0;
    this.#nexts[entry] = this.#free;
    this.#free = entry + 1;
    this.#size--;
  }
}
