/**
 * Layer pcap, engine: packets into capture files of either format.
 *
 * Follows draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. Of pcapng it writes one section with interface
 * descriptions and enhanced packets. Not here: names, statistics, comments.
 *
 * @module
 */
import type { Engine, EngineFactory, Sink, Stats } from "../core/engine.ts";
import { choiceOption, limitOption } from "../core/limits.ts";
import type { Packet } from "../packet/packet.ts";
import type { ByteOrder } from "./byte_order.ts";
import { CaptureError, refuseReentry } from "./capture_error.ts";
import type { CaptureFormat } from "./capture_interface.ts";
import type { PacketEncoder, WriterSettings } from "./packet_encoder.ts";
import { PcapEncoder } from "./pcap_encoder.ts";
import { PcapngEncoder } from "./pcapng_encoder.ts";

/** Options of {@linkcode CaptureWriter}. */
export interface CaptureWriterOptions {
  /** Kind of file. @default {"pcap"} */
  format?: CaptureFormat | undefined;
  /** Order of the bytes in the file's integers. @default {"little-endian"} */
  byteOrder?: ByteOrder | undefined;
  /** Unit of the file's times; what is finer is cut off. @default {"ns"} */
  resolution?: "us" | "ns" | undefined;
  /**
   * LINKTYPE_ value of the file, for pcap. Needed only for a file that may stay without packets.
   *
   * @default the first packet's, or Ethernet where there is none
   */
  linkType?: number | undefined;
  /** Longest captured part of a packet in bytes; longer packets are cut to it. @default {262144} */
  snapLength?: number | undefined;
  /** pcapng: most interfaces (pairs of a packet's link type and interface) in the file. @default {65536} */
  maxInterfaces?: number | undefined;
}

/** Counters of {@linkcode CaptureWriter}. */
export interface CaptureWriterStats extends Stats {
  /** Packets written. */
  readonly packets: number;
  /** Bytes written, headers included. */
  readonly bytes: number;
  /** Packets cut to the snap length. */
  readonly cut: number;
  /** Interfaces described in the file. */
  readonly interfaces: number;
}

const DEFAULT_SNAP_LENGTH = 262144;

/**
 * Writes packets as a capture file.
 *
 * Each push gives one chunk, in memory of its own. A classic pcap file has one link type: a packet of another one is an
 * error (`EINVAL`). A pcapng file has an interface for each pair of link type and `interfaceId` that appears. Times
 * that the file cannot hold are an error (`EINVAL`) as well: before 1970, or for pcap after 2106.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { CaptureWriter, LinkType } from "@leat/streams/pcap";
 *
 * const lengths: number[] = [];
 * const writer = new CaptureWriter({ format: "pcapng" }, {
 *   item: (chunk) => lengths.push(chunk.length),
 *   error: (error) => console.error(error.code),
 *   end: () => {},
 * });
 * const bytes = Uint8Array.of(0x45, 0, 0);
 * const time = { seconds: 1, nanoseconds: 2 };
 * writer.push({ ...time, bytes, originalLength: 3, linkType: LinkType.RAW, number: 1, interfaceId: 0 });
 * writer.end();
 * assertEquals(lengths, [28 + 32 + 36]);
 * ```
 */
export class CaptureWriter implements Engine<Packet> {
  readonly #sink: Sink<Uint8Array>;
  readonly #encoder: PacketEncoder;
  readonly #counts = { packets: 0, bytes: 0, cut: 0, interfaces: 0 };
  readonly #snapLength: number;
  readonly #one: Packet[] = [];
  #isOver = false;
  #isBusy = false;

  /**
   * Makes a writer that hands the file's bytes to `sink`.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: CaptureWriterOptions, sink: Sink<Uint8Array>) {
    const { linkType } = options;
    const settings: WriterSettings = {
      isBig: choiceOption("byteOrder", options.byteOrder, "little-endian", BYTE_ORDERS) === "big-endian",
      isNanoseconds: choiceOption("resolution", options.resolution, "ns", RESOLUTIONS) === "ns",
      linkType: linkType === undefined ? undefined : limitOption("linkType", linkType, 0, 0),
      snapLength: limitOption("snapLength", options.snapLength, DEFAULT_SNAP_LENGTH),
      maxInterfaces: limitOption("maxInterfaces", options.maxInterfaces, 65536),
    };
    if (linkType !== undefined && linkType > 0xffff) {
      throw new RangeError(`linkType must be below 65536, got ${linkType}`);
    }
    if (settings.snapLength > 0xffffffff) {
      throw new RangeError(`snapLength must be below 2^32, got ${settings.snapLength}`);
    }
    const format = choiceOption("format", options.format, "pcap", FORMATS);
    this.#encoder = format === "pcap" ? new PcapEncoder(settings) : new PcapngEncoder(settings);
    this.#snapLength = settings.snapLength;
    this.#sink = sink;
  }

  /** The same as a factory, for `through` and `fuse`; wrong options are noticed when it is called. */
  static with(options: CaptureWriterOptions = {}): EngineFactory<Packet, Uint8Array> {
    return (sink) => new CaptureWriter(options, sink);
  }

  /** A copy of the counters. */
  get stats(): CaptureWriterStats {
    return { ...this.#counts, interfaces: this.#encoder.interfaces };
  }

  /**
   * Writes one packet.
   *
   * @throws {CaptureError} `EBUSY` when called from a callback of the sink
   */
  push(packet: Packet, _now?: number): void {
    refuseReentry(this.#isBusy);
    this.#one[0] = packet;
    this.pushBatch(this.#one);
    this.#one.length = 0;
  }

  /**
   * Writes packets into one chunk; those before one that cannot be written are written.
   *
   * @throws {CaptureError} `EBUSY` when called from a callback of the sink
   */
  pushBatch(packets: readonly Packet[], _now?: number): void {
    refuseReentry(this.#isBusy);
    if (this.#isOver || packets.length === 0) return;
    this.#isOver = true;
    const encoder = this.#encoder;
    let problem: string | undefined;
    let room = 0;
    let count = 0;
    for (const packet of packets) {
      problem = encoder.admit(packet);
      if (problem !== undefined) break;
      room += encoder.recordLength(this.#captured(packet));
      count++;
    }
    if (count > 0) this.#write(packets, count, room);
    if (problem === undefined) this.#isOver = false;
    else this.#sink.error(new CaptureError(problem, { code: "EINVAL", blame: "local", offset: this.#counts.bytes }));
  }

  /**
   * No more packets. A file without packets still gets its header.
   *
   * @throws {CaptureError} `EBUSY` when called from a callback of the sink
   */
  end(_now?: number): void {
    refuseReentry(this.#isBusy);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#write([], 0, 0);
    this.#sink.end();
  }

  /** Never: only input wakes this engine. */
  timeoutAt(): number {
    return Infinity;
  }

  /** Does nothing. */
  onTimeout(_now?: number): void {}

  #captured(packet: Packet): number {
    return Math.min(packet.bytes.length, this.#snapLength);
  }

  /** `room` is what the records need, without the headers that are due. */
  #write(packets: readonly Packet[], count: number, room: number): void {
    const encoder = this.#encoder;
    const chunk = new Uint8Array(encoder.headerLength() + room);
    if (chunk.length === 0) return;
    let at = encoder.writeHeader(chunk);
    for (let i = 0; i < count; i++) {
      const packet = packets[i]!;
      const captured = this.#captured(packet);
      if (captured < packet.bytes.length) this.#counts.cut++;
      at = encoder.writeRecord(chunk, at, packet, captured);
    }
    this.#counts.packets += count;
    this.#counts.bytes += chunk.length;
    this.#isBusy = true;
    try {
      this.#sink.item(chunk);
    } finally {
      this.#isBusy = false;
    }
  }
}

const BYTE_ORDERS: readonly ByteOrder[] = ["big-endian", "little-endian"];
const RESOLUTIONS: readonly ("us" | "ns")[] = ["us", "ns"];
const FORMATS: readonly CaptureFormat[] = ["pcap", "pcapng"];
