/**
 * Arithmetic, byte order and conditions in WebAssembly. Its shifts mask counts as eBPF does; its divisions trap where
 * eBPF has a result, which needs tests before.
 *
 * @module
 */
import type { Operand } from "./operations.ts";
import { LOCAL, type WasmCode } from "./wasm_code.ts";
import { ARITHMETIC, COMPARES, OP, TYPE } from "./wasm_opcodes_table.ts";

/** Writes an arithmetic instruction. */
export function writeWasmArithmetic(code: WasmCode, at: Operand): void {
  const { operation, dst, bits } = at;
  if (operation === "le" || operation === "be" || operation === "bswap") return writeByteOrder(code, at);
  if (operation === "mov") code.operand(at);
  else if (operation === "movsx") writeExtension(code, at);
  else if (operation === "neg") writeNegation(code, at);
  else if (operation.endsWith("div") || operation.endsWith("mod")) writeDivision(code, at);
  else {
    writeFirst(code, at);
    code.operand(at);
    code.op(ARITHMETIC[operation]![bits === 32 ? 0 : 1]);
  }
  if (bits === 32) code.setLow(dst);
  else code.setRegister(dst);
}

function writeFirst(code: WasmCode, { bits, dst }: Operand): void {
  if (bits === 32) code.low(dst);
  else code.register(dst);
}

function writeZero(code: WasmCode, { bits }: Operand): void {
  if (bits === 32) code.i32(0);
  else code.i64(0, 0);
}

function writeNegation(code: WasmCode, at: Operand): void {
  writeZero(code, at);
  writeFirst(code, at);
  code.op(at.bits === 32 ? OP.i32Sub : OP.i64Sub);
}

function writeExtension(code: WasmCode, at: Operand): void {
  code.operand(at);
  if (at.bits === 32) code.op(at.offset === 8 ? OP.i32Extend8S : OP.i32Extend16S);
  else code.op(at.offset === 8 ? OP.i64Extend8S : at.offset === 16 ? OP.i64Extend16S : OP.i64Extend32S);
}

/** By 0: 0, or the dividend as remainder. By -1, signed: the negated dividend, or 0. */
function writeDivision(code: WasmCode, at: Operand): void {
  const [narrow, wide] = ARITHMETIC[at.operation]!;
  const is32 = at.bits === 32;
  const type = is32 ? TYPE.i32 : TYPE.i64;
  const isQuotient = at.operation.endsWith("div");
  code.operand(at);
  code.op(is32 ? OP.i32Eqz : OP.i64Eqz);
  code.begin(OP.if, type);
  if (isQuotient) writeZero(code, at);
  else writeFirst(code, at);
  code.op(OP.else);
  if (at.operation.startsWith("s")) {
    code.operand(at);
    if (is32) code.i32(-1);
    else code.i64(-1, -1);
    code.op(is32 ? OP.i32Eq : OP.i64Eq);
    code.begin(OP.if, type);
    if (isQuotient) writeNegation(code, at);
    else writeZero(code, at);
    code.op(OP.else);
  }
  writeFirst(code, at);
  code.operand(at);
  code.op(is32 ? narrow : wide);
  if (at.operation.startsWith("s")) code.end();
  code.end();
}

function writeByteOrder(code: WasmCode, { operation, bits, dst }: Operand): void {
  const swaps = operation !== "le";
  if (bits === 64) {
    if (!swaps) return;
    code.low(dst);
    swapTop(code, 32);
    code.op(OP.i64ExtendI32U);
    code.i64(32, 0);
    code.op(OP.i64Shl);
    code.high(dst);
    swapTop(code, 32);
    code.op(OP.i64ExtendI32U, OP.i64Or);
    return code.setRegister(dst);
  }
  code.low(dst);
  if (swaps) swapTop(code, bits);
  else if (bits === 16) {
    code.i32(0xffff);
    code.op(OP.i32And);
  }
  code.setLow(dst);
}

/** Swaps the bytes of the `i32` on the stack: all four, or the low two with the rest cleared. */
export function swapTop(code: WasmCode, bits: number): void {
  if (bits === 8) return;
  code.set(LOCAL.t);
  code.get(LOCAL.t);
  code.i32(8);
  code.op(OP.i32Rotl);
  code.i32(0x00ff00ff);
  code.op(OP.i32And);
  code.get(LOCAL.t);
  code.i32(8);
  code.op(OP.i32Rotr);
  code.i32(0xff00ff00 | 0);
  code.op(OP.i32And, OP.i32Or);
  if (bits === 32) return;
  // The two bytes are now the upper ones.
  code.i32(16);
  code.op(OP.i32ShrU);
}

/** Pushes whether a jump is taken. */
export function writeCondition(code: WasmCode, at: Operand): void {
  writeFirst(code, at);
  code.operand(at);
  if (at.operation === "jset") {
    code.op(at.bits === 32 ? OP.i32And : 0x83);
    writeZero(code, at);
    code.op(at.bits === 32 ? OP.i32Ne : OP.i64Ne);
    return;
  }
  code.op(COMPARES[at.operation]![at.bits === 32 ? 0 : 1]);
}
