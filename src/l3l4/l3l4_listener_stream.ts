/**
 * Who takes the connections that peers ask for.
 *
 * @module
 */
import { limitOption } from "../core/limits.ts";
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
  /** Port that the peer wants. */
  readonly port?: number | undefined;
  /** Address that the peer wants, as text. */
  readonly address?: string | undefined;
}

/** Options of a listener. */
export interface L3L4ListenOptions {
  /**
   * Connections that may wait to be taken. Peers that ask when so many wait get no answer, and ask again. Those that were
   * answered before that, and find no room once they open, are reset: what was answered is not counted, as anybody can make
   * up requests and never open one.
   *
   * @default {1024}
   */
  readonly backlog?: number | undefined;
}

/** Someone who takes connections. */
export interface FlowTaker {
  /** Whether it wants this one. */
  wants(request: L3L4Request): boolean;
  /** Whether it has the same answer for a connection whenever it is asked. */
  readonly isFixed: boolean;
  /** Whether there is room for one more. */
  readonly hasRoom: boolean;
  /** Here it is, open. */
  take(socket: L3L4Socket): void;
  /** The stack is over. */
  over(reason: unknown): void;
}

/** Connections that peers ask for, as they open. */
export class L3L4Listener implements AsyncDisposable {
  readonly #arrivals: Arrivals<L3L4Socket>;

  /** Made by `listen` of {@linkcode L3L4}. */
  constructor(arrivals: Arrivals<L3L4Socket>) {
    this.#arrivals = arrivals;
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

/** What stands behind a listener. */
export class ListenerTaker implements FlowTaker {
  /** Whether it has the same answer for a connection whenever it is asked. */
  readonly isFixed: boolean;
  /** What its user has. */
  readonly listener: L3L4Listener;
  readonly #filter: (request: L3L4Request) => boolean;
  readonly #arrivals: Arrivals<L3L4Socket>;

  /** `closed` is told when nothing is taken any more. */
  constructor(filter: L3L4Filter, options: L3L4ListenOptions, closed: (taker: ListenerTaker) => void) {
    this.isFixed = typeof filter !== "function";
    this.#filter = typeof filter === "function" ? filter : fieldsFilter(filter);
    const backlog = limitOption("backlog", options.backlog, BACKLOG);
    this.#arrivals = new Arrivals<L3L4Socket>(
      backlog,
      (socket) => socket,
      (socket) => socket.abort(),
      () => closed(this),
    );
    this.listener = new L3L4Listener(this.#arrivals);
  }

  /** Whether one more may come. */
  get hasRoom(): boolean {
    return this.#arrivals.hasRoom;
  }

  /** Whether it wants this one. */
  wants(request: L3L4Request): boolean {
    return !this.#arrivals.isOver && this.#filter(request);
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

function fieldsFilter({ port, address }: L3L4FilterFields): (request: L3L4Request) => boolean {
  const wanted = address === undefined ? undefined : formatAddress(parseAddress(address));
  return (request) =>
    (port === undefined || request.localPort === port) && (wanted === undefined || request.localAddress === wanted);
}
