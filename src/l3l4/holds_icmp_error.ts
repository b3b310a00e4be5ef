/**
 * Whether a packet holds an ICMP error, however it is wrapped: no error may be sent about one.
 *
 * @module
 */
import { Ipv6Header } from "../packet/ipv6_numbers.ts";
import { IpProtocol } from "../packet/segment.ts";
import { isExtension } from "./extension_headers.ts";
import { isIcmpError } from "./icmp_news.ts";
import type { IpPacket } from "./ip_packet.ts";

/** Looks behind the extension headers itself, because what is wrong may be in front of the message. */
export function holdsIcmpError({ bytes, end, version }: Pick<IpPacket, "bytes" | "end" | "version">): boolean {
  if (version === 4) {
    const at = (bytes[0]! & 0x0f) * 4;
    return bytes[9] === IpProtocol.ICMP && at < end && isIcmpError(4, bytes[at]!);
  }
  let protocol = bytes[6]!;
  let at = 40;
  while (isExtension(protocol) && at + 8 <= end) {
    const length = protocol === Ipv6Header.FRAGMENT ? 8 : (bytes[at + 1]! + 1) * 8;
    protocol = bytes[at]!;
    at += length;
  }
  return protocol === IpProtocol.ICMPV6 && at < end && isIcmpError(6, bytes[at]!);
}
