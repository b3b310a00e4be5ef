/**
 * What rxkad refuses.
 *
 * @module
 */
import { LeatError } from "../../../core/errors.ts";
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
  constructor(code: RxkadAbortName, message: string) {
    super(message, { code, layer: "rxrpc", blame: "remote" });
    this.abortCode = RxkadAbort[code];
  }
}
