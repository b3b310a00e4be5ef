/**
 * The memory that a program sees: flat, of fixed size, addressed by 32 bits. Contexts, stacks and map values of all
 * machines that share it are parts of it; page 0 belongs to nobody, so that a null pointer hits nothing.
 *
 * It may stand on a `WebAssembly.Memory`, which is then what compiled modules import.
 *
 * @module
 */
import { limitOption } from "../core/limits.ts";
import { checkOptions } from "./check_arguments.ts";
import { BpfError } from "./errors.ts";

/** Bytes of a page, as WebAssembly counts. */
export const PAGE_BYTES = 65_536;

/** Most bytes of memory by default. */
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/** Most bytes at all: addresses stay positive as signed 32-bit integers. */
const MOST_BYTES = 0x7fff_0000;

/** Part of a memory. */
export interface MemoryRegion {
  /** Its first address. */
  readonly address: number;
  /** Its bytes. */
  readonly size: number;
}

/** Options of {@linkcode BpfMemory}. */
export interface BpfMemoryOptions {
  /** Bytes that can be allocated. It never grows. */
  bytes: number;
  /** Bound on `bytes`. @default {64 MiB} */
  maxBytes?: number | undefined;
  /** Stand on a `WebAssembly.Memory`, so that the WebAssembly back end can use it. @default {false} */
  wasm?: boolean | undefined;
}

/**
 * Memory of one or several machines.
 *
 * @example
 * ```ts
 * import { BpfMemory } from "@leat/streams/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const memory = new BpfMemory({ bytes: 100_000 });
 * const region = memory.allocate(16);
 * memory.bytes[region.address] = 7;
 * assertEquals(memory.free, memory.bytes.length - 65_536 - 16);
 * ```
 */
export class BpfMemory {
  /** The buffer underneath; never detached, never resized. */
  readonly buffer: ArrayBuffer;
  /** All of it as bytes: the index is the address. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** All of it as 32-bit integers in the byte order of the machine: the index is the address divided by 4. */
  readonly words: Int32Array<ArrayBuffer>;
  /** All of it for unaligned access. */
  readonly view: DataView<ArrayBuffer>;
  /**
   * The `WebAssembly.Memory` that modules import, under a type that every library of types has; `undefined` where the
   * memory stands on none.
   */
  readonly wasm: { readonly buffer: ArrayBufferLike } | undefined;
  #next = PAGE_BYTES;

  /**
   * Takes the memory, all zeros.
   *
   * @throws {RangeError} for a size that is none
   * @throws {BpfError} `E2BIG` where it is above `maxBytes`
   */
  constructor(options: BpfMemoryOptions) {
    checkOptions(options);
    const bytes = limitOption("bytes", options.bytes, 0, 0);
    const maxBytes = Math.min(limitOption("maxBytes", options.maxBytes, DEFAULT_MAX_BYTES), MOST_BYTES);
    if (bytes > maxBytes) {
      throw new BpfError(`${bytes} bytes of memory are needed, maxBytes is ${maxBytes}`, { code: "E2BIG" });
    }
    const pages = 1 + Math.ceil(bytes / PAGE_BYTES);
    this.wasm = options.wasm === true ? new WebAssembly.Memory({ initial: pages, maximum: pages }) : undefined;
    this.buffer = (this.wasm?.buffer ?? new ArrayBuffer(pages * PAGE_BYTES)) as ArrayBuffer;
    this.bytes = new Uint8Array(this.buffer);
    this.words = new Int32Array(this.buffer);
    this.view = new DataView(this.buffer);
  }

  /** Bytes that are not allocated yet. */
  get free(): number {
    return this.bytes.length - this.#next;
  }

  /**
   * Takes a part, aligned to 8 bytes, all zeros, for as long as the memory lives.
   *
   * @throws {BpfError} `E2BIG` where there is not so much left
   */
  allocate(size: number): MemoryRegion {
    const address = this.#next;
    if (size > this.bytes.length - address) {
      throw new BpfError(`${size} bytes of memory are needed, ${this.free} are left`, { code: "E2BIG" });
    }
    this.#next = Math.min(address + Math.ceil(size / 8) * 8, this.bytes.length);
    return { address, size };
  }
}

// What `console.log` shows on Node, Deno and Bun: not all bytes, four times. No member, as types cannot tell of such a name.
Object.defineProperty(BpfMemory.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: BpfMemory): string {
    return `BpfMemory { bytes: ${this.bytes.length}, free: ${this.free}, wasm: ${this.wasm !== undefined} }`;
  },
});
