/**
 * Where a transport header and its payload lie in a datagram (RFC 9293 section 3.1, RFC 768).
 *
 * @module
 */
import { readU16 } from "../bytes/integers.ts";
import { IpProtocol, type SegmentLayout } from "./segment.ts";
import type { SkipReason } from "./skip_reasons.ts";

/**
 * Fills in the payload of `layout`, whose protocol and transport offset are set. The datagram starts at `start` of
 * `bytes` and has `length` bytes there; on the wire it ends at `end`, which may be more than was captured. Returns why
 * it must be skipped, or `null`.
 */
export function layTransport(
  layout: SegmentLayout,
  bytes: Uint8Array,
  start: number,
  length: number,
  end: number,
): SkipReason | null {
  if (layout.protocol === IpProtocol.TCP) return layTcp(layout, bytes, start, length, end);
  if (layout.protocol === IpProtocol.UDP) return layUdp(layout, bytes, start, length, end);
  layout.payloadOffset = layout.transportOffset;
  layout.payloadEnd = length;
  layout.wirePayloadLength = end - layout.transportOffset;
  return null;
}

function layTcp(
  layout: SegmentLayout,
  bytes: Uint8Array,
  start: number,
  length: number,
  end: number,
): SkipReason | null {
  const at = layout.transportOffset;
  if (end - at < 20) return "truncatedTransport";
  if (length - at < 20) return "cutHeader";
  const payloadOffset = at + (bytes[start + at + 12]! >>> 4) * 4;
  if (payloadOffset < at + 20 || payloadOffset > end) return "badTcpDataOffset";
  if (payloadOffset > length) return "cutHeader";
  layout.payloadOffset = payloadOffset;
  layout.payloadEnd = length;
  layout.wirePayloadLength = end - payloadOffset;
  return null;
}

function layUdp(
  layout: SegmentLayout,
  bytes: Uint8Array,
  start: number,
  length: number,
  end: number,
): SkipReason | null {
  const at = layout.transportOffset;
  if (end - at < 8) return "truncatedTransport";
  if (length - at < 8) return "cutHeader";
  const stated = readU16(bytes, start + at + 4);
  if (stated < 8 || stated > end - at) return "badUdpLength";
  layout.payloadOffset = at + 8;
  layout.payloadEnd = Math.min(length, at + stated);
  layout.wirePayloadLength = stated - 8;
  return null;
}
