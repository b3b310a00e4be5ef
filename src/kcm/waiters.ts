/**
 * The sockets with room, first in line first: the kernel's `kcm_rx_waiters`.
 *
 * A linked list through the members, because one socket joins or leaves for every message at times.
 *
 * @module
 */

/** What can stand in line; the list keeps its links here. */
export interface Waiter {
  /** The one in front. Belongs to the list. */
  waiterBefore: Waiter | undefined;
  /** The one behind. Belongs to the list. */
  waiterBehind: Waiter | undefined;
}

/** A line of waiters. */
export class Waiters<W extends Waiter> {
  #first: Waiter | undefined;
  #last: Waiter | undefined;

  /** Who is first in line. */
  get first(): W | undefined {
    return this.#first as W | undefined;
  }

  /** Goes to the end of the line; must not stand in it already. */
  push(waiter: W): void {
    waiter.waiterBefore = this.#last;
    waiter.waiterBehind = undefined;
    if (this.#last === undefined) this.#first = waiter;
    else this.#last.waiterBehind = waiter;
    this.#last = waiter;
  }

  /** Leaves the line; must stand in it. */
  remove(waiter: W): void {
    const { waiterBefore, waiterBehind } = waiter;
    if (waiterBefore === undefined) this.#first = waiterBehind;
    else waiterBefore.waiterBehind = waiterBehind;
    if (waiterBehind === undefined) this.#last = waiterBefore;
    else waiterBehind.waiterBefore = waiterBefore;
    waiter.waiterBefore = undefined;
    waiter.waiterBehind = undefined;
  }

  /** The first in line goes to its end. */
  rotate(): void {
    const first = this.#first;
    if (first === this.#last) return;
    this.remove(first as W);
    this.push(first as W);
  }

  /** What was a turn is over. */
  endTurn(): void {}
}

/** A line in which a turn has several calls of `rotate`. */
export class TurnWaiters<W extends Waiter> extends Waiters<W> {
  readonly #callsPerTurn: number;
  /** Who has begun its turn, and how much is left of it. */
  #inTurn: W | undefined;
  #left = 0;

  /** `Infinity`: until `endTurn`. */
  constructor(callsPerTurn: number) {
    super();
    this.#callsPerTurn = callsPerTurn;
  }

  override rotate(): void {
    if (this.#inTurn !== this.first) this.#left = this.#callsPerTurn;
    this.#inTurn = this.first;
    if (--this.#left > 0) return;
    this.#inTurn = undefined;
    super.rotate();
  }

  override endTurn(): void {
    if (this.#inTurn !== undefined && this.#inTurn === this.first) super.rotate();
    this.#inTurn = undefined;
  }
}
