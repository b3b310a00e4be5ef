/**
 * The packet that an ICMP error quotes: which flow of ours it was (RFC 5927 section 3).
 *
 * @module
 */
import { readU16, readU32 } from "../bytes/integers.ts";
import { Ipv6Header } from "../packet/ipv6_numbers.ts";
import { IpProtocol } from "../packet/segment.ts";
import type { IpPacket } from "./ip_packet.ts";
import type { FlowPath } from "./l3l4_sink.ts";

/** Bytes of an ICMP message in front of the quote. */
const ICMP_HEADER = 8;

/** What is read of a quote. */
export interface IcmpQuote {
  /** The flow, from our side; its ports are those of TCP and UDP, else 0. */
  readonly path: FlowPath;
  /** What the packet held. */
  readonly protocol: number;
  /** Bytes of it, as its header says. */
  readonly packetLength: number;
  /** The word at 4 of what it held: TCP's sequence number, identifier and sequence number of an echo. */
  readonly word: number;
  /** Type, when it was an ICMP message, else -1. */
  readonly icmpType: number;
}

/**
 * Reads the quote in the ICMP error that `packet` is; `null` when it quotes nothing that can be found again: less than 8
 * bytes of a transport, another fragment than the first, or a packet that did not come from whom the error went to.
 */
export function readIcmpQuote(packet: IpPacket): IcmpQuote | null {
  return packet.version === 4 ? readV4(packet) : readV6(packet);
}

function readV4(packet: IpPacket): IcmpQuote | null {
  const { bytes, end } = packet;
  const at = packet.payloadAt + ICMP_HEADER;
  if (end - at < 28 || bytes[at]! >>> 4 !== 4) return null;
  const transportAt = at + (bytes[at]! & 0x0f) * 4;
  if (transportAt < at + 20 || transportAt + 8 > end || (readU16(bytes, at + 6) & 0x1fff) !== 0) return null;
  return quoteOf(packet, bytes[at + 9]!, readU16(bytes, at + 2), at + 12, transportAt);
}

function readV6(packet: IpPacket): IcmpQuote | null {
  const { bytes, end } = packet;
  const at = packet.payloadAt + ICMP_HEADER;
  if (end - at < 48 || bytes[at]! >>> 4 !== 6) return null;
  let protocol = bytes[at + 6]!;
  let transportAt = at + 40;
  // no other extension header is ever sent
  if (protocol === Ipv6Header.FRAGMENT) {
    if ((readU16(bytes, transportAt + 2) & 0xfff8) !== 0) return null;
    protocol = bytes[transportAt]!;
    transportAt += 8;
  }
  if (transportAt + 8 > end) return null;
  return quoteOf(packet, protocol, readU16(bytes, at + 4) + 40, at + 8, transportAt);
}

function quoteOf(
  packet: IpPacket,
  protocol: number,
  packetLength: number,
  sourceAt: number,
  transportAt: number,
): IcmpQuote | null {
  const { addressLength: length, bytes, destinationAt, version } = packet;
  for (let i = 0; i < length; i++) {
    if (bytes[sourceAt + i] !== bytes[destinationAt + i]) return null;
  }
  const hasPorts = protocol === IpProtocol.TCP || protocol === IpProtocol.UDP;
  const isIcmp = protocol === (version === 4 ? IpProtocol.ICMP : IpProtocol.ICMPV6);
  return {
    path: {
      version,
      localAddress: bytes.slice(sourceAt, sourceAt + length),
      localPort: hasPorts ? readU16(bytes, transportAt) : 0,
      remoteAddress: bytes.slice(sourceAt + length, sourceAt + 2 * length),
      remotePort: hasPorts ? readU16(bytes, transportAt + 2) : 0,
    },
    protocol,
    packetLength,
    word: readU32(bytes, transportAt + 4),
    icmpType: isIcmp ? bytes[transportAt]! : -1,
  };
}
