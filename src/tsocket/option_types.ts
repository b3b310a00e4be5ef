/**
 * Options of sockets, and how callers name addresses. Contracts only.
 *
 * @module
 */
import type { SocketError } from "./errors.ts";
import type { InetAddress } from "./inet_address.ts";
import type { IoOptions, TlsOptions, TsocketAddress } from "./types.ts";

/** Where to: `host:port`, its parts, or an address. Host names are left to the runtime's resolver. */
export type AnySocketAddress = string | { readonly hostname: string; readonly port: number } | TsocketAddress;

/** Options of a stream socket, however it was made. */
export interface TStreamOptions {
  /**
   * Whether our side stays open when the peer has ended; else it ends as well, once that end was read or noticed.
   *
   * @default {false}
   */
  allowHalfOpen?: boolean | undefined;
  /**
   * Fail reads at once when the connection has broken, instead of handing out first what came before.
   *
   * @default {false}
   */
  failEarly?: boolean | undefined;
  /**
   * Writes that may wait in the queue; more fail with `ENOBUFS`.
   *
   * @default {65536}
   */
  maxQueuedWrites?: number | undefined;
  /**
   * Bytes that may wait in the queue, in bytes; more fail with `ENOBUFS`. One write alone may be larger.
   *
   * @default {67108864}
   */
  maxQueuedBytes?: number | undefined;
  /**
   * How long disposal waits for queued writes before it aborts, in milliseconds.
   *
   * @default {5000}
   */
  closeGraceMs?: number | undefined;
}

/** Options of `connect`. */
export interface ConnectOptions extends TStreamOptions, IoOptions {
  /**
   * TLS from the start (`"on"`), later by `startTls` (`"starttls"`), or never.
   *
   * @default {"off"}
   */
  secureTransport?: "off" | "on" | "starttls" | undefined;
  /** Name for TLS's SNI; only with TLS. */
  sni?: string | null | undefined;
  /** Protocols for TLS's ALPN; only with TLS. */
  alpn?: readonly string[] | undefined;
  /** More of TLS; only with TLS. */
  tls?: TlsOptions | undefined;
  /** Address to connect from. */
  localAddress?: InetAddress | undefined;
  /**
   * Send small writes at once instead of gathering them (Nagle).
   *
   * @default {true}
   */
  noDelay?: boolean | undefined;
  /** Idle time before keep-alive probes start, in milliseconds; none by default. */
  keepAliveMs?: number | undefined;
}

/** Options of `listen`. */
export interface ListenOptions extends IoOptions {
  /** Options of the connections. */
  stream?: TStreamOptions | undefined;
  /** TLS with these options (a certificate and a key at least). */
  tls?: TlsOptions | undefined;
  /**
   * Connections that the system keeps waiting.
   *
   * @default {511}
   */
  backlog?: number | undefined;
  /**
   * Connections that wait here to be accepted; more are closed at once and counted.
   *
   * @default {1024}
   */
  maxPending?: number | undefined;
  /**
   * Told why a connection could not be accepted: out of descriptors, or a TLS handshake failed. Listening goes on. What
   * it throws is thrown in a turn of its own.
   */
  onAcceptError?: ((error: SocketError) => void) | undefined;
  /** Share the port with other processes, where the runtime can. */
  reusePort?: boolean | undefined;
  /** Listen on IPv6 only instead of on both. */
  ipv6Only?: boolean | undefined;
  /**
   * Send small writes at once instead of gathering them (Nagle).
   *
   * @default {true}
   */
  noDelay?: boolean | undefined;
}

/** Options of a datagram socket, however it was made. */
export interface TDgramOptions {
  /**
   * Datagrams that wait to be read; more are dropped and counted.
   *
   * @default {4096}
   */
  maxQueuedDatagrams?: number | undefined;
  /**
   * Bytes that wait to be read; more are dropped and counted.
   *
   * @default {16777216}
   */
  maxQueuedBytes?: number | undefined;
  /**
   * Datagrams that wait to be sent; more fail with `ENOBUFS`.
   *
   * @default {65536}
   */
  maxQueuedSends?: number | undefined;
  /**
   * How long disposal waits for queued sends before it drops them, in milliseconds.
   *
   * @default {5000}
   */
  closeGraceMs?: number | undefined;
}

/** Options of `dgram`. */
export interface DgramOptions extends TDgramOptions, IoOptions {
  /** Address to bind to; any by default. */
  localAddress?: TsocketAddress | undefined;
  /** Peer to be connected with: nothing else is received. */
  remoteAddress?: TsocketAddress | undefined;
  /** Let several sockets share the address. */
  reuseAddress?: boolean | undefined;
  /** Share the port with other processes, where the runtime can. */
  reusePort?: boolean | undefined;
  /** IPv6 only instead of both. */
  ipv6Only?: boolean | undefined;
  /** Allow sending to broadcast addresses. */
  broadcast?: boolean | undefined;
  /** Size of the system's receive buffer, in bytes, where the runtime can set it. */
  recvBufferSize?: number | undefined;
  /** Size of the system's send buffer, in bytes, where the runtime can set it. */
  sendBufferSize?: number | undefined;
}

/** Where to connect to or listen on: an address, or a host name that the runtime resolves. */
export type SocketTarget = TsocketAddress | { readonly hostname: string; readonly port: number };
