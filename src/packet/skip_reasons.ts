/**
 * Why a packet gives no segment: the names of the counters, and what each means.
 *
 * @module
 */
import { PacketError } from "./errors.ts";

/**
 * Why a packet was skipped because of a fault of its own: malformed, cut, or over a limit. `onError` gets an error.
 */
export type FaultReason =
  | "truncatedLink"
  | "badIpVersion"
  | "cutHeader"
  | "truncatedIp"
  | "badIpHeaderLength"
  | "badIpTotalLength"
  | "ipLengthBeyondPacket"
  | "badIpChecksum"
  | "badIpOptions"
  | "sourceRouted"
  | "badExtensionHeader"
  | "unknownIpv6Option"
  | "jumbogram"
  | "truncatedTransport"
  | "badTcpDataOffset"
  | "badTcpChecksum"
  | "badUdpLength"
  | "badUdpChecksum"
  | "noUdpChecksum"
  | "badIcmpChecksum"
  | "cutFragment"
  | "badFragmentLength"
  | "fragmentBeyondLimit"
  | "fragmentOverlap"
  | "fragmentEcn"
  | "fragmentOfDropped"
  | "tooManyFragments"
  | "fragmentMemory"
  | "nestedFragment";

/** Why a packet was skipped: the name of its counter. The first five are nobody's fault. */
export type SkipReason = "arp" | "nonIp" | "unknownLinkType" | "noNextHeader" | "duplicateFragment" | FaultReason;

/** Reasons that are the sender's or the capture's fault: code of the error and what is wrong. */
const FAULTS: Readonly<Record<FaultReason, readonly [code: string, text: string]>> = {
  truncatedLink: ["ETRUNCATED", "the packet ends within its link header"],
  badIpVersion: ["EPROTO", "the IP version is not the one announced, or neither 4 nor 6"],
  cutHeader: ["ETRUNCATED", "the capture cut the packet within its headers"],
  truncatedIp: ["ETRUNCATED", "the packet is shorter than an IP header"],
  badIpHeaderLength: ["EPROTO", "the IPv4 header length is below 20"],
  badIpTotalLength: ["EPROTO", "the IPv4 total length is below the header length"],
  ipLengthBeyondPacket: ["EPROTO", "the IP length is beyond the end of the packet"],
  badIpChecksum: ["EPROTO", "the IPv4 header checksum is wrong"],
  badIpOptions: ["EPROTO", "the IPv4 options are malformed"],
  sourceRouted: ["EPROTO", "the packet is source routed"],
  badExtensionHeader: ["EPROTO", "an IPv6 extension header is malformed or out of place"],
  unknownIpv6Option: ["EPROTO", "an unknown IPv6 option asks for the packet to be discarded"],
  jumbogram: ["EMSGSIZE", "IPv6 jumbograms are not supported"],
  truncatedTransport: ["ETRUNCATED", "the datagram ends within its transport header"],
  badTcpDataOffset: ["EPROTO", "the TCP data offset is below 5 or beyond the segment"],
  badTcpChecksum: ["EPROTO", "the TCP checksum is wrong"],
  badUdpLength: ["EPROTO", "the UDP length is below 8 or beyond the datagram"],
  badUdpChecksum: ["EPROTO", "the UDP checksum is wrong"],
  noUdpChecksum: ["EPROTO", "the UDP checksum is missing over IPv6"],
  badIcmpChecksum: ["EPROTO", "the ICMP checksum is wrong"],
  cutFragment: ["ETRUNCATED", "the capture cut a fragment, so its datagram cannot be put together"],
  badFragmentLength: ["EPROTO", "a fragment is empty, or not the last and no multiple of 8 long"],
  fragmentBeyondLimit: ["EMSGSIZE", "a fragment reaches beyond the largest datagram"],
  fragmentOverlap: ["EPROTO", "fragments of a datagram overlap or contradict each other"],
  fragmentEcn: ["EPROTO", "a fragment says that it met congestion, another that its sender knows nothing of that"],
  fragmentOfDropped: ["EPROTO", "a fragment belongs to a datagram that was dropped"],
  tooManyFragments: ["EPROTO", "the datagram has more fragments than maxFragmentsPerDatagram"],
  fragmentMemory: ["ENOBUFS", "the fragment does not fit into maxFragmentBytes"],
  nestedFragment: ["EPROTO", "a fragment holds fragments"],
};

/** Whether the reason is a fault of the packet, not just something that this layer does not read. */
export function isFault(reason: SkipReason): reason is FaultReason {
  return Object.hasOwn(FAULTS, reason);
}

/** The error for a fault, at `offset` in the packet. */
export function faultError(reason: FaultReason, offset: number): PacketError {
  const [code, text] = FAULTS[reason];
  return new PacketError(text, { code, offset });
}
