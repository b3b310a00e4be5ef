/**
 * A datagram that was received and found right, as the transports read it.
 *
 * @module
 */

/** One for each engine, filled anew for each datagram; valid only during the call that it is given to. */
export class IpPacket {
  /** The whole datagram from its IP header on, reassembled where it came in fragments. */
  bytes: Uint8Array = new Uint8Array(0);
  /** IP version. */
  version: 4 | 6 = 4;
  /** Where the source address lies. */
  sourceAt = 12;
  /** Where the destination address lies. */
  destinationAt = 16;
  /** Bytes of an address. */
  addressLength: 4 | 16 = 4;
  /** What the payload is, behind all extension headers. */
  protocol = 0;
  /** Where the transport's header starts. */
  payloadAt = 0;
  /** Where the datagram ends; padding behind it does not count. */
  end = 0;
  /** Congestion bits. */
  ecn = 0;
  /** Differentiated services code point. */
  dscp = 0;
  /** Hops that it might still have taken. */
  hopLimit = 0;
  /** Whether the destination is a multicast or broadcast address. */
  isToMany = false;
  /** Whether it came in fragments. */
  wasFragmented = false;
  /** Whether the driver vouches for the transport's checksum. */
  isChecksumTrusted = false;
}
