/**
 * Errors of the TCP/UDP/IP endpoint.
 *
 * @module
 */
import { type Blame, LeatError } from "../core/errors.ts";

/** What an {@linkcode L3L4Error} is made of. */
export interface L3L4ErrorOptions {
  /** errno name: `ECONNREFUSED`, `ECONNRESET`, `ETIMEDOUT`, `EHOSTUNREACH`, `ENOBUFS` and the like. */
  code: string;
  /** Who broke the rules. */
  blame: Blame;
  /** The error underneath, if any. */
  cause?: unknown;
}

/**
 * Why a flow is over, or something could not be done.
 */
export class L3L4Error extends LeatError {
  /** Name of the class. */
  override readonly name = "L3L4Error";

  /** Makes an error from what happened, in words. */
  constructor(message: string, options: L3L4ErrorOptions) {
    super(message, { layer: "l3l4", ...options });
  }
}
