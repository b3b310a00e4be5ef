/**
 * One input, many outputs, one budget: how a stage that hands out flows, channels or calls keeps its memory bounded
 * without ever waiting for itself.
 *
 * The source is paused on the total of all queues only. A full budget while some reader waits for data that can only
 * come from the source is a deadlock in the making, because what fills the budget lies in queues that perhaps nobody
 * reads. Then the largest queue gives way: one that was never read as soon as a turn of the event loop has passed in which
 * nothing moved (whoever takes flows one by one has not had its turn with the last ones yet), others after `starveMs`.
 * It fails with `ENOBUFS`, what it held is dropped and counted, and the others go on.
 *
 * A reader of many outlets may wait at an empty one while it has no use for data from any: its own readers are slow. That
 * is backpressure and no deadlock; a {@linkcode Patience} tells the two apart.
 *
 * @module
 */
import { type Clock, systemClock } from "../core/clock.ts";
import { LeatError } from "../core/errors.ts";
import { durationOption, limitOption } from "../core/limits.ts";
import { Outlet } from "./outlet.ts";
import type { Patience } from "./patience.ts";
import { nextTurnOfLoop } from "./turn.ts";

/** Options of a fan-out. */
export interface FanOutOptions {
  /**
   * Bytes that all outlets may hold together before the source is paused.
   *
   * @default {16777216}
   */
  maxBytes?: number | undefined;
  /**
   * How long a reader may wait while the budget is full and nothing moves, in milliseconds, before the largest queue
   * that is being read gives way.
   *
   * @default {1000}
   */
  starveMs?: number | undefined;
  /** Time and timers. @default {systemClock} */
  clock?: Clock | undefined;
  /** What users of the stage know `maxBytes` as, for errors. @default {"maxBytes"} */
  budgetName?: string | undefined;
  /** What users can do so that no queue has to give way, for errors. @default {"read all at once"} */
  advice?: string | undefined;
}

/** What is known of an outlet whose reader waits: how to learn what that reader tells about itself. */
interface Waiting {
  readonly patience: (() => Patience | undefined) | undefined;
  /** Where it is among those that starve, while it does. */
  among: Set<Waiting> | undefined;
}

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;
const DEFAULT_STARVE_MS = 1000;
/** Queues give way until this share of the budget is left, so that many small ones are not looked through each time. */
const RELIEF_SHARE = 0.75;

/** A byte budget shared by many outlets. */
export class FanOut {
  readonly #layer: string;
  readonly #budgetName: string;
  readonly #advice: string;
  readonly #maxBytes: number;
  readonly #starveMs: number;
  readonly #clock: Clock;
  /** Outlets that hold something. */
  readonly #holding: Set<Outlet<unknown>> = new Set();
  /** Those of them that were never read, and perhaps some that were since they were last looked through. */
  readonly #unread: Set<Outlet<unknown>> = new Set();
  /** Outlets whose reader waits, by what it told about itself when it was last looked at. */
  readonly #starving: Map<Patience | undefined, Set<Waiting>> = new Map();
  #stopListening: (() => void)[] = [];
  #heldBytes = 0;
  #starved = 0;
  #room: { promise: Promise<void>; resolve: () => void } | undefined;
  #disarm: (() => void) | undefined;
  #isGivingWay = false;
  /** Reads begun and bytes read so far: whether anything moves. */
  #moves = 0;
  #isWatching = false;
  #isClosed = false;

  /** A budget for the given layer (named in its errors). */
  constructor(layer: string, options: FanOutOptions = {}) {
    this.#layer = layer;
    this.#budgetName = options.budgetName ?? "maxBytes";
    this.#advice = options.advice ?? "read all at once";
    this.#maxBytes = limitOption(this.#budgetName, options.maxBytes, DEFAULT_MAX_BYTES);
    this.#starveMs = durationOption("starveMs", options.starveMs, DEFAULT_STARVE_MS);
    this.#clock = options.clock ?? systemClock;
  }

  /** Bytes held by all outlets. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** How many queues had to give way. */
  get starved(): number {
    return this.#starved;
  }

  /** Whether the source must wait. */
  get isFull(): boolean {
    return this.#heldBytes >= this.#maxBytes;
  }

  /**
   * A new outlet under the budget; `cancelled` is called when its reader cancels, `patience` while its reader waits, for
   * what is known about that reader. `label` is what errors call it.
   */
  outlet<T, Batch extends boolean>(
    batch: Batch,
    cancelled?: (reason: unknown) => void,
    patience?: () => Patience | undefined,
    label?: string,
  ): Outlet<T, Batch> {
    const waiting: Waiting = { patience, among: undefined };
    const outlet: Outlet<T, Batch> = new Outlet<T, Batch>(batch, {
      held: (bytes) => {
        this.#heldBytes += bytes;
        this.#holding.add(outlet);
        if (!outlet.wasRead) this.#unread.add(outlet);
      },
      released: (bytes) => this.#release(outlet, bytes),
      wanted: () => {
        if (this.#isClosed) return;
        this.#moves++;
        this.#starve(waiting, patience?.());
        this.#relieve();
      },
      served: () => {
        waiting.among?.delete(waiting);
        waiting.among = undefined;
      },
      cancelled: (reason) => cancelled?.(reason),
    }, label);
    return outlet;
  }

  /** A promise of room where the budget is full, else `undefined`: go on. */
  room(): Promise<void> | undefined {
    if (!this.isFull) return undefined;
    if (this.#room === undefined) {
      let resolve = (): void => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#room = { promise, resolve };
      this.#relieve();
    }
    return this.#room?.promise;
  }

  /** Stops the timer and lets a waiting source go: nothing will be read or pushed any more. */
  close(): void {
    this.#isClosed = true;
    this.#settle();
    this.#starving.clear();
    for (const stop of this.#stopListening) stop();
    this.#stopListening = [];
    const room = this.#room;
    this.#room = undefined;
    room?.resolve();
  }

  #release(outlet: Outlet<unknown>, bytes: number): void {
    this.#heldBytes -= bytes;
    this.#moves++;
    if (outlet.heldBytes === 0) this.#holding.delete(outlet);
    if (outlet.heldBytes === 0 || outlet.wasRead) this.#unread.delete(outlet);
    this.#settle();
    if (this.isFull) return this.#relieve();
    const room = this.#room;
    this.#room = undefined;
    room?.resolve();
  }

  #settle(): void {
    this.#disarm?.();
    this.#disarm = undefined;
  }

  /** While the source waits for room and a reader for the source, some queue has to give way. */
  #relieve(): void {
    if (this.#isWatching || !this.#isStuck()) return;
    this.#isWatching = true;
    void this.#relieveWhenQuiet();
  }

  #isStuck(): boolean {
    return !this.#isGivingWay && this.#room !== undefined && this.isFull && this.#isAnyStarving();
  }

  /** Each move leaves less in the queues while the source waits, so this ends. */
  async #relieveWhenQuiet(): Promise<void> {
    let seen: number;
    do {
      seen = this.#moves;
      await nextTurnOfLoop();
    } while (seen !== this.#moves && this.#isStuck());
    this.#isWatching = false;
    if (!this.#isStuck()) return;
    // a set of its own: this runs at every read while the budget is full, when many outlets hold something
    for (const outlet of this.#unread) if (outlet.wasRead) this.#unread.delete(outlet);
    if (this.#unread.size > 0) this.#giveWay([...this.#unread]);
    if (this.#room === undefined || !this.isFull || this.#disarm !== undefined) return;
    this.#disarm = this.#clock.setTimer(this.#clock.now() + this.#starveMs, () => {
      this.#disarm = undefined;
      if (this.isFull && this.#isAnyStarving()) this.#giveWay([...this.#holding]);
    });
  }

  #starve(waiting: Waiting, patience: Patience | undefined): void {
    let among = this.#starving.get(patience);
    if (among === undefined) {
      among = new Set();
      this.#starving.set(patience, among);
      if (patience !== undefined) this.#stopListening.push(patience.onImpatient(() => this.#relieve()));
    }
    waiting.among?.delete(waiting);
    waiting.among = among.add(waiting);
  }

  #isAnyStarving(): boolean {
    for (const [patience, among] of this.#starving) {
      if (patience?.isPatient) continue;
      for (const waiting of among) {
        const now = waiting.patience?.();
        if (now !== patience) this.#starve(waiting, now);
        if (!now?.isPatient) return true;
      }
    }
    return false;
  }

  /** Fails the given queues, largest first, until there is room. */
  #giveWay(outlets: Outlet<unknown>[]): void {
    this.#isGivingWay = true;
    outlets.sort((a, b) => b.heldBytes - a.heldBytes);
    for (const outlet of outlets) {
      if (this.#heldBytes <= this.#maxBytes * RELIEF_SHARE) break;
      this.#starved++;
      outlet.abort(this.#starvation(outlet));
    }
    this.#isGivingWay = false;
  }

  #starvation({ label, heldBytes }: Outlet<unknown>): LeatError {
    const what = `${label === undefined ? "" : `${label}: `}${heldBytes} unread bytes dropped`;
    const why = `other readers wait and ${this.#budgetName} ${this.#maxBytes} is full`;
    return new LeatError(`${what} because ${why}; ${this.#advice}, or cancel() what you do not want`, {
      code: "ENOBUFS",
      layer: this.#layer,
      blame: "local",
    });
  }
}
