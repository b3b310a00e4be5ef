/**
 * What a router would send back for a packet that nobody on its link answers for: ICMP host unreachable (RFC 792),
 * ICMPv6 address unreachable (RFC 4443 section 3.1). The port hands it up, so the endpoint above needs no second way to
 * learn of it.
 *
 * @module
 */
import { readU16 } from "../../bytes/integers.ts";
import { IcmpType } from "../../packet/icmp.ts";
import { Icmpv6Type } from "../../packet/icmpv6.ts";
import { IpProtocol } from "../../packet/segment.ts";
import { holdsIcmpError } from "../holds_icmp_error.ts";
import { icmpMessage, maxQuote } from "../icmp_message.ts";
import { IpTemplate } from "../ip_header.ts";
import type { Summer } from "../../bytes/summer.ts";

const HOST_UNREACHABLE = 1;
const ADDRESS_UNREACHABLE = 3;

/**
 * The message about `packet`, to its source; `null` when there must be none, because the packet is such a message itself
 * or, over IPv4, not the first fragment.
 */
export function hostUnreachable(packet: Uint8Array, from: Uint8Array, summer: Summer): Uint8Array | null {
  const isV4 = packet[0]! >>> 4 === 4;
  if (isV4 ? isUnansweredV4(packet) : holdsIcmpError({ bytes: packet, end: packet.length, version: 6 })) return null;
  const quote = packet.subarray(0, maxQuote(isV4 ? 4 : 6));
  const to = isV4 ? packet.subarray(12, 16) : packet.subarray(8, 24);
  const template = new IpTemplate(isV4 ? 4 : 6, from, to, isV4 ? IpProtocol.ICMP : IpProtocol.ICMPV6);
  const type = isV4 ? IcmpType.DESTINATION_UNREACHABLE : Icmpv6Type.DESTINATION_UNREACHABLE;
  return icmpMessage(template, 0, type, isV4 ? HOST_UNREACHABLE : ADDRESS_UNREACHABLE, 0, quote, summer);
}

function isUnansweredV4(packet: Uint8Array): boolean {
  const type = packet[(packet[0]! & 15) * 4];
  const isEcho = type === IcmpType.ECHO || type === IcmpType.ECHO_REPLY;
  return (packet[9] === IpProtocol.ICMP && !isEcho) || (readU16(packet, 6) & 0x1fff) !== 0;
}
