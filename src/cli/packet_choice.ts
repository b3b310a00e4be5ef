/**
 * Which packets `--write` writes: those of wanted flows.
 *
 * Decided packet by packet, by the ends of the segment in it. A fragment other than the one that completes its datagram
 * has no segment, and is written whatever the filter says; a packet that no layer can read is written without a filter
 * only. Where the filter names flow numbers, a packet counts to the latest flow between its ends.
 *
 * @module
 */
import type { FlowRecord } from "../flow/mod.ts";
import type { Packet, Segment } from "../packet/mod.ts";
import { flowSubject, pairKey, segmentSubject } from "./filter_subject.ts";
import type { FlowFilter } from "./flow_filter.ts";

interface Candidate {
  readonly packet: Packet;
  segment: Segment | undefined;
  isSkipped: boolean;
}

/** Chooses packets; they are told in the order: `begin`, perhaps `skipped`, `decoded`, and for all at once `flush`. */
export class PacketChoice {
  readonly #filter: FlowFilter | undefined;
  readonly #write: (packet: Packet) => void;
  /** Ends of flows that the filter names by number; no others, so that it stays small. */
  readonly #named: Map<string, number> = new Map();
  #candidates: Candidate[] = [];

  /** Hands chosen packets to `write`. */
  constructor(filter: FlowFilter | undefined, write: (packet: Packet) => void) {
    this.#filter = filter;
    this.#write = write;
  }

  /** Whether the flow layer has to have seen a packet before `flush`. */
  get needsFlows(): boolean {
    return (this.#filter?.ids.size ?? 0) > 0;
  }

  /** A packet comes. */
  begin(packet: Packet): void {
    this.#candidates.push({ packet, segment: undefined, isSkipped: false });
  }

  /** It cannot be read. */
  skipped(): void {
    const candidate = this.#candidates.at(-1);
    if (candidate !== undefined) candidate.isSkipped = true;
  }

  /** This is the segment in it. */
  decoded(segment: Segment | undefined): void {
    this.#candidates.at(-1)!.segment = segment;
  }

  /** A flow began. */
  opened(record: FlowRecord): void {
    if (!this.needsFlows) return;
    const key = pairKey(flowSubject(record));
    if (this.#filter!.ids.has(record.id)) this.#named.set(key, record.id);
    else this.#named.delete(key);
  }

  /** Decides on all packets since the last time. */
  flush(): void {
    const candidates = this.#candidates;
    this.#candidates = [];
    for (const candidate of candidates) {
      if (this.#isWanted(candidate)) this.#write(candidate.packet);
    }
  }

  #isWanted({ segment, isSkipped }: Candidate): boolean {
    if (this.#filter === undefined) return true;
    if (segment === undefined) return !isSkipped;
    const subject = segmentSubject(segment, 0);
    if (!this.needsFlows) return this.#filter.matches(subject);
    return this.#filter.matches({ ...subject, id: this.#named.get(pairKey(subject)) ?? 0 });
  }
}
