/**
 * Connecting on Deno: TCP, unix sockets, TLS.
 *
 * @module
 */
import { SocketError } from "../../errors.ts";
import type { InetAddress } from "../../inet_address.ts";
import type { TStreamDriver } from "../../driver_types.ts";
import type { ConnectOptions, SocketTarget } from "../../option_types.ts";
import { denoHost } from "./addresses.ts";
import { type DenoApi, denoApi, type DenoConn } from "./deno_api.ts";
import { denoError } from "./errors.ts";
import { closeQuietly, DenoStreamDriver } from "./stream_driver.ts";
import { connectWithCertificate, hasOwnCertificate, startTls, tlsOf, tlsStarter, unlessAborted } from "./tls.ts";

/** Connects. Rejects with a {@linkcode SocketError} or the signal's reason; everything is freed then. */
export async function denoConnect(
  target: SocketTarget,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<TStreamDriver> {
  const deno = denoApi("connect");
  signal.throwIfAborted();
  try {
    if (isInet(target)) return await connectTcp(deno, target, options, signal);
    if (target.kind === "unix") return await connectUnix(deno, target.path, options, signal);
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    throw denoError(thrown, { syscall: "connect", target, address: "kind" in target ? target : undefined });
  }
  throw new SocketError(`Deno cannot connect to ${target}`, { code: "EPROTONOSUPPORT", syscall: "connect" });
}

/** Whether a target is for TCP: an address with a port, or a name with one. */
export function isInet(
  target: SocketTarget,
): target is InetAddress | { readonly hostname: string; readonly port: number } {
  return !("kind" in target) || target.kind === "inet";
}

async function connectTcp(
  deno: DenoApi,
  target: InetAddress | { readonly hostname: string; readonly port: number },
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<TStreamDriver> {
  const { secureTransport = "off" } = options;
  const where = { hostname: denoHost(target), port: target.port };
  const tls = tlsOf(options);
  if (secureTransport === "on" && hasOwnCertificate(tls)) {
    return await connectWithCertificate(deno, where, tls, signal);
  }
  const conn = await deno.connect({ ...where, signal });
  try {
    setOptions(conn, options);
  } catch (thrown) {
    closeQuietly(conn);
    throw thrown;
  }
  if (secureTransport === "on") return await startTls(deno, conn, target, tls, signal);
  const starter = secureTransport === "starttls" ? tlsStarter(deno, target, tls) : undefined;
  return new DenoStreamDriver(conn, { target, startTls: starter });
}

async function connectUnix(
  deno: DenoApi,
  path: string,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<TStreamDriver> {
  if ((options.secureTransport ?? "off") !== "off") {
    throw new SocketError("Deno has TLS on TCP only", { code: "EPROTONOSUPPORT", syscall: "connect" });
  }
  return new DenoStreamDriver(await unlessAborted(deno.connect({ transport: "unix", path }), signal));
}

/** Sets what TCP can be told. Deno has small writes wait unless it is told otherwise; the time of probes is the system's. */
function setOptions(conn: DenoConn, { noDelay = true, keepAliveMs }: ConnectOptions): void {
  if (noDelay) conn.setNoDelay?.(true);
  if (keepAliveMs !== undefined) conn.setKeepAlive?.(true);
}
