/**
 * What the endpoint tells whoever drives it, and the ends of its flows as they are handed out.
 *
 * Addresses are 4 or 16 bytes. "Local" is the address that the endpoint plays, whatever it is; "remote" is the peer's.
 *
 * @module
 */
import type { L3L4Error } from "./errors.ts";
import type { TcpStateName } from "./tcp/tcp_state.ts";

/** Both ends of a flow. */
export interface FlowPath {
  /** IP version. */
  readonly version: 4 | 6;
  /** The address that the endpoint plays. */
  readonly localAddress: Uint8Array;
  /** Its port. */
  readonly localPort: number;
  /** The peer's address. */
  readonly remoteAddress: Uint8Array;
  /** Its port. */
  readonly remotePort: number;
}

/**
 * What becomes of a connection that a peer asks for: `"refuse"` answers with a reset, `"ignore"` not at all, `"later"` waits
 * for `decide` without an answer to the peer.
 */
export type Verdict = "accept" | "refuse" | "ignore" | "later";

/** A peer asks for a connection; nothing but this is held of it. */
export interface IncomingConnection extends FlowPath {
  /** To be given to `decide`, when the verdict was `"later"`. */
  readonly token: number;
  /** Segment size that the peer can take. */
  readonly segmentSize: number;
  /** Whether it came with timestamps. */
  readonly hasTimestamps: boolean;
  /** Whether it takes selective acknowledgments. */
  readonly hasSack: boolean;
  /** Shift of its windows, -1 when it doesn't scale them. */
  readonly windowScale: number;
}

/** Options of one connection, in place of the endpoint's. */
export interface TcpPortOptions {
  /** Whether small writes wait for acknowledgments. */
  readonly hasNagle?: boolean | undefined;
  /** Silence in milliseconds after which the peer is asked whether it is there; `Infinity` for never. */
  readonly keepaliveMs?: number | undefined;
  /** A connection whose data were not acknowledged for so long is given up, in milliseconds. */
  readonly userTimeoutMs?: number | undefined;
  /** Without data either way for so long it is given up, in milliseconds. */
  readonly idleTimeoutMs?: number | undefined;
}

/** What is known of a connection. */
export interface TcpInfo {
  /** State, as RFC 9293 writes it. */
  readonly state: TcpStateName;
  /** Largest segment that is sent. */
  readonly segmentSize: number;
  /** Smoothed round-trip time in milliseconds, -1 until one was measured. */
  readonly srttMs: number;
  /** Its variation. */
  readonly rttvarMs: number;
  /** Retransmission timeout in milliseconds. */
  readonly rtoMs: number;
  /** Congestion window in bytes. */
  readonly cwnd: number;
  /** Slow start threshold in bytes, `Infinity` at first. */
  readonly ssthresh: number;
  /** Window that the peer offers, in bytes. */
  readonly sendWindow: number;
  /** Window that it was offered, in bytes. */
  readonly receiveWindow: number;
  /** Bytes on their way, as far as is known. */
  readonly bytesInFlight: number;
  /** Bytes written and not acknowledged. */
  readonly bytesQueued: number;
  /** Bytes received and not consumed. */
  readonly bytesReadable: number;
  /** Bytes of the application's that were acknowledged. */
  readonly bytesAcked: number;
  /** Bytes received in order. */
  readonly bytesReceived: number;
  /** Segments sent. */
  readonly segmentsSent: number;
  /** Segments received. */
  readonly segmentsReceived: number;
  /** Segments that were sent more than once, in all. */
  readonly retransmits: number;
  /** Retransmission timeouts. */
  readonly timeouts: number;
  /** Retransmissions that were not needed, as far as the peer told. */
  readonly spuriousRetransmits: number;
  /** The last error of ICMP that did not end the connection, an errno name. */
  readonly softError: string | undefined;
}

/**
 * One connection, from the endpoint's side. All methods are synchronous and return at once; what they cause to be sent goes
 * with the next `transmit`.
 */
export interface TcpPort extends FlowPath {
  /** Number of the connection, never used twice by one endpoint. */
  readonly id: number;
  /** Whether the endpoint asked for it. */
  readonly isActive: boolean;
  /** Whatever its user wants to find again; not used by the endpoint. */
  context: unknown;
  /** Copies as many bytes as there is room for, and returns how many; `sink.writable` follows a short count. 0 when it is over. */
  write(bytes: Uint8Array, now: number): number;
  /**
   * As `write`, and tells the peer that all up to the last of these bytes is urgent (RFC 9293 section 3.8.5). New protocols
   * should not use it (RFC 6093).
   */
  writeUrgent(bytes: Uint8Array, now: number): number;
  /** Bytes from the next readable one to the end of what the peer called urgent, whether they have come or not; else 0. */
  readonly urgent: number;
  /** Bytes that `write` would take now. */
  readonly writeRoom: number;
  /** The bytes that came next, as many as lie in one piece; a view that is good until the next call of anything. */
  peek(): Uint8Array;
  /** Bytes that can be read. */
  readonly readable: number;
  /** The first `count` readable bytes are done with: the window follows. */
  consume(count: number, now: number): void;
  /** Whether the peer has ended and all of its bytes were consumed. */
  readonly hasEnded: boolean;
  /** No more bytes come from us: a FIN follows those written. */
  shutdown(now: number): void;
  /** Nobody reads any more: what is there and comes is thrown away; bytes of the peer that come after a `shutdown` are reset. */
  stopReading(now: number): void;
  /** Ends at once with a reset. No event follows. */
  abort(now: number): void;
  /** What is known of it. */
  info(): TcpInfo;
}

/**
 * Where the endpoint reports. `incoming` and `mayOpen` are asked during `push`; all else is told in `flush`, `onTimeout` included, where the
 * methods of ports may be called.
 */
export interface TcpSink {
  /** A peer asks for a connection. */
  incoming(request: IncomingConnection): Verdict;
  /**
   * A peer has acknowledged the answer to a request that was accepted: whether the connection may open. If not, it stays
   * half open, and this is asked again when the peer sends something; `opened` follows otherwise. Asked during `push`.
   */
  mayOpen?(path: FlowPath): boolean;
  /** A connection is open, whoever asked for it. */
  opened(port: TcpPort): void;
  /** Bytes can be read; told again only when more have come after all were consumed, or after some were. */
  readable(port: TcpPort): void;
  /** The peer has called more bytes urgent than before: they come in their place among the others. */
  urgent?(port: TcpPort): void;
  /** There is room again after a `write` that came short. */
  writable(port: TcpPort): void;
  /** The peer has ended; told once all of its bytes can be read. */
  ended(port: TcpPort): void;
  /** The peer has acknowledged all that was written, and our end, and has not ended itself. */
  delivered?(port: TcpPort): void;
  /** It is over, for this reason, or well when both sides have ended. Bytes that came can still be read. Told once, last. */
  closed(port: TcpPort, error: L3L4Error | null): void;
}
