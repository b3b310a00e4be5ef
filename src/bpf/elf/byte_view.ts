/**
 * Checked reading of little-endian integers, with errors that name section and offset.
 *
 * @module
 */
import { BpfError } from "../errors.ts";

/** Longest name that is read; clang's own are shorter. */
const MAX_NAME_BYTES = 1024;

/**
 * The string that begins at `at` and ends with a zero byte; `undefined` where it is not all there. Names are mostly ASCII,
 * which is read without a decoder: the first use of one takes longer than to read all names of a small object.
 */
export function text(bytes: Uint8Array, at: number): string | undefined {
  if (at >= bytes.length) return at === 0 ? "" : undefined;
  const most = Math.min(bytes.length, at + MAX_NAME_BYTES);
  let ascii = "";
  for (let end = at; end < most; end++) {
    const byte = bytes[end]!;
    if (byte === 0) return ascii;
    if (byte > 0x7f) return decoded(bytes.subarray(at, most));
    ascii += String.fromCharCode(byte);
  }
  return undefined;
}

function decoded(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0);
  return end < 0 ? undefined : new TextDecoder().decode(bytes.subarray(0, end));
}

/** Part of an object file. */
export class ByteView {
  /** The bytes. */
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #section: string | undefined;
  readonly #what: string;

  /** Makes a view of a section's bytes, or of the whole file where `section` is `undefined`. */
  constructor(bytes: Uint8Array, section: string | undefined, what: string) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#section = section;
    this.#what = what;
  }

  /** Fails with what is wrong and where. */
  refuse(message: string, offset: number): never {
    const place = this.#section === undefined ? "" : `section ${this.#section}, `;
    throw new BpfError(`${place}offset ${offset}: ${message}`, { section: this.#section, offset });
  }

  /** 16 bits. */
  u16(at: number): number {
    return at + 2 <= this.bytes.length ? this.#view.getUint16(at, true) : this.#cut(at);
  }

  /** 32 bits. */
  u32(at: number): number {
    return at + 4 <= this.bytes.length ? this.#view.getUint32(at, true) : this.#cut(at);
  }

  /** 64 bits, rounded where they are more than 53: all of those are outside of any file. */
  u64(at: number): number {
    if (at + 8 > this.bytes.length) this.#cut(at);
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
  }

  /** The bytes of a part. */
  slice(offset: number, size: number, what: string): Uint8Array {
    if (offset + size > this.bytes.length) {
      this.refuse(`${what}: ${size} bytes from ${offset} on reach behind the end at ${this.bytes.length}`, offset);
    }
    return this.bytes.subarray(offset, offset + size);
  }

  #cut(at: number): never {
    this.refuse(`${this.#what} is cut off at ${this.bytes.length}`, at);
  }
}
