/**
 * Loads, stores and atomics in WebAssembly, which is little-endian and takes unaligned addresses, as eBPF does.
 *
 * @module
 */
import { atomicAction } from "./operation_groups.ts";
import type { Operand } from "./operations.ts";
import { LOCAL, type WasmCode } from "./wasm_code.ts";
import { ARITHMETIC, OP, TYPE } from "./wasm_opcodes_table.ts";

/** What checks need; `undefined` where an access needs none. */
export interface AccessCheck {
  /** Lowest address of the frames. */
  readonly frameLow: number;
  /** Address behind them. */
  readonly frameTop: number;
  /** Index of the function that knows what else may be touched. */
  readonly mayAccess: number;
  /** Index of the function that ends the run. */
  readonly fault: number;
}

const loads = { 8: OP.i64Load8U, 16: OP.i64Load16U, 32: OP.i64Load32U, 64: OP.i64Load } as const;
const signedLoads = { 8: OP.i64Load8S, 16: OP.i64Load16S, 32: OP.i64Load32S, 64: OP.i64Load } as const;
const stores = { 8: OP.i64Store8, 16: OP.i64Store16, 32: OP.i64Store32, 64: OP.i64Store } as const;

/** Ends the run unless the access of an instruction is in a frame (one unsigned compare in 64 bits), or else allowed. */
function writeCheck(code: WasmCode, at: Operand, register: number, check: AccessCheck | undefined): void {
  if (check === undefined) return;
  const { frameLow, frameTop } = check, size = at.bits >> 3;
  code.register(register);
  code.i64(at.offset, at.offset >> 31);
  code.op(OP.i64Add);
  code.indexed(OP.localTee, LOCAL.wide);
  code.i64(frameLow, 0);
  code.op(OP.i64Sub);
  code.i64(frameTop - frameLow - size, 0);
  code.op(OP.i64GtU);
  code.begin(OP.if);
  code.get(LOCAL.wide);
  code.op(OP.i32WrapI64);
  code.get(LOCAL.wide);
  code.i64(32, 0);
  code.op(OP.i64ShrU, OP.i32WrapI64);
  code.i32(at.group === "load" ? size : -size);
  code.indexed(OP.call, check.mayAccess);
  code.op(OP.i32Eqz);
  code.begin(OP.if);
  code.i32(at.slot);
  code.i32(1);
  code.indexed(OP.call, check.fault);
  code.op(OP.unreachable);
  code.end();
  code.end();
}

/** Writes a load. */
export function writeWasmLoad(code: WasmCode, at: Operand, check: AccessCheck | undefined): void {
  writeCheck(code, at, at.src, check);
  code.address(at.src, at.offset);
  code.access((at.operation === "ldxs" ? signedLoads : loads)[at.bits], at.offset);
  code.setRegister(at.dst);
}

/** Writes a store of a register or an immediate. */
export function writeWasmStore(code: WasmCode, at: Operand, check: AccessCheck | undefined): void {
  writeCheck(code, at, at.dst, check);
  code.address(at.dst, at.offset);
  if (at.operation === "st") code.i64(at.imm, at.high);
  else code.register(at.src);
  code.access(stores[at.bits], at.offset);
}

/** Writes an atomic read-modify-write: with one thread, a plain one. */
export function writeWasmAtomic(code: WasmCode, at: Operand, check: AccessCheck | undefined): void {
  writeCheck(code, at, at.dst, check);
  code.address(at.dst, at.offset);
  code.set(LOCAL.u);
  code.get(LOCAL.u);
  code.access(loads[at.bits], at.offset);
  code.set(LOCAL.wide);
  const operation = atomicAction(at.operation);
  if (operation === "cmpxchg") return writeCompareExchange(code, at);
  code.get(LOCAL.u);
  if (operation !== "xchg") code.get(LOCAL.wide);
  code.register(at.src);
  if (operation !== "xchg") code.op(ARITHMETIC[operation]![1]);
  code.access(stores[at.bits], at.offset);
  if (at.operation.startsWith("atomic_")) return;
  code.get(LOCAL.wide);
  code.setRegister(at.src);
}

function writeCompareExchange(code: WasmCode, at: Operand): void {
  code.get(LOCAL.wide);
  code.register(0);
  if (at.bits === 32) code.op(OP.i32WrapI64, OP.i64ExtendI32U);
  code.op(OP.i64Eq);
  code.begin(OP.if, TYPE.none);
  code.get(LOCAL.u);
  code.register(at.src);
  code.access(stores[at.bits], at.offset);
  code.end();
  code.get(LOCAL.wide);
  code.setRegister(0);
}
