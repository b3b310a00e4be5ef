/**
 * What the streams need of an engine. {@linkcode L3L4Engine} has it, and so have the small ones of tests.
 *
 * @module
 */
import type { PingOptions, UdpOpenOptions, UdpPort } from "./datagram_sink.ts";
import type { L3L4Stats } from "./l3l4_stats.ts";
import type { FlowPath, TcpPort, TcpPortOptions, Verdict } from "./l3l4_sink.ts";
import type { PacketOut } from "./packet_out.ts";

/** Where a connection goes, and from where. */
export interface TcpConnectOptions extends TcpPortOptions {
  /** The peer's address, 4 or 16 bytes. */
  readonly remoteAddress: Uint8Array;
  /** Its port. */
  readonly remotePort: number;
  /** The address that the endpoint plays. */
  readonly localAddress: Uint8Array;
  /** Its port. @default {any that is free} */
  readonly localPort?: number | undefined;
}

/** What is driven: packets (or frames) come and go. */
export interface PacketEngine {
  /** A packet has come; it is done with when this returns. */
  push(packet: Uint8Array, now: number, isChecksumTrusted?: boolean): void;
  /** The batch is over, or something was done to a port: what happened is told. */
  flush(now: number): void;
  /** Sends what is due, until `out` has no room. */
  transmit(out: PacketOut, now: number): unknown;
  /** When `onTimeout` is to be called. */
  timeoutAt(): number;
  /** Does what is due. */
  onTimeout(now: number): void;
}

/** An endpoint without streams. */
export interface StackEngine extends PacketEngine {
  /**
   * Asks for a connection.
   *
   * @throws {L3L4Error} when it cannot be
   */
  connect(options: TcpConnectOptions, now: number): TcpPort;
  /** The answer that a verdict of `"later"` has put off; `false` when the token is not known any more. */
  decide(token: number, verdict: Exclude<Verdict, "later">, options: TcpPortOptions | undefined, now: number): boolean;
  /**
   * Opens an end of UDP.
   *
   * @throws {L3L4Error} when it cannot be
   */
  udpOpen(options: UdpOpenOptions, now: number): UdpPort;
  /** Tells a peer of UDP that its datagrams reach nobody. */
  refuseUdp(path: FlowPath, now: number): void;
  /** Asks for an echo; the answer comes to `sink.icmp`. `false` when there is no room. */
  ping(options: PingOptions, now: number): boolean;
  /** From now on the link takes packets of so many bytes. */
  setMtu(mtu: number): void;
  /** Counters. */
  readonly stats: L3L4Stats;
}

/** What packets travel in, where it is not IP alone. */
export interface StackMedium {
  /** LINKTYPE_ value of its packets, see {@linkcode LinkType}. */
  readonly linkType: number;
  /** Puts an engine of IP packets on it. */
  wrap(engine: PacketEngine): PacketEngine;
}
