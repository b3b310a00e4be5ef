/**
 * How much of a packet a program reads at places that are known before it runs.
 *
 * @module
 */
import type { CompilerInput, Operand } from "./operations.ts";
import { packetOffset } from "./packet_offset.ts";
import { findValues, valuesAfter } from "./value_flow.ts";
import { maxOf, type Values } from "./values.ts";

/** What is copied for a program whose offsets are not known. */
const USUAL = 32;

/** Bytes from the start of a packet that are worth copying: at most `most`, none for a program that reads none. */
export function packetBytes(input: CompilerInput, most: number): number {
  let end = 0;
  for (const one of input.flow.functions) {
    for (const { operands, values } of findValues(input, one, one.index === 0 ? "context" : "call")) {
      let before = values;
      for (const at of operands) {
        const read = readEnd(before, at);
        if (read <= most) end = Math.max(end, read);
        before = valuesAfter(before, at);
      }
    }
  }
  return end;
}

function readEnd(values: Values, at: Operand): number {
  if (at.operation === "ldabs") return packetOffset(at.imm) + (at.bits >> 3);
  if (at.group === "packet") return USUAL;
  if (at.operation !== "call" || at.src !== 0 || at.imm !== 26) return 0;
  const offset = values[2]!, size = maxOf(values[4]!);
  return offset.kind === "constant" && offset.low >= 0 ? offset.low + size : USUAL;
}
