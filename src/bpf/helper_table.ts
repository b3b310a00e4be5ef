/**
 * The functions that a program may call by number (`call imm` with `src` 0): names, arguments and results, as far as a
 * socket filter has a use for them. Facts for the verifier and the disassembler; what they do is in `helpers.ts`.
 *
 * @module
 */

/**
 * Kinds of arguments:
 *
 * - `scalar`: any number,
 * - `optional`: the same, but it need not be set: one of a variable number of arguments,
 * - `context`: the context, unmodified,
 * - `map`: a map reference of `lddw`,
 * - `key`: pointer to `keySize` initialised bytes of the call's map,
 * - `value`: pointer to `valueSize` initialised bytes of the call's map,
 * - `value-out`: pointer to `valueSize` writable bytes of the call's map, initialised or not,
 * - `memory`: pointer to initialised bytes, as many as the next argument says,
 * - `memory-out`: pointer to writable bytes, initialised or not, as many as the next argument says,
 * - `size`: number of bytes of the argument before it, at least 1,
 * - `size-or-zero`: the same, 0 allowed,
 * - `lock`: pointer into a map value,
 * - `string`: pointer to a string that ends within frozen map memory,
 * - `result`: pointer to 8 writable, aligned bytes.
 */
export type ArgumentKind =
  | "scalar"
  | "optional"
  | "context"
  | "map"
  | "key"
  | "value"
  | "value-out"
  | "memory"
  | "memory-out"
  | "size"
  | "size-or-zero"
  | "lock"
  | "string"
  | "result";

/** Kinds of results: a number, the address of the call's map's value or null, or nothing. */
export type ResultKind = "scalar" | "value-or-null" | "none";

/** What is known of one helper. */
export interface HelperSignature {
  /** Name without the prefix `bpf_`. */
  readonly name: string;
  /** Kinds of r1 to r5, as many as it takes. */
  readonly arguments: readonly ArgumentKind[];
  /** Kind of r0. */
  readonly result: ResultKind;
  /** Map types that a `map` argument may have; any where absent. */
  readonly mapTypes?: readonly number[];
  /** Whether it changes the map. */
  readonly writesMap?: boolean;
}

/** Helpers that call a callback of the user, which may throw: time, chance, trace. */
const asking: readonly number[] = [5, 6, 7, 118, 125, 160, 177, 208];

/** Whether a call of a helper may fail, `isChecked` where nothing was proven of the program. */
export function mayFail(helper: number, isChecked: boolean): boolean {
  return isChecked || asking.includes(helper);
}

const keyed = [1, 2, 5, 6, 9, 10];
const lists = [22, 23];

/** Signatures by helper number. A number that is not here is refused at load. */
export const helperTable: ReadonlyMap<number, HelperSignature> = new Map<number, HelperSignature>([
  [1, { name: "map_lookup_elem", arguments: ["map", "key"], result: "value-or-null", mapTypes: keyed }],
  [2, {
    name: "map_update_elem",
    arguments: ["map", "key", "value", "scalar"],
    result: "scalar",
    mapTypes: keyed,
    writesMap: true,
  }],
  [3, { name: "map_delete_elem", arguments: ["map", "key"], result: "scalar", mapTypes: keyed, writesMap: true }],
  [5, { name: "ktime_get_ns", arguments: [], result: "scalar" }],
  [6, { name: "trace_printk", arguments: ["memory", "size", "optional", "optional", "optional"], result: "scalar" }],
  [7, { name: "get_prandom_u32", arguments: [], result: "scalar" }],
  [8, { name: "get_smp_processor_id", arguments: [], result: "scalar" }],
  [12, { name: "tail_call", arguments: ["context", "map", "scalar"], result: "scalar", mapTypes: [3] }],
  [14, { name: "get_current_pid_tgid", arguments: [], result: "scalar" }],
  [15, { name: "get_current_uid_gid", arguments: [], result: "scalar" }],
  [26, {
    name: "skb_load_bytes",
    arguments: ["context", "scalar", "memory-out", "size"],
    result: "scalar",
  }],
  [42, { name: "get_numa_node_id", arguments: [], result: "scalar" }],
  [46, { name: "get_socket_cookie", arguments: ["context"], result: "scalar" }],
  [47, { name: "get_socket_uid", arguments: ["context"], result: "scalar" }],
  [68, {
    name: "skb_load_bytes_relative",
    arguments: ["context", "scalar", "memory-out", "size", "scalar"],
    result: "scalar",
  }],
  [87, {
    name: "map_push_elem",
    arguments: ["map", "value", "scalar"],
    result: "scalar",
    mapTypes: lists,
    writesMap: true,
  }],
  [88, { name: "map_pop_elem", arguments: ["map", "value-out"], result: "scalar", mapTypes: lists, writesMap: true }],
  [89, { name: "map_peek_elem", arguments: ["map", "value-out"], result: "scalar", mapTypes: lists }],
  [93, { name: "spin_lock", arguments: ["lock"], result: "none" }],
  [94, { name: "spin_unlock", arguments: ["lock"], result: "none" }],
  [105, { name: "strtol", arguments: ["memory", "size", "scalar", "result"], result: "scalar" }],
  [106, { name: "strtoul", arguments: ["memory", "size", "scalar", "result"], result: "scalar" }],
  [118, { name: "jiffies64", arguments: [], result: "scalar" }],
  [125, { name: "ktime_get_boot_ns", arguments: [], result: "scalar" }],
  [160, { name: "ktime_get_coarse_ns", arguments: [], result: "scalar" }],
  [177, { name: "trace_vprintk", arguments: ["memory", "size", "memory", "size-or-zero"], result: "scalar" }],
  [182, { name: "strncmp", arguments: ["memory", "size", "string"], result: "scalar" }],
  [208, { name: "ktime_get_tai_ns", arguments: [], result: "scalar" }],
]);
