/**
 * A socket of the WinterTC Sockets API (`cloudflare:sockets` and others) as a driver.
 *
 * @module
 */
import { SocketError } from "../../errors.ts";
import { InetAddress } from "../../inet_address.ts";
import type { TStreamDriver } from "../../driver_types.ts";
import type { TlsOptions, TsocketAddress } from "../../types.ts";
import { type ByteStreams, type FromStreamsOptions, WebStreamDriver } from "./stream_driver.ts";

/** What a WinterTC socket tells of itself. */
export interface WinterTcInfo {
  /** The peer, as `host:port`. */
  readonly remoteAddress?: string | null | undefined;
  /** Our own side, as `host:port`. */
  readonly localAddress?: string | null | undefined;
  /** Protocol chosen by ALPN. */
  readonly alpn?: string | null | undefined;
}

/** The part of the WinterTC `Socket` that a driver needs. */
export interface WinterTcSocket extends ByteStreams {
  /** Resolves when the connection stands. */
  readonly opened?: Promise<WinterTcInfo> | undefined;
  /** Closes both sides. */
  close?(reason?: unknown): Promise<unknown>;
  /** Starts TLS; the result is the socket from then on. Gets all of our options, whichever of them it knows. */
  startTls?(options?: TlsOptions): WinterTcSocket;
}

/**
 * A driver over a WinterTC socket: resolves when that is open, rejects with a {@linkcode SocketError} when it never is,
 * and with a `TypeError` when a stream of it is locked. Then the socket is closed. It should have been made with `allowHalfOpen`, else the peer's end is the end of both sides.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { fromSocket, StreamSocket, streamPair } from "@leat/streams/tsocket";
 *
 * const [winterTc, peer] = streamPair({ stream: { allowHalfOpen: true } });
 * const socket = new StreamSocket(await fromSocket(winterTc));
 * const written = socket.writev([Uint8Array.of(1, 2, 3)]);
 * const bytes = new Uint8Array(3);
 * await peer.readv([bytes]);
 * assertEquals([await written, bytes], [3, Uint8Array.of(1, 2, 3)]);
 * await Promise.all([socket.close(), peer.close()]);
 * ```
 */
export async function fromSocket(socket: WinterTcSocket, signal?: AbortSignal): Promise<TStreamDriver> {
  try {
    return driverOf(socket, await untilOpen(socket, signal));
  } catch (error) {
    quietly(socket);
    throw error;
  }
}

function driverOf(socket: WinterTcSocket, info: WinterTcInfo): TStreamDriver {
  const options: FromStreamsOptions = {
    localAddress: addressOf(info.localAddress),
    remoteAddress: addressOf(info.remoteAddress),
    alpn: info.alpn,
  };
  const driver: TStreamDriver & WebStreamDriver = new WebStreamDriver(socket, options, () => quietly(socket));
  const { startTls } = socket;
  if (startTls === undefined) return driver;
  return Object.assign(driver, {
    async startTls(tls: TlsOptions, tlsSignal: AbortSignal): Promise<TStreamDriver> {
      if (driver.release()) return await fromSocket(startTls.call(socket, tls), tlsSignal);
      throw new SocketError("bytes were read before TLS, or something is under way", {
        code: "EINVAL",
        syscall: "startTls",
      });
    },
  });
}

/** Waits for the socket. */
async function untilOpen(socket: WinterTcSocket, signal: AbortSignal | undefined): Promise<WinterTcInfo> {
  signal?.throwIfAborted();
  if (socket.opened === undefined) return {};
  let stop: (() => void) | undefined;
  try {
    return await new Promise<WinterTcInfo>((resolve, reject) => {
      stop = () => reject(signal!.reason);
      signal?.addEventListener("abort", stop);
      socket.opened!.then((info) => resolve(info ?? {}), (cause) => reject(openError(cause)));
    });
  } finally {
    if (stop !== undefined) signal?.removeEventListener("abort", stop);
  }
}

/** Closes the socket, which has nobody to tell how that went. */
async function quietly(socket: WinterTcSocket): Promise<void> {
  try {
    await socket.close?.();
  } catch { /* the socket fails the way it likes */ }
}

function openError(cause: unknown): SocketError {
  if (cause instanceof SocketError) return cause;
  return new SocketError("the socket could not be opened", { code: "ECONNREFUSED", syscall: "connect", cause });
}

/** Runtimes differ in what they write here; a text that is no numeric address says nothing we could use. */
function addressOf(text: string | null | undefined): TsocketAddress | undefined {
  if (text === null || text === undefined) return undefined;
  try {
    return InetAddress.parse(text);
  } catch {
    return undefined;
  }
}
