/**
 * Whether an access through an address stays inside what the address is for.
 *
 * @module
 */
import { BPF_F_WRONLY_PROG } from "../map_types.ts";
import { isReadOnly } from "../maps/is_read_only.ts";
import type { Judge } from "./judge.ts";
import { type Scalar, signedConstantOf } from "./scalar.ts";
import { frameBytes } from "./stack.ts";
import type { MachineState } from "./state.ts";
import { isPointer, type Pointer, type Value } from "./value.ts";

/** An access: `size` bytes at `offset` behind an address, or (of helpers) up to so many. */
export interface Access {
  /** Displacement in the instruction. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** What is done. */
  readonly isWrite: boolean;
  /** Where the address must be aligned to the size. */
  readonly aligned: "nowhere" | "stack" | "everywhere";
}

/** Where an access may be. */
export interface Extent {
  /** Lowest offset in the region. */
  readonly from: number;
  /** Offset behind the highest byte. */
  readonly to: number;
  /** The offset, where there is only one. */
  readonly at: number | undefined;
}

/** The address in a register, which must not be null. */
export function addressOf(judge: Judge, state: MachineState, slot: number, register: number): Pointer {
  const value: Value = judge.read(state, register, slot);
  if (!isPointer(value)) return judge.refuse(`r${register} is a number, not an address`, slot, state);
  if (value.isMaybeNull) judge.refuse(`the address in r${register} may be null: test it first`, slot, state);
  return value;
}

/** Checks an access to a frame. */
export function stackExtent(
  judge: Judge,
  state: MachineState,
  slot: number,
  { offset: base, frame }: Pointer,
  access: Access,
): Extent {
  const { from, to, at } = extentOf(base, access);
  if (at === undefined && !judge.isRoot) judge.refuse("the offset in the stack is not a constant", slot, state);
  if (from < -frameBytes || to > 0) {
    judge.refuse(`${access.size} bytes at offset ${rangeText(from, to - access.size)} leave the stack`, slot, state);
  }
  if (access.aligned !== "nowhere" && !isAligned(base, access)) {
    judge.refuse(`access to the stack is not aligned to ${access.size} bytes`, slot, state);
  }
  judge.noteStack(state, frame, from);
  return { from, to, at };
}

/** Checks an access to a map's value. */
export function valueExtent(
  judge: Judge,
  state: MachineState,
  slot: number,
  { offset: base, map }: Pointer,
  access: Access,
): Extent {
  const definition = judge.map(map);
  const { valueSize, flags, name } = definition;
  if (access.isWrite && isReadOnly(definition)) judge.refuse(`map ${name} is read-only`, slot, state);
  if (!access.isWrite && (flags & BPF_F_WRONLY_PROG) !== 0) judge.refuse(`map ${name} is write-only`, slot, state);
  const extent = extentOf(base, access);
  if (extent.from < 0 || extent.to > valueSize) {
    const where = rangeText(extent.from, extent.to - access.size);
    judge.refuse(`${access.size} bytes at offset ${where} leave the map value of ${valueSize} bytes`, slot, state);
  }
  if (access.aligned === "everywhere" && !isAligned(base, access)) {
    judge.refuse(`access to the map value is not aligned to ${access.size} bytes`, slot, state);
  }
  return extent;
}

function extentOf(base: Scalar, { offset, size }: Access): Extent {
  const from = Number(base.wide.smin) + offset;
  const to = Number(base.wide.smax) + offset + size;
  return { from, to, at: signedConstantOf(base) === undefined ? undefined : from };
}

function rangeText(from: number, to: number): string {
  return from === to ? `${from}` : `${from}..${to}`;
}

function isAligned({ bits }: Scalar, { offset, size }: Access): boolean {
  const low = BigInt(size - 1);
  return (bits.mask & low) === 0n && (bits.value + BigInt(offset) & low) === 0n;
}
