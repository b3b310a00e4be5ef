/**
 * The Ethernet medium as an engine: frames on one side, IP packets on the other (RFC 894, RFC 2464).
 *
 * It finds the MAC addresses of neighbours by ARP and neighbour discovery, and answers for its own IP addresses and, on
 * request, for any others: with `answersFor: "any"` the endpoint above plays whatever address it is asked for.
 *
 * Packets are framed in place: an IP engine's `transmit` is given `over(out, now)`. Packets for a neighbour that is not
 * known yet are kept, under limits; when it does not answer, ICMP host unreachable is handed up.
 *
 * Not here: DHCP, router advertisements and address configuration by them, multicast listener reports, spanning trees.
 *
 * @module
 */
import { Summer } from "../../bytes/summer.ts";
import type { FillRandom } from "../../core/random.ts";
import { TokenBucket } from "../../core/token_bucket.ts";
import { EtherType } from "../../packet/ethernet_types.ts";
import type { PacketOut } from "../packet_out.ts";
import { AddressClaims } from "./address_claims.ts";
import type { AddressPrefix } from "./address_prefix.ts";
import { Arp } from "./arp.ts";
import { ControlFrames } from "./control_frames.ts";
import { type EthernetPortOptions, type EthernetSettings, ethernetSettings } from "./ethernet_settings.ts";
import { type EthernetStats, newEthernetStats } from "./ethernet_stats.ts";
import { FramedOut, type Framer } from "./framed_out.ts";
import { FrameHeader } from "./frame_header.ts";
import { hostUnreachable } from "./host_unreachable.ts";
import { LocalAddresses } from "./local_addresses.ts";
import { isMac, isStation } from "./mac_address.ts";
import { Ndp } from "./ndp.ts";
import type { Neighbor, NeighborState } from "./neighbor.ts";
import { NeighborCache } from "./neighbor_cache.ts";
import { NextHops } from "./next_hops.ts";

/** Where an {@linkcode EthernetPort} puts what it has for the layer above. */
export interface EthernetSink {
  /** An IP packet came, or an ICMP error of the port's own: a view of the frame, maybe with padding behind the packet. */
  packet(bytes: Uint8Array): void;
  /** Another station claims an own address of the port; with `isLost`, it was given up for it. */
  conflict?(address: Uint8Array, mac: Uint8Array, isLost: boolean): void;
}

/** What a port knows of a neighbour. */
export interface NeighborInfo {
  /** IP address. */
  readonly address: Uint8Array;
  /** MAC address; zero while it is not known. */
  readonly mac: Uint8Array;
  /** State by the names of RFC 4861. */
  readonly state: NeighborState;
  /** Whether it says that it forwards packets. */
  readonly isRouter: boolean;
  /** Packets that wait for its address. */
  readonly waiting: number;
}

/**
 * An Ethernet port.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { EthernetPort } from "@leat/streams/l3l4";
 *
 * const random = (into: Uint8Array) => into.fill(7);
 * const port = new EthernetPort({ mac: "02:00:00:00:00:01", networks: ["192.0.2.1/24"], random }, { packet() {} });
 * const frames: Uint8Array[] = [];
 * const out = { last: new Uint8Array(0), alloc: (n: number) => (out.last = new Uint8Array(n)), commit: () => frames.push(out.last) };
 *
 * port.onTimeout(0); // tells its addresses
 * port.transmit(out, 0);
 * assertEquals(frames[0]!.subarray(0, 6), new Uint8Array(6).fill(0xff));
 * ```
 */
export class EthernetPort {
  /** Counters. */
  readonly stats: Readonly<EthernetStats>;
  readonly #stats: EthernetStats = newEthernetStats();
  readonly #settings: EthernetSettings;
  readonly #sink: EthernetSink;
  readonly #header: FrameHeader;
  readonly #addresses: LocalAddresses;
  readonly #neighbors: NeighborCache;
  readonly #claims: AddressClaims;
  readonly #control: ControlFrames;
  readonly #arp: Arp;
  readonly #ndp: Ndp;
  readonly #hops: NextHops;
  readonly #framed: FramedOut;
  readonly #asking: TokenBucket;
  readonly #fraction: () => number;
  readonly #summer: Summer = new Summer();
  /** Neighbours whose packets need wait no more. */
  #resolved: Neighbor[] = [];

  /**
   * Makes a port.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: EthernetPortOptions, sink: EthernetSink) {
    const settings = ethernetSettings(options);
    this.stats = this.#stats;
    this.#settings = settings;
    this.#sink = sink;
    this.#fraction = fractionsFrom(settings.random);
    this.#header = new FrameHeader(settings.mac, settings.tags);
    this.#addresses = new LocalAddresses(settings);
    this.#neighbors = new NeighborCache({
      settings,
      solicit: (neighbor, isUnicast, now) => this.#solicit(neighbor, isUnicast, now),
      resolved: (neighbor) => {
        if (neighbor.waiting.length > 0) this.#resolved.push(neighbor);
      },
      failed: (neighbor) => this.#failed(neighbor),
      fraction: this.#fraction,
    }, this.#stats);
    this.#claims = new AddressClaims({
      claim: settings.claim,
      retransmitMs: settings.retransmitMs,
      probe: (address) => void this.#resolver(address).probe(address),
      announce: (address) => void this.#resolver(address).announce(address),
      conflict: (network, mac, isLost) => this.#conflict(network, mac, isLost),
      fraction: this.#fraction,
    }, settings.networks);
    this.#control = new ControlFrames(this.#header, settings.maxControlFrames, settings.minFrameBytes);
    const parts = {
      settings,
      addresses: this.#addresses,
      neighbors: this.#neighbors,
      claims: this.#claims,
      control: this.#control,
      stats: this.#stats,
    };
    this.#arp = new Arp(parts);
    this.#ndp = new Ndp(parts);
    this.#hops = new NextHops(this.#addresses, this.#neighbors);
    this.#asking = new TokenBucket(settings.solicitationsPerSecond);
    this.#framed = new FramedOut(this.#framer());
  }

  /** Takes a frame; it is not kept. */
  push(frame: Uint8Array, now: number): void {
    const stats = this.#stats;
    const header = this.#header;
    stats.framesReceived++;
    const fault = header.read(frame);
    if (fault !== null) {
      stats[fault]++;
    } else if ((frame[0]! & 1) === 0 && !isMac(this.#settings.mac, frame, 0) && !this.#settings.isPromiscuous) {
      stats.otherStation++;
    } else if (!isStation(frame, 6) || isMac(this.#settings.mac, frame, 6)) {
      stats.badSource++;
    } else if (header.type === EtherType.IPV4 || header.type === EtherType.IPV6) {
      this.#packet(frame, header.type === EtherType.IPV4 ? 4 : 6, now);
    } else if (header.type === EtherType.ARP) {
      this.#arp.receive(frame.subarray(header.payloadAt), now);
    } else {
      stats.unknownType++;
    }
  }

  /** Where an IP engine puts its packets so that `out` gets frames; good until it is asked for again. */
  over(out: PacketOut, now: number): PacketOut {
    return this.#framed.aim(out, now);
  }

  /** Sends what the port itself has to send, and packets that need wait no more; `false` when there was no room for all. */
  transmit(out: PacketOut, now: number): boolean {
    if (!this.#control.transmit(out)) return false;
    while (this.#resolved.length > 0) {
      const neighbor = this.#resolved[0]!;
      if (!this.#release(neighbor, out, now)) return false;
      this.#resolved.shift();
    }
    return true;
  }

  /** Whether `transmit` has something to send. */
  get hasOutput(): boolean {
    return this.#control.size > 0 || this.#resolved.length > 0;
  }

  /** When `onTimeout` must be called. */
  timeoutAt(): number {
    return Math.min(this.#neighbors.timers.nextAt, this.#claims.timers.nextAt);
  }

  /** Asks, asks again, gives up, tells own addresses. */
  onTimeout(now: number): void {
    this.#claims.timers.run(now);
    this.#neighbors.timers.run(now);
  }

  /** Forgets neighbours and what waits. */
  stop(): void {
    this.#neighbors.clear();
    this.#control.clear();
    this.#resolved = [];
  }

  /** Bytes of packets that wait for addresses. */
  get waitingBytes(): number {
    return this.#neighbors.waitingBytes;
  }

  /** The neighbours that are known or asked for. */
  neighbors(): NeighborInfo[] {
    return Array.from(this.#neighbors.values(), ({ address, mac, state, isRouter, waiting }) => ({
      address: address.slice(),
      mac: mac.slice(),
      state,
      isRouter,
      waiting: waiting.length,
    }));
  }

  #packet(frame: Uint8Array, version: 4 | 6, now: number): void {
    const stats = this.#stats;
    const at = this.#header.payloadAt;
    const destination = at + (version === 4 ? 16 : 24);
    const isLong = frame.length >= at + (version === 4 ? 20 : 40);
    if (!isLong || frame[at]! >>> 4 !== version) {
      stats.badPackets++;
      return;
    }
    const packet = frame.subarray(at);
    if (version === 6 && Ndp.isNdp(packet)) return this.#ndp.receive(packet, frame, now);
    const isForMany = (frame[0]! & 1) !== 0;
    if (isForMany && this.#hops.groupMac(frame, destination, version === 4 ? 4 : 16) === null) {
      stats.badPackets++;
      return;
    }
    stats.packetsReceived++;
    this.#sink.packet(packet);
  }

  #framer(): Framer {
    return {
      header: this.#header,
      minFrameBytes: this.#settings.minFrameBytes,
      makeWay: (out, now) => this.#claims.areSettled && (!this.hasOutput || this.transmit(out, now)),
      address: (frame, length, segmentSize, now) => this.#address(frame, length, segmentSize, now),
    };
  }

  #address(frame: Uint8Array, length: number, segmentSize: number | undefined, now: number): boolean {
    const at = this.#header.length;
    const version = length < 20 ? 0 : frame[at]! >>> 4;
    if (version !== 4 && (version !== 6 || length < 40)) {
      this.#stats.unsendable++;
      return false;
    }
    const isIpv4 = version === 4;
    const size = isIpv4 ? 4 : 16;
    const source = at + (isIpv4 ? 12 : 8);
    let mac = this.#hops.groupMac(frame, source + size, size);
    if (mac === null) {
      const neighbor = this.#hops.neighbor(frame, source + size, size, source, now);
      if (neighbor === null) {
        this.#stats.unsendable++;
        return false;
      }
      if (!this.#use(neighbor, now)) {
        this.#neighbors.hold(neighbor, frame.subarray(at, at + length), segmentSize);
        return false;
      }
      mac = neighbor.mac;
    }
    this.#header.write(frame, mac, 0, isIpv4 ? EtherType.IPV4 : EtherType.IPV6);
    this.#stats.packetsSent++;
    return true;
  }

  #use(neighbor: Neighbor, now: number): boolean {
    const before = neighbor.state;
    const canSend = neighbor.use(now);
    if (neighbor.state !== before) this.#neighbors.timers.update(neighbor);
    return canSend;
  }

  /** Sends what waited for a neighbour. */
  #release(neighbor: Neighbor, out: PacketOut, now: number): boolean {
    const { minFrameBytes } = this.#settings;
    while (neighbor.waiting.length > 0) {
      const { bytes, segmentSize } = neighbor.waiting[0]!;
      const end = this.#header.length + bytes.length;
      const frame = out.alloc(Math.max(end, minFrameBytes));
      if (frame === null) return false;
      this.#header.write(frame, neighbor.mac, 0, bytes[0]! >>> 4 === 4 ? EtherType.IPV4 : EtherType.IPV6);
      frame.set(bytes, this.#header.length);
      if (end < minFrameBytes) frame.fill(0, end, minFrameBytes);
      out.commit(Math.max(end, minFrameBytes), segmentSize);
      this.#stats.packetsSent++;
      this.#neighbors.takeWaiting(neighbor, 1);
      this.#use(neighbor, now);
    }
    return true;
  }

  #solicit(neighbor: Neighbor, isUnicast: boolean, now: number): void {
    // one that was known is asked in any case: strangers whom a peer makes up must not make it forgotten
    if (!isUnicast && !this.#asking.take(now)) this.#stats.solicitationsLimited++;
    else if (this.#resolver(neighbor.address).solicit(neighbor, isUnicast)) this.#stats.solicitationsSent++;
  }

  #resolver(address: Uint8Array): Arp | Ndp {
    return address.length === 4 ? this.#arp : this.#ndp;
  }

  /** Nobody has the address: what waited for it comes back. */
  #failed(neighbor: Neighbor): void {
    for (const { bytes } of this.#neighbors.remove(neighbor)) {
      this.#stats.unreachable++;
      const from = this.#addresses.sourceFor(neighbor.address, neighbor.address);
      const message = hostUnreachable(bytes, from, this.#summer);
      if (message !== null) this.#sink.packet(message);
    }
  }

  #conflict(network: AddressPrefix, mac: Uint8Array, isLost: boolean): void {
    this.#stats.conflicts++;
    if (isLost) {
      this.#addresses.drop(network);
      this.#hops.forget();
    }
    this.#sink.conflict?.(network.address.slice(), mac, isLost);
  }
}

/** Numbers from 0 up to 1, of the given randomness. */
function fractionsFrom(random: FillRandom): () => number {
  const bytes = new Uint8Array(2);
  return () => {
    random(bytes);
    return ((bytes[0]! << 8) | bytes[1]!) / 0x10000;
  };
}
