/**
 * The part of a stack that has to do with connections that peers ask for, and with telling connections what happens to
 * them. Internal.
 *
 * @module
 */
import { L3L4Error } from "./errors.ts";
import type { FlowHost, FlowUser } from "./flow_user.ts";
import { L3L4Request } from "./incoming_request.ts";
import { type FlowTaker, ListenerTaker } from "./l3l4_listener_stream.ts";
import type { FlowPath, IncomingConnection, TcpPort, TcpSink, Verdict } from "./l3l4_sink.ts";
import { L3L4Socket } from "./l3l4_socket_stream.ts";

/** Requests whose takers are remembered until they open. A flood drives out the oldest, which are then asked again. */
const MAX_CHOSEN = 1024;

/** What the stack lends. */
export interface TcpSideHost extends FlowHost {
  /** Whether it takes no more connections. */
  readonly isClosed: boolean;
  /** A callback of the user's threw. */
  threw(error: unknown): void;
}

/** Who takes connections. */
export class TcpSide implements TcpSink {
  readonly #host: TcpSideHost;
  readonly #onIncoming: ((request: L3L4Request) => Verdict | undefined) | undefined;
  readonly #takers: Set<FlowTaker> = new Set();
  /** Takers that may have another answer when they are asked again. */
  #fickle = 0;
  /** Who said yes to requests that have not opened yet, while there are such takers. */
  readonly #chosen: Map<string, FlowTaker> = new Map();
  /** Connections that were let open and have not been handed over: each takes a place, whose it may be. */
  #opening = 0;
  #flows: ListenerTaker | undefined;
  #isOver = false;

  /** Nobody takes any. */
  constructor(host: TcpSideHost, onIncoming: ((request: L3L4Request) => Verdict | undefined) | undefined) {
    this.#host = host;
    this.#onIncoming = onIncoming;
  }

  /** Connections that no listener wants; none before this was asked for. */
  get flows(): ReadableStream<L3L4Socket> {
    if (this.#flows === undefined) {
      this.#flows = new ListenerTaker({}, {}, () => {});
      if (this.#isOver) this.#flows.over(undefined);
    }
    return this.#flows.listener.readable;
  }

  /**
   * One more who takes connections.
   *
   * @throws {L3L4Error} `EADDRINUSE` when another wants the same: this one would never get any
   */
  join(taker: FlowTaker): void {
    const { wanted } = taker;
    for (const other of this.#takers) {
      if (other.wanted !== wanted) continue;
      const what = typeof wanted === "string" ? `somebody listens at ${wanted}` : "somebody listens with this filter";
      throw new L3L4Error(what, { code: "EADDRINUSE", blame: "local" });
    }
    this.#takers.add(taker);
    if (isFickle(taker)) this.#fickle++;
  }

  /** One fewer. */
  leave(taker: FlowTaker): void {
    if (this.#takers.delete(taker) && isFickle(taker)) this.#fickle--;
  }

  /** The stack is over. */
  over(reason: unknown): void {
    this.#isOver = true;
    this.#chosen.clear();
    for (const taker of this.#takers) taker.over(reason);
    this.#takers.clear();
    this.#flows?.over(reason);
  }

  // events of the engine

  /** See `TcpSink`. */
  incoming(incoming: IncomingConnection): Verdict {
    if (this.#host.isClosed) return "refuse";
    const request = new L3L4Request(incoming);
    try {
      const verdict = this.#onIncoming?.(request);
      if (verdict !== undefined) return knownVerdict(verdict);
      const taker = this.#takerFor(request);
      if (taker === undefined) return "refuse";
      if (taker.room <= 0) {
        taker.overflowed();
        return taker.resetsWhenFull ? "refuse" : "ignore";
      }
      if (this.#fickle > 0) this.#choose(incoming, taker);
      return "accept";
    } catch (error) {
      this.#host.threw(error);
      return "refuse";
    }
  }

  /** See `TcpSink`. */
  mayOpen(path: FlowPath): boolean {
    // a stack that is closing takes no more: it is reset once it opens
    if (this.#host.isClosed || this.#isRoomy || this.#mayFind(path)) {
      this.#opening++;
      return true;
    }
    return false;
  }

  /** See `TcpSink`. */
  opened(port: TcpPort): void {
    if (port.context === undefined) this.#accepted(port);
    else (port.context as FlowUser).opened();
  }

  /** See `TcpSink`. */
  readable(port: TcpPort): void {
    (port.context as FlowUser).readable();
  }

  /** See `TcpSink`. */
  writable(port: TcpPort): void {
    (port.context as FlowUser).writable();
  }

  /** See `TcpSink`. */
  ended(port: TcpPort): void {
    (port.context as FlowUser).ended();
  }

  /** See `TcpSink`. */
  delivered(port: TcpPort): void {
    const user = port.context as FlowUser;
    // the longest that an answer takes, as far as is known
    this.#host.delivered(user, port.info().rtoMs);
  }

  /** See `TcpSink`. */
  closed(port: TcpPort, error: L3L4Error | null): void {
    (port.context as FlowUser).closed(error);
  }

  /** Whether every taker has room, whoever it is. */
  get #isRoomy(): boolean {
    for (const taker of this.#takers) if (taker.room <= this.#opening) return false;
    return this.#flows === undefined || this.#flows.room > this.#opening;
  }

  /** Whether there is room for this one, or none is wanted: it is to be reset then. */
  #mayFind(path: FlowPath): boolean {
    try {
      const taker = this.#chosen.get(keyOf(path)) ?? this.#takerFor(new L3L4Request(path));
      if (taker === undefined || taker.room > this.#opening) return true;
      taker.overflowed();
      return taker.resetsWhenFull;
    } catch (error) {
      this.#host.threw(error);
      return true;
    }
  }

  #takerFor(request: L3L4Request): FlowTaker | undefined {
    for (const taker of this.#takers) if (taker.wants(request)) return taker;
    return this.#flows?.wants(request) ? this.#flows : undefined;
  }

  #choose(path: FlowPath, taker: FlowTaker): void {
    const key = keyOf(path);
    this.#chosen.delete(key);
    if (this.#chosen.size >= MAX_CHOSEN) this.#chosen.delete(this.#chosen.keys().next().value!);
    this.#chosen.set(key, taker);
  }

  /** Who said yes to it and is still there. */
  #takeChosen(path: FlowPath): FlowTaker | undefined {
    if (this.#chosen.size === 0) return undefined;
    const key = keyOf(path);
    const taker = this.#chosen.get(key);
    this.#chosen.delete(key);
    return taker === this.#flows || (taker !== undefined && this.#takers.has(taker)) ? taker : undefined;
  }

  /** Little was held of the request: where nobody is remembered, it is asked again who wants it. */
  #accepted(port: TcpPort): void {
    if (this.#opening > 0) this.#opening--;
    const socket = new L3L4Socket(this.#host, port);
    if (this.#host.isClosed) return socket.abort();
    let taker: FlowTaker | undefined;
    try {
      taker = this.#takeChosen(port) ?? this.#takerFor(new L3L4Request(port));
    } catch (error) {
      this.#host.threw(error);
    }
    if (taker !== undefined && taker.room > 0) taker.take(socket);
    else socket.abort();
  }
}

/** Whether it may have another answer when it is asked again. */
function isFickle(taker: FlowTaker): boolean {
  return typeof taker.wanted === "function";
}

function keyOf({ localAddress, localPort, remoteAddress, remotePort }: FlowPath): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** Whatever is no verdict must not pass for one that lets peers in. */
function knownVerdict(verdict: Verdict): Verdict {
  if (verdict === "accept" || verdict === "refuse" || verdict === "ignore" || verdict === "later") return verdict;
  throw new TypeError(
    `onIncoming must return "accept", "refuse", "ignore", "later" or undefined, not ${String(verdict)}`,
  );
}
