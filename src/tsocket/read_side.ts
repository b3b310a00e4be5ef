/**
 * The reading half of a stream socket: vectors and PDUs filled from a driver, one read at a time.
 *
 * A read that can be answered from what is there is answered without waiting, vector after vector, in a loop. A read
 * that is cancelled gives back what it took: {@linkcode ReadSide} keeps that in front of what the driver has.
 *
 * @module
 */
import { ChunkQueue } from "../bytes/chunk_queue.ts";
import { nextTurnOfLoop } from "../stream/turn.ts";
import { Breath } from "./breath.ts";
import { SocketError } from "./errors.ts";
import { ReadOperation } from "./read_operation.ts";
import { READ_AGAIN, READ_END, type TStreamDriver } from "./driver_types.ts";
import type { NextVector, TStreamStats, Vector } from "./types.ts";
import { checkedLength, emptyVectorError, NOTHING } from "./vector.ts";

/** A view of at least this many bytes is worth reading into without a copy, in bytes. */
const DIRECT_READ_BYTES = 16384;

/** What the reading half tells its socket. */
export interface ReadSideEvents {
  /** The end was reached: `undefined` when the peer ended in order. Told once. */
  ended(error: unknown): void;
}

/** How a read may be cancelled; called once it has to wait. Returns what takes that off again. */
export type Arm = (cancel: (reason: unknown) => void) => () => void;

/** Reads of one socket. */
export class ReadSide {
  readonly #stats: TStreamStats;
  readonly #events: ReadSideEvents;
  readonly #putBack: ChunkQueue = new ChunkQueue();
  #driver: TStreamDriver | undefined;
  #operation: ReadOperation | undefined;
  /** Set once nothing more will come; `error` is `undefined` at an orderly end. */
  #end: { readonly error: unknown } | undefined;
  #wasToldEnd = false;
  #isEndNoticed = false;
  #isReadingDirectly = false;
  readonly #breath: Breath = new Breath();
  /** The operation of the last PDU, for the next one. */
  #pdu: ReadOperation | undefined;
  /** The last answer, which is given again as long as it is the same: PDUs are often of one size. */
  #lastValue: number | null = null;
  #lastAnswer: Promise<number | null> = Promise.resolve(null);

  /** A half without a driver yet: reads wait. */
  constructor(stats: TStreamStats, events: ReadSideEvents) {
    this.#stats = stats;
    this.#events = events;
  }

  /** The read under way. */
  get operation(): ReadOperation | undefined {
    return this.#operation;
  }

  /** Whether the end has been seen by a read. */
  get isOver(): boolean {
    return this.#wasToldEnd;
  }

  /** Bytes that cancelled reads gave back and nobody has read since. */
  get putBackBytes(): number {
    return this.#putBack.length;
  }

  /** Bytes that can be read without waiting. */
  get pendingBytes(): number {
    const { length } = this.#putBack;
    return this.#driver === undefined || this.#end !== undefined ? length : length + this.#driver.pendingBytes;
  }

  /** The connection stands: what waits can go on. */
  attach(driver: TStreamDriver): void {
    this.#driver = driver;
    this.advance();
  }

  /** Takes what the driver still holds, which is about to be closed; what follows is `error`, or an orderly end. */
  detach(error: unknown): void {
    if (this.#end !== undefined) return;
    if (this.#driver !== undefined && !this.#isReadingDirectly) this.#drain(this.#driver);
    this.#end = { error };
    this.advance();
  }

  /** The peer has ended, and perhaps nobody will ever read that: the end counts as read once nothing else is left. */
  noticeEnd(): void {
    this.#isEndNoticed = true;
    this.#expectEnd();
  }

  /** Ends reading at once: what is there is dropped, a read under way fails with `error`. */
  fail(error: unknown): void {
    if (this.#wasToldEnd) return;
    this.#putBack.clear();
    this.#end = { error };
    const operation = this.#operation;
    // a view that the driver is filling is not the caller's yet: that read fails when the driver has done with it
    if (operation !== undefined && this.#isReadingDirectly) this.#finish(operation);
    else if (operation !== undefined) this.#reject(operation, error);
    this.#tellEnd();
  }

  /**
   * Begins a PDU that nothing cancels. Small ones lie whole in what is there; for them a third of the time is saved by
   * not making an operation for each, by asking the driver only, and by promising nothing before the answer is known.
   */
  readPdu(next: NextVector): Promise<number | null> {
    const operation = this.#pdu ?? new ReadOperation("readvPdu", NOTHING, next, false);
    this.#pdu = undefined;
    operation.renew(next);
    const driver = this.#driver;
    this.#operation = operation;
    if (driver === undefined || this.#end !== undefined || this.#putBack.length > 0) this.#advance(operation);
    else if (this.#fillPdu(operation, driver, next)) return this.#pduFilled(operation);
    const answer = this.#answer(operation);
    if (operation.outcome !== "none") this.#pdu = operation;
    return answer;
  }

  /** The short end of a PDU that nobody had to wait for. */
  #pduFilled(operation: ReadOperation): Promise<number | null> {
    this.#operation = undefined;
    this.#pdu = operation;
    this.#stats.bytesRead += operation.total;
    if (this.#isEndNoticed) this.#expectEnd();
    return this.#answered(operation.total);
  }

  /**
   * Fills a PDU as long as each vector is a view that the driver has all the bytes for. Returns whether that was all of
   * it; what is not so is done the long way.
   */
  #fillPdu(operation: ReadOperation, driver: TStreamDriver, next: NextVector): boolean {
    for (;;) {
      const vector = this.#ask(operation, next);
      if (this.#operation !== operation) return false;
      if (vector === null || vector === undefined) return true;
      const only: unknown = Array.isArray(vector) && vector.length === 1 ? vector[0] : undefined;
      const room = only instanceof Uint8Array ? only.length : 0;
      if (room === 0) {
        if (this.#begins(operation, vector)) this.#advance(operation);
        return false;
      }
      const taken = driver.readSync(only as Uint8Array);
      if (taken === room) {
        operation.total += taken;
        continue;
      }
      operation.begin(vector);
      operation.at = Math.max(taken, 0);
      operation.total += operation.at;
      this.#advance(operation);
      return false;
    }
  }

  /** Begins a read; `arm` says how to cancel it. */
  read(operation: ReadOperation, arm: Arm | undefined): Promise<number | null> {
    this.#operation = operation;
    this.#advance(operation);
    if (operation.outcome === "none" && arm !== undefined) {
      operation.disarm = arm((reason) => this.#cancel(operation, reason));
    }
    return this.#answer(operation);
  }

  /**
   * Begins a read whose answer is told as soon as the bytes are taken, not a promise later: in between its reader could
   * leave, and whoever reads next would get bytes that came behind them.
   */
  pull(operation: ReadOperation, settle: NonNullable<ReadOperation["settle"]>): void {
    this.#operation = operation;
    operation.settle = settle;
    this.#advance(operation);
  }

  #answer(operation: ReadOperation): Promise<number | null> {
    if (operation.outcome === "resolved") return this.#answered(operation.result as number | null);
    if (operation.outcome === "rejected") return Promise.reject(operation.result);
    return new Promise((resolve, reject) => operation.settle = { resolve, reject });
  }

  /** Fills all views from what is there, or none. */
  tryReadv(vector: Vector, length: number): boolean {
    if (this.#operation !== undefined || length > this.pendingBytes) return false;
    const operation = new ReadOperation("readv", vector, undefined, true);
    while (operation.hasRoom()) {
      if (this.#fillView(operation) > 0) continue;
      this.giveBack(operation);
      return false;
    }
    this.#stats.bytesRead += length;
    this.#expectNoticedEnd();
    return true;
  }

  /** Takes the read under way off, without a word to it. What it had filled comes back. */
  steal(): ReadOperation | undefined {
    const operation = this.#operation;
    if (operation === undefined || this.#isReadingDirectly) return undefined;
    this.#finish(operation);
    this.giveBack(operation);
    return operation;
  }

  /** Puts what an operation took in front of everything. */
  giveBack(operation: ReadOperation): void {
    const chunks = operation.filled();
    for (let i = chunks.length - 1; i >= 0; i--) {
      this.#putBack.unshift(chunks[i]!);
      this.#stats.bytesPutBack += chunks[i]!.length;
    }
  }

  /** The driver has something, or the end. */
  advance(): void {
    if (this.#operation !== undefined && !this.#isReadingDirectly) this.#advance(this.#operation);
  }

  /** Goes on until the operation is done or has to wait. */
  #advance(operation: ReadOperation): void {
    if (operation.isWanted?.() === false) return this.#resolve(operation, 0);
    for (;;) {
      while (operation.hasRoom()) {
        const taken = this.#fillView(operation);
        if (taken === READ_AGAIN) return this.#readDirectly(operation);
        if (taken === READ_END) return this.#atEnd(operation);
        if (operation.takesSome) return this.#complete(operation);
      }
      const { next } = operation;
      if (next === undefined) return this.#complete(operation);
      const vector = this.#ask(operation, next);
      if (this.#operation !== operation || !this.#begins(operation, vector)) return;
    }
  }

  /** Fills some of the current view. Returns the bytes taken, {@linkcode READ_AGAIN} or {@linkcode READ_END}. */
  #fillView(operation: ReadOperation): number {
    const view = operation.vector[operation.index]!;
    const room = view.length - operation.at;
    const taken = this.#take(operation.at === 0 ? view : view.subarray(operation.at), room);
    if (taken > 0) this.#took(operation, taken, room);
    return taken;
  }

  #took(operation: ReadOperation, taken: number, room: number): void {
    operation.total += taken;
    operation.at += taken;
    if (taken === room) operation.viewFilled();
  }

  #take(into: Uint8Array, room: number): number {
    const putBack = this.#putBack;
    if (putBack.length > 0) {
      const count = Math.min(room, putBack.length);
      putBack.takeInto(count === room ? into : into.subarray(0, count));
      return count;
    }
    if (this.#end !== undefined) return READ_END;
    if (this.#driver === undefined) return READ_AGAIN;
    const taken = this.#driver.readSync(into);
    if (taken === READ_END) this.#end = { error: this.#driver.readError };
    return taken;
  }

  /** Asks for the next vector of a PDU. Afterwards the operation may be over: by an error, or by an abort from inside. */
  #ask(operation: ReadOperation, next: NextVector): Vector | null | undefined {
    try {
      return next(operation);
    } catch (thrown) {
      if (this.#operation === operation) this.#reject(operation, thrown);
      return undefined;
    }
  }

  /** Takes what was handed out as the next vector. Returns whether there is one to be filled; else the PDU is over. */
  #begins(operation: ReadOperation, vector: Vector | null | undefined): boolean {
    if (vector === null || vector === undefined) {
      this.#complete(operation);
      return false;
    }
    let length: number;
    try {
      length = checkedLength(vector, "next()");
    } catch (thrown) {
      this.#reject(operation, thrown);
      return false;
    }
    if (vector.length === 0) this.#complete(operation);
    else if (length === 0) this.#reject(operation, emptyVectorError(operation.kind));
    else operation.begin(vector);
    return length > 0;
  }

  /** Nothing is there: lets the driver fill the caller's own view, where it can and nothing could cancel that. */
  #readDirectly(operation: ReadOperation): void {
    const driver = this.#driver;
    if (driver?.readInto === undefined || operation.isCancellable || operation.kind === "pull") return;
    const view = operation.vector[operation.index]!;
    const into = operation.at === 0 ? view : view.subarray(operation.at);
    if (into.length < DIRECT_READ_BYTES) return;
    this.#isReadingDirectly = true;
    driver.readInto(into).then((taken) => {
      this.#isReadingDirectly = false;
      if (this.#operation !== operation) return operation.settle!.reject(this.#end!.error);
      if (taken > 0) {
        this.#took(operation, taken, into.length);
        if (operation.takesSome) return this.#complete(operation);
      } else {
        this.#end ??= { error: driver.readError };
      }
      this.#advance(operation);
    });
  }

  #atEnd(operation: ReadOperation): void {
    const { error } = this.#end!;
    if (error !== undefined) this.#reject(operation, error);
    else if (operation.takesSome) this.#resolve(operation, null);
    else this.#reject(operation, endError(operation));
    this.#tellEnd();
  }

  #complete(operation: ReadOperation): void {
    this.#stats.bytesRead += operation.total;
    this.#resolve(operation, operation.total);
  }

  #expectNoticedEnd(): void {
    if (this.#isEndNoticed) this.#expectEnd();
  }

  /** Who has just read the last byte still gets a turn to answer before the end counts. */
  async #expectEnd(): Promise<void> {
    const isLeft = (): boolean => this.#operation !== undefined || this.pendingBytes > 0;
    if (isLeft()) return;
    await nextTurnOfLoop();
    if (isLeft() || this.#wasToldEnd) return;
    this.#end ??= { error: undefined };
    this.#tellEnd();
  }

  #resolve(operation: ReadOperation, value: number | null): void {
    this.#finish(operation);
    if (operation.settle !== undefined) {
      // a writer in the same process answers each read that waits without ever leaving its turn; who pulls breathes behind
      operation.settle.resolve(operation.kind === "pull" ? value : this.#breath.before(value));
      return;
    }
    operation.outcome = "resolved";
    operation.result = value;
  }

  #reject(operation: ReadOperation, reason: unknown): void {
    this.#finish(operation);
    if (operation.settle !== undefined) return operation.settle.reject(reason);
    operation.outcome = "rejected";
    operation.result = reason;
  }

  /** Frees the slot before the promise settles, so that whoever waits for it may read on at once. */
  #finish(operation: ReadOperation): void {
    this.#operation = undefined;
    operation.disarm?.();
    operation.disarm = undefined;
    this.#expectNoticedEnd();
  }

  #cancel(operation: ReadOperation, reason: unknown): void {
    if (this.#operation !== operation) return;
    this.#finish(operation);
    this.#stats.cancelledReads++;
    this.giveBack(operation);
    operation.settle?.reject(reason);
  }

  /** A promise for what is known already; now and then one that lets the event loop have its turn first. */
  #answered(value: number | null): Promise<number | null> {
    if (value !== this.#lastValue) {
      this.#lastValue = value;
      this.#lastAnswer = Promise.resolve(value);
    }
    const answer = this.#breath.before(value);
    return answer === value ? this.#lastAnswer : answer as Promise<number | null>;
  }

  /** Now and then something to wait for, so that the event loop has its turn: for who answers a pull. */
  breath(): Promise<void> | undefined {
    return this.#breath.before(undefined) as Promise<void> | undefined;
  }

  #drain(driver: TStreamDriver): void {
    while (driver.pendingBytes > 0) {
      const chunk = new Uint8Array(driver.pendingBytes);
      const taken = driver.readSync(chunk);
      if (taken <= 0) return;
      this.#putBack.push(chunk.subarray(0, taken));
    }
  }

  #tellEnd(): void {
    if (this.#wasToldEnd) return;
    this.#wasToldEnd = true;
    this.#events.ended(this.#end!.error);
  }
}

/** The peer ended in order, but the read wanted more. */
function endError(operation: ReadOperation): SocketError {
  const { kind, total } = operation;
  if (total === 0) {
    return new SocketError("the peer has ended the connection", { code: "EOF", syscall: kind, bytesTransferred: 0 });
  }
  return new SocketError(`the peer ended the connection ${total} bytes into what was being read`, {
    code: "EUNEXPECTEDEOF",
    syscall: kind,
    bytesTransferred: total,
  });
}
