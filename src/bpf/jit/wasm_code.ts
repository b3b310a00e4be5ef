/**
 * The body of one WebAssembly function while it is written: where registers are, and the instructions that every
 * translation needs.
 *
 * Registers are `i64` locals. A function has r1 to r5 and the frame pointer (`i32`) as parameters.
 *
 * @module
 */
import type { Operand } from "./operations.ts";
import { WasmBytes } from "./wasm_bytes.ts";
import { OP, TYPE } from "./wasm_opcodes_table.ts";

/** Locals besides registers. */
export const LOCAL = { frame: 5, t: 12, u: 13, wide: 14, other: 15, fuel: 16, place: 17 } as const;
/** Globals: bytes of the message that are there, how many of them are in the window, instructions left. */
export const GLOBAL = { length: 0, window: 1, fuel: 2 } as const;

/** Locals by register: r1 to r5 are the first parameters. */
const registers = [6, 0, 1, 2, 3, 4, 7, 8, 9, 10, 11];

/** Code of a function. */
export class WasmCode {
  readonly #body = new WasmBytes();

  /** Writes opcodes without operands. */
  op(...opcodes: readonly number[]): void {
    this.#body.put(...opcodes);
  }

  /** Writes an opcode with an index: of a local, global, function or label. */
  indexed(opcode: number, index: number): void {
    this.#body.put(opcode);
    this.#body.unsigned(index);
  }

  /** Pushes a local. */
  get(local: number): void {
    this.indexed(OP.localGet, local);
  }

  /** Pops into a local. */
  set(local: number): void {
    this.indexed(OP.localSet, local);
  }

  /** Pushes a register. */
  register(register: number): void {
    this.get(registers[register]!);
  }

  /** Pushes the low half of a register. */
  low(register: number): void {
    if (register === 10) return this.get(LOCAL.frame);
    this.register(register);
    this.op(OP.i32WrapI64);
  }

  /** Pushes the high half of a register. */
  high(register: number): void {
    this.register(register);
    this.i64(32, 0);
    this.op(OP.i64ShrU, OP.i32WrapI64);
  }

  /** Pops into a register. */
  setRegister(register: number): void {
    this.set(registers[register]!);
  }

  /** Pops an `i32` into a register, the high half becoming 0. */
  setLow(register: number): void {
    this.op(OP.i64ExtendI32U);
    this.setRegister(register);
  }

  /** Pushes a constant. */
  i32(value: number): void {
    this.#body.put(OP.i32Const);
    this.#body.signed(value);
  }

  /** Pushes a constant, given in halves. */
  i64(low: number, high: number): void {
    this.#body.put(OP.i64Const);
    this.#body.signedPair(low, high);
  }

  /** Pushes the second operand of arithmetic or a compare, as wide as the operation is. */
  operand(at: Operand): void {
    if (at.bits === 32) return at.isRegister ? this.low(at.src) : this.i32(at.imm);
    return at.isRegister ? this.register(at.src) : this.i64(at.imm, at.high);
  }

  /** Pushes the low half of a sum of a register and a constant, without the part that `access` can add by itself. */
  address(register: number, offset: number): void {
    this.low(register);
    if (offset >= 0) return;
    this.i32(offset);
    this.op(OP.i32Add);
  }

  /** Writes a load or store; a positive offset is part of it. */
  access(opcode: number, offset: number): void {
    this.#body.put(opcode, 0);
    this.#body.unsigned(Math.max(offset, 0));
  }

  /** Begins a block, loop or condition; `type` is what it leaves. */
  begin(opcode: number, type: number = TYPE.none): void {
    this.#body.put(opcode, type);
  }

  /** Ends a block, loop, condition or function. */
  end(): void {
    this.#body.put(OP.end);
  }

  /** Writes a jump by table; the last label is for all other values. */
  table(labels: readonly number[]): void {
    this.#body.put(OP.brTable);
    this.#body.unsigned(labels.length - 1);
    for (const label of labels) this.#body.unsigned(label);
  }

  /** The function as it stands in the code section: size, locals, body. */
  finish(into: WasmBytes): void {
    const whole = new WasmBytes();
    const groups = [[6, TYPE.i64], [2, TYPE.i32], [2, TYPE.i64], [2, TYPE.i32]] as const;
    whole.unsigned(groups.length);
    for (const [count, type] of groups) whole.put(count, type);
    whole.append(this.#body.bytes);
    into.unsigned(whole.length);
    into.append(whole.bytes);
  }
}
