/**
 * The contract of every protocol engine: bytes, values and the time go in, values come out through a sink.
 *
 * An engine has no timer, clock, randomness, socket, promise or stream of its own, so it runs the same anywhere and
 * any run of it can be repeated. The adapters in `stream/` turn an engine into a `{readable, writable}` stage.
 *
 * @module
 */
import type { LeatError } from "./errors.ts";

/**
 * Where a linear engine (one input, one kind of output) puts what it makes. Called synchronously, in order.
 *
 * Inside a callback only `pause`, `resume` and `abort` of the engine may be called.
 */
export interface Sink<Out> {
  /** One item came out. */
  item(value: Out): void;
  /** The engine has failed for good and ignores all further input; called at most once, never after `end`. */
  error(error: LeatError): void;
  /** The input ended cleanly and everything was handed out; called at most once, never after `error`. */
  end(): void;
  /**
   * Whether nothing keeps an item once `item` has returned: whoever makes them may then use one object for all.
   *
   * @default {false}
   */
  readonly borrows?: boolean | undefined;
}

/** Plain counters of an engine, by name. */
export type Stats = Readonly<Record<string, number>>;

/**
 * A linear protocol engine. Engines with several inputs or outputs hand out ports that have the same verbs.
 *
 * All times are milliseconds that never go back.
 */
export interface Engine<In> {
  /**
   * Takes one input. Never throws for what a peer sent: that becomes `sink.error` and a failed state that stays.
   * Engines that can be paused return how much of the input they took; all others return nothing and take it whole.
   */
  push(input: In, now: number): number | void;
  /**
   * Takes several inputs at once, with the same result as that of as many calls of {@linkcode push}. For engines that
   * do better with many, such as those that write them into one chunk. Never used on a passive engine.
   */
  pushBatch?(inputs: readonly In[], now: number): void;
  /** The peer's end of stream. A message cut off by it is a truncation error that says how many bytes were missing. */
  end(now: number): void;
  /** Time at which {@linkcode onTimeout} must be called; `Infinity` when only input can wake the engine. */
  timeoutAt(): number;
  /** Runs what is due at `now`. Calling it early does no harm. */
  onTimeout(now: number): void;
  /** Nobody wants what it makes any more: takes nothing more and frees what is held, without a report. */
  stop?(): void;
  /** Plain counters, named after the original's where there is one. */
  readonly stats: Stats;
  /**
   * Passive engines (they watch captures) say here when an input happened, in milliseconds. Whoever drives such an
   * engine passes the latest time seen so far as `now` instead of a clock, and sets no timer for it: `push` of such an
   * engine begins with what is due at `now`.
   */
  timeOf?(input: In): number;
  /** Whether nothing of an input is kept once `push` has returned: `fuse` tells the engine in front, see {@linkcode Sink}. */
  readonly borrows?: boolean | undefined;
}

/**
 * Makes an engine around a sink: what `through`, `fuse` and the stages are given. Engines with one input and one output
 * have a static method `with(options)` that returns one.
 */
export type EngineFactory<In, Out> = (sink: Sink<Out>) => Engine<In>;
