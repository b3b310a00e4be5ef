/**
 * The contract between the machine and its back ends: what a back end is given and what it makes.
 *
 * @module
 */
import type { BpfError } from "./errors.ts";
import type { BpfMemory, MemoryRegion } from "./memory.ts";

/** The back ends. */
export type BpfBackend = "interpreter" | "js" | "wasm";

/** Deepest nesting of frames: the entry function and seven calls. */
export const MAX_FRAMES = 8;
/** Bytes of one frame's stack. r10 of frame `k` is `stack.address + stack.size - k * FRAME_BYTES`. */
export const FRAME_BYTES = 512;
/** Bytes of the context (`struct __sk_buff`). */
export const CONTEXT_BYTES = 192;
/** Most tail calls of one run. */
export const MAX_TAIL_CALLS = 33;
/** Instructions that a run may take, by default. */
export const DEFAULT_BUDGET = 1_000_000;
/** Most that a budget can be: back ends count in 32 bits, and a block of instructions at a time. */
export const MAX_BUDGET = 0x7fff_0000;
/** The map reference (`lddw` with `src` 1) of the map with index `i` is `MAP_HANDLE_BASE + i`, an address of nothing. */
export const MAP_HANDLE_BASE = 0x100;

/**
 * A helper: r1 to r5 as pairs of low and high halves, int32 each. Returns the low half of r0, the high half it leaves
 * in {@linkcode BpfEnvironment.high}.
 */
export type HelperFunction = (
  r1: number,
  r1High: number,
  r2: number,
  r2High: number,
  r3: number,
  r3High: number,
  r4: number,
  r4High: number,
  r5: number,
  r5High: number,
) => number;

/** The bytes that packet loads and helpers see: one message from its first byte to what is there of it. */
export interface PacketWindow {
  /** The bytes. */
  bytes: Uint8Array;
  /** Position of the message's first byte. */
  start: number;
  /** Position behind the last byte that is there. */
  end: number;
}

/** What the code of one program runs in. Addresses are those of {@linkcode memory}. */
export interface BpfEnvironment {
  /** Memory of context, stack and map values. */
  readonly memory: BpfMemory;
  /** The context, r1 at the start. Its fields are kept up to date by {@linkcode enter}. */
  readonly context: MemoryRegion;
  /** {@linkcode MAX_FRAMES} frames of {@linkcode FRAME_BYTES}; the entry function has the topmost. */
  readonly stack: MemoryRegion;
  /** Address of the first value of each map that has one (arrays, global variables), by index; 0 for others. */
  readonly valueAddresses: readonly number[];
  /** What the helpers see of the packet. A back end that calls none and reads none by itself need not set it. */
  readonly packet: PacketWindow;
  /**
   * High half of the result of the helper called last; behind it the slot of the call that a compiled program is making, of
   * calls that may fail. Stands on {@linkcode highAddress}.
   */
  readonly high: Int32Array;
  /** Address of {@linkcode high} in the memory. */
  readonly highAddress: number;
  /** Instructions that a run may take, all programs of a chain of tail calls together. */
  readonly budget: number;
  /** Whether tail calls may lead to the program, so that less than all of the budget may be left where it begins. */
  readonly isChained: boolean;
  /** What is left of it: set at the start of a run, and by who makes a tail call just before that. */
  remaining: number;
  /** Whether a program of which nothing was proven may read, or write, so many bytes at an address. */
  mayAccess(at: number, size: number, isWrite: boolean): boolean;
  /** Finds a helper by number; `undefined` where there is none. */
  helper(number: number): HelperFunction | undefined;
  /**
   * Sets the packet window and the context's `len` for a run, and makes room for a chain of tail calls. Back ends whose
   * program needs neither context nor helpers may leave it out.
   */
  enter(bytes: Uint8Array, start: number, end: number): void;
  /**
   * The runner that a tail call goes to: by map reference (r2) and index (r3, 32 bits). `undefined` where the slot is
   * empty or the run has made {@linkcode MAX_TAIL_CALLS} already: the caller goes on, r0 being -ENOENT (-2).
   */
  tailCall(map: number, index: number): BpfRunner | undefined;
  /**
   * Ends a run that went wrong: remembers why and returns what the run returns, the negated errno (-40 for `ELOOP`, -14
   * for `EFAULT`).
   */
  fail(code: "ELOOP" | "EFAULT", instruction: number, what: string): number;
  /** Why the last failed run failed. */
  readonly failure: BpfError | undefined;
}

/** A program, ready to run. Not re-entrant. */
export interface BpfRunner {
  /** The back end that made it. */
  readonly backend: BpfBackend;
  /** Runs over `bytes` from `start` to `end`; the low half of r0 as a signed integer. Never throws. */
  run(bytes: Uint8Array, start: number, end: number): number;
  /** The same with all 64 bits of r0, for tests. */
  run64(bytes: Uint8Array, start: number, end: number): bigint;
  /** Runs without a packet, r1 and r2 being what is given: for tests on a block of memory. All 64 bits of r0. */
  runBlock(r1: number, r2: number): bigint;
  /** Goes on as the target of a tail call: the packet window is set, the context filled. Low half of r0. */
  resume(): number;
}
