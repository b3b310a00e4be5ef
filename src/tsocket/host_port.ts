/**
 * The texts `host`, `host:port`, `[ipv6]` and `[ipv6]:port`, taken apart, and ports, checked.
 *
 * Not here: what a host is. A port is only split off behind brackets or behind the single colon of a text, since
 * `::1:80` is an IPv6 address as a whole.
 *
 * @module
 */
import { SocketError } from "./errors.ts";

/** Largest port. */
export const MAX_PORT = 65535;

/** Texts in messages are cut to this many characters. */
const MAX_QUOTED = 64;

/** A text taken apart; the parts are not checked yet. */
export interface HostPort {
  /** What is before the port, without brackets. */
  readonly host: string;
  /** Where the host starts in the text. */
  readonly hostAt: number;
  /** Whether the host was in brackets, and so has to be IPv6. */
  readonly isBracketed: boolean;
  /** The port, `undefined` where there is none. */
  readonly port: number | undefined;
}

/** Quotes a text for a message. */
export function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text);
}

/** The error for a wrong address: which text, what about it, and where in it (in UTF-16 units). */
export function badAddress(text: string, why: string, offset: number, code = "EINVAL"): SocketError {
  return new SocketError(`bad address ${quote(text)}: ${why} (at offset ${offset})`, { code, offset });
}

/**
 * Takes a text apart.
 *
 * @throws {SocketError} `EINVAL` for brackets that are not closed, for what follows them, and for a wrong port
 */
export function splitHostPort(text: string): HostPort {
  if (text.startsWith("[")) return splitBracketed(text);
  const colon = text.indexOf(":");
  if (colon === -1 || text.includes(":", colon + 1)) {
    return { host: text, hostAt: 0, isBracketed: false, port: undefined };
  }
  return { host: text.slice(0, colon), hostAt: 0, isBracketed: false, port: parsePort(text, colon + 1) };
}

function splitBracketed(text: string): HostPort {
  const end = text.indexOf("]");
  if (end === -1) throw badAddress(text, "the bracket is not closed", 0);
  const host = text.slice(1, end);
  if (end + 1 === text.length) return { host, hostAt: 1, isBracketed: true, port: undefined };
  if (text[end + 1] !== ":") throw badAddress(text, "only a colon and a port may follow the bracket", end + 1);
  return { host, hostAt: 1, isBracketed: true, port: parsePort(text, end + 2) };
}

/** The port that a text ends with: decimal digits without sign, spaces or leading zeros. */
function parsePort(text: string, at: number): number {
  const digits = text.slice(at);
  if (digits === "") throw badAddress(text, "the port is missing after the colon", at);
  if (!/^(0|[1-9][0-9]{0,4})$/.test(digits) || Number(digits) > MAX_PORT) {
    throw badAddress(text, `the port must be a decimal number from 0 to ${MAX_PORT}`, at);
  }
  return Number(digits);
}

/**
 * Returns a port that is one.
 *
 * @throws {SocketError} `EINVAL` for anything but an integer from 0 to 65535
 */
export function checkPort(port: number): number {
  if (Number.isInteger(port) && port >= 0 && port <= MAX_PORT) return port;
  const got = typeof port === "number" ? String(port) : typeof port;
  throw new SocketError(`a port must be an integer from 0 to ${MAX_PORT}, got ${got}`, { code: "EINVAL" });
}
