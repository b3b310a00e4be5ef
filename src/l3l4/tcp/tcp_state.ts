/**
 * States of a TCP connection (RFC 9293 section 3.3.2).
 *
 * @module
 */

/** Numbers of the states, in such an order that comparisons say something: data may come from `ESTABLISHED` on. */
export const TcpState = {
  /** No connection. */
  CLOSED: 0,
  /** Has sent a SYN. */
  SYN_SENT: 1,
  /** Has sent and received a SYN. */
  SYN_RECEIVED: 2,
  /** Open. */
  ESTABLISHED: 3,
  /** The peer has ended. */
  CLOSE_WAIT: 4,
  /** We have ended; not acknowledged. */
  FIN_WAIT_1: 5,
  /** We have ended. */
  FIN_WAIT_2: 6,
  /** Both have ended at once; our end is not acknowledged. */
  CLOSING: 7,
  /** Both have ended, the peer first; our end is not acknowledged. */
  LAST_ACK: 8,
  /** Both have ended, we first. */
  TIME_WAIT: 9,
} as const;

/** Names of the states as RFC 9293 writes them. */
export type TcpStateName =
  | "CLOSED"
  | "SYN-SENT"
  | "SYN-RECEIVED"
  | "ESTABLISHED"
  | "CLOSE-WAIT"
  | "FIN-WAIT-1"
  | "FIN-WAIT-2"
  | "CLOSING"
  | "LAST-ACK"
  | "TIME-WAIT";

/** Names by number. */
export const TCP_STATE_NAMES: readonly TcpStateName[] = [
  "CLOSED",
  "SYN-SENT",
  "SYN-RECEIVED",
  "ESTABLISHED",
  "CLOSE-WAIT",
  "FIN-WAIT-1",
  "FIN-WAIT-2",
  "CLOSING",
  "LAST-ACK",
  "TIME-WAIT",
];
