/**
 * What happened in calls, packet by packet, for pictures of them.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { RxAck } from "../ack.ts";
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

/** A call, and how much of the room it takes. */
interface RecordedCall extends RxRecordedCall {
  size: number;
}

/** Options of a {@linkcode RxCallRecorder}. */
export interface RxCallRecorderOptions {
  /** Which calls; all without it. */
  readonly wants?: ((call: RxWatchedCall) => boolean) | undefined;
  /** Of the calls that are over, only the one with the most packets of data is kept. @default {false} */
  readonly keepsLargest?: boolean | undefined;
  /**
   * Packets that are kept, of all calls together; later ones are not, and counted in `dropped`. An acknowledgement that
   * tells of many packets one by one counts for several. @default {300000}
   */
  readonly maxPackets?: number | undefined;
}

const DEFAULT_PACKETS = 300_000;
/** Packets told one by one in an acknowledgement that take as much room as a record. */
const SOFT_OF_RECORD = 16;

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
  readonly #keepsLargest: boolean;
  readonly #calls: Map<number, RecordedCall> = new Map();
  /** The largest of those that are over. */
  #largestOver: RecordedCall | undefined;
  #left: number;
  #dropped = 0;

  /**
   * Keeps nothing yet.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: RxCallRecorderOptions = {}) {
    this.#wants = options.wants ?? (() => true);
    this.#keepsLargest = options.keepsLargest ?? false;
    this.#left = limitOption("maxPackets", options.maxPackets, DEFAULT_PACKETS);
  }

  /** The calls, by their ids. */
  get calls(): ReadonlyMap<number, RxRecordedCall> {
    return this.#calls;
  }

  /** Packets of wanted calls that there was no room for. */
  get dropped(): number {
    return this.#dropped;
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
    const size = sizeOf(ack);
    if (recorded === undefined || this.#left < size) {
      this.#dropped++;
      if (recorded !== undefined) recorded.isCut = true;
      return;
    }
    this.#left -= size;
    recorded.size += size;
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

  /** A call is over: unless it is the largest of those, its packets are forgotten where only that one is kept. */
  closed({ id }: RxWatchedCall): void {
    const recorded = this.#calls.get(id);
    if (!this.#keepsLargest || recorded === undefined) return;
    const other = this.#largestOver;
    const isLargest = other === undefined || packetsOf(recorded) > packetsOf(other);
    if (isLargest) this.#largestOver = recorded;
    const smaller = isLargest ? other : recorded;
    if (smaller === undefined) return;
    this.#left += smaller.size;
    this.#calls.delete(smaller.call.id);
  }

  #begin(call: RxWatchedCall): RecordedCall | undefined {
    if (this.#left === 0) return undefined;
    const recorded: RecordedCall = {
      call,
      request: { data: [], acks: [] },
      reply: { data: [], acks: [] },
      isCut: false,
      size: 0,
    };
    this.#calls.set(call.id, recorded);
    return recorded;
  }
}

function sizeOf(ack: RxAck | undefined): number {
  return 1 + Math.floor((ack?.acks.length ?? 0) / SOFT_OF_RECORD);
}

function packetsOf({ request, reply }: RxRecordedCall): number {
  return request.data.length + reply.data.length;
}
