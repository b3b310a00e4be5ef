/** Two endpoints and the network between them, in time that the test decides. */
import { SeededRandom } from "../../src/sim/mod.ts";
import { RxEndpointEngine } from "../../src/rxrpc/endpoint_engine.ts";
import type { RxEndpointEngineOptions } from "../../src/rxrpc/endpoint_options.ts";
import type { RxAddress, RxCallPort, RxCallSink, RxDecision } from "../../src/rxrpc/ports.ts";
import { decodeHeader, type RxHeader } from "../../src/rxrpc/header.ts";

export interface LinkOptions {
  delayMs?: number;
  jitterMs?: number;
  loss?: number;
  duplication?: number;
  corruption?: number;
  /** Datagrams in the network at a time; more are dropped. */
  capacity?: number;
  /** Bytes per millisecond; without it, as many as come. */
  rate?: number;
  /** Whether a datagram is dropped, by its number; on top of `loss`. */
  drop?: (datagram: Uint8Array, number: number, now: number) => boolean;
}

interface Flying {
  at: number;
  number: number;
  to: RxAddress;
  from: RxAddress;
  data: Uint8Array;
}

/** What became of a call, with what it brought. */
export class Recorder implements RxCallSink {
  readonly chunks: Uint8Array[] = [];
  bytes = 0;
  hasEnded = false;
  closedCount = 0;
  error: unknown;
  opened_: { cid: number; callNumber: number } | undefined;
  service_: number | undefined;
  busyCount = 0;
  /** Bytes that were not reported as consumed. */
  unread = 0;
  call: RxCallPort | undefined;
  onWritable: (() => void) | undefined;
  onData: ((bytes: Uint8Array) => void) | undefined;
  onEnded: (() => void) | undefined;

  data(bytes: Uint8Array): void {
    if (this.hasEnded || this.closedCount > 0) throw new Error("data behind the end");
    this.chunks.push(bytes.slice());
    this.bytes += bytes.length;
    this.unread += bytes.length;
    this.onData?.(bytes);
  }
  ended(): void {
    if (this.hasEnded || this.closedCount > 0) throw new Error("ended twice, or behind its end");
    this.hasEnded = true;
    this.onEnded?.();
  }
  writable(): void {
    this.onWritable?.();
  }
  opened(place: { cid: number; callNumber: number }): void {
    this.opened_ = place;
  }
  service(id: number): void {
    this.service_ = id;
  }
  busy(): void {
    this.busyCount++;
  }
  closed(error: unknown): void {
    if (this.closedCount > 0) throw new Error("closed twice");
    this.closedCount++;
    this.error = error;
  }
  get all(): Uint8Array {
    const all = new Uint8Array(this.bytes);
    let at = 0;
    for (const chunk of this.chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }
  get code(): string | undefined {
    return (this.error as { code?: string } | undefined)?.code;
  }
}

export interface Host {
  engine: RxEndpointEngine;
  address: RxAddress;
  incoming: (call: RxCallPort) => RxDecision;
  /** Work to do outside of callbacks. */
  tasks: (() => void)[];
}

/** The world: endpoints, what flies between them, and the time. */
export class World {
  now = 1000;
  readonly random: SeededRandom;
  readonly hosts: Host[] = [];
  readonly sent: { header: RxHeader; data: Uint8Array; from: RxAddress; to: RxAddress; at: number }[] = [];
  /** Where to keep what is sent; off for long runs. */
  isRecording = true;
  link: LinkOptions;
  #flying: Flying[] = [];
  #number = 0;
  #freeAt = 0;

  constructor(link: LinkOptions = {}, seed = 1) {
    this.link = link;
    this.random = new SeededRandom(seed);
  }

  add(options: Partial<RxEndpointEngineOptions> = {}, address = `10.0.0.${this.hosts.length + 1}`, port = 7000): Host {
    const host: Host = {
      address: { address, port },
      incoming: () => -2,
      tasks: [],
      engine: undefined as unknown as RxEndpointEngine,
    };
    host.engine = new RxEndpointEngine({
      random: (into) => into.forEach((_, at) => into[at] = this.random.below(256)),
      wallMs: () => 1_800_000_000_000 + this.now,
      reachCheck: "never",
      ...options,
    }, { incoming: (call) => host.incoming(call) });
    this.hosts.push(host);
    return host;
  }

  /** Puts a datagram on the way. */
  send(from: RxAddress, to: RxAddress, data: Uint8Array): void {
    const number = this.#number++;
    const { delayMs = 1, jitterMs = 0, loss = 0, duplication = 0, corruption = 0, capacity = Infinity, rate } =
      this.link;
    if (this.isRecording) this.sent.push({ header: decodeHeader(data)!, data, from, to, at: this.now });
    if (this.link.drop?.(data, number, this.now) || this.random.chance(loss)) return;
    if (this.#flying.length >= capacity) return;
    let bytes = data;
    if (this.random.chance(corruption)) {
      bytes = data.slice();
      bytes[this.random.below(bytes.length)]! ^= 1 << this.random.below(8);
    }
    this.#freeAt = Math.max(this.#freeAt, this.now) + (rate === undefined ? 0 : data.length / rate);
    const copies = this.random.chance(duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const jitter = jitterMs === 0 ? 0 : this.random.below(1000) / 1000 * jitterMs;
      const at = (rate === undefined ? this.now : this.#freeAt) + delayMs + jitter;
      this.#flying.push({ at, number, from, to, data: bytes });
    }
  }

  /** Everything that happens at this instant, until nothing more does. */
  settle(): void {
    for (let rounds = 0; rounds < 10_000; rounds++) {
      let hasMoved = false;
      for (const host of this.hosts) {
        for (let task = host.tasks.shift(); task !== undefined; task = host.tasks.shift()) {
          task();
          hasMoved = true;
        }
        hasMoved = this.#transmit(host) || hasMoved;
        if (host.engine.timeoutAt() <= this.now) {
          host.engine.onTimeout(this.now);
          hasMoved = this.#transmit(host) || hasMoved;
        }
      }
      if (!hasMoved) return this.#checkInvariants();
    }
    throw new Error("the world does not come to rest");
  }

  /** Lets time pass. */
  run(ms: number, until: () => boolean = () => false): void {
    const end = this.now + ms;
    this.settle();
    while (!until()) {
      const next = Math.min(...this.#flying.map(({ at }) => at), ...this.hosts.map(({ engine }) => engine.timeoutAt()));
      if (next > end) {
        this.now = end;
        return this.settle();
      }
      this.now = Math.max(this.now, next);
      this.#arrive();
      this.settle();
    }
  }

  get flying(): number {
    return this.#flying.length;
  }

  /** What holds at every endpoint whenever nothing more is to be done at an instant. */
  #checkInvariants(): void {
    for (const { engine, address } of this.hosts) {
      const { heldBytes, connections } = engine;
      const timeoutAt = engine.timeoutAt();
      const where = `${address.address} at ${this.now}`;
      // a timer that is due and does nothing would be called for ever
      if (!(timeoutAt > this.now)) throw new Error(`${where}: a timer stays due at ${timeoutAt}`);
      if (!(heldBytes >= 0)) throw new Error(`${where}: ${heldBytes} bytes are held`);
      const isIdle = connections.client + connections.service === 0;
      if (isIdle && heldBytes !== 0) throw new Error(`${where}: ${heldBytes} bytes are held for nobody`);
    }
  }

  #transmit(host: Host): boolean {
    let count = 0;
    let buffer = new Uint8Array(0);
    host.engine.flush(this.now);
    host.engine.transmit({
      alloc: (size) => buffer = new Uint8Array(size),
      commit: (length, to) => {
        count++;
        this.send(host.address, to, buffer.subarray(0, length));
      },
    }, this.now);
    return count > 0;
  }

  #arrive(): void {
    const due = this.#flying.filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at || a.number - b.number);
    this.#flying = this.#flying.filter(({ at }) => at > this.now);
    for (const { from, to, data } of due) {
      const host = this.hosts.find(({ address }) => address.address === to.address && address.port === to.port);
      host?.engine.push({ data, from }, this.now);
    }
  }
}

/** Writes all of `bytes`, then ends, as there is room. */
export function pour(world: World, host: Host, call: RxCallPort, recorder: Recorder, bytes: Uint8Array): void {
  let at = 0;
  let isDone = false;
  const go = (): void => {
    if (isDone || call.isClosed) return;
    at += call.write(bytes.subarray(at), world.now);
    if (at < bytes.length) return;
    isDone = true;
    call.end(world.now);
  };
  recorder.onWritable = () => host.tasks.push(go);
  if (call.isWritable) host.tasks.push(go);
}

/** Reports everything as consumed as it comes. */
export function drink(world: World, host: Host, call: () => RxCallPort, recorder: Recorder): void {
  recorder.onData = (bytes) => {
    host.tasks.push(() => {
      recorder.unread -= bytes.length;
      call().consumed(bytes.length, world.now);
    });
  };
}

/** A server that answers each request with what `reply` makes of it. */
export function serve(
  world: World,
  host: Host,
  reply: (request: Uint8Array) => Uint8Array,
): Recorder[] {
  const recorders: Recorder[] = [];
  host.incoming = (call) => {
    const recorder = new Recorder();
    recorder.call = call;
    recorders.push(recorder);
    drink(world, host, () => call, recorder);
    recorder.onEnded = () => pour(world, host, call, recorder, reply(recorder.all));
    return recorder;
  };
  return recorders;
}

/** Makes a call with this request. */
export function request(
  world: World,
  client: Host,
  server: Host,
  body: Uint8Array,
  options: Partial<Parameters<RxEndpointEngine["call"]>[0]> = {},
): Recorder {
  const recorder = new Recorder();
  const call = client.engine.call({ to: server.address, service: 147, ...options }, recorder, world.now);
  recorder.call = call;
  drink(world, client, () => call, recorder);
  pour(world, client, call, recorder, body);
  return recorder;
}

/** Bytes that tell their place. */
export function pattern(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 7 + seed + (at >>> 8)) & 255);
}

/** The calls that the server takes from now on; nobody reads what they bring. */
export function servedBy(server: Host): Recorder[] {
  const served: Recorder[] = [];
  server.incoming = (call) => {
    const recorder = new Recorder();
    recorder.call = call;
    served.push(recorder);
    return recorder;
  };
  return served;
}
