/**
 * 64-bit arithmetic in JavaScript, on pairs of int32.
 *
 * A carry is a comparison made a number, `+(a < b)`: engines then need no jump, which would be mispredicted half the time.
 *
 * All of an operation's inputs are read before its first output is written: `r1 *= r1` has one register on both sides.
 *
 * @module
 */
import { extended, narrow, swapped } from "./js_narrow.ts";
import { shifted, shiftedByU } from "./js_shift.ts";
import { isDigits, type JsWriter, unsigned } from "./js_writer.ts";
import type { Operand } from "./operations.ts";
import { maxOf, type Value } from "./values.ts";

/** Halves of two operands. */
interface Halves {
  readonly dst: number;
  readonly a: string;
  readonly aHigh: string;
  readonly b: string;
  readonly bHigh: string;
}

/** Writes an arithmetic instruction; `result` is what is known of its result. */
export function writeArithmetic(writer: JsWriter, at: Operand, result: Value): void {
  const { dst, src, operation, bits, isRegister } = at;
  if (operation === "le" || operation === "be" || operation === "bswap") return writeByteOrder(writer, at);
  if (result.kind === "constant") return writer.set(dst, String(result.low), String(result.high));
  const reads = operation !== "mov" && operation !== "movsx";
  const a = reads ? writer.low(dst) : "0";
  const b = isRegister ? writer.low(src) : String(at.imm);
  if (bits === 32) return writer.set(dst, narrow(at, a, b), "0");
  if (maxOf(result) !== Infinity && isNarrowable(writer, at)) return writer.set(dst, narrow(at, a, b), "0");
  const aHigh = reads ? writer.high(dst) : "0";
  const bHigh = isRegister ? writer.high(src) : String(at.high);
  writeWide(writer, at, { dst, a, aHigh, b, bHigh });
}

/** Whether a 64-bit operation with a small result is the 32-bit operation on the low halves. */
function isNarrowable({ values }: JsWriter, { operation, dst, src, isRegister, imm }: Operand): boolean {
  if (operation === "div" || operation === "mod") {
    return maxOf(values[dst]!) !== Infinity && (isRegister ? maxOf(values[src]!) !== Infinity : imm >= 0);
  }
  if (operation === "lsh" || operation === "rsh" || operation === "arsh") {
    return !isRegister && imm < 32 && maxOf(values[dst]!) <= (operation === "arsh" ? 0x7fff_ffff : 0xffff_ffff);
  }
  return operation !== "movsx";
}

function writeWide(writer: JsWriter, at: Operand, halves: Halves): void {
  const { dst, a, aHigh, b, bHigh } = halves;
  switch (at.operation) {
    case "add":
      writer.line(`t = ${a} + ${b} | 0;`);
      return finish(writer, dst, `${aHigh} + ${bHigh} + +(${unsigned("t")} < ${unsigned(b)}) | 0`);
    case "sub":
      writer.line(`t = ${a} - ${b} | 0;`);
      return finish(writer, dst, `${aHigh} - ${bHigh} - +(${unsigned(a)} < ${unsigned(b)}) | 0`);
    case "mul":
      return writeProduct(writer, halves);
    case "or":
    case "and":
    case "xor":
      return writer.set(dst, narrow(at, a, b), narrow(at, aHigh, bHigh));
    case "neg":
      writer.line(`t = 0 - ${a} | 0;`);
      return finish(writer, dst, `~${aHigh} + +(t === 0) | 0`);
    case "mov":
      return writer.set(dst, b, bHigh);
    case "movsx":
      return writer.set(dst, extended(b, at.offset), `${extended(b, at.offset)} >> 31`);
    case "lsh":
    case "rsh":
    case "arsh":
      return writeShift(writer, at, halves);
    default:
      return writeDivision(writer, at, halves);
  }
}

/** The low half is in `t`; the high half may still need both of the old ones. */
function finish(writer: JsWriter, dst: number, high: string): void {
  writer.assign(`h${dst}`, high);
  writer.assign(`l${dst}`, "t");
}

/** The product of the low halves in 64 bits, the crossed products in its high half. */
function writeProduct(writer: JsWriter, halves: Halves): void {
  const { dst, a, aHigh, b, bHigh } = halves;
  const upper = isDigits(b)
    ? upperByDouble(writer, a, Number(b))
    : isDigits(a)
    ? upperByDouble(writer, b, Number(a))
    : upperByPieces(writer, a, b);
  const crossed = [
    bHigh === "0" ? "" : ` + Math.imul(${a}, ${bHigh})`,
    aHigh === "0" ? "" : ` + Math.imul(${aHigh}, ${b})`,
  ];
  finish(writer, dst, `${upper}${crossed.join("")} | 0`);
}

/**
 * Leaves the low half of a product in `t` and gives the high one, by 16-bit pieces: a double has not enough bits for all
 * of it.
 */
function upperByPieces(writer: JsWriter, a: string, b: string): string {
  const low = (x: string) => `(${x} & 65535)`;
  const top = (x: string) => `(${x} >>> 16)`;
  writer.line(`t = Math.imul(${low(a)}, ${low(b)});`);
  writer.line(`u = Math.imul(${top(a)}, ${low(b)}) + (t >>> 16) | 0;`);
  writer.line(`v = Math.imul(${low(a)}, ${top(b)}) + (u & 65535) | 0;`);
  writer.line(`w = Math.imul(${top(a)}, ${top(b)}) + (u >>> 16) + (v >>> 16) | 0;`);
  writer.line(`t = Math.imul(${a}, ${b});`);
  return "w";
}

/**
 * The same where one factor is constant, by doubles, which takes a fifth less time than by pieces. The product as a double
 * is off by 2^10 at most; without its low half, which `Math.imul` has exactly, it is the high half times 2^32, and being
 * off by 2^10 does not matter: a half is added and the fraction cut off.
 *
 * Factors from 2^31 on are taken as the negative numbers that they are in 32 bits. So the high half is below 2^31, where
 * JavaScriptCore cuts a double off by one instruction.
 */
function upperByDouble(writer: JsWriter, a: string, factor: number): string {
  const isNegative = (factor | 0) < 0;
  const scale = Math.abs(factor | 0) * 2 ** -32;
  writer.line(`t = Math.imul(${a}, ${factor});`);
  writer.line(`w = ${unsigned(a)} * ${scale} ${isNegative ? "+" : "-"} (t >>> 0) * ${2 ** -32} + 0.5 | 0;`);
  return isNegative ? `${a} - w` : "w";
}

function writeShift(writer: JsWriter, { operation, imm, dst, isRegister }: Operand, { a, aHigh, b }: Halves): void {
  if (isRegister) writer.line(`u = ${b} & 63;`);
  const { low, high } = isRegister ? shiftedByU(operation, a, aHigh) : shifted(operation, imm & 63, a, aHigh);
  writer.set(dst, low, high);
}

function writeDivision(writer: JsWriter, { operation, dst }: Operand, { a, aHigh, b, bHigh }: Halves): void {
  writer.line(`t = ${writer.use(`${operation}64`)}(${a}, ${aHigh}, ${b}, ${bHigh});`);
  finish(writer, dst, writer.use("H"));
}

function writeByteOrder(writer: JsWriter, { operation, bits, dst }: Operand): void {
  const low = writer.low(dst);
  const swaps = operation !== "le";
  if (bits === 16) return writer.set(dst, swaps ? swapped(low, 16) : `${low} & 65535`, "0");
  if (bits === 32) return writer.set(dst, swaps ? swapped(low, 32) : low, "0");
  const high = writer.high(dst);
  if (swaps) return writer.set(dst, swapped(high, 32), swapped(low, 32));
  writer.set(dst, low, high);
}
