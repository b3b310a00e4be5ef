/**
 * What a driver has to bring, for {@linkcode TStream}, {@linkcode TDgram} and {@linkcode TListener} to be made of it, and
 * what a runtime has to bring to make drivers. Contracts only.
 *
 * @module
 */
import type { SocketError } from "./errors.ts";
import type { ConnectOptions, DgramOptions, ListenOptions, SocketTarget } from "./option_types.ts";
import type { DatagramError, OutDatagram, TlsOptions, TsocketAddress, Vector } from "./types.ts";

/** What {@linkcode TStreamDriver.readSync} answers when nothing is there yet. */
export const READ_AGAIN = 0;

/** What {@linkcode TStreamDriver.readSync} answers when nothing will ever come again. */
export const READ_END: -1 = -1;

/** What a stream driver tells its socket. Never called from within a method of the driver. */
export interface TStreamEvents {
  /** After {@linkcode TStreamDriver.readSync} had answered {@linkcode READ_AGAIN}: ask again. */
  readable(): void;
  /**
   * The connection broke, or the peer ended (`EOF`); told once each, whether anybody reads or not. Bytes that came
   * before are still there to be read.
   */
  broken(error: SocketError): void;
}

/**
 * One open byte stream connection, as a runtime (or a program of ours) brings it. The socket around it sees to queues,
 * vectors, cancelling, deadlines, sticky errors and web streams; a driver is never asked for two writes at once.
 */
export interface TStreamDriver {
  /** What it is, for diagnosis: `node`, `deno`, `memory`. */
  readonly kind: string;
  /** Our own address. */
  readonly localAddress: TsocketAddress | undefined;
  /** The peer's address. */
  readonly remoteAddress: TsocketAddress | undefined;
  /** Protocol chosen by ALPN. */
  readonly alpn: string | null;
  /** Bytes that {@linkcode readSync} would hand out. */
  readonly pendingBytes: number;
  /** Why {@linkcode readSync} answers {@linkcode READ_END}: `undefined` when the peer ended in order. */
  readonly readError: SocketError | undefined;
  /** Called once, before anything else. */
  start(events: TStreamEvents): void;
  /**
   * Copies what is there into `into` (which has room): how many bytes, {@linkcode READ_AGAIN} or {@linkcode READ_END}.
   * Bytes that came before an error are handed out before {@linkcode READ_END}. After {@linkcode READ_AGAIN} the driver
   * reads from its source until {@linkcode TStreamEvents.readable} is due; else it need not read ahead.
   */
  readSync(into: Uint8Array): number;
  /**
   * Reads straight into `into`, without a copy: at least one byte, or {@linkcode READ_END}; never rejects. Only asked for
   * right after {@linkcode READ_AGAIN} for an operation that nothing but the end of the connection can cancel, never
   * twice at once, and nobody calls {@linkcode readSync} before it has settled.
   */
  readInto?(into: Uint8Array): Promise<number>;
  /** Somebody wants to know when the connection ends although nobody reads: read ahead as far as that needs. */
  watch?(): void;
  /**
   * Writes all of the views, as one. Resolves when the buffers may be used again. Rejects with a {@linkcode SocketError}
   * whose `bytesTransferred` says how much was taken, where that is known.
   */
  writev(vector: Vector): Promise<void>;
  /** Ends our side (FIN). Called once at most, when no write is under way. */
  shutdown(): Promise<void>;
  /** Frees everything; what was written is still delivered as far as the system does that. Idempotent, never rejects. */
  close(): Promise<void>;
  /** Frees everything at once; the peer sees a reset where that exists. Pending writes reject. Idempotent. */
  abort(): void;
  /**
   * Starts TLS on this connection, which the driver does not use any more. Bytes that came before and were not read go
   * to TLS, or it fails with `EPROTO`. Not there: not possible.
   */
  startTls?(options: TlsOptions, signal: AbortSignal): Promise<TStreamDriver>;
  /** Whether the open connection keeps the process alive. */
  setRef?(isRef: boolean): void;
}

/** What a datagram driver tells its socket. Never called from within a method of the driver. */
export interface TDgramEvents {
  /** A datagram came. The bytes belong to the socket from now on. */
  datagram(data: Uint8Array, source: TsocketAddress | undefined, truncated: boolean): void;
  /** Room again, after {@linkcode TDgramDriver.sendMany} took fewer than it was given. */
  writable(): void;
  /** The network reported an error. */
  icmpError(error: DatagramError): void;
  /** The socket broke for good. */
  broken(error: SocketError): void;
}

/** One open datagram socket, as a runtime brings it. The socket around it sees to order, the ring, and cancelling. */
export interface TDgramDriver {
  /** What it is, for diagnosis. */
  readonly kind: string;
  /** Our own address. */
  readonly localAddress: TsocketAddress | undefined;
  /** The peer's address, when connected. */
  readonly remoteAddress: TsocketAddress | undefined;
  /** Largest datagram that can be sent, in bytes. */
  readonly maxDatagramSize: number;
  /** So many datagrams are handed over at once, without waiting for more that may be there. Not there: any number. */
  readonly gatherLimit?: number;
  /** Called once, before anything else. */
  start(events: TDgramEvents): void;
  /** The socket's ring is full (`false`: stop reading where that is possible) or has room again. */
  setReading?(isReading: boolean): void;
  /**
   * Sends one datagram; resolves when its buffer may be used again. The next is sent only when this has settled. Rejects
   * with a {@linkcode SocketError}.
   */
  send(data: Uint8Array | Vector, to: TsocketAddress | undefined): Promise<void>;
  /**
   * Hands over as many as the system takes, in order, and says how many; their buffers may be used again as soon as it
   * returns. Fewer than given: {@linkcode TDgramEvents.writable} follows. Throws a {@linkcode SocketError} with the number taken in `bytesTransferred` for a datagram it cannot send.
   */
  sendMany?(datagrams: readonly OutDatagram[], from: number): number;
  /**
   * Sends all of a few datagrams, in order, without a promise for each; resolves when their buffers may be used again.
   * The next send comes only when this has settled. Rejects with a {@linkcode SocketError} with the number sent in
   * `bytesTransferred`.
   */
  sendBatch?(datagrams: readonly OutDatagram[]): Promise<void>;
  /** Joins a multicast group. Not there: not possible. */
  joinMulticast?(group: string, networkInterface: string | undefined): void;
  /** Leaves a multicast group. */
  leaveMulticast?(group: string, networkInterface: string | undefined): void;
  /** Frees everything; pending sends settle. Idempotent, never rejects. */
  close(): Promise<void>;
  /** Whether the open socket keeps the process alive. */
  setRef?(isRef: boolean): void;
}

/** What a listening driver tells its socket. Never called from within a method of the driver. */
export interface TListenerEvents {
  /** A connection came. */
  connection(driver: TStreamDriver): void;
  /** Accepting failed and goes on: `EMFILE`, `ENOBUFS`, or a failed TLS handshake. */
  acceptError(error: SocketError): void;
  /** Listening is over for good. */
  broken(error: SocketError): void;
}

/** One listening socket, as a runtime brings it. */
export interface TListenerDriver {
  /** What it is, for diagnosis. */
  readonly kind: string;
  /** Where it listens. */
  readonly localAddress: TsocketAddress;
  /** Called once, before anything else. */
  start(events: TListenerEvents): void;
  /** Stops listening. Idempotent, never rejects. */
  close(): Promise<void>;
  /** Whether listening keeps the process alive. */
  setRef?(isRef: boolean): void;
}

/**
 * What a runtime brings: three ways to make drivers. All reject with a {@linkcode SocketError}, or with the signal's
 * reason, and have freed everything then. Addresses and options have been checked before.
 */
export interface TsocketRuntime {
  /** What it is, for diagnosis: `node`, `deno`, `bun`, `memory`. */
  readonly name: string;
  /** Connects; with `secureTransport: "on"` resolves when the TLS handshake is done. */
  connect(target: SocketTarget, options: ConnectOptions, signal: AbortSignal): Promise<TStreamDriver>;
  /** Listens. */
  listen(target: SocketTarget, options: ListenOptions, signal: AbortSignal): Promise<TListenerDriver>;
  /** Binds, and connects where a peer is named, a datagram socket. */
  dgram(options: DgramOptions, signal: AbortSignal): Promise<TDgramDriver>;
}
