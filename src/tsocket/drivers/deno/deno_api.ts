/**
 * What the driver uses of Deno, declared by hand: these sources are checked for every runtime, and with the types of
 * Node alone.
 *
 * @module
 */
import { SocketError } from "../../errors.ts";

/** An address as Deno has it: of TCP and UDP, or of unix sockets, where an unnamed one has no path. */
export type DenoAddress =
  | { readonly transport?: "tcp" | "udp"; readonly hostname: string; readonly port: number }
  | { readonly transport: "unix" | "unixpacket"; readonly path: string | null };

/** What Deno.Conn has, without the streams, which no driver may touch: the end of one closes everything. */
export interface DenoConn {
  readonly localAddr: DenoAddress;
  readonly remoteAddr: DenoAddress;
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  ref(): void;
  unref(): void;
  /** Only TCP connections have it; those of TLS do not. */
  setNoDelay?(isOn: boolean): void;
  /** Only TCP connections have it. */
  setKeepAlive?(isOn: boolean): void;
}

/** A connection of TLS. */
export interface DenoTlsConn extends DenoConn {
  handshake(): Promise<{ readonly alpnProtocol: string | null }>;
}

/** Something that listens. */
export interface DenoListener<C extends DenoConn = DenoConn> {
  readonly addr: DenoAddress;
  accept(): Promise<C>;
  close(): void;
  ref(): void;
  unref(): void;
}

/** A membership in a multicast group. */
export interface DenoMembership {
  leave(): Promise<void>;
}

/** A datagram socket. */
export interface DenoDatagramConn {
  readonly addr: DenoAddress;
  receive(into: Uint8Array): Promise<[Uint8Array, DenoAddress]>;
  send(bytes: Uint8Array, to: DenoAddress): Promise<number>;
  joinMulticastV4(group: string, networkInterface: string): Promise<DenoMembership>;
  joinMulticastV6(group: string, networkInterface: number): Promise<DenoMembership>;
  close(): void;
  ref(): void;
  unref(): void;
}

/** Where to connect to or to listen on. */
export type DenoEndpoint =
  | { transport?: "tcp"; hostname: string; port: number }
  | { transport: "unix"; path: string };

/** Options of TLS of the connecting side. */
export interface DenoTlsClientOptions {
  hostname: string;
  caCerts?: string[];
  alpnProtocols?: string[];
}

/** An address of a network interface; `scopeid` is the interface's number, at link-local IPv6 addresses. */
export interface DenoInterface {
  readonly name: string;
  readonly family: "IPv4" | "IPv6";
  readonly address: string;
  readonly scopeid: number | null;
}

/** What the driver uses of the global `Deno`. */
export interface DenoApi {
  connect(to: DenoEndpoint & { signal?: AbortSignal }): Promise<DenoConn>;
  connectTls(to: DenoTlsClientOptions & { port: number; cert: string; key: string }): Promise<DenoTlsConn>;
  startTls(conn: DenoConn, options: DenoTlsClientOptions): Promise<DenoTlsConn>;
  listen(on: DenoEndpoint & { tcpBacklog?: number; reusePort?: boolean }): DenoListener;
  listenTls(
    on: {
      hostname: string;
      port: number;
      cert: string;
      key: string;
      alpnProtocols?: string[];
      tcpBacklog?: number;
      reusePort?: boolean;
    },
  ): DenoListener<DenoTlsConn>;
  /** Only there with `--unstable-net`. */
  listenDatagram?(
    on:
      | { transport: "udp"; hostname: string; port: number; reuseAddress?: boolean; loopback?: boolean }
      | { transport: "unixpacket"; path?: string },
  ): DenoDatagramConn;
  removeSync(path: string): void;
  networkInterfaces(): DenoInterface[];
  readonly build: { readonly os: string };
}

/**
 * The global `Deno`.
 *
 * @throws {SocketError} `EPROTONOSUPPORT` elsewhere than on Deno
 */
export function denoApi(syscall: string): DenoApi {
  const { Deno } = globalThis as { Deno?: DenoApi };
  // Deno.connect is asked for as well: some programs put a Deno of their own, with little in it, in its place
  if (typeof Deno?.connect === "function") return Deno;
  throw new SocketError("the driver for Deno needs Deno; take the one of this runtime", {
    code: "EPROTONOSUPPORT",
    syscall,
  });
}
