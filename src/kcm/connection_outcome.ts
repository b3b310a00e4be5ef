/**
 * How connections end.
 *
 * @module
 */

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
