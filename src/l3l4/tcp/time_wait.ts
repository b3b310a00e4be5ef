/**
 * Connections in TIME-WAIT: 60 bytes each and at most 4 for the look-up (RFC 9293 section 3.6.1).
 *
 * They stand in the order in which they came, in pages of numbers that come and go: all wait equally long, so the first is
 * due first. One that is to wait anew goes to the end. The place of one that went early is free when its turn comes, or
 * when there are many such places.
 *
 * @module
 */
import type { HalfSipHash } from "../../core/half_sip_hash.ts";
import { KEY_WORDS, TcpKey } from "./tcp_key.ts";
import type { Ending } from "./tcp_host.ts";

const Word = {
  SEND_NEXT: KEY_WORDS,
  RECEIVE_NEXT: KEY_WORDS + 1,
  TS_RECENT: KEY_WORDS + 2,
  /** Window field and what else there is in bits. */
  BITS: KEY_WORDS + 3,
  EXPIRES: KEY_WORDS + 4,
  CHAIN: KEY_WORDS + 5,
} as const;
const WORDS = KEY_WORDS + 6;

const Bit = { V6: 1 << 16, TIMESTAMPS: 1 << 17, GONE: 1 << 18 } as const;
/** When an acknowledgment was last sent for nothing, in units of 16 ms. */
const ANSWERED_SHIFT = 20;
const ANSWERED_MASK = 0xfff;
const ANSWER_UNIT_MS = 16;

const PAGE_SHIFT = 10;
const PAGE = 2 ** PAGE_SHIFT;
const NONE = -1;
/** Numbers of entries wrap here. */
const ID_MASK = 0x3fffffff;
const FIRST_BUCKETS = 64;
const MAX_WAIT_MS = 2 ** 30;

/** All of them. */
export class TimeWaitTable {
  readonly #limit: number;
  readonly #waitMs: number;
  readonly #sip: HalfSipHash;
  readonly #key = new TcpKey();
  readonly #restarted = new TcpKey();
  readonly #pages: Int32Array[] = [];
  /** Number of the first entry, and of the first in the first page. */
  #head = 0;
  #pageStart = 0;
  #length = 0;
  #size = 0;
  #buckets: Int32Array = new Int32Array(FIRST_BUCKETS).fill(NONE);
  /** What the times of entries are counted from. */
  #epoch = 0;
  #lastAt = 0;

  /** At most `limit`, each for so long. `sip` hashes their ends as everywhere else. */
  constructor(limit: number, waitMs: number, sip: HalfSipHash) {
    this.#limit = Math.min(limit, ID_MASK >>> 1);
    this.#waitMs = Math.min(waitMs, MAX_WAIT_MS);
    this.#sip = sip;
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of memory that they take. */
  get byteLength(): number {
    return this.#pages.length * PAGE * WORDS * 4 + this.#buckets.byteLength;
  }

  /** Number of the one with these ends, -1 when there is none. */
  find(key: TcpKey, hash: number): number {
    let id = this.#buckets[hash & (this.#buckets.length - 1)]!;
    while (id !== NONE) {
      const page = this.#pageOf(id);
      const at = this.#at(id);
      const isV6 = (page[at + Word.BITS]! & Bit.V6) !== 0;
      if (isV6 === (key.version === 6) && key.equals(page, at)) return id;
      id = page[at + Word.CHAIN]!;
    }
    return NONE;
  }

  /** Adds one that is not in it. Returns whether the oldest had to give way. */
  add(key: TcpKey, hash: number, ending: Ending, now: number): boolean {
    if (this.#limit === 0) return true;
    this.#note(now);
    const isFull = this.#size >= this.#limit;
    if (isFull) this.remove(this.#head);
    if (this.#length > 2 * this.#size + PAGE) this.#compact();
    const id = this.#append();
    const page = this.#pageOf(id);
    const at = this.#at(id);
    key.store(page, at);
    page[at + Word.SEND_NEXT] = ending.sendNext;
    page[at + Word.RECEIVE_NEXT] = ending.receiveNext;
    page[at + Word.TS_RECENT] = ending.tsRecent;
    page[at + Word.BITS] = (ending.windowField & 0xffff) | (key.version === 6 ? Bit.V6 : 0) |
      (ending.hasTimestamps ? Bit.TIMESTAMPS : 0) | (((this.#unit(now) - 1) & ANSWERED_MASK) << ANSWERED_SHIFT);
    page[at + Word.EXPIRES] = this.#relative(now + this.#waitMs);
    this.#link(id, page, at, hash);
    this.#size++;
    if (this.#size > 2 * this.#buckets.length) this.#rehash();
    return isFull;
  }

  /** Forgets one. */
  remove(id: number): void {
    const page = this.#pageOf(id);
    const at = this.#at(id);
    this.#unlink(id, page, at);
    page[at + Word.BITS] = page[at + Word.BITS]! | Bit.GONE;
    this.#size--;
    this.#trim();
  }

  /** It waits its whole time again. Its number is another one then. */
  restart(id: number, now: number): void {
    const hash = this.#hash(this.#pageOf(id), this.#at(id));
    this.#restarted.load(this.#pageOf(id), this.#at(id), this.#version(id));
    const ending = this.ending(id);
    this.remove(id);
    this.add(this.#restarted, hash, ending, now);
  }

  /** Whether it may be answered although nothing asks for it: seldom, lest two of them talk for ever. */
  mayAnswer(id: number, now: number): boolean {
    const page = this.#pageOf(id);
    const at = this.#at(id) + Word.BITS;
    const unit = this.#unit(now);
    if (((page[at]! >>> ANSWERED_SHIFT) & ANSWERED_MASK) === unit) return false;
    page[at] = (page[at]! & ((1 << ANSWERED_SHIFT) - 1)) | (unit << ANSWERED_SHIFT);
    return true;
  }

  /** What is known of one; its `tsOffset` is not kept. */
  ending(id: number): Ending {
    const page = this.#pageOf(id);
    const at = this.#at(id);
    return {
      sendNext: page[at + Word.SEND_NEXT]!,
      receiveNext: page[at + Word.RECEIVE_NEXT]!,
      windowField: page[at + Word.BITS]! & 0xffff,
      hasTimestamps: (page[at + Word.BITS]! & Bit.TIMESTAMPS) !== 0,
      tsRecent: page[at + Word.TS_RECENT]!,
      tsOffset: 0,
    };
  }

  /** When the first of them is due. */
  get nextAt(): number {
    return this.#size === 0 ? Infinity : this.#lastAt + this.#left(this.#head);
  }

  /** Forgets those whose time has come. */
  expire(now: number): void {
    this.#note(now);
    while (this.#size > 0 && this.#left(this.#head) <= 0) this.remove(this.#head);
  }

  /** Forgets all. */
  clear(): void {
    while (this.#size > 0) this.remove(this.#head);
  }

  /** Times are kept as 32 bits, and good for three weeks before and after the last `now`. */
  #note(now: number): void {
    if (this.#size === 0) this.#epoch = Math.floor(now);
    this.#lastAt = Math.floor(now);
  }

  #left(id: number): number {
    return (this.#pageOf(id)[this.#at(id) + Word.EXPIRES]! - this.#relative(this.#lastAt)) | 0;
  }

  #version(id: number): 4 | 6 {
    return (this.#pageOf(id)[this.#at(id) + Word.BITS]! & Bit.V6) !== 0 ? 6 : 4;
  }

  #hash(page: Int32Array, at: number): number {
    this.#key.load(page, at, (page[at + Word.BITS]! & Bit.V6) !== 0 ? 6 : 4);
    return this.#key.hash(this.#sip);
  }

  #link(id: number, page: Int32Array, at: number, hash: number): void {
    const bucket = hash & (this.#buckets.length - 1);
    page[at + Word.CHAIN] = this.#buckets[bucket]!;
    this.#buckets[bucket] = id;
  }

  #unlink(id: number, page: Int32Array, at: number): void {
    const bucket = this.#hash(page, at) & (this.#buckets.length - 1);
    const next = page[at + Word.CHAIN]!;
    let other = this.#buckets[bucket]!;
    if (other === id) {
      this.#buckets[bucket] = next;
      return;
    }
    for (;;) {
      const otherPage = this.#pageOf(other);
      const chain = this.#at(other) + Word.CHAIN;
      other = otherPage[chain]!;
      if (other === id) {
        otherPage[chain] = next;
        return;
      }
    }
  }

  #append(): number {
    const id = (this.#head + this.#length) & ID_MASK;
    const offset = (id - this.#pageStart) & ID_MASK;
    if (offset >>> PAGE_SHIFT === this.#pages.length) this.#pages.push(new Int32Array(PAGE * WORDS));
    this.#length++;
    return id;
  }

  /** The first place is free, and with it perhaps a page. */
  #shift(): void {
    this.#head = (this.#head + 1) & ID_MASK;
    this.#length--;
    if (((this.#head - this.#pageStart) & ID_MASK) < PAGE) return;
    this.#pages.shift();
    this.#pageStart = (this.#pageStart + PAGE) & ID_MASK;
  }

  #trim(): void {
    while (this.#length > 0 && (this.#pageOf(this.#head)[this.#at(this.#head) + Word.BITS]! & Bit.GONE) !== 0) {
      this.#shift();
    }
    if (this.#length > 0) return;
    this.#pages.length = 0;
    this.#pageStart = this.#head = 0;
    if (this.#buckets.length > FIRST_BUCKETS) this.#buckets = new Int32Array(FIRST_BUCKETS).fill(NONE);
  }

  /** Takes the free places out. */
  #compact(): void {
    const old = this.#pages.splice(0);
    const start = this.#pageStart;
    const from = (this.#head - start) & ID_MASK;
    const to = from + this.#length;
    this.#head = this.#pageStart = 0;
    this.#length = 0;
    this.#buckets.fill(NONE);
    for (let i = from; i < to; i++) {
      const source = old[i >>> PAGE_SHIFT]!;
      const sourceAt = (i & (PAGE - 1)) * WORDS;
      if ((source[sourceAt + Word.BITS]! & Bit.GONE) !== 0) continue;
      const id = this.#append();
      const page = this.#pageOf(id);
      const at = this.#at(id);
      page.set(source.subarray(sourceAt, sourceAt + WORDS), at);
      this.#link(id, page, at, this.#hash(page, at));
    }
  }

  #rehash(): void {
    const buckets = new Int32Array(2 * this.#buckets.length).fill(NONE);
    const old = this.#buckets;
    this.#buckets = buckets;
    for (const first of old) {
      let id = first;
      while (id !== NONE) {
        const page = this.#pageOf(id);
        const at = this.#at(id);
        const next = page[at + Word.CHAIN]!;
        this.#link(id, page, at, this.#hash(page, at));
        id = next;
      }
    }
  }

  #pageOf(id: number): Int32Array {
    return this.#pages[((id - this.#pageStart) & ID_MASK) >>> PAGE_SHIFT]!;
  }

  #at(id: number): number {
    return (((id - this.#pageStart) & ID_MASK) & (PAGE - 1)) * WORDS;
  }

  #unit(now: number): number {
    return Math.floor(now / ANSWER_UNIT_MS) & ANSWERED_MASK;
  }

  #relative(time: number): number {
    return Math.ceil(time - this.#epoch) | 0;
  }
}
