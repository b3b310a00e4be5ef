/**
 * The judge of one program: its rules, the facts that it collects, and how it refuses.
 *
 * @module
 */
import type { BpfError } from "../errors.ts";
import type { BpfProgram, MapDefinition } from "../program.ts";
import type { Instruction } from "../isa.ts";
import type { Encoding } from "../encoding_table.ts";
import type { ControlFlow } from "../control_flow.ts";
import type { MemoryAccess } from "./facts.ts";
import { refusalAt } from "./describe.ts";
import type { MachineState } from "./state.ts";
import type { Value } from "./value.ts";

/** A program whose encodings and control flow are in order. */
export interface ProgramText {
  /** The program. */
  readonly program: BpfProgram;
  /** Instructions by slot. */
  readonly instructions: readonly Instruction[];
  /** Encodings by slot. */
  readonly encodings: readonly (Encoding | undefined)[];
  /** Control flow. */
  readonly flow: ControlFlow;
}

/** The judge of one program. */
export class Judge implements ProgramText {
  readonly program: BpfProgram;
  readonly instructions: readonly Instruction[];
  readonly encodings: readonly (Encoding | undefined)[];
  readonly flow: ControlFlow;
  /** Whether what only root may do is allowed. */
  readonly isRoot: boolean;
  /** What is accessed, by slot. */
  readonly accesses: (MemoryAccess | undefined)[] = [];
  /** Bytes of stack that each function uses. */
  readonly stackBytes: number[];
  /** Whether bytes are read that may not have been written. */
  readsUnwritten = false;
  /** Slots of functions that return numbers: asked for at each load, of which there may be many, as of functions. */
  #numeric: ReadonlySet<number> | undefined;
  #ids = 0;

  /** Takes a program and whether root's rules hold. */
  constructor(text: ProgramText, isRoot: boolean) {
    this.program = text.program;
    this.instructions = text.instructions;
    this.encodings = text.encodings;
    this.flow = text.flow;
    this.isRoot = isRoot;
    this.stackBytes = text.flow.functions.map(() => 0);
  }

  /** Makes an identity for values that are the same. */
  readonly newId = (): number => ++this.#ids;

  /** Whether a function may load packet bytes: the entry, and as in the kernel those of which types say the result. */
  mayLoadPackets(functionIndex: number): boolean {
    const { start } = this.flow.functions[functionIndex]!;
    if (functionIndex === 0) return true;
    const known = this.program.functions ?? [];
    this.#numeric ??= new Set(known.filter((one) => one.returnsNumber === true).map(({ slot }) => slot));
    return this.#numeric.has(start);
  }

  /** The map with this index. */
  map(index: number): MapDefinition {
    return this.program.maps[index]!;
  }

  /** Refuses the program because of what an instruction does in a state. */
  refuse(what: string, slot: number, state: MachineState): never {
    throw refusal(this, what, slot, state);
  }

  /** The value of a register that an instruction reads. */
  read(state: MachineState, register: number, slot: number): Value {
    const value = state.registers[register]!;
    if (value.kind === "unset") this.refuse(`reads r${register}, which is not set`, slot, state);
    return value;
  }

  /** Notes what an instruction accesses; what other paths access there is not forgotten. */
  noteAccess(slot: number, access: MemoryAccess): void {
    const old = this.accesses[slot];
    if (old === undefined) {
      this.accesses[slot] = access;
      return;
    }
    const isSame = old.region === access.region;
    this.accesses[slot] = {
      region: isSame ? old.region : "mixed",
      offset: isSame && old.offset === access.offset ? old.offset : undefined,
      frame: old.frame === access.frame ? old.frame : -1,
      map: old.map === access.map ? old.map : -1,
    };
  }

  /** Notes that a frame is used down to an offset. */
  noteStack(state: MachineState, depth: number, offset: number): void {
    const index = state.frames[depth]!.functionIndex;
    this.stackBytes[index] = Math.max(this.stackBytes[index]!, -offset);
  }
}

/** Makes the error for a program that is refused. */
export function refusal(text: ProgramText, what: string, slot: number, state?: MachineState): BpfError {
  const shown = state?.show(text.program.maps) ?? "";
  return refusalAt(text.program, slot, shown === "" ? what : `${what}; known there: ${shown}`, "EACCES");
}
