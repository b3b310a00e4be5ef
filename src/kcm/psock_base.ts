/**
 * One attached connection but for its receive side: sending, and the ways in which it can be over. The kernel's psock.
 * Internal; its driver sees a {@linkcode LowerPort}.
 *
 * @module
 */
import { needNumber } from "../core/limits.ts";
import type { StreamParserStats } from "../strparser/options.ts";
import type { ConnectionOutcome } from "./connection_outcome.ts";
import type { Timed } from "./deadlines.ts";
import { KcmError } from "./errors.ts";
import type { KcmConnection, KcmMessage } from "./kcm_message.ts";
import type { MultiplexorCore } from "./multiplexor_core.ts";
import type { AttachOptions, LowerEvents, LowerPort } from "./ports.ts";
import type { ConnectionReport } from "./report.ts";
import { SlotTable } from "./slot_table.ts";
import type { ReceivePort, TransmitPort } from "./steering_ports.ts";
import { DEFAULT_PULL_BYTES, TransmitSide } from "./transmit_side.ts";
import type { LowerRemains, LowerTransmitStats } from "./transmit_ports.ts";
import type { Waiter, Waiters } from "./waiters.ts";

const NOTHING: LowerRemains = { unread: new Uint8Array(0), messages: [] };

/** One attached connection. */
export abstract class PsockBase implements LowerPort, ReceivePort, TransmitPort, Timed {
  readonly handle: number;
  readonly connection: KcmConnection;
  scheduledAt: number = Infinity;
  heapIndex: number = 0;
  waiterBefore: Waiter | undefined = undefined;
  waiterBehind: Waiter | undefined = undefined;
  hasRoom: boolean = false;
  line: Waiters<TransmitPort> | undefined = undefined;
  isLaden: boolean = false;
  load: number = 0;
  readonly transmit: TransmitSide = new TransmitSide();
  protected readonly core: MultiplexorCore;
  protected readonly events: LowerEvents;
  #weight: number;
  #isSending = true;
  #isDraining = false;
  #drainsAt = Infinity;
  #isOver = false;
  #error: unknown = undefined;

  /** Makes a port that can neither receive nor send yet. */
  constructor(
    handle: number,
    connection: KcmConnection,
    options: AttachOptions,
    events: LowerEvents,
    core: MultiplexorCore,
  ) {
    this.handle = handle;
    this.connection = connection;
    this.events = events;
    this.core = core;
    this.#weight = checkedWeight(options.weight ?? 1);
  }

  abstract get stats(): StreamParserStats;
  abstract get isPaused(): boolean;
  abstract get bytesHeld(): number;
  abstract push(bytes: Uint8Array, now: number): number;
  abstract end(now: number): void;
  abstract takeReady(): KcmMessage;
  /** When its parser's deadline is due. */
  protected abstract parserTimeoutAt(): number;
  /** Its parser's deadline may have passed. */
  protected abstract parserTimeout(now: number): void;
  /** Receiving is over: frees what is held, and returns it. */
  protected abstract stopReceiving(): Uint8Array;
  /** Takes away the message that waits for a socket. */
  protected abstract takeKept(): KcmMessage | undefined;

  get index(): number {
    return SlotTable.indexOf(this.handle);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get error(): unknown {
    return this.#error;
  }

  get isReceiveStopped(): boolean {
    return this.#isOver;
  }

  /** Bytes that were pushed and not parsed. */
  get unreadBytes(): number {
    return 0;
  }

  /** Whether anything lies there, be it the peer's end. */
  get isAnythingUnread(): boolean {
    return this.unreadBytes > 0;
  }

  /** Bytes that the parser waits for before it reads again. */
  get bytesAwaited(): number {
    return 0;
  }

  takeError(): string | undefined {
    return undefined;
  }

  get weight(): number {
    return this.#weight;
  }

  set weight(weight: number) {
    this.#weight = checkedWeight(weight);
  }

  get canSend(): boolean {
    return this.events.pullable !== undefined && !this.#isOver;
  }

  get isSending(): boolean {
    return this.#isSending && !this.#isDraining;
  }

  set isSending(isSending: boolean) {
    if (isSending === this.#isSending) return;
    this.core.act("isSending", () => {
      this.#isSending = isSending;
      if (this.canSend) this.core.transmit.sendingChanged(this);
    });
  }

  get backlogBytes(): number {
    return this.transmit.backlogBytes;
  }

  get transmitStats(): LowerTransmitStats {
    return this.transmit.counts;
  }

  pull(maxBytes: number = DEFAULT_PULL_BYTES): readonly Uint8Array[] {
    this.core.enter("pull");
    try {
      const views = this.#isOver ? [] : this.core.transmit.pull(this, maxBytes);
      if (views.length === 0) this.finishDrain();
      return views;
    } finally {
      this.core.leave();
    }
  }

  written(count: number): void {
    if (!(Number.isInteger(count) && count >= 0 && count <= this.transmit.flying)) {
      if (this.#isOver || this.transmit.isStopped) return;
      throw new RangeError(`written is ${count}, with ${this.transmit.flying} bytes in flight`);
    }
    if (this.transmit.flying === 0) return;
    this.core.enter("written");
    try {
      this.core.transmit.written(this, count);
      this.finishDrain();
    } finally {
      this.core.leave();
    }
  }

  fail(error: unknown): void {
    this.giveUp(error, codeOf(error));
  }

  failSending(error: unknown): void {
    this.fail(error);
  }

  abort(): void {
    this.giveUp(undefined, undefined);
  }

  unattach(): LowerRemains {
    if (this.#isOver) return NOTHING;
    return this.core.act("unattach", () => {
      const kept = this.takeKept();
      const messages = kept === undefined ? [] : [kept];
      return { unread: this.finish(undefined, undefined), messages };
    });
  }

  drain(deadlineAt: number = Infinity): void {
    if (this.#isOver) return;
    this.core.act("drain", () => {
      this.#isDraining = true;
      this.#drainsAt = Math.min(this.#drainsAt, deadlineAt);
      this.core.deadlines.update(this);
      if (this.canSend) this.core.transmit.sendingChanged(this);
      this.finishDrain();
    });
  }

  timeoutAt(): number {
    return this.#isOver ? Infinity : Math.min(this.parserTimeoutAt(), this.#drainsAt);
  }

  onTimeout(now: number): void {
    if (now < this.#drainsAt) return this.parserTimeout(now);
    const hasBegun = this.transmit.queue.length > 0;
    const error = hasBegun ? new KcmError("the connection was not drained in time", TIMED_OUT) : undefined;
    this.giveUp(error, error?.code);
  }

  /** What there is to tell of it. */
  report(reserver: number | undefined): ConnectionReport {
    const { transmit, unreadBytes, isPaused, bytesAwaited } = this;
    const isWaiting = !isPaused && this.isAnythingUnread;
    const words: [boolean, string][] = [
      [transmit.isStopped, "TxStop"],
      [this.isReceiveStopped, "RxStop"],
      [reserver !== undefined, `Rsvd-${reserver}`],
      [isWaiting, bytesAwaited > 0 ? `RxWait=${bytesAwaited}` : "RxWait"],
      [isPaused, "RxPause"],
      [isPaused, "RdyRx"],
    ];
    return {
      index: this.index,
      label: this.connection.label,
      parser: { ...this.stats },
      transmit: { ...transmit.counts },
      unreadBytes,
      sendQueueMessages: transmit.queue.length,
      sendQueueBytes: transmit.backlogBytes,
      status: words.filter(([isSo]) => isSo).map(([, word]) => word),
    };
  }

  /** Tells the driver that there is room. */
  notifyResumed(): void {
    if (!this.#isOver && !this.isPaused) this.events.resumed?.();
  }

  /** Tells the driver that there is something to pull. */
  notifyPullable(): void {
    const side = this.transmit;
    side.isWaking = false;
    if (this.#isOver || side.flying > 0) return;
    const { pulls } = side;
    this.events.pullable!(this);
    if (side.pulls === pulls && !this.#isOver) this.core.act("pullable", () => this.core.transmit.notPulled(this));
  }

  /** Whether a message that came was waited for: it went to whoever sent what it answers. */
  answers(message: KcmMessage): boolean {
    const { replies } = this.core;
    return replies.open > 0 && replies.takes(this.transmit, message);
  }

  /** A drain is done when nothing that has begun is left, and no reply is waited for. */
  finishDrain(): void {
    const { transmit, core } = this;
    if (!this.#isDraining || this.#isOver || transmit.queue.length > 0 || core.replies.isWanted(transmit)) return;
    this.finish(undefined, undefined);
  }

  /** It is over for the given reason. Allowed anywhere. */
  protected giveUp(error: unknown, failure: string | undefined): void {
    if (this.#isOver) return;
    this.core.act("abort", () => void this.finish(error, failure));
  }

  /** The one place where it ends; returns what it held. The message that it keeps stays where it is. */
  protected finish(error: unknown, failure: string | undefined): Uint8Array {
    this.#isOver = true;
    this.#error = error;
    const unread = this.stopReceiving();
    if (this.events.pullable !== undefined) {
      this.core.transmit.left(this, error);
      this.core.replies.ended(this.transmit, error);
    }
    this.core.receive.originLeft(this);
    const { messages, bytes } = this.stats;
    const { txMessages, txBytes } = this.transmit.counts;
    const outcome: ConnectionOutcome = { error, messages, bytes, unread, txMessages, txBytes };
    this.core.unattached(this, failure, outcome);
    this.core.guard(() => this.events.unattached?.(error, outcome));
    return unread;
  }
}

const TIMED_OUT = { code: "ETIMEDOUT", blame: "remote" } as const;

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : "EIO";
}

/** Checks a weight. */
export function checkedWeight(weight: number): number {
  needNumber("weight", weight);
  if (!(weight > 0 && weight < Infinity)) throw new RangeError(`weight must be above 0 and finite, got ${weight}`);
  return weight;
}
