/**
 * TLS over an open socket, as client and as server; everything with TLS goes through here, so that connecting, the
 * handshake and resetting can be handled apart.
 *
 * What it does not do: a connection that ends without `close_notify` looks like one that ended in order, since the
 * runtimes do not tell; protocols over TLS must know themselves where their messages end.
 *
 * @module
 */
import { isIP, type Socket } from "node:net";
import { connect, createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { SocketError } from "../../errors.ts";
import type { TlsOptions, TsocketAddress } from "../../types.ts";
import { codeOf } from "./error_codes.ts";

/** What a handshake needs. */
export interface HandshakeOptions {
  /** The whole of TLS's options. */
  tls: TlsOptions;
  /** Name or numeric address of the server, for clients. */
  host?: string | undefined;
  /** The peer, for errors. */
  peer: TsocketAddress | undefined;
  /** Time for the handshake in milliseconds; without end by default. */
  timeoutMs?: number | undefined;
}

/** Codes that tell of the connection, not of TLS. */
const CONNECTION_CODES: ReadonlySet<string> = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT"]);

const UNTRUSTED = "the certificate is of no authority that is trusted; tls.ca names others";

/** What the codes of the commonest failures mean, and what to do. */
const WORDS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_HAS_EXPIRED: "the certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for other names than the one asked for, which sni sets",
  ERR_SSL_WRONG_VERSION_NUMBER: "the peer does not speak TLS",
};

/**
 * Does a handshake as client.
 *
 * @throws {SocketError} `EPROTO` with the cause, or what broke the connection; the socket is freed then
 */
export function clientHandshake(raw: Socket, options: HandshakeOptions, signal: AbortSignal): Promise<TLSSocket> {
  return handshake(raw, options, signal, "secureConnect", () => {
    const { sni, alpn, ca, cert, key } = options.tls;
    const name = sni ?? options.host;
    if (name === undefined) throw localError("TLS needs a name to check the certificate against: set sni");
    return connect({
      socket: raw,
      host: name,
      servername: sni === null || isIP(name) !== 0 ? "" : name,
      ...(alpn === undefined || alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
      ...(ca === undefined ? {} : { ca: typeof ca === "string" ? ca : [...ca] }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
  });
}

/**
 * Does a handshake as server.
 *
 * @throws {SocketError} as {@linkcode clientHandshake}
 */
export function serverHandshake(
  raw: Socket,
  secureContext: SecureContext,
  options: HandshakeOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  return handshake(raw, options, signal, "secure", () => {
    const { alpn } = options.tls;
    const ALPNProtocols = alpn === undefined || alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] };
    const socket = new TLSSocket(raw, { isServer: true, secureContext, ...ALPNProtocols });
    // without tls.Server, errors after the handshake are told by this event only
    socket.on("_tlsError", (error: Error) => socket.destroy(error));
    return socket;
  });
}

/**
 * Certificate and key of a server.
 *
 * @throws {SocketError} `EINVAL` without them, or when they do not fit
 */
export function serverContext(tls: TlsOptions): SecureContext {
  const { ca, cert, key } = tls;
  if (cert === undefined || key === undefined) throw localError("a TLS server needs cert and key");
  try {
    return createSecureContext({
      cert,
      key,
      ...(ca === undefined ? {} : { ca: typeof ca === "string" ? ca : [...ca] }),
    });
  } catch (thrown) {
    throw localError("certificate, key or authorities cannot be used", thrown);
  }
}

/** Protocol that was agreed on. */
export function alpnOf(socket: TLSSocket): string | null {
  return typeof socket.alpnProtocol === "string" && socket.alpnProtocol !== "" ? socket.alpnProtocol : null;
}

function handshake(
  raw: Socket,
  options: HandshakeOptions,
  signal: AbortSignal,
  doneEvent: string,
  make: () => TLSSocket,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    let socket: TLSSocket;
    try {
      signal.throwIfAborted();
      socket = make();
    } catch (thrown) {
      raw.destroy();
      const isOurs = thrown instanceof SocketError || signal.aborted;
      return reject(isOurs ? thrown : localError("certificate, key or authorities cannot be used", thrown));
    }
    let failure: unknown;
    const fail = (reason: unknown): void => {
      failure ??= reason;
      // the socket beneath only after it, or Node may crash
      socket.destroy();
    };
    const onError = (error: unknown): void => fail(tlsError(error, options.peer));
    const onAbort = (): void => fail(signal.reason);
    const timer = options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => fail(lateError(options)), options.timeoutMs).unref();
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.off(doneEvent, onDone).off("end", onEnd).off("close", onClose);
    };
    // half-open as the socket is, it would wait for more for ever
    const onEnd = (): void => fail(tlsError({ code: "ECONNRESET" }, options.peer));
    const onDone = (): void => {
      if (failure !== undefined) return;
      settle();
      socket.off("error", onError);
      resolve(socket);
    };
    const onClose = (): void => {
      settle();
      raw.destroy();
      reject(failure ?? tlsError({ code: "ECONNRESET" }, options.peer));
    };
    socket.pause();
    socket.on("error", onError).on(doneEvent, onDone).on("end", onEnd).on("close", onClose);
    signal.addEventListener("abort", onAbort);
  });
}

function tlsError(cause: unknown, peer: TsocketAddress | undefined): SocketError {
  const code = codeOf(cause);
  const address = peer === undefined ? {} : { address: peer };
  const where = peer === undefined ? "" : ` with ${peer.toHostPort()}`;
  if (CONNECTION_CODES.has(code)) {
    return new SocketError(`the connection ended during the TLS handshake${where} (${code})`, {
      code,
      syscall: "handshake",
      cause,
      ...address,
    });
  }
  const { code: reason } = cause as { code?: unknown };
  const words = typeof reason === "string" ? WORDS[reason] : undefined;
  const text = typeof reason === "string" ? reason : "unknown reason";
  return new SocketError(
    `the TLS handshake${where} failed: ${words === undefined ? text : `${words} (${text})`}`,
    {
      code: "EPROTO",
      syscall: "handshake",
      cause,
      ...address,
    },
  );
}

function lateError(options: HandshakeOptions): SocketError {
  return new SocketError(`no TLS handshake within ${options.timeoutMs} ms`, {
    code: "ETIMEDOUT",
    syscall: "handshake",
    ...(options.peer === undefined ? {} : { address: options.peer }),
  });
}

function localError(message: string, cause?: unknown): SocketError {
  return new SocketError(message, { code: "EINVAL", blame: "local", syscall: "handshake", cause });
}
