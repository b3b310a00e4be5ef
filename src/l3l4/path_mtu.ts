/**
 * Largest packets that get through to where something was sent (RFC 1191, RFC 8201), as far as routers have said.
 *
 * Whether they are to be believed is up to those who know the flow (RFC 5927 section 7).
 *
 * @module
 */
import { addressKey } from "./flow_ends.ts";

/** RFC 8200 section 5: every link takes so much. */
export const IPV6_MIN_MTU = 1280;

/** RFC 1122 section 3.3.3: what every host takes; a path that takes less is not believed in. */
const IPV4_MIN_MTU = 576;

/** RFC 1191 section 7: what links are likely to take, for routers that don't say. */
const PLATEAUS = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006, IPV4_MIN_MTU];

/** Limits of {@linkcode PathMtus}. */
export interface PathMtuLimits {
  /** Destinations remembered; the one learnt first gives way. */
  readonly maxPathMtus: number;
  /** How long one is remembered. */
  readonly pathMtuMs: number;
}

interface Entry {
  readonly mtu: number;
  readonly expiresAt: number;
}

/** What is known of paths, by destination. */
export class PathMtus {
  /** Largest packet that the own link takes. */
  linkMtu: number;
  readonly #limits: PathMtuLimits;
  // insertion order is order of expiry
  readonly #entries: Map<number | string, Entry> = new Map();

  /** Knows nothing but the own link. */
  constructor(linkMtu: number, limits: PathMtuLimits) {
    this.linkMtu = linkMtu;
    this.#limits = limits;
  }

  /** Destinations remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** Largest packet that gets to the address of `length` bytes at `at`. */
  get(bytes: Uint8Array, at: number, length: 4 | 16): number {
    const own = length === 4 ? this.linkMtu : Math.max(this.linkMtu, IPV6_MIN_MTU);
    if (this.#entries.size === 0) return own;
    return Math.min(own, this.#entries.get(addressKey(bytes, at, length))?.mtu ?? own);
  }

  /**
   * What a router means that says `mtu` of a packet of `packetLength` bytes; -1 when that can't be or is no news.
   */
  judge(bytes: Uint8Array, at: number, length: 4 | 16, mtu: number, packetLength: number): number {
    const said = mtu === 0 && length === 4 ? PLATEAUS.find((plateau) => plateau < packetLength) ?? 0 : mtu;
    const least = length === 4 ? IPV4_MIN_MTU : IPV6_MIN_MTU;
    return said < least || said >= this.get(bytes, at, length) ? -1 : said;
  }

  /** Remembers what {@linkcode PathMtus.judge} found. */
  learn(bytes: Uint8Array, at: number, length: 4 | 16, mtu: number, now: number): void {
    const key = addressKey(bytes, at, length);
    const entries = this.#entries;
    entries.delete(key);
    if (entries.size >= this.#limits.maxPathMtus) {
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        break;
      }
    }
    if (this.#limits.maxPathMtus > 0) entries.set(key, { mtu, expiresAt: now + this.#limits.pathMtuMs });
  }

  /** When the next one is forgotten. */
  timeoutAt(): number {
    for (const { expiresAt } of this.#entries.values()) return expiresAt;
    return Infinity;
  }

  /** Forgets what is old: the path may have become wider. Whether there was anything. */
  onTimeout(now: number): boolean {
    const { size } = this.#entries;
    for (const [key, { expiresAt }] of this.#entries) {
      if (expiresAt > now) break;
      this.#entries.delete(key);
    }
    return this.#entries.size < size;
  }
}
