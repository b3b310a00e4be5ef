/**
 * Packet bytes in WebAssembly. The first bytes of a message are copied to a window in the memory before each run, for
 * nobody knows whether the caller has written his buffer again since; what lies behind the window is read by a call.
 *
 * @module
 */
import { maxOf, type Value } from "./values.ts";
import type { Operand } from "./operations.ts";
import { packetOffset, SKF_NET_OFF } from "./packet_offset.ts";
import { swapTop } from "./wasm_arithmetic.ts";
import { GLOBAL, LOCAL, type WasmCode } from "./wasm_code.ts";
import { OP, TYPE } from "./wasm_opcodes_table.ts";

/** Most bytes of a window: a copy must not cost more than the calls that it saves. */
export const WINDOW_BYTES = 64;

/** What packet access needs to know. */
export interface PacketPlaces {
  /** Address of the window. */
  readonly window: number;
  /** Index of the function that reads behind the window: offset, size; big-endian. */
  readonly read: number;
  /** Writes what leaves the function with r0 = 0, at a slot. */
  leave(slot: number): void;
}

const loads: Readonly<Record<number, number>> = { 8: OP.i32Load8U, 16: OP.i32Load16U, 32: OP.i32Load };

/** Writes a load of packet bytes. */
export function writeWasmPacketLoad(code: WasmCode, at: Operand, places: PacketPlaces): void {
  const size = at.bits >> 3;
  if (at.operation === "ldabs") {
    const offset = packetOffset(at.imm);
    if (offset < 0 || offset + size > 0x7fff_ffff) {
      places.leave(at.slot);
      return;
    }
    code.i32(offset);
  } else {
    code.low(at.src);
    code.i32(at.imm);
    code.op(OP.i32Add);
    writeNegative(code);
  }
  code.set(LOCAL.u);
  writeIsBehind(code, GLOBAL.length, size);
  code.begin(OP.if);
  places.leave(at.slot);
  code.end();
  writeIsBehind(code, GLOBAL.window, size);
  code.begin(OP.if, TYPE.i32);
  code.get(LOCAL.u);
  code.i32(size);
  code.indexed(OP.call, places.read);
  code.op(OP.else);
  code.get(LOCAL.u);
  code.access(loads[at.bits]!, places.window);
  swapTop(code, at.bits);
  code.end();
  code.setLow(0);
}

/** Pushes whether `size` bytes from `u` reach behind a length. */
function writeIsBehind(code: WasmCode, global: number, size: number): void {
  code.get(LOCAL.u);
  code.indexed(OP.globalGet, global);
  code.i32(size);
  code.op(OP.i32Sub, OP.i32GtS);
}

/** Turns a negative offset on the stack into one from the message's start; what has no meaning lies behind all. */
function writeNegative(code: WasmCode): void {
  code.set(LOCAL.t);
  code.get(LOCAL.t);
  code.i32(0);
  code.op(OP.i32LtS);
  code.begin(OP.if);
  code.get(LOCAL.t);
  code.i32(SKF_NET_OFF);
  code.op(OP.i32GeS);
  code.begin(OP.if, TYPE.i32);
  code.get(LOCAL.t);
  code.i32(-SKF_NET_OFF);
  code.op(OP.i32Add, OP.else);
  code.i32(0x7fffffff);
  code.end();
  code.set(LOCAL.t);
  code.end();
  code.get(LOCAL.t);
}

/** Bytes that `skb_load_bytes` copies in place of a call: a constant, when it is one and small. */
export function copiedBytes(size: Value): number | undefined {
  const most = maxOf(size);
  return size.kind === "constant" && most >= 1 && most <= WINDOW_BYTES ? most : undefined;
}

/** Writes `skb_load_bytes` of so many bytes: in place where they are in the window, else by the call. */
export function writeWasmFill(code: WasmCode, size: number, places: PacketPlaces, otherwise: () => void): void {
  code.low(2);
  code.set(LOCAL.u);
  code.get(LOCAL.u);
  code.i32(0);
  code.op(OP.i32LtS);
  writeIsBehind(code, GLOBAL.window, size);
  code.op(OP.i32Or);
  code.begin(OP.if);
  otherwise();
  code.op(OP.else);
  for (let byte = 0; byte < size;) {
    const piece = size - byte >= 8 ? 8 : size - byte >= 4 ? 4 : size - byte >= 2 ? 2 : 1;
    const [load, store] = pieces[piece];
    code.low(3);
    code.get(LOCAL.u);
    code.access(load, places.window + byte);
    code.access(store, byte);
    byte += piece;
  }
  code.i64(0, 0);
  code.setRegister(0);
  code.end();
}

const pieces = {
  8: [OP.i64Load, OP.i64Store],
  4: [OP.i32Load, OP.i32Store],
  2: [OP.i32Load16U, OP.i32Store16],
  1: [OP.i32Load8U, OP.i32Store8],
} as const;
