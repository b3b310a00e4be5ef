/**
 * Writing ICMP messages (RFC 792, RFC 4443): header, body and checksum, the only place that does.
 *
 * @module
 */
import { writeU16, writeU32 } from "../bytes/integers.ts";
import { ICMP_HEADER_LENGTH } from "../packet/icmp.ts";
import type { IpTemplate } from "./ip_header.ts";
import { foldSum, type Summer } from "../bytes/summer.ts";

/** RFC 1812 section 4.3.2.3 and RFC 4443 section 2.4 (c): an error and its quote are no longer. */
const MAX_ERROR_V4 = 576;
const MAX_ERROR_V6 = 1280;

/** Bytes of a packet that an error about it quotes at most. */
export function maxQuote(version: 4 | 6): number {
  return version === 4 ? MAX_ERROR_V4 - 20 - ICMP_HEADER_LENGTH : MAX_ERROR_V6 - 40 - ICMP_HEADER_LENGTH;
}

/** A packet with a message; `word` is what the type has behind the checksum, `id` is for IPv4. */
export function icmpMessage(
  template: IpTemplate,
  id: number,
  type: number,
  code: number,
  word: number,
  data: Uint8Array,
  summer: Summer,
): Uint8Array {
  const at = template.headerLength;
  const length = ICMP_HEADER_LENGTH + data.length;
  const packet = new Uint8Array(at + length);
  template.write(packet, length, 0, id, false);
  packet[at] = type;
  packet[at + 1] = code;
  writeU32(packet, at + 4, word);
  packet.set(data, at + ICMP_HEADER_LENGTH);
  // ICMPv6 sums a pseudo header too
  const sum = at === 20 ? 0 : template.pseudoSum + length;
  writeU16(packet, at + 2, ~foldSum(summer.add(sum, packet, at, packet.length)));
  return packet;
}
