/**
 * What a congestion control algorithm is to a connection (RFC 5681, RFC 9438, RFC 9406).
 *
 * It owns the window and the threshold outside of recovery. Which segments are lost, and how the window comes down while
 * losses are repaired (PRR, RFC 9937), is the connection's business: it calls `onCongestion` when a recovery begins, leads
 * `cwnd` itself until the recovery is over, and calls nothing else of this meanwhile but `onTimeout`.
 *
 * @module
 */

/** One connection's algorithm. Sequence numbers are signed 32-bit integers, times milliseconds. */
export interface CongestionControl {
  /** Congestion window in bytes, maybe with a fraction. The connection writes it while it repairs losses. */
  cwnd: number;
  /** Slow start threshold in bytes, `Infinity` at first. */
  readonly ssthresh: number;
  /** Largest segment, without options: set anew when the path changes. */
  segmentSize: number;
  /**
   * `acked` bytes were acknowledged outside of recovery, up to `acknowledgment`; `sendNext` is SND.NXT. `rttMs` is the round
   * trip that this acknowledgment measured, -1 when it measured none. `isLimited`: the window, not the application, kept the
   * connection from sending more (RFC 9438 section 4.2, RFC 7661); without it the window must not grow.
   */
  onAck(
    acked: number,
    acknowledgment: number,
    sendNext: number,
    rttMs: number,
    isLimited: boolean,
    now: number,
  ): void;
  /**
   * A loss was found, or congestion was echoed (ECN): `ssthresh` comes down, `cwnd` too with ECN. `flight` is RFC 5681's
   * FlightSize: all bytes between SND.UNA and SND.NXT, whatever is known of them.
   */
  onCongestion(flight: number, kind: "loss" | "ecn", now: number): void;
  /** Losses are repaired: `cwnd` is what it is to be from now on. */
  onRecovered(now: number): void;
  /**
   * The retransmission timer ran out, with `flight` bytes not acknowledged: one segment from now on. Repeated for the same
   * bytes, `ssthresh` stays. Acknowledgments after it are told to `onAck`: it is no recovery in the sense of `Prr`.
   */
  onTimeout(flight: number, isRepeated: boolean, now: number): void;
  /** The last `onCongestion` or `onTimeout` was a mistake: nothing was lost (RFC 4015, RFC 2883). */
  undo(now: number): void;
  /** Nothing was sent for longer than a retransmission timeout: the window starts again (RFC 5681 section 4.1). */
  onIdle(initialWindow: number, now: number): void;
}
