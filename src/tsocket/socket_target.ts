/**
 * Where a socket shall go, as callers write it, turned into an address or a host name that a resolver may have.
 *
 * The texts are those of the WinterTC Sockets API. Paths are never texts: {@linkcode UnixAddress} says what they are.
 *
 * @module
 */
import { SocketError } from "./errors.ts";
import { checkHostName } from "./host_name.ts";
import { badAddress, checkPort, quote, splitHostPort } from "./host_port.ts";
import { InetAddress } from "./inet_address.ts";
import { isDottedDecimal } from "./inet_literal.ts";
import { checkPlatform, PipeAddress, UnixAddress, VirtualAddress } from "./local_address.ts";
import { type Platform, platformOption } from "./platform.ts";
import type { AnySocketAddress, SocketTarget } from "./option_types.ts";
import type { TsocketAddress } from "./types.ts";
import { typeName } from "../core/words.ts";

/**
 * Checks `host:port`, `{ hostname, port }` or an address. Numeric hosts become an {@linkcode InetAddress}; names are
 * checked for what no resolver can know, and copied. With a platform, addresses are checked against it as well.
 *
 * @throws {SocketError} (a `TypeError`) `EINVAL`, `ENAMETOOLONG` or `EAFNOSUPPORT`, with the offset in a text
 */
export function toSocketTarget(any: AnySocketAddress, platform?: Platform): SocketTarget {
  if (typeof any === "string") return targetOfText(any);
  if (isTsocketAddress(any)) {
    if (platform !== undefined) checkPlatform(any, platformOption(platform, "linux"));
    return any;
  }
  if (typeof any === "object" && any !== null && "hostname" in any) return targetOfParts(any.hostname, any.port);
  throw new SocketError("an address must be a string, { hostname, port }, or an address object", { code: "EINVAL" });
}

/** Whether it is an address of one of the four kinds. */
export function isTsocketAddress(value: unknown): value is TsocketAddress {
  return value instanceof InetAddress || value instanceof UnixAddress || value instanceof PipeAddress ||
    value instanceof VirtualAddress;
}

function targetOfText(text: string): SocketTarget {
  if (/^(?:unix:)?\//.test(text)) {
    throw badAddress(text, "it is a path, not host:port: hand in UnixAddress.from(path)", 0);
  }
  const { host, hostAt, isBracketed, port } = splitHostPort(text);
  if (port === undefined) {
    throw badAddress(text, isBracketed ? "it has no port" : hintAt(host), text.length);
  }
  if (isBracketed || isDottedDecimal(host)) return InetAddress.parse(text);
  checkHostName(host, text, hostAt);
  return Object.freeze({ hostname: host, port });
}

/** What is wrong with a text that has no port behind a single colon. */
function hintAt(host: string): string {
  if (host.includes("://")) return "it is a URL, not host:port";
  if (/^(ipv4|ipv6|unix|pipe|virtual):/.test(host)) {
    return "it is an address as text: hand in the address, or its toHostPort()";
  }
  return host.includes(":") ? "an IPv6 address needs brackets before the port" : "it has no port";
}

function targetOfParts(hostname: unknown, port: number): SocketTarget {
  if (typeof hostname !== "string") {
    throw new SocketError(`hostname must be a string, got ${typeName(hostname)}`, {
      code: "EINVAL",
    });
  }
  checkPort(port);
  // URL.hostname has brackets
  if (hostname.startsWith("[")) return addressInBrackets(hostname, port);
  if (hostname.includes(":") || isDottedDecimal(hostname)) return InetAddress.from(hostname, port);
  checkHostName(hostname, hostname, 0);
  return Object.freeze({ hostname, port });
}

function addressInBrackets(hostname: string, port: number): InetAddress {
  if (!hostname.endsWith("]")) {
    throw badAddress(hostname, `the port belongs into the member port, which is ${quote(String(port))}`, 0);
  }
  return InetAddress.parse(hostname).withPort(port);
}
