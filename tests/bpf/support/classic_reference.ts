/**
 * Classic BPF as it is defined, one instruction at a time: slow, and simple enough to be right by inspection.
 *
 * @module
 */
import type { ClassicInstruction } from "../../../src/bpf/classic/classic.ts";

/** What ancillary loads give, by offset behind `SKF_AD_OFF`; A = nothing ends the program with 0. */
export type ReferenceAncillary = (offset: number, a: number, x: number) => number | undefined;

/** Where a load reads in the packet: as in the kernel, with no headers before it. */
function position(k: number): number {
  const signed = k | 0;
  if (signed >= 0) return signed;
  if (signed >= -0x100000) return signed + 0x100000;
  return Infinity;
}

function load(packet: Uint8Array, k: number, size: number): number | undefined {
  const at = position(k);
  if (at + size > packet.length) return undefined;
  let value = 0;
  for (let index = 0; index < size; index++) value = value * 256 + packet[at + index]!;
  return value;
}

const compares: ((a: number, b: number) => boolean)[] = [
  () => true,
  (a, b) => a === b,
  (a, b) => a > b,
  (a, b) => a >= b,
  (a, b) => (a & b) !== 0,
];

const arithmetic: ((a: number, b: number) => number)[] = [
  (a, b) => a + b,
  (a, b) => a - b,
  (a, b) => Math.imul(a, b),
  (a, b) => Math.floor(a / b),
  (a, b) => a | b,
  (a, b) => a & b,
  (a, b) => a << (b & 31),
  (a, b) => a >>> (b & 31),
  (a) => -a,
  (a, b) => a % b,
  (a, b) => a ^ b,
];

/** Runs a program that the checks have passed; what it returns, as an unsigned number. */
export function runClassic(
  program: readonly ClassicInstruction[],
  packet: Uint8Array,
  ancillary: ReferenceAncillary = () => undefined,
): number {
  let a = 0;
  let x = 0;
  const memory = new Uint32Array(16);
  for (let pc = 0;; pc++) {
    const { code, jt, jf, k } = program[pc]!;
    const operand = (code & 8) === 0 ? k : x;
    const operation = code >> 4 & 15;
    switch (code & 7) {
      case 0: {
        const loaded = loadA(program[pc]!, packet, a, x, memory, ancillary);
        if (loaded === undefined) return 0;
        a = loaded >>> 0;
        break;
      }
      case 1: {
        const byte = code === 0xb1 ? load(packet, k, 1) : 0;
        if (byte === undefined) return 0;
        x = code === 0x01 ? k : code === 0x61 ? memory[k]! : code === 0x81 ? packet.length : 4 * (byte & 15);
        break;
      }
      case 2:
        memory[k] = a;
        break;
      case 3:
        memory[k] = x;
        break;
      case 4:
        if ((operation === 3 || operation === 9) && operand === 0) return 0;
        a = arithmetic[operation]!(a, operand) >>> 0;
        break;
      case 5:
        if (operation === 0) pc += k;
        else pc += compares[operation]!(a, operand) ? jt : jf;
        break;
      case 6:
        return code === 0x16 ? a : k;
      case 7:
        if (code === 0x87) a = x;
        else x = a;
    }
  }
}

function loadA(
  { code, k }: ClassicInstruction,
  packet: Uint8Array,
  a: number,
  x: number,
  memory: Uint32Array,
  ancillary: ReferenceAncillary,
): number | undefined {
  const size = [4, 2, 1][code >> 3 & 3]!;
  switch (code >> 5) {
    case 0:
      return k;
    case 1:
      return k >= 0xfffff000 ? ancillary(k - 0xfffff000, a, x) : load(packet, k, size);
    case 2:
      return load(packet, x + k >>> 0, size);
    case 3:
      return memory[k]!;
    default:
      return packet.length;
  }
}
