/**
 * Counts of packets by type, as DEBUG packets tell them.
 *
 * @module
 */
import type { RxDebugCounters } from "./debug_records.ts";
import { RxPacketType } from "./packet_types.ts";
import type { RxAddress, RxOut } from "./ports.ts";

const TYPES = 13;
const TYPE_AT = 20;

/** The counts. */
export class PacketCounters {
  readonly #read: number[] = new Array<number>(256).fill(0);
  readonly #sent: number[] = [...this.#read];

  /** A packet of this type has come. */
  came(type: number): void {
    this.#read[type]!++;
  }

  /** One has gone. */
  sent(type: number): void {
    this.#sent[type]!++;
  }

  /** All of them, with what else is told. */
  counters(
    stats: { readonly resentPackets: number },
    connections: { readonly client: number; readonly service: number },
    peers: number,
  ): RxDebugCounters {
    const read = (type: number): number => this.#read[type]!;
    const sent = (type: number): number => this.#sent[type]!;
    return {
      packetsRead: this.#read.slice(1, 1 + TYPES),
      packetsSent: this.#sent.slice(1, 1 + TYPES),
      others: {
        dataPacketsRead: read(RxPacketType.DATA),
        ackPacketsRead: read(RxPacketType.ACK),
        ackPacketsSent: sent(RxPacketType.ACK),
        abortPacketsSent: sent(RxPacketType.ABORT),
        busyPacketsSent: sent(RxPacketType.BUSY),
        dataPacketsSent: sent(RxPacketType.DATA),
        dataPacketsReSent: stats.resentPackets,
        nServerConns: connections.service,
        nClientConns: connections.client,
        nPeerStructs: peers,
      },
    };
  }
}

/** Counts the datagrams that are put into another output. */
export class CountedOut implements RxOut {
  readonly #types: PacketCounters;
  readonly #totals: { sent: number; sentBytes: number };
  #out: RxOut | undefined;
  #buffer: Uint8Array | null = null;

  /** Counts them by type and altogether. */
  constructor(types: PacketCounters, totals: { sent: number; sentBytes: number }) {
    this.#types = types;
    this.#totals = totals;
  }

  /** This, in front of `out`. */
  before(out: RxOut): this {
    this.#out = out;
    return this;
  }

  alloc(size: number): Uint8Array | null {
    return this.#buffer = this.#out!.alloc(size);
  }

  commit(length: number, to: RxAddress): void {
    this.#types.sent(this.#buffer![TYPE_AT]!);
    this.#totals.sent++;
    this.#totals.sentBytes += length;
    this.#out!.commit(length, to);
  }
}
