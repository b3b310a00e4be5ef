/**
 * A datagram of a peer as an error of ICMP quotes it, when the datagram itself is not there any more: its ports are what the
 * peer looks for (RFC 1122 section 3.2.2.1).
 *
 * @module
 */
import { writeU16 } from "../bytes/integers.ts";
import { IpProtocol } from "../packet/segment.ts";
import { IpTemplate } from "./ip_header.ts";
import { IpPacket } from "./ip_packet.ts";
import type { FlowPath } from "./l3l4_sink.ts";

const UDP_HEADER_LENGTH = 8;

/** One from the peer to us, without payload and checksum. */
export function emptyDatagramOf(path: FlowPath): IpPacket {
  const { version, localAddress, localPort, remoteAddress, remotePort } = path;
  const template = new IpTemplate(version, remoteAddress, localAddress, IpProtocol.UDP);
  const packet = new IpPacket();
  const at = template.headerLength;
  const bytes = new Uint8Array(at + UDP_HEADER_LENGTH);
  template.write(bytes, UDP_HEADER_LENGTH, 0, 0, false);
  writeU16(bytes, at, remotePort);
  writeU16(bytes, at + 2, localPort);
  writeU16(bytes, at + 4, UDP_HEADER_LENGTH);
  packet.bytes = bytes;
  packet.version = version;
  packet.sourceAt = version === 4 ? 12 : 8;
  packet.destinationAt = packet.sourceAt + localAddress.length;
  packet.addressLength = version === 4 ? 4 : 16;
  packet.protocol = IpProtocol.UDP;
  packet.payloadAt = at;
  packet.end = bytes.length;
  return packet;
}
