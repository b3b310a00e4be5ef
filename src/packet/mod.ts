/**
 * Packets: from captured or tunnelled bytes to transport segments, and the headers of the Internet protocols, each as a
 * view (fields in place) and as a value (`decodeX`, `encodeX`, `xLength`).
 *
 * @module
 */
export type { Reasons } from "../core/reasons.ts";
export { formatAddress, IPV4_ADDRESS_LENGTH, IPV6_ADDRESS_LENGTH, parseAddress } from "./address.ts";
export { ARP_LENGTH, arpLength, ArpOperation, type ArpPacket, ArpView, decodeArp, encodeArp } from "./arp.ts";
export {
  CookedPacketType,
  decodeSll,
  decodeSll2,
  encodeSll,
  encodeSll2,
  SLL2_HEADER_LENGTH,
  sll2Length,
  type Sll2Packet,
  Sll2View,
  SLL_HEADER_LENGTH,
  sllLength,
  type SllPacket,
  SllView,
} from "./cooked.ts";
export { PacketError } from "./errors.ts";
export {
  decodeEthernet,
  encodeEthernet,
  ETHERNET_HEADER_LENGTH,
  type EthernetFrame,
  ethernetLength,
  EthernetView,
  formatMac,
  MAC_ADDRESS_LENGTH,
  type VlanTag,
} from "./ethernet.ts";
export { EtherType } from "./ethernet_types.ts";
export {
  decodeIcmp,
  encodeIcmp,
  ICMP_HEADER_LENGTH,
  IcmpFields,
  icmpLength,
  type IcmpMessage,
  IcmpType,
  IcmpView,
} from "./icmp.ts";
export { decodeIcmpv6, encodeIcmpv6, icmpv6Length, type Icmpv6Message, Icmpv6Type, Icmpv6View } from "./icmpv6.ts";
export { decodeIpv4, encodeIpv4, IPV4_HEADER_LENGTH, type Ipv4Datagram, ipv4Length, Ipv4View } from "./ipv4.ts";
export {
  decodeIpv4Options,
  encodeIpv4Options,
  IPV4_MAX_OPTIONS_LENGTH,
  type Ipv4Option,
  ipv4OptionsLength,
  Ipv4OptionType,
} from "./ipv4_options.ts";
export { decodeIpv6, encodeIpv6, IPV6_HEADER_LENGTH, type Ipv6Datagram, ipv6Length, Ipv6View } from "./ipv6.ts";
export {
  decodeIpv6Extensions,
  encodeIpv6Extensions,
  type Ipv6Chain,
  type Ipv6Extension,
  ipv6ExtensionNumber,
  ipv6ExtensionsLength,
} from "./ipv6_ext.ts";
export { Ipv6Header, Ipv6OptionType } from "./ipv6_numbers.ts";
export {
  decodeIpv6Options,
  encodeIpv6Options,
  type Ipv6Option,
  type Ipv6OptionAction,
  ipv6OptionAction,
  ipv6OptionsLength,
} from "./ipv6_options.ts";
export {
  AddressFamily,
  decodeLoopback,
  encodeLoopback,
  LOOPBACK_HEADER_LENGTH,
  loopbackLength,
  type LoopbackPacket,
  LoopbackView,
} from "./loopback.ts";
export { LinkType, type Packet, packetTimeMs, type Timestamp } from "./packet.ts";
export { type ChecksumState, IpProtocol, Segment, type SegmentLayout } from "./segment.ts";
export { SegmentDecoder } from "./segment_decoder.ts";
export type { FragmentTimeoutMs, SegmentDecoderOptions, SegmentDecoderStats } from "./segment_options.ts";
export { SegmentStream, type SegmentStreamOptions } from "./segment_stream.ts";
export type { FaultReason, SkipReason } from "./skip_reasons.ts";
export { decodeTcp, encodeTcp, TCP_HEADER_LENGTH, TcpFlag, tcpLength, type TcpSegment, TcpView } from "./tcp.ts";
export {
  decodeTcpOptions,
  encodeTcpOptions,
  findTcpOption,
  type SackBlock,
  TCP_MAX_OPTIONS_LENGTH,
  TCP_MAX_WINDOW_SCALE,
  type TcpOption,
  TcpOptionKind,
  tcpOptionsLength,
} from "./tcp_options.ts";
export { decodeUdp, encodeUdp, UDP_HEADER_LENGTH, type UdpDatagram, udpLength, UdpView } from "./udp.ts";
export type { IpAddresses } from "./wire.ts";
