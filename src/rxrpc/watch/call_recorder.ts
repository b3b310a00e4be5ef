/**
 * What happened in calls, packet by packet, for pictures of them.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import { RxPacketType } from "../packet_types.ts";
import type { RxDataRemark, RxWatchedCall, RxWatchedPacket } from "./records.ts";

/** A DATA packet. */
export interface RxRecordedData {
  /** When it was seen, in milliseconds. */
  readonly at: number;
  /** Its sequence number. */
  readonly seq: number;
  /** What is special about it. */
  readonly remark: RxDataRemark | undefined;
}

/** An ACK packet. */
export interface RxRecordedAck {
  /** When it was seen, in milliseconds. */
  readonly at: number;
  /** Everything before is acknowledged for good. */
  readonly hardAck: number;
  /** Packets that have come besides. */
  readonly soft: readonly number[];
  /** Packets before the last of them that have not. */
  readonly missing: readonly number[];
  /** The first packet that would not be taken, where it is known. */
  readonly edge: number | undefined;
}

/** One direction of a call. */
export interface RxRecordedTrack {
  /** What one end sent, in order. */
  readonly data: RxRecordedData[];
  /** What the other said about it. */
  readonly acks: RxRecordedAck[];
}

/** A call. */
export interface RxRecordedCall {
  /** What is known of it as a whole. */
  readonly call: RxWatchedCall;
  /** What the client says. */
  readonly request: RxRecordedTrack;
  /** What the server says. */
  readonly reply: RxRecordedTrack;
  /** Whether there was no room for all of it. */
  isCut: boolean;
}

/** Options of a {@linkcode RxCallRecorder}. */
export interface RxCallRecorderOptions {
  /** Which calls; all without it. */
  readonly wants?: ((call: RxWatchedCall) => boolean) | undefined;
  /** Packets that are kept, of all calls together; later ones are not. @default {300000} */
  readonly maxPackets?: number | undefined;
}

const DEFAULT_PACKETS = 300_000;

/**
 * Keeps what a watcher tells of packets.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { RxCallRecorder, RxWatcher } from "@leat/streams/rxrpc";
 *
 * const recorder = new RxCallRecorder();
 * const watcher = new RxWatcher({}, { packet: (packet) => recorder.add(packet) });
 * const head = [0x9a, 0xbc, 0x12, 0x34, 0, 0, 1, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1];
 * const data = Uint8Array.from([...head, 5, 0, 0, 0, 0, 0, 52, 1, 2, 3, 4]);
 * const to = { address: "192.0.2.2", port: 7003 };
 * watcher.push({ data, from: { address: "192.0.2.1", port: 7001 }, to }, 12);
 * assertEquals(recorder.largest!.request.data, [{ at: 12, seq: 1, remark: undefined }]);
 * ```
 */
export class RxCallRecorder {
  readonly #wants: (call: RxWatchedCall) => boolean;
  readonly #calls: Map<number, RxRecordedCall> = new Map();
  #left: number;

  /**
   * Keeps nothing yet.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: RxCallRecorderOptions = {}) {
    this.#wants = options.wants ?? (() => true);
    this.#left = limitOption("maxPackets", options.maxPackets, DEFAULT_PACKETS);
  }

  /** The calls, by their ids. */
  get calls(): ReadonlyMap<number, RxRecordedCall> {
    return this.#calls;
  }

  /** The call with the most packets of data; `undefined` without any call. */
  get largest(): RxRecordedCall | undefined {
    let largest: RxRecordedCall | undefined;
    for (const one of this.#calls.values()) {
      if (largest === undefined || packetsOf(one) > packetsOf(largest)) largest = one;
    }
    return largest;
  }

  /** A packet was seen. */
  add({ header, side, at, call, remark, ack }: RxWatchedPacket): void {
    const isData = header.type === RxPacketType.DATA;
    if (call === undefined || !isData && ack === undefined || !this.#wants(call)) return;
    const recorded = this.#calls.get(call.id) ?? this.#begin(call);
    if (recorded === undefined) return;
    if (this.#left === 0) {
      recorded.isCut = true;
      return;
    }
    this.#left--;
    const isRequest = (side === "client") === isData;
    const track = isRequest ? recorded.request : recorded.reply;
    if (ack === undefined) return void track.data.push({ at, seq: header.seq, remark });
    const { firstPacket, acks, rwind } = ack;
    const soft: number[] = [];
    const missing: number[] = [];
    acks.forEach((hasCome, index) => (hasCome ? soft : missing).push(firstPacket + index));
    const edge = rwind === undefined ? undefined : firstPacket + rwind;
    track.acks.push({ at, hardAck: firstPacket, soft, missing, edge });
  }

  #begin(call: RxWatchedCall): RxRecordedCall | undefined {
    if (this.#left === 0) return undefined;
    const recorded: RxRecordedCall = {
      call,
      request: { data: [], acks: [] },
      reply: { data: [], acks: [] },
      isCut: false,
    };
    this.#calls.set(call.id, recorded);
    return recorded;
  }
}

function packetsOf({ request, reply }: RxRecordedCall): number {
  return request.data.length + reply.data.length;
}
