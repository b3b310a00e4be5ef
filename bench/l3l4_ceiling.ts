/**
 * What the path of the data alone allows, for `l3l4_bench.ts`: bytes are copied from a ring into packets, headers and
 * both checksums are written, packets are found their flow and both checksums verified, bytes are copied into another
 * ring, and each second packet is acknowledged by one of 40 bytes. No state of a connection, no timers, no loss.
 *
 * @module
 */
import { IpTemplate } from "../src/l3l4/ip_header.ts";
import { foldSum, Summer } from "../src/bytes/summer.ts";

const MTU = 1500;
const HEADERS = 40;
const RING = 262_144;
const BATCH = 64;

/** Moves at least so many bytes from one ring to another; returns how many. */
export type Ceiling = (bytes: number) => number;

/** Makes the rings and the flow. */
export function dataPathCeiling(): Ceiling {
  const [there, back] = [end(1, 2), end(2, 1)];
  const from = new Uint8Array(RING).map((_, i) => i * 31);
  const into = new Uint8Array(RING);
  const payload = MTU - HEADERS;
  const flows = new Map<number, { received: number; acked: number }>([[flowKey(1, 2), { received: 0, acked: 0 }]]);
  const slab = new Uint8Array(BATCH * 1536);
  const summer = new Summer();

  const write = (packet: Uint8Array, { template, ports }: End, length: number): void => {
    template.write(packet, 20 + length, 0, 0, true);
    packet.set(ports, 20);
    packet[36] = 0;
    packet[37] = 0;
    const sum = foldSum(summer.add(template.pseudoSum + 20 + length, packet, 20, HEADERS + length));
    packet[36] = (~sum >>> 8) & 0xff;
    packet[37] = ~sum & 0xff;
  };
  const verify = (packet: Uint8Array, pseudoSum: number): void => {
    if (foldSum(summer.add(0, packet, 0, 20)) !== 0xffff) throw new Error("wrong header");
    if (foldSum(summer.add(pseudoSum + packet.length - 20, packet, 20, packet.length)) !== 0xffff) {
      throw new Error("wrong segment");
    }
  };

  return (bytes) => {
    let sent = 0;
    while (sent < bytes) {
      const packets: Uint8Array[] = [];
      for (let i = 0; i < BATCH; i++) {
        const packet = slab.subarray(i * 1536, i * 1536 + MTU);
        const at = sent % (RING - payload);
        packet.set(from.subarray(at, at + payload), HEADERS);
        write(packet, there, payload);
        packets.push(packet);
        sent += payload;
      }
      for (const packet of packets) {
        verify(packet, there.template.pseudoSum);
        const flow = flows.get(flowKey(packet[21]!, packet[23]!))!;
        into.set(packet.subarray(HEADERS), flow.received % (RING - payload));
        flow.received += payload;
        if (flow.received - flow.acked < 2 * payload) continue;
        flow.acked = flow.received;
        const ack = packet.subarray(0, HEADERS);
        write(ack, back, 0);
        verify(ack, back.template.pseudoSum);
      }
    }
    return sent;
  };
}

interface End {
  readonly template: IpTemplate;
  readonly ports: Uint8Array;
}

function end(source: number, destination: number): End {
  return {
    template: new IpTemplate(4, Uint8Array.of(10, 0, 0, source), Uint8Array.of(10, 0, 0, destination), 6),
    ports: Uint8Array.of(0, source, 0, destination, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff),
  };
}

function flowKey(source: number, destination: number): number {
  return source * 65536 + destination;
}
