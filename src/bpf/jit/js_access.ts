/**
 * Loads, stores and atomics in JavaScript: to variables where the frame's bytes live in these, else to the memory.
 *
 * @module
 */
import type { FrameFields } from "./frame_fields.ts";
import { extended } from "./js_narrow.ts";
import { isDigits, type JsWriter } from "./js_writer.ts";
import { isSurelyOwn } from "./surely_own.ts";
import { atomicAction } from "./operation_groups.ts";
import type { Operand } from "./operations.ts";

/** What an access needs to know besides the instruction. */
export interface AccessRules {
  /** What of the frame lives in variables. */
  readonly fields: FrameFields;
  /** Whether each address must be checked. */
  readonly isChecked: boolean;
}

/** The variable of a part of the frame. */
export function fieldName(offset: number, size: number): string {
  return `s${-offset}x${size}`;
}

/** The address that an instruction accesses: digits or a name, good to add to. */
function addressOf(writer: JsWriter, at: Operand, register: number, { isChecked }: AccessRules): string {
  const value = writer.values[register]!;
  if (isChecked && !isSurelyOwn(at, value)) {
    const size = at.bits >> 3;
    writer.use("M");
    const check = `${writer.use(at.group === "load" ? "A" : "S")}(${writer.low(register)}, ${
      writer.high(register)
    }, ${at.offset}, ${size}, ${at.slot})`;
    writer.line(`u = ${check};`);
    return "u";
  }
  if (value.kind === "frame") return writer.frameAddress(value.offset + at.offset);
  if (value.kind === "context") {
    return writer.contextAddress(value.offset + at.offset);
  }
  if (at.offset === 0 && at.bits < 64) return writer.low(register);
  writer.line(`u = ${writer.low(register)} + ${at.offset} | 0;`);
  return "u";
}

/** Name of the field that an instruction accesses, where it is one: of the half at `half`. */
function fieldOf(writer: JsWriter, at: Operand, register: number, rules: AccessRules, half = 0): string | undefined {
  const value = writer.values[register]!;
  if (value.kind !== "frame") return undefined;
  const offset = value.offset + at.offset, size = at.bits >> 3;
  return rules.fields.has(offset, size) ? fieldName(offset + half, Math.min(size, 4)) : undefined;
}

function loaded(writer: JsWriter, address: string, bits: number): string {
  const view = writer.use("V");
  if (bits === 8) return `${view}.getUint8(${address})`;
  return bits === 16 ? `${view}.getUint16(${address}, true)` : `${view}.getInt32(${address}, true)`;
}

function storeLine(writer: JsWriter, address: string, bits: number, value: string): void {
  const method = bits === 8 ? "setInt8" : bits === 16 ? "setInt16" : "setInt32";
  writer.line(`${writer.use("V")}.${method}(${address}, ${value}${bits === 8 ? "" : ", true"});`);
}

/** The address four bytes on. */
function plusFour(address: string): string {
  return isDigits(address) ? String(Number(address) + 4) : `${address} + 4`;
}

/** Writes a load. */
export function writeLoad(writer: JsWriter, at: Operand, rules: AccessRules): void {
  const field = fieldOf(writer, at, at.src, rules);
  const value = writer.values[at.src]!;
  if (value.kind === "context" && value.offset + at.offset === 0 && at.bits === 32 && !rules.isChecked) {
    return writer.set(at.dst, "n", "0");
  }
  if (at.bits === 64) return writeWideLoad(writer, at, rules);
  const low = field === undefined
    ? loaded(writer, addressOf(writer, at, at.src, rules), at.bits)
    : writer.variable(field);
  if (at.operation !== "ldxs") return writer.set(at.dst, low, "0");
  writer.set(at.dst, extended(low, at.bits), `${extended(low, at.bits)} >> 31`);
}

function writeWideLoad(writer: JsWriter, at: Operand, rules: AccessRules): void {
  const low = fieldOf(writer, at, at.src, rules), high = fieldOf(writer, at, at.src, rules, 4);
  if (low !== undefined && high !== undefined) {
    return writer.set(at.dst, writer.variable(low), writer.variable(high));
  }
  const address = addressOf(writer, at, at.src, rules);
  writer.set(at.dst, loaded(writer, address, 32), loaded(writer, plusFour(address), 32));
}

/** Writes a store of a register or an immediate. */
export function writeStore(writer: JsWriter, at: Operand, rules: AccessRules): void {
  const isImmediate = at.operation === "st";
  const low = isImmediate ? String(at.imm) : writer.low(at.src);
  const field = fieldOf(writer, at, at.dst, rules);
  if (field !== undefined) {
    writer.assign(field, at.bits < 32 ? `${low} & ${2 ** at.bits - 1}` : low);
    if (at.bits < 64) return;
    return writer.assign(fieldOf(writer, at, at.dst, rules, 4)!, isImmediate ? String(at.high) : writer.high(at.src));
  }
  const address = addressOf(writer, at, at.dst, rules);
  storeLine(writer, address, Math.min(at.bits, 32), low);
  if (at.bits === 64) storeLine(writer, plusFour(address), 32, isImmediate ? String(at.high) : writer.high(at.src));
}

/** Writes an atomic read-modify-write: with one thread, a plain one. */
export function writeAtomic(writer: JsWriter, at: Operand, rules: AccessRules): void {
  const isWide = at.bits === 64;
  const address = addressOf(writer, at, at.dst, rules);
  writer.line(`u = ${address};`);
  writer.line(`v = ${loaded(writer, "u", 32)};`);
  if (isWide) writer.line(`w = ${loaded(writer, "u + 4", 32)};`);
  const b = writer.low(at.src), bHigh = isWide ? writer.high(at.src) : "0";
  const operation = atomicAction(at.operation);
  if (operation === "cmpxchg") return writeCompareExchange(writer, isWide, b, bHigh);
  storeLine(writer, "u", 32, combined(operation, "v", b));
  if (isWide) storeLine(writer, "u + 4", 32, combinedHigh(operation, b, bHigh));
  if (at.operation.startsWith("atomic_")) return;
  writer.assign(`l${at.src}`, "v");
  writer.assign(`h${at.src}`, isWide ? "w" : "0");
}

function combined(operation: string, a: string, b: string): string {
  const sign: Readonly<Record<string, string>> = { add: "+", or: "|", and: "&", xor: "^" };
  return operation === "xchg" ? b : `${a} ${sign[operation]} ${b} | 0`;
}

function combinedHigh(operation: string, b: string, bHigh: string): string {
  if (operation !== "add") return combined(operation, "w", bHigh);
  return `w + ${bHigh} + +((v + ${b} >>> 0) < (v >>> 0)) | 0`;
}

function writeCompareExchange(writer: JsWriter, isWide: boolean, b: string, bHigh: string): void {
  const equal = `v === ${writer.low(0)}${isWide ? ` && w === ${writer.high(0)}` : ""}`;
  writer.line(`if (${equal}) {`);
  storeLine(writer, "u", 32, b);
  if (isWide) storeLine(writer, "u + 4", 32, bHigh);
  writer.line("}");
  writer.assign("l0", "v");
  writer.assign("h0", isWide ? "w" : "0");
}
