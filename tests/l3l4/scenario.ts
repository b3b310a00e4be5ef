/**
 * A seed of random traffic: two hosts with random options, a link with random faults, connections whose ends write, stall,
 * end and abort at random. After each step the invariants are checked; at the end everything has to be where it belongs.
 */
import type { TcpOptions } from "../../src/l3l4/tcp/tcp_settings.ts";
import type { LinkOptions } from "../../src/sim/link.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import { Network, SERVER_PORT } from "./network.ts";
import { type Side, Traffic } from "./traffic.ts";
import { WireWatch } from "./wire_watch.ts";

/** Longer than all timeouts of connections that nothing is heard of. */
const SETTLE_MS = 24 * 3_600_000;

function randomOptions(random: SeededRandom): TcpOptions {
  return {
    sendBufferBytes: random.pick([1000, 10_000, 65_536, 262_144, 1_000_000]),
    receiveBufferBytes: random.pick([1000, 10_000, 65_536, 262_144, 1_000_000]),
    congestion: random.pick(["cubic", "newreno", "none"]),
    initialWindowSegments: random.pick([1, 10]),
    windowScale: random.chance(0.8),
    hasTimestamps: random.chance(0.8),
    hasSack: random.chance(0.8),
    ecn: random.pick(["off", "accept", "request"]),
    hasNagle: random.chance(0.5),
    delayedAckMs: random.pick([0, 40, 200]),
    minRtoMs: random.pick([1, 200]),
    maxOutOfOrderRanges: random.pick([0, 4, 128]),
    hasPacing: random.chance(0.3),
    // an end whose reset got lost is found by asking
    keepaliveMs: 60_000,
    keepaliveIntervalMs: 10_000,
    // ten lost packets in a row are bad luck, no fault
    userTimeoutMs: 1_000_000,
    timeWaitMs: random.pick([0, 1000, 60_000]),
  };
}

function randomLink(random: SeededRandom, version: 4 | 6): LinkOptions {
  const sometimes = (share: number, most: number) => random.chance(share) ? random.fraction() * most : 0;
  return {
    seed: random.bits(),
    delayMs: random.pick([0, 1, 20, 100, 200]),
    jitterMs: random.pick([0, 0, 5, 50]),
    loss: sometimes(0.7, 0.1),
    reordering: sometimes(0.5, 0.2),
    duplication: sometimes(0.5, 0.1),
    // nothing protects IPv6 headers: a packet for another protocol is answered with an error, which ends a connection
    corruption: version === 4 ? sometimes(0.3, 0.02) : 0,
    bytesPerMs: random.pick([50, 200, 2000, Infinity]),
    maxQueuedPackets: random.pick([10, 100]),
  };
}

/** What a scenario has come to. */
export interface Outcome {
  /** Connections that were asked for. */
  readonly connections: number;
  /** Bytes that were read. */
  readonly bytes: number;
  /** Packets that were sent. */
  readonly packets: number;
  /** Connections that an end has aborted. */
  readonly aborted: number;
  /** A sum over all packets in their order. */
  readonly trace: number;
}

/** One scenario. */
export class Scenario {
  readonly network: Network;
  readonly traffic: Traffic;
  readonly #random: SeededRandom;
  readonly #options: readonly [TcpOptions, TcpOptions];
  readonly #connections: number;
  #trace = 0;

  constructor(seed: number) {
    const random = this.#random = new SeededRandom(seed);
    this.#options = [randomOptions(random), randomOptions(random)];
    this.#connections = random.between(1, 6);
    const version = random.pick([4, 6] as const);
    this.network = new Network({
      seed,
      version,
      link: randomLink(random, version),
      back: randomLink(random, version),
      mtu: random.pick([576, 1280, 1500, 9000]),
      client: this.#options[0],
      server: this.#options[1],
    });
    this.traffic = new Traffic(this.network);
    this.traffic.prepare = (side) => this.#prepare(side);
    const watch = new WireWatch(SERVER_PORT);
    this.network.onSent = (from, packet) => {
      this.#trace = (Math.imul(this.#trace, 31) + packet.length + packet[packet.length - 1]! + packet[24]!) | 0;
      watch.sent(from, packet);
    };
    this.network.onDelivered = (to, packet) => watch.delivered(to, packet);
  }

  #prepare(side: Side): void {
    const random = this.#random;
    side.target = random.pick([0, 1, random.below(3000), random.below(300_000)]);
    side.chunk = random.pick([1, 100, 1448, 16_384, 1_000_000]);
    // single bytes in great number take long and show nothing more
    if (side.chunk === 1) side.target = Math.min(side.target, 1000);
    side.ends = random.chance(0.5);
    side.isStalled = random.chance(0.1);
  }

  /** Runs it to its end. */
  run(): Outcome {
    for (let i = 0; i < this.#connections; i++) {
      this.traffic.side(this.network.connect({ hasNagle: this.#random.chance(0.5) }));
      this.#pass(this.#random.below(200));
    }
    for (let actions = this.#random.between(5, 60); actions > 0; actions--) {
      this.#pass(this.#random.pick([0, 1, 10, 100, 1000, 20_000]));
      this.#act();
    }
    this.#finish();
    return this.#judge();
  }

  /** Lets time pass, and looks after each step. */
  #pass(ms: number): void {
    const { network } = this;
    const until = network.now + ms;
    network.settle();
    this.#check();
    while (network.step(until)) this.#check();
  }

  #act(): void {
    const random = this.#random;
    const { sides } = this.traffic;
    const side = random.pick(sides);
    const kind = random.below(100);
    if (kind < 40) {
      side.isStalled = !side.isStalled;
      if (!side.isOver) side.drain();
    } else if (kind < 80) {
      if (!side.ends) side.target += random.below(50_000);
      side.pump();
    } else if (kind < 92) {
      side.ends = true;
      side.pump();
    } else if (kind < 97) side.abort();
    else if (sides.length < 12) this.traffic.side(this.network.connect());
  }

  /** All read, all end, and time goes by. */
  #finish(): void {
    for (const side of this.traffic.sides) {
      side.isStalled = false;
      side.ends = true;
      side.pump();
      side.drain();
    }
    // what opens only now ends as well
    this.traffic.prepare = (side) => side.ends = true;
    this.#pass(SETTLE_MS);
  }

  #check(): void {
    for (const { port, isAborted } of this.traffic.sides) {
      if (isAborted) continue;
      const { receiveBufferBytes, sendBufferBytes } = this.#options[port.isActive ? 0 : 1];
      const info = port.info();
      expect(port.readable <= receiveBufferBytes!, `${port.readable} bytes readable`);
      expect(info.bytesQueued <= sendBufferBytes!, `${info.bytesQueued} bytes queued`);
      expect(info.bytesInFlight >= 0 && info.bytesInFlight <= info.bytesQueued + 1, `${info.bytesInFlight} in flight`);
      expect(info.cwnd >= 1, `cwnd ${info.cwnd}`);
    }
  }

  #judge(): Outcome {
    const { network, traffic } = this;
    expect(network.nextAt === Infinity, `something is due at ${network.nextAt}, now is ${network.now}`);
    for (const { engine, index, usedBytes } of network.hosts) {
      expect(engine.states().length === 0, `host ${index} still has ${engine.states()}`);
      expect(usedBytes === 0, `host ${index} still holds ${usedBytes} bytes`);
    }
    let aborted = 0;
    let bytes = 0;
    for (const side of traffic.sides) {
      bytes += side.read;
      expect(side.isOver, "an end was never told that it is over");
      if (side.isAborted || (side.error ?? null) !== null) aborted++;
    }
    this.#judgePairs();
    return {
      connections: traffic.sides.filter(({ port }) => port.isActive).length,
      bytes,
      packets: network.packets,
      aborted,
      trace: this.#trace,
    };
  }

  /** Both ends of what nobody aborted have read all that the other wrote. */
  #judgePairs(): void {
    const { sides } = this.traffic;
    for (const client of sides.filter(({ port }) => port.isActive)) {
      const servers = sides.filter(({ port }) => !port.isActive && port.remotePort === client.port.localPort);
      const ends = [client, ...servers];
      if (ends.some(({ isAborted }) => isAborted)) continue;
      const text = ends.map(({ error, read, written }) => `${error?.code ?? error} ${read}/${written}`).join(", ");
      expect(servers.length === 1, `${servers.length} ends at the server: ${text}`);
      const [server] = servers;
      expect(ends.every(isWell), `not closed well: ${text}`);
      expect(client.read === server!.written && server!.read === client.written, `bytes are missing: ${text}`);
    }
  }
}

/**
 * Whether it ended as it should: well, or with a reset of a peer that has all bytes, but does not remember for long enough
 * that it has.
 */
function isWell({ error }: Side): boolean {
  return error === null || (error?.code === "ECONNRESET");
}

function expect(isRight: boolean, complaint: string): void {
  if (!isRight) throw new Error(complaint);
}
