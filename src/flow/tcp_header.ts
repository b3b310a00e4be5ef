/**
 * The few TCP header fields that an onlooker needs (RFC 9293 section 3.1), read into one reused object.
 *
 * @module
 */
import { readI32, readU16 } from "../bytes/integers.ts";
import type { Segment } from "../packet/segment.ts";

/** Control bits, by their names in RFC 9293. */
export const TcpFlag = { FIN: 0x01, SYN: 0x02, RST: 0x04, ACK: 0x10 } as const;

/** Length of a TCP header without options. */
export const MIN_TCP_HEADER = 20;

/** Bits of all segments but those that only carry data and acknowledge. */
const UNUSUAL = TcpFlag.FIN | TcpFlag.SYN | TcpFlag.RST;

/**
 * Fields of the segment at hand. Sequence numbers are signed 32-bit integers: those beyond 2^31 would be floats to the
 * engines of JavaScript, each in a box of its own.
 */
export class TcpHeader {
  /** Sequence number of the first payload byte: behind the SYN, if there is one. */
  sequence = 0;
  /** Acknowledgment number; only with {@linkcode hasAck}. */
  acknowledgment = 0;
  /** Advertised window, unscaled. */
  window = 0;
  #flags = 0;

  /** FIN bit. */
  get isFin(): boolean {
    return (this.#flags & TcpFlag.FIN) !== 0;
  }

  /** SYN bit. */
  get isSyn(): boolean {
    return (this.#flags & TcpFlag.SYN) !== 0;
  }

  /** RST bit. */
  get isRst(): boolean {
    return (this.#flags & TcpFlag.RST) !== 0;
  }

  /** ACK bit. */
  get hasAck(): boolean {
    return (this.#flags & TcpFlag.ACK) !== 0;
  }

  /** ACK bit, and neither FIN nor SYN nor RST: what nearly all segments have. */
  get isPlain(): boolean {
    return (this.#flags & (TcpFlag.ACK | UNUSUAL)) === TcpFlag.ACK;
  }

  /** Takes over the fields of a TCP segment whose header was captured. */
  read(segment: Segment): void {
    const { bytes } = segment;
    const at = segment.datagramOffset + segment.transportOffset;
    const flags = bytes[at + 13]!;
    this.#flags = flags;
    this.sequence = (readI32(bytes, at + 4) + ((flags & TcpFlag.SYN) >> 1)) | 0;
    this.acknowledgment = readI32(bytes, at + 8);
    this.window = readU16(bytes, at + 14);
  }
}
