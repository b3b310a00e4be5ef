/**
 * Which accesses of a program of which nothing was proven need no check all the same.
 *
 * @module
 */
import { CONTEXT_BYTES, FRAME_BYTES } from "../runner.ts";
import type { Operand } from "./operations.ts";
import type { Value } from "./values.ts";

/** Whether an access through an address is known to be in the function's frame, or reads the context. */
export function isSurelyOwn({ offset, bits, group }: Operand, base: Value): boolean {
  if (base.kind !== "frame" && base.kind !== "context") return false;
  const from = base.offset + offset, to = from + (bits >> 3);
  return base.kind === "frame" ? from >= -FRAME_BYTES && to <= 0 : group === "load" && from >= 0 && to <= CONTEXT_BYTES;
}
