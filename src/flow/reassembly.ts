/**
 * The byte stream of one direction: what is handed out, what is held, and when a hole is given up on.
 *
 * Follows the receiver's side of RFC 9293 section 3.10.7.4 as an onlooker sees it: bytes are placed by sequence number,
 * everything is handed out once and in order. Unlike a receiver, an onlooker may have missed packets, so every hole has
 * limits: in bytes and segments that came behind it, in capture time, and in packets and time after the other side has
 * acknowledged it (which says that it did arrive, and only reordering in the capture can still bring it).
 *
 * Not here: windows (what a receiver would have refused is taken when it comes first), urgent data (it stays in line),
 * SACK.
 *
 * @module
 */
import { byteCount } from "../core/words.ts";
import { AgeList } from "./age_list.ts";
import { Assembler } from "./assembler.ts";
import { FlowError } from "./errors.ts";
import type { FlowSettings } from "./options.ts";
import type { SideState } from "./side_state.ts";
import type { FlowSink } from "./sink.ts";
import type { FlowTrackerStats } from "./tracker_stats.ts";

/** Why a hole is given up on: the counter it goes to. */
type GapCause = "gapsCut" | "gapsAcked" | "gapsLimit" | "gapsEnd";

/** Reassembly of all directions of a tracker: the rules, the sink, and the holes in order of age. */
export class Reassembly {
  /** Latest capture time, kept up by the tracker. */
  now = 0;
  readonly #settings: FlowSettings;
  readonly #sink: FlowSink;
  readonly #stats: FlowTrackerStats;
  readonly #holes: AgeList<SideState>;
  readonly #ackedHoles: AgeList<SideState>;

  /** Hands out to `sink` and counts in `stats`. */
  constructor(settings: FlowSettings, sink: FlowSink, stats: FlowTrackerStats) {
    this.#settings = settings;
    this.#sink = sink;
    this.#stats = stats;
    this.#holes = new AgeList(settings.maxHoleMs);
    this.#ackedHoles = new AgeList(settings.ackedHoleMs);
  }

  /** Takes the payload of a segment that starts at stream offset `start` and had `wireLength` bytes before a cut. */
  data(side: SideState, start: number, bytes: Uint8Array, wireLength: number): void {
    side.hasData = true;
    if (start === side.offset && side.held === null && bytes.length === wireLength && side.fin < 0 && !side.isDone) {
      this.deliver(side, bytes);
      return;
    }
    const end = start + wireLength;
    if (side.isDone) this.#follow(side, end);
    else if (end <= side.offset) this.#old(side, start, wireLength);
    else this.#place(side, start, bytes, end);
  }

  /** Hands out the bytes that are next. */
  deliver(side: SideState, bytes: Uint8Array): void {
    side.advanceTo(side.offset + bytes.length);
    side.stats.bytes += bytes.length;
    this.#stats.bytes += bytes.length;
    this.#sink.data(side.flow, side.name, bytes);
  }

  /** Takes a UDP datagram, which had `wireLength` bytes before a cut. */
  datagram(side: SideState, bytes: Uint8Array, wireLength: number): void {
    if (side.isDone) return;
    this.deliver(side, bytes);
    const missing = wireLength - bytes.length;
    if (missing > 0 && !side.isDone) this.#gap(side, side.offset + missing, "gapsCut", "cut off by the capture");
  }

  /** Notes that the sender's FIN is at stream offset `at`. */
  fin(side: SideState, at: number): void {
    if (side.isDone) {
      side.isFinSeen = true;
      return;
    }
    if (side.fin >= 0) return;
    if (at < side.offset) {
      this.#stats.badFins++;
      return;
    }
    side.fin = at;
    side.isFinSeen = true;
    if (side.held !== null) {
      this.#charge(side, () => {
        if (side.held!.truncate(at) > 0) this.#stats.afterFin++;
      });
    }
    this.#endAtFin(side);
  }

  /** Brings a side to its end: holes are given up on, then `error` where one is given, else `end`. */
  finish(side: SideState, error?: FlowError): void {
    while (!side.isDone && side.holeEnd >= 0) this.#giveUp(side, side.holeEnd, "gapsEnd", "at the end of the flow");
    this.#forgetHole(side);
    if (side.isDone) return;
    side.isDone = true;
    if (error === undefined) this.#sink.end(side.flow, side.name);
    else this.#sink.error(side.flow, side.name, error);
  }

  /** Nobody wants this side: nothing more is handed out or held. */
  abandon(side: SideState): void {
    side.isDone = true;
    this.#dropHeld(side);
    this.#forgetHole(side);
  }

  /** To be called for both sides after every packet of a flow: keeps the limits of its holes. */
  settle(side: SideState): void {
    if (side.list === null && side.holeEnd < 0) return;
    for (;;) {
      const to = side.isDone ? -1 : side.holeEnd;
      if (to < 0) return this.#forgetHole(side);
      this.#watch(side);
      if (side.acked > side.offset && this.#isAckedTooLong(side)) {
        this.#giveUp(side, Math.min(to, side.acked), "gapsAcked", `${this.#settings.ackedHolePackets} packets after`);
        continue;
      }
      const limit = this.#brokenLimit(side);
      if (limit === "") return;
      this.#giveUp(side, to, "gapsLimit", limit);
    }
  }

  /** No hole can become due sooner after a packet. */
  get shortestLifeMs(): number {
    return Math.min(this.#holes.lifeMs, this.#ackedHoles.lifeMs);
  }

  /** The time at which {@linkcode due} gives something out. */
  get dueAt(): number {
    return Math.min(this.#holes.dueAt, this.#ackedHoles.dueAt);
  }

  /** Gives up on one hole whose time is over and returns its side; `null` when there is none. */
  due(): SideState | null {
    const { now } = this;
    if (this.#ackedHoles.dueAt <= now) {
      const side = this.#ackedHoles.oldest!;
      this.#giveUp(side, Math.min(side.holeEnd, side.acked), "gapsAcked", `ackedHoleMs ${this.#ackedHoles.lifeMs}`);
      this.settle(side);
      return side;
    }
    if (this.#holes.dueAt > now) return null;
    const side = this.#holes.oldest!;
    this.#giveUp(side, side.holeEnd, "gapsLimit", `maxHoleMs ${this.#holes.lifeMs}`);
    this.settle(side);
    return side;
  }

  /** Gives up on the oldest hole while more than `maxTotalBytes` are held, and returns its side; else `null`. */
  excess(): SideState | null {
    if (this.#stats.heldBytes <= this.#settings.maxTotalBytes) return null;
    const open = this.#holes.oldest;
    const acked = this.#ackedHoles.oldest;
    const side = acked === null || (open !== null && open.touchedAt <= acked.touchedAt) ? open : acked;
    if (side === null) return null;
    this.#giveUp(side, side.holeEnd, "gapsLimit", `maxTotalBytes ${this.#settings.maxTotalBytes}`);
    this.settle(side);
    return side;
  }

  /** A side that nothing is handed out for is still followed, so that RST and FIN can be judged. */
  #follow(side: SideState, end: number): void {
    if (side.fin >= 0) this.#stats.afterFin += end > side.fin ? 1 : 0;
    else if (end > side.offset) side.advanceTo(end);
  }

  #old(side: SideState, start: number, length: number): void {
    if (length === 1 && start === side.offset - 1) {
      side.stats.probes++;
      this.#stats.probes++;
      return;
    }
    side.stats.retransmissions++;
    this.#stats.retransmissions++;
  }

  /** Data that reaches beyond what was handed out, but is not simply next. */
  #place(side: SideState, start: number, bytes: Uint8Array, end: number): void {
    let from = start;
    let to = end;
    let view = bytes;
    if (side.fin >= 0 && to > side.fin) {
      this.#stats.afterFin++;
      to = side.fin;
      if (to <= Math.max(from, side.offset)) return;
      view = view.subarray(0, Math.max(0, to - from));
    }
    if (from < side.offset) {
      view = view.subarray(side.offset - from);
      from = side.offset;
    }
    const cutAt = Math.min(to, from + view.length);
    if (from > side.offset) this.#countAhead(side);
    if (from > side.offset || cutAt < to || (side.held !== null && side.held.firstStart < to)) {
      this.#hold(side, from, view, to);
    } else {
      this.deliver(side, view);
    }
    this.#drain(side);
  }

  #countAhead(side: SideState): void {
    side.stats.outOfOrder++;
    this.#stats.outOfOrder++;
    side.holePackets++;
  }

  #hold(side: SideState, from: number, bytes: Uint8Array, to: number): void {
    const held = side.held ??= new Assembler();
    const conflicts = held.conflicts;
    const cutAt = from + bytes.length;
    this.#charge(side, () => {
      const fresh = held.insert(from, bytes, this.#settings.overlap);
      if (cutAt < to) held.insertLost(cutAt, to);
      if (fresh > 0 || bytes.length === 0) return;
      side.stats.retransmissions++;
      this.#stats.retransmissions++;
    });
    side.stats.conflicts += held.conflicts - conflicts;
    this.#stats.conflicts += held.conflicts - conflicts;
  }

  /** Hands out what has become next, up to the first hole, and ends at the FIN. */
  #drain(side: SideState): void {
    while (side.held !== null && !side.isDone && side.held.firstStart === side.offset) {
      const held = side.held;
      const ready = this.#charge(side, () => held.take(side.offset));
      for (const piece of ready) {
        if (side.isDone) break;
        if (piece.bytes !== null) this.deliver(side, piece.bytes);
        else this.#gap(side, piece.end, "gapsCut", "cut off by the capture");
      }
    }
    this.#endAtFin(side);
  }

  #endAtFin(side: SideState): void {
    if (side.isDone || side.fin !== side.offset) return;
    side.isDone = true;
    this.#sink.end(side.flow, side.name);
  }

  #giveUp(side: SideState, to: number, cause: GapCause, why: string): void {
    this.#gap(side, to, cause, why);
    this.#drain(side);
  }

  #gap(side: SideState, to: number, cause: GapCause, why: string): void {
    const gap = { offset: side.offset, length: to - side.offset };
    this.#stats.gaps++;
    this.#stats[cause]++;
    this.#stats.gapBytes += gap.length;
    side.stats.gapBytes += gap.length;
    side.advanceTo(to);
    if (this.#settings.gaps === "skip") {
      this.#sink.gap(side.flow, side.name, gap);
      return;
    }
    side.isDone = true;
    this.#dropHeld(side);
    const message = `${byteCount(gap.length)} at stream offset ${gap.offset} never captured (given up: ${why})`;
    this.#sink.error(
      side.flow,
      side.name,
      new FlowError(message, { code: "EGAP", blame: "remote", offset: gap.offset, gap }),
    );
  }

  #dropHeld(side: SideState): void {
    if (side.held === null) return;
    this.#stats.heldBytes -= side.held.cost;
    side.flow.heldBytes -= side.held.cost;
    side.held = null;
  }

  /** Runs a change of what a side holds, and books its difference in memory. */
  #charge<T>(side: SideState, change: () => T): T {
    const held = side.held!;
    const before = held.cost;
    const result = change();
    side.flow.heldBytes += held.cost - before;
    this.#stats.heldBytes += held.cost - before;
    if (held.size === 0) side.held = null;
    return result;
  }

  /** Puts a side with a hole into the right list; a hole at a new place waits anew. */
  #watch(side: SideState): void {
    const isAcked = side.acked > side.offset;
    if (side.list === null || side.holeOffset !== side.offset) {
      side.holeOffset = side.offset;
      side.holePackets = side.held === null ? 0 : side.held.size;
      side.list?.remove(side);
    } else if (!isAcked || side.list === this.#ackedHoles) {
      return;
    }
    side.ackedAtPacket = side.flow.packets;
    (isAcked ? this.#ackedHoles : this.#holes).touch(side, this.now);
  }

  #forgetHole(side: SideState): void {
    side.list?.remove(side);
    side.holePackets = 0;
  }

  #isAckedTooLong(side: SideState): boolean {
    return side.flow.packets - side.ackedAtPacket > this.#settings.ackedHolePackets;
  }

  #brokenLimit(side: SideState): string {
    const { maxHoleBytes, maxHolePackets, maxFlowBytes } = this.#settings;
    if (side.held === null) return "";
    if (side.held.cost > maxHoleBytes) return `maxHoleBytes ${maxHoleBytes}`;
    if (Math.max(side.holePackets, side.held.size) > maxHolePackets) return `maxHolePackets ${maxHolePackets}`;
    if (side.flow.heldBytes > maxFlowBytes) return `maxFlowBytes ${maxFlowBytes}`;
    return "";
  }
}
