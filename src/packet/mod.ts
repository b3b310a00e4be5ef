/**
 * Packets: from captured or tunnelled bytes to transport segments, and the headers of the Internet protocols as views
 * and as values.
 *
 * @module
 */
export { formatAddress, IPV4_ADDRESS_LENGTH, IPV6_ADDRESS_LENGTH, parseAddress } from "./address.ts";
export { PacketError } from "./errors.ts";
export { EtherType } from "./ethernet_types.ts";
export { Ipv6Header, Ipv6OptionType } from "./ipv6_numbers.ts";
export { LinkType, type Packet, packetTimeMs, type Timestamp } from "./packet.ts";
export { type ChecksumState, IpProtocol, Segment, type SegmentLayout } from "./segment.ts";
export { SegmentDecoder } from "./segment_decoder.ts";
export type { FragmentTimeoutMs, SegmentDecoderOptions, SegmentDecoderStats } from "./segment_options.ts";
export type { FaultReason, SkipReason } from "./skip_reasons.ts";
