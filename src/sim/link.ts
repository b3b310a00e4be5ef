/**
 * A network link that does what networks do, in time that the test decides.
 *
 * One direction each; two of them make a cable. Packets keep their order unless `reordering` holds one back: jitter alone
 * spreads arrivals, as a queue does. The same seed and the same input give the same output on every runtime.
 *
 * @module
 */
import type { Stats } from "../core/engine.ts";
import { callbackOption, durationOption, limitOption, needNumber } from "../core/limits.ts";
import { SeededRandom } from "./seeded_random.ts";

/** What a {@linkcode Link} does to packets. Everything is off by default. */
export interface LinkOptions {
  /** Seed of all that is random. @default {1} */
  seed?: number | undefined;
  /** Milliseconds from one end to the other. @default {0} */
  delayMs?: number | undefined;
  /** Up to so many milliseconds more, evenly distributed. @default {0} */
  jitterMs?: number | undefined;
  /** Share of packets that get lost, from 0 to 1. @default {0} */
  loss?: number | undefined;
  /** Share of packets that are held back for `reorderMs`, so that later ones overtake them. @default {0} */
  reordering?: number | undefined;
  /** How long a packet is held back. @default {delayMs / 2, at least 1} */
  reorderMs?: number | undefined;
  /** Share of packets that arrive twice. @default {0} */
  duplication?: number | undefined;
  /** Share of packets in which one bit is turned over. @default {0} */
  corruption?: number | undefined;
  /** Bytes that the link takes in a millisecond. @default {Infinity} */
  bytesPerMs?: number | undefined;
  /** Packets that may wait for their turn to be sent, with a rate; more are dropped. @default {1000} */
  maxQueuedPackets?: number | undefined;
  /** Packets that may be under way at a time; more are dropped. @default {65536} */
  maxFlyingPackets?: number | undefined;
  /** Longest packet; longer ones are dropped. @default {Infinity} */
  mtu?: number | undefined;
  /** Drops the packets of the test's choice, by content, number (from 0) and time; besides `loss`. */
  drop?: ((packet: Uint8Array, number: number, now: number) => boolean) | undefined;
}

/** Where a {@linkcode Link} puts what arrives. */
export interface LinkSink {
  /** A packet has come through. */
  packet(bytes: Uint8Array, now: number): void;
}

/** Counters of a {@linkcode Link}. */
export interface LinkStats extends Stats {
  /** Packets put in. */
  readonly sent: number;
  /** Packets that came out, doubles included. */
  readonly delivered: number;
  /** Packets lost at random or by `drop`. */
  readonly lost: number;
  /** Packets that were too long. */
  readonly tooLong: number;
  /** Packets for which there was no room in the queue or in flight. */
  readonly overflowed: number;
  /** Packets that were doubled. */
  readonly duplicated: number;
  /** Packets held back. */
  readonly reordered: number;
  /** Packets damaged. */
  readonly corrupted: number;
}

interface Flying {
  readonly at: number;
  readonly number: number;
  readonly bytes: Uint8Array;
}

/**
 * One direction of a simulated link, as an engine.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Link } from "@leat/streams/testing";
 *
 * const arrived: number[] = [];
 * const link = new Link({ delayMs: 20 }, { packet: (_, now) => void arrived.push(now) });
 * link.push(new Uint8Array(100), 5);
 * assertEquals(link.timeoutAt(), 25);
 * link.onTimeout(25);
 * assertEquals(arrived, [25]);
 * ```
 */
export class Link {
  readonly #sink: LinkSink;
  readonly #random: SeededRandom;
  readonly #options: { readonly [K in Exclude<keyof LinkOptions, "seed" | "drop">]-?: number };
  readonly #drop: LinkOptions["drop"];
  readonly #heap: Flying[] = [];
  /** When packets that wait for the rate are through, oldest first, from `#waitingFrom` on. */
  #waiting: number[] = [];
  #waitingFrom = 0;
  #freeAt = 0;
  #lastAt = 0;
  #number = 0;
  #flown = 0;
  readonly #stats: { -readonly [K in keyof LinkStats]: number } = {
    sent: 0,
    delivered: 0,
    lost: 0,
    tooLong: 0,
    overflowed: 0,
    duplicated: 0,
    reordered: 0,
    corrupted: 0,
  };

  /**
   * Makes a link that delivers to `sink`.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: LinkOptions, sink: LinkSink) {
    const delayMs = durationOption("delayMs", options.delayMs, 0);
    this.#options = {
      delayMs,
      jitterMs: durationOption("jitterMs", options.jitterMs, 0),
      reorderMs: durationOption("reorderMs", options.reorderMs, Math.max(1, delayMs / 2)),
      loss: shareOption("loss", options.loss),
      reordering: shareOption("reordering", options.reordering),
      duplication: shareOption("duplication", options.duplication),
      corruption: shareOption("corruption", options.corruption),
      bytesPerMs: rateOption(options.bytesPerMs),
      maxQueuedPackets: limitOption("maxQueuedPackets", options.maxQueuedPackets, 1000),
      maxFlyingPackets: limitOption("maxFlyingPackets", options.maxFlyingPackets, 65_536),
      mtu: limitOption("mtu", options.mtu, Infinity),
    };
    this.#drop = callbackOption("drop", options.drop);
    const { seed = 1 } = options;
    needNumber("seed", seed);
    this.#random = new SeededRandom(seed);
    this.#sink = sink;
  }

  /** Puts a packet on the way. It is not copied, so it must not be changed before it has arrived. */
  push(packet: Uint8Array, now: number): void {
    const { loss, mtu, corruption, duplication, maxFlyingPackets } = this.#options;
    const number = this.#number++;
    this.#stats.sent++;
    if (packet.length > mtu) return void this.#stats.tooLong++;
    if (this.#drop?.(packet, number, now) === true || this.#happens(loss)) return void this.#stats.lost++;
    const sentAt = this.#departure(packet.length, now);
    if (sentAt === undefined || this.#heap.length >= maxFlyingPackets) return void this.#stats.overflowed++;
    const bytes = this.#happens(corruption) ? this.#corrupt(packet) : packet;
    this.#fly(bytes, sentAt);
    if (this.#heap.length >= maxFlyingPackets || !this.#happens(duplication)) return;
    this.#stats.duplicated++;
    this.#fly(bytes, sentAt);
  }

  /** When the next packet arrives; `Infinity` with none under way. */
  timeoutAt(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  /** Delivers what has arrived by `now`, in order of arrival. What the sink puts in meanwhile may be delivered as well. */
  onTimeout(now: number): void {
    while (this.#heap.length > 0 && this.timeoutAt() <= now) {
      const { bytes, at } = this.#take();
      this.#stats.delivered++;
      this.#sink.packet(bytes, at);
    }
  }

  /** Delivers all that is under way at once, in order of arrival. */
  end(now: number): void {
    this.onTimeout(Infinity);
    this.#freeAt = Math.min(this.#freeAt, now);
  }

  /** Forgets what is under way. */
  stop(): void {
    this.#heap.length = 0;
  }

  /** How many packets are under way. */
  get flying(): number {
    return this.#heap.length;
  }

  /** Counters so far. */
  get stats(): LinkStats {
    return this.#stats;
  }

  /** A share of 0 draws nothing, so that turning one thing on does not change what the others do. */
  #happens(share: number): boolean {
    return share > 0 && this.#random.chance(share);
  }

  /** When the last byte has left, or `undefined` when the queue before the link is full. */
  #departure(length: number, now: number): number | undefined {
    const { bytesPerMs, maxQueuedPackets } = this.#options;
    if (bytesPerMs === Infinity) return now;
    while (this.#waitingFrom < this.#waiting.length && this.#waiting[this.#waitingFrom]! <= now) this.#waitingFrom++;
    if (this.#waiting.length - this.#waitingFrom >= maxQueuedPackets) return undefined;
    if (this.#waitingFrom > 1000 && this.#waitingFrom * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#waitingFrom);
      this.#waitingFrom = 0;
    }
    this.#freeAt = Math.max(this.#freeAt, now) + length / bytesPerMs;
    this.#waiting.push(this.#freeAt);
    return this.#freeAt;
  }

  #fly(bytes: Uint8Array, sentAt: number): void {
    const { delayMs, jitterMs, reordering, reorderMs } = this.#options;
    let at = sentAt + delayMs + (jitterMs > 0 ? this.#random.fraction() * jitterMs : 0);
    if (this.#happens(reordering)) {
      at += reorderMs;
      this.#stats.reordered++;
    } else {
      at = Math.max(at, this.#lastAt);
      this.#lastAt = at;
    }
    this.#put({ at, number: this.#flown++, bytes });
  }

  #corrupt(packet: Uint8Array): Uint8Array {
    if (packet.length === 0) return packet;
    const bytes = packet.slice();
    const at = this.#random.below(bytes.length);
    bytes[at] = bytes[at]! ^ (1 << this.#random.below(8));
    this.#stats.corrupted++;
    return bytes;
  }

  #put(flying: Flying): void {
    const heap = this.#heap;
    let at = heap.push(flying) - 1;
    for (; at > 0; at = (at - 1) >>> 1) {
      const parent = heap[(at - 1) >>> 1]!;
      if (!isBefore(flying, parent)) break;
      heap[at] = parent;
    }
    heap[at] = flying;
  }

  #take(): Flying {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Flying, b: Flying): boolean {
  return a.at < b.at || (a.at === b.at && a.number < b.number);
}

function shareOption(name: string, value = 0): number {
  needNumber(name, value);
  if (!(value >= 0 && value <= 1)) throw new RangeError(`${name} must be from 0 to 1, got ${value}`);
  return value;
}

function rateOption(value = Infinity): number {
  needNumber("bytesPerMs", value);
  if (!(value > 0)) throw new RangeError(`bytesPerMs must be more than 0, got ${value}`);
  return value;
}
