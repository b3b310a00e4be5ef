/**
 * Limits of UDP, checked.
 *
 * @module
 */

/** See `L3L4Options` for defaults. */
export interface UdpSettings {
  /** Hop limit, or time to live. */
  readonly hopLimit: number;
  /** Differentiated services code point. */
  readonly dscp: number;
  /** Flows and bound ports. */
  readonly maxUdpPorts: number;
  /** Datagrams that wait in one port, each way. */
  readonly maxUdpQueue: number;
  /** Without datagrams either way for so long a flow is over that a peer began. */
  readonly udpIdleTimeoutMs: number;
}
