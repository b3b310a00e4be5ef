/**
 * The state of an interpreter: registers, frames, and what its steps are made of.
 *
 * An instruction becomes a step, a function without arguments that does it and returns the slot to go on at, or
 * {@linkcode DONE} or {@linkcode TAIL_CALL}. Registers are pairs of 32-bit integers in one array; constants have pairs behind those of the
 * registers, so that operations on constants and on registers are the same code.
 *
 * @module
 */
import type { Instruction } from "../isa.ts";
import { type BpfEnvironment, FRAME_BYTES, MAX_FRAMES, type PacketWindow } from "../runner.ts";

/** Does one instruction and returns the next slot. */
export type Step = () => number;

/** What a step returns at the program's end. */
export const DONE = -1;
/** What a step returns to make a tail call. */
export const TAIL_CALL = -2;

/** Index of r0's low half. */
export const R0 = 0;
/** Index of r10's low half. */
export const R10 = 20;
/** Number of register halves. */
const HALVES = 22;
/** Index of r1's and r6's low half. */
const R1 = 2, R6 = 12;
/** Room for the registers that are saved over a call, by their indices, and the slot to return to. */
const SAVED = HALVES + 1;

/** Makes the step of an instruction: `dst` and `src` are indices of pairs, `next` is the slot behind it. */
export type MakeStep = (state: State, dst: number, src: number, next: number, instruction: Instruction) => Step;

/** State of one program. */
export class State {
  /** Registers, then constants. */
  readonly registers: Int32Array;
  /** What the program runs in. */
  readonly environment: BpfEnvironment;
  /** The packet. */
  readonly packet: PacketWindow;
  /**
   * Whether registers and frames are zeros when they are entered, and a call leaves r1 to r5 as they were; else nobody
   * reads what was not written.
   */
  clearsAll = false;
  /** Bytes of frames that are cleared at the start. */
  frameBytes: number = FRAME_BYTES;
  /** Slot to go on at where a tail call has no target. */
  returnSlot = 0;
  /** How many local calls are open. */
  depth = 0;
  readonly #frameTop: number;
  readonly #saved = new Int32Array(SAVED * MAX_FRAMES);

  /** Makes a state for a program of so many constants. */
  constructor(environment: BpfEnvironment, constants: readonly (readonly [low: number, high: number])[]) {
    this.environment = environment;
    this.packet = environment.packet;
    this.#frameTop = environment.stack.address + environment.stack.size;
    this.registers = new Int32Array(HALVES + 2 * constants.length);
    constants.forEach(([low, high], i) => this.registers.set([low, high], HALVES + 2 * i));
  }

  /** Index of the pair of a constant. */
  static constantAt(index: number): number {
    return HALVES + 2 * index;
  }

  /** Sets registers as they are at the start. */
  reset(r1: number, r2: number): void {
    const { registers } = this;
    if (this.clearsAll) registers.fill(0, 0, HALVES);
    registers[2] = r1;
    registers[3] = 0;
    registers[4] = r2;
    registers[5] = 0;
    registers[R10] = this.#frameTop;
    this.depth = 0;
    if (this.clearsAll) this.#clearFrames(this.frameBytes);
  }

  /** Opens a frame; false where there are too many. */
  enterFunction(returnTo: number): boolean {
    if (this.depth + 1 >= MAX_FRAMES) return false;
    const { registers } = this;
    const at = this.depth++ * SAVED;
    for (let i = this.clearsAll ? R1 : R6; i < HALVES; i++) this.#saved[at + i] = registers[i]!;
    this.#saved[at + HALVES] = returnTo;
    registers[R10] = registers[R10]! - FRAME_BYTES;
    if (this.clearsAll) {
      registers.fill(0, R0, R1);
      registers.fill(0, R6, R10);
      this.#clearFrames(FRAME_BYTES);
    }
    return true;
  }

  #clearFrames(size: number): void {
    const top = this.registers[R10]!;
    this.environment.memory.bytes.fill(0, top - size, top);
  }

  /** Closes a frame and returns the slot to go on at. */
  leaveFunction(): number {
    if (this.depth === 0) return DONE;
    const { registers } = this;
    const at = --this.depth * SAVED;
    for (let i = this.clearsAll ? R1 : R6; i < HALVES; i++) registers[i] = this.#saved[at + i]!;
    return this.#saved[at + HALVES]!;
  }
}
