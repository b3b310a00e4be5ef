/**
 * The Ethernet medium as a stage: frames on one side, IP packets on the other.
 *
 * @module
 */
import { type Clock, systemClock } from "../../core/clock.ts";
import { limitOption } from "../../core/limits.ts";
import { type FillRandom, systemRandom } from "../../core/random.ts";
import { Outlet } from "../../stream/outlet.ts";
import type { StreamPair } from "../../stream/stream_pair.ts";
import { nextTurnOfLoop } from "../../stream/turn.ts";
import { LinkType } from "../../packet/packet.ts";
import { stackClosed, StackDriver } from "../stack_driver_stream.ts";
import type { StackMedium } from "../stack_engine.ts";
import { EthernetMedium } from "./ethernet_medium.ts";
import type { EthernetPort, NeighborInfo } from "./ethernet_port.ts";
import { type EthernetPortOptions, ethernetSettings } from "./ethernet_settings.ts";
import { type EthernetStats, newEthernetStats } from "./ethernet_stats.ts";
import { PacketInlet } from "./packet_inlet_stream.ts";
import { PacketQueues, packetWeight } from "./packet_queues.ts";

const MAX_QUEUED_BYTES = 2 * 1024 * 1024;
const MAX_BATCH_PACKETS = 64;
const SENDING_BYTES = 256 * 1024;

/** Options of an {@linkcode EthernetStream}, and of stacks on Ethernet. */
export interface EthernetOptions extends Omit<EthernetPortOptions, "mac" | "random"> {
  /** The port's own MAC address. @default {one that is made up, and locally administered} */
  readonly mac?: EthernetPortOptions["mac"] | undefined;
  /** Fills bytes with randomness. @default {systemRandom} */
  readonly random?: FillRandom | undefined;
  /** Told of other stations that claim an own address of the port; with `isLost`, it was given up. */
  readonly onConflict?: ((address: Uint8Array, mac: Uint8Array, isLost: boolean) => void) | undefined;
}

/** Options of an {@linkcode EthernetStream}. */
export interface EthernetStreamOptions extends EthernetOptions {
  /** Bytes of packets that came and wait to be read, each counted as 256 at least; more are dropped. @default {2097152} */
  readonly maxQueuedBytes?: number | undefined;
  /** Time and timers. @default {systemClock} */
  readonly clock?: Clock | undefined;
}

/** The medium of one stack on Ethernet. */
export interface EthernetStackMedium extends StackMedium {
  /** Counters of the port. */
  readonly stats: Readonly<EthernetStats>;
  /** The neighbours that are known or asked for. */
  neighbors(): NeighborInfo[];
}

/** Options of a port, with the system's randomness for what is left out. */
function ethernetPortOptions(options: EthernetOptions): EthernetPortOptions {
  const random = options.random ?? systemRandom;
  return { ...options, random, mac: options.mac ?? madeUpMac(random) };
}

/**
 * The Ethernet medium for a stack, which then reads and writes frames.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ethernet, L3L4, VirtualSwitch } from "@leat/streams/l3l4";
 *
 * const lan = new VirtualSwitch();
 * const stackAt = (address: string): L3L4 => {
 *   const stack = new L3L4({ addresses: [address], medium: ethernet({ networks: [`${address}/24`] }) });
 *   const port = lan.port();
 *   stack.readable.pipeTo(port.writable).catch(() => {});
 *   port.readable.pipeTo(stack.writable).catch(() => {});
 *   return stack;
 * };
 * const [a, b] = [stackAt("10.0.0.1"), stackAt("10.0.0.2")];
 * assertEquals((await a.ping("10.0.0.2")).remoteAddress, "10.0.0.2");
 * await Promise.all([a.close(), b.close()]);
 * ```
 *
 * @throws {TypeError | RangeError} when an option is wrong
 */
export function ethernet(options: EthernetOptions = {}): EthernetStackMedium {
  const portOptions = ethernetPortOptions(options);
  // wrong options are told here, not where the stack is made
  ethernetSettings(portOptions);
  const none: Readonly<EthernetStats> = newEthernetStats();
  let port: EthernetPort | undefined;
  return {
    linkType: LinkType.ETHERNET,
    wrap(engine) {
      if (port !== undefined) throw new TypeError("an Ethernet medium belongs to one stack: make another for this one");
      const medium = new EthernetMedium(
        portOptions,
        engine,
        (address, mac, isLost) => options.onConflict?.(address, mac, isLost),
      );
      port = medium.port;
      return medium;
    },
    get stats() {
      return port?.stats ?? none;
    },
    neighbors: () => port?.neighbors() ?? [],
  };
}

function madeUpMac(random: FillRandom): Uint8Array {
  const mac = new Uint8Array(6);
  random(mac);
  mac[0] = (mac[0]! & 0xfc) | 2;
  return mac;
}

/**
 * Frames, one by one or in arrays, are written to `writable` and read from `readable`; `packets` is the other side, with IP
 * packets. They are not copied, so chunks must not be changed any more.
 *
 * @example
 * ```ts
 * import { EthernetStream, VirtualSwitch } from "@leat/streams/l3l4";
 *
 * const lan = new VirtualSwitch();
 * const card = lan.port();
 * const ethernet = new EthernetStream({ networks: ["192.0.2.1/24"] });
 * card.readable.pipeThrough(ethernet).pipeTo(card.writable).catch(() => {});
 * const { readable, writable } = ethernet.packets; // for whoever speaks IP
 * ```
 */
export class EthernetStream implements StreamPair<Uint8Array[], Uint8Array | readonly Uint8Array[]> {
  /** IP packets that came, and those to be sent. */
  readonly packets: StreamPair<Uint8Array[], Uint8Array | readonly Uint8Array[]>;
  readonly #driver: StackDriver;
  readonly #medium: EthernetMedium;
  readonly #queues: PacketQueues;
  readonly #inlet: PacketInlet;
  readonly #outlet: Outlet<Uint8Array, true>;
  readonly #maxQueuedBytes: number;
  #dropped = 0;

  /**
   * Makes a stage.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: EthernetStreamOptions = {}) {
    this.#maxQueuedBytes = limitOption("maxQueuedBytes", options.maxQueuedBytes, MAX_QUEUED_BYTES);
    this.#outlet = new Outlet<Uint8Array, true>(true, { cancelled: (reason) => this.#driver.fail(reason) });
    this.#queues = new PacketQueues({
      came: (packets) => this.#came(packets),
      sent: () => {
        if (this.#hasRoom) this.#inlet.goOn();
      },
    });
    this.#medium = new EthernetMedium(
      ethernetPortOptions(options),
      this.#queues,
      (address, mac, isLost) => options.onConflict?.(address, mac, isLost),
    );
    const settings = { maxBatchPackets: MAX_BATCH_PACKETS, isChecksumTrusted: false };
    this.#driver = new StackDriver(this.#medium, options.clock ?? systemClock, settings, {
      over: (reason, isInOrder) => this.#over(reason, isInOrder),
    });
    this.#inlet = new PacketInlet({
      packets: (batch) => this.#send(batch),
      hasRoom: () => this.#hasRoom,
      closed: () => this.#driver.end(),
      aborted: (reason) => this.#driver.fail(reason),
    });
    const { writable } = this.#inlet;
    const outlet = this.#outlet;
    this.packets = {
      get readable(): ReadableStream<Uint8Array[]> {
        return outlet.readable;
      },
      writable,
    };
    this.#driver.turn();
  }

  /** Frames to be sent. */
  get readable(): ReadableStream<Uint8Array[]> {
    return this.#driver.readable;
  }

  /** Frames that come. */
  get writable(): WritableStream<Uint8Array | readonly Uint8Array[]> {
    return this.#driver.writable;
  }

  /** Counters of the port. */
  get stats(): Readonly<EthernetStats> {
    return this.#medium.port.stats;
  }

  /** Packets that came and were dropped because nobody read. */
  get packetsDropped(): number {
    return this.#dropped;
  }

  /** The neighbours that are known or asked for. */
  neighbors(): NeighborInfo[] {
    return this.#medium.port.neighbors();
  }

  get #hasRoom(): boolean {
    return this.#driver.isOver || this.#queues.goingWeight < SENDING_BYTES;
  }

  #came(packets: Uint8Array[]): void {
    let bytes = 0;
    const room = this.#maxQueuedBytes - this.#outlet.heldBytes;
    const taken = packets.filter((packet) => {
      const weight = packetWeight(packet);
      if (bytes + weight > room) return false;
      bytes += weight;
      return true;
    });
    this.#dropped += packets.length - taken.length;
    this.#outlet.pushBatch(taken, bytes);
  }

  #send(batch: readonly Uint8Array[]): void {
    if (this.#driver.isOver) return;
    for (const packet of batch) this.#queues.send(packet);
    this.#driver.turn();
  }

  #over(reason: unknown, isInOrder: boolean): void {
    if (!isInOrder) {
      this.#outlet.fail(reason);
      this.#inlet.fail(reason);
      return;
    }
    this.#outlet.end();
    this.#inlet.goOn();
    // not at once: it may be what has ended, and is not over yet
    nextTurnOfLoop().then(() => this.#inlet.fail(stackClosed()));
  }
}
