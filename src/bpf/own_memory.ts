/**
 * What of the memory a program may touch of which nothing was proven: the context, of which it may write `cb[]` alone, the
 * frames that its functions can have, the values of its maps. Each access must lie in one of these, and in one value. What
 * else is in the memory (room of the machine, maps of other programs, the window on the packet) is out of reach.
 *
 * It goes by addresses: which of these an address was made for is not asked. Where that is known, the verifier has asked.
 *
 * @module
 */
import { BPF_MAP_TYPE_PROG_ARRAY } from "./map_types.ts";
import { type BpfMap, strideOf } from "./maps/bpf_map.ts";
import { isReadOnly } from "./maps/is_read_only.ts";
import type { MemoryRegion } from "./memory.ts";
import { CONTEXT_BYTES, FRAME_BYTES, MAX_FRAMES } from "./runner.ts";
import { SCRATCH_BYTES, SCRATCH_OFFSET } from "./scratch_area.ts";

/** Whether `size` bytes from an address on may be read, or written. */
export type MayAccess = (at: number, size: number, isWrite: boolean) => boolean;

/** A part of the memory, made of equal pieces: no access reaches over the end of one. */
interface Part {
  readonly from: number;
  readonly to: number;
  /** From one piece to the next. */
  readonly stride: number;
  /** Bytes of a piece that count. */
  readonly size: number;
  readonly isWritable: boolean;
}

/** Where the parts of a program are. */
export interface OwnParts {
  /** The context. */
  readonly context: MemoryRegion;
  /** All frames that there are. */
  readonly stack: MemoryRegion;
  /** The program's maps. */
  readonly maps: readonly BpfMap[];
  /** Number of its functions: none calls itself, so that it has no more frames. */
  readonly functions: number;
}

/**
 * Bytes of the frames that a program of so many functions can have. All of them are within its reach, entered or not: where
 * its entry function begins they are zeros, not what another run or program has left there.
 */
export function bytesOfFrames(functions: number): number {
  return FRAME_BYTES * Math.min(functions, MAX_FRAMES);
}

/** Lowest address of these frames. */
export function lowestFrame(frameTop: number, functions: number): number {
  return frameTop - bytesOfFrames(functions);
}

/** Makes what tells whether a program may touch something. */
export function ownMemory({ context, stack, maps, functions }: OwnParts): MayAccess {
  const { address } = context;
  const top = stack.address + stack.size;
  const scratch = address + SCRATCH_OFFSET;
  const parts = [
    piece(lowestFrame(top, functions), top, true),
    piece(scratch, scratch + SCRATCH_BYTES, true),
    piece(address, address + CONTEXT_BYTES, false),
    ...maps.filter(({ definition }) => definition.type !== BPF_MAP_TYPE_PROG_ARRAY).map(valuesOf),
  ];
  return (at, size, isWrite) =>
    parts.some((part) =>
      at >= part.from && at < part.to && (part.isWritable || !isWrite) &&
      (at - part.from) % part.stride + size <= part.size
    );
}

function piece(from: number, to: number, isWritable: boolean): Part {
  return { from, to, stride: to - from, size: to - from, isWritable };
}

function valuesOf({ address, definition }: BpfMap): Part {
  const stride = strideOf(definition);
  const to = address + stride * definition.maxEntries;
  return { from: address, to, stride, size: definition.valueSize, isWritable: !isReadOnly(definition) };
}
