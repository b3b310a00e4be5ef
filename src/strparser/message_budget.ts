/**
 * One bound on memory for many parsers.
 *
 * @module
 */
import { limitOption } from "../core/limits.ts";

/**
 * Bounds the bytes that all parsers which share it hold of unfinished messages. A parser that would hold more than is
 * left fails with `ENOBUFS`; the others go on. Messages handed out do not count, they are the consumer's.
 *
 * @example
 * ```ts
 * import { lengthPrefix, MessageBudget, StreamParser } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const budget = new MessageBudget(8);
 * const codes: string[] = [];
 * const parsers = [1, 2].map(() =>
 *   new StreamParser({ parser: lengthPrefix(2), budget }, {
 *     item: () => {},
 *     error: (error) => codes.push(error.code),
 *     end: () => {},
 *   })
 * );
 * for (const parser of parsers) parser.push(Uint8Array.of(0, 9, 1, 2, 3), 0);
 * assertEquals([budget.bytesHeld, codes], [5, ["ENOBUFS"]]);
 * ```
 */
export class MessageBudget {
  /** The bound, in bytes. */
  readonly maxBytes: number;
  #bytesHeld = 0;

  /**
   * A budget of `maxBytes`.
   *
   * @throws {TypeError | RangeError} when that is no limit
   */
  constructor(maxBytes: number) {
    this.maxBytes = limitOption("maxBytes", maxBytes, maxBytes);
  }

  /** Bytes held by all parsers together. */
  get bytesHeld(): number {
    return this.#bytesHeld;
  }

  /** Changes what one holder has by `more` bytes (negative: gives back). Returns false, and does nothing, beyond the bound. */
  claim(more: number): boolean {
    if (more > 0 && this.#bytesHeld + more > this.maxBytes) return false;
    this.#bytesHeld += more;
    return true;
  }
}

/** What one parser has of a budget. */
export class BudgetShare {
  readonly #budget: MessageBudget | undefined;
  #claimed = 0;

  /** Nothing yet. Without a budget everything is granted. */
  constructor(budget: MessageBudget | undefined) {
    this.#budget = budget;
  }

  /** Says how much is held. Returns whether the budget allows it; if not, nothing changes. */
  hold(bytes: number): boolean {
    if (this.#budget === undefined || bytes === this.#claimed) return true;
    if (!this.#budget.claim(bytes - this.#claimed)) return false;
    this.#claimed = bytes;
    return true;
  }
}
