/**
 * What goes on after bytes that are no message: swallowing a known number of them, and asking the resync hook how many.
 *
 * @module
 */
import { byteCount } from "../core/words.ts";
import { type Failure, isParseFailure, refused, returned, threw } from "./failures.ts";
import type { Resync } from "./options.ts";
import type { ParseFailure } from "./parser.ts";
import type { Counts } from "./statistics.ts";

/** Why bytes are swallowed, by the counter that they go to. */
export type SkipCounter = "discardedBytes" | "skippedBytes";

/** Bytes of the stream that go nowhere. */
export class Skip {
  /** How many are still to come. */
  left = 0;
  /** How many there were. */
  total = 0;
  readonly #counts: Counts;
  #counter: SkipCounter = "discardedBytes";

  constructor(counts: Counts) {
    this.#counts = counts;
  }

  /** Begins; some may be here already. */
  begin(total: number, here: number, counter: SkipCounter): void {
    this.total = total;
    this.left = total;
    this.#counter = counter;
    this.take(here);
  }

  /** Takes up to `count`; returns how many. */
  take(count: number): number {
    const taken = Math.min(this.left, count);
    this.left -= taken;
    this.#counts[this.#counter] += taken;
    return taken;
  }
}

/** The resync hook and what it was asked about. */
export class Recovery {
  /** What went wrong, while the hook wants to see more. */
  lost: Failure | undefined;
  readonly #resync: Resync | undefined;
  readonly #counts: Counts;
  #messagesWhenLost = -1;

  constructor(resync: Resync | undefined, counts: Counts) {
    this.#resync = resync;
    this.#counts = counts;
  }

  /**
   * How many bytes to skip from `start` on; 0: wait for more. Or the failure that the stream ends with: the given one
   * where there is no hook or it may not wait, the hook's own otherwise.
   */
  ask(bytes: Uint8Array, start: number, end: number, failure: Failure, mayWait: boolean): number | Failure {
    if (this.#resync === undefined || failure.isOfBytes !== true) return failure;
    let answer: number | ParseFailure;
    try {
      answer = this.#resync(bytes, start, end);
    } catch (cause) {
      return threw("resync", cause);
    }
    if (isParseFailure(answer)) return refused(answer, 0, "resync");
    if (!Number.isSafeInteger(answer) || answer < 0) return returned("resync", answer);
    if (answer === 0 && !mayWait) {
      return { ...failure, message: `${failure.message}, and no resync within ${byteCount(end - start)}` };
    }
    // one loss, however many tries it takes
    if (this.#messagesWhenLost !== this.#counts.messages) this.#counts.resyncs++;
    this.#messagesWhenLost = this.#counts.messages;
    return answer;
  }
}
