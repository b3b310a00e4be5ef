/**
 * The engine of the kcm layer: whole messages of many connections steered to a few sockets.
 *
 * Follows the receive side of Linux's Kernel Connection Multiplexor (Documentation/networking/kcm.rst). What differs:
 *
 * - A message goes to the first socket in line, which then goes to the end of the line: round robin by message. The
 *   kernel reserves a socket for everything that one readiness of a connection brings.
 * - A socket says itself when it has room again; the kernel's has none until its queue is empty.
 * - Every message names its connection, and a connection that ends or fails is reported with its own error.
 * - Unattaching a connection does not lose the message that waits in it.
 *
 * Not here: sending, other policies than round robin, queues of the sockets, deadlines.
 *
 * Theory. A message is in exactly one of four places: delivered; kept by its port, which is paused then and stands in
 * `#ready`; given back by a closed socket and in `#hold`; or nowhere yet, as bytes that were not taken. While a socket
 * has room, `#hold` and `#ready` are empty, except during work. Each operation is `enter`, the work, `leave`; callbacks
 * come during work, so whatever they call finds the engine busy. `leave` alone moves what waits.
 *
 * @module
 */
import { limitOption } from "../core/limits.ts";
import { Reasons } from "../core/reasons.ts";
import { KcmError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import { KcmSock } from "./kcm_sock.ts";
import { KcmConnection, type KcmMessage } from "./kcm_message.ts";
import type { MultiplexorLimits, MultiplexorStats } from "./multiplexor_options.ts";
import type { PortHost } from "./port_host.ts";
import type { AttachOptions, LowerEvents, LowerPort, SocketPort, SocketSink } from "./ports.ts";
import { Psock } from "./psock.ts";
import { SlotTable } from "./slot_table.ts";
import { Waiters } from "./waiters.ts";

const DEFAULT_MAX_CONNECTIONS = 131_072;
const DEFAULT_MAX_SOCKETS = 1024;
const DEFAULT_MAX_MESSAGE_LENGTH = 1024 * 1024;
const DEFAULT_MAX_PARTIAL_BYTES = 256 * 1024 * 1024;

/**
 * Steers messages from attached connections to sockets. No stream, no promise, no clock: callbacks only.
 *
 * @example
 * ```ts
 * import { MultiplexorEngine } from "@leat/streams/kcm";
 * import { lengthPrefix } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const engine = new MultiplexorEngine();
 * const got: string[] = [];
 * const sink = (name: string) => ({
 *   message: ({ data }: { data: Uint8Array }) => void got.push(`${name} ${data[1]}`),
 *   end: () => void got.push(`${name} end`),
 * });
 * engine.socket(sink("a"));
 * engine.socket(sink("b"));
 * const connection = engine.attach({ parser: lengthPrefix(1) });
 * connection.push(Uint8Array.of(1, 10, 1, 11, 1, 12), 0);
 * connection.end(0);
 * engine.close();
 * assertEquals(got, ["a 10", "b 11", "a 12", "a end", "b end"]);
 * ```
 */
export class MultiplexorEngine {
  /**
   * The engine as its ports see it; an object of its own, so that the engine's users do not. A class, because every
   * message comes through here: calls of an engine's own closures cost a whole pipeline 3 %, a getter among them as much
   * again (V8 keeps an object literal with one as a hash table).
   */
  static readonly #Host = class implements PortHost {
    readonly #engine: MultiplexorEngine;

    constructor(engine: MultiplexorEngine) {
      this.#engine = engine;
    }

    isBusy(): boolean {
      return this.#engine.#isBusy;
    }

    enter(method: string): void {
      this.#engine.#enter(method);
    }

    leave(): void {
      this.#engine.#leave();
    }

    steer(port: Psock, message: KcmMessage): boolean {
      return this.#engine.#steer(port, message);
    }

    partial(port: Psock, bytes: number): KcmError | undefined {
      return this.#engine.#partial(port, bytes);
    }

    dropped(): void {
      this.#engine.#counts.dropped++;
    }

    unattach(port: Psock, failure: string | undefined): void {
      this.#engine.#unattach(port, failure);
    }

    roomAt(socket: KcmSock): void {
      this.#engine.#waiters.push(socket);
    }

    noRoomAt(socket: KcmSock): void {
      this.#engine.#waiters.remove(socket);
    }

    closed(socket: KcmSock, unread: readonly KcmMessage[]): void {
      this.#engine.#closeSocket(socket, unread);
    }
  };

  /** Connections that failed, by the code of their error. */
  readonly failures: Reasons = new Reasons();
  readonly #maxConnections: number;
  readonly #maxSockets: number;
  readonly #maxMessageLength: number;
  readonly #maxPartialBytes: number;
  readonly #ports: SlotTable<Psock>;
  readonly #sockets: SlotTable<KcmSock>;
  readonly #waiters: Waiters<KcmSock> = new Waiters();
  readonly #hold: Fifo<KcmMessage> = new Fifo();
  readonly #ready: Fifo<Psock> = new Fifo();
  readonly #resumed: Fifo<Psock> = new Fifo();
  readonly #host: PortHost;
  readonly #counts = {
    rxMessages: 0,
    rxBytes: 0,
    attached: 0,
    unattached: 0,
    refused: 0,
    requeued: 0,
    dropped: 0,
  };
  #partialBytes = 0;
  #nextId = 1;
  #isBusy = false;
  #isWaking = false;
  #isClosed = false;
  #isFinished = false;

  /**
   * Makes a multiplexor without sockets and connections.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: MultiplexorLimits = {}) {
    this.#maxConnections = limitOption("maxConnections", options.maxConnections, DEFAULT_MAX_CONNECTIONS);
    this.#maxSockets = limitOption("maxSockets", options.maxSockets, DEFAULT_MAX_SOCKETS);
    this.#maxMessageLength = limitOption("maxMessageLength", options.maxMessageLength, DEFAULT_MAX_MESSAGE_LENGTH);
    this.#maxPartialBytes = limitOption("maxPartialBytes", options.maxPartialBytes, DEFAULT_MAX_PARTIAL_BYTES);
    this.#ports = new SlotTable(this.#maxConnections);
    this.#sockets = new SlotTable(this.#maxSockets);
    this.#host = new MultiplexorEngine.#Host(this);
  }

  /** A snapshot of the counters. */
  get stats(): MultiplexorStats {
    return {
      ...this.#counts,
      connections: this.#ports.size,
      sockets: this.#sockets.size,
      partialBytes: this.#partialBytes,
      readyMessages: this.#ready.length,
      heldMessages: this.#hold.length,
    };
  }

  /** Whether {@linkcode close} or {@linkcode abort} was called. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether everything is over: closed, every connection has ended, every message was delivered. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** Whether some socket has room. */
  get hasRoom(): boolean {
    return this.#waiters.first !== undefined;
  }

  /**
   * Attaches a connection.
   *
   * @throws {TypeError | RangeError} when an option is wrong; nothing has changed then
   * @throws {KcmError} `ENFILE` at `maxConnections`, `EPIPE` once closed, `EBUSY` from within a callback
   */
  attach(options: AttachOptions, events: LowerEvents = {}): LowerPort {
    this.#host.enter("attach");
    try {
      return this.#attach(options, events);
    } finally {
      this.#host.leave();
    }
  }

  /**
   * Opens a socket. It stands at the end of the line, and messages that waited for it come before this returns; with
   * `paused` it has no room until it is resumed. `end` comes before this returns if everything is over.
   *
   * @throws {KcmError} `ENFILE` at `maxSockets`, `EBUSY` from within a callback
   */
  socket(sink: SocketSink, options: { paused?: boolean | undefined } = {}): SocketPort {
    this.#host.enter("socket");
    try {
      if (this.#sockets.isFull) {
        throw new KcmError(`no more than maxSockets ${this.#maxSockets}`, { code: "ENFILE", blame: "local" });
      }
      const socket = this.#sockets.add((handle) => new KcmSock(handle, sink, this.#host));
      this.#waiters.push(socket);
      if (options.paused) socket.pause();
      if (this.#isFinished) socket.end();
      return socket;
    } finally {
      this.#host.leave();
    }
  }

  /** The attached connection with this handle; `undefined` for a stale one. */
  portOf(handle: number): LowerPort | undefined {
    return this.#ports.get(handle);
  }

  /** The open socket with this handle; `undefined` for a stale one. */
  socketOf(handle: number): SocketPort | undefined {
    return this.#sockets.get(handle);
  }

  /**
   * No more connections. The sockets end once those that are attached have ended and every message was delivered.
   *
   * @throws {KcmError} `EBUSY` from within a callback
   */
  close(): void {
    this.#host.enter("close");
    this.#isClosed = true;
    this.#host.leave();
  }

  /**
   * No more connections, and those that are attached are over, with `error` for their drivers. What they brought whole
   * is still delivered; then the sockets end. Allowed anywhere.
   */
  abort(error?: unknown): void {
    if (this.#isBusy) return this.#abort(error);
    this.#isBusy = true;
    try {
      this.#abort(error);
    } finally {
      this.#leave();
    }
  }

  /** Counts a connection that is refused, and gives it a number: for drivers that refuse one themselves. */
  refuse(options: Omit<AttachOptions, "parser">): KcmConnection {
    this.#counts.refused++;
    return new KcmConnection(this.#nextId++, options.flow, options.direction, options.label);
  }

  /** Always `Infinity`: there are no deadlines here. */
  timeoutAt(): number {
    return Infinity;
  }

  /** Does nothing: there are no deadlines here. */
  onTimeout(_now: number): void {}

  #attach(options: AttachOptions, events: LowerEvents): LowerPort {
    if (this.#isClosed) {
      const connection = this.refuse(options);
      throw new KcmError("the multiplexor is closed", { code: "EPIPE", blame: "local", connection });
    }
    if (this.#ports.isFull) {
      const connection = this.refuse(options);
      const message = `no more than maxConnections ${this.#maxConnections}`;
      throw new KcmError(message, { code: "ENFILE", blame: "remote", connection });
    }
    const connection = new KcmConnection(this.#nextId, options.flow, options.direction, options.label);
    const limit = limitOption("maxMessageLength", options.maxMessageLength, this.#maxMessageLength);
    const port = this.#ports.add((handle) => new Psock(handle, connection, options, limit, events, this.#host));
    this.#nextId++;
    this.#counts.attached++;
    return port;
  }

  #enter(method: string): void {
    if (this.#isBusy) {
      throw new KcmError(`${method} was called while the multiplexor is at work`, { code: "EBUSY", blame: "local" });
    }
    this.#isBusy = true;
  }

  #leave(): void {
    try {
      if (this.#hold.length > 0 || this.#ready.length > 0) this.#moveWaiting();
    } finally {
      this.#isBusy = false;
    }
    // a driver that is woken pushes, and comes here again: the outer call goes on with the next, however many there are
    if (this.#isWaking) return;
    if (this.#resumed.length > 0) this.#wake();
    if (this.#isClosed && !this.#isFinished) this.#finishWhenDone();
  }

  #steer(port: Psock, message: KcmMessage): boolean {
    this.#counts.rxMessages++;
    this.#counts.rxBytes += message.data.length;
    // a callback may have made room meanwhile: what has waited longer goes first
    if (this.#ready.length > 0 || this.#hold.length > 0) this.#moveWaiting();
    const socket = this.#waiters.first;
    if (socket === undefined) {
      this.#ready.push(port);
      return false;
    }
    this.#waiters.rotate();
    socket.deliver(message);
    return true;
  }

  #partial(port: Psock, bytes: number): KcmError | undefined {
    this.#partialBytes += bytes;
    if (bytes < 0 || this.#partialBytes <= this.#maxPartialBytes) return undefined;
    const message = `unfinished messages of all connections exceed maxPartialBytes ${this.#maxPartialBytes}`;
    return new KcmError(message, { code: "ENOBUFS", blame: "remote", connection: port.connection });
  }

  /** Moves messages that wait to sockets with room: those of closed sockets first, then one of each port in line. */
  #moveWaiting(): void {
    for (let socket = this.#waiters.first; socket !== undefined; socket = this.#waiters.first) {
      const message = this.#hold.shift() ?? this.#takeReady();
      if (message === undefined) return;
      this.#waiters.rotate();
      socket.deliver(message);
    }
  }

  #takeReady(): KcmMessage | undefined {
    const port = this.#ready.shift();
    if (port === undefined) return undefined;
    this.#resumed.push(port);
    return port.takeReady();
  }

  #wake(): void {
    this.#isWaking = true;
    try {
      for (let port = this.#resumed.shift(); port !== undefined; port = this.#resumed.shift()) port.notifyResumed();
    } finally {
      this.#isWaking = false;
    }
  }

  #unattach(port: Psock, failure: string | undefined): void {
    this.#ports.remove(port.handle);
    this.#counts.unattached++;
    if (failure !== undefined) this.failures.count(failure);
  }

  #abort(error: unknown): void {
    this.#isClosed = true;
    for (const port of this.#ports.values()) {
      if (error === undefined) port.abort();
      else port.fail(error);
    }
  }

  #closeSocket(socket: KcmSock, unread: readonly KcmMessage[]): void {
    this.#sockets.remove(socket.handle);
    this.#counts.requeued += unread.length;
    // they came before whatever another closed socket gave back and nobody took since
    this.#hold.prepend(unread);
  }

  #finishWhenDone(): void {
    if (this.#ports.size > 0 || this.#hold.length > 0 || this.#ready.length > 0) return;
    this.#isFinished = true;
    this.#isBusy = true;
    try {
      for (const socket of this.#sockets.values()) socket.end();
    } finally {
      this.#isBusy = false;
    }
  }
}
