/**
 * TLS on connections of Deno's, as the side that connects.
 *
 * Deno can start TLS on a connection, except with a certificate of one's own: that only `Deno.connectTls` takes, which
 * cannot be cancelled and always asks for the name that it connects to. As a server Deno cannot start TLS later at all.
 *
 * @module
 */
import { SocketError } from "../../errors.ts";
import type { TStreamDriver } from "../../driver_types.ts";
import type { ConnectOptions, SocketTarget } from "../../option_types.ts";
import type { TlsOptions } from "../../types.ts";
import type { DenoApi, DenoConn, DenoTlsClientOptions, DenoTlsConn } from "./deno_api.ts";
import { denoError } from "./errors.ts";
import { closeQuietly, DenoStreamDriver, type DenoTlsStarter } from "./stream_driver.ts";

/** What TLS is told when a connection begins with it. */
export function tlsOf(options: ConnectOptions): TlsOptions {
  const { tls = {} } = options;
  return { ...tls, sni: options.sni ?? tls.sni, alpn: options.alpn ?? tls.alpn };
}

/** Whether there is a certificate to show, which decides how TLS is started. */
export function hasOwnCertificate(tls: TlsOptions): boolean {
  return tls.cert !== undefined || tls.key !== undefined;
}

/** How TLS is started later on a connection to `target`, unless other options say otherwise. */
export function tlsStarter(deno: DenoApi, target: SocketTarget, defaults: TlsOptions): DenoTlsStarter {
  return (conn, options, signal) => startTls(deno, conn, target, { ...defaults, ...options }, signal);
}

/** Starts TLS on a connection. Whatever comes of it, the connection is not to be used any more. */
export async function startTls(
  deno: DenoApi,
  conn: DenoConn,
  target: SocketTarget,
  tls: TlsOptions,
  signal: AbortSignal,
): Promise<TStreamDriver> {
  try {
    signal.throwIfAborted();
    if (hasOwnCertificate(tls)) throw unsupported("Deno cannot start TLS with a certificate of one's own later on");
    const secured = await deno.startTls(conn, clientOptions(target, tls));
    return await shakeHands(secured, target, signal);
  } catch (thrown) {
    closeQuietly(conn);
    throw signal.aborted ? signal.reason : denoError(thrown, { syscall: "startTls", target });
  }
}

/** Connects with a certificate to show. */
export async function connectWithCertificate(
  deno: DenoApi,
  target: { hostname: string; port: number },
  tls: TlsOptions,
  signal: AbortSignal,
): Promise<TStreamDriver> {
  const { cert, key, sni } = tls;
  if (cert === undefined || key === undefined) {
    throw new SocketError("a certificate needs its key, and a key its certificate", {
      code: "EINVAL",
      syscall: "connect",
    });
  }
  if (typeof sni === "string" && sni !== target.hostname) {
    throw unsupported("Deno cannot ask for another name than the one it connects to with a certificate of one's own");
  }
  const { port } = target;
  const connected = deno.connectTls({ ...clientOptions(target, tls), port, cert, key });
  return await shakeHands(await unlessAborted(connected, signal), target, signal);
}

/** Waits until the handshake is done, and closes the connection when it fails. */
async function shakeHands(conn: DenoTlsConn, target: SocketTarget, signal: AbortSignal): Promise<TStreamDriver> {
  const onAbort = (): void => closeQuietly(conn);
  signal.addEventListener("abort", onAbort);
  try {
    signal.throwIfAborted();
    const { alpnProtocol } = await conn.handshake();
    return new DenoStreamDriver(conn, { alpn: alpnProtocol, target });
  } catch (thrown) {
    closeQuietly(conn);
    throw signal.aborted ? signal.reason : handshakeError(thrown, target);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** A failed handshake: what the peer did wrong in it is a broken protocol, an end in its midst included. */
export function handshakeError(thrown: unknown, target?: SocketTarget): SocketError {
  const error = denoError(thrown, { syscall: "handshake", target });
  if (error.code !== "EUNEXPECTEDEOF") return error;
  const message = "handshake: the peer ended the connection before TLS was agreed upon";
  return new SocketError(message, { code: "EPROTO", syscall: "handshake", cause: thrown });
}

/** What cannot be cancelled: the wait ends all the same, and a connection that comes too late is closed. */
export function unlessAborted<C extends { close(): void }>(connecting: Promise<C>, signal: AbortSignal): Promise<C> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    connecting.then((conn) => signal.aborted ? closeQuietly(conn) : resolve(conn), reject)
      .finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function clientOptions(target: SocketTarget, { sni, alpn, ca }: TlsOptions): DenoTlsClientOptions {
  const options: DenoTlsClientOptions = { hostname: sni ?? nameOf(target) };
  if (alpn !== undefined) options.alpnProtocols = [...alpn];
  if (ca !== undefined) options.caCerts = typeof ca === "string" ? [ca] : [...ca];
  return options;
}

/** The name that the certificate must have. */
function nameOf(target: SocketTarget): string {
  if (!("kind" in target)) return target.hostname;
  if (target.kind === "inet") return target.address;
  throw unsupported(`Deno has TLS on TCP only, not on a connection of kind ${target.kind}`);
}

function unsupported(message: string): SocketError {
  return new SocketError(message, { code: "EPROTONOSUPPORT", syscall: "startTls" });
}
