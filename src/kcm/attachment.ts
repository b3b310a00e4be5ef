/**
 * How users of the multiplexor see a connection that they attached.
 *
 * @module
 */
import type { ConnectionOutcome } from "./connection_outcome.ts";
import type { KcmConnection } from "./kcm_message.ts";

/** A connection that was attached with {@linkcode Multiplexor.attach}. */
export interface KcmAttachment {
  /** What its messages carry as their origin. */
  readonly connection: KcmConnection;
  /** Resolves when the connection is over, however it ended; never rejects. */
  readonly ended: Promise<ConnectionOutcome>;
  /** Takes the connection away and cancels its readable; its whole messages are delivered, a part of one is lost. */
  unattach(reason?: unknown): void;
}
