/**
 * Connections that peers have begun to open: what SYN-RECEIVED needs to know of them, in arrays of numbers, about 130 bytes
 * each.
 *
 * When which is due needs no heap: all that have been answered equally often wait equally long, so a list for each number of
 * answers, in the order of sending, has its earliest at its front. It has its oldest there too.
 *
 * @module
 */
import type { TcpPortOptions } from "../l3l4_sink.ts";
import { KEY_WORDS, type TcpKey } from "./tcp_key.ts";
import type { TcpSettings } from "./tcp_settings.ts";

const Word = {
  HASH: KEY_WORDS,
  CHAIN: KEY_WORDS + 1,
  PREVIOUS: KEY_WORDS + 2,
  NEXT: KEY_WORDS + 3,
  SEND_INITIAL: KEY_WORDS + 4,
  RECEIVE_INITIAL: KEY_WORDS + 5,
  TS_OFFSET: KEY_WORDS + 6,
  TS_RECENT: KEY_WORDS + 7,
  PEER_SEGMENT_SIZE: KEY_WORDS + 8,
  WINDOWS: KEY_WORDS + 9,
  BITS: KEY_WORDS + 10,
  TOKEN: KEY_WORDS + 11,
} as const;
const WORDS = KEY_WORDS + 12;

/** Bits of `Word.BITS`: segment size that we told, window scale of the peer, and what follows. */
const Bit = { V6: 1 << 21, SACK: 1 << 22, TIMESTAMPS: 1 << 23, ECN: 1 << 24, RESENT: 1 << 25 } as const;
const LEVEL_SHIFT = 26;

/** Times of a slot: of its beginning, of the last answer. */
const TIMES = 2;

/** Lists: for so many answers sent again, and for those that are not decided on. */
const LAST_LEVEL = 31;
const UNDECIDED = 32;

const NONE = -1;
const FIRST_CAPACITY = 16;
const MAX_CAPACITY = 2 ** 24;
const FIRST_BUCKETS = 16;

/** Tokens are used again after so many. */
const TOKENS = 2 ** 30;

/** What is known of one, to be read and written as a whole. */
export class HalfOpenEntry {
  /** IP version. */
  version: 4 | 6 = 4;
  /** ISS. */
  sendInitial = 0;
  /** IRS. */
  receiveInitial = 0;
  /** What is added to the time for our timestamps. */
  tsOffset = 0;
  /** The peer's latest timestamp. */
  tsRecent = 0;
  /** Segment size that the peer takes, -1 when it did not say. */
  peerSegmentSize = -1;
  /** Segment size that we take. */
  ownSegmentSize = 0;
  /** Shift of the peer's windows, -1 for none. */
  peerWindowScale = -1;
  /** Window field of the peer's SYN. */
  sendWindow = 0;
  /** Window field of our SYN-ACK. */
  toldWindow = 0;
  /** Whether SACK was agreed on. */
  hasSack = false;
  /** Whether timestamps were. */
  hasTimestamps = false;
  /** Whether ECN was. */
  hasEcn = false;
}

/** All of them. */
export class HalfOpenTable {
  /** What {@linkcode HalfOpenTable.read} fills and {@linkcode HalfOpenTable.add} takes. */
  readonly entry: HalfOpenEntry = new HalfOpenEntry();
  readonly #settings: TcpSettings;
  readonly #limit: number;
  #words: Int32Array = new Int32Array(0);
  #times: Float64Array = new Float64Array(0);
  readonly #options: (TcpPortOptions | undefined)[] = [];
  #capacity = 0;
  #free = NONE;
  #buckets: Int32Array = new Int32Array(FIRST_BUCKETS).fill(NONE);
  readonly #heads = new Int32Array(UNDECIDED + 1).fill(NONE);
  readonly #tails = new Int32Array(UNDECIDED + 1).fill(NONE);
  #size = 0;
  #token = 0;
  readonly #undecided = new Map<number, number>();

  /** None. */
  constructor(settings: TcpSettings) {
    this.#settings = settings;
    this.#limit = Math.min(settings.maxHalfOpen, MAX_CAPACITY);
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Whether one has to go before another comes. */
  get isFull(): boolean {
    return this.#size >= this.#limit;
  }

  /** Bytes of memory that they take. */
  get byteLength(): number {
    return this.#words.byteLength + this.#times.byteLength + this.#buckets.byteLength + 8 * this.#options.length;
  }

  /** Where the one with these ends stands, -1 when there is none. */
  find(key: TcpKey, hash: number): number {
    const words = this.#words;
    let slot = this.#buckets[hash & (this.#buckets.length - 1)]!;
    while (slot !== NONE) {
      const at = slot * WORDS;
      const isV6 = (words[at + Word.BITS]! & Bit.V6) !== 0;
      if (words[at + Word.HASH] === hash && isV6 === (key.version === 6) && key.equals(words, at)) return slot;
      slot = words[at + Word.CHAIN]!;
    }
    return NONE;
  }

  /** Adds `entry`; there must be room. It was answered now, or is not decided on. Returns where it stands. */
  add(key: TcpKey, hash: number, isUndecided: boolean, now: number): number {
    if (this.#free === NONE) this.#grow();
    if (this.#size >= this.#buckets.length) this.#rehash();
    const slot = this.#free;
    const at = slot * WORDS;
    const words = this.#words;
    this.#free = words[at + Word.NEXT]!;
    this.#size++;
    key.store(words, at);
    words[at + Word.HASH] = hash;
    words[at + Word.TOKEN] = this.#token = this.nextToken;
    if (isUndecided) this.#undecided.set(this.#token, slot);
    this.#write(at);
    const bucket = hash & (this.#buckets.length - 1);
    words[at + Word.CHAIN] = this.#buckets[bucket]!;
    this.#buckets[bucket] = slot;
    this.#append(slot, isUndecided ? UNDECIDED : 0);
    this.#times[slot * TIMES] = now;
    this.#times[slot * TIMES + 1] = now;
    return slot;
  }

  /** Forgets one. */
  remove(slot: number): void {
    const words = this.#words;
    const at = slot * WORDS;
    this.#unlink(slot);
    const bucket = words[at + Word.HASH]! & (this.#buckets.length - 1);
    let other = this.#buckets[bucket]!;
    if (other === slot) this.#buckets[bucket] = words[at + Word.CHAIN]!;
    else {
      while (words[other * WORDS + Word.CHAIN] !== slot) other = words[other * WORDS + Word.CHAIN]!;
      words[other * WORDS + Word.CHAIN] = words[at + Word.CHAIN]!;
    }
    this.#undecided.delete(words[at + Word.TOKEN]!);
    words[at + Word.NEXT] = this.#free;
    this.#options[slot] = undefined;
    this.#free = slot;
    this.#size--;
  }

  /** Fills `entry`. */
  read(slot: number): void {
    const words = this.#words;
    const at = slot * WORDS;
    const { entry } = this;
    const bits = words[at + Word.BITS]!;
    entry.version = (bits & Bit.V6) !== 0 ? 6 : 4;
    entry.sendInitial = words[at + Word.SEND_INITIAL]!;
    entry.receiveInitial = words[at + Word.RECEIVE_INITIAL]!;
    entry.tsOffset = words[at + Word.TS_OFFSET]!;
    entry.tsRecent = words[at + Word.TS_RECENT]!;
    entry.peerSegmentSize = words[at + Word.PEER_SEGMENT_SIZE]!;
    entry.ownSegmentSize = bits & 0xffff;
    entry.peerWindowScale = ((bits >>> 16) & 31) - 1;
    entry.sendWindow = words[at + Word.WINDOWS]! >>> 16;
    entry.toldWindow = words[at + Word.WINDOWS]! & 0xffff;
    entry.hasSack = (bits & Bit.SACK) !== 0;
    entry.hasTimestamps = (bits & Bit.TIMESTAMPS) !== 0;
    entry.hasEcn = (bits & Bit.ECN) !== 0;
  }

  #write(at: number): void {
    const words = this.#words;
    const { entry } = this;
    words[at + Word.SEND_INITIAL] = entry.sendInitial;
    words[at + Word.RECEIVE_INITIAL] = entry.receiveInitial;
    words[at + Word.TS_OFFSET] = entry.tsOffset;
    words[at + Word.TS_RECENT] = entry.tsRecent;
    words[at + Word.PEER_SEGMENT_SIZE] = entry.peerSegmentSize;
    words[at + Word.WINDOWS] = (entry.sendWindow << 16) | entry.toldWindow;
    words[at + Word.BITS] = entry.ownSegmentSize | ((entry.peerWindowScale + 1) << 16) |
      (entry.version === 6 ? Bit.V6 : 0) | (entry.hasSack ? Bit.SACK : 0) |
      (entry.hasTimestamps ? Bit.TIMESTAMPS : 0) | (entry.hasEcn ? Bit.ECN : 0);
  }

  /** Fills `key` with the ends of one. */
  readKey(slot: number, key: TcpKey): void {
    key.load(this.#words, slot * WORDS, (this.#words[slot * WORDS + Word.BITS]! & Bit.V6) !== 0 ? 6 : 4);
  }

  /** Hash of its ends. */
  hashOf(slot: number): number {
    return this.#words[slot * WORDS + Word.HASH]!;
  }

  /** How often it was answered again, because it was silent. */
  retries(slot: number): number {
    return this.#level(slot);
  }

  /** Whether it was answered more than once. */
  wasResent(slot: number): boolean {
    return (this.#words[slot * WORDS + Word.BITS]! & Bit.RESENT) !== 0;
  }

  /** It asked again, and was answered again. */
  askedAgain(slot: number, tsValue: number): void {
    const at = slot * WORDS;
    this.#words[at + Word.BITS] = this.#words[at + Word.BITS]! | Bit.RESENT;
    this.#words[at + Word.TS_RECENT] = tsValue;
  }

  /** Whether no verdict has been given on it. */
  isUndecided(slot: number): boolean {
    return this.#level(slot) === UNDECIDED;
  }

  /** When it was last answered. */
  sentAt(slot: number): number {
    return this.#times[slot * TIMES + 1]!;
  }

  /** What its connection is to have of its own. */
  options(slot: number): TcpPortOptions | undefined {
    return this.#options[slot];
  }

  /** Number by which the next one that comes will be found. */
  get nextToken(): number {
    return (this.#token + 1) % TOKENS;
  }

  /** Where the one with this number stands that is not decided on, or -1. */
  findToken(token: number): number {
    return this.#undecided.get(token) ?? NONE;
  }

  /** It was decided on and answered now, for the first time. */
  decided(slot: number, options: TcpPortOptions | undefined, now: number): void {
    this.#undecided.delete(this.#words[slot * WORDS + Word.TOKEN]!);
    this.#unlink(slot);
    this.#append(slot, 0);
    this.#options[slot] = options;
    this.#times[slot * TIMES] = now;
    this.#times[slot * TIMES + 1] = now;
  }

  /** It was answered again now. */
  resent(slot: number, now: number): void {
    const level = this.#level(slot);
    this.#unlink(slot);
    this.#append(slot, Math.min(level + 1, LAST_LEVEL));
    this.#words[slot * WORDS + Word.BITS] = this.#words[slot * WORDS + Word.BITS]! | Bit.RESENT;
    this.#times[slot * TIMES + 1] = now;
  }

  /** When the first of them is due. */
  get nextAt(): number {
    let next = Infinity;
    if (this.#size === 0) return next;
    for (let level = 0; level <= UNDECIDED; level++) {
      const slot = this.#heads[level]!;
      if (slot !== NONE) next = Math.min(next, this.#dueAt(slot, level));
    }
    return next;
  }

  /** One that is due, or -1. */
  due(now: number): number {
    for (let level = 0; level <= UNDECIDED; level++) {
      const slot = this.#heads[level]!;
      if (slot !== NONE && this.#dueAt(slot, level) <= now) return slot;
    }
    return NONE;
  }

  /** Whether one that is due is to be given up. */
  isExpired(slot: number, now: number): boolean {
    const level = this.#level(slot);
    if (level === UNDECIDED || level >= this.#settings.maxSynAckRetries) return true;
    return now >= this.#times[slot * TIMES]! + this.#settings.halfOpenTimeoutMs;
  }

  /** The one that has stood longest, or -1. */
  get oldest(): number {
    let oldest = NONE;
    for (let level = 0; level <= UNDECIDED; level++) {
      const slot = this.#heads[level]!;
      if (slot === NONE) continue;
      if (oldest === NONE || this.#times[slot * TIMES]! < this.#times[oldest * TIMES]!) oldest = slot;
    }
    return oldest;
  }

  #dueAt(slot: number, level: number): number {
    const { initialRtoMs, maxRtoMs, halfOpenTimeoutMs } = this.#settings;
    const end = this.#times[slot * TIMES]! + halfOpenTimeoutMs;
    if (level === UNDECIDED) return end;
    return Math.min(end, this.#times[slot * TIMES + 1]! + Math.min(initialRtoMs * 2 ** level, maxRtoMs));
  }

  #level(slot: number): number {
    return this.#words[slot * WORDS + Word.BITS]! >>> LEVEL_SHIFT;
  }

  #append(slot: number, level: number): void {
    const words = this.#words;
    const at = slot * WORDS;
    const tail = this.#tails[level]!;
    words[at + Word.BITS] = (words[at + Word.BITS]! & ((1 << LEVEL_SHIFT) - 1)) | (level << LEVEL_SHIFT);
    words[at + Word.PREVIOUS] = tail;
    words[at + Word.NEXT] = NONE;
    if (tail === NONE) this.#heads[level] = slot;
    else words[tail * WORDS + Word.NEXT] = slot;
    this.#tails[level] = slot;
  }

  #unlink(slot: number): void {
    const words = this.#words;
    const level = this.#level(slot);
    const previous = words[slot * WORDS + Word.PREVIOUS]!;
    const next = words[slot * WORDS + Word.NEXT]!;
    if (previous === NONE) this.#heads[level] = next;
    else words[previous * WORDS + Word.NEXT] = next;
    if (next === NONE) this.#tails[level] = previous;
    else words[next * WORDS + Word.PREVIOUS] = previous;
  }

  #grow(): void {
    const was = this.#capacity;
    const capacity = Math.min(this.#limit, Math.max(FIRST_CAPACITY, 2 * was));
    const words = new Int32Array(capacity * WORDS);
    words.set(this.#words);
    const times = new Float64Array(capacity * TIMES);
    times.set(this.#times);
    for (let slot = capacity - 1; slot >= was; slot--) {
      words[slot * WORDS + Word.NEXT] = this.#free;
      this.#free = slot;
      this.#options[slot] = undefined;
    }
    this.#words = words;
    this.#times = times;
    this.#capacity = capacity;
  }

  #rehash(): void {
    const words = this.#words;
    const buckets = new Int32Array(2 * this.#buckets.length).fill(NONE);
    for (const first of this.#buckets) {
      let slot = first;
      while (slot !== NONE) {
        const at = slot * WORDS;
        const next = words[at + Word.CHAIN]!;
        const bucket = words[at + Word.HASH]! & (buckets.length - 1);
        words[at + Word.CHAIN] = buckets[bucket]!;
        buckets[bucket] = slot;
        slot = next;
      }
    }
    this.#buckets = buckets;
  }
}
