/**
 * Checksums of headers and of transports with their pseudo headers (RFC 1071, RFC 9293 section 3.1, RFC 8200 section
 * 8.1).
 *
 * @module
 */
import { checksumAdd, checksumFinish } from "../bytes/checksum.ts";
import { readU16 } from "../bytes/integers.ts";
import { IpProtocol } from "./segment.ts";
import type { SkipReason } from "./skip_reasons.ts";

/** Checksum of the IPv4 header at `start` of `bytes`; 0 when the one within it is right. */
export function ipv4HeaderChecksum(bytes: Uint8Array, start: number, headerLength: number): number {
  return checksumFinish(checksumAdd(0, bytes, start, start + headerLength));
}

/**
 * Unfolded sum of the pseudo header: source and destination (4 or 16 bytes each, one behind the other in `addresses`
 * from `start` to `end`), protocol and upper-layer length.
 */
export function pseudoHeaderSum(
  addresses: Uint8Array,
  start: number,
  end: number,
  protocol: number,
  length: number,
): number {
  // a length of more than 16 bits is two words of the IPv6 pseudo header; folding makes them one sum anyway
  return checksumAdd(protocol + length, addresses, start, end);
}

/**
 * What the checksum of the transport from `at` to `end` says. `unverified` for protocols that have none here, and for
 * UDP over IPv4 sent without.
 */
export function transportChecksum(
  datagram: Uint8Array,
  version: 4 | 6,
  protocol: number,
  at: number,
  end: number,
): "valid" | "unverified" | SkipReason {
  switch (protocol) {
    case IpProtocol.TCP:
      return isRight(datagram, version, protocol, at, end) ? "valid" : "badTcpChecksum";
    case IpProtocol.UDP:
      if (readU16(datagram, at + 6) === 0) return version === 4 ? "unverified" : "noUdpChecksum";
      return isRight(datagram, version, protocol, at, end) ? "valid" : "badUdpChecksum";
    case IpProtocol.ICMP:
      if (version === 6) return "unverified";
      return checksumFinish(checksumAdd(0, datagram, at, end)) === 0 ? "valid" : "badIcmpChecksum";
    case IpProtocol.ICMPV6:
      if (version === 4) return "unverified";
      return isRight(datagram, version, protocol, at, end) ? "valid" : "badIcmpChecksum";
    default:
      return "unverified";
  }
}

function isRight(datagram: Uint8Array, version: 4 | 6, protocol: number, at: number, end: number): boolean {
  const pseudo = version === 4
    ? pseudoHeaderSum(datagram, 12, 20, protocol, end - at)
    : pseudoHeaderSum(datagram, 8, 40, protocol, end - at);
  return checksumFinish(checksumAdd(pseudo, datagram, at, end)) === 0;
}
