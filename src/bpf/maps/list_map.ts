/**
 * Queues and stacks: values without keys.
 *
 * @module
 */
import { BPF_EXIST, BPF_MAP_TYPE_QUEUE } from "../map_types.ts";
import type { BpfMemory } from "../memory.ts";
import type { MapDefinition } from "../program.ts";
import { BpfMap, strideOf } from "./bpf_map.ts";
import { ERRNO } from "./errno.ts";

/** A queue (first in, first out) or a stack (last in, first out). Full, it drops the oldest if `BPF_EXIST` is asked for. */
export class ListMap extends BpfMap {
  readonly #stride: number;
  readonly #isQueue: boolean;
  #first = 0;
  #size = 0;

  /** Makes an empty one. */
  constructor(definition: MapDefinition, memory: BpfMemory) {
    super(definition, memory);
    this.#stride = strideOf(definition);
    this.#isQueue = definition.type === BPF_MAP_TYPE_QUEUE;
  }

  get size(): number {
    return this.#size;
  }

  lookup(_key: number): number {
    return this.#size === 0 ? 0 : this.#next();
  }

  update(_key: number, value: number, flags: number): number {
    return this.push(value, flags);
  }

  remove(_key: number): number {
    return -ERRNO.EINVAL;
  }

  *keys(): IterableIterator<never> {}

  /** Helper: adds a value; 0 or a negated errno. */
  push(value: number, flags: number): number {
    if (flags !== 0 && flags !== BPF_EXIST) return -ERRNO.EINVAL;
    const { maxEntries, valueSize } = this.definition;
    if (this.#size === maxEntries) {
      if (flags !== BPF_EXIST) return -ERRNO.E2BIG;
      this.#first = (this.#first + 1) % maxEntries;
      this.#size--;
    }
    this.memory.bytes.copyWithin(this.#at(this.#size), value, value + valueSize);
    this.#size++;
    return 0;
  }

  /** Helper: copies the next value, zeros where there is none; 0 or a negated errno. */
  peek(value: number): number {
    const { bytes } = this.memory;
    const { valueSize } = this.definition;
    if (this.#size === 0) {
      bytes.fill(0, value, value + valueSize);
      return -ERRNO.ENOENT;
    }
    const at = this.#next();
    bytes.copyWithin(value, at, at + valueSize);
    return 0;
  }

  /** Helper: the same, and takes it out. */
  pop(value: number): number {
    const result = this.peek(value);
    if (result < 0) return result;
    if (this.#isQueue) this.#first = (this.#first + 1) % this.definition.maxEntries;
    this.#size--;
    return 0;
  }

  #next(): number {
    return this.#at(this.#isQueue ? 0 : this.#size - 1);
  }

  #at(index: number): number {
    return this.address + (this.#first + index) % this.definition.maxEntries * this.#stride;
  }
}
