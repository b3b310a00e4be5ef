/**
 * Translates classic BPF to eBPF, so that one verifier and the same back ends serve both.
 *
 * A is r0, X is r7, M[] lies on the stack, r6 is the context, r8 and r9 are at hand. What classic BPF has and eBPF has
 * not is spelled out: a division by X = 0 ends the program with 0. The translation is written as assembly.
 *
 * @module
 */
import { assemble } from "../assembler.ts";
import type { BpfProgram } from "../program.ts";
import {
  checkClassic,
  CLASSIC_MEMORY_WORDS,
  type ClassicInstruction,
  classicOperation,
  classicSuccessors,
} from "./classic.ts";
import { ancillaryAt, type ClassicAncillary } from "./codes_table.ts";

/** Options of {@linkcode classicToEbpf}. */
export interface ClassicToEbpfOptions {
  /** Name of the program. @default {"classic"} */
  name?: string;
}

/** Distance that a conditional jump can span, in slots. */
const NEAR_SLOTS = 0x7fff;

/**
 * Translates a classic program to eBPF. The returned value is the classic one: as a parser, the length of the message.
 *
 * Loads from the network and the link header read from the start of the message, which has neither. Ancillary loads read
 * the context; the hardware type ends the program with 0, as the kernel does where there is no device; the payload
 * offset is 0.
 *
 * @throws {BpfError} Where {@linkcode checkClassic} refuses it.
 *
 * @example
 * ```ts
 * import { classicToEbpf, disassemble, parseClassic } from "@leat/streams/bpf";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const program = classicToEbpf(parseClassic("ldh [0]\nadd #2\nret a"), { name: "len16be" });
 * assertStringIncludes(disassemble(program), "r0 = *(u16 *)skb[0]");
 * ```
 */
export function classicToEbpf(
  program: readonly ClassicInstruction[],
  options: ClassicToEbpfOptions = {},
): BpfProgram {
  checkClassic(program);
  const { name = "classic" } = options;
  const near = translate(program, "goto");
  const isShort = near.filter((line) => !line.endsWith(":")).length < NEAR_SLOTS;
  return { ...assemble((isShort ? near : translate(program, "gotol")).join("\n")), name, license: "" };
}

/** Lines of assembly; with `gotol`, jumps span any distance. */
function translate(program: readonly ClassicInstruction[], goto: "goto" | "gotol"): string[] {
  const lines = ["r6 = r1", "w0 = 0", "w7 = 0"];
  const reached = new Set([0]);
  program.forEach((instruction, index) => {
    // code that is never reached would be refused
    if (!reached.has(index)) return;
    if (!endsForLackOfDevice(instruction)) {
      for (const next of classicSuccessors(instruction, index)) reached.add(next);
    }
    lines.push(`L${index}:`, ...translateOne(instruction, index, goto));
  });
  return lines;
}

/** There is no device, whose hardware type could be told. */
function endsForLackOfDevice(instruction: ClassicInstruction): boolean {
  return classicOperation(instruction).kind === "absolute" && ancillaryAt(instruction.k) === "hatype";
}

function translateOne(instruction: ClassicInstruction, index: number, goto: "goto" | "gotol"): string[] {
  const { kind, name, isX, code } = classicOperation(instruction);
  const { k, jt, jf } = instruction;
  const register = isX ? 7 : 0;
  const imm = hex(k);
  const type = `u${code & 0x10 ? 8 : code & 0x08 ? 16 : 32}`;
  switch (kind) {
    case "absolute": {
      const ancillary = ancillaryAt(k);
      return ancillary === undefined ? [`r0 = *(${type} *)skb[${imm}]`] : ANCILLARY[ancillary](`L${index}`);
    }
    case "indirect":
      return [`r0 = *(${type} *)skb[r7 + ${imm}]`];
    case "header-length":
      return ["r8 = r0", `r0 = *(u8 *)skb[${imm}]`, "w0 &= 15", "w0 <<= 2", "r7 = r0", "r0 = r8"];
    case "immediate":
      return [`w${register} = ${imm}`];
    case "length":
      return [`r${register} = *(u32 *)(r6 + 0)`];
    case "fetch":
      return [`r${register} = *(u32 *)(${memory(k)})`];
    case "store":
      return [`*(u32 *)(${memory(k)}) = r${register}`];
    case "arithmetic":
      return [`w0 ${OPERATORS[name]} ${imm}`];
    case "arithmetic-x":
      return name === "div" || name === "mod" ? divide(name) : [`w0 ${OPERATORS[name]} w7`];
    case "negate":
      return ["w0 = -w0"];
    case "jump":
      return k === 0 ? [] : [`${goto} L${index + 1 + k}`];
    case "branch":
      return branch(name, imm, jt, jf, index, goto);
    case "branch-x":
      return branch(name, "w7", jt, jf, index, goto);
    case "return":
      return [`w0 = ${imm}`, "exit"];
    case "return-a":
      return ["exit"];
    case "transfer":
      return [isX ? "w7 = w0" : "w0 = w7"];
  }
}

const OPERATORS: Readonly<Record<string, string>> = {
  add: "+=",
  sub: "-=",
  mul: "*=",
  div: "/=",
  or: "|=",
  and: "&=",
  lsh: "<<=",
  rsh: ">>=",
  mod: "%=",
  xor: "^=",
};

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function memory(k: number): string {
  return `r10 - ${4 * (CLASSIC_MEMORY_WORDS - k)}`;
}

function divide(name: string): string[] {
  return ["if w7 != 0 goto +2", "w0 = 0", "exit", `w0 ${OPERATORS[name]} w7`];
}

/** Compares of classic BPF, and their opposites where eBPF has them. */
const COMPARES: Readonly<Record<string, readonly [operator: string, opposite: string | undefined]>> = {
  jeq: ["==", "!="],
  jgt: [">", "<="],
  jge: [">=", "<"],
  jset: ["&", undefined],
};

function branch(name: string, right: string, jt: number, jf: number, index: number, goto: "goto" | "gotol"): string[] {
  const yes = `L${index + 1 + jt}`;
  const no = `L${index + 1 + jf}`;
  if (jt === jf) return jt === 0 ? [] : [`${goto} ${yes}`];
  const [operator, opposite] = COMPARES[name]!;
  if (goto === "gotol") return [`if w0 ${operator} ${right} goto +1`, `gotol ${no}`, `gotol ${yes}`];
  if (jt !== 0) return [`if w0 ${operator} ${right} goto ${yes}`, ...(jf === 0 ? [] : [`goto ${no}`])];
  if (opposite !== undefined) return [`if w0 ${opposite} ${right} goto ${no}`];
  return [`if w0 ${operator} ${right} goto +1`, `goto ${no}`];
}

/** Lines of an ancillary load; `at` makes labels of its own. */
const ANCILLARY: Readonly<Record<ClassicAncillary, (at: string) => string[]>> = {
  proto: () => [field(16), "r0 = be16 r0"],
  type: () => [field(4)],
  // without a device the program ends
  ifidx: () => [field(40), "if w0 != 0 goto +1", "exit"],
  nla: (at) => ["w8 = w0", "r9 = *(u32 *)(r6 + 0)", ...findAttribute(at)],
  nlan: (at) => ["w8 = w0", "r9 = *(u32 *)(r6 + 0)", ...findNested(at)],
  mark: () => [field(8)],
  queue: () => [field(12)],
  hatype: () => ["w0 = 0", "exit"],
  rxhash: () => [field(68)],
  cpu: () => ["call 8"],
  xor_x: () => ["w0 ^= w7"],
  vlan_tci: () => [field(24)],
  vlan_avail: () => [field(20)],
  poff: () => ["w0 = 0"],
  rand: () => ["call 7"],
  vlan_tpid: () => [field(28), "r0 = be16 r0"],
};

function field(offset: number): string {
  return `r0 = *(u32 *)(r6 + ${offset})`;
}

/**
 * Netlink attributes are a length and a type of 16 bits each, in the machine's order, then the value, padded to 4 bytes.
 * A = offset of the first one between r8 and r9 that has type X, or 0.
 */
function findAttribute(at: string): string[] {
  return [
    `${at}n:`,
    ...attributeLength(at),
    `if r0 < 4 goto ${at}z`,
    "r0 = *(u16 *)skb[r8 + 2]",
    "r0 = bswap16 r0",
    "w0 &= 0x3fff",
    `if w0 == w7 goto ${at}f`,
    ...attributeLength(at),
    "r0 += 3",
    "r0 &= -4",
    "r8 += r0",
    `goto ${at}n`,
    `${at}z:`,
    "w8 = 0",
    `${at}f:`,
    "w0 = w8",
  ];
}

/** The same among the attributes that are the value of the one at A. */
function findNested(at: string): string[] {
  return [...attributeLength(at), "r9 = r8", "r9 += r0", "r8 += 4", ...findAttribute(at)];
}

/** Length of the attribute at r8 to r0; where it is not all there before r9, nothing is found. */
function attributeLength(at: string): string[] {
  return [
    "r0 = r8",
    "r0 += 4",
    `if r0 > r9 goto ${at}z`,
    "r0 = *(u16 *)skb[r8]",
    "r0 = bswap16 r0",
    "r1 = r8",
    "r1 += r0",
    `if r1 > r9 goto ${at}z`,
  ];
}
