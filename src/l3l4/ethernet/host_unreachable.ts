/**
 * What a router would send back for a packet that nobody on its link answers for: ICMP host unreachable (RFC 792),
 * ICMPv6 address unreachable (RFC 4443 section 3.1). The port hands it up, so the endpoint above needs no second way to
 * learn of it.
 *
 * @module
 */
import { internetChecksum } from "../../bytes/checksum.ts";
import { readU16, writeU16 } from "../../bytes/integers.ts";
import { IcmpType } from "../../packet/icmp.ts";
import { Icmpv6Type } from "../../packet/icmpv6.ts";
import { IpProtocol } from "../../packet/segment.ts";
import { checksumWithAddresses } from "../../packet/wire.ts";

const HOST_UNREACHABLE = 1;
const ADDRESS_UNREACHABLE = 3;

/** Longest messages: RFC 1812 section 4.3.2.3, RFC 4443 section 2.4 (c). */
const MAX_IPV4 = 576;
const MAX_IPV6 = 1280;

/**
 * The message about `packet`, to its source; `null` when there must be none, because the packet is such a message itself or
 * not the first fragment.
 */
export function hostUnreachable(packet: Uint8Array, from: Uint8Array): Uint8Array | null {
  return packet[0]! >>> 4 === 4 ? ipv4Message(packet, from) : ipv6Message(packet, from);
}

function ipv4Message(packet: Uint8Array, from: Uint8Array): Uint8Array | null {
  const type = packet[(packet[0]! & 15) * 4];
  const isEcho = type === IcmpType.ECHO || type === IcmpType.ECHO_REPLY;
  if ((packet[9] === IpProtocol.ICMP && !isEcho) || (readU16(packet, 6) & 0x1fff) !== 0) return null;
  const quote = packet.subarray(0, MAX_IPV4 - 28);
  const message = new Uint8Array(28 + quote.length);
  message[0] = 0x45;
  writeU16(message, 2, message.length);
  message[8] = 64;
  message[9] = IpProtocol.ICMP;
  message.set(from, 12);
  message.set(packet.subarray(12, 16), 16);
  writeU16(message, 10, internetChecksum(message, 0, 20));
  message[20] = IcmpType.DESTINATION_UNREACHABLE;
  message[21] = HOST_UNREACHABLE;
  message.set(quote, 28);
  writeU16(message, 22, internetChecksum(message, 20));
  return message;
}

function ipv6Message(packet: Uint8Array, from: Uint8Array): Uint8Array | null {
  if (packet[6] === IpProtocol.ICMPV6 && (packet[40]! & 0x80) === 0) return null;
  const quote = packet.subarray(0, MAX_IPV6 - 48);
  const message = new Uint8Array(48 + quote.length);
  const source = packet.subarray(8, 24);
  message[0] = 0x60;
  writeU16(message, 4, 8 + quote.length);
  message[6] = IpProtocol.ICMPV6;
  message[7] = 64;
  message.set(from, 8);
  message.set(source, 24);
  message[40] = Icmpv6Type.DESTINATION_UNREACHABLE;
  message[41] = ADDRESS_UNREACHABLE;
  message.set(quote, 48);
  const icmp = message.subarray(40);
  const sum = checksumWithAddresses({ source: from, destination: source }, IpProtocol.ICMPV6, icmp, icmp.length);
  writeU16(message, 42, sum);
  return message;
}
