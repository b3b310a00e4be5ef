/**
 * The engine's record of one flow: its public face, its place in the table and in the order of age, and its two sides.
 *
 * @module
 */
import { readI32, writeU32 } from "../bytes/integers.ts";
import { formatAddress } from "../packet/address.ts";
import type { Timestamp } from "../packet/packet.ts";
import { IpProtocol, type Segment } from "../packet/segment.ts";
import type { Aged, AgeList } from "./age_list.ts";
import type { FlowEndpoint, FlowKey, FlowRecord, FlowSideStats } from "./flow_record.ts";
import type { Tuple } from "./flow_table.ts";
import { Origin, SideState } from "./side_state.ts";
import type { FlowEnd } from "./sink.ts";

/** One flow. Addresses are kept as 32-bit words; their text is made when asked for. */
export class FlowState implements FlowRecord, Aged<FlowState> {
  /** Number in the capture. */
  readonly id: number;
  /** IP protocol number. */
  readonly protocol: number;
  /** Time of the first packet. */
  readonly startedAt: Timestamp;
  /** Why it ended. */
  endedBy: FlowEnd | undefined = undefined;
  /** For the driver. */
  user: unknown = undefined;

  /** What the client sent. */
  readonly clientSide: SideState;
  /** What the server sent. */
  readonly serverSide: SideState;
  /** Packets of both sides. */
  packets = 0;
  /** Memory held by both sides out of order. */
  heldBytes = 0;

  /** Hash of the key. */
  readonly hash: number;
  /** What both directions' tuples share, see {@linkcode Tuple.trace}. */
  readonly trace: number;
  /** Next flow with the same bucket. */
  chain: FlowState | null = null;
  /** List that it is in. */
  list: AgeList<FlowState> | null = null;
  /** Neighbour in that list. */
  older: FlowState | null = null;
  /** Neighbour in that list. */
  newer: FlowState | null = null;
  /** Time of the latest packet, in milliseconds. */
  touchedAt = 0;

  /** Whether both ends are the same address and port: all segments then count as the client's. */
  readonly isWithItself: boolean;

  readonly #version: 4 | 6;
  readonly #c0: number;
  readonly #c1: number;
  readonly #c2: number;
  readonly #c3: number;
  readonly #clientPort: number;
  readonly #s0: number;
  readonly #s1: number;
  readonly #s2: number;
  readonly #s3: number;
  readonly #serverPort: number;
  /** Both ports, as they stand in what the client sends, and in what the server does. */
  readonly #clientPorts: number;
  readonly #serverPorts: number;
  #key: FlowKey | undefined = undefined;
  #lastSeconds: number;
  #lastNanoseconds: number;

  /** Makes the flow of a first segment, whose sender is the client or (`isFromServer`) the server. */
  constructor(id: number, tuple: Tuple, hash: number, isFromServer: boolean, first: Segment) {
    this.id = id;
    this.protocol = tuple.protocol;
    this.hash = hash;
    this.trace = tuple.trace;
    this.startedAt = { seconds: first.packet.seconds, nanoseconds: first.packet.nanoseconds };
    this.#lastSeconds = first.packet.seconds;
    this.#lastNanoseconds = first.packet.nanoseconds;
    this.#version = tuple.version;
    this.#c0 = isFromServer ? tuple.d0 : tuple.s0;
    this.#c1 = isFromServer ? tuple.d1 : tuple.s1;
    this.#c2 = isFromServer ? tuple.d2 : tuple.s2;
    this.#c3 = isFromServer ? tuple.d3 : tuple.s3;
    this.#clientPort = isFromServer ? tuple.destinationPort : tuple.sourcePort;
    this.#s0 = isFromServer ? tuple.s0 : tuple.d0;
    this.#s1 = isFromServer ? tuple.s1 : tuple.d1;
    this.#s2 = isFromServer ? tuple.s2 : tuple.d2;
    this.#s3 = isFromServer ? tuple.s3 : tuple.d3;
    this.#serverPort = isFromServer ? tuple.sourcePort : tuple.destinationPort;
    this.#clientPorts = (this.#clientPort << 16) | this.#serverPort;
    this.#serverPorts = (this.#serverPort << 16) | this.#clientPort;
    this.isWithItself = this.#clientPort === this.#serverPort && this.#c0 === this.#s0 && this.#c1 === this.#s1 &&
      this.#c2 === this.#s2 && this.#c3 === this.#s3;
    this.clientSide = new SideState(this, "client");
    this.serverSide = new SideState(this, "server");
  }

  /** Who talks to whom. */
  get key(): FlowKey {
    return this.#key ??= {
      protocol: this.protocol === IpProtocol.UDP ? "udp" : "tcp",
      client: this.#endpoint(this.#c0, this.#c1, this.#c2, this.#c3, this.#clientPort),
      server: this.#endpoint(this.#s0, this.#s1, this.#s2, this.#s3, this.#serverPort),
    };
  }

  /** Time of the latest packet. */
  get lastAt(): Timestamp {
    return { seconds: this.#lastSeconds, nanoseconds: this.#lastNanoseconds };
  }

  /** Whether the SYN of both sides was seen. */
  get complete(): boolean {
    return this.clientSide.origin === Origin.SYN && this.serverSide.origin === Origin.SYN;
  }

  /** Public counters of the client's side. */
  get client(): FlowSideStats {
    return this.clientSide.stats;
  }

  /** Public counters of the server's side. */
  get server(): FlowSideStats {
    return this.serverSide.stats;
  }

  /** Whether the tuple is of this flow, in either direction. */
  matches(tuple: Tuple): boolean {
    if (tuple.version !== this.#version || tuple.protocol !== this.protocol) return false;
    return this.isFromClient(tuple) ? this.#isToServer(tuple) : this.#isToClient(tuple);
  }

  /** Whether the client sent it; the tuple is one of this flow. */
  isFromClient(tuple: Tuple): boolean {
    return tuple.sourcePort === this.#clientPort && tuple.s0 === this.#c0 && tuple.s1 === this.#c1 &&
      tuple.s2 === this.#c2 && tuple.s3 === this.#c3;
  }

  /**
   * Whose the segment is, as {@linkcode matches} and {@linkcode isFromClient} say, read in place: 1 for the client, -1
   * for the server, 0 for neither. Only for IPv4; for IPv6 always 0.
   */
  senderOf(segment: Segment): number {
    if (this.#version !== 4 || segment.version !== 4 || segment.protocol !== this.protocol) return 0;
    const { bytes, datagramOffset: at } = segment;
    const source = readI32(bytes, at + 12);
    const destination = readI32(bytes, at + 16);
    const ports = readI32(bytes, at + segment.transportOffset);
    if (source === this.#c0 && destination === this.#s0 && ports === this.#clientPorts) return 1;
    return source === this.#s0 && destination === this.#c0 && ports === this.#serverPorts ? -1 : 0;
  }

  /** Notes one more packet. */
  seen(segment: Segment): void {
    this.packets++;
    this.#lastSeconds = segment.packet.seconds;
    this.#lastNanoseconds = segment.packet.nanoseconds;
  }

  #isToServer(tuple: Tuple): boolean {
    return tuple.destinationPort === this.#serverPort && tuple.d0 === this.#s0 && tuple.d1 === this.#s1 &&
      tuple.d2 === this.#s2 && tuple.d3 === this.#s3;
  }

  #isToClient(tuple: Tuple): boolean {
    return tuple.destinationPort === this.#clientPort && tuple.d0 === this.#c0 && tuple.d1 === this.#c1 &&
      tuple.d2 === this.#c2 && tuple.d3 === this.#c3 && tuple.sourcePort === this.#serverPort &&
      tuple.s0 === this.#s0 && tuple.s1 === this.#s1 && tuple.s2 === this.#s2 && tuple.s3 === this.#s3;
  }

  #endpoint(a0: number, a1: number, a2: number, a3: number, port: number): FlowEndpoint {
    const bytes = new Uint8Array(this.#version === 4 ? 4 : 16);
    writeU32(bytes, 0, a0 >>> 0);
    if (this.#version === 6) {
      writeU32(bytes, 4, a1 >>> 0);
      writeU32(bytes, 8, a2 >>> 0);
      writeU32(bytes, 12, a3 >>> 0);
    }
    return { address: formatAddress(bytes), port };
  }
}
