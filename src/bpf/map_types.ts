/**
 * Numbers of map types and flags, under the kernel's names (`include/uapi/linux/bpf.h`).
 *
 * @module
 */

/** Hash table. */
export const BPF_MAP_TYPE_HASH = 1;
/** Array, preallocated, keys 0 to `maxEntries` - 1. */
export const BPF_MAP_TYPE_ARRAY = 2;
/** Programs, for tail calls. */
export const BPF_MAP_TYPE_PROG_ARRAY = 3;
/** Hash table per CPU; there is one CPU here. */
export const BPF_MAP_TYPE_PERCPU_HASH = 5;
/** Array per CPU; there is one CPU here. */
export const BPF_MAP_TYPE_PERCPU_ARRAY = 6;
/** Hash table that drops the entry used longest ago when it is full. */
export const BPF_MAP_TYPE_LRU_HASH = 9;
/** The same per CPU; there is one CPU here. */
export const BPF_MAP_TYPE_LRU_PERCPU_HASH = 10;
/** First in, first out; no keys. */
export const BPF_MAP_TYPE_QUEUE = 22;
/** Last in, first out; no keys. */
export const BPF_MAP_TYPE_STACK = 23;

/** Update: make or replace. */
export const BPF_ANY = 0;
/** Update: only make. */
export const BPF_NOEXIST = 1;
/** Update: only replace. */
export const BPF_EXIST = 2;

/** Map flag: memory of a hash table is not taken in advance; has no effect here. */
export const BPF_F_NO_PREALLOC = 1;
/** Map flag: programs may only read. */
export const BPF_F_RDONLY_PROG = 0x80;
/** Map flag: programs may only write. */
export const BPF_F_WRONLY_PROG = 0x100;
/** Map flag: the map may be accessed by address; set on `.rodata`, `.data` and `.bss`. */
export const BPF_F_MMAPABLE = 0x400;
