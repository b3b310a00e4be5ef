/**
 * Where XDR data are read from: bytes that are all there.
 *
 * @module
 */
import { readU32 } from "../bytes/integers.ts";
import { limitOption } from "../core/limits.ts";
import { XdrError } from "./errors.ts";
import { padding } from "./xdr_type.ts";

/**
 * Reads XDR data, value by value.
 *
 * @example
 * ```ts
 * import { int, string, XdrReader } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * const reader = new XdrReader(Uint8Array.of(0, 0, 0, 7, 0, 0, 0, 2, 97, 98, 0, 0));
 * assertEquals([int.decode(reader), string(8).decode(reader), reader.left], [7, "ab", 0]);
 * ```
 */
export class XdrReader {
  /** How deep a value may be nested in values of its own type; see `lazy`. */
  readonly maxDepth: number;
  readonly #bytes: Uint8Array;
  #at = 0;
  #depth = 0;

  /**
   * Reads from the beginning of `bytes`.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(bytes: Uint8Array, options: { maxDepth?: number | undefined } = {}) {
    if (!(bytes instanceof Uint8Array)) throw new TypeError(`bytes must be a Uint8Array, got ${typeof bytes}`);
    this.#bytes = bytes;
    this.maxDepth = limitOption("maxDepth", options.maxDepth, 100);
  }

  /** Position of the next byte. */
  get offset(): number {
    return this.#at;
  }

  /** Bytes that were not read. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /**
   * Takes an unsigned integer of 32 bits.
   *
   * @throws {XdrError} `ETRUNCATED`
   */
  u32(): number {
    return readU32(this.#bytes, this.#take(4));
  }

  /**
   * Takes `length` bytes and steps over those that fill them up to a multiple of four, whatever these are.
   *
   * @returns a view of the data
   * @throws {XdrError} `ETRUNCATED`
   */
  opaque(length: number): Uint8Array {
    const at = this.#take(length + padding(length));
    return this.#bytes.subarray(at, at + length);
  }

  /**
   * Takes an IEEE 754 number of 4 or 8 bytes.
   *
   * @throws {XdrError} `ETRUNCATED`
   */
  float(size: 4 | 8): number {
    const at = this.#take(size);
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, size);
    return size === 4 ? view.getFloat32(0) : view.getFloat64(0);
  }

  /**
   * Takes the count in front of something of which each one needs `minBytes`. It is checked before anything is made: of
   * what can't be there nothing is allocated.
   *
   * @throws {XdrError} `EMSGSIZE` above `max`, `ETRUNCATED`
   */
  count(max: number, minBytes: number, name: string): number {
    const at = this.#at;
    const count = this.u32();
    if (count > max) throw new XdrError(`${count} exceeds the bound of ${name}`, { code: "EMSGSIZE", offset: at });
    this.#expect(count * minBytes);
    return count;
  }

  /**
   * Runs `read` one level deeper.
   *
   * @throws {XdrError} `EMSGSIZE` beyond `maxDepth`
   */
  nested<Value>(read: () => Value): Value {
    if (this.#depth >= this.maxDepth) {
      const what = `the value is nested deeper than maxDepth ${this.maxDepth}`;
      throw new XdrError(what, { code: "EMSGSIZE", offset: this.#at });
    }
    this.#depth++;
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }

  /** Makes the error for what begins `back` bytes before the next one. */
  unexpected(what: string, back: number, code: "EPROTO" | "EMSGSIZE" = "EPROTO"): XdrError {
    return new XdrError(what, { code, offset: this.#at - back });
  }

  #take(length: number): number {
    this.#expect(length);
    const at = this.#at;
    this.#at = at + length;
    return at;
  }

  #expect(length: number): void {
    if (length <= this.left) return;
    const what = `${length} bytes are needed at ${this.#at}, there are ${this.left}`;
    throw new XdrError(what, { code: "ETRUNCATED", offset: this.#at });
  }
}
