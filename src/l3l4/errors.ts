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
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { L3L4Error } from "@leat/streams/l3l4";
 *
 * const error = new L3L4Error("connection refused by 192.0.2.1 port 80", { code: "ECONNREFUSED", blame: "remote" });
 * assertEquals([error.code, error.layer, error.blame], ["ECONNREFUSED", "l3l4", "remote"]);
 * ```
 */
export class L3L4Error extends LeatError {
  /** Name of the class. */
  override readonly name = "L3L4Error";

  /** Makes an error from what happened, in words. */
  constructor(message: string, options: L3L4ErrorOptions) {
    super(message, { layer: "l3l4", ...options });
  }
}
