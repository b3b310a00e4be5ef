/**
 * What a conditional jump tells of the two values that it compares, on either of its ways. With it a loop that counts down
 * to 0 needs no high half of its counter, and what was compared with a length is a small number from there on.
 *
 * @module
 */
import type { Operation } from "../encoding_table.ts";
import type { Operand } from "./operations.ts";
import { maxOf, minOf, operandValue, small, type Value, type Values } from "./values.ts";

/** Compares as unsigned ones: signed compares of numbers that are not negative are the same. */
const unsigned: Readonly<Partial<Record<Operation, Operation>>> = {
  jeq: "jeq",
  jne: "jne",
  jgt: "jgt",
  jge: "jge",
  jlt: "jlt",
  jle: "jle",
  jsgt: "jgt",
  jsge: "jge",
  jslt: "jlt",
  jsle: "jle",
};

/** What holds where a jump is not taken. */
const opposite: Readonly<Partial<Record<Operation, Operation>>> = {
  jeq: "jne",
  jne: "jeq",
  jgt: "jle",
  jge: "jlt",
  jlt: "jge",
  jle: "jgt",
};

/** The same compare with its operands exchanged. */
const mirrored: Readonly<Partial<Record<Operation, Operation>>> = {
  jeq: "jeq",
  jne: "jne",
  jgt: "jlt",
  jge: "jle",
  jlt: "jgt",
  jle: "jge",
};

/** The values behind a jump, where it is taken or where it is not. */
export function valuesBehind(values: Values, at: Operand, isTaken: boolean): Values {
  const compare = unsigned[at.operation];
  if (compare === undefined) return values;
  const x = values[at.dst]!, y = half(operandValue(values, at), at);
  if (!isSmall(x) && (at.bits === 32 || compare !== at.operation)) return values;
  if (!isSmall(y) && (at.bits === 32 || compare !== at.operation)) return values;
  // Half of the large numbers are negative.
  const most = at.bits === 32 ? 0x7fff_ffff : Infinity;
  if (compare !== at.operation && (maxOf(x) > most || maxOf(y) > most)) return values;
  const holds = isTaken ? compare : opposite[compare]!;
  const first = bounded(x, holds, y);
  const second = at.isRegister ? bounded(y, mirrored[holds]!, x) : y;
  if (first === x && (second === y || !at.isRegister)) return values;
  const after = values.slice();
  after[at.dst] = first;
  if (at.isRegister && at.src !== at.dst) after[at.src] = second;
  return after;
}

const isSmall = (value: Value): boolean => maxOf(value) !== Infinity;

/** Of a constant, what a compare of 32 bits sees. */
function half(value: Value, { bits, isRegister }: Operand): Value {
  return bits === 32 && !isRegister && value.kind === "constant" ? { ...value, high: 0 } : value;
}

/** What is known of a value of which a compare with another one holds. */
function bounded(value: Value, compare: Operation, other: Value): Value {
  if (value.kind !== "any" && value.kind !== "signed" && value.kind !== "small") return value;
  const [least, most] = rangeWhere(compare, other);
  let min = Math.max(minOf(value), least), max = Math.min(maxOf(value), most);
  if (compare === "jne" && minOf(other) === maxOf(other)) {
    if (min === minOf(other)) min++;
    if (max === maxOf(other)) max--;
  }
  // Nobody comes here where nothing is left.
  const isSame = min === minOf(value) && max === maxOf(value);
  return isSame || min > max || max === Infinity ? value : small(max, min);
}

function rangeWhere(compare: Operation, other: Value): [least: number, most: number] {
  switch (compare) {
    case "jeq":
      return [minOf(other), maxOf(other)];
    case "jgt":
      return [minOf(other) + 1, Infinity];
    case "jge":
      return [minOf(other), Infinity];
    case "jlt":
      return [0, maxOf(other) - 1];
    case "jle":
      return [0, maxOf(other)];
    default:
      return [0, Infinity];
  }
}
