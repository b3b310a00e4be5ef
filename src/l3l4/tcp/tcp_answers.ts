/**
 * Segments that belong to no connection and wait to be sent: resets, SYN-ACKs, acknowledgments of TIME-WAIT. A bounded
 * queue of numbers; nothing is made for one of them.
 *
 * @module
 */
import { writeU16, writeU32 } from "../../bytes/integers.ts";
import { TCP_HEADER_LENGTH } from "../../packet/tcp.ts";
import type { PacketOut } from "../packet_out.ts";
import { foldSum, type Summer } from "../../bytes/summer.ts";
import { KEY_WORDS, type TcpKey } from "./tcp_key.ts";
import { SYN_OPTIONS_MAX, writeSynOptions } from "./syn_options.ts";
import type { TcpSettings } from "./tcp_settings.ts";

const PROTOCOL_TCP = 6;
const DONT_FRAGMENT = 0x4000;

/** Where the words of an answer lie, behind those of its key. */
const Word = {
  VERSION: KEY_WORDS,
  SEQUENCE: KEY_WORDS + 1,
  ACKNOWLEDGMENT: KEY_WORDS + 2,
  FLAGS_WINDOW: KEY_WORDS + 3,
  /** Segment size and window scale of a SYN-ACK, and which options it bears. */
  OPTIONS: KEY_WORDS + 4,
  TS_VALUE: KEY_WORDS + 5,
  TS_ECHO: KEY_WORDS + 6,
} as const;
const WORDS = KEY_WORDS + 7;

const HAS_SYN_OPTIONS = 1 << 20;
const HAS_SACK = 1 << 21;
const HAS_TIMESTAMPS = 1 << 22;
const FIRST_CAPACITY = 16;

/** Answers to strays get so much of the queue at most: they must not crowd out handshakes. */
const STRAY_SHARE = 0.75;

/** One answer, filled by who gives it. */
export interface Answer {
  /** Sequence number. */
  sequence: number;
  /** Acknowledgment number. */
  acknowledgment: number;
  /** Bits of `TcpFlag`. */
  flags: number;
  /** Window field. */
  window: number;
  /** Segment size of a SYN-ACK, -1 for a segment without such options. */
  segmentSize: number;
  /** Shift of windows, -1 for none. */
  windowScale: number;
  /** Whether SACK is permitted. */
  hasSack: boolean;
  /** Whether it bears timestamps. */
  hasTimestamps: boolean;
  /** See `hasTimestamps`. */
  tsValue: number;
  /** See `hasTimestamps`. */
  tsEcho: number;
}

/** The queue. */
export class TcpAnswers {
  /** What {@linkcode TcpAnswers.push} takes: to be filled before. */
  readonly next: Answer = {
    sequence: 0,
    acknowledgment: 0,
    flags: 0,
    window: 0,
    segmentSize: -1,
    windowScale: -1,
    hasSack: false,
    hasTimestamps: false,
    tsValue: 0,
    tsEcho: 0,
  };
  readonly #settings: TcpSettings;
  readonly #summer: Summer;
  #words: Int32Array = new Int32Array(0);
  #capacity = 0;
  #head = 0;
  #size = 0;

  /** None waits. */
  constructor(settings: TcpSettings, summer: Summer) {
    this.#settings = settings;
    this.#summer = summer;
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Sets `next` to a bare segment. */
  bare(sequence: number, acknowledgment: number, flags: number, window: number): void {
    const { next } = this;
    next.sequence = sequence;
    next.acknowledgment = acknowledgment;
    next.flags = flags;
    next.window = window;
    next.segmentSize = -1;
    next.windowScale = -1;
    next.hasSack = false;
    next.hasTimestamps = false;
  }

  /** Queues `next` for the peer of `key`; `false` when there is no room for it. */
  push(key: TcpKey, isStray = false): boolean {
    const { maxAnswers } = this.#settings;
    if (this.#size >= (isStray ? Math.ceil(STRAY_SHARE * maxAnswers) : maxAnswers)) return false;
    if (this.#size === this.#capacity) this.#grow();
    const words = this.#words;
    const at = (this.#head + this.#size++) % this.#capacity * WORDS;
    const { next } = this;
    key.store(words, at);
    words[at + Word.VERSION] = key.version;
    words[at + Word.SEQUENCE] = next.sequence;
    words[at + Word.ACKNOWLEDGMENT] = next.acknowledgment;
    words[at + Word.FLAGS_WINDOW] = (next.flags << 16) | next.window;
    words[at + Word.OPTIONS] = (next.segmentSize >= 0 ? HAS_SYN_OPTIONS | next.segmentSize : 0) |
      ((next.windowScale & 15) << 16) | (next.hasSack ? HAS_SACK : 0) | (next.hasTimestamps ? HAS_TIMESTAMPS : 0);
    words[at + Word.TS_VALUE] = next.tsValue;
    words[at + Word.TS_ECHO] = next.tsEcho;
    return true;
  }

  /** Sends what waits, up to `most`; `false` when there was no room for it. */
  transmit(out: PacketOut, most: number): boolean {
    for (let left = most; left > 0 && this.#size > 0; left--) {
      const at = this.#head * WORDS;
      const ipLength = this.#words[at + Word.VERSION] === 4 ? 20 : 40;
      const bytes = out.alloc(ipLength + TCP_HEADER_LENGTH + SYN_OPTIONS_MAX);
      if (bytes === null) return false;
      out.commit(this.#write(bytes, at, ipLength));
      this.#head = (this.#head + 1) % this.#capacity;
      this.#size--;
    }
    return true;
  }

  /** Writes the segment and returns the length of its packet. */
  #write(bytes: Uint8Array, at: number, ipLength: number): number {
    const words = this.#words;
    const tcp = ipLength;
    const ports = words[at]!;
    writeU16(bytes, tcp, ports >>> 16);
    writeU16(bytes, tcp + 2, ports & 0xffff);
    writeU32(bytes, tcp + 4, words[at + Word.SEQUENCE]!);
    writeU32(bytes, tcp + 8, words[at + Word.ACKNOWLEDGMENT]!);
    const flags = words[at + Word.FLAGS_WINDOW]! >>> 16;
    const options = this.#writeOptions(bytes, tcp + TCP_HEADER_LENGTH, at);
    const length = TCP_HEADER_LENGTH + options;
    writeU16(bytes, tcp + 12, (length << 10) | flags);
    writeU16(bytes, tcp + 14, words[at + Word.FLAGS_WINDOW]! & 0xffff);
    writeU32(bytes, tcp + 16, 0);
    this.#writeIp(bytes, at, ipLength, length);
    const addressesAt = ipLength === 20 ? 12 : 8;
    const pseudo = this.#summer.add(PROTOCOL_TCP + length, bytes, addressesAt, ipLength);
    writeU16(bytes, tcp + 16, ~foldSum(this.#summer.add(pseudo, bytes, tcp, tcp + length)));
    return ipLength + length;
  }

  #writeOptions(bytes: Uint8Array, to: number, at: number): number {
    const words = this.#words;
    const options = words[at + Word.OPTIONS]!;
    const isSyn = (options & HAS_SYN_OPTIONS) !== 0;
    const scale = (options >>> 16) & 15;
    return writeSynOptions(bytes, to, {
      segmentSize: isSyn ? options & 0xffff : -1,
      windowScale: scale === 15 ? -1 : scale,
      hasSack: (options & HAS_SACK) !== 0,
      hasTimestamps: (options & HAS_TIMESTAMPS) !== 0,
      tsValue: words[at + Word.TS_VALUE]!,
      tsEcho: words[at + Word.TS_ECHO]!,
    });
  }

  #writeIp(bytes: Uint8Array, at: number, ipLength: number, length: number): void {
    const words = this.#words;
    const { hopLimit, dscp } = this.#settings;
    const traffic = dscp << 2;
    if (ipLength === 40) {
      writeU32(bytes, 0, 0x60000000 | (traffic << 20));
      writeU16(bytes, 4, length);
      bytes[6] = PROTOCOL_TCP;
      bytes[7] = hopLimit;
      for (let i = 0; i < 8; i++) writeU32(bytes, 8 + 4 * i, words[at + 1 + i]!);
      return;
    }
    writeU16(bytes, 0, 0x4500 | traffic);
    writeU16(bytes, 2, ipLength + length);
    writeU32(bytes, 4, DONT_FRAGMENT);
    writeU16(bytes, 8, (hopLimit << 8) | PROTOCOL_TCP);
    writeU16(bytes, 10, 0);
    writeU32(bytes, 12, words[at + 1]!);
    writeU32(bytes, 16, words[at + 5]!);
    writeU16(bytes, 10, ~foldSum(this.#summer.add(0, bytes, 0, 20)));
  }

  #grow(): void {
    const capacity = Math.max(FIRST_CAPACITY, 2 * this.#capacity);
    const words = new Int32Array(capacity * WORDS);
    for (let i = 0; i < this.#size; i++) {
      const at = (this.#head + i) % this.#capacity * WORDS;
      words.set(this.#words.subarray(at, at + WORDS), i * WORDS);
    }
    this.#words = words;
    this.#capacity = capacity;
    this.#head = 0;
  }
}
