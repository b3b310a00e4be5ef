/**
 * Validation of the options of `connect`, `listen` and `dgram`, before anything is opened.
 *
 * What is wrong whatever the network does throws at once. Limits of the sockets are checked by the sockets.
 *
 * @module
 */
import { choiceOption, limitOption } from "../core/limits.ts";
import { checkAddress } from "./dgram_addressing.ts";
import { SocketError } from "./errors.ts";
import { InetAddress } from "./inet_address.ts";
import type { ConnectOptions, DgramOptions, ListenOptions, SocketTarget } from "./option_types.ts";
import type { IoOptions, TlsOptions, TsocketAddress } from "./types.ts";

/** Longest name of a protocol in ALPN, in bytes (RFC 7301, section 3.1). */
const MAX_ALPN_BYTES = 255;

const SECURE_TRANSPORTS = ["off", "on", "starttls"] as const;

/**
 * Checks the options of `connect`. Returns them with all that concerns TLS in one place and in the old ones.
 *
 * @throws {TypeError} when an option is of a wrong type, or makes no sense together with another
 * @throws {RangeError} when one is out of its range
 * @throws {SocketError} `EINVAL` when the addresses do not fit
 */
export function checkedConnectOptions(target: SocketTarget, options: ConnectOptions): ConnectOptions {
  checkObject(options);
  checkIo(options);
  const { sni, alpn, tls, localAddress } = options;
  const secureTransport = choiceOption("secureTransport", options.secureTransport, "off", SECURE_TRANSPORTS);
  checkBooleans(options, ["allowHalfOpen", "failEarly", "noDelay"]);
  if (options.keepAliveMs !== undefined) limitOption("keepAliveMs", options.keepAliveMs, 0);
  if (localAddress !== undefined) checkLocalAddress(localAddress, target);
  if ("kind" in target && target.kind === "inet" || "hostname" in target) checkPeerPort(target.port, target);
  checkTls(tls);
  checkServerName(sni);
  checkProtocols("alpn", alpn);
  if (secureTransport === "off") {
    const used = sni !== undefined && sni !== null ? "sni" : alpn?.length ? "alpn" : tls === undefined ? "" : "tls";
    if (used !== "") throw new TypeError(`${used} needs secureTransport "on" or "starttls"`);
    return options;
  }
  return { ...options, secureTransport, ...mergedTls(options) };
}

/**
 * Checks the options of `listen`.
 *
 * @throws {TypeError} when an option is of a wrong type, or makes no sense together with another
 * @throws {RangeError} when one is out of its range
 * @throws {SocketError} `EINVAL` when the address does not fit
 */
export function checkListenOptions(target: SocketTarget, options: ListenOptions): void {
  checkObject(options);
  checkIo(options);
  checkBooleans(options, ["reusePort", "ipv6Only", "noDelay"]);
  if (options.stream !== undefined) {
    checkObject(options.stream, "stream");
    checkBooleans(options.stream, ["allowHalfOpen", "failEarly"]);
  }
  limitOption("backlog", options.backlog, 1);
  const isIpv4 = "kind" in target && target.kind === "inet" && target.family === "ipv4";
  if (options.ipv6Only === true && isIpv4) throw new SocketError(`ipv6Only cannot listen on ${target}`, INVALID);
  const { tls } = options;
  if (tls === undefined) return;
  checkTls(tls);
  if (tls.cert === undefined) throw new TypeError("tls of listen needs a cert and a key");
  if (tls.sni !== undefined && tls.sni !== null) throw new TypeError("tls.sni is for clients only");
}

/**
 * Checks the options of `dgram`.
 *
 * @throws {TypeError} when an option is of a wrong type
 * @throws {RangeError} when one is out of its range
 * @throws {SocketError} `EINVAL` when the addresses do not fit
 */
export function checkDgramOptions(options: DgramOptions): void {
  checkObject(options);
  checkIo(options);
  checkBooleans(options, ["reuseAddress", "reusePort", "ipv6Only", "broadcast"]);
  for (const name of ["recvBufferSize", "sendBufferSize"] as const) checkBufferSize(name, options[name]);
  const { localAddress: local, remoteAddress: remote } = options;
  checkAddress("localAddress", local);
  checkAddress("remoteAddress", remote);
  if (remote?.kind === "inet") checkPeerPort(remote.port, remote);
  const isIpv4 = local?.kind === "inet" && local.family === "ipv4";
  if (options.ipv6Only === true && isIpv4) throw new SocketError(`ipv6Only cannot bind to ${local}`, INVALID);
  if (local !== undefined && remote !== undefined && !fit(local, remote)) {
    throw new SocketError(`a socket at ${local} cannot be connected with ${remote}`, { ...INVALID, address: remote });
  }
}

const INVALID = { code: "EINVAL" } as const;

function checkObject(options: unknown, name = "options"): void {
  if (typeof options !== "object" || options === null) throw new TypeError(`${name} must be an object`);
}

function checkIo({ signal, deadlineAt }: IoOptions): void {
  if (signal !== undefined && typeof (signal as AbortSignal | null)?.throwIfAborted !== "function") {
    throw new TypeError("signal must be an AbortSignal");
  }
  if (deadlineAt !== undefined && (typeof deadlineAt !== "number" || Number.isNaN(deadlineAt))) {
    throw new TypeError(`deadlineAt must be a number of milliseconds, got ${String(deadlineAt)}`);
  }
}

function checkBooleans<O extends object>(options: O, names: readonly (keyof O & string)[]): void {
  for (const name of names) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== "boolean") {
      throw new TypeError(`${name} must be true or false, got ${typeof value}`);
    }
  }
}

function checkBufferSize(name: string, size: number | undefined): void {
  if (limitOption(name, size, 1) > 0x7fffffff) throw new RangeError(`${name} must fit 31 bits, got ${size}`);
}

function checkPeerPort(port: number, target: SocketTarget): void {
  if (port !== 0) return;
  const where = "hostname" in target ? target.hostname : String(target);
  throw new SocketError(`port 0 of ${where} is nobody's: a peer has a port`, INVALID);
}

function checkLocalAddress(local: InetAddress, target: SocketTarget): void {
  if (!(local instanceof InetAddress)) throw new TypeError("localAddress must be an InetAddress");
  if ("hostname" in target || fit(local, target)) return;
  throw new SocketError(`${target} cannot be reached from ${local}`, { ...INVALID, address: target });
}

/** Whether one can reach the other, as far as their kinds and families say. */
function fit(local: TsocketAddress, remote: TsocketAddress): boolean {
  if (local.kind !== "inet" || remote.kind !== "inet") return local.kind === remote.kind;
  const [from, to] = [local.unmapped(), remote.unmapped()];
  // the address that stands for all of IPv6 stands for all of IPv4 as well
  return from.family === to.family || from.address === "::";
}

function checkTls(tls: TlsOptions | undefined): void {
  if (tls === undefined) return;
  checkObject(tls, "tls");
  checkServerName(tls.sni);
  checkProtocols("tls.alpn", tls.alpn);
  for (const name of ["cert", "key"] as const) checkPem(`tls.${name}`, tls[name]);
  const { ca } = tls;
  for (const one of Array.isArray(ca) ? ca as readonly unknown[] : [ca]) checkPem("tls.ca", one);
  if ((tls.cert === undefined) !== (tls.key === undefined)) throw new TypeError("tls.cert and tls.key need each other");
}

/** What is wrong with a text says its type only: it may be a key. */
function checkPem(name: string, text: unknown): void {
  if (text !== undefined && typeof text !== "string") {
    throw new TypeError(`${name} must be a PEM text, got ${typeof text}`);
  }
}

function checkServerName(sni: unknown): void {
  if (sni === undefined || sni === null) return;
  if (typeof sni !== "string" || sni === "") throw new TypeError("sni must be a name or null");
}

function checkProtocols(name: string, protocols: unknown): void {
  if (protocols === undefined) return;
  if (!Array.isArray(protocols)) throw new TypeError(`${name} must be an array of names`);
  for (const one of protocols as unknown[]) {
    if (typeof one !== "string") throw new TypeError(`${name} must be an array of names, got ${typeof one} in it`);
    const { length } = new TextEncoder().encode(one);
    if (length === 0 || length > MAX_ALPN_BYTES) {
      throw new RangeError(`names in ${name} must have 1 to ${MAX_ALPN_BYTES} bytes, got ${length}`);
    }
  }
}

/** A driver finds the server's name and the protocols wherever it looks. */
function mergedTls({ sni, alpn, tls }: ConnectOptions): Pick<ConnectOptions, "sni" | "alpn" | "tls"> {
  if (isGiven(sni) && isGiven(tls?.sni) && sni !== tls?.sni) throw new TypeError("sni and tls.sni differ");
  const merged = { sni: sni ?? tls?.sni, alpn: alpn ?? tls?.alpn };
  return { ...merged, tls: { ...tls, ...merged } };
}

function isGiven<T>(value: T): boolean {
  return value !== undefined && value !== null;
}
