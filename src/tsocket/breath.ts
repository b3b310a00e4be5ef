/**
 * Letting the event loop have its turn now and then, where everything can be answered at once.
 *
 * Without it two sockets in one process, or one that sends without end, would keep timers and I/O waiting for ever.
 *
 * @module
 */
import { breathe } from "../stream/turn.ts";

/** So many answers before the event loop is asked whether it wants a turn. */
const ANSWERS_PER_BREATH = 64;

/** Counts answers. */
export class Breath {
  #answers = 0;

  /** What to resolve with: the value, or now and then a promise for it that lets the event loop have its turn first. */
  before<T>(value: T, weight = 1): T | Promise<T> {
    this.#answers += weight;
    if (this.#answers < ANSWERS_PER_BREATH) return value;
    this.#answers = 0;
    return breathe()?.then(() => value) ?? value;
  }
}
