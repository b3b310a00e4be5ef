/**
 * Who takes the connections that peers ask for.
 *
 * @module
 */
import { limitOption } from "../core/limits.ts";
import { formatAddress, parseAddress } from "../packet/address.ts";
import type { L3L4Request } from "./incoming_request.ts";
import type { L3L4Socket } from "./l3l4_socket_stream.ts";

/** Connections that wait to be taken, by default. */
const BACKLOG = 1024;

/** Which connections a listener wants: those that fit all that is said, or those that a function says yes to. */
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
  /** Connections that may wait to be taken; peers that ask meanwhile get no answer, and ask again. @default {1024} */
  readonly backlog?: number | undefined;
}

/** Someone who takes connections. */
export interface FlowTaker {
  /** Whether it wants this one. */
  wants(request: L3L4Request): boolean;
  /** Whether there is room for one more. */
  readonly hasRoom: boolean;
  /** Here it is, open. */
  take(socket: L3L4Socket): void;
  /** The stack is over. */
  over(reason: unknown): void;
}

/** Connections that peers ask for, as they open. */
export class L3L4Listener implements FlowTaker, AsyncDisposable {
  /** Connections, each once it is open. Cancelling it, also by leaving a loop over it, closes the listener. */
  readonly readable: ReadableStream<L3L4Socket>;
  readonly #filter: (request: L3L4Request) => boolean;
  readonly #backlog: number;
  readonly #closed: (listener: L3L4Listener) => void;
  #controller!: ReadableStreamDefaultController<L3L4Socket>;
  #waiting: L3L4Socket[] = [];
  #isWanted = false;
  #isOver = false;
  #error: { readonly reason: unknown } | undefined;

  /** Made by `listen` of {@linkcode L3L4}. */
  constructor(filter: L3L4Filter, options: L3L4ListenOptions, closed: (listener: L3L4Listener) => void) {
    this.#filter = typeof filter === "function" ? filter : fieldsFilter(filter);
    this.#backlog = limitOption("backlog", options.backlog, BACKLOG);
    this.#closed = closed;
    this.readable = new ReadableStream<L3L4Socket>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        this.#isWanted = true;
        this.#deliver();
      },
      cancel: () => this.#leave(),
    }, { highWaterMark: 0 });
  }

  /** The same. */
  [Symbol.asyncIterator](): AsyncIterableIterator<L3L4Socket> {
    return this.readable[Symbol.asyncIterator]();
  }

  /** Whether one more may come. */
  get hasRoom(): boolean {
    return this.#waiting.length < this.#backlog;
  }

  /** Whether it wants this one. */
  wants(request: L3L4Request): boolean {
    return !this.#isOver && this.#filter(request);
  }

  /** Takes one. */
  take(socket: L3L4Socket): void {
    this.#waiting.push(socket);
    this.#deliver();
  }

  /** The stack is over: what waits can still be had, and then how it ended. */
  over(reason: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (reason !== undefined) this.#error = { reason };
    this.#deliver();
  }

  /** No more are taken; those that wait are reset. */
  close(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    this.#leave();
    this.#controller.close();
    return Promise.resolve();
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #leave(): void {
    this.#isOver = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#closed(this);
    for (const socket of waiting) socket.abort();
  }

  #deliver(): void {
    if (this.#isWanted && this.#waiting.length > 0) {
      this.#isWanted = false;
      // the queue is short, or somebody is slow anyway
      this.#controller.enqueue(this.#waiting.shift()!);
    }
    if (!this.#isOver || this.#waiting.length > 0) return;
    if (this.#error === undefined) this.#controller.close();
    else this.#controller.error(this.#error.reason);
  }
}

function fieldsFilter({ port, address }: L3L4FilterFields): (request: L3L4Request) => boolean {
  const wanted = address === undefined ? undefined : formatAddress(parseAddress(address));
  return (request) =>
    (port === undefined || request.localPort === port) && (wanted === undefined || request.localAddress === wanted);
}
