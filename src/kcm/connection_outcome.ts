/**
 * How connections end.
 *
 * @module
 */

/** How a connection ended, and what it brought and took. */
export interface ConnectionOutcome {
  /**
   * What went wrong: the parser's error, `ETRUNCATED` with counts for an end inside a message, or what the connection
   * itself failed with (a `SocketError`; a `FlowError`, for a capture with a hole). `undefined` when nothing did.
   */
  readonly error: unknown;
  /** Whole messages that it brought; they are delivered whatever the outcome. */
  readonly messages: number;
  /** Bytes taken from it. */
  readonly bytes: number;
  /** Bytes of these that belong to a message that is not complete, or that has failed. */
  readonly unread: Uint8Array;
  /** Messages written whole. */
  readonly txMessages: number;
  /** Bytes written. */
  readonly txBytes: number;
}

/** Of a connection that was never attached. */
export const NO_OUTCOME: ConnectionOutcome = {
  error: undefined,
  messages: 0,
  bytes: 0,
  unread: new Uint8Array(0),
  txMessages: 0,
  txBytes: 0,
};
