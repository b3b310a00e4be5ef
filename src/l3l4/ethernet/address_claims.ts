/**
 * How a port comes to its own addresses and keeps them: RFC 5227 for IPv4, RFC 4862 section 5.4 for IPv6.
 *
 * With `"probe"`, others are asked whether they have the address before anything is sent; an address that somebody has, or
 * tries to get at the same time, is given up. One that is held is defended by an announcement, at most every ten seconds
 * (RFC 5227 section 2.4 (c)), and every claim of another is told.
 *
 * @module
 */
import { type Timed, TimerQueue } from "../../core/timer_queue.ts";
import type { AddressPrefix } from "./address_prefix.ts";

/** Times of RFC 5227 section 1.1, in milliseconds. */
const PROBE_WAIT = 1000;
const PROBE_MIN = 1000;
const PROBE_MAX = 2000;
const ANNOUNCE_WAIT = 2000;
const ANNOUNCE_INTERVAL = 2000;
const DEFEND_INTERVAL = 10_000;
/** Counts of the same. */
const PROBE_NUM = 3;
const ANNOUNCE_NUM = 2;
/** DupAddrDetectTransmits of RFC 4862. */
const SOLICITATION_NUM = 1;

/** What a claim needs of the port. */
export interface ClaimHost {
  /** How addresses are taken. */
  readonly claim: "none" | "announce" | "probe";
  /** Time between neighbour solicitations. */
  readonly retransmitMs: number;
  /** Asks whether somebody has the address. */
  probe(address: Uint8Array): void;
  /** Tells that it is ours. */
  announce(address: Uint8Array): void;
  /** Another station claims the address; with `isLost`, it was given up for it. */
  conflict(network: AddressPrefix, mac: Uint8Array, isLost: boolean): void;
  /** A number from 0 up to 1. */
  fraction(): number;
}

/** All own addresses of a port. */
export class AddressClaims {
  /** Timers of the claims. */
  readonly timers: TimerQueue = new TimerQueue();
  readonly #claims: Claim[];

  /** Claims addresses; the first timeout is due at once. */
  constructor(host: ClaimHost, networks: readonly AddressPrefix[]) {
    this.#claims = networks.map((network) => new Claim(host, network));
    for (const claim of this.#claims) this.timers.update(claim);
  }

  /** Whether no address is being asked for. */
  get areSettled(): boolean {
    return !this.#claims.some(({ isTentative }) => isTentative);
  }

  /** Whether the address may be answered for: anything but an own address that is being asked for. */
  isSettled(bytes: Uint8Array, at: number, size: number): boolean {
    return this.#find(bytes, at, size)?.isTentative !== true;
  }

  /** Another station asks whether an address is free: whether it is one that we ask for, too, and now give up. */
  probed(bytes: Uint8Array, at: number, size: number, mac: Uint8Array, macAt: number, now: number): boolean {
    const claim = this.#find(bytes, at, size);
    if (claim === undefined || !claim.isTentative) return false;
    this.#conflict(claim, mac.slice(macAt, macAt + 6), now);
    return true;
  }

  /** Another station has an own address of ours. */
  conflict(bytes: Uint8Array, at: number, size: number, mac: Uint8Array, macAt: number, now: number): void {
    const claim = this.#find(bytes, at, size);
    if (claim !== undefined) this.#conflict(claim, mac.slice(macAt, macAt + 6), now);
  }

  #conflict(claim: Claim, mac: Uint8Array, now: number): void {
    if (claim.isTentative) this.#claims.splice(this.#claims.indexOf(claim), 1);
    claim.conflict(mac, now);
    this.timers.update(claim);
  }

  #find(bytes: Uint8Array, at: number, size: number): Claim | undefined {
    for (const claim of this.#claims) {
      if (claim.network.is(bytes, at, size)) return claim;
    }
    return undefined;
  }
}

/** One of them. */
class Claim implements Timed {
  queuedAt = Infinity;
  queueIndex = -1;
  readonly network: AddressPrefix;
  readonly #host: ClaimHost;
  readonly #isIpv4: boolean;
  #phase: "waiting" | "probing" | "announcing" | "held" | "lost";
  #count = 0;
  #dueAt = 0;
  #defendedAt = -Infinity;

  constructor(host: ClaimHost, network: AddressPrefix) {
    this.#host = host;
    this.network = network;
    this.#isIpv4 = network.address.length === 4;
    const phases = { none: "held", announce: "announcing", probe: "waiting" } as const;
    this.#phase = phases[host.claim];
  }

  get isTentative(): boolean {
    return this.#phase === "waiting" || this.#phase === "probing";
  }

  timeoutAt(): number {
    return this.#phase === "held" || this.#phase === "lost" ? Infinity : this.#dueAt;
  }

  onTimeout(now: number): void {
    if (this.#phase === "waiting") {
      this.#phase = "probing";
      this.#dueAt = now + this.#host.fraction() * PROBE_WAIT;
    } else if (this.#phase === "probing" && this.#count < this.#probes) {
      this.#host.probe(this.network.address);
      this.#count++;
      this.#dueAt = now + this.#pause();
    } else {
      if (this.#phase === "probing") this.#count = 0;
      this.#phase = "announcing";
      this.#announce(now);
    }
  }

  conflict(mac: Uint8Array, now: number): void {
    const isLost = this.isTentative;
    if (isLost) {
      this.#phase = "lost";
    } else if (now >= this.#defendedAt + DEFEND_INTERVAL) {
      this.#defendedAt = now;
      this.#host.announce(this.network.address);
    }
    this.#host.conflict(this.network, mac, isLost);
  }

  get #probes(): number {
    return this.#isIpv4 ? PROBE_NUM : SOLICITATION_NUM;
  }

  /** How long to listen after a probe. */
  #pause(): number {
    if (!this.#isIpv4) return this.#host.retransmitMs;
    if (this.#count === this.#probes) return ANNOUNCE_WAIT;
    return PROBE_MIN + this.#host.fraction() * (PROBE_MAX - PROBE_MIN);
  }

  #announce(now: number): void {
    this.#host.announce(this.network.address);
    this.#count++;
    this.#dueAt = now + ANNOUNCE_INTERVAL;
    if (this.#count >= ANNOUNCE_NUM) this.#phase = "held";
  }
}
