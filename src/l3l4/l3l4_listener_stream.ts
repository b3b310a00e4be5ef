/**
 * Who takes the connections that peers ask for.
 *
 * @module
 */
import { choiceOption, knownKeys, limitOption } from "../core/limits.ts";
import { shownAs } from "../core/shown.ts";
import { Arrivals } from "./arrivals_stream.ts";
import { formatAddress, parseAddress } from "../packet/address.ts";
import type { L3L4Request } from "./incoming_request.ts";
import type { L3L4Socket } from "./l3l4_socket_stream.ts";

/** Connections that wait to be taken, by default. */
const BACKLOG = 1024;

/**
 * Which connections a listener wants: those that fit all that is said, or those that a function says yes to.
 *
 * A function is asked once, when the peer asks. During a flood of requests it may be asked again once the connection is
 * open, which nothing but its path is known of then: `segmentSize` and `windowScale` are -1, `hasSack` and `hasTimestamps`
 * `false`. One that says no to that has the connection reset.
 */
export type L3L4Filter = L3L4FilterFields | ((request: L3L4Request) => boolean);

/** What is said of the connections that a listener wants. */
export interface L3L4FilterFields {
  /** Port that the peer wants, all by default. */
  readonly port?: number | undefined;
  /** Address that the peer wants, as text; all by default. */
  readonly address?: string | undefined;
}

/** Options of a listener. */
export interface L3L4ListenOptions {
  /**
   * Connections that may wait to be taken. What was answered and has not opened is not counted, as anybody can make up
   * requests and never open one. Beyond that it is as `whenFull` says.
   *
   * @default {1024}
   */
  readonly backlog?: number | undefined;
  /**
   * What becomes of peers that find no room: `"ignore"` lets them ask again, and those that were answered already wait half
   * open until there is room, as with Linux; `"reset"` tells them at once.
   *
   * @default {"ignore"}
   */
  readonly whenFull?: "ignore" | "reset" | undefined;
}

/** Someone who takes connections. */
export interface FlowTaker {
  /** Whether it wants this one. */
  wants(request: L3L4Request): boolean;
  /**
   * What it wants: the same text for the same connections. A function may have another answer whenever it is asked.
   */
  readonly wanted: string | ((request: L3L4Request) => boolean);
  /** How many more may wait for it. */
  readonly room: number;
  /** Whether those for whom there is no room are reset. */
  readonly resetsWhenFull: boolean;
  /** One found no room. */
  overflowed(): void;
  /** Here it is, open. */
  take(socket: L3L4Socket): void;
  /** The stack is over. */
  over(reason: unknown): void;
}

/** Connections that peers ask for, as they open. */
export class L3L4Listener implements AsyncDisposable {
  readonly #taker: ListenerTaker;
  readonly #arrivals: Arrivals<L3L4Socket>;

  /** Made by `listen` of {@linkcode L3L4}. */
  constructor(taker: ListenerTaker, arrivals: Arrivals<L3L4Socket>) {
    this.#taker = taker;
    this.#arrivals = arrivals;
  }

  /** What it wants, in words. */
  get wanted(): string {
    const { wanted } = this.#taker;
    return typeof wanted === "string" ? wanted : "what a function says";
  }

  /** Connections that wait to be taken. */
  get waiting(): number {
    return this.#arrivals.waiting;
  }

  /** How often a peer found no room: requests, and handshakes that were all but done. */
  get overflows(): number {
    return this.#taker.overflows;
  }

  /** Connections, each once it is open. Cancelling it, also by leaving a loop over it, closes the listener. */
  get readable(): ReadableStream<L3L4Socket> {
    return this.#arrivals.readable;
  }

  /** The same. */
  [Symbol.asyncIterator](): AsyncIterableIterator<L3L4Socket> {
    return this.readable[Symbol.asyncIterator]();
  }

  /** No more are taken; those that wait are reset. */
  close(): Promise<void> {
    this.#arrivals.close();
    return Promise.resolve();
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

shownAs(L3L4Listener, "L3L4Listener", ({ wanted, waiting, overflows }) => ({ wanted, waiting, overflows }));

/** What stands behind a listener. */
export class ListenerTaker implements FlowTaker {
  /** See {@linkcode FlowTaker}. */
  readonly wanted: string | ((request: L3L4Request) => boolean);
  /** See {@linkcode FlowTaker}. */
  readonly resetsWhenFull: boolean;
  /** What its user has. */
  readonly listener: L3L4Listener;
  /** How often one found no room. */
  overflows = 0;
  readonly #filter: (request: L3L4Request) => boolean;
  readonly #arrivals: Arrivals<L3L4Socket>;

  /** `closed` is told when nothing is taken any more. */
  constructor(filter: L3L4Filter, options: L3L4ListenOptions, closed: (taker: ListenerTaker) => void) {
    if (typeof filter === "function") this.wanted = this.#filter = filter;
    else {
      const { port, address } = checkedFields(filter);
      this.wanted = wantedText(port, address);
      this.#filter = (request) =>
        (port === undefined || request.localPort === port) &&
        (address === undefined || request.localAddress === address);
    }
    knownKeys("options of listen", options, ["backlog", "whenFull"]);
    const backlog = limitOption("backlog", options.backlog, BACKLOG);
    this.resetsWhenFull = choiceOption("whenFull", options.whenFull, "ignore", ["ignore", "reset"]) === "reset";
    this.#arrivals = new Arrivals<L3L4Socket>(
      backlog,
      (socket) => socket,
      (socket) => socket.abort(),
      () => closed(this),
    );
    this.listener = new L3L4Listener(this, this.#arrivals);
  }

  /** See {@linkcode FlowTaker}. */
  get room(): number {
    return this.#arrivals.room;
  }

  /** Whether it wants this one. */
  wants(request: L3L4Request): boolean {
    return !this.#arrivals.isOver && this.#filter(request);
  }

  /** See {@linkcode FlowTaker}. */
  overflowed(): void {
    this.overflows++;
  }

  /** Takes one. */
  take(socket: L3L4Socket): void {
    this.#arrivals.push(socket);
  }

  /** The stack is over: what waits can still be had, and then how it ended. */
  over(reason: unknown): void {
    this.#arrivals.end(reason);
  }
}

/** What a taker of connections to this port and address wants, as {@linkcode FlowTaker.wanted} has it. */
export function wantedText(port: number | undefined, address: string | undefined): string {
  return `port ${port ?? "any"} of ${address ?? "any address"}`;
}

/** A filter that says nothing wants everything, so what is none must not pass for one. */
function checkedFields(filter: L3L4FilterFields): L3L4FilterFields {
  knownKeys("a filter", filter, ["port", "address"]);
  const { port, address } = filter;
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 0xffff)) {
    throw new RangeError(`port must be an integer from 1 to 65535, got ${String(port)}`);
  }
  return { port, address: address === undefined ? undefined : formatAddress(parseAddress(address)) };
}
