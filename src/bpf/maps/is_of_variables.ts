/**
 * Which maps hold global variables.
 *
 * @module
 */
import type { MapDefinition } from "../program.ts";

/** Whether a map holds global variables. */
export function isOfVariables({ name }: Pick<MapDefinition, "name">): boolean {
  return name.startsWith(".rodata") || name.startsWith(".data") || name.startsWith(".bss");
}
