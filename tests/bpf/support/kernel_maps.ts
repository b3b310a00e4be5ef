/** The maps that recorded and random programs refer to, as `scripts/bpf_kernel.py` makes them in the kernel. */
import { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH } from "../../../src/bpf/map_types.ts";
import type { MapDefinition } from "../../../src/bpf/program.ts";

/** An array of one value of 16 bytes, and a hash table of 16 values of 8. */
export const kernelMaps: readonly MapDefinition[] = [
  { name: "array", type: BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 16, maxEntries: 1, flags: 0 },
  { name: "hash", type: BPF_MAP_TYPE_HASH, keySize: 4, valueSize: 8, maxEntries: 16, flags: 0 },
];
