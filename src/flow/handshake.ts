/**
 * Judging a SYN or RST by what is known of its connection, as an onlooker who may have missed or reordered packets.
 *
 * RFC 9293 sections 3.5 (establishing, simultaneous open) and 3.10.7 (reset processing); RFC 5961 for the wish to
 * ignore blind resets. Not here: windows with their scale. What is in the window is replaced by "at most
 * {@linkcode RESET_WINDOW} beyond anything seen or acknowledged".
 *
 * @module
 */
import { seqDiff } from "../bytes/sequence.ts";
import { Origin, type SideState } from "./side_state.ts";
import type { TcpHeader } from "./tcp_header.ts";

/** How far beyond everything known the sequence number of a believable RST may be: the largest unscaled window. */
export const RESET_WINDOW = 65_535;

/** How far before the first segment seen a late SYN may be and still belong to it. */
const LATE_SYN_REACH = 65_535;

/** What a SYN means: part of this connection, the start of another one on the same ports, or nothing. */
export type SynVerdict = "same" | "new" | "ignore";

/** Judges a SYN from `side` of a flow that has not ended. */
export function judgeSyn(side: SideState, peer: SideState, header: TcpHeader): SynVerdict {
  if (side.origin === Origin.UNKNOWN) return judgeFirstSyn(peer, header);
  if (header.sequence === side.initial || isLateSyn(side, header.sequence)) return "same";
  if (!header.hasAck) return "new";
  const acked = peer.offsetOf(header.acknowledgment);
  return peer.origin === Origin.SYN && acked >= 0 && acked <= peer.offset + 1 ? "ignore" : "new";
}

/** The side has said nothing yet: a plain start, an answer, or both ends opening at once. */
function judgeFirstSyn(peer: SideState, header: TcpHeader): SynVerdict {
  if (peer.origin === Origin.UNKNOWN) return "same";
  if (!header.hasAck) return peer.origin === Origin.SYN ? "same" : "new";
  const acked = peer.offsetOf(header.acknowledgment);
  if (peer.origin === Origin.SYN) return acked >= 0 ? "same" : "ignore";
  return acked <= peer.offset && seqDiff(peer.initial, header.acknowledgment) <= LATE_SYN_REACH ? "same" : "new";
}

/** A SYN that was captured after the first segments of its side, of which nothing was handed out yet. */
function isLateSyn(side: SideState, initial: number): boolean {
  if (side.origin === Origin.SYN || side.offset !== 0 || side.held !== null || side.isDone) return false;
  const before = seqDiff(side.initial, initial);
  return before > 0 && before <= LATE_SYN_REACH;
}

/** Takes over what a SYN judged `same` says about where the two streams start. */
export function applySyn(side: SideState, peer: SideState, header: TcpHeader): void {
  if (side.origin === Origin.UNKNOWN || side.initial !== header.sequence) {
    side.begin(Origin.SYN, header.sequence);
    side.acked = 0;
  }
  side.origin = Origin.SYN;
  if (header.hasAck && peer.origin === Origin.UNKNOWN) peer.begin(Origin.ACKNOWLEDGED, header.acknowledgment);
}

/** Whether an RST from `side` would have been believed by its receiver, as far as one can tell. */
export function isPlausibleReset(side: SideState, peer: SideState, header: TcpHeader): boolean {
  if (side.origin === Origin.UNKNOWN) {
    if (!header.hasAck || peer.origin === Origin.UNKNOWN) return true;
    const acked = peer.offsetOf(header.acknowledgment);
    return acked >= 0 && acked <= peer.offset + RESET_WINDOW;
  }
  const at = side.offsetOf(header.sequence);
  const known = Math.max(side.offset, side.acked, side.fin, side.held === null ? 0 : side.held.lastEnd);
  const lowest = Math.max(Math.min(side.acked, side.offset) - 1, side.offset - RESET_WINDOW);
  return at >= lowest && at <= known + RESET_WINDOW;
}
