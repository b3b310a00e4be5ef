/**
 * Addresses of TCP and UDP: a numeric IPv4 or IPv6 address and a port.
 *
 * Not here: host names. Those are `{ hostname, port }`, and left to the runtime's resolver.
 *
 * @module
 */
import { hashText } from "./address_hash.ts";
import { SocketError } from "./errors.ts";
import { badAddress, checkPort, quote, splitHostPort } from "./host_port.ts";
import { checkZone, type InetLiteral, isDottedDecimal, readLiteral } from "./inet_literal.ts";
import type { TsocketAddress } from "./types.ts";
import { typeName } from "../core/words.ts";

/** Which version an address may have: `ip` is either. Upper and lower case are the same. */
export type InetFamily = "ip" | "ipv4" | "ipv6";

/** Options of {@linkcode InetAddress.parse}. */
export interface InetParseOptions {
  /**
   * Version that the address has to have.
   *
   * @default {"ip"}
   */
  family?: InetFamily | Uppercase<InetFamily> | "IPv4" | "IPv6" | undefined;
  /**
   * Port where the text has none.
   *
   * @default {0}
   */
  defaultPort?: number | undefined;
}

/** Options of {@linkcode InetAddress.equals}. */
export interface InetEqualsOptions {
  /**
   * Take addresses as equal that only differ in the zone: some runtimes lose it.
   *
   * @default {false}
   */
  ignoreZone?: boolean | undefined;
}

const MAPPED_PREFIX = "::ffff:";

/**
 * A numeric address and a port. Immutable.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { InetAddress } from "@leat/streams/tsocket";
 *
 * const address = InetAddress.parse("[2001:DB8::0:1]:443");
 * assertEquals([address.family, address.address, address.port], ["ipv6", "2001:db8::1", 443]);
 * assertEquals(address.withPort(80).toHostPort(), "[2001:db8::1]:80");
 * assertEquals(InetAddress.from("192.0.2.1", 53).key, InetAddress.parse("192.0.2.1:53").key);
 * ```
 */
export class InetAddress {
  /** Tells the kinds of addresses apart. */
  readonly kind: "inet" = "inet";
  /** Version of the protocol. */
  readonly family: "ipv4" | "ipv6";
  /** The address alone: dotted decimal, or as RFC 5952 writes IPv6. Neither zone nor brackets. */
  readonly address: string;
  /** Port, 0 where none was named. */
  readonly port: number;
  /** Interface that an IPv6 address belongs to, by name or number, where it was named. */
  readonly zone: string | undefined;

  private constructor(literal: InetLiteral, port: number) {
    this.family = literal.family;
    this.address = literal.address;
    this.port = port;
    this.zone = literal.zone;
    Object.freeze(this);
  }

  /**
   * Reads `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]` or `[::1]:80`, each IPv6 address with a zone (`fe80::1%eth0`) if need
   * be. Without a text it is the address that stands for all of its family, `::` for `ip`.
   *
   * @throws {SocketError} `EINVAL` for anything else, with the offset, `EAFNOSUPPORT` for another family
   */
  static parse(text: string | undefined, options?: InetParseOptions): InetAddress {
    const family = familyOption(options?.family);
    const defaultPort = checkPort(options?.defaultPort ?? 0);
    if (text === undefined) return new InetAddress(wildcards[family], defaultPort);
    if (typeof text !== "string") throw notText(text);
    const { host, hostAt, isBracketed, port } = splitHostPort(text);
    const literal = readLiteral(text, hostAt, hostAt + host.length, isBracketed);
    if (family !== "ip" && literal.family !== family) {
      throw badAddress(text, `${family} was asked for, not ${literal.family}`, hostAt);
    }
    return new InetAddress(literal, port ?? defaultPort);
  }

  /**
   * Makes an address from its parts. The zone may stand in the address too (`fe80::1%eth0`), as runtimes report it.
   *
   * @throws {SocketError} `EINVAL` when the address is not numeric, the port none, or the zone wrong or in the wrong place
   */
  static from(address: string, port: number, zone?: string): InetAddress {
    if (typeof address !== "string") throw notText(address);
    checkPort(port);
    const literal = readLiteral(address);
    if (zone === undefined || zone === literal.zone) return new InetAddress(literal, port);
    if (literal.family === "ipv4") throw badAddress(address, "only IPv6 addresses have zones", 0);
    if (literal.zone !== undefined) {
      throw badAddress(address, `it names another zone than ${quote(zone)}`, address.indexOf("%"));
    }
    return new InetAddress({ ...literal, zone: checkZone(zone) }, port);
  }

  /** Text that equal addresses have in common and others have not, for a `Map`. */
  get key(): string {
    return this.toString();
  }

  /** Whether it is of the given family: `ip`, `ipv4` or `ipv6`, in any case. */
  is(family: string): boolean {
    const wanted = family.toLowerCase();
    return wanted === "ip" || wanted === this.family;
  }

  /**
   * The same address with another port.
   *
   * @throws {SocketError} `EINVAL` when it is not an integer from 0 to 65535
   */
  withPort(port: number): InetAddress {
    return new InetAddress(this, checkPort(port));
  }

  /** The IPv4 address within an IPv4-mapped one (`::ffff:1.2.3.4`); any other address itself. */
  unmapped(): InetAddress {
    if (!this.address.startsWith(MAPPED_PREFIX)) return this;
    const address = this.address.slice(MAPPED_PREFIX.length);
    // others begin like that too: ::ffff:1:2:3
    return isDottedDecimal(address) ? new InetAddress({ family: "ipv4", address, zone: undefined }, this.port) : this;
  }

  /** Whether both are the same address and port. An IPv4 address and its IPv4-mapped form are not. */
  equals(other: TsocketAddress, options?: InetEqualsOptions): boolean {
    return other.kind === "inet" && this.port === other.port && this.address === other.address &&
      (options?.ignoreZone === true || this.zone === other.zone);
  }

  /** A number of 32 bits that equal addresses have in common. */
  hash(seed?: number): number {
    return hashText(this.key, seed);
  }

  /** The text that {@linkcode InetAddress.parse} reads: `1.2.3.4:80`, `[::1]:80`, `[fe80::1%eth0]:80`. */
  toHostPort(): string {
    return this.family === "ipv4"
      ? `${this.address}:${this.port}`
      : `[${this.address}${this.#zoneText()}]:${this.port}`;
  }

  /** Text for people: `ipv4:1.2.3.4:80`, `ipv6:[::1]:80`. Not for parsing. */
  toString(): string {
    return `${this.family}:${this.toHostPort()}`;
  }

  /** A zone that begins with 25 would be read as an escaped percent sign, so that one is escaped. */
  #zoneText(): string {
    if (this.zone === undefined) return "";
    return this.zone.startsWith("25") ? `%25${this.zone}` : `%${this.zone}`;
  }
}

const wildcards: Readonly<Record<InetFamily, InetLiteral>> = {
  ip: { family: "ipv6", address: "::", zone: undefined },
  ipv4: { family: "ipv4", address: "0.0.0.0", zone: undefined },
  ipv6: { family: "ipv6", address: "::", zone: undefined },
};

function familyOption(family: string | undefined): InetFamily {
  if (family === undefined) return "ip";
  const wanted = String(family).toLowerCase();
  if (wanted === "ip" || wanted === "ipv4" || wanted === "ipv6") return wanted;
  throw new SocketError(`a family must be ip, ipv4 or ipv6, got ${quote(String(family))}`, { code: "EAFNOSUPPORT" });
}

function notText(value: unknown): SocketError {
  return new SocketError(`an address must be a string, got ${typeName(value)}`, {
    code: "EINVAL",
  });
}
