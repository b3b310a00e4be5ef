/**
 * The few TCP header fields that an onlooker needs (RFC 9293 section 3.1), read into one reused object.
 *
 * @module
 */
import { readU16, readU32 } from "../bytes/integers.ts";
import type { Segment } from "../packet/segment.ts";

/** Control bits, by their names in RFC 9293. */
export const TcpFlag = { FIN: 0x01, SYN: 0x02, RST: 0x04, ACK: 0x10 } as const;

/** Length of a TCP header without options. */
export const MIN_TCP_HEADER = 20;

/** Fields of the segment at hand. */
export class TcpHeader {
  /** Sequence number of the first payload byte: behind the SYN, if there is one. */
  sequence = 0;
  /** Acknowledgment number; only with {@linkcode hasAck}. */
  acknowledgment = 0;
  /** Advertised window, unscaled. */
  window = 0;
  /** FIN bit. */
  isFin = false;
  /** SYN bit. */
  isSyn = false;
  /** RST bit. */
  isRst = false;
  /** ACK bit. */
  hasAck = false;

  /** Takes over the fields of a TCP segment whose header was captured. */
  read(segment: Segment): void {
    const { bytes } = segment;
    const at = segment.datagramOffset + segment.transportOffset;
    const flags = bytes[at + 13]!;
    this.isFin = (flags & TcpFlag.FIN) !== 0;
    this.isSyn = (flags & TcpFlag.SYN) !== 0;
    this.isRst = (flags & TcpFlag.RST) !== 0;
    this.hasAck = (flags & TcpFlag.ACK) !== 0;
    this.sequence = this.isSyn ? (readU32(bytes, at + 4) + 1) >>> 0 : readU32(bytes, at + 4);
    this.acknowledgment = readU32(bytes, at + 8);
    this.window = readU16(bytes, at + 14);
  }
}
