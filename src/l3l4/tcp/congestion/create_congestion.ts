/**
 * Which algorithm a connection gets, and its first window.
 *
 * @module
 */
import type { TcpSettings } from "../tcp_settings.ts";
import type { CongestionControl } from "./congestion_control.ts";
import { Cubic } from "./cubic.ts";
import { FixedWindow } from "./fixed_window.ts";
import { NewReno } from "./newreno.ts";

/** Bytes of a segment that RFC 6928 counts with when segments are small. */
const COUNTED_SEGMENT = 1460;

/** The first window in bytes (RFC 6928 section 2): so many segments, but not many bytes of large ones. */
export function initialWindow(segmentSize: number, segments: number): number {
  return Math.min(segments * segmentSize, Math.max(2 * segmentSize, segments * COUNTED_SEGMENT));
}

/** The algorithm that the options name, at the start of a connection. A SYN that got lost makes `cwnd` one segment. */
export function createCongestion(settings: TcpSettings, segmentSize: number): CongestionControl {
  if (settings.congestion === "none") return new FixedWindow(segmentSize);
  const window = initialWindow(segmentSize, settings.initialWindowSegments);
  const Algorithm = settings.congestion === "cubic" ? Cubic : NewReno;
  return new Algorithm(window, segmentSize, settings.hasPacing);
}
