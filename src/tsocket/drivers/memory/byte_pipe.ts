/**
 * One direction of a memory stream: a ring with a capacity, what is on its way, the write that waits for room, and the
 * faults.
 *
 * Everything that was written counts against the capacity, whether it has arrived or not. The end travels like bytes do,
 * behind them.
 *
 * @module
 */
import type { Blame } from "../../../core/errors.ts";
import { nextTurnOfLoop } from "../../../stream/turn.ts";
import { SocketError } from "../../errors.ts";
import type { Vector } from "../../types.ts";
import { ByteRing } from "./byte_ring.ts";
import { Chance } from "./chance.ts";
import { DelayLine } from "./delay_line.ts";
import type { StreamFaultSettings } from "./faults.ts";

/** What a pipe tells its reading side; may be called from within the writer's methods. */
export interface PipeEvents {
  /** Bytes arrived that fit no waiting {@linkcode BytePipe.lend}. */
  arrived(): void;
  /** The end arrived: `undefined` for an orderly one. */
  ended(error: SocketError | undefined): void;
  /** A fault: the whole connection is to be reset. */
  faulted(): void;
}

/** Why writes are refused. */
export interface Refusal {
  /** Code of the errors. */
  readonly code: string;
  /** What they say. */
  readonly message: string;
  /** Whose doing it was, where the code does not say. */
  readonly blame?: Blame;
}

interface PendingWrite {
  readonly vector: Vector;
  index: number;
  at: number;
  taken: number;
  readonly resolve: () => void;
  readonly reject: (error: SocketError) => void;
}

type InTransit = { readonly count: number } | { readonly error: SocketError | undefined };

/** Bytes from one driver to the other. */
export class BytePipe {
  readonly #faults: StreamFaultSettings;
  readonly #chance: Chance;
  readonly #ring: ByteRing;
  readonly #line: DelayLine<InTransit>;
  #events: PipeEvents | undefined;
  #arrived = 0;
  #sent = 0;
  #write: PendingWrite | undefined;
  #isPumping = false;
  #isWaitingForTurn = false;
  #refusal: Refusal | undefined;
  #hasSentEnd = false;
  #end: { readonly error: SocketError | undefined } | undefined;
  #isUnread = false;
  #lent: { readonly into: Uint8Array; readonly filled: (count: number) => void } | undefined;

  /** An empty pipe; `direction` tells the two of a pair apart, so that they do not draw the same faults. */
  constructor(capacity: number, faults: StreamFaultSettings, direction: number) {
    this.#faults = faults;
    this.#chance = new Chance(faults.chance, direction);
    this.#ring = new ByteRing(capacity);
    this.#line = new DelayLine<InTransit>(faults, this.#chance, true, (thing) => this.#arrive(thing));
  }

  /** Bytes that can be read. */
  get pendingBytes(): number {
    return this.#arrived;
  }

  /** The end, once it has arrived. */
  get end(): { readonly error: SocketError | undefined } | undefined {
    return this.#end;
  }

  /** Names whom to tell. */
  listen(events: PipeEvents): void {
    this.#events = events;
  }

  /** Writes all views; resolves when all are in the ring. */
  write(vector: Vector): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#write !== undefined) {
        return reject(new SocketError("another write is under way", { code: "EBUSY", syscall: "writev" }));
      }
      this.#write = { vector, index: 0, at: 0, taken: 0, resolve, reject };
      if (this.#refusal !== undefined) this.#rejectWrite(this.#refusal);
      else this.#pump();
    });
  }

  /** Copies what has arrived into `into`; how many bytes. */
  read(into: Uint8Array): number {
    let count = Math.min(into.length, this.#arrived, this.#faults.maxReadBytes);
    if (count > 1 && this.#chance.happens(this.#faults.shortReads)) count = this.#chance.between(1, count - 1);
    if (count <= 0) return 0;
    this.#ring.take(into, count);
    this.#arrived -= count;
    this.#pump();
    return count;
  }

  /** Has the next bytes copied to `into` when they arrive; -1 is the end. Nothing is there now. */
  lend(into: Uint8Array): Promise<number> {
    return new Promise((filled) => this.#lent = { into, filled });
  }

  /** Ends the direction behind what was written; later writes are refused. */
  finish(refusal: Refusal): void {
    this.refuse(refusal);
    this.#sendEnd(undefined);
  }

  /** Ends the direction with a reset behind what was written. */
  reset(refusal: Refusal, error: SocketError): void {
    this.refuse(refusal);
    this.#hasSentEnd = false;
    this.#sendEnd(error);
  }

  /** The reading side is gone: writes are refused, what they wrote is dropped. */
  discard(refusal: Refusal): void {
    this.#isUnread = true;
    this.#line.close();
    this.#ring.clear();
    this.#arrived = 0;
    this.#giveLent(-1);
    this.refuse(refusal);
  }

  /** Refuses writes from now on, the one that waits too. */
  refuse(refusal: Refusal): void {
    this.#refusal ??= refusal;
    this.#rejectWrite(refusal);
  }

  #rejectWrite({ message, ...refusal }: Refusal): void {
    const write = this.#write;
    this.#write = undefined;
    write?.reject(new SocketError(message, { ...refusal, syscall: "writev", bytesTransferred: write.taken }));
  }

  #sendEnd(error: SocketError | undefined): void {
    if (this.#hasSentEnd || this.#isUnread) return;
    this.#hasSentEnd = true;
    this.#line.send({ error });
  }

  /** Takes of the waiting write what there is room for, or what the faults allow in one turn. */
  #pump(): void {
    // what is sent may be read at once, which makes room and comes back here
    if (this.#isPumping || this.#isWaitingForTurn) return;
    this.#isPumping = true;
    let isHeldBack = false;
    for (let write = this.#write; write !== undefined && !isHeldBack; write = this.#write) {
      isHeldBack = this.#takePart(write);
      if (this.#write === write && this.#ring.room === 0) break;
    }
    this.#isPumping = false;
    if (isHeldBack && this.#write !== undefined) void this.#pumpNextTurn();
  }

  async #pumpNextTurn(): Promise<void> {
    this.#isWaitingForTurn = true;
    await nextTurnOfLoop();
    this.#isWaitingForTurn = false;
    this.#pump();
  }

  /** Takes what there is room for, once. Returns whether faults let it take less. */
  #takePart(write: PendingWrite): boolean {
    const free = this.#ring.room;
    let room = Math.min(free, this.#faults.maxWriteBytes);
    if (room > 1 && this.#chance.happens(this.#faults.shortWrites)) {
      room = this.#chance.between(1, Math.min(room, unwritten(write)) - 1);
    }
    const isHeldBack = room < free;
    while (this.#write === write && write.index < write.vector.length) {
      if (room === 0 && write.vector[write.index]!.length > 0) return isHeldBack;
      room -= this.#takeView(write, room);
    }
    if (this.#write === write) {
      this.#write = undefined;
      write.resolve();
    }
    return isHeldBack;
  }

  /** Takes a piece of the current view; how many bytes. */
  #takeView(write: PendingWrite, room: number): number {
    const view = write.vector[write.index]!;
    const { resetAfterBytes, endAfterBytes } = this.#faults;
    const untilFault = Math.min(resetAfterBytes, endAfterBytes) - this.#sent;
    const { at } = write;
    const count = Math.min(view.length - at, room, untilFault);
    write.at += count;
    write.taken += count;
    if (write.at === view.length) {
      write.index++;
      write.at = 0;
    }
    if (count > 0) this.#send(view.subarray(at, at + count));
    if (count === untilFault && this.#write === write) this.#fault(write);
    return count;
  }

  /** The byte that a fault waits for was sent. */
  #fault(write: PendingWrite): void {
    if (write.index === write.vector.length) {
      this.#write = undefined;
      write.resolve();
    }
    if (this.#sent === this.#faults.resetAfterBytes) this.#events?.faulted();
    else this.finish({ code: "EPIPE", message: "the connection takes nothing more in this direction (injected)" });
  }

  #send(bytes: Uint8Array): void {
    const wanted = Math.min(bytes.length, Math.max(0, this.#faults.truncateAfterBytes - this.#sent));
    this.#sent += bytes.length;
    if (wanted === 0 || this.#isUnread) return;
    const lent = this.#lent;
    // a view that waits can be filled without the ring only when nothing is on its way
    if (lent !== undefined && this.#ring.length === 0 && this.#isDirect) {
      const count = Math.min(wanted, lent.into.length, this.#faults.maxReadBytes);
      lent.into.set(count === bytes.length ? bytes : bytes.subarray(0, count));
      this.#giveLent(count);
      if (count < wanted) this.#hold(bytes.subarray(count, wanted));
      return;
    }
    this.#hold(wanted === bytes.length ? bytes : bytes.subarray(0, wanted));
  }

  get #isDirect(): boolean {
    const { delayTurns, jitterTurns, delayMs, jitterMs } = this.#faults;
    return delayTurns + jitterTurns + delayMs + jitterMs === 0;
  }

  #hold(bytes: Uint8Array): void {
    this.#ring.push(bytes);
    this.#line.send({ count: bytes.length });
  }

  #arrive(thing: InTransit): void {
    if ("count" in thing) {
      this.#arrived += thing.count;
      const lent = this.#lent;
      this.#lent = undefined;
      if (lent === undefined) this.#events?.arrived();
      else lent.filled(this.read(lent.into));
      return;
    }
    this.#end ??= thing;
    this.#giveLent(-1);
    this.#events?.ended(thing.error);
  }

  #giveLent(count: number): void {
    const lent = this.#lent;
    this.#lent = undefined;
    lent?.filled(count);
  }
}

function unwritten(write: PendingWrite): number {
  let bytes = -write.at;
  for (let i = write.index; i < write.vector.length; i++) bytes += write.vector[i]!.length;
  return bytes;
}
