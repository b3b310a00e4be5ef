/**
 * How users of the multiplexor see a connection that they attached.
 *
 * @module
 */
import type { ConnectionOutcome } from "./connection_outcome.ts";
import type { KcmConnection } from "./kcm_message.ts";
import type { LowerRemains } from "./transmit_ports.ts";

/** A connection that was attached with {@linkcode Multiplexor.attach}. */
export interface KcmAttachment {
  /** What its messages carry as their origin, and what `via` of `send` names. */
  readonly connection: KcmConnection;
  /** Resolves when the connection is over, however it ended; never rejects. */
  readonly ended: Promise<ConnectionOutcome>;
  /**
   * Takes the connection back, alive: nothing is read from now on, a message that has begun to be written is finished, the
   * rest goes elsewhere. Then its readable and writable are unlocked. What was read of it and not delivered comes back: bytes
   * (those of a message that is not complete first), and whole messages that no channel had room for.
   *
   * Rejects with what the connection failed with if it is over before; and with the signal's reason, for a peer that does
   * not read on: the connection is aborted then, because it has half a message.
   */
  unattach(options?: { signal?: AbortSignal | undefined }): Promise<LowerRemains>;
  /**
   * Nothing new is sent on the connection; once what has begun is written, it is closed. After `deadlineMs` milliseconds
   * it is aborted, with `ETIMEDOUT` if a message had begun. Resolves as `ended` does.
   */
  drain(options?: { deadlineMs?: number | undefined }): Promise<ConnectionOutcome>;
  /** Takes the connection away: its readable is cancelled, its writable aborted. Its whole messages are delivered. */
  abort(reason?: unknown): void;
}
