/**
 * How many bytes a call will say, where its caller has said so.
 *
 * @module
 */
import { byteCount } from "../core/words.ts";
import { RxrpcError } from "./errors.ts";

/** Counts what is left. */
export class PromisedLength {
  readonly #length: number | undefined;
  #left: number;

  /** Without a length, anything goes. */
  constructor(length: number | undefined) {
    if (length !== undefined && !(Number.isSafeInteger(length) && length >= 0)) {
      throw new RangeError(`length must be a count of bytes, got ${String(length)}`);
    }
    this.#length = length;
    this.#left = length ?? Infinity;
  }

  /** Whether the end would come too early now. */
  get isShort(): boolean {
    return this.#length !== undefined && this.#left > 0;
  }

  /** Whether so many bytes are more than there should be. */
  isBroken(bytes: number): boolean {
    return bytes > this.#left;
  }

  /** So many bytes were said. */
  take(bytes: number): void {
    this.#left -= bytes;
  }

  /** What the call then fails with: `more` bytes were one too many, or, without any, the end came too early. */
  error(more: number): RxrpcError {
    const written = byteCount(this.#length! - this.#left);
    const what = more > 0
      ? `length is ${this.#length}, ${written} were written, and ${more} more came`
      : `length is ${this.#length}, and the request ended after ${written}`;
    return new RxrpcError(what, { code: "EMSGSIZE", blame: "local" });
  }
}
