/**
 * What rxkad refuses.
 *
 * @module
 */
import { LeatError, type LeatErrorOptions } from "../../../core/errors.ts";
import { RxkadAbort, type RxkadAbortName } from "../../abort_codes.ts";

/**
 * A ticket, an answer or a packet that rxkad does not accept. `code` is the name of the abort that its peer gets,
 * `abortCode` the number. The message never holds bytes of a key, a ticket or a packet.
 */
export class RxkadError extends LeatError {
  /** Name of the class. */
  override readonly name: string = "RxkadError";
  /** The number that goes into the ABORT packet. */
  readonly abortCode: number;

  /** Makes an error from what was found. */
  constructor(code: RxkadAbortName, message: string, options: Partial<Pick<LeatErrorOptions, "blame" | "cause">> = {}) {
    super(message, { ...options, blame: options.blame ?? "remote", code, layer: "rxrpc" });
    this.abortCode = RxkadAbort[code];
  }
}
