/**
 * The contracts of the socket layer: what callers use. What drivers bring is in `driver_types.ts`, options are in
 * `option_types.ts`.
 *
 * After Samba's tsocket: vectors filled whole, PDU reads driven by a callback into buffers that the caller owns, queued
 * writes, requests that can be cancelled. {@linkcode TStream} has the members of the WinterTC `Socket`, {@linkcode TDgram}
 * the message shape of Direct Sockets. Contracts only, so that any layer may name them.
 *
 * @module
 */
import type { SocketError } from "./errors.ts";
import type { InetAddress } from "./inet_address.ts";
import type { PipeAddress, UnixAddress, VirtualAddress } from "./local_address.ts";

/** An address of any kind. Immutable. */
export type TsocketAddress = InetAddress | UnixAddress | PipeAddress | VirtualAddress;

/** Several views that are read into, or written, as one. */
export type Vector = readonly Uint8Array[];

/** What every operation that may wait takes. */
export interface IoOptions {
  /** Cancels the operation, which then rejects with the signal's own reason. */
  signal?: AbortSignal | undefined;
  /** Absolute time, in milliseconds of the socket's clock (`performance.now()`, not `Date.now()`), at which it fails with `ETIMEDOUT`. */
  deadlineAt?: number | undefined;
}

/** Options of a write. */
export interface WriteOptions extends IoOptions {
  /**
   * What cancelling does once the write has started: `"abort"` the connection, since a peer could not tell where the
   * torn message ends, or `"finish"` it and reject only then.
   *
   * @default {"abort"}
   */
  onAbort?: "abort" | "finish";
  /**
   * Copy the bytes before waiting, so that the caller may change the buffers at once. Else they must stay untouched
   * until the promise settles.
   *
   * @default {false}
   */
  copy?: boolean;
}

/** What a {@linkcode NextVector} is told. */
export interface PduProgress {
  /** Bytes of this PDU read so far. */
  readonly total: number;
}

/**
 * Hands out the views to be filled next, in buffers that the caller owns; `null`, `undefined` or `[]` ends the PDU. What
 * it throws is what the read rejects with.
 */
export type NextVector = (progress: PduProgress) => Vector | null | undefined;

/** What is known about an open connection; addresses as `host:port`. */
export interface SocketInfo {
  /** The peer's address, `null` where it has none. */
  readonly remoteAddress: string | null;
  /** Our own address, `null` where it has none. */
  readonly localAddress: string | null;
  /** Protocol chosen by ALPN, `null` without. */
  readonly alpn: string | null;
}

/** Options of TLS, for both sides. PEM texts. */
export interface TlsOptions {
  /** Name to ask for and to check the certificate against; the host's name by default. Clients only. */
  sni?: string | null | undefined;
  /** Protocols offered or accepted, best first. */
  alpn?: readonly string[] | undefined;
  /** Certificates of authorities to trust instead of the runtime's. */
  ca?: string | readonly string[] | undefined;
  /** Own certificate chain. */
  cert?: string | undefined;
  /** Private key of {@linkcode cert}. */
  key?: string | undefined;
}

/** One job after the other: what waits in {@linkcode TQueue.run}. */
export interface QueueOptions {
  /** Takes the job out of the queue, or tells it to stop when it has started. */
  signal?: AbortSignal | undefined;
  /** Anything, for the caller's own diagnosis. */
  tag?: unknown;
}

/** A first-in-first-out queue of jobs of which one runs at a time. After tevent_queue. */
export interface TQueue extends Disposable {
  /** Jobs queued, the running one included. */
  readonly length: number;
  /** Whether jobs are started; {@linkcode stop} makes it false. */
  readonly running: boolean;
  /** Name for diagnosis. */
  readonly name: string | undefined;
  /** Runs `job` when all jobs queued before it are done; it holds the queue until its promise settles. */
  run<T>(job: (signal: AbortSignal) => T | PromiseLike<T>, options?: QueueOptions): Promise<T>;
  /** Takes a place and resolves when it is reached; the queue is held until the result is disposed. */
  acquire(options?: QueueOptions): Promise<Disposable>;
  /** Holds up everything queued after it, from now until the result is disposed. */
  block(): Disposable;
  /** Resolves when everything queued before it is done. */
  flushed(options?: QueueOptions): Promise<void>;
  /** Starts no further job; the running one goes on. */
  stop(): void;
  /** Starts jobs again. */
  start(): void;
  /** Rejects all waiting jobs, and all later ones, with `reason`; the running one is told through its signal. */
  destroy(reason?: unknown): void;
}

/** A stream socket: a superset of the WinterTC `Socket`. */
export interface TStream extends AsyncDisposable {
  /** Resolves when the connection stands (with TLS: when the handshake is done). */
  readonly opened: Promise<SocketInfo>;
  /** Resolves when the connection is over, rejects when it broke. Needs no handler. */
  readonly closed: Promise<void>;
  /** Whether {@linkcode startTls} took the connection over. */
  readonly upgraded: boolean;
  /** Bytes as they come; made on first access, reads nothing ahead, BYOB readers welcome. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Bytes to send; closing it is {@linkcode shutdown}, aborting it {@linkcode abort}. Made on first access. */
  readonly writable: WritableStream<Uint8Array>;
  /** Our own address, once open. */
  readonly localAddress: TsocketAddress | undefined;
  /** The peer's address, once open. */
  readonly remoteAddress: TsocketAddress | undefined;
  /** Bytes that can be read without waiting. */
  readonly pendingBytes: number;
  /** The queue behind {@linkcode writev}. */
  readonly writeQueue: TQueue;
  /** Counters. */
  readonly stats: Readonly<TStreamStats>;
  /** Fills all views; resolves with their total length. */
  readv(vector: Vector, options?: IoOptions): Promise<number>;
  /** Reads one PDU: fills what `next` hands out until that is empty; resolves with the total. */
  readvPdu(next: NextVector, options?: IoOptions): Promise<number>;
  /** Reads what is there, at least one byte; `null` at the end. */
  readSome(into: Uint8Array, options?: IoOptions): Promise<number | null>;
  /** Fills all views from what is there already, else takes nothing and says `false`. */
  tryReadv(vector: Vector): boolean;
  /** Writes all views as one, after all earlier writes; resolves when the buffers may be used again. */
  writev(vector: Vector, options?: WriteOptions): Promise<number>;
  /** Ends our side after all queued writes; reading goes on. */
  shutdown(options?: IoOptions): Promise<void>;
  /** Resolves (never rejects) with what ended the connection: `EOF`, `ECONNRESET`, `ECONNABORTED` when closed here. */
  monitor(options?: IoOptions): Promise<SocketError>;
  /** Without a reason: queued writes are sent, then both sides end. With one: as {@linkcode abort}. */
  close(reason?: unknown): Promise<void>;
  /** Ends both sides at once; the peer sees a reset. What is pending rejects with `reason`. */
  abort(reason?: unknown): void;
  /** Hands the connection to TLS: this socket is over, the new one goes on. What is left out is as `connect` was told. */
  startTls(options?: TlsOptions): TStream;
  /** Keeps the process alive while the socket is open; the default. */
  ref(): void;
  /** Lets the process end although the socket is open. */
  unref(): void;
}

/** Counters of a {@linkcode TStream}. */
export interface TStreamStats {
  /** Bytes handed to the caller. */
  bytesRead: number;
  /** Bytes that the driver took. */
  bytesWritten: number;
  /** Reads that were cancelled, timed out included. */
  cancelledReads: number;
  /** Bytes that cancelled reads gave back. */
  bytesPutBack: number;
}

/** A received datagram. */
export interface Datagram {
  /** What came; the caller's own. On Deno it may lie in a buffer of 64 KiB: copy what you keep for long. */
  data: Uint8Array;
  /** Who sent it; `undefined` for a sender without an address. */
  source: TsocketAddress | undefined;
  /** Whether the end was cut off by a too small receive buffer. */
  truncated: boolean;
}

/** A datagram to be sent. */
export interface OutDatagram {
  /** Bytes; several views make one datagram. */
  data: Uint8Array | Vector;
  /** Receiver; left out on a connected socket. */
  to?: TsocketAddress | undefined;
}

/** A datagram as the streams of {@linkcode TDgram} carry it: the shape of Direct Sockets. */
export interface UdpMessage {
  /** Bytes. What came on Deno may lie in a buffer of 64 KiB: copy what you keep for long. */
  data: Uint8Array;
  /** The other side's address; left out on a connected socket. */
  remoteAddress?: string | undefined;
  /** The other side's port; left out on a connected socket. */
  remotePort?: number | undefined;
}

/** What is known about an open datagram socket. */
export interface UdpInfo {
  /** Our own address. */
  readonly localAddress: string | null;
  /** Our own port. */
  readonly localPort: number | null;
  /** The peer's address, when connected. */
  readonly remoteAddress: string | null;
  /** The peer's port, when connected. */
  readonly remotePort: number | null;
}

/** An error that the network reported for some datagram (an ICMP message); never fatal. */
export interface DatagramError {
  /** errno name: `ECONNREFUSED`, `EHOSTUNREACH`, `EMSGSIZE`. */
  readonly code: string;
  /** Where the datagram went, where that is known. */
  readonly destination: TsocketAddress | undefined;
  /** The runtime's own error. */
  readonly cause?: unknown;
}

/** Counters of a {@linkcode TDgram}. */
export interface TDgramStats {
  /** Datagrams that came, the dropped ones included. */
  received: number;
  /** Datagrams that the driver took. */
  sent: number;
  /** Datagrams dropped because nobody read and the ring was full. */
  droppedIncoming: number;
  /** Datagrams dropped because a connected socket got them from somebody else. */
  strangers: number;
  /** Sends that failed. */
  sendErrors: number;
  /** Errors that the network reported. */
  icmpErrors: number;
}

/** Listens for what the network reports. */
export type DatagramErrorListener = (error: DatagramError) => void;

/** A datagram socket. */
export interface TDgram extends AsyncDisposable {
  /** Resolves when the socket is bound (and connected, if a peer was named). */
  readonly opened: Promise<UdpInfo>;
  /** Resolves when it is closed, rejects when it could not be opened or broke. Needs no handler. */
  readonly closed: Promise<void>;
  /** Datagrams as they come; made on first access. */
  readonly readable: ReadableStream<UdpMessage>;
  /** Datagrams to send; made on first access. Closing it closes nothing but itself. */
  readonly writable: WritableStream<UdpMessage>;
  /** Our own address, once open. */
  readonly localAddress: TsocketAddress | undefined;
  /** The peer's address, when connected. */
  readonly remoteAddress: TsocketAddress | undefined;
  /** Largest datagram that can be sent, in bytes. */
  readonly maxDatagramSize: number;
  /** Counters. */
  readonly stats: Readonly<TDgramStats>;
  /** The next datagram. */
  recvfrom(options?: IoOptions): Promise<Datagram>;
  /** At least one datagram, and up to `max` that are there. */
  recvMany(max: number, options?: IoOptions): Promise<Datagram[]>;
  /** Sends one datagram, after all earlier ones; resolves with its length, when `data` may be used again. */
  sendto(data: Uint8Array | Vector, to?: TsocketAddress, options?: IoOptions): Promise<number>;
  /** Sends many, in order; resolves with how many were sent, when their bytes may be used again. */
  sendMany(datagrams: readonly OutDatagram[], options?: IoOptions): Promise<number>;
  /** Calls `listener` for each error that the network reports, until the result is disposed. */
  onIcmpError(listener: DatagramErrorListener): Disposable;
  /** Joins a multicast group, on the interface with the given address or name. */
  joinMulticast(group: string, networkInterface?: string): void;
  /** Leaves a multicast group. */
  leaveMulticast(group: string, networkInterface?: string): void;
  /** Sends what is queued, then closes. */
  close(): Promise<void>;
  /** Keeps the process alive while the socket is open; the default. */
  ref(): void;
  /** Lets the process end although the socket is open. */
  unref(): void;
}

/** Counters of a {@linkcode TListener}. */
export interface TListenerStats {
  /** Connections handed to the caller. */
  accepted: number;
  /** Connections closed at once because too many were waiting to be accepted. */
  refused: number;
  /** Failures to accept that passed by: out of descriptors or memory. */
  acceptErrors: number;
}

/** A listening socket. */
export interface TListener extends AsyncDisposable, AsyncIterable<TStream> {
  /** Resolves when it listens. */
  readonly opened: Promise<{ readonly localAddress: TsocketAddress }>;
  /** Resolves when it is closed, rejects when listening failed. Needs no handler. */
  readonly closed: Promise<void>;
  /** Where it listens, once open. */
  readonly localAddress: TsocketAddress | undefined;
  /** Connections as they come; made on first access. */
  readonly readable: ReadableStream<TStream>;
  /** Counters. */
  readonly stats: Readonly<TListenerStats>;
  /** The next connection. */
  accept(options?: IoOptions): Promise<TStream>;
  /** Stops listening; what was not accepted yet is closed, what was goes on. */
  close(): Promise<void>;
  /** Keeps the process alive while it listens; the default. */
  ref(): void;
  /** Lets the process end although it listens. */
  unref(): void;
}
