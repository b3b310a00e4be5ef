/**
 * Calls that come, as they are asked for.
 *
 * @module
 */
import { limitOption } from "../core/limits.ts";
import { RxCallStream } from "./call_stream.ts";
import type { EndpointDriver } from "./endpoint_driver_stream.ts";
import type { RxCallPort, RxDecision, RxService } from "./ports.ts";

const DEFAULT_BACKLOG = 32;

/** Options of a listener. */
export interface RxListenOptions {
  /** What is offered. */
  readonly services: readonly (RxService | number)[];
  /** Calls that may wait to be asked for; beyond, clients are told that this end is busy. @default {32} */
  readonly backlog?: number | undefined;
}

/** What a listener needs of its endpoint. */
export interface ListenerHost {
  /** It takes no more calls. */
  closed(listener: RxListener): void;
}

/** Calls of the services that were offered, an async iterable. */
export class RxListener implements AsyncIterable<RxCallStream>, AsyncDisposable {
  /** What is offered. */
  readonly services: readonly RxService[];
  readonly #host: ListenerHost;
  readonly #driver: EndpointDriver;
  readonly #backlog: number;
  readonly #waiting: RxCallStream[] = [];
  readonly #running: Set<RxCallStream> = new Set();
  #wake: (() => void) | undefined;
  #isClosed = false;

  /** Made by an endpoint. */
  constructor(host: ListenerHost, driver: EndpointDriver, options: RxListenOptions) {
    this.#host = host;
    this.#driver = driver;
    this.#backlog = limitOption("backlog", options.backlog, DEFAULT_BACKLOG);
    this.services = options.services.map((service) => typeof service === "number" ? { id: service } : service);
  }

  /** Decides about a call. */
  incoming(port: RxCallPort): RxDecision {
    if (this.#isClosed) return -2;
    if (this.#waiting.length >= this.#backlog) return "busy";
    const call = new RxCallStream(this.#driver, port);
    this.#waiting.push(call);
    this.#running.add(call);
    const done = (): boolean => this.#running.delete(call);
    call.closed.then(done, done);
    this.#wake?.();
    return call.sink;
  }

  /** The next call; `undefined` once the listener is closed. */
  async accept(): Promise<RxCallStream | undefined> {
    while (this.#waiting.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#waiting.shift();
  }

  /** Takes no more calls. With `drain`, resolves when those that run are over; without, those that wait are aborted. */
  async close(options: { drain?: boolean | undefined } = {}): Promise<void> {
    if (!this.#isClosed) this.#host.closed(this);
    this.#isClosed = true;
    this.#wake?.();
    if (options.drain !== true) {
      for (const call of this.#waiting.splice(0)) call.abort(-1);
      return;
    }
    await Promise.allSettled([...this.#running].map((call) => call.closed));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RxCallStream> {
    try {
      for (let call = await this.accept(); call !== undefined; call = await this.accept()) yield call;
    } finally {
      await this.close();
    }
  }
}
