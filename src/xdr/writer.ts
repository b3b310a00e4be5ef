/**
 * Where XDR data are written to: a buffer that grows.
 *
 * @module
 */
import { writeU32 } from "../bytes/integers.ts";
import { limitOption } from "../core/limits.ts";
import { padding } from "./xdr_type.ts";

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const FIRST_BYTES = 64;

/**
 * Collects XDR data.
 *
 * @example
 * ```ts
 * import { int, string, XdrWriter } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * const writer = new XdrWriter();
 * int.encode(writer, 7);
 * string(8).encode(writer, "ab");
 * assertEquals([...writer.bytes], [0, 0, 0, 7, 0, 0, 0, 2, 97, 98, 0, 0]);
 * ```
 */
export class XdrWriter {
  /** How deep a value may be nested in values of its own type; see `lazy`. */
  readonly maxDepth: number;
  readonly #maxBytes: number;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_BYTES);
  #length = 0;
  #depth = 0;

  /**
   * Makes an empty writer of at most `maxBytes` (default 64 MiB).
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: { maxBytes?: number | undefined; maxDepth?: number | undefined } = {}) {
    this.#maxBytes = limitOption("maxBytes", options.maxBytes, DEFAULT_MAX_BYTES);
    this.maxDepth = limitOption("maxDepth", options.maxDepth, 100);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** What was written so far; a view that the next write may make stale. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Appends the low 32 bits of an integer. */
  u32(value: number): void {
    const at = this.#room(4);
    writeU32(this.#buffer, at, value);
  }

  /** Appends bytes and the zeros behind them up to a multiple of four. */
  opaque(bytes: Uint8Array): void {
    const at = this.#room(bytes.length + padding(bytes.length));
    this.#buffer.set(bytes, at);
  }

  /** Appends an IEEE 754 number of 4 or 8 bytes. */
  float(value: number, size: 4 | 8): void {
    const at = this.#room(size);
    const view = new DataView(this.#buffer.buffer);
    if (size === 4) view.setFloat32(at, value);
    else view.setFloat64(at, value);
  }

  /**
   * Runs `write` one level deeper.
   *
   * @throws {RangeError} beyond `maxDepth`
   */
  nested(write: () => void): void {
    if (this.#depth >= this.maxDepth) throw new RangeError(`the value is nested deeper than maxDepth ${this.maxDepth}`);
    this.#depth++;
    try {
      write();
    } finally {
      this.#depth--;
    }
  }

  #room(more: number): number {
    const at = this.#length;
    const needed = at + more;
    if (needed > this.#maxBytes) throw new RangeError(`${needed} bytes exceed maxBytes ${this.#maxBytes}`);
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
    }
    this.#length = needed;
    return at;
  }
}
