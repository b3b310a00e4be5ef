/**
 * Arrays: as many values as there can be, all there from the start.
 *
 * @module
 */
import { BPF_EXIST, BPF_NOEXIST } from "../map_types.ts";
import type { BpfMemory } from "../memory.ts";
import type { MapDefinition } from "../program.ts";
import { BpfMap, strideOf } from "./bpf_map.ts";
import { ERRNO } from "./errno.ts";

/** An array. Keys are 32-bit integers from 0 on. */
export class ArrayMap extends BpfMap {
  readonly #stride: number;
  readonly #count: number;

  /** Makes it, all zeros or with the initial content of global variables. */
  constructor(definition: MapDefinition, memory: BpfMemory) {
    super(definition, memory);
    this.#stride = strideOf(definition);
    this.#count = definition.maxEntries;
    if (definition.initial !== undefined) memory.bytes.set(definition.initial, this.address);
  }

  get size(): number {
    return this.#count;
  }

  lookup(key: number): number {
    const index = this.memory.view.getUint32(key, true);
    return index < this.#count ? this.address + index * this.#stride : 0;
  }

  update(key: number, value: number, flags: number): number {
    if (flags > BPF_EXIST || flags < 0) return -ERRNO.EINVAL;
    const at = this.lookup(key);
    if (at === 0) return -ERRNO.E2BIG;
    if (flags === BPF_NOEXIST) return -ERRNO.EEXIST;
    this.memory.bytes.copyWithin(at, value, value + this.definition.valueSize);
    return 0;
  }

  remove(_key: number): number {
    return -ERRNO.EINVAL;
  }

  *keys(): IterableIterator<number> {
    for (let index = 0; index < this.#count; index++) yield index;
  }
}
