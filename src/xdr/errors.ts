/**
 * The error of the xdr layer.
 *
 * @module
 */
import { LeatError, type LeatErrorOptions } from "../core/errors.ts";

/**
 * Bytes are not what the type says, or end too early. `offset` is the position in the data that was decoded.
 *
 * | `code` | |
 * |---|---|
 * | `ETRUNCATED` | the data end inside a value |
 * | `EMSGSIZE` | a length or count above the type's bound, or a value nested deeper than the limit |
 * | `EPROTO` | a value that the type does not have: an enumeration, an arm of a union, text that is not UTF-8, bytes left over |
 *
 * Wrong values given to an encoder are the caller's fault: `TypeError` and `RangeError`.
 *
 * @example
 * ```ts
 * import { decodeXdr, opaque, XdrError } from "@leat/streams/xdr";
 * import { assertThrows } from "@std/assert";
 *
 * const error = assertThrows(() => decodeXdr(opaque(4), Uint8Array.of(0, 0, 0, 5)), XdrError);
 * console.log(error.code); // EMSGSIZE
 * ```
 */
export class XdrError extends LeatError {
  /** Name of the class. */
  override readonly name: string = "XdrError";

  /** Makes an error of what the data were found to be. */
  constructor(message: string, options: Omit<LeatErrorOptions, "layer" | "blame">) {
    super(message, { ...options, layer: "xdr", blame: "remote" });
  }
}
