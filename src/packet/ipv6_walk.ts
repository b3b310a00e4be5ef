/**
 * Along the extension headers of an IPv6 datagram to its transport header (RFC 8200 section 4), without making values.
 *
 * The headers as values are in `ipv6_ext.ts`. Stops at fragments, at encrypted payload (ESP) and at whatever is not an
 * extension header.
 *
 * @module
 */
import { readU16 } from "../bytes/integers.ts";
import { Ipv6Header, Ipv6OptionType, isKnownIpv6Option } from "./ipv6_numbers.ts";
import type { SkipReason } from "./skip_reasons.ts";

/** Where a walk ended. One object serves all packets, so that none is made for each. */
export class Ipv6Walk {
  /** Protocol number of what lies at `offset`. */
  protocol = 0;
  /** Where the payload of the last header read starts. */
  offset = 0;
  /** Where the byte lies that names `protocol`. */
  nextAt = 0;
  /** Where the Fragment header of a true fragment lies, -1 when it is none; the walk stops there. */
  fragmentAt = -1;
  /**
   * Whether the sender summed up other addresses than those of the fixed header: segments of a route are left, so that
   * the last destination is another, or the source is the home address in an option (RFC 6275 section 11.3.1).
   */
  hasOtherAddresses = false;

  /**
   * Walks from the fixed header of `datagram`, which is `end` bytes long on the wire. Type 0 routing is refused unless
   * `keepRouted`. Returns why the datagram must be skipped, or `null`.
   */
  run(datagram: Uint8Array, end: number, keepRouted: boolean): SkipReason | null {
    this.protocol = datagram[6]!;
    this.nextAt = 6;
    this.offset = 40;
    this.fragmentAt = -1;
    this.hasOtherAddresses = false;
    while (isWalked(this.protocol)) {
      const length = extensionLength(datagram, this.protocol, this.offset);
      if (this.offset + length > end || this.offset + 8 > end) return "badExtensionHeader";
      if (this.offset + length > datagram.length) return "cutHeader";
      const reason = this.#enter(datagram, length, keepRouted);
      if (reason !== null) return reason;
      if (this.fragmentAt >= 0) return null;
      this.protocol = datagram[this.offset]!;
      this.nextAt = this.offset;
      this.offset += length;
    }
    return this.protocol === Ipv6Header.NO_NEXT ? "noNextHeader" : null;
  }

  /** Looks into the header at `offset`. */
  #enter(datagram: Uint8Array, length: number, keepRouted: boolean): SkipReason | null {
    const at = this.offset;
    switch (this.protocol) {
      case Ipv6Header.HOP_BY_HOP:
        // RFC 8200 section 4.1: nowhere but right behind the IPv6 header
        return at === 40 ? this.#scanOptions(datagram, at + 2, at + length) : "badExtensionHeader";
      case Ipv6Header.DESTINATION_OPTIONS:
        return this.#scanOptions(datagram, at + 2, at + length);
      case Ipv6Header.ROUTING:
        // RFC 5095: type 0 is to be treated as unknown by all
        if (datagram[at + 2] === 0 && !keepRouted) return "sourceRouted";
        if (datagram[at + 3] !== 0) this.hasOtherAddresses = true;
        return null;
      case Ipv6Header.FRAGMENT:
        // neither offset nor more: an atomic fragment, whole by itself (RFC 6946)
        if ((readU16(datagram, at + 2) & 0xfff9) !== 0) this.fragmentAt = at;
        return null;
      default:
        return null;
    }
  }

  /** The options of a Hop-by-Hop or Destination header (RFC 8200 section 4.2). */
  #scanOptions(datagram: Uint8Array, start: number, end: number): SkipReason | null {
    let at = start;
    while (at < end) {
      const type = datagram[at]!;
      if (type === Ipv6OptionType.PAD1) {
        at++;
        continue;
      }
      if (at + 2 > end) return "badExtensionHeader";
      at += 2 + datagram[at + 1]!;
      if (at > end) return "badExtensionHeader";
      if (type === Ipv6OptionType.JUMBO_PAYLOAD) return "jumbogram";
      if (type === Ipv6OptionType.HOME_ADDRESS) this.hasOtherAddresses = true;
      // the two highest bits say what a node does with an option that it does not know; 00 is to pass over it
      if (type >= 0x40 && !isKnownIpv6Option(type)) return "unknownIpv6Option";
    }
    return null;
  }
}

function isWalked(protocol: number): boolean {
  return protocol === Ipv6Header.HOP_BY_HOP || protocol === Ipv6Header.DESTINATION_OPTIONS ||
    protocol === Ipv6Header.ROUTING || protocol === Ipv6Header.FRAGMENT || protocol === Ipv6Header.AUTHENTICATION;
}

/** Bytes of the extension header at `at`; 8, the least, where its length field was not captured. */
function extensionLength(datagram: Uint8Array, protocol: number, at: number): number {
  if (protocol === Ipv6Header.FRAGMENT || at + 1 >= datagram.length) return 8;
  const units = datagram[at + 1]!;
  return protocol === Ipv6Header.AUTHENTICATION ? Math.max(8, (units + 2) * 4) : (units + 1) * 8;
}
