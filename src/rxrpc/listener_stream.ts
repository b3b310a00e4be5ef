/**
 * Calls that come, as they are asked for.
 *
 * @module
 */
import { Bag, type BagMember } from "../core/bag.ts";
import { callbackOption, limitOption, needObject } from "../core/limits.ts";
import { RxCallStream } from "./call_stream.ts";
import type { EndpointDriver } from "./endpoint_driver_stream.ts";
import { typeName } from "../core/words.ts";
import { checkService } from "./offered_services.ts";
import type { RxCallPort, RxDecision, RxService } from "./ports.ts";

const DEFAULT_BACKLOG = 32;

/** Options of a listener. */
export interface RxListenOptions {
  /** What is offered. */
  readonly services: readonly (RxService | number)[];
  /** Calls that run and may wait to be asked for; beyond, clients are told that this end is busy. @default {32} */
  readonly backlog?: number | undefined;
  /**
   * Looks at each call before it is taken; says `"busy"` or a number for clients that are not to be served. What it throws
   * closes the listener, and `accept` and the loop throw it.
   */
  readonly refuses?: ((call: RxCallPort) => "busy" | number | undefined) | undefined;
}

/** A call that is not over. */
interface Running extends BagMember {
  readonly call: RxCallStream;
  /** Whether nobody has asked for it yet. */
  isWaiting: boolean;
}

/** What a listener needs of its endpoint. */
export interface ListenerHost {
  /** The call has no place among those that wait. */
  refused(call: RxCallPort): void;
  /** It takes no more calls. */
  closed(listener: RxListener): void;
}

/**
 * Calls of the services that were offered, an async iterable. Leaving the loop closes it: calls that run go on, new ones
 * are refused.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { RxEndpoint } from "@leat/streams/rxrpc";
 * import { dgramPair, InetAddress } from "@leat/streams/tsocket";
 *
 * const to = InetAddress.parse("192.0.2.1:7000");
 * const [left, right] = dgramPair({ addresses: [InetAddress.parse("192.0.2.2:7001"), to] });
 * const client = await RxEndpoint.open(left);
 * const server = await RxEndpoint.open(right);
 * const listener = server.listen({ services: [52, 73], backlog: 8 });
 * const replies = Promise.all([52, 73].map((service) => client.request({ to, service, body: new Uint8Array(1) })));
 * const services: number[] = [];
 * for await (const call of listener) {
 *   services.push(call.service);
 *   await call.bytes();
 *   await call.end();
 *   if (services.length === 2) break;
 * }
 * await replies;
 * assertEquals(services.sort(), [52, 73]);
 * await Promise.all([client.close(), server.close()]);
 * ```
 */
export class RxListener implements AsyncIterable<RxCallStream>, AsyncDisposable {
  /** What is offered. */
  readonly services: readonly RxService[];
  readonly #host: ListenerHost;
  readonly #driver: EndpointDriver;
  readonly #backlog: number;
  readonly #refuses: RxListenOptions["refuses"];
  readonly #waiting: Running[] = [];
  readonly #running: Bag<Running> = new Bag();
  readonly #wakes: (() => void)[] = [];
  #isClosed = false;
  #failed: { readonly error: unknown } | undefined;

  /** Made by an endpoint. */
  constructor(host: ListenerHost, driver: EndpointDriver, options: RxListenOptions) {
    needObject("options", options);
    this.#host = host;
    this.#driver = driver;
    this.#backlog = limitOption("backlog", options.backlog, DEFAULT_BACKLOG);
    this.#refuses = callbackOption("refuses", options.refuses);
    this.services = servicesOf(options.services);
  }

  /** Decides about a call. */
  incoming(port: RxCallPort): RxDecision {
    if (this.#isClosed) return -2;
    if (this.#waiting.length >= this.#backlog) {
      this.#host.refused(port);
      return "busy";
    }
    try {
      // a call that it has aborted would never be over for whoever accepts it
      const refusal = this.#refuses?.(port) ?? (port.isClosed ? -2 : undefined);
      if (refusal === "busy" || Number.isInteger(refusal)) return refusal as RxDecision;
      if (refusal !== undefined) throw new TypeError(`refuses must say "busy", a number or nothing, not ${refusal}`);
    } catch (error) {
      this.#failed = { error };
      queueMicrotask(() => void this.close());
      return -2;
    }
    const call = new RxCallStream(this.#driver, port, () => this.#over(running));
    const running: Running = { call, isWaiting: true, bagIndex: -1 };
    this.#waiting.push(running);
    this.#running.add(running);
    this.#wakes.shift()?.();
    return call.sink;
  }

  /** The next call; `undefined` once the listener is closed. Rejects with what `refuses` threw. */
  async accept(): Promise<RxCallStream | undefined> {
    while (this.#waiting.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => this.#wakes.push(resolve));
    }
    if (this.#failed !== undefined) throw this.#failed.error;
    const next = this.#waiting.shift();
    if (next !== undefined) next.isWaiting = false;
    return next?.call;
  }

  /** Takes no more calls. With `drain`, resolves when those that run are over; without, those that wait are aborted. */
  async close(options: { drain?: boolean | undefined } = {}): Promise<void> {
    if (!this.#isClosed) this.#host.closed(this);
    this.#isClosed = true;
    for (const wake of this.#wakes.splice(0)) wake();
    if (options.drain !== true) {
      for (const { call } of [...this.#waiting]) call.abort(-1);
      return;
    }
    await Promise.allSettled(this.#running.values().map(({ call }) => call.closed));
  }

  /** A call that is over takes no room of those that may be asked for. */
  #over(running: Running): void {
    this.#running.delete(running);
    if (running.isWaiting) this.#waiting.splice(this.#waiting.indexOf(running), 1);
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Calls as they come; leaving the loop closes the listener. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RxCallStream> {
    try {
      for (let call = await this.accept(); call !== undefined; call = await this.accept()) yield call;
    } finally {
      await this.close();
    }
  }
}

/** All of them are checked before the first is offered. */
function servicesOf(services: RxListenOptions["services"]): RxService[] {
  if (!Array.isArray(services)) throw new TypeError(`services must be a list, got ${typeName(services)}`);
  const ids = new Set<number>();
  return services.map((given: RxService | number) => {
    const service = typeof given === "number" ? { id: given } : given;
    checkService(service);
    if (ids.has(service.id)) throw new RangeError(`service ${service.id} is named twice`);
    ids.add(service.id);
    return service;
  });
}
