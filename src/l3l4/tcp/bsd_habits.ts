/**
 * Where FreeBSD's TCP behaves otherwise than ours, each a switch: with them its conformance scripts judge our code too. They
 * are no options, since nobody needs them who has a peer and not a script at the other end.
 *
 * @module
 */

/** What can be switched. */
export interface BsdHabits {
  /** Windows advance by at least so many bytes, by a segment, or by half of the buffer, whichever is least. */
  readonly minWindowGainBytes: number;
  /** Whether what lies beyond the window that was told is taken where the buffer has room for it. */
  readonly takesBeyondWindow: boolean;
  /** Whether acknowledgments repeat a FIN that has not been acknowledged. */
  readonly repeatsFin: boolean;
  /** Whether a reset is an error even where both sides have ended and all data have arrived (not so RFC 9293 section 3.10.7.4). */
  readonly tellsLateResets: boolean;
  /** Whether a SYN in TIME-WAIT that opens nothing is ignored, not acknowledged. */
  readonly ignoresOldSyns: boolean;
  /** Whether every second segment is acknowledged at once whatever its size. */
  readonly acksEverySecond: boolean;
  /** Added to a retransmission timeout that was doubled, in milliseconds. */
  readonly rtoSlopMs: number;
  /** Whether SYNs say the segment size: not with `TCP_NOOPT`. */
  readonly saysSegmentSize: boolean;
}

/** None of them. */
export const NO_BSD_HABITS: BsdHabits = {
  minWindowGainBytes: Infinity,
  takesBeyondWindow: false,
  repeatsFin: false,
  tellsLateResets: false,
  ignoresOldSyns: false,
  acksEverySecond: false,
  rtoSlopMs: 0,
  saysSegmentSize: true,
};
