/**
 * Two endpoints over a simulated link, in virtual time: they see nothing of each other but packets.
 *
 * @module
 */
import type { L3L4Error } from "../../src/l3l4/errors.ts";
import { L3L4Engine } from "../../src/l3l4/l3l4_engine.ts";
import type { IncomingConnection, TcpPort, TcpPortOptions, TcpSink, Verdict } from "../../src/l3l4/l3l4_sink.ts";
import type { L3L4Sink } from "../../src/l3l4/datagram_sink.ts";
import type { PacketOut } from "../../src/l3l4/packet_out.ts";
import type { TcpOptions } from "../../src/l3l4/tcp/tcp_settings.ts";
import { Link, type LinkOptions } from "../../src/sim/link.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";

/** Addresses of the two hosts. */
const ADDRESSES = {
  4: [Uint8Array.of(192, 0, 2, 1), Uint8Array.of(198, 51, 100, 2)],
  6: [
    Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2),
  ],
} as const;

/** Port that the second host is asked at. */
export const SERVER_PORT = 80;

/** More rounds without time going on mean that something asks to be woken for ever. */
const MAX_ROUNDS_AT_ONCE = 10_000;

const SLAB_BYTES = 1 << 18;

/** What a {@linkcode Network} is made of. */
export interface NetworkOptions {
  /** Seed of all that is random. */
  readonly seed: number;
  /** IP version. @default {4} */
  readonly version?: 4 | 6 | undefined;
  /** Both directions of the link. */
  readonly link?: LinkOptions | undefined;
  /** The direction from the second host to the first, in place of `link`. */
  readonly back?: LinkOptions | undefined;
  /** Largest IP packet. @default {1500} */
  readonly mtu?: number | undefined;
  /** Options of the first host, which connects. */
  readonly client?: TcpOptions | undefined;
  /** Options of the second host. */
  readonly server?: TcpOptions | undefined;
}

/** Whom hosts tell about their connections. */
export type Application = Omit<TcpSink, "incoming">;

/** One host. */
export class Host implements L3L4Sink, PacketOut {
  /** Which of the two it is. */
  readonly index: 0 | 1;
  /** Its engine. */
  readonly engine: L3L4Engine;
  /** What becomes of connections that the other asks for. */
  verdict: Verdict = "accept";
  readonly #network: Network;
  #slab = new Uint8Array(SLAB_BYTES);
  #used = 0;

  constructor(network: Network, index: 0 | 1, options: TcpOptions, mtu: number, seed: number) {
    this.#network = network;
    this.index = index;
    this.engine = new L3L4Engine({ ...options, mtu, random: new SeededRandom(seed).fill }, this);
  }

  incoming(_request: IncomingConnection): Verdict {
    return this.verdict;
  }
  opened(port: TcpPort): void {
    this.#network.application?.opened(port);
  }
  readable(port: TcpPort): void {
    this.#network.application?.readable(port);
  }
  writable(port: TcpPort): void {
    this.#network.application?.writable(port);
  }
  ended(port: TcpPort): void {
    this.#network.application?.ended(port);
  }
  closed(port: TcpPort, error: L3L4Error | null): void {
    this.#network.application?.closed(port, error);
  }

  incomingUdp(): "ignore" {
    return "ignore";
  }
  udpOpened(): void {}
  udpReadable(): void {}
  udpWritable(): void {}
  udpError(): void {}
  udpClosed(): void {}
  icmp(): void {}

  /** Bytes of buffers in use. */
  get usedBytes(): number {
    const { bufferBytes, fragmentBytes } = this.engine.stats;
    return bufferBytes + fragmentBytes;
  }

  alloc(size: number): Uint8Array {
    if (this.#used + size > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(SLAB_BYTES, size));
      this.#used = 0;
    }
    return this.#slab.subarray(this.#used, this.#used + size);
  }

  commit(length: number): void {
    const packet = this.#slab.subarray(this.#used, this.#used + length);
    this.#used += length;
    this.#network.sent(this.index, packet);
  }
}

/** Both hosts and the link between them. */
export class Network {
  /** The time. */
  now = 1000;
  /** Both hosts. */
  readonly hosts: readonly [Host, Host];
  /** From the first to the second, and back. */
  readonly links: readonly [Link, Link];
  /** Addresses of the hosts. */
  readonly addresses: readonly [Uint8Array, Uint8Array];
  /** Told of everything that happens on connections of either host. */
  application: Application | undefined;
  /** Sees each packet that a host sends. */
  onSent: ((from: 0 | 1, packet: Uint8Array) => void) | undefined;
  /** Sees each packet before a host gets it. */
  onDelivered: ((to: 0 | 1, packet: Uint8Array) => void) | undefined;
  /** Packets that both hosts have sent. */
  packets = 0;
  #roundsAtOnce = 0;

  constructor({ seed, version = 4, link, back = link, mtu = 1500, client = {}, server = {} }: NetworkOptions) {
    this.addresses = ADDRESSES[version];
    this.hosts = [new Host(this, 0, client, mtu, seed), new Host(this, 1, server, mtu, seed + 1)];
    const carry = (to: 0 | 1) => ({ packet: (bytes: Uint8Array, now: number) => this.#deliver(to, bytes, now) });
    this.links = [new Link({ seed, ...link }, carry(1)), new Link({ seed: seed + 1, ...back }, carry(0))];
  }

  /** The first host asks the second for a connection. */
  connect(options: TcpPortOptions = {}): TcpPort {
    const [localAddress, remoteAddress] = this.addresses;
    return this.hosts[0].engine.connect({ localAddress, remoteAddress, remotePort: SERVER_PORT, ...options }, this.now);
  }

  /** A host has sent a packet. */
  sent(from: 0 | 1, packet: Uint8Array): void {
    this.packets++;
    this.onSent?.(from, packet);
    this.links[from].push(packet, this.now);
  }

  #deliver(to: 0 | 1, bytes: Uint8Array, now: number): void {
    this.onDelivered?.(to, bytes);
    this.hosts[to].engine.push(bytes, Math.max(this.now, now));
  }

  /** Lets both hosts say and send what they have, after something was done to them. */
  settle(): void {
    for (const host of this.hosts) {
      host.engine.flush(this.now);
      host.engine.transmit(host, this.now);
    }
  }

  /** When something happens next. */
  get nextAt(): number {
    const [a, b] = this.hosts;
    const [there, back] = this.links;
    return Math.min(a.engine.timeoutAt(), b.engine.timeoutAt(), there.timeoutAt(), back.timeoutAt());
  }

  /** Goes on to the next event, if there is one until `until`; else the time is `until`. */
  step(until: number = Infinity): boolean {
    const next = this.nextAt;
    if (!(next <= until) || next === Infinity) {
      if (until !== Infinity) this.now = Math.max(this.now, until);
      return false;
    }
    if (next > this.now) this.#roundsAtOnce = 0;
    else if (++this.#roundsAtOnce > MAX_ROUNDS_AT_ONCE) throw new Error(`stands still at ${this.now} ms`);
    this.now = Math.max(this.now, next);
    for (const link of this.links) link.onTimeout(this.now);
    for (const { engine } of this.hosts) if (engine.timeoutAt() <= this.now) engine.onTimeout(this.now);
    this.settle();
    return true;
  }

  /** Goes on until nothing is due any more, or until this time. */
  run(until: number = Infinity): void {
    this.settle();
    while (this.step(until));
  }
}
