/**
 * Writes the segments of a connection into packets, with headers and checksums (RFC 9293 section 3.1).
 *
 * @module
 */
import { writeU16, writeU32 } from "../../bytes/integers.ts";
import { TCP_HEADER_LENGTH, TcpFlag } from "../../packet/tcp.ts";
import { TcpOptionKind } from "../../packet/tcp_options.ts";
import type { IpTemplate } from "../ip_header.ts";
import type { PacketOut } from "../packet_out.ts";
import { foldSum, type Summer } from "../../bytes/summer.ts";
import type { ByteRing } from "./byte_ring.ts";

/** Most bytes that options take: what the header's length of 4 bits leaves. */
const MAX_OPTIONS = 40;

/** Bytes of timestamps, filled up so that what follows is aligned. */
export const TIMESTAMPS_LENGTH = 12;

/** What goes into a segment besides options and data; filled anew for each. */
export class SegmentFields {
  /** Sequence number. */
  sequence = 0;
  /** Acknowledgment number; counts with the flag. */
  acknowledgment = 0;
  /** Bits of `TcpFlag`. */
  flags = 0;
  /** Window field, not scaled. */
  window = 0;
  /** Congestion bits of the IP header. */
  ecn = 0;
  /** Urgent pointer; counts with the flag. */
  urgentPointer = 0;
}

/** One for all connections of an endpoint. */
export class SegmentWriter {
  /** The next segment's. */
  readonly fields: SegmentFields = new SegmentFields();
  readonly #options = new Uint8Array(MAX_OPTIONS);
  #optionsLength = 0;
  readonly #summer: Summer;

  /** Writes nothing yet. */
  constructor(summer: Summer) {
    this.#summer = summer;
  }

  /** Bytes of the options so far. */
  get optionsLength(): number {
    return this.#optionsLength;
  }

  /** Begins a segment: no options. */
  begin(sequence: number, acknowledgment: number, flags: number, window: number): void {
    const { fields } = this;
    fields.sequence = sequence;
    fields.acknowledgment = acknowledgment;
    fields.flags = flags;
    fields.window = window;
    fields.ecn = 0;
    fields.urgentPointer = 0;
    this.#optionsLength = 0;
  }

  /** Options of a SYN, in the order that is usual; -1 and `false` leave one out. */
  addSynOptions(mss: number, windowScale: number, hasSack: boolean): void {
    const options = this.#options;
    let at = 0;
    if (mss >= 0) {
      options[at] = TcpOptionKind.MSS;
      options[at + 1] = 4;
      writeU16(options, at + 2, mss);
      at += 4;
    }
    if (windowScale >= 0) {
      options[at] = TcpOptionKind.NOP;
      options[at + 1] = TcpOptionKind.WINDOW_SCALE;
      options[at + 2] = 3;
      options[at + 3] = windowScale;
      at += 4;
    }
    if (hasSack) {
      options[at] = TcpOptionKind.SACK_PERMITTED;
      options[at + 1] = 2;
      at += 2;
    }
    this.#optionsLength = at;
  }

  /** Timestamps of a SYN: where the others end. */
  addSynTimestamps(value: number, echo: number): void {
    const options = this.#options;
    // behind SACK-permitted they fill whole words
    if (this.#optionsLength % 4 === 0) {
      options[this.#optionsLength++] = TcpOptionKind.NOP;
      options[this.#optionsLength++] = TcpOptionKind.NOP;
    }
    const at = this.#optionsLength;
    options[at] = TcpOptionKind.TIMESTAMPS;
    options[at + 1] = 10;
    writeU32(options, at + 2, value);
    writeU32(options, at + 6, echo);
    this.#optionsLength = at + 10;
  }

  /** Timestamps, aligned (RFC 7323 appendix A). */
  addTimestamps(value: number, echo: number): void {
    const options = this.#options;
    const at = this.#optionsLength;
    options[at] = TcpOptionKind.NOP;
    options[at + 1] = TcpOptionKind.NOP;
    options[at + 2] = TcpOptionKind.TIMESTAMPS;
    options[at + 3] = 10;
    writeU32(options, at + 4, value);
    writeU32(options, at + 8, echo);
    this.#optionsLength = at + TIMESTAMPS_LENGTH;
  }

  /** Blocks of a selective acknowledgment (RFC 2018). */
  addSack(blocks: Int32Array, count: number): void {
    const options = this.#options;
    let at = this.#optionsLength;
    options[at] = TcpOptionKind.NOP;
    options[at + 1] = TcpOptionKind.NOP;
    options[at + 2] = TcpOptionKind.SACK;
    options[at + 3] = 2 + 8 * count;
    at += 4;
    for (let i = 0; i < 2 * count; i++, at += 4) writeU32(options, at, blocks[i]!);
    this.#optionsLength = at;
  }

  /**
   * Writes the segment with `length` bytes of `ring` from `offset` on; `false` when `out` has no room. `segmentSize` is not 0
   * when it is to be cut by whoever carries it.
   */
  write(
    out: PacketOut,
    template: IpTemplate,
    sourcePort: number,
    destinationPort: number,
    ring: ByteRing | null,
    offset: number,
    length: number,
    segmentSize: number,
  ): boolean {
    const { fields } = this;
    const { headerLength } = template;
    const optionsLength = (this.#optionsLength + 3) & ~3;
    const tcpLength = TCP_HEADER_LENGTH + optionsLength + length;
    const bytes = out.alloc(headerLength + tcpLength);
    if (bytes === null) return false;
    template.write(bytes, tcpLength, fields.ecn, 0, true);
    const at = headerLength;
    writeU16(bytes, at, sourcePort);
    writeU16(bytes, at + 2, destinationPort);
    writeU32(bytes, at + 4, fields.sequence);
    writeU32(bytes, at + 8, fields.flags & TcpFlag.ACK ? fields.acknowledgment : 0);
    writeU16(bytes, at + 12, ((TCP_HEADER_LENGTH + optionsLength) << 10) | fields.flags);
    writeU16(bytes, at + 14, fields.window);
    writeU32(bytes, at + 16, fields.urgentPointer);
    const options = this.#options;
    const dataAt = at + TCP_HEADER_LENGTH + optionsLength;
    for (let i = 0; i < this.#optionsLength; i++) bytes[at + TCP_HEADER_LENGTH + i] = options[i]!;
    for (let i = this.#optionsLength; i < optionsLength; i++) {
      bytes[at + TCP_HEADER_LENGTH + i] = TcpOptionKind.END;
    }
    if (length > 0) ring!.copyTo(offset, length, bytes, dataAt);
    const sum = this.#summer.add(template.pseudoSum + tcpLength, bytes, at, at + tcpLength);
    writeU16(bytes, at + 16, ~foldSum(sum));
    out.commit(headerLength + tcpLength, segmentSize === 0 ? undefined : segmentSize);
    return true;
  }
}
