/**
 * The IP header of what a flow sends: all of it that stays the same is worked out once.
 *
 * @module
 */
import { checksumAdd } from "../bytes/checksum.ts";
import { writeU16 } from "../bytes/integers.ts";
import { foldSum } from "./sum.ts";

const DONT_FRAGMENT = 0x4000;

/** What all packets of a flow share. */
export class IpTemplate {
  /** Bytes of the header. */
  readonly headerLength: 20 | 40;
  /** Unfolded sum of the pseudo header, without the length of the upper layer. */
  readonly pseudoSum: number;
  readonly #header: Uint8Array;
  readonly #headerSum: number;
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
    const header = new Uint8Array(this.headerLength);
    const sourceAt = version === 4 ? 12 : 8;
    header.set(source, sourceAt);
    header.set(destination, sourceAt + source.length);
    this.pseudoSum = protocol + checksumAdd(0, header, sourceAt, this.headerLength);
    if (version === 4) {
      header[0] = 0x45;
      header[8] = hopLimit;
      header[9] = protocol;
    } else {
      header[6] = protocol;
      header[7] = hopLimit;
    }
    this.#header = header;
    this.#headerSum = checksumAdd(0, header);
  }

  /**
   * Writes the header to the front of `into`. `ecn`, `id` (of which 16 bits count) and `isDontFragment` are for IPv4, `ecn`
   * for both.
   */
  write(into: Uint8Array, payloadLength: number, ecn: number, number: number, isDontFragment: boolean): void {
    const header = this.#header;
    const id = number & 0xffff;
    const traffic = (this.#dscp << 2) | ecn;
    if (this.headerLength === 40) {
      // a loop over 40 bytes costs less than `set` with its checks
      for (let i = 4; i < 40; i++) into[i] = header[i]!;
      into[0] = 0x60 | (traffic >>> 4);
      into[1] = (traffic << 4) & 0xff;
      into[2] = 0;
      into[3] = 0;
      writeU16(into, 4, payloadLength);
      return;
    }
    for (let i = 8; i < 20; i++) into[i] = header[i]!;
    const total = payloadLength + 20;
    const flags = isDontFragment ? DONT_FRAGMENT : 0;
    into[0] = 0x45;
    into[1] = traffic;
    writeU16(into, 2, total);
    writeU16(into, 4, id);
    writeU16(into, 6, flags);
    writeU16(into, 10, ~foldSum(this.#headerSum + traffic + total + id + flags));
  }

  /** The header's own bytes of the addresses: source, then destination. Not to be changed. */
  get addresses(): Uint8Array {
    return this.#header.subarray(this.headerLength === 20 ? 12 : 8, this.headerLength);
  }

  /** Hops that the packets may take. */
  get hopLimit(): number {
    return this.#header[this.headerLength === 20 ? 8 : 7]!;
  }

  /** What the payload is. */
  get protocol(): number {
    return this.headerLength === 20 ? this.#header[9]! : this.#header[6]!;
  }
}
