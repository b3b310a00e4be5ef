/**
 * The unit that captures, TUN devices and network stacks exchange: one packet with the time at which it was seen.
 *
 * @module
 */

/** A moment since 1970-01-01 UTC, exact to the nanosecond. */
export interface Timestamp {
  /** Whole seconds. */
  readonly seconds: number;
  /** Nanoseconds within the second, 0 to 999,999,999. */
  readonly nanoseconds: number;
}

/** Link types of captures that {@linkcode SegmentStream} reads: the LINKTYPE_ values of tcpdump.org, by name. */
export const LinkType = {
  /** BSD loopback: 4 bytes of address family in the byte order of the capturing host. */
  NULL: 0,
  /** Ethernet II and IEEE 802.3. */
  ETHERNET: 1,
  /** Raw IPv4 or IPv6 (DLT_RAW as written by some systems). */
  RAW_12: 12,
  /** Raw IPv4 or IPv6, on OpenBSD. */
  RAW_14: 14,
  /** Raw IPv4 or IPv6. */
  RAW: 101,
  /** OpenBSD loopback: 4 bytes of address family, big-endian. */
  LOOP: 108,
  /** Linux cooked capture v1 (`tcpdump -i any` of old). */
  LINUX_SLL: 113,
  /** Raw IPv4. */
  IPV4: 228,
  /** Raw IPv6. */
  IPV6: 229,
  /** Linux cooked capture v2. */
  LINUX_SLL2: 276,
} as const;

/** One captured or transmitted packet. */
export interface Packet extends Timestamp {
  /** What was captured: a view, valid as long as the buffer that it came in. Starts at the link header. */
  readonly bytes: Uint8Array;
  /** Length on the wire; more than `bytes.length` when the capture cut the packet (snap length). */
  readonly originalLength: number;
  /** LINKTYPE_ value: what `bytes` starts with. See {@linkcode LinkType}. */
  readonly linkType: number;
  /** Number of the packet in its capture or source, from 1, as capture tools count. */
  readonly number: number;
  /** Index of the capturing interface in its capture, 0 where there is only one. */
  readonly interfaceId: number;
}

/**
 * A packet that is lent: one object for all packets of a capture, where nobody keeps any (`Sink.borrows`). It tells where
 * in a chunk its bytes are, so that no view of them has to be made. Internal.
 */
export class BorrowedPacket implements Packet {
  seconds = 0;
  nanoseconds = 0;
  originalLength = 0;
  linkType = 0;
  number = 0;
  interfaceId = 0;
  /** What the packet is in. */
  chunk: Uint8Array = NOTHING;
  /** Where it begins. */
  start = 0;
  /** Where it ends. */
  end = 0;
  /** The segment that is lent with it, and holds the chunk as well. */
  segment: { bytes: Uint8Array } | undefined = undefined;

  get bytes(): Uint8Array {
    return this.chunk.subarray(this.start, this.end);
  }

  /** Lets go of the chunk. */
  forget(): void {
    this.chunk = NOTHING;
    this.start = this.end = 0;
    if (this.segment !== undefined) this.segment.bytes = NOTHING;
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);

/** The time of a packet in milliseconds since 1970, for engines that need only order and distance. */
export function packetTimeMs(time: Timestamp): number {
  return time.seconds * 1000 + time.nanoseconds / 1e6;
}
