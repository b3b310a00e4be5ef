/**
 * A small Ethernet switch as an engine (IEEE 802.1D section 7, 802.1Q): a frame that comes in by one port leaves by those
 * where it may be wanted.
 *
 * It has no queues: `sink.frame` is told of each frame at each port at once, and whoever carries frames away has the queue.
 * Frames are not copied, but for tags that have to be put in or taken out; so they must not be changed once they are in.
 *
 * Not here: spanning trees (a loop of cables is bounded by `floodsPerSecond` alone), multicast snooping, DHCP.
 *
 * @module
 */
import { TokenBucket } from "../../core/token_bucket.ts";
import { isStation } from "./mac_address.ts";
import { MacTable, type TablePort } from "./mac_table.ts";
import { SwitchedFrame } from "./switched_frame.ts";
import {
  type SwitchOptions,
  type SwitchPortOptions,
  type SwitchPortSettings,
  switchPortSettings,
  type SwitchSettings,
  switchSettings,
} from "./switch_settings.ts";

/** Where a switch puts frames. */
export interface SwitchSink {
  /** A frame leaves by this port. The switch must not be given another one from here. */
  frame(port: SwitchPort, bytes: Uint8Array): void;
}

/** Counters of a switch. */
export interface SwitchStats {
  /** Frames that came. */
  framesReceived: number;
  /** Frames sent to the one port behind which their station is. */
  framesForwarded: number;
  /** Frames sent to all ports of their VLAN. */
  framesFlooded: number;
  /** Frames whose station is behind the port that they came by, or an isolated one from another such. */
  framesFiltered: number;
  /** Frames with bad lengths or sources, or for switches only. */
  badFrames: number;
  /** Frames of VLANs that their port is not in. */
  otherVlan: number;
  /** Frames for all for which `floodsPerSecond` left no room. */
  floodsDropped: number;
  /** Stations that were seen behind another port than before. */
  stationsMoved: number;
  /** Addresses that were not learnt, for want of room. */
  addressesRefused: number;
}

/** A port of a switch. */
export interface SwitchPort {
  /** Number of the port, never used twice. */
  readonly id: number;
  /** Whatever its user wants to find again; not used by the switch. */
  context: unknown;
  /** Addresses that are known to be behind it. */
  readonly addressCount: number;
  /** Takes a frame; it is kept as long as whoever gets it keeps it. Ignored once detached. */
  push(bytes: Uint8Array, now: number): void;
  /** Takes the port away, and forgets who was behind it. */
  detach(): void;
}

/** A switch. */
export class SwitchEngine {
  /** Counters. */
  readonly stats: Readonly<SwitchStats>;
  readonly #stats: SwitchStats = {
    framesReceived: 0,
    framesForwarded: 0,
    framesFlooded: 0,
    framesFiltered: 0,
    badFrames: 0,
    otherVlan: 0,
    floodsDropped: 0,
    stationsMoved: 0,
    addressesRefused: 0,
  };
  readonly #settings: SwitchSettings;
  readonly #sink: SwitchSink;
  readonly #table: MacTable<Port>;
  readonly #ports: Set<Port> = new Set();
  #lastId = 0;

  /**
   * Makes a switch without ports.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: SwitchOptions, sink: SwitchSink) {
    this.stats = this.#stats;
    this.#settings = switchSettings(options);
    this.#sink = sink;
    this.#table = new MacTable(this.#settings.maxAddresses, this.#settings.ageingMs, this.#stats);
  }

  /**
   * Adds a port.
   *
   * @throws {TypeError | RangeError} when an option is wrong, or there are `maxPorts` already
   */
  attach(options: SwitchPortOptions = {}): SwitchPort {
    const settings = switchPortSettings(options);
    if (this.#ports.size >= this.#settings.maxPorts) {
      throw new RangeError(`a switch has at most ${this.#settings.maxPorts} ports (maxPorts)`);
    }
    const port = new Port(++this.#lastId, settings, {
      push: (from, bytes, now) => this.#push(from, bytes, now),
      detach: (from) => this.#detach(from),
    });
    this.#ports.add(port);
    return port;
  }

  /** How many ports there are. */
  get portCount(): number {
    return this.#ports.size;
  }

  /** How many addresses are known. */
  get addressCount(): number {
    return this.#table.size;
  }

  /** When `onTimeout` may be called; a driver need not, because frames that come do so as well. */
  timeoutAt(): number {
    return this.#table.sweepAt;
  }

  /** Forgets who was silent for too long. */
  onTimeout(now: number): void {
    this.#table.sweep(now);
  }

  #push(from: Port, bytes: Uint8Array, now: number): void {
    const stats = this.#stats;
    stats.framesReceived++;
    if (bytes.length < 14 || !isStation(bytes, 6) || isForSwitch(bytes)) {
      stats.badFrames++;
      return;
    }
    const frame = new SwitchedFrame(bytes);
    if (bytes.length > from.settings.maxFrameBytes + (frame.taggedVlan === 0 ? 0 : 4)) {
      stats.badFrames++;
      return;
    }
    const vlan = frame.taggedVlan === 0 ? from.settings.vlan : frame.taggedVlan;
    if (frame.taggedVlan !== 0 && !from.hasTagged(vlan)) {
      stats.otherVlan++;
      return;
    }
    this.#table.sweep(now);
    this.#table.learn(vlan, bytes, 6, from, now);
    const to = (bytes[0]! & 1) === 0 ? this.#table.find(vlan, bytes, 0, now) : undefined;
    if (to === undefined) return this.#flood(from, frame, vlan, now);
    if (to === from || from.isApartFrom(to)) {
      stats.framesFiltered++;
      return;
    }
    stats.framesForwarded++;
    this.#send(to, frame, vlan);
  }

  #flood(from: Port, frame: SwitchedFrame, vlan: number, now: number): void {
    if (!from.floods.take(now)) {
      this.#stats.floodsDropped++;
      return;
    }
    this.#stats.framesFlooded++;
    for (const to of this.#ports) {
      if (to !== from && to.isIn(vlan) && !from.isApartFrom(to)) this.#send(to, frame, vlan);
    }
  }

  #send(to: Port, frame: SwitchedFrame, vlan: number): void {
    this.#sink.frame(to, to.settings.vlan === vlan ? frame.untagged : frame.tagged(vlan));
  }

  #detach(port: Port): void {
    if (this.#ports.delete(port)) this.#table.forgetPort(port);
  }
}

interface PortOwner {
  push(from: Port, bytes: Uint8Array, now: number): void;
  detach(from: Port): void;
}

class Port implements SwitchPort, TablePort {
  readonly id: number;
  context: unknown;
  addressCount = 0;
  readonly settings: SwitchPortSettings;
  readonly floods: TokenBucket;
  #owner: PortOwner | undefined;

  constructor(id: number, settings: SwitchPortSettings, owner: PortOwner) {
    this.id = id;
    this.settings = settings;
    this.#owner = owner;
    this.floods = new TokenBucket(settings.floodsPerSecond);
  }

  get maxAddresses(): number {
    return this.settings.maxAddresses;
  }

  push(bytes: Uint8Array, now: number): void {
    this.#owner?.push(this, bytes, now);
  }

  detach(): void {
    this.#owner?.detach(this);
    this.#owner = undefined;
  }

  hasTagged(vlan: number): boolean {
    const { taggedVlans } = this.settings;
    return taggedVlans === "all" ? vlan >= 1 && vlan <= 4094 : taggedVlans.has(vlan);
  }

  isIn(vlan: number): boolean {
    return this.settings.vlan === vlan || this.hasTagged(vlan);
  }

  isApartFrom(other: Port): boolean {
    return this.settings.isIsolated && other.settings.isIsolated;
  }
}

/** Whether a frame is for switches and never forwarded (IEEE 802.1D table 7-10). */
function isForSwitch(bytes: Uint8Array): boolean {
  return bytes[0] === 0x01 && bytes[1] === 0x80 && bytes[2] === 0xc2 && bytes[3] === 0 && bytes[4] === 0 &&
    bytes[5]! < 16;
}
