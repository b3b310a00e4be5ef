/**
 * What comes from the network, down to the transports: IPv4 and IPv6 headers judged, fragments put together, checksums
 * verified (RFC 791, RFC 1122 section 3.2.1, RFC 8200, RFC 5722, RFC 6946).
 *
 * Nothing is made for a packet that is no fragment. Not here: what is answered to packets that were refused (`icmp.ts`),
 * and jumbograms.
 *
 * @module
 */
import { readU16 } from "../bytes/integers.ts";
import { Reasons } from "../core/reasons.ts";
import { isUnspecified } from "../packet/address.ts";
import { type FragmentLimits, FragmentTable } from "../packet/fragment_table.ts";
import { restoreIpv4, restoreIpv6, v4Fragment, v6Fragment } from "../packet/fragments.ts";
import { scanIpv4Options } from "../packet/ipv4_options.ts";
import { IpProtocol } from "../packet/segment.ts";
import type { SkipReason } from "../packet/skip_reasons.ts";
import { ExtensionHeaders, type IpProblem } from "./extension_headers.ts";
import { IpPacket } from "./ip_packet.ts";
import { foldSum, type Summer } from "../bytes/summer.ts";

/** What became of a packet. */
export const IpOutcome = {
  /** `packet` holds a whole datagram. */
  DATAGRAM: 0,
  /** It was dropped, or is a fragment that waits for others. */
  NOTHING: 1,
  /** It was dropped, and its sender is to be told of `problem`; `packet` holds its addresses. */
  PROBLEM: 2,
} as const;

/** One of the outcomes. */
export type IpOutcome = typeof IpOutcome[keyof typeof IpOutcome];

/** Options of {@linkcode IpInput}. */
export interface IpInputOptions extends FragmentLimits {
  /** Whether 127/8 and ::1 are addresses like all others. */
  readonly hasLoopback: boolean;
}

/** Why a packet was dropped: the name of the counter. */
export type IpDropReason = SkipReason | "badSource" | "badDestination";

const TRUNCATED = "truncatedTransport";

/** Reads packets, one after another. */
export class IpInput {
  /** The datagram that was read last. */
  readonly packet: IpPacket = new IpPacket();
  /** Packets that were dropped, by {@linkcode IpDropReason}. */
  readonly drops: Reasons = new Reasons();
  /** Datagrams that were put together from fragments. */
  reassembled = 0;
  readonly #summer: Summer;
  readonly #hasLoopback: boolean;
  readonly #fragments: FragmentTable;
  readonly #headers: ExtensionHeaders = new ExtensionHeaders();
  /** Not `packet`, because time may be over while a packet is read. */
  readonly #lost: IpPacket = new IpPacket();

  /** `onTimeout` gets the first fragment, as it came, of each datagram whose other fragments did not come in time. */
  constructor(options: IpInputOptions, summer: Summer, onTimeout: (fragment: IpPacket) => void) {
    this.#summer = summer;
    this.#hasLoopback = options.hasLoopback;
    this.#fragments = new FragmentTable(options, (version, head, data, key) => {
      const lost = this.#lost;
      lost.bytes = version === 4 ? joined(head, data) : this.#headers.refragmented(head, data, key);
      lost.end = lost.bytes.length;
      placeAddresses(lost, version);
      onTimeout(lost);
    });
  }

  /** What is wrong with the packet that was read last. */
  get problem(): IpProblem {
    return this.#headers.problem;
  }

  /** Where the byte lies that names the protocol of the packet that was read last, if it has extension headers. */
  get nextHeaderAt(): number {
    return this.#headers.nextAt;
  }

  /** Fragments held, and what was given up. */
  get fragments(): Pick<FragmentTable, "size" | "heldBytes" | "timeouts" | "evictions"> {
    return this.#fragments;
  }

  /** When a datagram is given up next. */
  timeoutAt(): number {
    return this.#fragments.deadline;
  }

  /** Gives up what misses fragments for too long. */
  onTimeout(now: number): void {
    this.#fragments.expire(now);
  }

  /** Reads a packet; its bytes are only looked at during the call. */
  read(bytes: Uint8Array, now: number, isChecksumTrusted: boolean): IpOutcome {
    const { packet } = this;
    packet.isChecksumTrusted = isChecksumTrusted;
    packet.wasFragmented = false;
    return this.#read(bytes, now);
  }

  #read(bytes: Uint8Array, now: number): IpOutcome {
    const version = bytes.length === 0 ? 0 : bytes[0]! >>> 4;
    if (version === 4) return this.#readV4(bytes, now);
    if (version === 6) return this.#readV6(bytes, now);
    return this.#drop(bytes.length === 0 ? "truncatedIp" : "badIpVersion");
  }

  #readV4(bytes: Uint8Array, now: number): IpOutcome {
    if (bytes.length < 20) return this.#drop("truncatedIp");
    const headerLength = (bytes[0]! & 0x0f) * 4;
    const total = readU16(bytes, 2);
    if (headerLength < 20) return this.#drop("badIpHeaderLength");
    if (total < headerLength) return this.#drop("badIpTotalLength");
    if (total > bytes.length) return this.#drop("ipLengthBeyondPacket");
    const source = readU16(bytes, 12) + readU16(bytes, 14);
    const addresses = source + readU16(bytes, 16) + readU16(bytes, 18);
    let sum = addresses + readU16(bytes, 0) + total + readU16(bytes, 4) + readU16(bytes, 6) + readU16(bytes, 8) +
      readU16(bytes, 10);
    for (let at = 20; at < headerLength; at += 2) sum += readU16(bytes, at);
    if (foldSum(sum) !== 0xffff) return this.#drop("badIpChecksum");
    const { packet } = this;
    packet.bytes = bytes;
    placeAddresses(packet, 4);
    packet.protocol = bytes[9]!;
    packet.payloadAt = headerLength;
    packet.end = total;
    packet.ecn = bytes[1]! & 3;
    packet.dscp = bytes[1]! >>> 2;
    packet.hopLimit = bytes[8]!;
    if (!this.#isV4Source(bytes)) return this.#drop("badSource");
    if (!this.#isV4Destination(bytes)) return this.#drop("badDestination");
    if (headerLength > 20) {
      const fault = scanIpv4Options(bytes, headerLength);
      if (fault !== null) return this.#drop(fault);
    }
    if ((readU16(bytes, 6) & 0x3fff) !== 0) return this.#addV4Fragment(total, now);
    return this.#judgeTransport(addresses);
  }

  #isV4Source(bytes: Uint8Array): boolean {
    const first = bytes[12]!;
    if (first === 0 || (first >= 224 && first < 240)) return false;
    if (first === 127) return this.#hasLoopback;
    return first !== 255 || !isBroadcast(bytes, 12);
  }

  #isV4Destination(bytes: Uint8Array): boolean {
    const first = bytes[16]!;
    return first !== 0 && (first !== 127 || this.#hasLoopback);
  }

  #addV4Fragment(total: number, now: number): IpOutcome {
    const { bytes, wasFragmented } = this.packet;
    if (wasFragmented) return this.#drop("nestedFragment");
    this.#fragments.expire(now);
    const whole = this.#fragments.add(v4Fragment(bytes.subarray(0, total)), now);
    if (whole === null) return IpOutcome.NOTHING;
    if (typeof whole === "string") return this.#drop(whole);
    restoreIpv4(whole);
    return this.#readWhole(whole, now);
  }

  #readV6(bytes: Uint8Array, now: number): IpOutcome {
    if (bytes.length < 40) return this.#drop("truncatedIp");
    const end = readU16(bytes, 4) + 40;
    if (end > bytes.length) return this.#drop("ipLengthBeyondPacket");
    const { packet } = this;
    const protocol = bytes[6]!;
    packet.bytes = bytes;
    placeAddresses(packet, 6);
    packet.protocol = protocol;
    packet.payloadAt = 40;
    packet.end = end;
    packet.ecn = (bytes[1]! >>> 4) & 3;
    packet.dscp = ((bytes[0]! & 0x0f) << 2) | (bytes[1]! >>> 6);
    packet.hopLimit = bytes[7]!;
    if (bytes[8] === 0xff || (bytes[8] === 0 && this.#isReserved(bytes, 8))) return this.#drop("badSource");
    if (bytes[24] === 0 && this.#isReserved(bytes, 24)) return this.#drop("badDestination");
    if (protocol !== IpProtocol.TCP && protocol !== IpProtocol.UDP && protocol !== IpProtocol.ICMPV6) {
      const outcome = this.#readExtensions(bytes, end, now);
      if (outcome !== null) return outcome;
    }
    let addresses = 0;
    for (let at = 8; at < 40; at += 2) addresses += readU16(bytes, at);
    return this.#judgeTransport(addresses);
  }

  /** Whether the IPv6 address is :: or, unless it is one like others, ::1. */
  #isReserved(bytes: Uint8Array, at: number): boolean {
    if (!isUnspecified(bytes, at, 15)) return false;
    return bytes[at + 15] === 0 || (bytes[at + 15] === 1 && !this.#hasLoopback);
  }

  /** `null` when they lead to a transport. */
  #readExtensions(bytes: Uint8Array, end: number, now: number): IpOutcome | null {
    const headers = this.#headers;
    const { packet } = this;
    const fault = headers.run(bytes, end);
    if (fault !== null) return this.#refuse(fault);
    if (headers.fragmentAt < 0) {
      packet.protocol = headers.protocol;
      packet.payloadAt = headers.offset;
      return null;
    }
    if (packet.wasFragmented) return this.#drop("nestedFragment");
    this.#fragments.expire(now);
    const { fragmentAt } = headers;
    const fragment = v6Fragment(bytes.subarray(0, end), fragmentAt, headers.nextAt);
    const whole = this.#fragments.add(fragment, now);
    if (whole === null) return IpOutcome.NOTHING;
    if (typeof whole === "string") {
      headers.judgeFragment(whole, fragment.data.length, fragmentAt);
      return this.#refuse(whole);
    }
    restoreIpv6(whole);
    return this.#readWhole(whole, now);
  }

  #readWhole(whole: Uint8Array, now: number): IpOutcome {
    this.reassembled++;
    this.packet.wasFragmented = true;
    // whoever vouched for the checksum has seen fragments
    this.packet.isChecksumTrusted = false;
    return this.#read(whole, now);
  }

  /** `addresses` is the unfolded sum of both. */
  #judgeTransport(addresses: number): IpOutcome {
    const { packet } = this;
    switch (packet.protocol) {
      case IpProtocol.TCP:
        if (packet.end - packet.payloadAt < 20) return this.#drop(TRUNCATED);
        return this.#isRight(addresses) ? IpOutcome.DATAGRAM : this.#drop("badTcpChecksum");
      case IpProtocol.UDP:
        return this.#judgeUdp(addresses);
      case IpProtocol.ICMP:
      case IpProtocol.ICMPV6:
        if ((packet.protocol === IpProtocol.ICMP) !== (packet.version === 4)) return IpOutcome.DATAGRAM;
        if (packet.end - packet.payloadAt < 8) return this.#drop(TRUNCATED);
        if (packet.version === 4) {
          // ICMP for IPv4 has no pseudo header: this takes it away again
          const length = packet.end - packet.payloadAt;
          return this.#isRight(-IpProtocol.ICMP - length) ? IpOutcome.DATAGRAM : this.#drop("badIcmpChecksum");
        }
        return this.#isRight(addresses) ? IpOutcome.DATAGRAM : this.#drop("badIcmpChecksum");
      default:
        return IpOutcome.DATAGRAM;
    }
  }

  #judgeUdp(addresses: number): IpOutcome {
    const { packet } = this;
    const { bytes, payloadAt } = packet;
    const room = packet.end - payloadAt;
    if (room < 8) return this.#drop(TRUNCATED);
    const length = readU16(bytes, payloadAt + 4);
    if (length < 8 || length > room) return this.#drop("badUdpLength");
    packet.end = payloadAt + length;
    if (readU16(bytes, payloadAt + 6) === 0) {
      // RFC 768: none was made; RFC 8200 section 8.1 has no datagrams without
      return packet.version === 4 ? IpOutcome.DATAGRAM : this.#drop("noUdpChecksum");
    }
    return this.#isRight(addresses) ? IpOutcome.DATAGRAM : this.#drop("badUdpChecksum");
  }

  /** Whether the transport's checksum is right, `sum` being that of both addresses. */
  #isRight(sum: number): boolean {
    const { bytes, end, isChecksumTrusted, payloadAt, protocol } = this.packet;
    if (isChecksumTrusted) return true;
    return foldSum(this.#summer.add(sum + protocol + end - payloadAt, bytes, payloadAt, end)) === 0xffff;
  }

  #refuse(reason: IpDropReason): IpOutcome {
    this.#drop(reason);
    return this.#headers.problem.code < 0 ? IpOutcome.NOTHING : IpOutcome.PROBLEM;
  }

  #drop(reason: IpDropReason): IpOutcome {
    this.drops.count(reason);
    return IpOutcome.NOTHING;
  }
}

function placeAddresses(packet: IpPacket, version: 4 | 6): void {
  const { bytes } = packet;
  packet.version = version;
  if (version === 4) {
    packet.sourceAt = 12;
    packet.destinationAt = 16;
    packet.addressLength = 4;
    packet.isToMany = bytes[16]! >= 224 && (bytes[16]! < 240 || isBroadcast(bytes, 16));
  } else {
    packet.sourceAt = 8;
    packet.destinationAt = 24;
    packet.addressLength = 16;
    packet.isToMany = bytes[24] === 0xff;
  }
}

function isBroadcast(bytes: Uint8Array, at: number): boolean {
  return (bytes[at]! & bytes[at + 1]! & bytes[at + 2]! & bytes[at + 3]!) === 0xff;
}

function joined(head: Uint8Array, data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.length + data.length);
  whole.set(head);
  whole.set(data, head.length);
  return whole;
}
