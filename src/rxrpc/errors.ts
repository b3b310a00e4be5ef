/**
 * The error of the rxrpc layer.
 *
 * @module
 */
import { abortName, RxAbort } from "./abort_codes.ts";
import { LeatError, type LeatErrorOptions } from "../core/errors.ts";

/** What an {@linkcode RxrpcError} is made of. */
export interface RxrpcErrorOptions extends Omit<LeatErrorOptions, "layer"> {
  /** The number in the ABORT packet that ended the call, sent or received. */
  abortCode?: number | undefined;
}

/**
 * A call has failed, or could not be made.
 *
 * | `code` | |
 * |---|---|
 * | `ECONNABORTED` | aborted: by the peer (blame `remote`) or by this end; `abortCode` says why |
 * | `ETIMEDOUT` | the peer was silent, answered while packets did not get through, or the call took longer than it may |
 * | `ECONNRESET` | the peer lives, but does not know the call any more |
 * | `ENETRESET` | the peer sees us under another address |
 * | `ENETUNREACH`, `ECONNREFUSED` and the like | the network said so |
 * | `EBUSY` | the peer was busy, and the caller did not want to wait |
 * | `ENOBUFS` | too many calls, or too many wait |
 * | `EMSGSIZE` | more, or less, was written than `length` said |
 * | `EPROTO`, blame `local` | a reply waited for the end of a request which nobody read, or more was said behind the end |
 * | `EPROTO`, blame `remote` | the peer sent its reply before the request had ended, or packets that contradict each other |
 * | `ENOTSUP` | the peer does not tell what it was asked by a DEBUG packet |
 * | `EDESTADDRREQ` | nobody said whom it is for |
 * | `EISCONN`, `EAFNOSUPPORT`, `EINVAL`, `EADDRNOTAVAIL` | the socket of this end can't send to there |
 * | `ESHUTDOWN` | the endpoint is closed |
 */
export class RxrpcError extends LeatError {
  /** Name of the class. */
  override readonly name: string = "RxrpcError";
  /** The number in the ABORT packet, where one ended the call. */
  readonly abortCode: number | undefined;

  /** Makes an error from what happened, in words, and its {@linkcode RxrpcErrorOptions}. */
  constructor(message: string, options: RxrpcErrorOptions) {
    super(message, { ...options, layer: "rxrpc" });
    this.abortCode = options.abortCode;
  }
}

/** The call was aborted with this number. */
export function abortedError(abortCode: number, blame: "local" | "remote", cause?: unknown): RxrpcError {
  const by = blame === "remote" ? "the peer" : "this end";
  const name = abortName(abortCode);
  const what = `${by} aborted the call with ${abortCode}${name === undefined ? "" : ` (${name})`}`;
  return new RxrpcError(what, { code: "ECONNABORTED", blame, abortCode, cause });
}

/** The peer sent what it must not. */
export function breachError(what: string): RxrpcError {
  const abortCode = RxAbort.RX_PROTOCOL_ERROR;
  return new RxrpcError(`the peer sent ${what}`, { code: "EPROTO", blame: "remote", abortCode });
}

/** It took too long. */
export function timedOutError(what: string): RxrpcError {
  return new RxrpcError(what, { code: "ETIMEDOUT", blame: "remote", abortCode: RxAbort.RX_CALL_TIMEOUT });
}

/** The peer goes on without the call. */
export function forgottenError(): RxrpcError {
  return new RxrpcError("the peer lives, but knows the call no more", { code: "ECONNRESET", blame: "remote" });
}

/** A reply has waited in vain for the end of a request that has no room to come. */
export function unreadError(requestIdleMs: number): RxrpcError {
  const what =
    "a reply waits for the end of the request, of which more has come than the window holds, and nothing was " +
    `read for ${requestIdleMs} ms: read the whole request first, as with await call.bytes()`;
  return new RxrpcError(what, { code: "EPROTO", blame: "local", abortCode: RxAbort.RX_USER_ABORT });
}
