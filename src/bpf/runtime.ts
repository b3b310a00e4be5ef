/**
 * What the programs of one machine share: memory, context, stack, maps, the message, the budget. Each program has an
 * environment of its own on top of it, for programs number their maps differently.
 *
 * @module
 */
import { BpfError } from "./errors.ts";
import { AccessFault } from "./helpers/access_fault.ts";
import type { HelperHost } from "./helpers/helper_host.ts";
import { checkedHelpers } from "./helpers/checked_helpers.ts";
import { makeHelpers } from "./helpers/helpers.ts";
import type { BpfMap } from "./maps/bpf_map.ts";
import { ERRNO } from "./maps/errno.ts";
import { ProgramArray } from "./maps/program_array.ts";
import type { BpfMemory, MemoryRegion } from "./memory.ts";
import { type MayAccess, ownMemory } from "./own_memory.ts";
import type { BpfProgram, SourceLine } from "./program.ts";
import {
  type BpfEnvironment,
  type BpfRunner,
  CONTEXT_BYTES,
  FRAME_BYTES,
  type HelperFunction,
  MAP_HANDLE_BASE,
  MAX_BUDGET,
  MAX_FRAMES,
  MAX_TAIL_CALLS,
  type PacketWindow,
} from "./runner.ts";

/** What the machine gives. */
export interface RuntimeOptions {
  /** Instructions per run. */
  budget: number;
  /** Monotonic time in milliseconds. */
  now(): number;
  /** Wall-clock time in milliseconds. */
  wallNow(): number;
  /** 32 random bits. */
  random(): number;
  /** Takes a line of `trace_printk`. */
  onTrace(line: string): void;
  /** Number of the connection. */
  cookie: number;
  /** Whether tail calls lead from one program to another. @default {false} */
  isChained?: boolean | undefined;
}

/** Bytes of memory that a runtime takes besides its maps. */
export const RUNTIME_BYTES: number = CONTEXT_BYTES + FRAME_BYTES * MAX_FRAMES + 8;

/** What the programs of a machine share. */
export class BpfRuntime {
  /** Memory. */
  readonly memory: BpfMemory;
  /** Context. */
  readonly context: MemoryRegion;
  /** Stack. */
  readonly stack: MemoryRegion;
  /** High half of results. */
  readonly high: Int32Array;
  /** Its address. */
  readonly highAddress: number;
  /** The message. */
  readonly packet: PacketWindow = { bytes: new Uint8Array(0), start: 0, end: 0 };
  /** Maps by name. */
  readonly maps: Map<string, BpfMap> = new Map();
  /** What the machine gave. */
  readonly options: RuntimeOptions;
  /** Instructions per run. */
  readonly budget: number;
  /** Instructions that the run may still take. */
  remaining: number;
  /** Tail calls that the run has made. */
  tailCalls = 0;
  /** Why the last failed run failed. */
  failure: BpfError | undefined;
  /** Whether a callback is running. */
  isBusy = false;
  readonly #lengthIndex: number;

  /** Takes the memory for context and stack. */
  constructor(memory: BpfMemory, options: RuntimeOptions) {
    this.memory = memory;
    this.options = options;
    this.budget = Math.min(options.budget, MAX_BUDGET);
    this.context = memory.allocate(CONTEXT_BYTES);
    this.stack = memory.allocate(FRAME_BYTES * MAX_FRAMES);
    this.highAddress = memory.allocate(8).address;
    this.high = new Int32Array(memory.buffer, this.highAddress, 2);
    this.remaining = this.budget;
    this.#lengthIndex = this.context.address / 4;
    // Context words are written as the machine orders its bytes, which has to be as programs read them.
    memory.view.setUint32(this.context.address, 1, true);
    if (memory.words[this.#lengthIndex] !== 1) {
      throw new BpfError("big-endian machines are not supported", { code: "ENOSYS" });
    }
  }

  /** Begins a run. */
  enter(bytes: Uint8Array, start: number, end: number): void {
    const { packet } = this;
    packet.bytes = bytes;
    packet.start = start;
    packet.end = end;
    this.memory.words[this.#lengthIndex] = end - start;
    this.remaining = this.budget;
    this.tailCalls = 0;
  }

  /** Calls a callback of the user, who must not run the machine meanwhile. */
  outside<T>(callback: () => T): T {
    this.isBusy = true;
    try {
      return callback();
    } finally {
      this.isBusy = false;
    }
  }
}

/** The environment of one program. */
export class ProgramEnvironment implements BpfEnvironment, HelperHost {
  readonly memory: BpfMemory;
  readonly context: MemoryRegion;
  readonly stack: MemoryRegion;
  readonly packet: PacketWindow;
  readonly high: Int32Array;
  readonly highAddress: number;
  readonly budget: number;
  readonly isChained: boolean;
  readonly valueAddresses: readonly number[];
  readonly mayAccess: MayAccess;
  readonly #runtime: BpfRuntime;
  readonly #program: BpfProgram;
  readonly #maps: readonly BpfMap[];
  readonly #isChecked: boolean;
  /** Made when a helper is first asked for: most programs call none. */
  #helpers: ((number: number) => HelperFunction | undefined) | undefined;

  /**
   * Makes the environment of a program whose maps are all in the runtime; `isChecked` where nothing was proven of its
   * functions, of which there are so many.
   */
  constructor(runtime: BpfRuntime, program: BpfProgram, isChecked: boolean, functions: number = MAX_FRAMES) {
    this.#runtime = runtime;
    this.#program = program;
    this.#maps = program.maps.map((definition) => runtime.maps.get(definition.name)!);
    this.memory = runtime.memory;
    this.context = runtime.context;
    this.stack = runtime.stack;
    this.packet = runtime.packet;
    this.high = runtime.high;
    this.highAddress = runtime.highAddress;
    this.budget = runtime.budget;
    this.isChained = runtime.options.isChained === true;
    this.valueAddresses = this.#maps.map((map) => map.address);
    const { context, stack } = this;
    this.mayAccess = isChecked ? ownMemory({ context, stack, maps: this.#maps, functions }) : () => true;
    this.#isChecked = isChecked;
  }

  helper(number: number): HelperFunction | undefined {
    this.#helpers ??= this.#isChecked ? checkedHelpers(makeHelpers(this), this) : makeHelpers(this);
    return this.#helpers(number);
  }

  get remaining(): number {
    return this.#runtime.remaining;
  }

  set remaining(left: number) {
    this.#runtime.remaining = left;
  }

  get failure(): BpfError | undefined {
    return this.#runtime.failure;
  }

  enter(bytes: Uint8Array, start: number, end: number): void {
    this.#runtime.enter(bytes, start, end);
  }

  tailCall(handle: number, index: number): BpfRunner | undefined {
    const runtime = this.#runtime;
    const map = this.mapOf(handle);
    if (!(map instanceof ProgramArray) || runtime.tailCalls >= MAX_TAIL_CALLS) return undefined;
    const runner = map.runner(index >>> 0);
    if (runner !== undefined) runtime.tailCalls++;
    return runner;
  }

  fail(code: "ELOOP" | "EFAULT", instruction: number, what: string): number {
    const { name, lines } = this.#program;
    const line = lines && lineOf(lines, instruction);
    const place = line === undefined ? "" : ` (${line.file}:${line.line})`;
    this.#runtime.failure = new BpfError(`program ${name}, instruction ${instruction}${place}: ${what}`, {
      code,
      instruction,
      line: line?.line,
      column: line?.column,
    });
    return -ERRNO[code];
  }

  mapOf(handle: number): BpfMap {
    const map = this.#maps[handle - MAP_HANDLE_BASE];
    if (map === undefined) throw new AccessFault();
    return map;
  }

  now(): number {
    return Math.round(this.#runtime.outside(this.#runtime.options.now) * 1e6);
  }

  wallNow(): number {
    return Math.round(this.#runtime.outside(this.#runtime.options.wallNow) * 1e6);
  }

  random(): number {
    return this.#runtime.outside(this.#runtime.options.random);
  }

  trace(line: string): void {
    this.#runtime.outside(() => this.#runtime.options.onTrace(line));
  }

  cookie(): number {
    return this.#runtime.options.cookie;
  }
}

/** The line that an instruction belongs to: the last one that begins at or before it. */
function lineOf(lines: readonly SourceLine[], slot: number): SourceLine | undefined {
  return lines.findLast((line) => line.slot <= slot);
}
