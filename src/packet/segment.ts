/**
 * A transport segment: where one TCP, UDP or other IP payload lies in the datagram that carried it.
 *
 * Holds positions, not copies; addresses and views are made when asked for.
 *
 * @module
 */
import { innerPartOf } from "../bytes/known_base.ts";
import { readU16 } from "../bytes/integers.ts";
import { formatAddress } from "./address.ts";
import type { Packet } from "./packet.ts";

/** IP protocol numbers that this layer reads further, by their IANA names. */
export const IpProtocol = {
  /** RFC 792. */
  ICMP: 1,
  /** RFC 9293. */
  TCP: 6,
  /** RFC 768. */
  UDP: 17,
  /** RFC 4443. */
  ICMPV6: 58,
} as const;

/** What a verified checksum said; `unverified` unless verification was asked for and could be done. */
export type ChecksumState = "unverified" | "valid" | "invalid";

/** Positions in the datagram, as the decoder found them. */
export interface SegmentLayout {
  /** IP version. */
  version: 4 | 6;
  /** IP protocol number of the payload. */
  protocol: number;
  /** Where the transport header starts in `datagram`. */
  transportOffset: number;
  /** Where the transport payload starts in `datagram`. */
  payloadOffset: number;
  /** Where the captured payload ends in `datagram` (link padding excluded). */
  payloadEnd: number;
  /** Length of the payload on the wire; more than was captured when the capture cut the packet. */
  wirePayloadLength: number;
  /** Result of checksum verification. */
  checksum: ChecksumState;
}

type Refillable = { -readonly [Name in keyof Segment]: Segment[Name] };

/** Makes a segment that nobody keeps the next one, with what the constructor is given. Internal. */
export let refill: (
  segment: Segment,
  packet: Packet,
  bytes: Uint8Array,
  layout: SegmentLayout,
  start: number,
  end: number,
) => void;

/** One transport segment. Ports are 0 for protocols without ports. */
export class Segment {
  /** The packet it came in; for a datagram put together from fragments, the one that completed it. */
  readonly packet: Packet;
  /** What the datagram lies in: the packet's bytes, or a buffer of its own when reassembled. */
  readonly bytes: Uint8Array;
  /** Where the datagram starts in `bytes`. */
  readonly datagramOffset: number;
  /** IP version. */
  readonly version: 4 | 6;
  /** IP protocol number; see {@linkcode IpProtocol}. */
  readonly protocol: number;
  /** Where the transport header starts in `datagram`. */
  readonly transportOffset: number;
  /** Where the transport payload starts in `datagram`. */
  readonly payloadOffset: number;
  /** Where the captured payload ends in `datagram`. */
  readonly payloadEnd: number;
  /** Length of the payload on the wire. */
  readonly wirePayloadLength: number;
  /** Result of checksum verification. */
  readonly checksum: ChecksumState;
  #datagramEnd: number;

  /**
   * Made by `SegmentDecoder`; the layout must lie within the datagram, which is the part of `bytes` from `start` to
   * `end`.
   */
  constructor(packet: Packet, bytes: Uint8Array, layout: SegmentLayout, start = 0, end: number = bytes.length) {
    this.packet = packet;
    this.bytes = bytes;
    this.datagramOffset = start;
    this.version = layout.version;
    this.protocol = layout.protocol;
    this.transportOffset = layout.transportOffset;
    this.payloadOffset = layout.payloadOffset;
    this.payloadEnd = layout.payloadEnd;
    this.wirePayloadLength = layout.wirePayloadLength;
    this.checksum = layout.checksum;
    this.#datagramEnd = end;
  }

  static {
    refill = (segment: Refillable, packet, bytes, layout, start, end) => {
      // a store of what is there already costs as much as any, and more where a young object goes into an old one
      if (segment.packet !== packet) segment.packet = packet;
      if (segment.bytes !== bytes) segment.bytes = bytes;
      segment.datagramOffset = start;
      segment.version = layout.version;
      segment.protocol = layout.protocol;
      segment.transportOffset = layout.transportOffset;
      segment.payloadOffset = layout.payloadOffset;
      segment.payloadEnd = layout.payloadEnd;
      segment.wirePayloadLength = layout.wirePayloadLength;
      segment.checksum = layout.checksum;
      (segment as Segment).#datagramEnd = end;
    };
  }

  /** The IP datagram, from its header on: a view, made when asked for; `bytes` itself where the datagram fills it. */
  get datagram(): Uint8Array {
    const { bytes, datagramOffset } = this;
    if (datagramOffset === 0 && this.#datagramEnd === bytes.length) return bytes;
    return bytes.subarray(datagramOffset, this.#datagramEnd);
  }

  /** Source address, 4 or 16 bytes: a view. */
  get sourceBytes(): Uint8Array {
    return this.version === 4 ? this.#view(12, 16) : this.#view(8, 24);
  }

  /** Destination address, 4 or 16 bytes: a view. */
  get destinationBytes(): Uint8Array {
    return this.version === 4 ? this.#view(16, 20) : this.#view(24, 40);
  }

  /** Source address as text. */
  get sourceAddress(): string {
    return formatAddress(this.sourceBytes);
  }

  /** Destination address as text. */
  get destinationAddress(): string {
    return formatAddress(this.destinationBytes);
  }

  /** Source port, 0 for protocols without ports. */
  get sourcePort(): number {
    return this.#port(0);
  }

  /** Destination port, 0 for protocols without ports. */
  get destinationPort(): number {
    return this.#port(2);
  }

  /** The transport header with its options: a view. */
  get header(): Uint8Array {
    return this.#view(this.transportOffset, this.payloadOffset);
  }

  /** The captured payload: a view. */
  get payload(): Uint8Array {
    const { bytes, datagramOffset } = this;
    return innerPartOf(bytes, datagramOffset + this.payloadOffset, datagramOffset + this.payloadEnd);
  }

  #port(at: number): number {
    if (this.protocol !== IpProtocol.TCP && this.protocol !== IpProtocol.UDP) return 0;
    return readU16(this.bytes, this.datagramOffset + this.transportOffset + at);
  }

  #view(start: number, end: number): Uint8Array {
    return this.bytes.subarray(this.datagramOffset + start, this.datagramOffset + end);
  }
}
