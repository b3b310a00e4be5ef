/** Watches what a socket sends and receives, for packets that were sent again without need. */
import { decodeAck } from "../../../src/rxrpc/ack.ts";
import { decodeHeader, HEADER_BYTES, type RxHeader } from "../../../src/rxrpc/header.ts";
import { RxPacketType } from "../../../src/rxrpc/packet_types.ts";
import type { TDgram } from "../../../src/tsocket/mod.ts";

/** The shortest time after which an acknowledgement is late. */
const MIN_RTO_MS = 200;

/** The watcher of one socket's packets. They are no jumbograms. */
export class Resends {
  /** What was sent again although it had been acknowledged, or before an acknowledgement could be late. */
  readonly needless: string[] = [];
  /** When each packet was sent last that waits for its acknowledgement, by call. */
  readonly #calls: Map<string, Map<number, number>> = new Map();

  /** The socket with the watcher before it. */
  before(socket: TDgram): TDgram {
    return new Proxy(socket, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return async (...given: unknown[]): Promise<unknown> => {
          if (name === "sendMany") { for (const { data } of given[0] as { data: Uint8Array }[]) this.sent(data); }
          const result: unknown = await value.apply(target, given);
          if (name === "recvMany") { for (const { data } of result as { data: Uint8Array }[]) this.received(data); }
          return result;
        };
      },
    });
  }

  /** A datagram goes. */
  sent(datagram: Uint8Array, now: number = performance.now()): void {
    const header = decodeHeader(datagram);
    if (header?.type !== RxPacketType.DATA) return;
    const packets = this.#packets(header);
    const before = packets.get(header.seq);
    if (before !== undefined && now - before < MIN_RTO_MS) {
      this.needless.push(before === Infinity ? `${header.seq} had come` : `${header.seq} after ${now - before} ms`);
    }
    packets.set(header.seq, now);
  }

  /** A datagram has come. */
  received(datagram: Uint8Array): void {
    const header = decodeHeader(datagram);
    if (header === undefined) return;
    const packets = this.#packets(header);
    // a reply acknowledges the request
    const ack = header.type === RxPacketType.ACK ? decodeAck(datagram.subarray(HEADER_BYTES)) : undefined;
    if (ack === undefined && header.type !== RxPacketType.DATA) return;
    for (const seq of packets.keys()) {
      const hasCome = ack === undefined || seq < ack.firstPacket || ack.acks[seq - ack.firstPacket];
      if (hasCome === true) packets.set(seq, Infinity);
    }
  }

  #packets({ epoch, cid, callNumber }: RxHeader): Map<number, number> {
    const key = `${epoch}/${cid}/${callNumber}`;
    const packets = this.#calls.get(key) ?? new Map<number, number>();
    this.#calls.set(key, packets);
    return packets;
  }
}
