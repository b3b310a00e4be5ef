/**
 * The part of Bun that the driver of datagrams uses, declared here because compilers know no Bun.
 *
 * @module
 */
/** A datagram socket of Bun. */
export interface BunUdpSocket {
  /** Where it is bound. */
  readonly address: { readonly address: string; readonly port: number };
  /** Sends one; `false` when there is no room. With a peer only the data is given. */
  send(data: Uint8Array, port?: number, address?: string): boolean;
  /** Sends many, one call of the system for all: data, port, address of each, or data only; says how many. */
  sendMany(list: readonly (Uint8Array | number | string)[]): number;
  /** Allows broadcast addresses. */
  setBroadcast(isAllowed: boolean): void;
  /** Joins a group. */
  addMembership(group: string, networkInterface?: string): void;
  /** Leaves a group. */
  dropMembership(group: string, networkInterface?: string): void;
  /** Frees it. */
  close(): void;
  /** Keeps the process alive. */
  ref(): void;
  /** Does not. */
  unref(): void;
}

/** What Bun calls. */
export interface BunUdpHandlers {
  /** A datagram came. */
  data(
    socket: unknown,
    data: Uint8Array,
    port: number,
    address: string,
    flags?: { readonly truncated?: boolean },
  ): void;
  /** There is room again. */
  drain(): void;
  /** An error: the types say two arguments, it is one; the last is the error in any case. */
  error(...args: unknown[]): void;
}

/** Options of {@linkcode BunUdp.udpSocket}. */
export interface BunUdpOptions {
  /** Numeric address to bind to. */
  hostname: string;
  /** Port to bind to. */
  port: number;
  /** What datagrams come as: in buffers of their own, without the methods of `Buffer`, of which slice means something else. */
  binaryType: "uint8array";
  /** Peer. */
  connect?: { hostname: string; port: number };
  /** What is called. */
  socket: BunUdpHandlers;
}

/** The part of `Bun` that makes datagram sockets. */
export interface BunUdp {
  /** Makes one. */
  udpSocket(options: BunUdpOptions): Promise<BunUdpSocket>;
}

/** Bun, on Bun. */
export function bunUdp(): BunUdp | undefined {
  const bun = (globalThis as { Bun?: BunUdp }).Bun;
  return typeof bun?.udpSocket === "function" ? bun : undefined;
}
