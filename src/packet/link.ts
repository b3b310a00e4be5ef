/**
 * From a link header to the IP header behind it: Ethernet with tags or LLC/SNAP, Linux cooked captures, BSD loopback,
 * raw IP.
 *
 * Only finds the offset; the headers as values are in `ethernet.ts`, `cooked.ts` and `loopback.ts`. Not here: Wi-Fi,
 * PPP, MPLS and tunnels of any kind.
 *
 * @module
 */
import { readU16, readU24, readU32, readU32le } from "../bytes/integers.ts";
import { EtherType, isVlanTag, LLC_SNAP, MAX_802_3_LENGTH } from "./ethernet_types.ts";
import { LinkType } from "./packet.ts";
import type { SkipReason } from "./skip_reasons.ts";

/** The bytes end within the link header. */
const TRUNCATED = -1;
const ARP = -2;
const NON_IP = -3;
const UNKNOWN_LINK_TYPE = -4;
const BAD_VERSION = -5;

const REASONS: readonly SkipReason[] = ["truncatedLink", "arp", "nonIp", "unknownLinkType", "badIpVersion"];

/** The reason behind a negative {@linkcode networkOffset}. */
export function linkSkipReason(offset: number): SkipReason {
  return REASONS[-offset - 1]!;
}

/** Offset of the IP header in `bytes`, or a negative number for {@linkcode linkSkipReason}. */
export function networkOffset(bytes: Uint8Array, linkType: number): number {
  switch (linkType) {
    case LinkType.ETHERNET:
      return bytes.length < 14 ? TRUNCATED : byEtherType(bytes, 12);
    case LinkType.RAW:
    case LinkType.RAW_12:
    case LinkType.RAW_14:
      return rawIp(bytes, 0);
    case LinkType.IPV4:
      return ofVersion(bytes, 0, 4);
    case LinkType.IPV6:
      return ofVersion(bytes, 0, 6);
    case LinkType.LINUX_SLL:
      return cooked(bytes, 16, 2, 14);
    case LinkType.LINUX_SLL2:
      return cooked(bytes, 20, 8, 0);
    case LinkType.NULL:
    case LinkType.LOOP:
      return loopback(bytes, linkType);
    default:
      return UNKNOWN_LINK_TYPE;
  }
}

/** Follows the type field at `at` through any number of tags. */
function byEtherType(bytes: Uint8Array, at: number): number {
  let typeAt = at;
  for (;;) {
    if (bytes.length < typeAt + 2) return TRUNCATED;
    const type = readU16(bytes, typeAt);
    if (!isVlanTag(type)) return behindType(bytes, type, typeAt + 2);
    typeAt += 4;
  }
}

function behindType(bytes: Uint8Array, type: number, at: number): number {
  if (type === EtherType.IPV4) return ofVersion(bytes, at, 4);
  if (type === EtherType.IPV6) return ofVersion(bytes, at, 6);
  if (type === EtherType.ARP) return ARP;
  return type <= MAX_802_3_LENGTH ? behindLlc(bytes, at) : NON_IP;
}

/** LLC with SNAP and an OUI of zero carries an EtherType (RFC 1042); everything else on LLC is not IP. */
function behindLlc(bytes: Uint8Array, at: number): number {
  if (bytes.length < at + 3) return TRUNCATED;
  if (readU24(bytes, at) !== LLC_SNAP) return NON_IP;
  if (bytes.length < at + 8) return TRUNCATED;
  if (readU24(bytes, at + 3) !== 0) return NON_IP;
  const type = readU16(bytes, at + 6);
  return type <= MAX_802_3_LENGTH ? NON_IP : behindType(bytes, type, at + 8);
}

/** ARPHRD_ types of cooked captures whose protocol field is not an EtherType: FRAD, the 802.11 ones, NETLINK. */
function isForeignHardware(type: number): boolean {
  return type === 770 || (type >= 801 && type <= 803) || type === 824;
}

/** LINUX_SLL_P_802_2: an LLC header follows. */
const SLL_802_2 = 0x0004;

function cooked(bytes: Uint8Array, length: number, hardwareAt: number, protocolAt: number): number {
  if (bytes.length < length) return TRUNCATED;
  if (isForeignHardware(readU16(bytes, hardwareAt))) return NON_IP;
  const type = readU16(bytes, protocolAt);
  if (type === SLL_802_2) return behindLlc(bytes, length);
  if (isVlanTag(type)) return byEtherType(bytes, length + 2);
  return type <= MAX_802_3_LENGTH ? NON_IP : behindType(bytes, type, length);
}

/** AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 24, 28 and 30 on the BSDs and on Darwin. */
function familyVersion(family: number): number {
  if (family === 2) return 4;
  return family === 10 || family === 24 || family === 28 || family === 30 ? 6 : 0;
}

function loopback(bytes: Uint8Array, linkType: number): number {
  if (bytes.length < 4) return TRUNCATED;
  let version = familyVersion(readU32(bytes, 0));
  // LINKTYPE_NULL is in the byte order of the capturing host, which the packet does not tell
  if (version === 0 && linkType === LinkType.NULL) version = familyVersion(readU32le(bytes, 0));
  return version === 0 ? NON_IP : ofVersion(bytes, 4, version);
}

function ofVersion(bytes: Uint8Array, at: number, version: number): number {
  if (bytes.length <= at) return TRUNCATED;
  return bytes[at]! >>> 4 === version ? at : BAD_VERSION;
}

function rawIp(bytes: Uint8Array, at: number): number {
  if (bytes.length <= at) return TRUNCATED;
  const version = bytes[at]! >>> 4;
  return version === 4 || version === 6 ? at : BAD_VERSION;
}
