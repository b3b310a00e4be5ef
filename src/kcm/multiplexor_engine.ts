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
 * - What is sent is steered message by message, its sender is told what became of it, and nothing waits behind a
 *   connection that has no room.
 *
 * With `compat: "linux"` none of this differs. Here is what a multiplexor is made of and its life; what it does is in
 * `multiplexor_core.ts` and the steering of either direction (`steering_ports.ts`). Not here: queues of the sockets.
 *
 * @module
 */
import { choiceOption, limitOption, needObject } from "../core/limits.ts";
import { Reasons } from "../core/reasons.ts";
import type { ConnectionOutcome } from "./connection_outcome.ts";
import { KcmError } from "./errors.ts";
import type { Timed } from "./deadlines.ts";
import { FifoReceive } from "./fifo_receive.ts";
import { KcmSock } from "./kcm_sock.ts";
import { KcmConnection, type KcmMessage } from "./kcm_message.ts";
import { LinuxPsock } from "./linux_psock.ts";
import { LinuxReceive } from "./linux_receive.ts";
import { LinuxTransmit } from "./linux_transmit.ts";
import { type CoreOwner, MultiplexorCore } from "./multiplexor_core.ts";
import type { MultiplexorLimits, MultiplexorStats } from "./multiplexor_options.ts";
import { fifo, type FifoPolicy } from "./policies.ts";
import { PolicyReceive } from "./policy_receive.ts";
import type { AttachOptions, LowerEvents, LowerPort, SocketOptions, SocketPort, SocketSink } from "./ports.ts";
import { Psock } from "./psock.ts";
import { checkedWeight, type PsockBase } from "./psock_base.ts";
import { addConnectionTotals, type ConnectionTotals, type MultiplexorReport, newConnectionTotals } from "./report.ts";
import type { SendQueueOptions } from "./send_queue.ts";
import { SlotTable } from "./slot_table.ts";
import type { SteeringPolicy } from "./steering_policy.ts";
import type { ReceiveSteering, TransmitPort } from "./steering_ports.ts";
import { PolicyTransmit } from "./transmit_steering.ts";

const DEFAULT_MAX_CONNECTIONS = 131_072;
const DEFAULT_MAX_SOCKETS = 1024;
const DEFAULT_MAX_MESSAGE_LENGTH = 1024 * 1024;
const DEFAULT_MAX_PARTIAL_BYTES = 256 * 1024 * 1024;
const DEFAULT_SEND_BUFFER_BYTES = 212_992;
const DEFAULT_MAX_SEND_BYTES = 64 * 1024 * 1024;
const DEFAULT_MAX_RETRIES = 8;
const DEFAULT_MAX_AWAITED_REPLIES = 65_536;

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
  /** The engine as its core sees it; an object of its own, so that the engine's users do not. */
  static readonly #Owner = class implements CoreOwner {
    readonly #engine: MultiplexorEngine;

    constructor(engine: MultiplexorEngine) {
      this.#engine = engine;
    }

    get failures(): Reasons {
      return this.#engine.failures;
    }

    unattached(port: PsockBase, outcome: ConnectionOutcome): void {
      this.#engine.#unattached(port, outcome);
    }

    socketClosed(socket: KcmSock): void {
      this.#engine.#sockets.remove(socket.handle);
    }

    deserted(): void {
      if (this.#engine.#isLinux && this.#engine.#sockets.size === 0) this.#engine.#abandon();
    }

    clone(socket: KcmSock, sink: SocketSink, isPaused: boolean): SocketPort {
      return this.#engine.#open(sink, socket.options, isPaused, socket.weight);
    }

    portOf(connection: KcmConnection): TransmitPort | undefined {
      const port = this.#engine.#byConnection.get(connection);
      return port?.canSend === true ? port : undefined;
    }

    settled(): void {
      this.#engine.#settled();
    }
  };

  /** Connections that failed, by the code of their error. */
  readonly failures: Reasons = new Reasons();
  readonly #options: MultiplexorLimits;
  readonly #maxConnections: number;
  readonly #maxSockets: number;
  readonly #maxMessageLength: number;
  readonly #ports: SlotTable<PsockBase>;
  readonly #sockets: SlotTable<KcmSock>;
  readonly #byConnection: Map<KcmConnection, PsockBase> = new Map();
  readonly #socketOptions: SendQueueOptions;
  readonly #core: MultiplexorCore;
  readonly #isLinux: boolean;
  readonly #counts = { attached: 0, unattached: 0, refused: 0 };
  #drain: EngineDrain | undefined;
  #gone: ConnectionTotals = newConnectionTotals();
  #nextId = 1;
  #isClosed = false;
  #isFinished = false;

  /**
   * Makes a multiplexor without sockets and connections.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: MultiplexorLimits = {}) {
    needObject("options", options);
    this.#options = options;
    this.#maxConnections = limitOption("maxConnections", options.maxConnections, DEFAULT_MAX_CONNECTIONS);
    this.#maxSockets = limitOption("maxSockets", options.maxSockets, DEFAULT_MAX_SOCKETS);
    this.#maxMessageLength = limitOption("maxMessageLength", options.maxMessageLength, DEFAULT_MAX_MESSAGE_LENGTH);
    this.#socketOptions = {
      isSeqpacket: false,
      maxQueuedBytes: limitOption("sendBufferBytes", options.sendBufferBytes, DEFAULT_SEND_BUFFER_BYTES),
      maxSendLength: limitOption("maxSendLength", options.maxSendLength, DEFAULT_MAX_MESSAGE_LENGTH),
      retry: "ifUnstarted",
      isLinux: false,
    };
    this.#ports = new SlotTable(this.#maxConnections);
    this.#sockets = new SlotTable(this.#maxSockets);
    this.#core = new MultiplexorCore(new MultiplexorEngine.#Owner(this), {
      maxPartialBytes: limitOption("maxPartialBytes", options.maxPartialBytes, DEFAULT_MAX_PARTIAL_BYTES),
      maxSendBytes: limitOption("maxSendBytes", options.maxSendBytes, DEFAULT_MAX_SEND_BYTES),
      maxRetries: limitOption("maxRetries", options.maxRetries, DEFAULT_MAX_RETRIES, 0),
      maxAwaitedReplies: limitOption("maxAwaitedReplies", options.maxAwaitedReplies, DEFAULT_MAX_AWAITED_REPLIES),
      failWhenUnconnected: options.failWhenUnconnected ?? false,
    });
    const receive = receiveSteering(this.#core, options.policy ?? fifo());
    const policy = sendPolicy(options.sendPolicy);
    this.#isLinux = choiceOption<string>("compat", options.compat, "", ["linux"]) === "linux";
    this.#core.receive = this.#isLinux ? new LinuxReceive(this.#core) : receive;
    this.#core.transmit = this.#isLinux ? new LinuxTransmit(this.#core) : new PolicyTransmit(this.#core, policy);
  }

  /** A snapshot of the counters. */
  get stats(): MultiplexorStats {
    const { receive, transmit, counts, partialBytes, budget, replies } = this.#core;
    return {
      ...receive.counts,
      ...transmit.counts,
      ...this.#counts,
      ...counts,
      connections: this.#ports.size,
      sockets: this.#sockets.size,
      partialBytes,
      readyMessages: receive.readyMessages,
      heldMessages: receive.heldMessages,
      sendBytes: budget.bytes,
      answered: replies.answered,
      awaitedReplies: replies.open,
    };
  }

  /** Everything that can be told of it: as `/proc/net/kcm` does, see {@linkcode kcmText}. */
  report(): MultiplexorReport {
    const { receive, transmit } = this.#core;
    const ports = this.#ports.values();
    const live = ports.map((port) => ({ parser: port.stats, transmit: port.transmitStats }));
    return {
      multiplexor: this.stats,
      sockets: this.#sockets.values().map((socket) =>
        socket.report(receive.isWaiting(socket), transmit.reservedBy(socket)?.index)
      ),
      connections: ports.map((port) => port.report(transmit.reserverOf(port)?.index)),
      totals: addConnectionTotals(this.#gone, ...live),
    };
  }

  /** Limits of sockets that are opened without their own. */
  get sendLimits(): { readonly maxQueuedBytes: number; readonly maxSendLength: number } {
    return this.#socketOptions;
  }

  /** Whether it does as Linux does. */
  get compat(): "linux" | undefined {
    return this.#options.compat;
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
    return this.#core.receive.hasRoom;
  }

  /**
   * Attaches a connection. What a callback or a policy throws comes out of this, and the connection is not attached then.
   *
   * @throws {TypeError | RangeError} when an option is wrong; nothing has changed then
   * @throws {KcmError} `ENFILE` at `maxConnections`, `EPIPE` once closed, `EBUSY` from within a callback
   */
  attach(options: AttachOptions, events: LowerEvents = {}): LowerPort {
    this.#core.enter("attach");
    let port: LowerPort | undefined;
    try {
      port = this.#attach(options, events);
    } finally {
      this.#leaveOr(() => port?.abort());
    }
    return port;
  }

  /**
   * Opens a socket. What a callback or a policy throws comes out of this, and the socket is closed then. It stands at the end of the line, and messages that waited for it come before this returns; with
   * `paused` it has no room until it is resumed. `end` comes before this returns if everything is over.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   * @throws {KcmError} `ENFILE` at `maxSockets`, `EBUSY` from within a callback
   */
  socket(sink: SocketSink, options: SocketOptions = {}): SocketPort {
    const { maxQueuedBytes, maxSendLength } = this.#socketOptions;
    const type = choiceOption("type", options.type, "datagram", ["datagram", "seqpacket"]);
    const own: SendQueueOptions = {
      isSeqpacket: type === "seqpacket",
      maxQueuedBytes: limitOption("sendBufferBytes", options.sendBufferBytes, maxQueuedBytes),
      maxSendLength,
      isLinux: this.#isLinux,
      retry: choiceOption("retry", options.retry, this.#isLinux ? "always" : "ifUnstarted", [
        "never",
        "ifUnstarted",
        "always",
      ]),
    };
    return this.#open(sink, own, options.paused ?? false, options.weight ?? 1);
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
    this.#core.enter("close");
    this.#isClosed = true;
    this.#core.leave();
  }

  /**
   * No more connections, and those that are attached are over, with `error` for their drivers. What they brought whole
   * is still delivered; then the sockets end. Allowed anywhere.
   */
  abort(error?: unknown): void {
    this.#core.act("abort", () => this.#abort(error));
  }

  /**
   * No more connections and nothing new to send: every socket is drained, and then every connection. At `deadlineAt` what
   * is left fails with `ETIMEDOUT`.
   */
  drain(deadlineAt: number = Infinity): void {
    this.#core.act("drain", () => {
      this.#isClosed = true;
      this.#drain ??= new EngineDrain(() => this.#abort(new KcmError("not drained in time", TIMED_OUT)));
      this.#drain.at = Math.min(this.#drain.at, deadlineAt);
      this.#core.deadlines.update(this.#drain);
      for (const socket of this.#sockets.values()) socket.stopSending();
    });
  }

  /**
   * Steers messages that `answered` has taken and that nobody wants after all: who waited was in another thread and
   * waits no more. Allowed anywhere.
   */
  returnReplies(replies: readonly KcmMessage[]): void {
    this.#core.act("returnReplies", () => {
      this.#core.replies.answered -= replies.length;
      this.#core.receive.returned(replies);
    });
  }

  /** Counts a connection that is refused, and gives it a number: for drivers that refuse one themselves. */
  refuse(options: Omit<AttachOptions, "parser">): KcmConnection {
    this.#counts.refused++;
    return new KcmConnection(this.#nextId++, options.flow, options.direction, options.label);
  }

  /** When {@linkcode onTimeout} must be called: for parsers' deadlines and those of `drain`. */
  timeoutAt(): number {
    return this.#core.deadlines.at;
  }

  /**
   * Runs what is due.
   *
   * @throws {KcmError} `EBUSY` from within a callback
   */
  onTimeout(now: number): void {
    this.#core.enter("onTimeout");
    try {
      this.#core.deadlines.run(now);
    } finally {
      this.#core.leave();
    }
  }

  #attach(options: AttachOptions, events: LowerEvents): LowerPort {
    needObject("options", options);
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
    const Port = this.#isLinux ? LinuxPsock : Psock;
    const port = this.#ports.add((handle) => new Port(handle, connection, options, limit, events, this.#core));
    this.#nextId++;
    this.#counts.attached++;
    if (port.canSend) {
      this.#byConnection.set(connection, port);
      this.#core.transmit.joined(port);
    }
    return port;
  }

  #open(sink: SocketSink, options: SendQueueOptions, isPaused: boolean, weight: number): SocketPort {
    this.#core.enter("socket");
    let socket: KcmSock | undefined;
    try {
      if (this.#sockets.isFull) {
        throw new KcmError(`no more than maxSockets ${this.#maxSockets}`, { code: "ENFILE", blame: "local" });
      }
      checkedWeight(weight);
      socket = this.#sockets.add((handle) => new KcmSock(handle, sink, this.#core, options, isPaused));
      socket.weight = weight;
      this.#core.receive.opened(socket);
      if (this.#isFinished) socket.end();
    } finally {
      this.#leaveOr(() => socket?.close());
    }
    return socket;
  }

  /** Ends the work of a call that makes something: nobody could get at what is there when that throws. */
  #leaveOr(undo: () => void): void {
    try {
      this.#core.leave();
    } catch (thrown) {
      try {
        undo();
      } catch {
        // the first is told
      }
      throw thrown;
    }
  }

  /** Everything was sent: the connections are not needed any more. */
  #drainPorts(): void {
    if (this.#drain!.arePortsDrained) return;
    this.#drain!.arePortsDrained = true;
    for (const port of this.#ports.values()) port.drain();
  }

  #unattached(port: PsockBase, outcome: ConnectionOutcome): void {
    this.#ports.remove(port.handle);
    this.#byConnection.delete(port.connection);
    this.#counts.unattached++;
    this.#gone = addConnectionTotals(this.#gone, { parser: port.stats, transmit: port.transmitStats });
    this.#core.guard(() => this.#options.onUnattached?.(port, outcome));
  }

  /** The kernel's multiplexor goes with its last socket: connections are let go, what is held is lost. */
  #abandon(): void {
    const { receive } = this.#core;
    if (receive instanceof LinuxReceive) receive.dropHeld();
    this.#abort(undefined);
  }

  #abort(error: unknown): void {
    this.#isClosed = true;
    for (const port of this.#ports.values()) {
      if (error === undefined || this.#isLinux) port.abort();
      else port.fail(error);
    }
  }

  #settled(): void {
    if (!this.#isClosed) return;
    if (this.#isFinished) return this.#core.failWaiting();
    const { budget, replies } = this.#core;
    if (this.#drain !== undefined && budget.messages === 0 && replies.wanted === 0) this.#drainPorts();
    if (this.#ports.size > 0 || this.#isFinished) return;
    const { receive } = this.#core;
    if (receive.heldMessages > 0 || receive.readyMessages > 0) return;
    this.#isFinished = true;
    if (this.#drain !== undefined) this.#core.deadlines.remove(this.#drain);
    this.#core.enter("close");
    try {
      this.#core.failWaiting();
      for (const socket of this.#sockets.values()) socket.end();
    } finally {
      this.#core.leave();
    }
  }
}

const TIMED_OUT = { code: "ETIMEDOUT", blame: "remote" } as const;

/** The deadline of a drain. */
class EngineDrain implements Timed {
  scheduledAt = Infinity;
  heapIndex = 0;
  at = Infinity;
  arePortsDrained = false;
  readonly #expired: () => void;

  constructor(expired: () => void) {
    this.#expired = expired;
  }

  timeoutAt(): number {
    return this.at;
  }

  onTimeout(_now: number): void {
    this.at = Infinity;
    this.#expired();
  }
}

/** Steering for messages that come in. */
function receiveSteering(core: MultiplexorCore, policy: SteeringPolicy): ReceiveSteering {
  const { messagesPerTurn } = checkedPolicy("policy", policy) as Partial<FifoPolicy>;
  return messagesPerTurn === undefined ? new PolicyReceive(core, policy) : new FifoReceive(core, messagesPerTurn);
}

/** The policy for messages that go out; `undefined` for the default, which is built in. */
function sendPolicy(policy: SteeringPolicy | undefined): SteeringPolicy | undefined {
  if (policy === undefined) return undefined;
  return "messagesPerTurn" in checkedPolicy("sendPolicy", policy) ? undefined : policy;
}

function checkedPolicy(name: string, policy: SteeringPolicy): SteeringPolicy {
  if (typeof policy?.start !== "function") throw new TypeError(`${name} must be an object with a start method`);
  return policy;
}
