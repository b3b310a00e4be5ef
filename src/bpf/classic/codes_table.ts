/**
 * The operation codes of classic BPF as Linux knows them, and the offsets at which an absolute load reads something
 * other than the packet.
 *
 * @module
 */

/** What an instruction does, and thereby which of its fields it uses. */
export type ClassicKind =
  /** A = packet at k. */
  | "absolute"
  /** A = packet at X + k. */
  | "indirect"
  /** X = 4 * (byte at k & 15). */
  | "header-length"
  /** A or X = k. */
  | "immediate"
  /** A or X = length of the packet. */
  | "length"
  /** A or X = M[k]. */
  | "fetch"
  /** M[k] = A or X. */
  | "store"
  /** A = A op k. */
  | "arithmetic"
  /** A = A op X. */
  | "arithmetic-x"
  /** A = -A. */
  | "negate"
  /** Skip k. */
  | "jump"
  /** Skip jt or jf, by a compare with k. */
  | "branch"
  /** Skip jt or jf, by a compare with X. */
  | "branch-x"
  /** End with k. */
  | "return"
  /** End with A. */
  | "return-a"
  /** X = A, or A = X. */
  | "transfer";

/** One operation code. */
export interface ClassicOperation {
  /** The code. */
  readonly code: number;
  /** Its mnemonic. */
  readonly name: string;
  /** What it does. */
  readonly kind: ClassicKind;
  /** Whether it is about X, where its kind is about A or X. */
  readonly isX: boolean;
}

const table: ClassicOperation[] = [];

function add(code: number, name: string, kind: ClassicKind, isX = false): void {
  table.push({ code, name, kind, isX });
}

for (const [size, name] of [[0x00, "ld"], [0x08, "ldh"], [0x10, "ldb"]] as const) {
  add(0x20 | size, name, "absolute");
  add(0x40 | size, name, "indirect");
}
for (const isX of [false, true]) {
  const bit = isX ? 1 : 0;
  const load = isX ? "ldx" : "ld";
  add(0x00 | bit, load, "immediate", isX);
  add(0x60 | bit, load, "fetch", isX);
  add(0x80 | bit, load, "length", isX);
  add(0x02 | bit, isX ? "stx" : "st", "store", isX);
}
add(0xb1, "ldxb", "header-length", true);
const arithmetic = ["add", "sub", "mul", "div", "or", "and", "lsh", "rsh", "neg", "mod", "xor"];
arithmetic.forEach((name, index) => {
  const code = 0x04 | index << 4;
  if (name === "neg") return add(code, name, "negate");
  add(code, name, "arithmetic");
  add(code | 8, name, "arithmetic-x");
});
add(0x05, "ja", "jump");
["jeq", "jgt", "jge", "jset"].forEach((name, index) => {
  const code = 0x15 + (index << 4);
  add(code, name, "branch");
  add(code | 8, name, "branch-x");
});
add(0x06, "ret", "return");
add(0x16, "ret", "return-a");
add(0x07, "tax", "transfer", true);
add(0x87, "txa", "transfer");

/** The operations by code. */
export const CLASSIC_OPERATIONS: ReadonlyMap<number, ClassicOperation> = new Map(
  table.map((operation) => [operation.code, operation]),
);

/** `SKF_AD_OFF`: absolute loads from here on read something about the packet instead of its bytes. */
export const SKF_AD_OFF = 0xfffff000;
/** `SKF_NET_OFF`: absolute loads from here on count from the network header. */
export const SKF_NET_OFF = 0xfff00000;
/** `SKF_LL_OFF`: absolute loads from here on count from the link header. */
export const SKF_LL_OFF = 0xffe00000;

/** What an absolute load at {@linkcode SKF_AD_OFF} plus a number reads. */
export type ClassicAncillary =
  | "proto"
  | "type"
  | "ifidx"
  | "nla"
  | "nlan"
  | "mark"
  | "queue"
  | "hatype"
  | "rxhash"
  | "cpu"
  | "xor_x"
  | "vlan_tci"
  | "vlan_avail"
  | "poff"
  | "rand"
  | "vlan_tpid";

/** Names of the ancillary loads as `bpf_asm` has them, in order of their offsets, which are 4 apart. */
export const CLASSIC_ANCILLARY: readonly ClassicAncillary[] = [
  "proto",
  "type",
  "ifidx",
  "nla",
  "nlan",
  "mark",
  "queue",
  "hatype",
  "rxhash",
  "cpu",
  "xor_x",
  "vlan_tci",
  "vlan_avail",
  "poff",
  "rand",
  "vlan_tpid",
];

/** What an absolute load at k reads where it is not the packet; `undefined` where it is, or nothing known. */
export function ancillaryAt(k: number): ClassicAncillary | undefined {
  const offset = k - SKF_AD_OFF;
  return offset >= 0 && offset % 4 === 0 ? CLASSIC_ANCILLARY[offset / 4] : undefined;
}
