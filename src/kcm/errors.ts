/**
 * The error of the kcm layer.
 *
 * @module
 */
import { LeatError, type LeatErrorOptions } from "../core/errors.ts";
import type { KcmConnection } from "./kcm_message.ts";

/** What a {@linkcode KcmError} is made of. */
export interface KcmErrorOptions extends Omit<LeatErrorOptions, "layer"> {
  /** The connection that it is about. */
  connection?: KcmConnection | undefined;
  /** Bytes of the message that were written to it. */
  bytesWritten?: number | undefined;
  /** Bytes behind these that were being written, of which nobody knows. */
  bytesInFlight?: number | undefined;
}

/**
 * The multiplexor cannot do what it was asked. What goes wrong on a connection keeps its own error (`StreamParserError`,
 * `FlowError`, or whatever its readable failed with).
 *
 * | `code` | |
 * |---|---|
 * | `ENFILE` | `maxConnections` or `maxSockets` is reached |
 * | `EALREADY` | somebody else reads the connection: its readable is locked |
 * | `EPIPE` | the multiplexor is closed: no more attachments, or every channel was closed |
 * | `EBUSY` | called from within a sink's callback where only `pause`, `resume`, `close` and `abort` are allowed |
 * | `EGAP` | bytes of a captured connection were skipped, so that message boundaries behind them are unknown |
 * | `ENOBUFS` | `maxQueuedBytes` or `maxPartialBytes` is full, or too many calls wait |
 * | `ECONNABORTED` | a connection was lost with part of a message written: `bytesWritten`, `bytesInFlight` |
 * | `ENOTCONN` | there is nothing to send on: no connection, or the one named by `via` is gone |
 * | `EMSGSIZE` | a message is longer than `maxSendLength` |
 * | `ECANCELED` | the channel was closed with messages that had not begun |
 * | `ETIMEDOUT` | a drain's deadline, or a parser's, has passed |
 * | `ENOENT`, `EOPNOTSUPP` | the connection is not attached any more; a channel in a worker cannot do that |
 * | `EAGAIN`, `EINVAL`, `ENOPROTOOPT` | what the kernel's calls answer, from `KernelSocket` |
 *
 * @example
 * ```ts
 * import { KcmError, MultiplexorEngine } from "@leat/streams/kcm";
 * import { assertThrows } from "@std/assert";
 *
 * const engine = new MultiplexorEngine({ maxSockets: 1 });
 * const sink = { message: () => {}, end: () => {} };
 * engine.socket(sink);
 * assertThrows(() => engine.socket(sink), KcmError, "maxSockets 1");
 * ```
 */
export class KcmError extends LeatError {
  /** Name of the class. */
  override readonly name: string = "KcmError";
  /** The connection that it is about, where there is one. */
  readonly connection: KcmConnection | undefined;
  /** For a message that was not sent: how many bytes of it were written all the same. */
  readonly bytesWritten: number | undefined;
  /** Bytes behind these that were being written: the peer may have got them or not. */
  readonly bytesInFlight: number | undefined;

  /** Makes an error from what happened, in words, and its {@linkcode KcmErrorOptions}. */
  constructor(message: string, options: KcmErrorOptions) {
    super(message, { ...options, layer: "kcm" });
    this.connection = options.connection;
    this.bytesWritten = options.bytesWritten;
    this.bytesInFlight = options.bytesInFlight;
  }
}
