/**
 * RxRPC in captures: which UDP conversations are of it, and what their calls are.
 *
 * @module
 */
import type { FlowRecord, FlowSide } from "../flow/mod.ts";
import type { Timestamp } from "../packet/mod.ts";
import { looksLikeRx, RxCallRecorder, type RxWatchedPacket, RxWatcher } from "../rxrpc/mod.ts";
import { packetsText, packetTypeName } from "../rxrpc/watch/packet_text.ts";
import type { TraceCall, TraceFlow, TraceRxPacket } from "./trace_view.ts";

/** What is told of calls. */
export interface RxLayerEvents {
  /** Nothing more is expected of a call. */
  closed(call: TraceCall): void;
}

/** Which calls are recorded packet by packet: those with these numbers, or the largest one where there is none. */
export type RecordedCalls = ReadonlySet<number>;

/** Calls in the UDP conversations of a capture. */
export class RxLayer {
  /** Packets of calls, where a picture is wanted. */
  readonly recorder: RxCallRecorder | undefined;
  readonly #watcher: RxWatcher;
  #flow: TraceFlow | undefined;
  #packets: RxWatchedPacket[] = [];

  /** Tells `events` of calls; keeps packets of `recorded` calls. */
  constructor(events: RxLayerEvents, recorded: RecordedCalls | undefined) {
    this.recorder = recorded === undefined ? undefined : new RxCallRecorder({
      wants: ({ id }) => recorded.size === 0 || recorded.has(id),
      keepsLargest: recorded.size === 0,
    });
    this.#watcher = new RxWatcher({}, {
      opened: (call) => {
        call.user = this.#flow;
      },
      packet: (packet) => {
        this.#packets.push(packet);
        this.recorder?.add(packet);
      },
      closed: (call) => {
        this.recorder?.closed(call);
        events.closed({ flow: call.user as TraceFlow, call });
      },
    });
  }

  /** Counters. */
  get stats(): RxWatcher["stats"] {
    return this.#watcher.stats;
  }

  /** Whether a conversation that begins with this datagram is of RxRPC. */
  static fits(datagram: Uint8Array): boolean {
    return looksLikeRx(datagram);
  }

  /** A datagram of such a conversation; returns what is in it. */
  push(flow: TraceFlow, side: FlowSide, data: Uint8Array, time: Timestamp): TraceRxPacket {
    this.#flow = flow;
    const [from, to] = endsOf(flow.record, side);
    this.#watcher.push({ data, from, to }, milliseconds(time));
    const packets = this.#packets;
    this.#packets = [];
    const [first] = packets;
    return {
      type: first === undefined ? "malformed" : packetTypeName(first.header.type),
      call: first?.call?.id,
      text: first === undefined ? "no packet of RxRPC" : packetsText(packets),
    };
  }

  /** Calls that are open are told as such. */
  end(): void {
    this.#watcher.end(Infinity);
  }
}

function endsOf(
  { key: { client, server } }: FlowRecord,
  side: FlowSide,
): [FlowRecord["key"]["client"], FlowRecord["key"]["client"]] {
  return side === "client" ? [client, server] : [server, client];
}

function milliseconds({ seconds, nanoseconds }: Timestamp): number {
  return seconds * 1000 + nanoseconds / 1e6;
}
