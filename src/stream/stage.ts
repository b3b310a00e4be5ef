/**
 * The adapter that turns a linear engine into a `{readable, writable}` stage.
 *
 * - Unit of work is the batch: one input chunk in, at most one array out. What small chunks in quick succession make
 *   comes as one array, see `#offer`: it waits for the handlers of promises (in browsers for eight rounds of them), never
 *   for an event or a timer.
 * - Backpressure counts bytes: a write waits while `highWaterMark` bytes of results are unread. Results weigh as much
 *   as the input that made them, also what of it came in earlier chunks.
 * - Everything made before an error or abort is read before the error is; `end` is run on an abort as well, so that
 *   an engine gives up what it holds.
 *
 * @module
 */
import { type Clock, systemClock } from "../core/clock.ts";
import type { Engine, Sink } from "../core/engine.ts";
import { limitOption } from "../core/limits.ts";
import { typeName } from "../core/words.ts";
import { EngineTime } from "./engine_time.ts";
import { EngineTimer } from "./engine_timer.ts";
import { Gathered } from "./gathered.ts";
import { type Batched, Outlet } from "./outlet.ts";
import { afterPromises, breathe } from "./turn.ts";

/** Options that every stage has. */
export interface StageOptions<Batch extends boolean = boolean> {
  /**
   * Yield arrays of what one input chunk made, or several small ones that came together, instead of single items. Much
   * faster: the cost of web streams is per chunk.
   *
   * Either way results of a chunk that closely follows another come once the handlers of promises have run: read them,
   * or let the event loop turn; a loop of `await null` alone waits for ever (but in browsers).
   *
   * @default {false}
   */
  batch?: Batch | undefined;
  /**
   * How many bytes of results may wait unread before writes have to wait.
   *
   * @default {262144}
   */
  highWaterMark?: number | undefined;
  /** Time and timers. @default {systemClock} */
  clock?: Clock | undefined;
}

/** A stage and the engine in it. */
export interface Stage<In, Out, Batch extends boolean, E extends Engine<In>> {
  /** Results: items, or arrays of them with `batch`. */
  readonly readable: ReadableStream<Batched<Out, Batch>>;
  /** Input: one item a chunk, or an array of them. */
  readonly writable: WritableStream<In | readonly In[]>;
  /** The engine. */
  readonly engine: E;
}

const DEFAULT_HIGH_WATER_MARK = 256 * 1024;

/** What so many bytes of input made is passed on at once. */
const GATHER_BYTES = 16 * 1024;
/**
 * Where the runtime does not tell when its queue of microtasks is empty: rounds without input after which there is none
 * on its way. From one chunk to the next a pipe takes one to four, whatever is in front of it.
 */
const LULL_ROUNDS = 8;
const RESOLVED = Promise.resolve();

/**
 * Size of a chunk of bytes: what stages with bytes as input pass as `sizeOf`.
 *
 * @throws {TypeError} when it is something else
 */
export function byteSize(chunk: Uint8Array): number {
  if (chunk instanceof Uint8Array) return chunk.length;
  throw new TypeError(`chunk must be a Uint8Array, got ${typeName(chunk)}`);
}

/**
 * Makes a stage around the engine that `make` returns. `sizeOf` tells the size of one input in bytes.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 */
export function createStage<In, Out, Batch extends boolean, E extends Engine<In>>(
  make: (sink: Sink<Out>) => E,
  options: StageOptions<Batch>,
  sizeOf: (input: In) => number,
): Stage<In, Out, Batch, E> {
  return new StageDriver<In, Out, Batch, E>(make, options, sizeOf);
}

class StageDriver<In, Out, Batch extends boolean, E extends Engine<In>> implements Sink<Out>, Stage<In, Out, Batch, E> {
  readonly engine: E;
  readonly outlet: Outlet<Out, Batch>;
  readonly readable: ReadableStream<Batched<Out, Batch>>;
  readonly writable: WritableStream<In | readonly In[]>;
  readonly #highWaterMark: number;
  readonly #sizeOf: (input: In) => number;
  readonly #time: EngineTime<In>;
  readonly #timer: EngineTimer | undefined;
  readonly #results: Gathered<Out> = new Gathered();
  /** Bytes of input since results came out the last time. */
  #inputBytes = 0;
  #outcome: "running" | "ended" | "failed" | "cancelled" = "running";
  #error: unknown;
  #resume: (() => void) | undefined;
  #controller: WritableStreamDefaultController | undefined;
  /** For an abort. */
  #listens = false;
  /** Whether more input may be on its way, so that results wait for it. */
  #isGathering = false;
  /** Rounds of microtasks until there is none, where they are counted. */
  #roundsLeft = 0;
  readonly #round = (): void => {
    if (--this.#roundsLeft > 0) RESOLVED.then(this.#round);
    else this.#lull();
  };
  readonly #lull = (): void => {
    this.#isGathering = false;
    this.#flush();
  };

  constructor(make: (sink: Sink<Out>) => E, options: StageOptions<Batch>, sizeOf: (input: In) => number) {
    // first, because the engine says what is missing where there are no options at all
    this.engine = make(this);
    this.#highWaterMark = limitOption("highWaterMark", options.highWaterMark, DEFAULT_HIGH_WATER_MARK);
    this.#sizeOf = sizeOf;
    const clock = options.clock ?? systemClock;
    this.#time = new EngineTime(this.engine, clock);
    this.#timer = this.#time.isPassive
      ? undefined
      : new EngineTimer(clock, this.engine, () => this.#flush(), (thrown) => this.#fail(thrown));
    this.outlet = new Outlet<Out, Batch>(options.batch ?? false, {
      released: () => {
        if (this.outlet.heldBytes < this.#highWaterMark) this.#goOn();
      },
      cancelled: (reason) => this.#cancel(reason),
    });
    this.readable = this.outlet.readable;
    this.writable = new WritableStream<In | readonly In[]>({
      start: (controller) => {
        this.#controller = controller;
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#close(),
      abort: (reason) => this.#abort(reason),
    }, { highWaterMark: 1 });
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

  #write(chunk: In | readonly In[]): Promise<void> | undefined {
    try {
      if (Array.isArray(chunk)) {
        const inputs = chunk as readonly In[];
        for (const input of inputs) this.#inputBytes += this.#sizeOf(input);
        this.#time.pushBatch(inputs);
      } else {
        this.#inputBytes += this.#sizeOf(chunk as In);
        this.#time.push(chunk as In);
      }
    } catch (thrown) {
      this.#fail(thrown);
    }
    this.#offer();
    if (this.#outcome === "failed") throw this.#error;
    this.#timer?.update();
    if (this.outlet.heldBytes < this.#highWaterMark || this.outlet.isOver) return breathe(this.#time.realNow);
    return this.#room();
  }

  /** Until results were read, or nobody cares any more. */
  #room(): Promise<void> | undefined {
    const { signal } = this.#controller!;
    if (signal.aborted) return undefined;
    // An abort waits for the write under way, which may wait for a reader that never comes. Most stages never wait, and
    // a listener takes half as long as all else of a `WritableStream`.
    if (!this.#listens) signal.addEventListener("abort", () => this.#goOn());
    this.#listens = true;
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  #close(): void {
    this.#end();
    this.end();
    this.#flush();
    if (this.#outcome === "failed") throw this.#error;
  }

  #abort(reason: unknown): void {
    this.#fail(reason);
    this.#flush();
  }

  /** Lets the engine hand out what it holds; the reason outranks what the cut makes it complain about. */
  #fail(reason: unknown): void {
    if (this.#outcome !== "running") return;
    this.error(reason);
    this.#end();
  }

  #end(): void {
    try {
      this.engine.end(this.#time.now());
    } catch (thrown) {
      this.error(thrown);
    }
  }

  /**
   * Flushes, or gathers: to hand over a batch costs twice as much as an engine needs for a chunk of 1,460 bytes, and pipes
   * bring those within the same turn. So the first is passed on at once, and what comes after it until no handler of a
   * promise is left to be called together, or when it is enough. No timer or event is waited for; but who polls for a
   * result in handlers of promises alone has to let go.
   */
  #offer(): void {
    const bytes = this.#inputBytes;
    const isEnough = bytes >= GATHER_BYTES || this.outlet.heldBytes + bytes >= this.#highWaterMark;
    if (!this.#isGathering || isEnough || this.#outcome !== "running") this.#flush();
    if (isEnough) return;
    this.#roundsLeft = LULL_ROUNDS;
    if (this.#isGathering) return;
    this.#isGathering = true;
    // a round for each microtask would be a tenth of what a small chunk costs
    if (!afterPromises(this.#lull)) RESOLVED.then(this.#round);
  }

  /** Queues what the engine made, as one batch that weighs as much as the input behind it. */
  #flush(): void {
    if (this.#results.count > 0) {
      const results = this.#results.take();
      this.outlet.pushBatch(results, this.#inputBytes > 0 ? this.#inputBytes : results.length);
      this.#inputBytes = 0;
    }
    if (this.#outcome === "running") return;
    this.#timer?.stop();
    if (this.#outcome === "ended") this.outlet.end();
    if (this.#outcome !== "failed") return;
    this.outlet.fail(this.#error);
    this.#controller?.error(this.#error);
  }

  #goOn(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  #cancel(reason: unknown): void {
    this.#outcome = "cancelled";
    this.#timer?.stop();
    this.engine.stop?.();
    this.#results.clear();
    this.#controller!.error(reason);
    this.#goOn();
  }
}
