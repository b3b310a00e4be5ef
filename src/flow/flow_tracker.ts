/**
 * The flow engine: segments of a capture in, connections with the byte stream of each direction out.
 *
 * A passive engine: its time is capture time (the latest seen so far), it sends nothing and verifies nothing that the
 * ends did not. Follows RFC 9293 as an onlooker who may have missed packets. What it does not do: track windows (a
 * segment beyond the receiver's window is taken), follow SACK, timestamps or PAWS, tell urgent data apart, undo data
 * that was handed out when a later segment disagrees, or join a connection whose addresses change (multipath, QUIC).
 *
 * @module
 */
import type { Engine, EngineFactory, Sink } from "../core/engine.ts";
import { packetTimeMs } from "../packet/packet.ts";
import { IpProtocol, type Segment } from "../packet/segment.ts";
import { FlowError } from "./errors.ts";
import type { FlowRecord } from "./flow_record.ts";
import type { FlowState } from "./flow_state.ts";
import { FlowRegistry } from "./flow_registry.ts";
import { flowSettings, type FlowTrackerOptions } from "./options.ts";
import { Reassembly } from "./reassembly.ts";
import type { SideState } from "./side_state.ts";
import type { FlowEnd, FlowSide, FlowSink } from "./sink.ts";
import { MIN_TCP_HEADER } from "./tcp_header.ts";
import { TcpWatcher } from "./tcp_watcher.ts";
import { type FlowTrackerStats, newTrackerStats } from "./tracker_stats.ts";

const UDP_HEADER = 8;

/** Ports below this number are given to services (RFC 6335, system ports). */
const SYSTEM_PORTS = 1024;

/** Counter of each way to end. */
const END_COUNTER = {
  fin: "endedFin",
  reset: "endedReset",
  reuse: "endedReuse",
  idle: "endedIdle",
  evicted: "evicted",
  "capture-end": "endedCapture",
} as const;

/**
 * Passive reassembly of captured TCP connections and grouping of UDP datagrams. See {@linkcode FlowStream} for the same
 * as a stage.
 *
 * @example
 * ```ts
 * import { FlowTracker } from "@leat/streams/flow";
 * import { LinkType, SegmentDecoder } from "@leat/streams/packet";
 * import { assertEquals } from "@std/assert";
 *
 * const seen: string[] = [];
 * const tracker = new FlowTracker({ gaps: "skip" }, {
 *   open: (flow) => seen.push(`${flow.key.client.address} asks port ${flow.key.server.port}`),
 *   data: (_flow, side, bytes) => seen.push(`${side}: ${new TextDecoder().decode(bytes)}`),
 *   gap: (_flow, side, gap) => seen.push(`${side} lost ${gap.length} bytes at ${gap.offset}`),
 *   end: (_flow, side) => seen.push(`${side} ends`),
 *   error: (_flow, side, error) => seen.push(`${side}: ${error.code}`),
 *   close: (_flow, reason) => seen.push(reason),
 *   finish: () => {},
 * });
 * const decoder = new SegmentDecoder({}, {
 *   item: (segment) => tracker.push(segment, tracker.timeOf(segment)),
 *   error: () => {},
 *   end: () => tracker.end(0),
 * });
 * const bytes = new Uint8Array([
 *   0x45, 0, 0, 30, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, // IPv4
 *   0x30, 0x39, 0, 53, 0, 10, 0, 0, 0x68, 0x69, // UDP
 * ]);
 * const time = { seconds: 0, nanoseconds: 0 };
 * decoder.push({ ...time, bytes, originalLength: 30, linkType: LinkType.RAW, number: 1, interfaceId: 0 }, 0);
 * decoder.end(0);
 * assertEquals(seen, ["192.0.2.1 asks port 53", "client: hi", "client ends", "server ends", "capture-end"]);
 * ```
 */
export class FlowTracker implements Engine<Segment> {
  /** See `Engine.borrows`. */
  readonly borrows = true;
  readonly #sink: FlowSink;
  readonly #stats: FlowTrackerStats = newTrackerStats();
  readonly #flows: FlowRegistry;
  readonly #reassembly: Reassembly;
  readonly #watcher: TcpWatcher;
  #now = -Infinity;
  /** Nothing is due before; looking at all lists for every segment would cost a twentieth of the work on it. */
  #quietUntil = -Infinity;
  #isBusy = false;
  #isEnded = false;

  /**
   * Makes an engine that reports to `sink`.
   *
   * @throws {TypeError | RangeError} on a wrong option
   */
  constructor(options: FlowTrackerOptions, sink: FlowSink) {
    const settings = flowSettings(options);
    this.#sink = sink;
    this.#flows = new FlowRegistry(settings);
    this.#reassembly = new Reassembly(settings, sink, this.#stats);
    this.#watcher = new TcpWatcher(this.#reassembly, this.#stats);
  }

  /**
   * As a factory, for `through` and `fuse`. `make` turns the sink of what comes behind into the sink of the flows, such
   * as `muxedFlows` of the multiplexor does; wrong options are noticed when the factory is called.
   */
  static with<Out>(
    make: (sink: Sink<Out>) => FlowSink,
    options: FlowTrackerOptions = {},
  ): EngineFactory<Segment, Out> {
    return (sink) => new FlowTracker(options, make(sink));
  }

  /** Counters since the start. The object is the same every time, and changes. */
  get stats(): Readonly<FlowTrackerStats> {
    this.#stats.knownFlows = this.#flows.size;
    return this.#stats;
  }

  /** When a segment was captured, in milliseconds since 1970. */
  timeOf(segment: Segment): number {
    return packetTimeMs(segment.packet);
  }

  /**
   * Takes one segment; `now` is the latest capture time so far, in milliseconds. Never throws for what is in it.
   *
   * @throws {FlowError} `EBUSY` when called from a callback of the sink
   */
  push(segment: Segment, now: number): void {
    this.#enter();
    try {
      if (this.#isEnded) return;
      this.#advance(now);
      this.#stats.segments++;
      if (segment.protocol === IpProtocol.TCP) this.#tcp(segment);
      else if (segment.protocol === IpProtocol.UDP) this.#udp(segment);
      else this.#stats.otherProtocol++;
    } finally {
      this.#isBusy = false;
    }
  }

  /**
   * The capture is over: all flows end with `capture-end`, in order of their numbers.
   *
   * @throws {FlowError} `EBUSY` when called from a callback of the sink
   */
  end(now: number): void {
    this.#enter();
    try {
      if (this.#isEnded) return;
      this.#advance(now);
      this.#isEnded = true;
      for (const flow of this.#flows.open()) this.#close(flow, "capture-end");
      this.#flows.clear();
      this.#sink.finish();
    } finally {
      this.#isBusy = false;
    }
  }

  /** Capture time at which a hole or an idle flow is due; `Infinity` when there is none. `push` sees to it as well. */
  timeoutAt(): number {
    return Math.min(this.#reassembly.dueAt, this.#flows.dueAt);
  }

  /**
   * Gives up on holes and ends idle flows that are due at `now`.
   *
   * @throws {FlowError} `EBUSY` when called from a callback of the sink
   */
  onTimeout(now: number): void {
    this.#enter();
    try {
      if (!this.#isEnded) this.#advance(now);
    } finally {
      this.#isBusy = false;
    }
  }

  /**
   * Nobody wants this side of a flow any more: what is held of it is dropped, and no more `data`, `gap`, `end` or
   * `error` comes for it. May be called from a callback of the sink.
   */
  abort(flow: FlowRecord, side: FlowSide): void {
    const state = flow as FlowState;
    this.#reassembly.abandon(side === "client" ? state.clientSide : state.serverSide);
  }

  #enter(): void {
    if (this.#isBusy) {
      throw new FlowError("the engine was called from its own callback", { code: "EBUSY", blame: "local" });
    }
    this.#isBusy = true;
  }

  #advance(now: number): void {
    if (!(now > this.#now)) return;
    this.#now = now;
    this.#reassembly.now = now;
    this.#flows.now = now;
    if (now >= this.#quietUntil) this.#runDue(now);
  }

  #runDue(now: number): void {
    for (let side = this.#reassembly.due(); side !== null; side = this.#reassembly.due()) {
      this.#closeIfFinished(side.flow);
    }
    for (let flow = this.#flows.due(); flow !== null; flow = this.#flows.due()) {
      if (flow.endedBy === undefined) this.#close(flow, "idle");
      else this.#flows.remove(flow);
    }
    const shortestLifeMs = Math.min(this.#reassembly.shortestLifeMs, this.#flows.shortestLifeMs);
    // what there is, or whatever the next segments add
    this.#quietUntil = Math.min(this.timeoutAt(), now + shortestLifeMs);
  }

  #udp(segment: Segment): void {
    if (!this.#isUsable(segment, UDP_HEADER)) return;
    const flow = this.#flows.find(segment) ?? this.#open(segment, isFromWellKnownPort(segment));
    const side = this.#flows.senderOf(flow);
    this.#note(flow, side, segment);
    this.#reassembly.datagram(side, segment.payload, segment.wirePayloadLength);
  }

  #tcp(segment: Segment): void {
    if (!this.#isUsable(segment, MIN_TCP_HEADER)) return;
    this.#watcher.header.read(segment);
    const known = this.#flows.find(segment);
    const side = known === null ? null : this.#flows.senderOf(known);
    if (known === null || side === null || !this.#watcher.isNext(known, side, segment)) {
      return this.#judged(known, segment);
    }
    this.#note(known, side, segment);
    this.#watcher.takeNext(known, side, segment);
  }

  /** The long way of a TCP segment, which every one could go. */
  #judged(known: FlowState | null, segment: Segment): void {
    const { header } = this.#watcher;
    let flow = known;
    if (flow !== null) {
      const belonging = this.#watcher.judge(flow, this.#flows.senderOf(flow), segment);
      if (belonging === "ignore") return;
      if (belonging === "new") {
        if (flow.endedBy === undefined) this.#close(flow, "reuse");
        else this.#flows.remove(flow);
        flow = null;
      }
    }
    if (flow === null) {
      if (header.isRst) {
        this.#stats.strayResets++;
        return;
      }
      flow = this.#open(segment, header.isSyn ? header.hasAck : isFromLowerPort(segment));
    }
    const side = this.#flows.senderOf(flow);
    this.#note(flow, side, segment);
    if (header.isRst) {
      this.#close(flow, "reset");
      return;
    }
    this.#watcher.take(side, segment);
    this.#reassembly.settle(flow.clientSide);
    this.#reassembly.settle(flow.serverSide);
    this.#relieve();
    this.#closeIfFinished(flow);
  }

  #isUsable(segment: Segment, headerLength: number): boolean {
    if (segment.transportOffset + headerLength > segment.payloadEnd) this.#stats.truncatedHeaders++;
    else if (segment.checksum === "invalid") this.#stats.badChecksums++;
    else return true;
    return false;
  }

  #open(segment: Segment, isFromServer: boolean): FlowState {
    const crowded = this.#flows.crowdedOut();
    if (crowded !== null && crowded.endedBy === undefined) this.#close(crowded, "evicted");
    else if (crowded !== null) this.#flows.remove(crowded);
    const flow = this.#flows.add(++this.#stats.flows, segment, isFromServer);
    this.#stats.openFlows++;
    this.#sink.open(flow);
    return flow;
  }

  /** Counts a segment of a flow, sent by `side`. */
  #note(flow: FlowState, side: SideState, segment: Segment): void {
    side.stats.packets++;
    side.stats.wireBytes += segment.wirePayloadLength;
    flow.seen(segment);
    this.#flows.touch(flow);
  }

  #relieve(): void {
    for (let side = this.#reassembly.excess(); side !== null; side = this.#reassembly.excess()) {
      this.#closeIfFinished(side.flow);
    }
  }

  #closeIfFinished(flow: FlowState): void {
    if (flow.endedBy !== undefined || !flow.clientSide.isFinished || !flow.serverSide.isFinished) return;
    this.#close(flow, "fin");
  }

  #close(flow: FlowState, reason: FlowEnd): void {
    flow.endedBy = reason;
    const error = reason === "evicted" && flow.protocol === IpProtocol.TCP ? this.#evicted() : undefined;
    this.#reassembly.finish(flow.clientSide, error);
    this.#reassembly.finish(flow.serverSide, error);
    if (reason === "fin" || reason === "reset") this.#flows.linger(flow);
    else this.#flows.remove(flow);
    this.#stats.openFlows--;
    this.#stats[END_COUNTER[reason]]++;
    this.#sink.close(flow, reason);
  }

  #evicted(): FlowError {
    return new FlowError(`forgotten to stay within maxFlows ${this.#flows.maxFlows}`, {
      code: "ENOBUFS",
      blame: "local",
    });
  }
}

/** Where nothing else is known, the lower port is the server's. */
function isFromLowerPort({ sourcePort, destinationPort }: Segment): boolean {
  return sourcePort < destinationPort;
}

function isFromWellKnownPort({ sourcePort, destinationPort }: Segment): boolean {
  return sourcePort < SYSTEM_PORTS && destinationPort >= SYSTEM_PORTS;
}
