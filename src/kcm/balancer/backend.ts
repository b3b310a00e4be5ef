/**
 * One backend: whether it gets requests, its share of them, and its connections.
 *
 * Theory of its health. It is up until `fall` failures in a row: connections that cannot be made, that break with requests
 * on them, that time out, and checks. Down, it gets nothing for a time that doubles from fall to fall; then checks begin, and
 * after `rise` good ones in a row it is up again, with a tenth of its share, which grows to the whole in `slowStartMs`.
 *
 * @module
 */
import type { BalancerSettings } from "./balancer_options.ts";
import type { CheckChannel } from "./check_channel.ts";
import { Histogram } from "./histogram.ts";
import type { SteeringTarget } from "../steering_policy.ts";
import { mix } from "./protocol.ts";
import type { SessionChannel } from "./session_channel.ts";
import type { SharedChannel } from "./shared_channel.ts";

/** A backend as it is configured. */
export interface BackendSpec {
  /** Its address as text, which is its identity. */
  readonly name: string;
  /** Its share among all. */
  readonly weight: number;
}

/** What of a backend is told when it changes. */
export type BackendEvent = "up" | "down" | "added" | "removed" | "gone";

/** Share that a backend begins with when it comes back. */
const FIRST_SHARE = 0.1;
/** Doublings of the time out. */
const MOST_DOUBLINGS = 5;
/** Until a lost connection is made anew: the first time, and at most. */
const RECONNECT_MS = 50;
const SLOWEST_RECONNECT_MS = 2000;

/** A backend and what is known of it. */
export class Backend implements SteeringTarget {
  /** Its address as text. */
  readonly name: string;
  /** A number of its name, so that keys are spread the same way by every balancer with the same backends. */
  readonly index: number;
  /** Its share, as it is configured. */
  share: number;
  /** Whether it gets requests. */
  isUp = true;
  /** Taken out of the configuration: gets nothing more. */
  isDraining = false;
  /** Connections that clients share. */
  readonly channels: SharedChannel[] = [];
  /** Connections of single clients. */
  readonly sessions: Set<SessionChannel> = new Set();
  /** The check under way. */
  check: CheckChannel | undefined;
  /** The channel whose turn it is. */
  turn = 0;
  /** Shared connections begun so far. */
  connects = 0;
  /** Requests handed to it. */
  requests = 0;
  /** Replies from it. */
  replies = 0;
  /** Connections that failed. */
  failures = 0;
  /** How often it fell. */
  falls = 0;
  /** How long replies took. */
  readonly latency: Histogram = new Histogram();
  readonly #settings: BalancerSettings;
  readonly #time: { readonly now: number };
  #failuresInRow = 0;
  #successesInRow = 0;
  #fallsInRow = 0;
  #slowUntil = -Infinity;
  #nextCheckAt = 0;
  #nextConnectAt = 0;
  #reconnects = 0;

  /** A backend that nothing is known of, which counts as up. */
  constructor(spec: BackendSpec, settings: BalancerSettings, time: { readonly now: number }) {
    const { now } = time;
    this.name = spec.name;
    this.share = spec.weight;
    this.#settings = settings;
    this.#time = time;
    this.#nextCheckAt = settings.checkIntervalMs === 0 ? Infinity : now + settings.checkIntervalMs;
    let seed = spec.name.length;
    for (let i = 0; i < spec.name.length; i++) seed = mix(seed ^ spec.name.charCodeAt(i));
    this.index = seed;
  }

  /** Requests under way on shared connections. */
  get outstanding(): number {
    let sum = 0;
    for (const channel of this.channels) sum += channel.outstanding;
    return sum;
  }

  /** Whether a request can be handed to it now. */
  get isReady(): boolean {
    return this.isUp && !this.isDraining && this.channels.some((channel) => channel.hasRoom);
  }

  /** The same, for policies. */
  get hasRoom(): boolean {
    return this.isReady;
  }

  /** How busy it is, for policies. */
  get load(): number {
    return this.outstanding + this.sessions.size;
  }

  /** Bytes that wait to be written to it. */
  get backlogBytes(): number {
    return this.channels.reduce((sum, { out }) => sum + out.bytes, 0);
  }

  /** Whether its share grows. */
  get isSlow(): boolean {
    return this.#time.now < this.#slowUntil;
  }

  /** Its share at this time. */
  get weight(): number {
    if (!this.isSlow) return this.share;
    const left = (this.#slowUntil - this.#time.now) / this.#settings.slowStartMs;
    return this.share * (FIRST_SHARE + (1 - FIRST_SHARE) * (1 - left));
  }

  /**
   * A shared connection with room; there is one when {@linkcode isReady}. By turns, or with a `lane` of 0 and above always
   * the same one for that, as long as it has room and none is made anew: two connections of a server overtake each other.
   */
  nextChannel(lane: number): SharedChannel | undefined {
    const { channels } = this;
    const { length } = channels;
    if (lane >= 0 && length > 1) return this.#channelOf(lane);
    for (let i = 0; i < length; i++) {
      this.turn = this.turn + 1 < length ? this.turn + 1 : 0;
      const channel = channels[this.turn];
      if (channel?.hasRoom) return channel;
    }
    return undefined;
  }

  /** Rendezvous hashing: when a connection goes, those of the others stay. */
  #channelOf(lane: number): SharedChannel | undefined {
    let best: SharedChannel | undefined;
    let bestScore = -1;
    for (const channel of this.channels) {
      const score = channel.hasRoom ? mix(lane ^ mix(channel.number)) : -1;
      if (score <= bestScore) continue;
      best = channel;
      bestScore = score;
    }
    return best;
  }

  /** Whether shared connections are to be made now. */
  isConnectDue(now: number): boolean {
    return this.isUp && !this.isDraining && now >= this.#nextConnectAt;
  }

  /** When the next check is due. */
  isCheckDue(now: number): boolean {
    return this.check === undefined && !this.isDraining && now >= this.#nextCheckAt;
  }

  /** A connection was made, or a request answered. */
  succeeded(): void {
    this.#failuresInRow = 0;
    this.#reconnects = 0;
  }

  /** A connection could not be made, or broke. Returns whether this made it fall. */
  failed(now: number): boolean {
    this.failures++;
    this.#nextConnectAt = now + Math.min(RECONNECT_MS * 2 ** this.#reconnects, SLOWEST_RECONNECT_MS);
    if (this.#reconnects < 10) this.#reconnects++;
    if (++this.#failuresInRow < this.#settings.fall || !this.isUp) return false;
    this.#fall(now);
    return true;
  }

  /** A check succeeded. Returns whether it is up again by this. */
  checkPassed(now: number): boolean {
    this.check = undefined;
    if (this.isUp) {
      this.#failuresInRow = 0;
      this.#nextCheckAt = this.#afterInterval(now);
      return false;
    }
    if (++this.#successesInRow < this.#settings.rise) {
      this.#nextCheckAt = now + Math.min(this.#settings.checkIntervalMs || Infinity, this.#settings.ejectMs);
      return false;
    }
    this.isUp = true;
    this.#failuresInRow = this.#successesInRow = this.#reconnects = 0;
    this.#nextConnectAt = now;
    this.#slowUntil = now + this.#settings.slowStartMs;
    this.#nextCheckAt = this.#afterInterval(now);
    return true;
  }

  /** A check failed. Returns whether it fell by this. */
  checkFailed(now: number): boolean {
    this.check = undefined;
    this.#successesInRow = 0;
    if (this.isUp) {
      this.#nextCheckAt = this.#afterInterval(now);
      return this.failed(now);
    }
    this.#leaveAlone(now);
    return false;
  }

  #fall(now: number): void {
    this.isUp = false;
    this.falls++;
    // one that holds out is forgiven
    if (now > this.#slowUntil) this.#fallsInRow = 0;
    this.#successesInRow = 0;
    this.#leaveAlone(now);
  }

  #leaveAlone(now: number): void {
    this.#nextCheckAt = now + this.#settings.ejectMs * 2 ** Math.min(this.#fallsInRow++, MOST_DOUBLINGS);
  }

  #afterInterval(now: number): number {
    return this.#settings.checkIntervalMs === 0 ? Infinity : now + this.#settings.checkIntervalMs;
  }
}
