/**
 * Two engines whose packets go from one to the other by direct calls, for `l3l4_bench.ts`.
 *
 * @module
 */
import { systemRandom } from "../src/core/random.ts";
import type { L3L4Sink } from "../src/l3l4/datagram_sink.ts";
import { L3L4Engine } from "../src/l3l4/l3l4_engine.ts";
import type { TcpPort } from "../src/l3l4/l3l4_sink.ts";
import type { L3L4Options } from "../src/l3l4/l3l4_settings.ts";
import type { PacketOut } from "../src/l3l4/packet_out.ts";

const SLAB = 128 * 1024;
const MAX_PACKETS = 64;
/** Addresses of the two. */
export const CLIENT: Uint8Array = Uint8Array.of(10, 0, 0, 1);
/** See {@linkcode CLIENT}. */
export const SERVER: Uint8Array = Uint8Array.of(10, 0, 0, 2);

/** A slab that is used again for each batch, as whoever owns a ring of packets would have it. */
class Batch implements PacketOut {
  readonly packets: Uint8Array[] = [];
  readonly #slab: Uint8Array = new Uint8Array(SLAB);
  #used = 0;
  #last: Uint8Array = this.#slab;

  alloc(size: number): Uint8Array | null {
    if (this.packets.length >= MAX_PACKETS || this.#used + size > SLAB) return null;
    return this.#last = this.#slab.subarray(this.#used, this.#used + size);
  }

  commit(length: number): void {
    this.packets.push(length === this.#last.length ? this.#last : this.#last.subarray(0, length));
    this.#used += length;
  }

  clear(): void {
    this.packets.length = 0;
    this.#used = 0;
  }
}

/** What a user of one end does when something happens. */
export interface CoreUser {
  readable?(port: TcpPort): void;
  writable?(port: TcpPort): void;
  ended?(port: TcpPort): void;
  closed?(port: TcpPort): void;
}

/** The pair. */
export class CorePair {
  readonly client: L3L4Engine;
  readonly server: L3L4Engine;
  /** Drops a packet of the client's when it says so. */
  drop: ((packet: Uint8Array) => boolean) | undefined;
  clientUser: CoreUser = {};
  serverUser: CoreUser = {};
  /** The connection that the server has accepted last. */
  accepted: TcpPort | undefined;
  readonly #batch: Batch = new Batch();

  constructor(options: L3L4Options = {}) {
    this.client = new L3L4Engine({ ...options, random: systemRandom }, sink(() => this.clientUser, () => {}));
    this.server = new L3L4Engine(
      { ...options, random: systemRandom },
      sink(() => this.serverUser, (port) => this.accepted = port),
    );
  }

  /** One round of packets there and back. Returns how many there were. */
  round(now: number): number {
    return this.#send(this.client, this.server, now, this.drop) + this.#send(this.server, this.client, now, undefined);
  }

  /** A connection, open. */
  connect(options: { hasNagle?: boolean } = {}): TcpPort {
    const port = this.client.connect(
      { ...options, localAddress: CLIENT, remoteAddress: SERVER, remotePort: 7 },
      performance.now(),
    );
    while (this.round(performance.now()) > 0);
    return port;
  }

  /** Does what is due. */
  tick(now: number): void {
    for (const engine of [this.client, this.server]) if (engine.timeoutAt() <= now) engine.onTimeout(now);
  }

  #send(from: L3L4Engine, to: L3L4Engine, now: number, drop: ((packet: Uint8Array) => boolean) | undefined): number {
    const batch = this.#batch;
    batch.clear();
    from.transmit(batch, now);
    const { packets } = batch;
    for (let i = 0; i < packets.length; i++) if (drop === undefined || !drop(packets[i]!)) to.push(packets[i]!, now);
    to.flush(now);
    return packets.length;
  }
}

function sink(user: () => CoreUser, accepted: (port: TcpPort) => void): L3L4Sink {
  return {
    incoming: () => "accept",
    opened: (port) => port.isActive || accepted(port),
    readable: (port) => user().readable?.(port),
    writable: (port) => user().writable?.(port),
    ended: (port) => user().ended?.(port),
    closed: (port) => user().closed?.(port),
    incomingUdp: () => "ignore",
    udpOpened: () => {},
    udpReadable: () => {},
    udpWritable: () => {},
    udpError: () => {},
    udpClosed: () => {},
    icmp: () => {},
  };
}

/**
 * Moves bytes over one connection, round after round; `check` looks at all that arrives.
 *
 * What is under way at the end of a round belongs to the next one. To wait for its acknowledgment would measure a timer: the
 * last segment is acknowledged 40 ms later when nothing follows it, which is as long as the round.
 */
export class CoreBulk {
  readonly #pair: CorePair;
  readonly #port: TcpPort;
  readonly #check: ((bytes: Uint8Array) => void) | undefined;
  readonly #chunk = new Uint8Array(65536).map((_, i) => i * 31);
  #at = 0;
  #received = 0;
  #now = 0;

  constructor(pair: CorePair, port: TcpPort, check?: (bytes: Uint8Array) => void) {
    this.#pair = pair;
    this.#port = port;
    this.#check = check;
    pair.clientUser = { writable: () => this.#fill() };
    pair.serverUser = { readable: (port) => this.#take(port) };
  }

  /** Moves so many bytes, or a few more that the next round counts. */
  run(bytes: number): number {
    while (this.#received < bytes) {
      this.#now = performance.now();
      this.#fill();
      this.#pair.round(this.#now);
      this.#pair.tick(this.#now);
    }
    this.#received -= bytes;
    return bytes;
  }

  #fill(): void {
    for (let taken = -1; taken !== 0;) {
      taken = this.#port.write(this.#chunk.subarray(this.#at), this.#now);
      this.#at = (this.#at + taken) % this.#chunk.length;
    }
  }

  #take(port: TcpPort): void {
    for (let view = port.peek(); view.length > 0; view = port.peek()) {
      this.#check?.(view);
      this.#received += view.length;
      port.consume(view.length, this.#now);
    }
  }
}

/** So many requests of 32 bytes and their replies. */
export function coreRoundTrips(pair: CorePair, port: TcpPort, count: number): number {
  const message = new Uint8Array(32);
  let now = performance.now();
  let done = 0;
  const take = (port: TcpPort): boolean => {
    if (port.readable < message.length) return false;
    port.consume(message.length, now);
    return true;
  };
  pair.serverUser = { readable: (port) => void (take(port) && port.write(message, now)) };
  pair.clientUser = {
    readable: (port) => {
      if (take(port) && ++done < count) port.write(message, now);
    },
  };
  port.write(message, now);
  while (done < count) {
    now = performance.now();
    pair.round(now);
    pair.tick(now);
  }
  return done;
}

/** So many connections, opened and closed by both sides. */
export function coreConnections(pair: CorePair, count: number): number {
  let closed = 0;
  const now = performance.now();
  pair.clientUser = { closed: () => closed++ };
  pair.serverUser = { ended: (port) => port.shutdown(now) };
  for (let i = 0; i < count; i++) {
    const port = pair.connect();
    port.shutdown(performance.now());
    while (pair.round(performance.now()) > 0);
    pair.tick(performance.now());
  }
  if (closed !== count) throw new Error(`${closed} connections of ${count} have closed`);
  return count;
}
