/**
 * The deadlines of one parser: when the message that has begun must be further on. No timers here: `at` says when.
 *
 * All three belong to the message that is incomplete; between messages there are none. While frozen the clock stands
 * still. Whoever thaws may not know the time: then `at` lies in the past, so that the driver comes at once and tells it.
 *
 * @module
 */

/** Which deadline has passed. */
export type DeadlineKind = "header" | "message" | "idle";

/** Deadlines of the message in work. */
export class MessageDeadlines {
  /** When the first is due; `Infinity` without any. */
  at: number = Infinity;
  readonly #headerMs: number;
  readonly #idleMs: number;
  #messageMs = Infinity;
  #isRunning = false;
  #isLengthKnown = false;
  #beganAt = 0;
  #heardAt = 0;
  #frozenAt: number | undefined;
  #isThawing = false;

  /** Deadlines of header and silence in milliseconds; that of the message comes with each one. */
  constructor(headerMs: number, idleMs: number) {
    this.#headerMs = headerMs;
    this.#idleMs = idleMs;
  }

  /** How long the deadline `kind` is, in milliseconds. */
  lengthOf(kind: DeadlineKind): number {
    if (kind === "message") return this.#messageMs;
    return kind === "idle" ? this.#idleMs : this.#headerMs;
  }

  /** The first bytes of a message are here, and not all. */
  begin(now: number, isLengthKnown: boolean, messageMs: number): void {
    if (this.#isThawing) this.thaw(now);
    this.#isRunning = true;
    this.#isLengthKnown = isLengthKnown;
    this.#messageMs = messageMs;
    this.#beganAt = now;
    this.#heardAt = now;
    this.#update();
  }

  /** More bytes have come, and still not all. A first deadline for the message counts from its beginning. */
  progress(now: number, isLengthKnown: boolean, messageMs: number): void {
    if (!this.#isRunning) return;
    this.#heardAt = now;
    this.#isLengthKnown = isLengthKnown;
    if (this.#messageMs === Infinity) this.#messageMs = messageMs;
    this.#update();
  }

  /** No message is in work any more. */
  finish(): void {
    this.#isRunning = false;
    this.at = Infinity;
  }

  /** The clock stands still from `now` on. */
  freeze(now: number): void {
    this.#isThawing = false;
    this.#frozenAt ??= now;
    this.#update();
  }

  /** The clock goes on from `now`, or from when the time becomes known. */
  thaw(now: number | undefined): void {
    if (this.#frozenAt === undefined) return;
    if (now === undefined) {
      this.#isThawing = true;
    } else {
      const stood = Math.max(0, now - this.#frozenAt);
      this.#beganAt += stood;
      this.#heardAt += stood;
      this.#frozenAt = undefined;
      this.#isThawing = false;
    }
    this.#update();
  }

  /** Which deadline has passed at `now`, if any. */
  passed(now: number): DeadlineKind | undefined {
    if (this.#isThawing) this.thaw(now);
    if (now < this.at || !this.#isRunning) return undefined;
    if (this.at === this.#beganAt + this.#messageMs) return "message";
    return this.at === this.#heardAt + this.#idleMs ? "idle" : "header";
  }

  #update(): void {
    if (!this.#isRunning) {
      this.at = Infinity;
    } else if (this.#frozenAt !== undefined) {
      this.at = this.#isThawing ? this.#frozenAt : Infinity;
    } else {
      const header = this.#isLengthKnown ? Infinity : this.#beganAt + this.#headerMs;
      this.at = Math.min(header, this.#beganAt + this.#messageMs, this.#heardAt + this.#idleMs);
    }
  }
}
