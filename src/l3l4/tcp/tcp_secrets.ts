/**
 * Numbers that peers see and must not guess: initial sequence numbers (RFC 6528), offsets of timestamps (RFC 7323 section
 * 5.4), ports (RFC 6056). Each is a hash of both ends under a key that never leaves the endpoint.
 *
 * @module
 */
import { readU32 } from "../../bytes/integers.ts";
import { HalfSipHash } from "../../core/half_sip_hash.ts";
import type { FillRandom } from "../../core/random.ts";
import type { TcpKey } from "./tcp_key.ts";

/** Sequence numbers a millisecond: one every 4 microseconds (RFC 9293 section 3.4.1). */
const SEQUENCE_NUMBERS_PER_MS = 250;

const PURPOSE_SEQUENCE = 1;
const PURPOSE_TIMESTAMP = 2;
const PURPOSE_PORT = 3;

/** Hash for secrets, under a key of its own. */
export function secretHash(random: FillRandom): HalfSipHash {
  const key = new Uint8Array(8);
  random(key);
  return new HalfSipHash(readU32(key, 0), readU32(key, 4), 2, 4);
}

/** Hash for tables, under a key of its own. */
export function tableHash(random: FillRandom): HalfSipHash {
  const key = new Uint8Array(8);
  random(key);
  return new HalfSipHash(readU32(key, 0), readU32(key, 4));
}

/** The secrets of an endpoint. */
export class TcpSecrets {
  readonly #sip: HalfSipHash;

  /** Draws the key. */
  constructor(random: FillRandom) {
    this.#sip = secretHash(random);
  }

  /** An initial sequence number: grows with the time for the same ends, and tells nothing of others. */
  initialSequence(key: TcpKey, now: number): number {
    const clock = Math.floor(now * SEQUENCE_NUMBERS_PER_MS) % 0x100000000;
    return (clock + key.hash(this.#sip, PURPOSE_SEQUENCE)) | 0;
  }

  /** What is added to the time for timestamps. */
  timestampOffset(key: TcpKey): number {
    return key.hash(this.#sip, PURPOSE_TIMESTAMP);
  }

  /** Where the search for a free port begins (RFC 6056 algorithm 3); `localPort` doesn't count. */
  portOffset(key: TcpKey): number {
    const { localPort } = key;
    key.localPort = 0;
    const offset = key.hash(this.#sip, PURPOSE_PORT) >>> 0;
    key.localPort = localPort;
    return offset;
  }
}

/** Time as timestamps tell it: milliseconds and an offset. */
export function timestampAt(now: number, offset: number): number {
  return ((Math.floor(now) % 0x100000000) + offset) | 0;
}
