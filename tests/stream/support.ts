/** Engines for the tests of the stream layer. */
import type { Engine, Sink, Stats } from "../../src/core/engine.ts";
import { LeatError } from "../../src/core/errors.ts";

/** The error that the test engines fail with. */
export function failure(code = "EPROTO"): LeatError {
  return new LeatError("cannot take that", { code, layer: "test", blame: "remote" });
}

/**
 * Cuts each input number n into the items n, n, ... n times; holds nothing back. Fails on 13. A negative number is
 * held until the end.
 */
export class Repeater implements Engine<number> {
  readonly stats: Stats = {};
  readonly nows: number[] = [];
  readonly #sink: Sink<number>;
  readonly #held: number[] = [];
  #isOver = false;
  ends = 0;

  constructor(sink: Sink<number>) {
    this.#sink = sink;
  }

  push(input: number, now: number): void {
    if (typeof input !== "number") throw new TypeError("not a number");
    if (this.#isOver) return;
    this.nows.push(now);
    if (input < 0) this.#held.push(input);
    for (let i = 0; i < input && input !== 13; i++) this.#sink.item(input);
    if (input === 13) this.#fail();
  }

  end(): void {
    this.ends++;
    if (this.#isOver) return;
    this.#isOver = true;
    for (const item of this.#held) this.#sink.item(item);
    this.#sink.end();
  }

  timeoutAt(): number {
    return Infinity;
  }

  onTimeout(): void {}

  #fail(): void {
    this.#isOver = true;
    this.#sink.error(failure());
  }
}

/** Holds each input until `delayMs` after it came. */
export class Delayer implements Engine<number> {
  readonly stats: Stats = {};
  readonly #sink: Sink<number>;
  readonly #delayMs: number;
  readonly #held: { item: number; at: number }[] = [];

  constructor(sink: Sink<number>, delayMs: number) {
    this.#sink = sink;
    this.#delayMs = delayMs;
  }

  push(item: number, now: number): void {
    this.#held.push({ item, at: now + this.#delayMs });
  }

  end(): void {
    this.onTimeout(Infinity);
    this.#sink.end();
  }

  timeoutAt(): number {
    return this.#held[0]?.at ?? Infinity;
  }

  onTimeout(now: number): void {
    while (this.#held.length > 0 && this.#held[0]!.at <= now) this.#sink.item(this.#held.shift()!.item);
  }
}

/** A {@linkcode Delayer} that lives on the time in its input: an input is its own time. */
export class PassiveDelayer extends Delayer {
  override push(item: number, now: number): void {
    this.onTimeout(now);
    super.push(item, now);
  }

  timeOf(input: number): number {
    return input;
  }
}
