/**
 * What an engine and its ports share: who is at work, what is to be done when the work is done. Internal.
 *
 * Theory. Each operation is `enter`, the work, `leave`. Callbacks of sockets come during work, so whatever they call finds
 * the engine busy. `leave` moves what waits, tells senders what became of their messages, gives messages to connections,
 * until there is nothing left to do; only then, with the engine free again, it wakes the drivers of connections, which may
 * do anything. A driver that is woken calls operations, which come here again: the outermost one goes on with the next,
 * however many there are.
 *
 * @module
 */
import type { Reasons } from "../core/reasons.ts";
import type { ConnectionOutcome } from "./connection_outcome.ts";
import { Deadlines } from "./deadlines.ts";
import { KcmError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import type { KcmConnection, KcmMessage } from "./kcm_message.ts";
import type { KcmSock } from "./kcm_sock.ts";
import type { Fate, Outgoing } from "./outgoing_message.ts";
import type { SocketPort, SocketSink } from "./ports.ts";
import type { PsockBase } from "./psock_base.ts";
import { ReplyDesk, type ReplyDeskHost } from "./reply_desk.ts";
import type { SendQueueHost } from "./send_queue.ts";
import type {
  ReceivePort,
  ReceiveSteering,
  ReceiveSteeringHost,
  TransmitPort,
  TransmitSteering,
  TransmitSteeringHost,
} from "./steering_ports.ts";
import { TransmitBudget } from "./transmit_budget.ts";
import type { TransmitSide } from "./transmit_side.ts";

/** The engine, as the core knows it. */
export interface CoreOwner {
  /** Connections that failed, by the code of their error. */
  readonly failures: Reasons;
  /** A connection is over. */
  unattached(port: PsockBase, outcome: ConnectionOutcome): void;
  /** A socket is closed. */
  socketClosed(socket: KcmSock): void;
  /** The kernel's multiplexors go with their last socket. */
  deserted(): void;
  /** Opens a socket like another. */
  clone(socket: KcmSock, sink: SocketSink, isPaused: boolean): SocketPort;
  /** The attached connection that can send. */
  portOf(connection: KcmConnection): TransmitPort | undefined;
  /** The work is done. */
  settled(): void;
}

/** Limits that the core minds. */
export interface CoreLimits {
  readonly maxPartialBytes: number;
  readonly maxSendBytes: number;
  readonly maxRetries: number;
  readonly maxAwaitedReplies: number;
  readonly failWhenUnconnected: boolean;
}

/** Counters that the core keeps. */
export interface CoreCounts {
  requeued: number;
  dropped: number;
  retries: number;
  failedMessages: number;
  readyDrops: number;
}

/** The core. */
export class MultiplexorCore implements ReceiveSteeringHost, TransmitSteeringHost, SendQueueHost, ReplyDeskHost {
  readonly budget: TransmitBudget;
  readonly replies: ReplyDesk;
  readonly deadlines: Deadlines = new Deadlines();
  readonly counts: CoreCounts = {
    requeued: 0,
    dropped: 0,
    retries: 0,
    failedMessages: 0,
    readyDrops: 0,
  };
  receive!: ReceiveSteering;
  transmit!: TransmitSteering;
  isBusy = false;
  partialBytes = 0;
  readonly #owner: CoreOwner;
  readonly #limits: CoreLimits;
  readonly #resumed: Fifo<PsockBase> = new Fifo();
  readonly #pullable: Fifo<PsockBase> = new Fifo();
  readonly #deferred: Fifo<{ work(): void }> = new Fifo();
  readonly #fates: Fifo<Outgoing> = new Fifo();
  #thrown: { readonly thrown: unknown } | undefined;
  #isWaking = false;

  constructor(owner: CoreOwner, limits: CoreLimits) {
    this.#owner = owner;
    this.#limits = limits;
    this.budget = new TransmitBudget(limits.maxSendBytes);
    this.replies = new ReplyDesk(this, limits.maxAwaitedReplies);
  }

  /** Begins work on behalf of the named method; throws `EBUSY` inside a callback. */
  enter(method: string): void {
    if (this.isBusy) {
      throw new KcmError(`${method} was called while the multiplexor is at work`, { code: "EBUSY", blame: "local" });
    }
    this.isBusy = true;
  }

  /** Ends work: what waits goes where room is, whoever can go on is told. */
  leave(): void {
    if (this.#hasWork()) this.#settleAll();
    this.isBusy = false;
    if (this.#isWaking) return;
    if (this.#resumed.length > 0 || this.#pullable.length > 0) this.#wake();
    this.#owner.settled();
    if (this.#thrown !== undefined) this.#rethrow();
  }

  /** Runs an operation that is allowed anywhere. */
  act<T>(method: string, run: () => T): T {
    if (this.isBusy) return run();
    this.enter(method);
    try {
      return run();
    } finally {
      this.leave();
    }
  }

  /** Calls what is not ours; what that throws comes out of the call in work, once that is done. */
  guard<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (thrown) {
      this.threw(thrown);
      return undefined;
    }
  }

  /** A port holds so many bytes more (negative: fewer) of a message that has begun; returns what is wrong with that. */
  partial(port: PsockBase, bytes: number): KcmError | undefined {
    this.partialBytes += bytes;
    if (bytes < 0 || this.partialBytes <= this.#limits.maxPartialBytes) return undefined;
    const message = `unfinished messages of all connections exceed maxPartialBytes ${this.#limits.maxPartialBytes}`;
    return new KcmError(message, { code: "ENOBUFS", blame: "remote", connection: port.connection });
  }

  /** A connection is over; `failure` is a code to count, unless it ended well. */
  unattached(port: PsockBase, failure: string | undefined, outcome: ConnectionOutcome): void {
    if (failure !== undefined) this.#owner.failures.count(failure);
    this.deadlines.remove(port);
    this.#owner.unattached(port, outcome);
  }

  /** Opens a socket like another. */
  clone(socket: KcmSock, sink: SocketSink, isPaused: boolean): SocketPort {
    return this.#owner.clone(socket, sink, isPaused);
  }

  /** A socket is gone, and gives back what nobody has read. */
  socketClosed(socket: KcmSock, unread: readonly KcmMessage[]): void {
    this.counts.requeued += unread.length;
    this.#owner.socketClosed(socket);
    this.receive.closed(socket, unread);
    this.#owner.deserted();
  }

  resumed(port: ReceivePort): void {
    this.#resumed.push(port as PsockBase);
  }

  threw(thrown: unknown): void {
    this.#thrown ??= { thrown };
  }

  portOf(connection: KcmConnection): TransmitPort | undefined {
    return this.#owner.portOf(connection);
  }

  wake(port: TransmitPort): void {
    const { transmit } = port;
    if (transmit.isWaking) return;
    transmit.isWaking = true;
    this.#pullable.push(port as PsockBase);
  }

  checkVia(via: KcmConnection | undefined): void {
    if (via === undefined) {
      if (!this.#limits.failWhenUnconnected || this.transmit.hasTargets) return;
      throw new KcmError("there is no connection to send on", { code: "ENOTCONN", blame: "local" });
    }
    if (this.portOf(via) !== undefined) return;
    throw new KcmError("its connection is gone, or cannot send", { code: "ENOTCONN", blame: "local", connection: via });
  }

  accept(socket: KcmSock, message: Outgoing, isAlone: boolean): void {
    this.transmit.accept(socket, message, isAlone);
  }

  fail(message: Outgoing, error: unknown): void {
    this.done(message, "failed", error);
  }

  done(message: Outgoing, fate: Fate, cause: unknown): void {
    message.fate = fate;
    message.cause = cause;
    if (fate === "failed") this.counts.failedMessages++;
    message.socket.sending.done(message);
    if (message.reply !== undefined) this.replies.done(message, fate === "written");
    message.socket.untold++;
    this.#fates.push(message);
  }

  sideOf({ connection }: Outgoing): TransmitSide | undefined {
    return connection && this.portOf(connection)?.transmit;
  }

  unwanted({ connection }: Outgoing): void {
    const port = connection && this.portOf(connection) as PsockBase | undefined;
    if (port !== undefined) this.defer({ work: () => port.finishDrain() });
  }

  survives(message: Outgoing, error: unknown): boolean {
    // whoever answers has it
    if (message.isAnswered) {
      this.done(message, "written", undefined);
      return false;
    }
    const isRefused = message.retry === "never" ? message.isTried : message.retry !== "always" && message.isStarted;
    if (isRefused || message.via !== undefined || message.retries >= this.#limits.maxRetries) {
      this.done(message, "failed", undelivered(message, error));
      return false;
    }
    if (message.isTried) {
      this.retriedOnce();
      this.retried(message, error);
    }
    message.restart();
    return true;
  }

  retried(message: Outgoing, error: unknown): void {
    message.fate = "retried";
    message.cause = error;
    message.socket.untold++;
    this.#fates.push(message);
  }

  retriedOnce(): void {
    this.counts.retries++;
  }

  /** A parser is to read on when the work in hand is done: the kernel's work queue. */
  defer(port: { work(): void }): void {
    this.#deferred.push(port);
  }

  /** A connection has failed without being over. */
  countFailure(code: string): void {
    this.#owner.failures.count(code);
  }

  /** Fails all that no connection was given: there is none, and none will come. */
  failWaiting(): void {
    const all = this.transmit.takeAll();
    if (all.length === 0) return;
    const error = new KcmError("there is no connection to send on", { code: "ENOTCONN", blame: "local" });
    this.act("send", () => all.forEach((message) => this.done(message, "failed", error)));
  }

  /** Whether there is something to tell or to move. */
  #hasWork(): boolean {
    const { receive, transmit } = this;
    return this.#fates.length > 0 || this.#deferred.length > 0 || transmit.isDue || this.budget.isWanted ||
      receive.heldMessages > 0 || receive.readyMessages > 0 || this.#limits.failWhenUnconnected;
  }

  /** What a callback throws comes out at the end: others are told all the same. */
  #settleAll(): void {
    let before = -1;
    while (!this.#settles() && this.#countWaiting() !== before) before = this.#countWaiting();
  }

  /** How much is to be told and moved. */
  #countWaiting(): number {
    return this.#fates.length + this.#deferred.length + this.receive.heldMessages + this.receive.readyMessages;
  }

  #settles(): boolean {
    try {
      this.#settle();
      return true;
    } catch (thrown) {
      this.threw(thrown);
      return false;
    }
  }

  #settle(): void {
    const { receive, transmit } = this;
    for (;;) {
      if (receive.heldMessages > 0 || receive.readyMessages > 0) receive.moveWaiting();
      if (transmit.isDue) transmit.work();
      else if (this.#limits.failWhenUnconnected && !transmit.hasTargets) this.failWaiting();
      for (let one = this.#deferred.shift(); one !== undefined; one = this.#deferred.shift()) one.work();
      if (this.#fates.length === 0 && !this.budget.isWanted) return;
      for (let one = this.#fates.shift(); one !== undefined; one = this.#fates.shift()) tell(one);
      this.budget.settle();
    }
  }

  #wake(): void {
    this.#isWaking = true;
    while (this.#resumed.length > 0 || this.#pullable.length > 0) {
      this.guard(() => this.#resumed.shift()?.notifyResumed());
      this.guard(() => this.#pullable.shift()?.notifyPullable());
    }
    this.#isWaking = false;
  }

  #rethrow(): void {
    const { thrown } = this.#thrown!;
    this.#thrown = undefined;
    throw thrown;
  }
}

/** Tells the latest; one that was retried and has failed meanwhile is in the list twice. */
function tell(message: Outgoing): void {
  const { fate, socket } = message;
  socket.untold--;
  message.fate = undefined;
  if (fate !== undefined) socket.tell(message, fate);
}

function undelivered(message: Outgoing, cause: unknown): KcmError {
  const { bytesWritten, length, connection } = message;
  const isUncertain = message.bytesOffered > 0;
  const text = `connection lost with ${bytesWritten} of ${length} bytes written${isUncertain ? ", perhaps more" : ""}`;
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  return new KcmError(text, {
    code: typeof code === "string" ? code : "ECONNABORTED",
    blame: "remote",
    connection,
    bytesWritten,
    bytesInFlight: message.bytesOffered,
    cause,
  });
}
