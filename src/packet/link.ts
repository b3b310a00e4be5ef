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

/**
 * Where in `bytes` the IP header is of the packet from `at` to `end`, or a negative number for
 * {@linkcode linkSkipReason}.
 */
export function networkOffset(bytes: Uint8Array, at: number, end: number, linkType: number): number {
  switch (linkType) {
    case LinkType.ETHERNET:
      return end < at + 14 ? TRUNCATED : byEtherType(bytes, at + 12, end);
    case LinkType.RAW:
    case LinkType.RAW_12:
    case LinkType.RAW_14:
      return rawIp(bytes, at, end);
    case LinkType.IPV4:
      return ofVersion(bytes, at, end, 4);
    case LinkType.IPV6:
      return ofVersion(bytes, at, end, 6);
    case LinkType.LINUX_SLL:
      return cooked(bytes, at, end, SLL);
    case LinkType.LINUX_SLL2:
      return cooked(bytes, at, end, SLL2);
    case LinkType.NULL:
    case LinkType.LOOP:
      return loopback(bytes, at, end, linkType);
    default:
      return UNKNOWN_LINK_TYPE;
  }
}

/** Follows the type field at `at` through any number of tags. */
function byEtherType(bytes: Uint8Array, at: number, end: number): number {
  let typeAt = at;
  for (;;) {
    if (end < typeAt + 2) return TRUNCATED;
    const type = readU16(bytes, typeAt);
    if (!isVlanTag(type)) return behindType(bytes, type, typeAt + 2, end);
    typeAt += 4;
  }
}

function behindType(bytes: Uint8Array, type: number, at: number, end: number): number {
  if (type === EtherType.IPV4) return ofVersion(bytes, at, end, 4);
  if (type === EtherType.IPV6) return ofVersion(bytes, at, end, 6);
  if (type === EtherType.ARP) return ARP;
  return type <= MAX_802_3_LENGTH ? behindLlc(bytes, at, end) : NON_IP;
}

/** LLC with SNAP and an OUI of zero carries an EtherType (RFC 1042); everything else on LLC is not IP. */
function behindLlc(bytes: Uint8Array, at: number, end: number): number {
  if (end < at + 3) return TRUNCATED;
  if (readU24(bytes, at) !== LLC_SNAP) return NON_IP;
  if (end < at + 8) return TRUNCATED;
  if (readU24(bytes, at + 3) !== 0) return NON_IP;
  const type = readU16(bytes, at + 6);
  return type <= MAX_802_3_LENGTH ? NON_IP : behindType(bytes, type, at + 8, end);
}

/** ARPHRD_ types of cooked captures whose protocol field is not an EtherType: FRAD, the 802.11 ones, NETLINK. */
function isForeignHardware(type: number): boolean {
  return type === 770 || (type >= 801 && type <= 803) || type === 824;
}

/** LINUX_SLL_P_802_2: an LLC header follows. */
const SLL_802_2 = 0x0004;

/** Where in a cooked header the hardware type and the protocol are, and how long it is. */
interface CookedLayout {
  readonly length: number;
  readonly hardwareAt: number;
  readonly protocolAt: number;
}

const SLL: CookedLayout = { length: 16, hardwareAt: 2, protocolAt: 14 };
const SLL2: CookedLayout = { length: 20, hardwareAt: 8, protocolAt: 0 };

function cooked(bytes: Uint8Array, at: number, end: number, layout: CookedLayout): number {
  const behind = at + layout.length;
  if (end < behind) return TRUNCATED;
  if (isForeignHardware(readU16(bytes, at + layout.hardwareAt))) return NON_IP;
  const type = readU16(bytes, at + layout.protocolAt);
  if (type === SLL_802_2) return behindLlc(bytes, behind, end);
  if (isVlanTag(type)) return byEtherType(bytes, behind + 2, end);
  return type <= MAX_802_3_LENGTH ? NON_IP : behindType(bytes, type, behind, end);
}

/** AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 24, 28 and 30 on the BSDs and on Darwin. */
function familyVersion(family: number): number {
  if (family === 2) return 4;
  return family === 10 || family === 24 || family === 28 || family === 30 ? 6 : 0;
}

function loopback(bytes: Uint8Array, at: number, end: number, linkType: number): number {
  if (end < at + 4) return TRUNCATED;
  let version = familyVersion(readU32(bytes, at));
  // LINKTYPE_NULL is in the byte order of the capturing host, which the packet does not tell
  if (version === 0 && linkType === LinkType.NULL) version = familyVersion(readU32le(bytes, at));
  return version === 0 ? NON_IP : ofVersion(bytes, at + 4, end, version);
}

function ofVersion(bytes: Uint8Array, at: number, end: number, version: number): number {
  if (end <= at) return TRUNCATED;
  return bytes[at]! >>> 4 === version ? at : BAD_VERSION;
}

function rawIp(bytes: Uint8Array, at: number, end: number): number {
  if (end <= at) return TRUNCATED;
  const version = bytes[at]! >>> 4;
  return version === 4 || version === 6 ? at : BAD_VERSION;
}
