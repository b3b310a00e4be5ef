/**
 * What the endpoint tells of UDP and ICMP, and the ends of UDP as they are handed out.
 *
 * @module
 */
import type { L3L4Error } from "./errors.ts";
import type { FlowPath, TcpSink } from "./l3l4_sink.ts";

/** What becomes of a datagram that belongs to nothing: `"refuse"` answers that the port cannot be reached. */
export type UdpVerdict = "accept" | "refuse" | "ignore";

/** A datagram that came. */
export interface UdpDatagram {
  /** What it holds; a copy. */
  readonly bytes: Uint8Array;
  /** The address that it was sent to. */
  readonly localAddress: Uint8Array;
  /** The address that it came from. */
  readonly remoteAddress: Uint8Array;
  /** The port that it came from; 0 where no answer is wanted. */
  readonly remotePort: number;
}

/** Where a datagram goes, and from where, as far as the port doesn't say. */
export interface UdpTarget {
  /** The receiver's address. */
  readonly remoteAddress: Uint8Array;
  /** Its port. */
  readonly remotePort: number;
  /** The address that the endpoint plays; needed where the port is bound to any. */
  readonly localAddress?: Uint8Array | undefined;
}

/** What a UDP port is to be. */
export interface UdpOpenOptions {
  /** The address that the endpoint plays; all when not said, which only goes without `remoteAddress`. */
  readonly localAddress?: Uint8Array | undefined;
  /** Its port. @default {one that is free} */
  readonly localPort?: number | undefined;
  /** The only peer; anyone when not said. */
  readonly remoteAddress?: Uint8Array | undefined;
  /** Its port. */
  readonly remotePort?: number | undefined;
  /** Without datagrams either way for so long it is closed, in milliseconds. @default {Infinity} */
  readonly idleTimeoutMs?: number | undefined;
}

/** One end of UDP: a flow with one peer, or bound to a port for all. What it sends goes with the next `transmit`. */
export interface UdpPort {
  /** Number of the port, never used twice by one endpoint. */
  readonly id: number;
  /** Whether the endpoint asked for it. */
  readonly isActive: boolean;
  /** Whatever its user wants to find again; not used by the endpoint. */
  context: unknown;
  /** The address that the endpoint plays; `null` for all. */
  readonly localAddress: Uint8Array | null;
  /** Its port. */
  readonly localPort: number;
  /** The only peer; `null` for anyone. */
  readonly remoteAddress: Uint8Array | null;
  /** Its port, 0 for anyone. */
  readonly remotePort: number;
  /** Whether it is over. */
  readonly isClosed: boolean;
  /** Datagrams that can be received. */
  readonly readable: number;
  /**
   * Sends a copy of `bytes`; `false` when there is no room, and `sink.udpWritable` follows. Nothing is sent when it is over,
   * or to port 0, where nobody wants an answer.
   *
   * @throws {L3L4Error} `EMSGSIZE` when it is more than a datagram holds
   * @throws {RangeError} without a target where one is needed, or with one of another IP version
   */
  send(bytes: Uint8Array, now: number, to?: UdpTarget): boolean;
  /** The datagram that came first, `null` when there is none. */
  receive(): UdpDatagram | null;
  /** Ends it. What was sent still goes its way. No event follows. */
  close(): void;
}

/** Where the endpoint reports on UDP. `incomingUdp` is asked during `push`; all else is told in `flush`. */
export interface UdpSink {
  /** A datagram came that belongs to no port; of it nothing is held yet. */
  incomingUdp(path: FlowPath): UdpVerdict;
  /** A flow that was accepted is open. */
  udpOpened(port: UdpPort): void;
  /** Datagrams can be received; told again when more have come. */
  udpReadable(port: UdpPort): void;
  /** There is room again after a `send` that found none. */
  udpWritable(port: UdpPort): void;
  /** An error of ICMP came for what was sent to `to`; the port lives on. */
  udpError(port: UdpPort, error: L3L4Error, to: FlowPath): void;
  /** It is over because nothing came or went for too long. Told once, last. */
  udpClosed(port: UdpPort): void;
}

/** An ICMP message that came and was for no flow: echo replies, what nobody knows, errors about what is no flow. */
export interface IcmpReceived {
  /** IP version: of ICMP or ICMPv6. */
  readonly version: 4 | 6;
  /** The address that it was sent to. */
  readonly localAddress: Uint8Array;
  /** The address that it came from. */
  readonly remoteAddress: Uint8Array;
  /** Hops that it might still have taken. */
  readonly hopLimit: number;
  /** Type, `IcmpType` or `Icmpv6Type`. */
  readonly type: number;
  /** Code. */
  readonly code: number;
  /** The word behind the checksum; of an echo, identifier and sequence number. */
  readonly word: number;
  /** What follows; a copy. */
  readonly data: Uint8Array;
}

/** An ICMP message that is to be sent. */
export interface IcmpSendOptions {
  /** The receiver's address. */
  readonly remoteAddress: Uint8Array;
  /** The address that the endpoint plays. */
  readonly localAddress: Uint8Array;
  /** Type. */
  readonly type: number;
  /** Code. @default {0} */
  readonly code?: number | undefined;
  /** The word behind the checksum. @default {0} */
  readonly word?: number | undefined;
  /** What follows. @default {nothing} */
  readonly data?: Uint8Array | undefined;
  /** Hops that it may take. @default {the endpoint's} */
  readonly hopLimit?: number | undefined;
}

/** An echo that is to be asked for. */
export interface PingOptions {
  /** Whom to ask. */
  readonly remoteAddress: Uint8Array;
  /** The address that the endpoint plays. */
  readonly localAddress: Uint8Array;
  /** Tells who asked. */
  readonly identifier: number;
  /** Tells the questions apart. */
  readonly sequence: number;
  /** What comes back with the answer. @default {nothing} */
  readonly data?: Uint8Array | undefined;
  /** Hops that it may take. @default {the endpoint's} */
  readonly hopLimit?: number | undefined;
}

/** Where the endpoint reports on ICMP, in `flush`. */
export interface IcmpSink {
  /** A message came that the endpoint itself has no use for. */
  icmp(message: IcmpReceived): void;
}

/** All that an endpoint tells. */
export interface L3L4Sink extends TcpSink, UdpSink, IcmpSink {}
