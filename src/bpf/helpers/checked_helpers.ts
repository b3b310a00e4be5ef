/**
 * Helpers for programs of which nothing was proven: each argument is checked before the helper sees it.
 *
 * @module
 */
import { type ArgumentKind, helperTable } from "../helper_table.ts";
import type { BpfMap } from "../maps/bpf_map.ts";
import { isReadOnly } from "../maps/is_read_only.ts";
import type { MemoryRegion } from "../memory.ts";
import type { MayAccess } from "../own_memory.ts";
import type { HelperFunction } from "../runner.ts";
import { AccessFault } from "./access_fault.ts";
import type { HelperHost } from "./helper_host.ts";

/** A host that knows the context as well, and what the program may touch. */
export interface CheckingHost extends HelperHost {
  /** The context. */
  readonly context: MemoryRegion;
  /** Whether it may touch something. */
  readonly mayAccess: MayAccess;
}

type Helpers = (number: number) => HelperFunction | undefined;

/** Puts checks in front of helpers. What they find ends the run with `EFAULT`. */
export function checkedHelpers(helpers: Helpers, host: CheckingHost): Helpers {
  return (number) => {
    const helper = helpers(number);
    const signature = helperTable.get(number);
    if (helper === undefined || signature === undefined) return undefined;
    return (...halves) => {
      let map: BpfMap | undefined;
      signature.arguments.forEach((kind, i) => {
        if (kind !== "map") return checkArgument(kind, halves, i, map, host);
        map = host.mapOf(halves[2 * i]!);
        if (signature.mapTypes?.includes(map.definition.type) === false) throw new AccessFault();
        if (signature.writesMap === true && isReadOnly(map.definition)) throw new AccessFault();
      });
      return helper(...halves);
    };
  };
}

function checkArgument(
  kind: ArgumentKind,
  halves: readonly number[],
  index: number,
  map: BpfMap | undefined,
  host: CheckingHost,
): void {
  const low = halves[2 * index]!;
  const isFar = halves[2 * index + 1] !== 0;
  const range = (size: number, isWrite = false): void => {
    // Nothing is touched of no bytes, wherever they are.
    if (size !== 0 && (isFar || size < 0 || !host.mayAccess(low, size, isWrite))) throw new AccessFault();
  };
  switch (kind) {
    case "context":
      if (isFar || low !== host.context.address) throw new AccessFault();
      return;
    case "key":
      return range(map!.definition.keySize);
    case "value":
      return range(map!.definition.valueSize);
    case "value-out":
      return range(map!.definition.valueSize, true);
    case "memory":
    case "memory-out":
      // The size is the argument behind; its high half counts as well.
      return range(halves[2 * index + 3] === 0 ? halves[2 * index + 2]! : -1, kind === "memory-out");
    case "string":
      // It ends with a zero, or the helper with the size that is the argument before.
      return range(lengthOf(host.memory.bytes, low, halves[2 * index - 2]!));
    case "lock":
      return range(4, true);
    case "result":
      return range(8, true);
    default:
      return;
  }
}

/** Bytes of a string with its zero, at most so many, at least one. */
function lengthOf(bytes: Uint8Array, at: number, most: number): number {
  let length = 1;
  while (length < most && bytes[at + length - 1] !== 0 && at + length < bytes.length) length++;
  return length;
}
