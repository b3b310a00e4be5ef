/**
 * In place of an IP engine, two queues: packets that came wait to be taken away, packets to be sent wait for room.
 *
 * @module
 */
import type { PacketOut } from "../packet_out.ts";
import type { PacketEngine } from "../stack_engine.ts";

/** What short packets count for, in bytes, because each keeps more alive than itself. */
const MIN_WEIGHT = 256;

/** What a packet counts for in a limit of bytes. */
export function packetWeight(packet: Uint8Array): number {
  return Math.max(packet.length, MIN_WEIGHT);
}

/** What the queues tell. */
export interface PacketQueuesEvents {
  /** The packets of a batch have come. */
  came(packets: Uint8Array[]): void;
  /** Packets were sent: `goingWeight` is less now. */
  sent(): void;
}

/** The queues. */
export class PacketQueues implements PacketEngine {
  readonly #events: PacketQueuesEvents;
  #coming: Uint8Array[] = [];
  #going: Uint8Array[] = [];
  #first = 0;
  /** What the packets that are to be sent weigh. */
  goingWeight = 0;

  /** Makes empty ones. */
  constructor(events: PacketQueuesEvents) {
    this.#events = events;
  }

  /** A packet has come. */
  push(packet: Uint8Array): void {
    this.#coming.push(packet);
  }

  /** The batch is over. */
  flush(): void {
    if (this.#coming.length === 0) return;
    const packets = this.#coming;
    this.#coming = [];
    this.#events.came(packets);
  }

  /** A packet is to be sent. */
  send(packet: Uint8Array): void {
    this.#going.push(packet);
    this.goingWeight += packetWeight(packet);
  }

  /** Sends what there is room for. */
  transmit(out: PacketOut): void {
    const going = this.#going;
    const first = this.#first;
    for (; this.#first < going.length; this.#first++) {
      const packet = going[this.#first]!;
      const into = out.alloc(packet.length);
      if (into === null) break;
      into.set(packet);
      out.commit(packet.length);
      this.goingWeight -= packetWeight(packet);
    }
    if (this.#first === first) return;
    if (this.#first === going.length) {
      this.#going = [];
      this.#first = 0;
    }
    this.#events.sent();
  }

  /** Never. */
  timeoutAt(): number {
    return Infinity;
  }

  /** Does nothing. */
  onTimeout(): void {}
}
