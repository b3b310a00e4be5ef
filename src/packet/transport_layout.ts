/**
 * Where a transport header and its payload lie in a datagram (RFC 9293 section 3.1, RFC 768).
 *
 * @module
 */
import { readU16 } from "../bytes/integers.ts";
import { IpProtocol, type SegmentLayout } from "./segment.ts";
import type { SkipReason } from "./skip_reasons.ts";

/**
 * Fills in the payload of `layout`, whose protocol and transport offset are set. The datagram ends at `end` on the wire;
 * fewer bytes may have been captured. Returns why it must be skipped, or `null`.
 */
export function layTransport(layout: SegmentLayout, datagram: Uint8Array, end: number): SkipReason | null {
  if (layout.protocol === IpProtocol.TCP) return layTcp(layout, datagram, end);
  if (layout.protocol === IpProtocol.UDP) return layUdp(layout, datagram, end);
  layout.payloadOffset = layout.transportOffset;
  layout.payloadEnd = datagram.length;
  layout.wirePayloadLength = end - layout.transportOffset;
  return null;
}

function layTcp(layout: SegmentLayout, datagram: Uint8Array, end: number): SkipReason | null {
  const at = layout.transportOffset;
  if (end - at < 20) return "truncatedTransport";
  if (datagram.length - at < 20) return "cutHeader";
  const payloadOffset = at + (datagram[at + 12]! >>> 4) * 4;
  if (payloadOffset < at + 20 || payloadOffset > end) return "badTcpDataOffset";
  if (payloadOffset > datagram.length) return "cutHeader";
  layout.payloadOffset = payloadOffset;
  layout.payloadEnd = datagram.length;
  layout.wirePayloadLength = end - payloadOffset;
  return null;
}

function layUdp(layout: SegmentLayout, datagram: Uint8Array, end: number): SkipReason | null {
  const at = layout.transportOffset;
  if (end - at < 8) return "truncatedTransport";
  if (datagram.length - at < 8) return "cutHeader";
  const length = readU16(datagram, at + 4);
  if (length < 8 || length > end - at) return "badUdpLength";
  layout.payloadOffset = at + 8;
  layout.payloadEnd = Math.min(datagram.length, at + length);
  layout.wirePayloadLength = length - 8;
  return null;
}
