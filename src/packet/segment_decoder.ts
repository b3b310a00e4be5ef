/**
 * The engine of the packet layer: packets in, transport segments out, whatever the packets hold.
 *
 * Follows RFC 791, RFC 8200, RFC 9293 and RFC 768 as one who watches: nothing is answered, nothing is judged that only
 * an end can know. A packet that gives no segment is counted by reason. Not here: tunnels, jumbograms, Wi-Fi.
 *
 * @module
 */
import { readU16 } from "../bytes/integers.ts";
import type { Engine, EngineFactory, Sink } from "../core/engine.ts";
import { Reasons } from "../core/reasons.ts";
import { ipv4HeaderChecksum, transportChecksum } from "./checksums.ts";
import { FragmentTable } from "./fragment_table.ts";
import { restoreIpv4, restoreIpv6, v4Fragment, v6Fragment } from "./fragments.ts";
import { scanIpv4Options } from "./ipv4_options.ts";
import { Ipv6Walk } from "./ipv6_walk.ts";
import { linkSkipReason, networkOffset } from "./link.ts";
import { BorrowedPacket, type Packet, packetTimeMs } from "./packet.ts";
import { type ChecksumState, IpProtocol, refill, Segment, type SegmentLayout } from "./segment.ts";
import {
  type CheckedOptions,
  checkOptions,
  type SegmentDecoderOptions,
  type SegmentDecoderStats,
} from "./segment_options.ts";
import { faultError, isFault, type SkipReason } from "./skip_reasons.ts";
import { layTransport } from "./transport_layout.ts";

/** A TCP segment of that size or more behind an IPv6 payload length of 0 is no link padding: segmentation offload. */
const LEAST_OFFLOADED = 20;

/**
 * Packets of any supported link type to {@linkcode Segment}s, IP fragments put together.
 *
 * Never throws for what a packet holds. Every packet is counted exactly once: as a segment, as a queued fragment, or
 * under one of {@linkcode SegmentDecoder.reasons}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { LinkType, type Segment, SegmentDecoder } from "@leat/streams/packet";
 *
 * const segments: Segment[] = [];
 * const decoder = new SegmentDecoder({}, { item: (segment) => segments.push(segment), error() {}, end() {} });
 * const bytes = new Uint8Array([
 *   0x45, 0, 0, 30, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, // IPv4
 *   0, 53, 0x30, 0x39, 0, 10, 0, 0, 0x68, 0x69, // UDP
 * ]);
 * const time = { seconds: 0, nanoseconds: 0 };
 * const packet = { ...time, bytes, originalLength: 30, linkType: LinkType.RAW, number: 1, interfaceId: 0 };
 * decoder.push(packet, decoder.timeOf(packet));
 * assertEquals(segments[0]!.sourceAddress, "192.0.2.1");
 * assertEquals(segments[0]!.destinationPort, 12345);
 * assertEquals(new TextDecoder().decode(segments[0]!.payload), "hi");
 * ```
 */
export class SegmentDecoder implements Engine<Packet> {
  /** Packets that gave no segment, by {@linkcode SkipReason}. */
  readonly reasons: Reasons = new Reasons();

  /** See `Engine.borrows`: only what looks at packets in a callback may keep one, or what segments go to. */
  readonly borrows: boolean;
  readonly #options: CheckedOptions;
  readonly #sink: Sink<Segment>;
  readonly #fragments: FragmentTable;
  /** The one segment of a sink that keeps none. */
  #lent: Segment | undefined;
  /** Copy of the table's, so that a packet costs one comparison. */
  #deadline = Infinity;
  #isEnded = false;
  readonly #walk: Ipv6Walk = new Ipv6Walk();
  readonly #layout: SegmentLayout = {
    version: 4,
    protocol: 0,
    transportOffset: 0,
    payloadOffset: 0,
    payloadEnd: 0,
    wirePayloadLength: 0,
    checksum: "unverified",
  };
  readonly #stats = {
    packets: 0,
    bytes: 0,
    segments: 0,
    payloadBytes: 0,
    skipped: 0,
    fragments: 0,
    reassembled: 0,
    zeroTotalLength: 0,
  };

  /**
   * Makes a decoder that hands its segments to `sink`.
   *
   * @throws {TypeError} when an option has the wrong type
   * @throws {RangeError} when an option is out of range
   */
  constructor(options: SegmentDecoderOptions, sink: Sink<Segment>) {
    this.#options = checkOptions(options);
    this.#sink = sink;
    this.borrows = sink.borrows === true && options.onSkip === undefined && options.onError === undefined;
    this.#fragments = new FragmentTable(this.#options);
  }

  /** The same as a factory, for `through` and `fuse`; wrong options are noticed when it is called. */
  static with(options: SegmentDecoderOptions = {}): EngineFactory<Packet, Segment> {
    return (sink) => new SegmentDecoder(options, sink);
  }

  /** Counters so far, as a copy. */
  get stats(): SegmentDecoderStats {
    return {
      ...this.#stats,
      heldFragmentBytes: this.#fragments.heldBytes,
      heldFragmentDatagrams: this.#fragments.size,
      fragmentTimeouts: this.#fragments.timeouts,
      fragmentEvictions: this.#fragments.evictions,
    };
  }

  /** When the packet was captured, in milliseconds. */
  timeOf(packet: Packet): number {
    return packetTimeMs(packet);
  }

  /** Reads one packet; `now` is the latest capture time so far. Ignored after {@linkcode SegmentDecoder.end}. */
  push(packet: Packet, now: number): void {
    if (this.#isEnded) return;
    if (now >= this.#deadline) this.onTimeout(now);
    if (packet instanceof BorrowedPacket) this.#frame(packet, packet.chunk, packet.start, packet.end, now);
    else this.#frame(packet, packet.bytes, 0, packet.bytes.length, now);
  }

  /** The capture is over: datagrams that miss fragments are forgotten, and counted as timed out. */
  end(_now: number): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#fragments.timeouts += this.#fragments.clear();
    this.#deadline = Infinity;
    this.#sink.end();
  }

  /** When the next incomplete datagram is given up. */
  timeoutAt(): number {
    return this.#deadline;
  }

  /** Gives up the incomplete datagrams whose time is over. */
  onTimeout(now: number): void {
    this.#fragments.expire(now);
    this.#deadline = this.#fragments.deadline;
  }

  /** The packet is `bytes` from `at` to `end`. */
  #frame(packet: Packet, bytes: Uint8Array, at: number, end: number, now: number): void {
    this.#stats.packets++;
    this.#stats.bytes += end - at;
    const start = networkOffset(bytes, at, end, packet.linkType);
    if (start < 0) return this.#skip(packet, linkSkipReason(start), 0);
    // a capture that says less than it holds is taken at what it holds
    const wireLength = Math.max(packet.originalLength, end - at) - (start - at);
    if (bytes[start]! >>> 4 === 4) this.#ipv4(packet, bytes, start, end, wireLength, now);
    else this.#ipv6(packet, bytes, start, end, wireLength, now);
  }

  #ipv4(packet: Packet, bytes: Uint8Array, start: number, end: number, wireLength: number, now: number): void {
    if (end - start < 20) {
      return this.#skip(packet, wireLength < 20 ? "truncatedIp" : "cutHeader", start);
    }
    const headerLength = (bytes[start]! & 0x0f) * 4;
    if (headerLength < 20) return this.#skip(packet, "badIpHeaderLength", start);
    const stated = readU16(bytes, start + 2);
    if (stated === 0) this.#stats.zeroTotalLength++;
    // 0 is what a capture on the sending host shows of a packet that its network card is still to cut (TSO)
    const total = stated === 0 ? wireLength : stated;
    if (total < headerLength) return this.#skip(packet, "badIpTotalLength", start + 2);
    if (total > wireLength) return this.#skip(packet, "ipLengthBeyondPacket", start + 2);
    if (end - start < headerLength) return this.#skip(packet, "cutHeader", start);
    let isIntact = true;
    if (this.#options.isVerifying) {
      isIntact = ipv4HeaderChecksum(bytes, start, headerLength) === 0;
      if (!isIntact && !this.#options.keepsBad) return this.#skip(packet, "badIpChecksum", start + 10);
    }
    const fault = headerLength > 20 ? scanIpv4Options(view(bytes, start, end, headerLength), headerLength) : null;
    // on a route, the address that the sender summed up is not in the fixed header
    const isRouted = fault === "sourceRouted" && this.#options.keepsRouted;
    if (fault !== null && !isRouted) return this.#skip(packet, fault, start + 20);
    // more fragments, or an offset
    if ((readU16(bytes, start + 6) & 0x3fff) !== 0) {
      if (!isIntact) return this.#skip(packet, "badIpChecksum", start + 10);
      return this.#ipv4Fragment(packet, view(bytes, start, end, total), start, total, now);
    }
    const isVerifiable = this.#options.isVerifying && stated !== 0 && !isRouted;
    const state = !isIntact ? "invalid" : isVerifiable ? "valid" : "unverified";
    this.#transport(packet, bytes, start, end, headerLength, bytes[start + 9]!, total, state);
  }

  #ipv4Fragment(packet: Packet, datagram: Uint8Array, start: number, total: number, now: number): void {
    this.#stats.fragments++;
    if (datagram.length < total) return this.#skip(packet, "cutFragment", start);
    const outcome = this.#fragments.add(v4Fragment(datagram), now);
    const whole = this.#reassembled(packet, outcome, start + 6);
    if (whole === null) return;
    restoreIpv4(whole);
    const headerLength = (whole[0]! & 0x0f) * 4;
    const isRouted = headerLength > 20 && scanIpv4Options(whole, headerLength) === "sourceRouted";
    const state = this.#options.isVerifying && !isRouted ? "valid" : "unverified";
    this.#transport(packet, whole, 0, whole.length, headerLength, whole[9]!, whole.length, state);
  }

  #ipv6(packet: Packet, bytes: Uint8Array, start: number, end: number, wireLength: number, now: number): void {
    if (end - start < 40) {
      return this.#skip(packet, wireLength < 40 ? "truncatedIp" : "cutHeader", start);
    }
    let total = readU16(bytes, start + 4) + 40;
    const next = bytes[start + 6]!;
    let isOffloaded = false;
    if (total === 40) {
      isOffloaded = next === IpProtocol.TCP && wireLength >= 40 + LEAST_OFFLOADED;
      if (isOffloaded) this.#stats.zeroTotalLength++;
      // with a hop-by-hop header, the walk will find out whether it is a jumbogram
      if (isOffloaded || next === 0) total = wireLength;
    }
    if (total > wireLength) return this.#skip(packet, "ipLengthBeyondPacket", start + 4);
    if (next === IpProtocol.TCP || next === IpProtocol.UDP) {
      const state = this.#options.isVerifying && !isOffloaded ? "valid" : "unverified";
      return this.#transport(packet, bytes, start, end, 40, next, total, state);
    }
    this.#ipv6Extensions(packet, bytes, start, end, total, now);
  }

  /** `now` is `null` for a datagram made of fragments, which may not be a fragment again. */
  #ipv6Extensions(
    packet: Packet,
    bytes: Uint8Array,
    start: number,
    end: number,
    total: number,
    now: number | null,
  ): void {
    const datagram = view(bytes, start, end, total);
    const walk = this.#walk;
    const fault = walk.run(datagram, total, this.#options.keepsRouted);
    if (fault !== null) return this.#skip(packet, fault, start + Math.min(walk.offset, datagram.length));
    // a payload length of 0 in front of a hop-by-hop header without jumbo payload
    if (readU16(datagram, 4) === 0 && walk.offset > 40) return this.#skip(packet, "badExtensionHeader", start + 40);
    if (walk.fragmentAt >= 0) {
      if (now === null) return this.#skip(packet, "nestedFragment", walk.fragmentAt);
      return this.#ipv6Fragment(packet, datagram, start, total, now);
    }
    const state = this.#options.isVerifying && !walk.hasOtherAddresses ? "valid" : "unverified";
    this.#transport(packet, bytes, start, end, walk.offset, walk.protocol, total, state);
  }

  #ipv6Fragment(packet: Packet, datagram: Uint8Array, start: number, total: number, now: number): void {
    this.#stats.fragments++;
    const { fragmentAt, nextAt } = this.#walk;
    if (datagram.length < total) return this.#skip(packet, "cutFragment", start);
    const outcome = this.#fragments.add(v6Fragment(datagram, fragmentAt, nextAt), now);
    const whole = this.#reassembled(packet, outcome, start + fragmentAt);
    if (whole === null) return;
    restoreIpv6(whole);
    this.#ipv6Extensions(packet, whole, 0, whole.length, whole.length, null);
  }

  /** The whole datagram, or `null` when there is none yet; counts either way. */
  #reassembled(packet: Packet, outcome: Uint8Array | SkipReason | null, offset: number): Uint8Array | null {
    this.#deadline = this.#fragments.deadline;
    if (outcome === null) return null;
    if (typeof outcome === "string") {
      this.#skip(packet, outcome, offset);
      return null;
    }
    this.#stats.reassembled++;
    return outcome;
  }

  /**
   * The datagram is `bytes` from `start` on; what is there of it ends at `end` at the latest, and on the wire it has
   * `total` bytes. `state` is what there is to say before the transport checksum: `valid` asks
   * for it to be verified.
   */
  #transport(
    packet: Packet,
    bytes: Uint8Array,
    start: number,
    end: number,
    at: number,
    protocol: number,
    total: number,
    state: ChecksumState,
  ): void {
    const layout = this.#layout;
    const length = Math.min(total, end - start);
    layout.transportOffset = at;
    layout.protocol = protocol;
    layout.version = bytes[start]! >>> 4 === 4 ? 4 : 6;
    const fault = layTransport(layout, bytes, start, length, total);
    if (fault !== null) return this.#skip(packet, fault, start + at);
    layout.checksum = state;
    if (state === "valid") {
      const bad = this.#verify(view(bytes, start, end, length), layout);
      if (bad !== null) return this.#skip(packet, bad, start + at);
    }
    this.#stats.segments++;
    this.#stats.payloadBytes += layout.payloadEnd - layout.payloadOffset;
    const lent = this.#lent;
    if (lent === undefined) {
      const segment = new Segment(packet, bytes, layout, start, start + length);
      if (this.#sink.borrows === true) this.#lend(segment);
      return this.#sink.item(segment);
    }
    refill(lent, packet, bytes, layout, start, start + length);
    this.#sink.item(lent);
  }

  /** From now on there is one segment; it lets go of the chunk when its packet does. */
  #lend(segment: Segment): void {
    this.#lent = segment;
    if (segment.packet instanceof BorrowedPacket) segment.packet.segment = segment;
  }

  /** Verifies the transport checksum into `layout`; the reason to skip the packet if that is asked for. */
  #verify(datagram: Uint8Array, layout: SegmentLayout): SkipReason | null {
    const end = layout.payloadOffset + layout.wirePayloadLength;
    if (end > datagram.length) {
      layout.checksum = "unverified";
      return null;
    }
    const outcome = transportChecksum(datagram, layout.version, layout.protocol, layout.transportOffset, end);
    if (outcome === "valid" || outcome === "unverified") {
      layout.checksum = outcome;
      return null;
    }
    layout.checksum = "invalid";
    return this.#options.keepsBad ? null : outcome;
  }

  #skip(packet: Packet, reason: SkipReason, offset: number): void {
    this.#stats.skipped++;
    this.reasons.count(reason);
    const { onSkip, onError } = this.#options;
    onSkip?.(packet, reason);
    if (onError !== undefined && isFault(reason)) onError(faultError(reason, offset), packet);
  }
}

/** The bytes of a datagram, up to `end` at the latest: no new view where it is all there is. */
function view(bytes: Uint8Array, start: number, end: number, length: number): Uint8Array {
  if (start === 0 && length >= bytes.length) return bytes;
  return bytes.subarray(start, Math.min(end, start + length));
}
