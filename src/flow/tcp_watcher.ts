/**
 * TCP as an onlooker sees it: which connection a segment belongs to, and what it says about the two streams.
 *
 * RFC 9293 section 3.10.7 in spirit. Where a receiver would know, an onlooker must guess; the guesses are written beside
 * their constants.
 *
 * @module
 */
import { seqDiff } from "../bytes/sequence.ts";
import type { Segment } from "../packet/segment.ts";
import type { FlowState } from "./flow_state.ts";
import { applySyn, isPlausibleReset, judgeSyn } from "./handshake.ts";
import type { Reassembly } from "./reassembly.ts";
import { Origin, type SideState } from "./side_state.ts";
import { TcpHeader } from "./tcp_header.ts";
import type { FlowTrackerStats } from "./tracker_stats.ts";

/** No window is larger (RFC 7323 section 2.3); what is further ahead cannot belong to the connection. */
const MAX_WINDOW = 2 ** 30;

/** Data that far from the end of an ended connection is of a new one whose SYN was missed. */
const LATE_REACH = 2 ** 24;

/** An acknowledgment is only believed in a segment that is itself that near to what is known of its sender. */
const BELIEVED_REACH = 2 ** 20;

/** What to do with a segment whose addresses are those of a known flow: take it, ignore it, or open a new flow. */
export type Belonging = "take" | "ignore" | "new";

/** Judges and takes the TCP segments of all flows of a tracker. */
export class TcpWatcher {
  /** Header of the segment at hand; read by the tracker. */
  readonly header: TcpHeader = new TcpHeader();
  readonly #reassembly: Reassembly;
  readonly #stats: FlowTrackerStats;

  /** Hands streams to `reassembly` and counts in `stats`. */
  constructor(reassembly: Reassembly, stats: FlowTrackerStats) {
    this.#reassembly = reassembly;
    this.#stats = stats;
  }

  /** Whether the segment at hand belongs to the flow with its addresses. Counts what is ignored. */
  judge(flow: FlowState, side: SideState, segment: Segment): Belonging {
    const { header } = this;
    if (flow.endedBy !== undefined) return this.#judgeLate(side, segment);
    const peer = peerOf(side);
    if (header.isRst) {
      if (isPlausibleReset(side, peer, header)) return "take";
      this.#stats.badResets++;
      return "ignore";
    }
    if (header.isSyn) {
      const verdict = judgeSyn(side, peer, header);
      if (verdict === "ignore") this.#stats.badSyns++;
      return verdict === "same" ? "take" : verdict;
    }
    if (side.origin === Origin.UNKNOWN || side.offsetOf(header.sequence) - side.offset <= MAX_WINDOW) return "take";
    this.#stats.outOfWindow++;
    return "ignore";
  }

  /**
   * Whether the segment at hand is simply the next of `side`, and all that {@linkcode judge}, {@linkcode take} and the
   * settling of holes would do is what {@linkcode takeNext} does. So are nearly all segments of a capture, and the long
   * way is half of what a segment costs in this layer.
   */
  isNext(flow: FlowState, side: SideState, segment: Segment): boolean {
    const { header } = this;
    if (!header.isPlain || flow.endedBy !== undefined || flow.isWithItself) return false;
    const length = segment.payloadEnd - segment.payloadOffset;
    if (header.sequence !== side.next || length !== segment.wirePayloadLength || !side.isInOrder) return false;
    const peer = side === flow.clientSide ? flow.serverSide : flow.clientSide;
    if (peer.origin === Origin.UNKNOWN || !peer.isWithoutHole || seqDiff(header.acknowledgment, peer.next) > 0) {
      return false;
    }
    // else it may be a probe
    return length !== 1 || !peer.isWindowZero;
  }

  /** Takes a segment of which {@linkcode isNext} was true. */
  takeNext(flow: FlowState, side: SideState, segment: Segment): void {
    const { header } = this;
    const peer = side === flow.clientSide ? flow.serverSide : flow.clientSide;
    const acked = peer.offsetOf(header.acknowledgment);
    if (acked > peer.acked) peer.acked = acked;
    side.isWindowZero = header.window === 0;
    if (segment.payloadEnd === segment.payloadOffset) return;
    side.hasData = true;
    this.#reassembly.deliver(side, segment.payload);
  }

  /** Takes a segment that belongs to the flow of `side`, its sender, and is no RST. */
  take(side: SideState, segment: Segment): void {
    const { header } = this;
    const peer = peerOf(side);
    const length = segment.wirePayloadLength;
    if (header.isSyn) {
      if (side.origin === Origin.SYN && length === 0) this.#countOld(side);
      applySyn(side, peer, header);
    } else if (side.origin === Origin.UNKNOWN) {
      side.begin(Origin.MIDSTREAM, header.sequence);
    }
    const start = this.#startOf(side, length);
    if (header.hasAck && !header.isSyn) this.#acknowledge(side, peer, start);
    side.isWindowZero = header.window === 0;
    if (length === 0) {
      if (start === side.offset - 1 && !header.isFin && !header.isSyn) this.#countProbe(side);
    } else {
      if (length === 1 && start === side.offset && peer.isWindowZero) this.#countProbe(side);
      this.#reassembly.data(side, start, segment.payload, length);
    }
    if (header.isFin) this.#reassembly.fin(side, start + length);
  }

  /**
   * Stream offset of the segment at hand. A side that was first heard in the middle by a segment without data may have
   * been heard by a keep-alive, whose sequence number is one too low: the first data then starts one later.
   */
  #startOf(side: SideState, length: number): number {
    const { header } = this;
    const start = side.offsetOf(header.sequence);
    if (start !== 1 || side.offset !== 0 || side.hasData || side.origin !== Origin.MIDSTREAM) return start;
    if (length === 0 && !header.isFin) return start;
    side.begin(Origin.MIDSTREAM, header.sequence);
    side.acked = Math.max(0, side.acked - 1);
    return 0;
  }

  /** A segment of a connection that has ended: late, or of a new one on the same ports. */
  #judgeLate(side: SideState, segment: Segment): Belonging {
    const { header } = this;
    if (header.isSyn && !header.isRst && (!header.hasAck || header.sequence !== side.initial)) return "new";
    if (!header.isRst && !header.isSyn && segment.wirePayloadLength > 0 && side.origin !== Origin.UNKNOWN) {
      if (Math.abs(side.offsetOf(header.sequence) - side.offset) > LATE_REACH) return "new";
    }
    this.#stats.afterClose++;
    return "ignore";
  }

  #acknowledge(side: SideState, peer: SideState, start: number): void {
    const { header } = this;
    if (peer.origin === Origin.UNKNOWN) {
      if (side.origin === Origin.SYN) peer.begin(Origin.ACKNOWLEDGED, header.acknowledgment);
      return;
    }
    const acked = peer.offsetOf(header.acknowledgment);
    if (acked <= peer.acked || acked > peer.offset + MAX_WINDOW) return;
    if (Math.abs(start - side.offset) > BELIEVED_REACH) return;
    peer.acked = acked;
  }

  #countProbe(side: SideState): void {
    side.stats.probes++;
    this.#stats.probes++;
  }

  #countOld(side: SideState): void {
    side.stats.retransmissions++;
    this.#stats.retransmissions++;
  }
}

/** Who is spoken to; a connection of an address and port with itself has one side only. */
function peerOf(side: SideState): SideState {
  const { flow } = side;
  if (side === flow.serverSide || flow.isWithItself) return flow.clientSide;
  return flow.serverSide;
}
