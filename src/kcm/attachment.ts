/**
 * How users of the multiplexor see a connection that they attached.
 *
 * @module
 */
import type { KcmConnection } from "./kcm_message.ts";

/** How a connection ended, and what it brought. */
export interface ConnectionOutcome {
  /**
   * What went wrong: the parser's error, `ETRUNCATED` with counts for an end inside a message, or what the connection
   * itself failed with (a `FlowError`, for a capture with a hole). `undefined` when nothing did.
   */
  readonly error: unknown;
  /** Whole messages that it brought; they are delivered whatever the outcome. */
  readonly messages: number;
  /** Bytes taken from it. */
  readonly bytes: number;
}

/** A connection that was attached with {@linkcode Multiplexor.attach}. */
export interface KcmAttachment {
  /** What its messages carry as their origin. */
  readonly connection: KcmConnection;
  /** Resolves when the connection is over, however it ended; never rejects. */
  readonly ended: Promise<ConnectionOutcome>;
  /** Takes the connection away and cancels its readable; its whole messages are delivered, a part of one is lost. */
  unattach(reason?: unknown): void;
}
