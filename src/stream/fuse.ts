/**
 * Engines joined by direct call: a whole pipeline as one engine, with no stream and no promise between its layers.
 *
 * @module
 */
import type { Engine, EngineFactory, Sink, Stats } from "../core/engine.ts";
import type { LeatError } from "../core/errors.ts";

/** Engines whose types were checked where they were joined. */
type AnyEngine = Engine<unknown>;

/**
 * Joins engines, in the order in which data flows through them. The result is again an engine factory, for `through`,
 * for a stage, or to be fused further.
 *
 * An error of one engine makes those behind it hand out what they hold (`end`), and is then passed on.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { fuse } from "@leat/streams/stream";
 * import { CaptureReader } from "@leat/streams/pcap";
 * import { SegmentDecoder } from "@leat/streams/packet";
 *
 * const factory = fuse(CaptureReader.with(), SegmentDecoder.with());
 * const engine = factory({ item: () => {}, error: () => {}, end: () => {} });
 * assertEquals(engine.timeoutAt(), Infinity);
 * ```
 */
export function fuse<A, B, C>(a: EngineFactory<A, B>, b: EngineFactory<B, C>): EngineFactory<A, C>;
/** Joins three engines. */
export function fuse<A, B, C, D>(
  a: EngineFactory<A, B>,
  b: EngineFactory<B, C>,
  c: EngineFactory<C, D>,
): EngineFactory<A, D>;
/** Joins four engines. */
export function fuse<A, B, C, D, E>(
  a: EngineFactory<A, B>,
  b: EngineFactory<B, C>,
  c: EngineFactory<C, D>,
  d: EngineFactory<D, E>,
): EngineFactory<A, E>;
/** Joins five engines. */
export function fuse<A, B, C, D, E, F>(
  a: EngineFactory<A, B>,
  b: EngineFactory<B, C>,
  c: EngineFactory<C, D>,
  d: EngineFactory<D, E>,
  e: EngineFactory<E, F>,
): EngineFactory<A, F>;
export function fuse(...factories: EngineFactory<never, never>[]): EngineFactory<unknown, unknown> {
  return fuseAll(factories as unknown as EngineFactory<unknown, unknown>[]);
}

/** {@linkcode fuse} for any number of engines, without its types. */
export function fuseAll(factories: readonly EngineFactory<unknown, unknown>[]): EngineFactory<unknown, unknown> {
  if (factories.length === 0) throw new TypeError("at least one engine is needed");
  for (const factory of factories) {
    if (typeof factory !== "function") throw new TypeError("an engine factory must be a function of a sink");
  }
  return (sink) => new FusedEngine(factories, sink);
}

class FusedEngine implements AnyEngine {
  readonly timeOf?: (input: unknown) => number;
  readonly borrows: boolean;
  readonly #engines: AnyEngine[];
  readonly #time: { value: number } = { value: 0 };
  /** Whether live engines follow a passive head: no timer is set for them then. */
  readonly #isTimeDriven: boolean;

  constructor(factories: readonly EngineFactory<unknown, unknown>[], sink: Sink<unknown>) {
    this.#engines = [];
    const last = new FirstOutcome(sink);
    let next: Sink<unknown> = last;
    for (let i = factories.length - 1; i >= 0; i--) {
      const engine = factories[i]!(next);
      this.#engines.unshift(engine);
      if (i === 0) continue;
      next = engine.timeOf === undefined ? new Link(engine, this.#time, last) : new PassiveLink(engine, last);
    }
    const head = this.#engines[0]!;
    if (head.timeOf !== undefined) this.timeOf = (input) => head.timeOf!(input);
    this.borrows = head.borrows === true;
    this.#isTimeDriven = head.timeOf !== undefined && this.#engines.some((engine) => engine.timeOf === undefined);
  }

  push(input: unknown, now: number): number | void {
    this.#time.value = now;
    if (this.#isTimeDriven && now >= this.timeoutAt()) this.onTimeout(now);
    return this.#engines[0]!.push(input, now);
  }

  end(now: number): void {
    this.#time.value = now;
    this.#engines[0]!.end(now);
  }

  timeoutAt(): number {
    let at = Infinity;
    for (let i = 0; i < this.#engines.length; i++) {
      if (this.#isDriven(i)) at = Math.min(at, this.#engines[i]!.timeoutAt());
    }
    return at;
  }

  onTimeout(now: number): void {
    this.#time.value = now;
    for (let i = 0; i < this.#engines.length; i++) {
      const engine = this.#engines[i]!;
      if (this.#isDriven(i) && now >= engine.timeoutAt()) engine.onTimeout(now);
    }
  }

  stop(): void {
    for (const engine of this.#engines) engine.stop?.();
  }

  /** The counters of all engines, each name with its engine's position in front. */
  get stats(): Stats {
    const all: Record<string, number> = {};
    this.#engines.forEach((engine, i) => {
      for (const [name, count] of Object.entries(engine.stats)) all[`${i}.${name}`] = count;
    });
    return all;
  }

  /** A passive engine behind the head is driven by its link, on the time in its input. */
  #isDriven(i: number): boolean {
    return i === 0 || this.#engines[i]!.timeOf === undefined;
  }
}

/** The final sink: the first error wins, and everything that an earlier layer's error made the later ones say is not one. */
class FirstOutcome implements Sink<unknown> {
  readonly #sink: Sink<unknown>;
  #pending: { error: LeatError } | undefined;
  #isOver = false;

  constructor(sink: Sink<unknown>) {
    this.#sink = sink;
  }

  item(value: unknown): void {
    this.#sink.item(value);
  }

  /** Runs `drain` (the later engines hand out what they hold), then reports `error`, whatever they said meanwhile. */
  failAfter(error: LeatError, drain: () => void): void {
    if (this.#isOver || this.#pending !== undefined) return;
    this.#pending = { error };
    drain();
    this.#isOver = true;
    this.#sink.error(error);
  }

  error(error: LeatError): void {
    if (this.#isOver || this.#pending !== undefined) return;
    this.#isOver = true;
    this.#sink.error(error);
  }

  end(): void {
    if (this.#isOver || this.#pending !== undefined) return;
    this.#isOver = true;
    this.#sink.end();
  }
}

/** The sink of one engine that is the input of the next, a live one: it gets the time that the first engine got. */
class Link implements Sink<unknown> {
  readonly borrows: boolean;
  readonly #next: AnyEngine;
  readonly #time: { readonly value: number };
  readonly #last: FirstOutcome;

  constructor(next: AnyEngine, time: { readonly value: number }, last: FirstOutcome) {
    this.borrows = next.borrows === true;
    this.#next = next;
    this.#time = time;
    this.#last = last;
  }

  item(value: unknown): void {
    this.#next.push(value, this.#time.value);
  }

  end(): void {
    this.#next.end(this.#time.value);
  }

  error(error: LeatError): void {
    this.#last.failAfter(error, () => this.end());
  }
}

/**
 * The same for a passive engine: it gets the latest time in its input, as from an `EngineTime`, which is not used here
 * because going through it costs every packet 3 % of a whole pipeline.
 */
class PassiveLink implements Sink<unknown> {
  readonly borrows: boolean;
  readonly #next: AnyEngine & Required<Pick<AnyEngine, "timeOf">>;
  readonly #last: FirstOutcome;
  #latest = 0;

  constructor(next: AnyEngine, last: FirstOutcome) {
    this.borrows = next.borrows === true;
    this.#next = next as AnyEngine & Required<Pick<AnyEngine, "timeOf">>;
    this.#last = last;
  }

  item(value: unknown): void {
    const at = this.#next.timeOf(value);
    if (at > this.#latest) this.#latest = at;
    this.#next.push(value, this.#latest);
  }

  end(): void {
    this.#next.end(this.#latest);
  }

  error(error: LeatError): void {
    this.#last.failAfter(error, () => this.end());
  }
}
