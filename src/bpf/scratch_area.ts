/**
 * `cb[]`: 20 bytes of the context that programs may write, and that stay from one run to the next for one message.
 *
 * @module
 */
import { BPF_REG_FP, BPF_ST, BPF_STX, type Instruction } from "./isa.ts";
import { BpfMemory, type MemoryRegion } from "./memory.ts";

/** Offset of `cb[]` in the context. */
export const SCRATCH_OFFSET = 48;
/** Its words. */
const WORDS = 5;
/** Its bytes. */
export const SCRATCH_BYTES = 20;

/** Whether a program may write the context: whether it stores anywhere but relative to the frame pointer. */
export function mayWriteContext(instructions: readonly Instruction[]): boolean {
  return instructions.some(({ opcode, dst }) =>
    dst !== BPF_REG_FP && ((opcode & 7) === BPF_ST || (opcode & 7) === BPF_STX)
  );
}

/** `cb[]` of a machine. */
export class ScratchArea {
  readonly #words: Int32Array;

  /** That of this context. */
  constructor(memory: BpfMemory, context: MemoryRegion) {
    if (!(memory instanceof BpfMemory)) throw new TypeError("memory must be a BpfMemory");
    if (typeof context?.address !== "number") throw new TypeError("context must be a region of the memory");
    this.#words = new Int32Array(memory.buffer, context.address + SCRATCH_OFFSET, WORDS);
  }

  /** Zeros, for a new message. */
  clear(): void {
    const words = this.#words;
    for (let i = 0; i < WORDS; i++) words[i] = 0;
  }

  /** Keeps its content. */
  save(into: Int32Array): void {
    into.set(this.#words);
  }

  /** Sets what was kept. */
  restore(from: Int32Array): void {
    this.#words.set(from);
  }

  /** Sets one word. */
  set(index: number, value: number): void {
    this.#words[index] = value;
  }

  /** Room for what {@linkcode save} keeps. */
  static room(): Int32Array {
    return new Int32Array(WORDS);
  }
}
