/**
 * What an endpoint counts.
 *
 * @module
 */
import type { IcmpInputStats } from "./icmp_input.ts";
import type { IcmpOutputStats } from "./icmp_output.ts";
import type { TcpStats } from "./tcp/tcp_stats.ts";
import type { UdpStats } from "./udp_table.ts";

/** Counters from the beginning on, and how many there are of what now. */
export interface L3L4Stats
  extends Readonly<IcmpInputStats>, Readonly<IcmpOutputStats>, Readonly<UdpStats>, Readonly<TcpStats> {
  /** Packets that came. */
  readonly packets: number;
  /** Packets that were dropped; by reason in `drops`. */
  readonly dropped: number;
  /** Datagrams for protocols that nobody knows. */
  readonly unknownProtocols: number;
  /** Datagrams put together from fragments. */
  readonly reassembled: number;
  /** Bytes of fragments held now, with overhead. */
  readonly fragmentBytes: number;
  /** Datagrams that miss fragments now. */
  readonly fragmentDatagrams: number;
  /** Datagrams given up because fragments were missing for too long. */
  readonly fragmentTimeouts: number;
  /** Datagrams given up to make room for others. */
  readonly fragmentEvictions: number;
  /** Destinations now whose path is known to take less than the link. */
  readonly pathMtus: number;
  /** Bytes of datagrams that may still wait, of `maxDatagramBytes`. */
  readonly datagramBytesLeft: number;
  /** ICMP errors that quoted what we can't have sent, or said what can't be. */
  readonly icmpDisbelieved: number;
  /** UDP ports now. */
  readonly udpPorts: number;
}
