/**
 * The fast way through engines: one pull-through stream, no `WritableStream`, nothing between the layers.
 *
 * @module
 */
import { systemClock } from "../core/clock.ts";
import type { Engine, EngineFactory, Sink } from "../core/engine.ts";
import { EngineTime } from "./engine_time.ts";
import { EngineTimer } from "./engine_timer.ts";
import { fuseAll } from "./fuse.ts";
import { Gathered } from "./gathered.ts";
import { type Input, inputOf } from "./input.ts";
import { breathe } from "./turn.ts";

/**
 * What `through` reads: single inputs, or batches of them as other stages yield. An async iterable that is no stream is
 * read as it is, which costs a fraction of a stream's read.
 */
export type Source<In> =
  | ReadableStream<In>
  | ReadableStream<In[]>
  | ReadableStream<In | readonly In[]>
  | AsyncIterable<In | readonly In[]>;

/**
 * Pulls a stream through one or more engines, fused by direct call, and yields what comes out in batches: for each
 * chunk read at most one array, never an empty one. {@linkcode items} iterates over the single items.
 *
 * Everything made before an error is read before the error is. Cancelling the result cancels `readable`, or returns its
 * iterator.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { items, through } from "@leat/streams/stream";
 * import { lengthPrefix, StreamParser } from "@leat/streams/strparser";
 *
 * const bytes = new Blob([Uint8Array.of(0, 2, 104, 105, 0, 1, 33)]).stream();
 * const messages = through(bytes, StreamParser.with({ parser: lengthPrefix(2) }));
 * const lengths: number[] = [];
 * for await (const message of items(messages)) lengths.push(message.length);
 * assertEquals(lengths, [4, 3]);
 * ```
 */
export function through<A, B>(readable: Source<A>, a: EngineFactory<A, B>): ReadableStream<B[]>;
/** Pulls a stream through two engines. */
export function through<A, B, C>(
  readable: Source<A>,
  a: EngineFactory<A, B>,
  b: EngineFactory<B, C>,
): ReadableStream<C[]>;
/** Pulls a stream through three engines. */
export function through<A, B, C, D>(
  readable: Source<A>,
  a: EngineFactory<A, B>,
  b: EngineFactory<B, C>,
  c: EngineFactory<C, D>,
): ReadableStream<D[]>;
/** Pulls a stream through four engines. */
export function through<A, B, C, D, E>(
  readable: Source<A>,
  a: EngineFactory<A, B>,
  b: EngineFactory<B, C>,
  c: EngineFactory<C, D>,
  d: EngineFactory<D, E>,
): ReadableStream<E[]>;
/** Pulls a stream through five engines. */
export function through<A, B, C, D, E, F>(
  readable: Source<A>,
  a: EngineFactory<A, B>,
  b: EngineFactory<B, C>,
  c: EngineFactory<C, D>,
  d: EngineFactory<D, E>,
  e: EngineFactory<E, F>,
): ReadableStream<F[]>;
export function through(
  readable: Source<unknown>,
  ...factories: EngineFactory<never, never>[]
): ReadableStream<unknown[]> {
  const all = factories as unknown as EngineFactory<unknown, unknown>[];
  const make = all.length === 1 && typeof all[0] === "function" ? all[0] : fuseAll(all);
  const pull = new PullThrough(readable as AsyncIterable<unknown>, make);
  const batches = new ReadableStream<unknown[]>({
    start: (controller) => pull.start(controller),
    pull: () => pull.pull(),
    cancel: (reason) => pull.cancel(reason),
  }, { highWaterMark: 0 });
  (batches as Pulled)[PULL] = pull;
  return batches;
}

/** Where the streams made here have what is behind them. A `WeakMap` instead keeps streams alive from one full collection to the next. */
const PULL: unique symbol = Symbol("pull");

interface Pulled {
  [PULL]?: PullThrough<unknown>;
}

/** Where a batch goes that was asked for past the stream: exactly one of these is called, once. */
export interface BatchReceiver<T> {
  /** The next batch, never an empty one. */
  batch(items: readonly T[]): void;
  /** There is no more. */
  end(): void;
  /** It went wrong. */
  fail(error: unknown): void;
}

/** The part of a reader that {@linkcode items} needs. */
export interface BatchReader<T> extends Pick<ReadableStreamDefaultReader<readonly T[]>, "cancel" | "releaseLock"> {
  /** The next batch. */
  read(): ReturnType<ReadableStreamDefaultReader<readonly T[]>["read"]>;
  /** The same with no promise made for it, where there is no stream in between. Not while a batch is asked for. */
  request?(receiver: BatchReceiver<T>): void;
}

/** A reader of a stream of batches. One that was made by `through` and never read is read without its stream. */
export function batchReader<T>(readable: ReadableStream<readonly T[]>): BatchReader<T> {
  const reader = readable.getReader();
  const pull = (readable as Pulled)[PULL] as PullThrough<T> | undefined;
  if (pull === undefined || pull.wasPulled) return reader;
  return {
    read: () =>
      new Promise((resolve, reject) => {
        pull.request({
          batch: (value) => resolve({ done: false, value }),
          end: () => resolve({ done: true, value: undefined }),
          fail: reject,
        });
      }),
    request: (receiver) => pull.request(receiver),
    cancel: (reason) => reader.cancel(reason),
    releaseLock: () => reader.releaseLock(),
  };
}

class PullThrough<Out> implements Sink<Out> {
  readonly #input: Input<unknown>;
  readonly #engine: Engine<unknown>;
  readonly #time: EngineTime<unknown>;
  readonly #timer: EngineTimer | undefined;
  #controller: ReadableStreamDefaultController<Out[]> | undefined;
  readonly #results: Gathered<Out> = new Gathered();
  #isWanted = false;
  #isPumping = false;
  /** Whether the stream has ever asked. */
  wasPulled = false;
  #receiver: BatchReceiver<Out> | undefined;
  #delivered: (() => void) | undefined;
  #outcome: "running" | "ended" | "failed" = "running";
  #error: unknown;
  /** Made once: for small chunks an async function that is begun anew for each is most of what they cost here. */
  readonly #onChunk = (result: { readonly done?: boolean; readonly value?: unknown }): void => this.#gotChunk(result);
  readonly #onFailure = (error: unknown): void => this.#gotFailure(error);
  readonly #onTurn = (): void => this.#read();

  constructor(source: AsyncIterable<unknown>, make: EngineFactory<unknown, Out>) {
    this.#engine = make(this);
    this.#input = inputOf(source);
    this.#time = new EngineTime(this.#engine, systemClock);
    this.#timer = this.#time.isPassive ? undefined : new EngineTimer(
      systemClock,
      this.#engine,
      () => this.#wake(),
      (thrown) => this.#failWith(thrown),
    );
  }

  item(value: Out): void {
    this.#results.add(value);
  }

  end(): void {
    if (this.#outcome === "running") this.#outcome = "ended";
  }

  error(error: unknown): void {
    if (this.#outcome !== "running") return;
    this.#outcome = "failed";
    this.#error = error;
  }

  start(controller: ReadableStreamDefaultController<Out[]>): void {
    this.#controller = controller;
  }

  /** Settles when a batch was handed over: by the pump, or by a timeout while the source is silent. */
  pull(): Promise<void> | undefined {
    this.wasPulled = true;
    this.#isWanted = true;
    if (this.#deliver()) return undefined;
    if (!this.#isPumping) this.#pump();
    return new Promise((resolve) => {
      this.#delivered = resolve;
    });
  }

  /** The next batch, for who has locked the stream and reads past it. Not while another is asked for. */
  request(receiver: BatchReceiver<Out>): void {
    this.#receiver = receiver;
    this.#isWanted = true;
    if (!this.#deliver() && !this.#isPumping) this.#pump();
  }

  cancel(reason: unknown): Promise<void> {
    this.#outcome = "ended";
    this.#isWanted = false;
    this.#timer?.stop();
    this.#engine.stop?.();
    return this.#input.cancel(reason);
  }

  /** Reads until what is wanted was handed over. Handlers, not an async function: see `#onChunk`. */
  #pump(now?: number): void {
    this.#isPumping = true;
    const turn = breathe(now);
    if (turn === undefined) this.#read();
    else turn.then(this.#onTurn);
  }

  #read(): void {
    let reading: ReturnType<Input<unknown>["read"]>;
    try {
      // an iterator may return what is no promise of this realm, or none at all
      reading = Promise.resolve(this.#input.read());
    } catch (error) {
      reading = Promise.reject(error);
    }
    reading.then(this.#onChunk, this.#onFailure);
  }

  #gotChunk(result: { readonly done?: boolean; readonly value?: unknown }): void {
    try {
      // an iterator of the caller's may yield what is no result
      const { done, value } = result;
      if (this.#outcome === "running") this.#take(done, value);
    } catch (error) {
      return this.#gotFailure(error);
    }
    this.#goOn();
  }

  #gotFailure(error: unknown): void {
    this.#failWith(error);
    this.#stop();
    this.#goOn();
  }

  #goOn(): void {
    this.#deliver();
    if (this.#isWanted) this.#pump(this.#time.realNow);
    else this.#isPumping = false;
  }

  #take(isEnd: boolean | undefined, value: unknown): void {
    if (isEnd) this.#finish();
    else if (Array.isArray(value)) this.#time.pushBatch(value);
    else this.#time.push(value);
    if (this.#outcome === "running") this.#timer?.update();
    else this.#stop();
  }

  /** The source or a callback failed: out with what the engine holds, then the error. */
  #failWith(error: unknown): void {
    if (this.#outcome !== "running") return;
    this.#outcome = "failed";
    this.#error = error;
    try {
      this.#engine.end(this.#time.now());
    } catch {
      // the first error is the one to report
    }
  }

  /** The engine has run a timeout, which may have made it fail while the source is silent. */
  #wake(): void {
    if (this.#outcome !== "running") this.#stop();
    this.#deliver();
  }

  #finish(): void {
    this.#engine.end(this.#time.now());
    this.end();
  }

  #stop(): void {
    this.#timer?.stop();
    if (this.#outcome === "failed") this.#input.cancel(this.#error).catch(() => {});
  }

  /** Passes on what there is, if it is wanted. Returns whether the wish was met. */
  #deliver(): boolean {
    if (!this.#isWanted) return false;
    const receiver = this.#receiver;
    if (this.#results.count > 0) {
      const results = this.#results.take();
      if (receiver === undefined) this.#controller!.enqueue(results);
      else receiver.batch(results);
    } else if (this.#outcome === "ended") {
      this.#controller!.close();
      receiver?.end();
    } else if (this.#outcome === "failed") {
      this.#controller!.error(this.#error);
      receiver?.fail(this.#error);
    } else {
      return false;
    }
    this.#isWanted = false;
    this.#receiver = undefined;
    const delivered = this.#delivered;
    this.#delivered = undefined;
    delivered?.();
    return true;
  }
}
