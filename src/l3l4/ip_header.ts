/**
 * The IP header of what a flow sends: all of it that stays the same is worked out once.
 *
 * Addresses are kept as words: a `Uint8Array` of 4 bytes takes 200 on Node, and a stack may have ten thousand flows.
 *
 * @module
 */
import { readU32, writeU16, writeU32 } from "../bytes/integers.ts";
import { foldSum } from "../bytes/summer.ts";

const DONT_FRAGMENT = 0x4000;

/** What all packets of a flow share. */
export class IpTemplate {
  /** Bytes of the header. */
  readonly headerLength: 20 | 40;
  /** Unfolded sum of the pseudo header, without the length of the upper layer. */
  readonly pseudoSum: number;
  /** The addresses as signed 32-bit integers: source, then destination. */
  readonly words: readonly number[];
  /** Hops that the packets may take, and what the payload is. */
  readonly #hopsAndProtocol: number;
  readonly #dscp: number;

  /** `source` and `destination` have 4 bytes each for version 4, 16 for 6; both are copied. */
  constructor(
    version: 4 | 6,
    source: Uint8Array,
    destination: Uint8Array,
    protocol: number,
    hopLimit = 64,
    dscp = 0,
  ) {
    this.headerLength = version === 4 ? 20 : 40;
    this.#dscp = dscp;
    this.#hopsAndProtocol = (hopLimit << 8) | protocol;
    const words = version === 4
      ? [word(source, 0), word(destination, 0)]
      : [...v6Words(source), ...v6Words(destination)];
    this.words = words;
    let sum = protocol;
    for (const each of words) sum += (each >>> 16) + (each & 0xffff);
    this.pseudoSum = sum;
  }

  /**
   * Writes the header to the front of `into`. `ecn`, `id` (of which 16 bits count) and `isDontFragment` are for IPv4, `ecn`
   * for both.
   */
  write(into: Uint8Array, payloadLength: number, ecn: number, number: number, isDontFragment: boolean): void {
    const { words } = this;
    const traffic = (this.#dscp << 2) | ecn;
    if (this.headerLength === 40) {
      into[0] = 0x60 | (traffic >>> 4);
      into[1] = (traffic << 4) & 0xff;
      into[2] = 0;
      into[3] = 0;
      writeU16(into, 4, payloadLength);
      into[6] = this.protocol;
      into[7] = this.hopLimit;
      for (let i = 0; i < 8; i++) writeU32(into, 8 + 4 * i, words[i]!);
      return;
    }
    const id = number & 0xffff;
    const total = payloadLength + 20;
    const flags = isDontFragment ? DONT_FRAGMENT : 0;
    const hopsAndProtocol = this.#hopsAndProtocol;
    into[0] = 0x45;
    into[1] = traffic;
    writeU16(into, 2, total);
    writeU16(into, 4, id);
    writeU16(into, 6, flags);
    writeU16(into, 8, hopsAndProtocol);
    // the sum of the addresses is that of the pseudo header without the protocol
    const constant = 0x4500 + hopsAndProtocol + this.pseudoSum - this.protocol;
    writeU16(into, 10, ~foldSum(constant + traffic + total + id + flags));
    writeU32(into, 12, words[0]!);
    writeU32(into, 16, words[1]!);
  }

  /** Hops that the packets may take. */
  get hopLimit(): number {
    return this.#hopsAndProtocol >>> 8;
  }

  /** What the payload is. */
  get protocol(): number {
    return this.#hopsAndProtocol & 0xff;
  }

  /** The source address: a copy. */
  get source(): Uint8Array {
    return bytesOf(this.words, 0);
  }

  /** The destination address: a copy. */
  get destination(): Uint8Array {
    return bytesOf(this.words, this.words.length >>> 1);
  }
}

function word(address: Uint8Array, at: number): number {
  return readU32(address, at) | 0;
}

function v6Words(address: Uint8Array): number[] {
  return [word(address, 0), word(address, 4), word(address, 8), word(address, 12)];
}

/** The half of the words from `from` on. */
function bytesOf(words: readonly number[], from: number): Uint8Array {
  const bytes = new Uint8Array(2 * words.length);
  for (let i = 0; 4 * i < bytes.length; i++) writeU32(bytes, 4 * i, words[from + i]!);
  return bytes;
}
