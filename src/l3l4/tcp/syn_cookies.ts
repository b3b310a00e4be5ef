/**
 * Initial sequence numbers that say by themselves what was agreed on, so that nothing has to be kept until the peer has
 * shown that it is where it says it is (RFC 4987 section 3.6).
 *
 * Of 32 bits 24 are a hash under a secret key over both ends, the peer's sequence number and the rest; 8 are hidden by the
 * same key: three for the segment size, three for the window scale, one for SACK, one for the time. Where the peer has
 * timestamps, the last bits of ours say the window scale exactly, and whether ECN was agreed on.
 *
 * @module
 */
import type { HalfSipHash } from "../../core/half_sip_hash.ts";
import type { FillRandom } from "../../core/random.ts";
import type { TcpKey } from "./tcp_key.ts";
import { secretHash } from "./tcp_secrets.ts";

/** Cookies are good for the rest of the period in which they were made, and the next. */
const PERIOD_MS = 32_000;

/** Segment sizes that can be told: one that can't gives way to the next lower one. */
const SEGMENT_SIZES = [64, 536, 1220, 1300, 1400, 1440, 1452, 1460] as const;
/** What is taken for none (RFC 9293 MUST-15). */
const DEFAULT_SIZE_V4 = 536;
const DEFAULT_SIZE_V6 = 1220;

/** Shifts that can be told, likewise. */
const WINDOW_SCALES = [-1, 0, 2, 4, 6, 7, 8, 10] as const;

const PURPOSE_MAC = 4;
const PURPOSE_PAD = 5;
const HINT_BITS = 5;
const HINT_MASK = 2 ** HINT_BITS - 1;
const NO_SCALE = 15;

/** What a cookie says. */
export interface CookieContents {
  /** Segment size of the peer, -1 for none before it is made a cookie. */
  segmentSize: number;
  /** Shift of its windows, -1 for none. */
  windowScale: number;
  /** Whether it takes SACK. */
  hasSack: boolean;
  /** Whether ECN was agreed on; needs timestamps. */
  hasEcn: boolean;
}

/** Makes cookies and reads them. */
export class SynCookies {
  readonly #sip: HalfSipHash;
  #lastMadeAt = -Infinity;

  /** Draws the key. */
  constructor(random: FillRandom) {
    this.#sip = secretHash(random);
  }

  /** Whether there may be good ones. */
  isActive(now: number): boolean {
    return now - this.#lastMadeAt < 2 * PERIOD_MS;
  }

  /** The cookie for a SYN with sequence number `receiveInitial`. `timestamp` is ours as `hint` made it, 0 for none. */
  make(key: TcpKey, receiveInitial: number, contents: CookieContents, timestamp: number, now: number): number {
    this.#lastMadeAt = now;
    const period = Math.floor(now / PERIOD_MS);
    const defaultSize = key.version === 4 ? DEFAULT_SIZE_V4 : DEFAULT_SIZE_V6;
    const segmentSize = contents.segmentSize < 0 ? defaultSize : contents.segmentSize;
    const bits = (floorIndex(SEGMENT_SIZES, segmentSize) << 5) |
      (floorIndex(WINDOW_SCALES, contents.windowScale) << 2) | (contents.hasSack ? 2 : 0) | (period & 1);
    const hidden = (bits ^ this.#pad(key, receiveInitial)) & 0xff;
    return (this.#mac(key, receiveInitial, bits, timestamp, period) & ~0xff) | hidden;
  }

  /** What a cookie says, `null` when it is none or too old. */
  read(
    key: TcpKey,
    receiveInitial: number,
    cookie: number,
    timestamp: number,
    hasTimestamps: boolean,
    now: number,
  ): CookieContents | null {
    const bits = (cookie ^ this.#pad(key, receiveInitial)) & 0xff;
    const current = Math.floor(now / PERIOD_MS);
    const period = (current & 1) === (bits & 1) ? current : current - 1;
    if (((this.#mac(key, receiveInitial, bits, timestamp, period) ^ cookie) & ~0xff) !== 0) return null;
    const scale = timestamp & NO_SCALE;
    return {
      segmentSize: SEGMENT_SIZES[bits >>> 5]!,
      windowScale: hasTimestamps ? (scale === NO_SCALE ? -1 : scale) : WINDOW_SCALES[(bits >>> 2) & 7]!,
      hasSack: (bits & 2) !== 0,
      hasEcn: hasTimestamps && (timestamp & 16) !== 0,
    };
  }

  #pad(key: TcpKey, receiveInitial: number): number {
    return key.hash(this.#sip, PURPOSE_PAD, receiveInitial);
  }

  #mac(key: TcpKey, receiveInitial: number, bits: number, timestamp: number, period: number): number {
    const rest = (period << 13) | ((timestamp & HINT_MASK) << 8) | bits;
    return key.hash(this.#sip, PURPOSE_MAC ^ (rest << 3), receiveInitial);
  }
}

/** A timestamp, at most 32 ms before the given one, whose last bits say what a cookie can't. */
export function hintInTimestamp(timestamp: number, windowScale: number, hasEcn: boolean): number {
  const bits = (windowScale < 0 ? NO_SCALE : windowScale) | (hasEcn ? 16 : 0);
  const hinted = (timestamp & ~HINT_MASK) | bits;
  return ((hinted - timestamp) | 0) > 0 ? (hinted - HINT_MASK - 1) | 0 : hinted;
}

/** Index of the largest one that is not above `value`, or the first. */
function floorIndex(values: readonly number[], value: number): number {
  let index = values.length - 1;
  while (index > 0 && values[index]! > value) index--;
  return index;
}
