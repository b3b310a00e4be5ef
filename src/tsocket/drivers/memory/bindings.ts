/**
 * Who is bound where in a {@linkcode MemoryNetwork}: the part of a system's socket table that gives addresses out and
 * finds sockets by them.
 *
 * @module
 */
import { SocketError } from "../../errors.ts";
import type { InetAddress } from "../../inet_address.ts";
import type { TsocketAddress } from "../../types.ts";

/** Ports that are given out where none was named: those that IANA leaves free for it. */
const FIRST_EPHEMERAL_PORT = 49152;
const LAST_EPHEMERAL_PORT = 65535;

/** How a socket is bound. */
export interface BindOptions {
  /** Whether others that say the same may be bound to the same address. */
  readonly isShared: boolean;
  /** Whether the address that stands for all of IPv6 leaves IPv4 alone. */
  readonly isIpv6Only: boolean;
}

interface Bound<T> extends BindOptions {
  readonly address: TsocketAddress;
  readonly value: T;
}

/** Whether the address stands for all of its family. */
export function isWildcard(address: InetAddress): boolean {
  return address.address === "0.0.0.0" || address.address === "::";
}

/** Sockets of one kind by address. */
export class Bindings<T> {
  /** By port, which is what two addresses that concern each other have in common; others by their key. */
  readonly #table: Map<string | number, Bound<T>[]> = new Map();
  #nextPort: number = FIRST_EPHEMERAL_PORT;

  /**
   * Binds a socket and returns its address, with a port if it had none.
   *
   * @throws {SocketError} `EADDRINUSE`
   */
  bind(wanted: TsocketAddress, value: T, options: BindOptions): TsocketAddress {
    const address = wanted.kind === "inet" && wanted.port === 0 ? this.#withFreePort(wanted, options) : wanted;
    const bound = { ...options, address, value };
    if (this.#isTaken(bound)) {
      throw new SocketError(`${address.toHostPort()} is in use`, { code: "EADDRINUSE", syscall: "bind", address });
    }
    const place = placeOf(address);
    const others = this.#table.get(place);
    if (others === undefined) this.#table.set(place, [bound]);
    else others.push(bound);
    return address;
  }

  /** Gives an address back. */
  unbind(address: TsocketAddress, value: T): void {
    const place = placeOf(address);
    const rest = this.#table.get(place)?.filter((bound) => bound.value !== value) ?? [];
    if (rest.length === 0) this.#table.delete(place);
    else this.#table.set(place, rest);
  }

  /** Sockets to which something for `address` goes: those bound to it, else those bound to all of its family. */
  find(address: TsocketAddress): T[] {
    const candidates = this.#table.get(placeOf(address)) ?? [];
    if (address.kind !== "inet") return candidates.map(({ value }) => value);
    const exact = candidates.filter((bound) => isSame(bound.address, address));
    const found = exact.length > 0 ? exact : candidates.filter((bound) => covers(bound, address));
    return found.map(({ value }) => value);
  }

  /** All sockets of a port, whatever their address. */
  findPort(port: number): T[] {
    return (this.#table.get(port) ?? []).map(({ value }) => value);
  }

  #withFreePort(wanted: InetAddress, options: BindOptions): InetAddress {
    for (let tries = FIRST_EPHEMERAL_PORT; tries <= LAST_EPHEMERAL_PORT; tries++) {
      const address = wanted.withPort(this.#nextPort);
      this.#nextPort = this.#nextPort === LAST_EPHEMERAL_PORT ? FIRST_EPHEMERAL_PORT : this.#nextPort + 1;
      if (!this.#isTaken({ ...options, isShared: false, address })) return address;
    }
    throw new SocketError("all ports that are given out are in use", { code: "EADDRINUSE", syscall: "bind" });
  }

  #isTaken(wanted: BindOptions & { readonly address: TsocketAddress }): boolean {
    return this.#table.get(placeOf(wanted.address))?.some((bound) =>
      !(bound.isShared && wanted.isShared) && collide(bound, wanted)
    ) === true;
  }
}

function placeOf(address: TsocketAddress): string | number {
  return address.kind === "inet" ? address.port : address.key;
}

function collide(
  a: BindOptions & { readonly address: TsocketAddress },
  b: BindOptions & { readonly address: TsocketAddress },
): boolean {
  if (a.address.kind !== "inet" || b.address.kind !== "inet") return true;
  return isSame(a.address, b.address) || covers(a, b.address) || covers(b, a.address);
}

/** A zone that only one of both names is no difference: runtimes lose it. */
function isSame(a: TsocketAddress, b: InetAddress): boolean {
  if (a.kind !== "inet") return false;
  return a.unmapped().equals(b.unmapped(), { ignoreZone: a.zone === undefined || b.zone === undefined });
}

function covers(bound: BindOptions & { readonly address: TsocketAddress }, address: InetAddress): boolean {
  if (bound.address.kind !== "inet" || !isWildcard(bound.address)) return false;
  const { family } = address.unmapped();
  return bound.address.family === family || (bound.address.family === "ipv6" && !bound.isIpv6Only);
}
