/**
 * Numeric addresses with zones: reads them into canonical text, and says what is wrong with those that are none.
 *
 * Formats: RFC 4291 and RFC 5952 through the packet layer, zones after RFC 4007 section 11.
 *
 * @module
 */
import { formatAddress, parseAddress } from "../packet/address.ts";
import { badAddress } from "./host_port.ts";

/** Most characters of a zone; interface names have 15 at most, or are numbers. */
export const MAX_ZONE_LENGTH = 64;

/** A numeric address in canonical form. */
export interface InetLiteral {
  /** Version of the protocol. */
  readonly family: "ipv4" | "ipv6";
  /** Dotted decimal, or RFC 5952; without zone. */
  readonly address: string;
  /** Interface that the address belongs to. */
  readonly zone: string | undefined;
}

/**
 * Reads the numeric address that `text` holds from `at` to `end`.
 *
 * `%25` before a zone within brackets is the percent sign as URIs wrote it (RFC 6874).
 *
 * @throws {SocketError} `EINVAL`, with the offset in `text`
 */
export function readLiteral(text: string, at = 0, end: number = text.length, isBracketed = false): InetLiteral {
  const literal = at === 0 && end === text.length ? text : text.slice(at, end);
  if (isDottedDecimal(literal) && !isBracketed) return { family: "ipv4", address: literal, zone: undefined };
  const percent = literal.indexOf("%");
  const bare = percent === -1 ? literal : literal.slice(0, percent);
  if (!bare.includes(":")) {
    if (isBracketed) throw badAddress(text, "only an IPv6 address stands in brackets", at);
    if (percent !== -1 && isDottedDecimal(bare)) throw badAddress(text, "only IPv6 addresses have zones", at + percent);
    throw ipv4Fault(text, at, bare);
  }
  let bytes: Uint8Array;
  try {
    bytes = parseAddress(bare);
  } catch {
    throw ipv6Fault(text, at, bare);
  }
  const zone = percent === -1 ? undefined : readZone(text, at + percent + 1, end, isBracketed);
  return { family: "ipv6", address: formatAddress(bytes), zone };
}

/** Whether it is an IPv4 address. Those are their own canonical form: no leading zeros. */
export function isDottedDecimal(text: string): boolean {
  let dots = 0;
  let value = -1;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit === -2) {
      if (value === -1 || ++dots > 3) return false;
      value = -1;
    } else {
      if (digit < 0 || digit > 9 || value === 0) return false;
      value = value === -1 ? digit : value * 10 + digit;
      if (value > 255) return false;
    }
  }
  return dots === 3 && value !== -1;
}

function readZone(text: string, at: number, end: number, isBracketed: boolean): string {
  const isUri = isBracketed && text.startsWith("25", at) && end > at + 2;
  return checkZone(text.slice(isUri ? at + 2 : at, end), text, at);
}

/**
 * Returns a zone that may be one: visible ASCII but `%`, `/`, `:` and brackets.
 *
 * @throws {SocketError} `EINVAL` for other characters or none, `ENAMETOOLONG` for too many
 */
export function checkZone(zone: string, text: string = zone, at = 0): string {
  if (zone === "") throw badAddress(text, "the zone is empty", at);
  if (zone.length > MAX_ZONE_LENGTH) {
    throw badAddress(text, `a zone has at most ${MAX_ZONE_LENGTH} characters, not ${zone.length}`, at, "ENAMETOOLONG");
  }
  const bad = zone.search(/[^!-~]|[%/:[\]]/);
  if (bad !== -1) throw badAddress(text, "a zone is the name or number of an interface", at + bad);
  return zone;
}

function ipv4Fault(text: string, at: number, literal: string): Error {
  if (literal === "") return badAddress(text, "the address is empty", at);
  if (/[^0-9.]/.test(literal)) return badAddress(text, "not a numeric address, and names are not looked up here", at);
  const parts = literal.split(".");
  let offset = at;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) {
      return badAddress(text, "each part of an IPv4 address is a number from 0 to 255 without leading zeros", offset);
    }
    offset += part.length + 1;
  }
  return badAddress(text, `an IPv4 address has 4 parts, not ${parts.length}`, at);
}

function ipv6Fault(text: string, at: number, literal: string): Error {
  const twice = literal.indexOf("::", literal.indexOf("::") + 1);
  if (twice > literal.indexOf("::")) return badAddress(text, "'::' can stand in an IPv6 address only once", at + twice);
  let offset = at;
  for (const part of literal.split(":")) {
    if (!/^[0-9a-fA-F]{0,4}$/.test(part) && !isDottedDecimal(part)) {
      return badAddress(text, "each part of an IPv6 address has 1 to 4 hexadecimal digits", offset);
    }
    offset += part.length + 1;
  }
  return badAddress(text, "an IPv6 address has 8 parts, or fewer with '::'", at);
}
