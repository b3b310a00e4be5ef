/** The programs that delineate, for the kernel's KCM and for the engine. */
import { readFileSync } from "node:fs";
import { bpfParser, type BpfProgram, loadObject } from "../../../src/bpf/mod.ts";
import type { Parser } from "../../../src/strparser/mod.ts";

const folder = new URL("../../bpf/data/c14-v3-g/", import.meta.url);

/** Where the kernel's parser keeps the offset of the message in what the program sees. */
const OFFSET_AT = 68;
const LD_ABS = 0x20;
const LD_IND = 0x40;
const CALL = 0x85;
const SKB_LOAD_BYTES = 26;
const PROBE_READ_KERNEL = 113;

/** The parser that the engine gets. */
export function parserOf(name: string, isNaive: boolean): Parser {
  return bpfParser(programOf(name), isNaive ? { kernelLayout: "cb[4]" } : {});
}

/** The instructions that the kernel gets: it shows programs the message at an offset, which they have to add. */
export function instructionsOf(name: string, isNaive: boolean): Uint8Array {
  const { code } = programOf(name);
  return isNaive ? code : withOffset(code);
}

function programOf(name: string): BpfProgram {
  const fixed = /^ret:(-?\d+)$/.exec(name)?.[1];
  if (fixed === undefined) return loadObject(new Uint8Array(readFileSync(new URL(`${name}.o`, folder)))).program();
  const code = [...instruction(0xb7, 0, 0, 0, Number(fixed)), ...instruction(0x95, 0, 0, 0, 0)];
  return { name, code: Uint8Array.from(code), maps: [], license: "" };
}

/**
 * Adds the offset to each load from the packet: a register that the program does not use gets it before the program
 * begins, so that no jump changes.
 */
function withOffset(code: Uint8Array): Uint8Array {
  const register = [9, 8, 7].find((register) => !usesRegister(code, register));
  if (register === undefined) throw new Error("the program leaves no register");
  const program = code.slice();
  let firstArgument = -1;
  for (let at = 0; at < program.length; at += 8) {
    const op = program[at]!;
    if ((op & 0xe7) === LD_ABS) {
      program[at] = (op & 0x1f) | LD_IND;
      program[at + 1] = register << 4;
    }
    // w2 = 0: the offset of skb_load_bytes
    if (op === 0xb4 && program[at + 1] === 2 && program[at + 4] === 0) firstArgument = at;
    if (op !== CALL || program[at + 4] !== SKB_LOAD_BYTES) continue;
    if (firstArgument < 0) throw new Error("the program does not load from 0");
    program.set(instruction(0xbf, 2, register, 0, 0), firstArgument);
    firstArgument = -1;
  }
  const prelude = [
    instruction(0xbf, register, 1, 0, 0),
    instruction(0x7a, 10, 0, -8, 0),
    instruction(0xbf, 1, 10, 0, 0),
    instruction(0x07, 1, 0, 0, -8),
    instruction(0xb7, 2, 0, 0, 4),
    instruction(0xbf, 3, register, 0, 0),
    instruction(0x07, 3, 0, 0, OFFSET_AT),
    instruction(CALL, 0, 0, 0, PROBE_READ_KERNEL),
    instruction(0xbf, 1, register, 0, 0),
    instruction(0x61, register, 10, -8, 0),
  ];
  return Uint8Array.from([...prelude.flat(), ...program]);
}

function usesRegister(code: Uint8Array, register: number): boolean {
  for (let at = 0; at < code.length; at += 8) {
    const registers = code[at + 1]!;
    if ((registers & 15) === register || registers >> 4 === register) return true;
  }
  return false;
}

function instruction(op: number, to: number, from: number, offset: number, value: number): number[] {
  const bytes = [value, value >> 8, value >> 16, value >> 24].map((byte) => byte & 255);
  return [op, to | from << 4, offset & 255, offset >> 8 & 255, ...bytes];
}
