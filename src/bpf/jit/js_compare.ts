/**
 * Conditions of jumps in JavaScript.
 *
 * @module
 */
import { type JsWriter, unsigned } from "./js_writer.ts";
import type { Operand } from "./operations.ts";
import { isSigned, maxOf, operandValue } from "./values.ts";

const signs: Readonly<Record<string, string>> = {
  jeq: "===",
  jne: "!==",
  jgt: ">",
  jge: ">=",
  jlt: "<",
  jle: "<=",
  jsgt: ">",
  jsge: ">=",
  jslt: "<",
  jsle: "<=",
};

/** The condition under which a jump is taken, as an expression. */
export function condition(writer: JsWriter, at: Operand): string {
  const a = writer.low(at.dst);
  const b = at.isRegister ? writer.low(at.src) : String(at.imm);
  if (at.bits === 32) return compareHalves(at.operation, a, b);
  const x = writer.values[at.dst]!, y = operandValue(writer.values, at);
  const areSmall = maxOf(x) !== Infinity && maxOf(y) !== Infinity;
  const areSigned = isSigned(x) && isSigned(y);
  const { operation } = at;
  const isEquality = operation === "jeq" || operation === "jne";
  if (areSmall && areSigned || areSigned && (isEquality || isSignedOrder(operation))) {
    // Both fit an int32 with its sign: no need to look at them as unsigned.
    return operation === "jset" ? `(${a} & ${b}) !== 0` : `${a} ${signs[operation]} ${b}`;
  }
  if (areSmall) return compareHalves(withoutSign(operation), a, b);
  const aHigh = writer.high(at.dst);
  const bHigh = at.isRegister ? writer.high(at.src) : String(at.high);
  return compareWide(operation, a, aHigh, b, bHigh);
}

function isSignedOrder(operation: string): boolean {
  return operation.startsWith("js") && operation !== "jset";
}

/** Of two numbers below 2^32, the signed order in 64 bits is the unsigned order. */
export function withoutSign(operation: string): string {
  return isSignedOrder(operation) ? `j${operation.slice(2)}` : operation;
}

/** A comparison of low halves. */
export function compareHalves(operation: string, a: string, b: string): string {
  if (operation === "jset") return `(${a} & ${b}) !== 0`;
  const isUnsigned = !operation.startsWith("js") && operation !== "jeq" && operation !== "jne";
  return isUnsigned ? `${unsigned(a)} ${signs[operation]} ${unsigned(b)}` : `${a} ${signs[operation]} ${b}`;
}

/** A comparison of both halves. */
export function compareWide(operation: string, a: string, aHigh: string, b: string, bHigh: string): string {
  if (operation === "jset") return `(${a} & ${b} | ${aHigh} & ${bHigh}) !== 0`;
  if (operation === "jeq") return `${a} === ${b} && ${aHigh} === ${bHigh}`;
  if (operation === "jne") return `${a} !== ${b} || ${aHigh} !== ${bHigh}`;
  const highs = compareHalves(operation, aHigh, bHigh);
  return `(${aHigh} === ${bHigh} ? ${compareHalves(withoutSign(operation), a, b)} : ${highs})`;
}
