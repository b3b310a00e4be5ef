/**
 * Things on their way: each arrives some turns of the event loop, or milliseconds of a clock, later.
 *
 * What has no delay arrives at once, within {@linkcode DelayLine.send}.
 *
 * @module
 */
import { nextTurnOfLoop } from "../../../stream/turn.ts";
import type { Chance } from "./chance.ts";
import type { DelaySettings } from "./faults.ts";

interface OnItsWay<T> {
  readonly thing: T;
  /** Turn in which it arrives. */
  readonly turn: number;
  /** Milliseconds that follow. */
  readonly ms: number;
}

/** One direction in which things travel. */
export class DelayLine<T> {
  readonly #settings: DelaySettings;
  readonly #chance: Chance;
  readonly #arrive: (thing: T) => void;
  readonly #isOrdered: boolean;
  /** Waiting for their turn, in order of sending. */
  #waiting: OnItsWay<T>[] = [];
  #turn = 0;
  #isCounting = false;
  /** Timers under way, and what they wait for in order of sending. */
  readonly #timers: Set<() => void> = new Set();
  #timed: T[] = [];
  /** When the last one arrives; an ordered line lets nobody overtake it. */
  #lastTurn = 0;
  #lastAt = -Infinity;
  #isClosed = false;

  /** A line that calls `arrive` with each thing, in the order of sending if it `isOrdered`. */
  constructor(settings: DelaySettings, chance: Chance, isOrdered: boolean, arrive: (thing: T) => void) {
    this.#settings = settings;
    this.#chance = chance;
    this.#isOrdered = isOrdered;
    this.#arrive = arrive;
  }

  /** Things on their way. */
  get length(): number {
    return this.#waiting.length + this.#timers.size;
  }

  /** Sends one, which takes `moreTurns` longer than the others. */
  send(thing: T, moreTurns = 0): void {
    if (this.#isClosed) return;
    const { delayTurns, jitterTurns, delayMs, jitterMs } = this.#settings;
    const turns = moreTurns + this.#chance.between(delayTurns, delayTurns + jitterTurns);
    const ms = this.#chance.between(delayMs, delayMs + jitterMs);
    let turn = this.#turn + turns;
    if (this.#isOrdered) {
      turn = Math.max(turn, this.#lastTurn);
      this.#lastTurn = turn;
    }
    if (turn === this.#turn && (!this.#isOrdered || this.#waiting.length === 0)) return this.#delay(thing, ms);
    this.#waiting.push({ thing, turn, ms });
    if (!this.#isCounting) void this.#count();
  }

  /** Drops what is on its way, and whatever is sent later. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#timed = [];
  }

  async #count(): Promise<void> {
    this.#isCounting = true;
    while (this.#waiting.length > 0) {
      await nextTurnOfLoop();
      this.#turn++;
      for (let at = this.#due(); at >= 0; at = this.#due()) {
        const [{ thing, ms }] = this.#waiting.splice(at, 1) as [OnItsWay<T>];
        this.#delay(thing, ms);
      }
    }
    this.#isCounting = false;
  }

  /** Place of the first whose turn has come. */
  #due(): number {
    return this.#waiting.findIndex(({ turn }) => turn <= this.#turn);
  }

  #delay(thing: T, ms: number): void {
    if (this.#isClosed) return;
    const { clock } = this.#settings;
    if (ms === 0 && (!this.#isOrdered || this.#timers.size === 0)) return this.#arrive(thing);
    let at = clock.now() + ms;
    if (this.#isOrdered) {
      at = Math.max(at, this.#lastAt);
      this.#lastAt = at;
    }
    // clocks promise no order among timers of one moment, so each timer of an ordered line takes whatever is first
    this.#timed.push(thing);
    const cancel = clock.setTimer(at, () => {
      this.#timers.delete(cancel);
      const at = this.#isOrdered ? 0 : this.#timed.indexOf(thing);
      const [arrived] = this.#timed.splice(at, 1) as [T];
      this.#arrive(arrived);
    });
    this.#timers.add(cancel);
  }
}
