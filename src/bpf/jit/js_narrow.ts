/**
 * 32-bit arithmetic and byte order in JavaScript: expressions on int32 values. Operands are names, digits or in
 * parentheses.
 *
 * @module
 */
import type { Operand } from "./operations.ts";
import { unsigned } from "./js_writer.ts";

/** The result of an operation on low halves, int32. */
export function narrow({ operation, offset }: Pick<Operand, "operation" | "offset">, a: string, b: string): string {
  switch (operation) {
    case "add":
      return `${a} + ${b} | 0`;
    case "sub":
      return `${a} - ${b} | 0`;
    case "mul":
      return `Math.imul(${a}, ${b})`;
    case "div":
    case "mod":
    case "sdiv":
    case "smod":
      return divided(operation, a, b);
    case "or":
      return `${a} | ${b}`;
    case "and":
      return `${a} & ${b}`;
    case "xor":
      return `${a} ^ ${b}`;
    case "lsh":
      return `${a} << ${b}`;
    case "rsh":
      return `${a} >>> ${b} | 0`;
    case "arsh":
      return `${a} >> ${b}`;
    case "neg":
      return `0 - ${a} | 0`;
    case "mov":
      return b;
    case "movsx":
      return extended(b, offset);
    default:
      throw new Error(`no arithmetic: ${operation}`);
  }
}

function parenthesized(a: string): string {
  return a.startsWith("-") ? `(${a})` : a;
}

/** The low `bits` of an int32, sign-extended to int32. */
export function extended(a: string, bits: number): string {
  return bits >= 32 ? a : `${a} << ${32 - bits} >> ${32 - bits}`;
}

/** Division by 0 gives 0, the remainder is then the dividend; INT_MIN / -1 wraps by itself. */
function divided(operation: "div" | "mod" | "sdiv" | "smod", a: string, b: string): string {
  const isSigned = operation.startsWith("s");
  const sign = operation.endsWith("div") ? "/" : "%";
  const [x, y] = isSigned ? [a, parenthesized(b)] : [unsigned(a), unsigned(b)];
  return `${b} === 0 ? ${sign === "/" ? 0 : a} : ${x} ${sign} ${y} | 0`;
}

/** An int32 with its low 16 or all 32 bits in the other byte order; 16 bits are zero-extended. */
export function swapped(a: string, bits: 16 | 32): string {
  if (bits === 16) return `(${a} & 255) << 8 | ${a} >>> 8 & 255`;
  return `${a} << 24 | (${a} & 65280) << 8 | ${a} >>> 8 & 65280 | ${a} >>> 24`;
}
