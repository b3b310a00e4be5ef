/**
 * Which maps programs may not change, neither by address nor by helper.
 *
 * @module
 */
import { BPF_F_RDONLY_PROG } from "../map_types.ts";
import type { MapDefinition } from "../program.ts";

/** Whether programs may only read a map. */
export function isReadOnly({ flags, frozen }: MapDefinition): boolean {
  return (flags & BPF_F_RDONLY_PROG) !== 0 || frozen === true;
}
