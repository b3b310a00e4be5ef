/** An endpoint with everything it tells written down, for the tests of the whole engine. */
import type { IcmpReceived, L3L4Sink, UdpPort, UdpVerdict } from "../../src/l3l4/datagram_sink.ts";
import type { L3L4Error } from "../../src/l3l4/errors.ts";
import { L3L4Engine } from "../../src/l3l4/l3l4_engine.ts";
import type { L3L4Options } from "../../src/l3l4/l3l4_settings.ts";
import type { FlowPath, IncomingConnection, TcpPort, Verdict } from "../../src/l3l4/l3l4_sink.ts";
import { formatAddress } from "../../src/packet/address.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import { Packets } from "./ip_support.ts";

/** An endpoint, its sink, and what it sent. */
export class Host implements L3L4Sink {
  readonly engine: L3L4Engine;
  readonly out: Packets = new Packets();
  /** What was told, a line each. */
  readonly log: string[] = [];
  readonly tcp: TcpPort[] = [];
  readonly udp: UdpPort[] = [];
  readonly icmps: IcmpReceived[] = [];
  tcpVerdict: Verdict = "accept";
  udpVerdict: UdpVerdict = "accept";
  /** Does something while it is told. */
  onEvent: (event: string) => void = () => {};

  constructor(options: L3L4Options = {}, seed = 1) {
    const random = new SeededRandom(seed);
    const fill = (into: Uint8Array): void => {
      for (let i = 0; i < into.length; i += 3) {
        const number = random.below(0x1000000);
        into[i] = number;
        into[i + 1] = number >>> 8;
        into[i + 2] = number >>> 16;
      }
    };
    this.engine = new L3L4Engine({ ...options, random: fill }, this);
  }

  /** Takes packets, tells, and sends: the packets that come back. */
  push(packets: readonly Uint8Array[] | Uint8Array, now = 0): Uint8Array[] {
    for (const packet of packets instanceof Uint8Array ? [packets] : packets) this.engine.push(packet, now);
    return this.send(now);
  }

  /** Tells and sends. */
  send(now = 0): Uint8Array[] {
    this.engine.flush(now);
    this.engine.transmit(this.out, now);
    return this.out.take();
  }

  /** Runs what is due and sends. */
  timeout(now: number): Uint8Array[] {
    this.engine.onTimeout(now);
    return this.send(now);
  }

  #note(event: string): void {
    this.log.push(event);
    this.onEvent(event);
  }

  incoming(request: IncomingConnection): Verdict {
    this.#note(`incoming ${ends(request)}`);
    return this.tcpVerdict;
  }

  opened(port: TcpPort): void {
    this.tcp.push(port);
    this.#note(`opened ${ends(port)}`);
  }

  readable(port: TcpPort): void {
    this.#note(`readable ${port.readable}`);
  }

  writable(_port: TcpPort): void {
    this.#note("writable");
  }

  ended(_port: TcpPort): void {
    this.#note("ended");
  }

  closed(_port: TcpPort, error: L3L4Error | null): void {
    this.#note(`closed ${error?.code ?? "well"}`);
  }

  incomingUdp(path: FlowPath): UdpVerdict {
    this.#note(`incomingUdp ${ends(path)}`);
    return this.udpVerdict;
  }

  udpOpened(port: UdpPort): void {
    this.udp.push(port);
    this.#note("udpOpened");
  }

  udpReadable(port: UdpPort): void {
    this.#note(`udpReadable ${port.readable}`);
  }

  udpWritable(_port: UdpPort): void {
    this.#note("udpWritable");
  }

  udpError(_port: UdpPort, error: L3L4Error, to: FlowPath): void {
    this.#note(`udpError ${error.code} ${ends(to)}`);
  }

  udpClosed(_port: UdpPort): void {
    this.#note("udpClosed");
  }

  icmp(message: IcmpReceived): void {
    this.icmps.push(message);
    this.#note(`icmp ${message.type}/${message.code}`);
  }
}

/** Lets two endpoints talk until nobody has anything to say. */
export function exchange(a: Host, b: Host, now: number): void {
  for (let round = 0; round < 1000; round++) {
    const fromA = a.send(now);
    const fromB = b.push(fromA, now);
    a.push(fromB, now).forEach((packet) => b.engine.push(packet, now));
    if (fromA.length + fromB.length === 0) return;
  }
  throw new Error("they never stop");
}

function ends({ localAddress, localPort, remoteAddress, remotePort }: FlowPath): string {
  return `${formatAddress(localAddress)}:${localPort} ${formatAddress(remoteAddress)}:${remotePort}`;
}
