/** An endpoint's engine, as tests drive it. */
import type { FillRandom } from "../../src/core/random.ts";
import { IpPacket } from "../../src/l3l4/ip_packet.ts";
import type { TcpPort, TcpPortOptions, TcpSink, Verdict } from "../../src/l3l4/l3l4_sink.ts";
import type { PacketOut } from "../../src/l3l4/packet_out.ts";
import { foldSum, Summer } from "../../src/l3l4/sum.ts";
import { type TcpOptions, tcpSettings } from "../../src/l3l4/tcp/tcp_settings.ts";
import { TcpTable } from "../../src/l3l4/tcp/tcp_table.ts";

/** What tests use of an engine. */
export interface Endpoint {
  push(packet: Uint8Array, now: number): void;
  flush(now: number): void;
  transmit(out: PacketOut, now: number): void;
  timeoutAt(): number;
  onTimeout(now: number): void;
  connect(
    options: TcpPortOptions & {
      readonly localAddress: Uint8Array;
      readonly remoteAddress: Uint8Array;
      readonly remotePort: number;
      readonly localPort?: number | undefined;
    },
    now: number,
  ): TcpPort;
  decide(token: number, verdict: Verdict, options: TcpPortOptions | undefined, now: number): boolean;
  states(): string[];
  readonly usedBytes: number;
}

/** A table of TCP connections alone, behind as much of IP as is needed. */
class TableEndpoint implements Endpoint {
  readonly #table: TcpTable;
  readonly #packet = new IpPacket();
  readonly #summer = new Summer();

  constructor(options: TcpOptions, mtu: number, random: FillRandom, sink: TcpSink) {
    this.#table = new TcpTable(tcpSettings(options), { random, pathMtu: () => mtu }, sink);
  }

  push(bytes: Uint8Array, now: number): void {
    const packet = this.#packet;
    const isV4 = bytes[0]! >>> 4 === 4;
    packet.bytes = bytes;
    packet.version = isV4 ? 4 : 6;
    packet.sourceAt = isV4 ? 12 : 8;
    packet.destinationAt = isV4 ? 16 : 24;
    packet.addressLength = isV4 ? 4 : 16;
    packet.protocol = 6;
    packet.payloadAt = isV4 ? 20 : 40;
    packet.end = bytes.length;
    packet.ecn = isV4 ? bytes[1]! & 3 : (bytes[1]! >>> 4) & 3;
    // a bit that was turned over in the IP header is found by the pseudo header's sum as well, but for lengths and the like
    const sum = this.#summer.add(6 + bytes.length - packet.payloadAt, bytes, packet.sourceAt, bytes.length);
    if (foldSum(sum) !== 0xffff) return;
    this.#table.receive(packet, now);
  }

  flush(now: number): void {
    this.#table.flush(now);
  }
  transmit(out: PacketOut, now: number): void {
    this.#table.transmit(out, now);
  }
  timeoutAt(): number {
    return this.#table.timeoutAt();
  }
  onTimeout(now: number): void {
    this.#table.onTimeout(now);
  }
  connect(options: Parameters<Endpoint["connect"]>[0], now: number): TcpPort {
    return this.#table.connect(options, now);
  }
  decide(token: number, verdict: Verdict, options: TcpPortOptions | undefined, now: number): boolean {
    return this.#table.decide(token, verdict, options, now);
  }
  states(): string[] {
    return this.#table.states();
  }
  get usedBytes(): number {
    return this.#table.buffers.usedBytes;
  }
}

/** An endpoint with these options that tells `sink`. */
export function makeEndpoint(options: TcpOptions, mtu: number, random: FillRandom, sink: TcpSink): Endpoint {
  return new TableEndpoint(options, mtu, random, sink);
}
