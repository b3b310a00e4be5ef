/**
 * Datagram sockets on Deno: its own where they are there and can do what is wanted, else those of `node:dgram`.
 *
 * `Deno.listenDatagram` needs `--unstable-net` (and is the only way to unix datagrams). Both kinds of UDP socket lack a
 * connection in the kernel and any word of ICMP; the socket around the driver drops what strangers send.
 *
 * @module
 */
import { SocketError } from "../../errors.ts";
import type { TDgramDriver } from "../../driver_types.ts";
import type { DgramOptions } from "../../option_types.ts";
import type { TsocketAddress } from "../../types.ts";
import { denoHost } from "./addresses.ts";
import { type DenoApi, denoApi, type DenoDatagramConn } from "./deno_api.ts";
import { DenoDgramDriver } from "./dgram_driver.ts";
import { denoError } from "./errors.ts";
import { UnixDatagramConn } from "./unix_datagram_conn.ts";

/** Binds a datagram socket. Rejects with a {@linkcode SocketError} or the signal's reason. */
export async function denoDgram(options: DgramOptions, signal: AbortSignal): Promise<TDgramDriver> {
  const deno = denoApi("dgram");
  signal.throwIfAborted();
  const { localAddress, remoteAddress } = options;
  const isUnix = (localAddress ?? remoteAddress)?.kind === "unix";
  if (!isUnix && (deno.listenDatagram === undefined || needsNode(options))) return await nodeDgram(options, signal);
  try {
    const conn = isUnix ? bindUnix(deno, localAddress) : bindUdp(deno, options);
    const removeFile = (path: string): void => deno.removeSync(path);
    return new DenoDgramDriver(conn, { remoteAddress, removeFile, interfaces: () => deno.networkInterfaces() });
  } catch (thrown) {
    throw denoError(thrown, { syscall: "bind", address: localAddress });
  }
}

/** What Deno's own sockets cannot be told. */
function needsNode({ ipv6Only, reusePort }: DgramOptions): boolean {
  return ipv6Only === true || reusePort === true;
}

/** `recvBufferSize` is left out: on Deno it only makes the buffer larger that is allocated for each datagram. */
async function nodeDgram(options: DgramOptions, signal: AbortSignal): Promise<TDgramDriver> {
  // only loaded when needed: it brings all of node:net and node:tls along
  const { nodeRuntime } = await import("../node/runtime.ts");
  return await nodeRuntime.dgram({ ...options, recvBufferSize: undefined }, signal);
}

function bindUnix(deno: DenoApi, localAddress: TsocketAddress | undefined): DenoDatagramConn {
  const { listenDatagram } = deno;
  if (listenDatagram === undefined) {
    const message = "unix datagrams need Deno.listenDatagram, which is only there with --unstable-net";
    throw new SocketError(message, { code: "EPROTONOSUPPORT", syscall: "bind" });
  }
  const nameless = (): DenoDatagramConn => listenDatagram({ transport: "unixpacket" });
  if (localAddress === undefined) return nameless();
  if (localAddress.kind !== "unix") throw familyError(localAddress);
  if (localAddress.isUnnamed) return nameless();
  return new UnixDatagramConn(listenDatagram({ transport: "unixpacket", path: localAddress.path }), nameless);
}

function bindUdp(deno: DenoApi, { localAddress, remoteAddress, reuseAddress }: DgramOptions): DenoDatagramConn {
  const bind = (hostname: string, port: number): DenoDatagramConn =>
    // loopback is what multicast does everywhere unless told otherwise
    deno.listenDatagram!({ transport: "udp", hostname, port, loopback: true, reuseAddress: reuseAddress ?? false });
  if (localAddress !== undefined) {
    if (localAddress.kind !== "inet") throw familyError(localAddress);
    return bind(denoHost(localAddress), localAddress.port);
  }
  const isIpv6 = remoteAddress?.kind === "inet" && remoteAddress.family === "ipv6";
  return bind(isIpv6 ? "::" : "0.0.0.0", 0);
}

function familyError(address: TsocketAddress): SocketError {
  return new SocketError(`no datagram socket of Deno's can be bound to ${address}`, {
    code: "EAFNOSUPPORT",
    syscall: "bind",
    address,
  });
}
