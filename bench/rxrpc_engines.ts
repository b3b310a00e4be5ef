/** Two engines of the rxrpc layer back to back: what comes out of one goes into the other, in no time. */
import { RxEndpointEngine } from "../src/rxrpc/endpoint_engine.ts";
import type { RxAddress, RxCallPort, RxCallSink, RxOut } from "../src/rxrpc/ports.ts";

const addresses: [RxAddress, RxAddress] = [{ address: "10.0.0.1", port: 7000 }, { address: "10.0.0.2", port: 7000 }];
const SLAB = 1 << 20;
const SERVICE = 147;

/** Hands datagrams over without copying them: buffers are cut from slabs that are not used again. */
class Wire implements RxOut {
  datagrams: Uint8Array[] = [];
  #slab: Uint8Array = new Uint8Array(SLAB);
  #used = 0;

  alloc(size: number): Uint8Array {
    if (this.#used + size > SLAB) {
      this.#slab = new Uint8Array(SLAB);
      this.#used = 0;
    }
    return this.#slab.subarray(this.#used, this.#used + size);
  }

  commit(length: number): void {
    this.datagrams.push(this.#slab.subarray(this.#used, this.#used + length));
    this.#used += length;
  }

  take(): Uint8Array[] {
    const { datagrams } = this;
    this.datagrams = [];
    return datagrams;
  }
}

/** A client and a server, and the calls between them. */
export class EnginePair {
  readonly client: RxEndpointEngine;
  readonly server: RxEndpointEngine;
  readonly #wires: [Wire, Wire] = [new Wire(), new Wire()];
  readonly #tasks: (() => void)[] = [];
  #now = 1;

  constructor(options: { jumbo?: number; maxDatagram?: number; acceptJumbo?: number } = {}) {
    const random = (into: Uint8Array): void => void into.fill(0x55);
    const common = { ...options, random, wallMs: (): number => 0, reachCheck: "never" as const };
    this.client = new RxEndpointEngine(common, { incoming: () => "busy" });
    this.server = new RxEndpointEngine(common, { incoming: (call) => this.#echo(call) });
    this.server.offer({ id: SERVICE });
  }

  /** Makes so many calls at a time, each with `request`, until so many are done; each reply is an echo. */
  unary(count: number, request: Uint8Array, parallel: number): void {
    let left = count;
    let done = 0;
    const begin = (): void => {
      if (left-- <= 0) return;
      const call: RxCallPort = this.client.call({ to: addresses[1], service: SERVICE }, {
        data: (bytes) => void this.#tasks.push(() => call.consumed(bytes.length, this.#now)),
        ended: () => {},
        closed: () => {
          done++;
          this.#tasks.push(begin);
        },
      }, this.#now);
      call.write(request, this.#now);
      call.end(this.#now);
    };
    for (let i = 0; i < parallel; i++) begin();
    this.#run(() => done >= count);
  }

  /** Sends so many bytes in one call. */
  bulk(bytes: number, chunk: Uint8Array): void {
    let left = bytes;
    let isDone = false;
    const pour = (): void => {
      while (left > 0) {
        const taken = call.write(chunk, this.#now);
        left -= taken;
        if (taken < chunk.length) return;
      }
      call.end(this.#now);
    };
    const sink: RxCallSink = {
      data: (data) => void this.#tasks.push(() => call.consumed(data.length, this.#now)),
      ended: () => {},
      writable: () => void this.#tasks.push(pour),
      closed: () => void (isDone = true),
    };
    const call = this.client.call({ to: addresses[1], service: SERVICE }, sink, this.#now);
    this.#tasks.push(pour);
    this.#run(() => isDone);
  }

  /** Answers with the first byte of the request. */
  #echo(call: RxCallPort): RxCallSink {
    let first: Uint8Array = new Uint8Array(1);
    return {
      data: (bytes) => {
        first = bytes.subarray(0, 1);
        this.#tasks.push(() => call.consumed(bytes.length, this.#now));
      },
      ended: () =>
        void this.#tasks.push(() => {
          call.write(first, this.#now);
          call.end(this.#now);
        }),
      closed: () => {},
    };
  }

  #run(isDone: () => boolean): void {
    while (!isDone()) {
      this.#now += 0.01;
      for (let i = 0; i < this.#tasks.length; i++) this.#tasks[i]!();
      this.#tasks.length = 0;
      this.#move(this.client, this.server, 0);
      this.#move(this.server, this.client, 1);
    }
  }

  #move(from: RxEndpointEngine, to: RxEndpointEngine, side: 0 | 1): void {
    if (from.timeoutAt() <= this.#now) from.onTimeout(this.#now);
    from.flush(this.#now);
    from.transmit(this.#wires[side], this.#now);
    for (const data of this.#wires[side].take()) to.push({ data, from: addresses[side] }, this.#now);
  }
}
