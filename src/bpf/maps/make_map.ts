/**
 * From a map's definition to the map.
 *
 * @module
 */
import { BpfError } from "../errors.ts";
import {
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_PROG_ARRAY,
  BPF_MAP_TYPE_QUEUE,
  BPF_MAP_TYPE_STACK,
} from "../map_types.ts";
import type { BpfMemory } from "../memory.ts";
import type { MapDefinition } from "../program.ts";
import { ArrayMap } from "./array_map.ts";
import { type BpfMap, strideOf } from "./bpf_map.ts";
import { HashMap } from "./hash_map.ts";
import { ListMap } from "./list_map.ts";
import { ProgramArray } from "./program_array.ts";

/** Longest key: it has to come from the stack. */
const MAX_KEY_BYTES = 512;

/** Makes a map from its definition; `seed` keys hashes. */
type MakeMap = (definition: MapDefinition, memory: BpfMemory, seed: number) => BpfMap;

/** How a type of map is made, and the key size that it must have; `undefined` where any will do. */
const kinds: ReadonlyMap<number, readonly [make: MakeMap, keySize: number | undefined]> = new Map([
  [BPF_MAP_TYPE_ARRAY, [(definition, memory) => new ArrayMap(definition, memory), 4]],
  [BPF_MAP_TYPE_PERCPU_ARRAY, [(definition, memory) => new ArrayMap(definition, memory), 4]],
  [BPF_MAP_TYPE_HASH, [(definition, memory, seed) => new HashMap(definition, memory, seed), undefined]],
  [BPF_MAP_TYPE_PERCPU_HASH, [(definition, memory, seed) => new HashMap(definition, memory, seed), undefined]],
  [BPF_MAP_TYPE_LRU_HASH, [(definition, memory, seed) => new HashMap(definition, memory, seed), undefined]],
  [BPF_MAP_TYPE_LRU_PERCPU_HASH, [(definition, memory, seed) => new HashMap(definition, memory, seed), undefined]],
  [BPF_MAP_TYPE_PROG_ARRAY, [(definition, memory) => new ProgramArray(definition, memory), 4]],
  [BPF_MAP_TYPE_QUEUE, [(definition, memory) => new ListMap(definition, memory), 0]],
  [BPF_MAP_TYPE_STACK, [(definition, memory) => new ListMap(definition, memory), 0]],
] as [number, [MakeMap, number | undefined]][]);

/**
 * Checks a definition.
 *
 * @throws {BpfError} `ENOSYS` for a type that is not there, `EINVAL` for sizes that the type cannot have
 */
export function checkMap(definition: MapDefinition): void {
  const { name, type, keySize, valueSize, maxEntries, initial } = definition;
  const kind = kinds.get(type);
  if (kind === undefined) {
    throw new BpfError(`map ${name} is of type ${type}, which is not supported`, { code: "ENOSYS" });
  }
  const [, neededKey] = kind;
  const isKeyWrong = neededKey === undefined ? !(keySize >= 1 && keySize <= MAX_KEY_BYTES) : keySize !== neededKey;
  if (isKeyWrong) throw new BpfError(`map ${name} of type ${type} cannot have keys of ${keySize} bytes`);
  const isProgramArray = type === BPF_MAP_TYPE_PROG_ARRAY;
  if (!(valueSize >= 1) || (isProgramArray && valueSize !== 4)) {
    throw new BpfError(`map ${name} of type ${type} cannot have values of ${valueSize} bytes`);
  }
  if (!(maxEntries >= 1)) throw new BpfError(`map ${name} has room for ${maxEntries} entries`);
  if (initial !== undefined && initial.length > valueSize) {
    throw new BpfError(`map ${name} begins with ${initial.length} bytes in values of ${valueSize}`);
  }
}

/** Bytes of memory that a map takes; with what it keeps outside of it, keys and chains of hash tables. */
export function mapBytes(definition: MapDefinition): { inside: number; outside: number } {
  const { keySize, valueSize, maxEntries } = definition;
  return {
    inside: strideOf(definition) * maxEntries + Math.ceil((keySize + valueSize + 8) / 8) * 8,
    outside: (keySize + 16) * maxEntries,
  };
}

/** Whether a map hashes its keys, which takes a seed; a type that can have keys of any size does. */
export function isHashed({ type }: MapDefinition): boolean {
  return kinds.get(type)![1] === undefined;
}

/** Makes a map; the definition has been checked. */
export function makeMap(definition: MapDefinition, memory: BpfMemory, seed: number): BpfMap {
  return kinds.get(definition.type)![0](definition, memory, seed);
}
