/**
 * A first-in-first-out queue of which only the first job runs, and holds the queue until it is done. After tevent_queue.
 *
 * It orders whatever must not overlap on one socket, first of all writes; therefore a job that meets an empty queue
 * starts at once, without an `AbortController` unless it takes a signal, and without a listener unless it has to wait.
 *
 * @module
 */
import { limitOption } from "../core/limits.ts";
import { SocketError } from "./errors.ts";
import { Place, PlaceList } from "./job_place.ts";
import { OwnWaits } from "./own_waits.ts";
import type { QueueOptions, TQueue } from "./types.ts";

/** Default of {@linkcode JobQueueOptions.maxQueued}. */
export const DEFAULT_MAX_QUEUED = 65536;

/** Options of {@linkcode JobQueue}. */
export interface JobQueueOptions {
  /** Name for diagnosis. */
  name?: string | undefined;
  /**
   * Places that may wait, the one that holds the queue not counted; more fail with `ENOBUFS`.
   *
   * @default {65536}
   */
  maxQueued?: number | undefined;
  /**
   * Fail, with `EDEADLK`, what a job waits for although it is queued behind the job itself. Only seen when the job does
   * so before its first `await` has come back, or returns it. In this mode a job may not hand such a promise, in that
   * part, to another async function or promise either; `then`, `catch` and `finally` are fine.
   *
   * @default {false}
   */
  isDebug?: boolean | undefined;
}

type Job<T> = (signal: AbortSignal) => T | PromiseLike<T>;

/**
 * Jobs that run one after the other.
 *
 * A job that takes no parameter (its `length` is 0) gets no signal, and cannot be told to stop once it has started.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { JobQueue } from "@leat/streams/tsocket";
 *
 * const queue = new JobQueue();
 * const done: string[] = [];
 * const lock = await queue.acquire();
 * const first = queue.run(() => done.push("first"));
 * const second = queue.run(() => Promise.resolve("second").then((name) => done.push(name)));
 * assertEquals([queue.length, done], [3, []]);
 * lock[Symbol.dispose]();
 * await Promise.all([first, second]);
 * assertEquals([queue.length, done], [0, ["first", "second"]]);
 * ```
 */
export class JobQueue implements TQueue {
  /** Name for diagnosis. */
  readonly name: string | undefined;
  readonly #maxQueued: number;
  readonly #isDebug: boolean;
  readonly #places: PlaceList = new PlaceList();
  #isStopped = false;
  #isAdvancing = false;
  #destroyed: { readonly reason: unknown } | undefined = undefined;
  /** In debug mode, while a job runs its synchronous part. */
  #ownWaits: OwnWaits | undefined = undefined;

  /**
   * An empty, running queue.
   *
   * @throws {RangeError} when a limit is none
   */
  constructor(options: JobQueueOptions = {}) {
    this.name = options.name;
    this.#maxQueued = limitOption("maxQueued", options.maxQueued, DEFAULT_MAX_QUEUED, 0);
    this.#isDebug = options.isDebug ?? false;
  }

  /** Places taken, the one that holds the queue included. */
  get length(): number {
    return this.#places.length;
  }

  /** Whether jobs are started. */
  get running(): boolean {
    return !this.#isStopped && this.#destroyed === undefined;
  }

  /**
   * Runs `job` when everything queued before it is done: at once, before this returns, when that is nothing. It holds
   * the queue until its promise settles; by the time that the result settles, the next one has started.
   *
   * An aborted signal takes a waiting job out, with the signal's reason. A started one that takes a signal is told, and
   * decides itself how it ends.
   */
  run<T>(job: (signal: AbortSignal) => T | PromiseLike<T>, options?: QueueOptions): Promise<T> {
    if (typeof job !== "function") throw new TypeError(`a job must be a function, got ${typeof job}`);
    const refusal = this.#refusal(options?.signal);
    return refusal === undefined ? this.#run(job, options) : Promise.reject(refusal.reason);
  }

  /** Runs `job` in its turn like {@linkcode run}, even when `maxQueued` jobs wait: for the end, which must come. */
  runLast<T>(job: (signal: AbortSignal) => T | PromiseLike<T>): Promise<T> {
    return this.#destroyed === undefined ? this.#run(job, undefined) : Promise.reject(this.#destroyed.reason);
  }

  /**
   * Waits like a job, then holds the queue until the result is disposed: a mutex.
   *
   * What is queued behind starts one microtask after that.
   */
  acquire(options?: QueueOptions): Promise<Disposable> {
    const refusal = this.#refusal(options?.signal);
    if (refusal !== undefined) return Promise.reject(refusal.reason);
    if (this.#isFree) return Promise.resolve(this.#hold(this.#append(new Place(), true)));
    return this.#wait<Disposable>(options, (place, resolve) => resolve(this.#hold(place)));
  }

  /**
   * Takes a place that holds up everything behind it until the result is disposed, which may be before it is reached.
   *
   * @throws {SocketError} `ENOBUFS` when too many wait; what the queue was destroyed with
   */
  block(): Disposable {
    const refusal = this.#refusal(undefined);
    if (refusal !== undefined) throw refusal.reason;
    return this.#hold(this.#append(new Place(), this.#isFree));
  }

  /** Resolves when everything queued before it is done; what awaits it goes on before anything behind it starts. */
  flushed(options?: QueueOptions): Promise<void> {
    const refusal = this.#refusal(options?.signal);
    if (refusal !== undefined) return Promise.reject(refusal.reason);
    if (this.#places.length === 0) return Promise.resolve();
    return this.#wait<void>(options, (place, resolve) => {
      resolve();
      queueMicrotask(() => this.#leave(place));
    });
  }

  /** Starts no further job; the one that runs goes on. Idempotent. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Starts jobs again, the first of them one microtask later. Idempotent. */
  start(): void {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    queueMicrotask(() => this.#advance());
  }

  /**
   * Rejects all that wait, and all that come, with `reason` (an `ECONNABORTED` by default). The running job is told
   * through its signal, if it takes one. Idempotent.
   */
  destroy(reason?: unknown): void {
    if (this.#destroyed !== undefined) return;
    const why = reason === undefined ? this.#error("was destroyed", "ECONNABORTED") : reason;
    this.#destroyed = { reason: why };
    const running = this.#places.head?.isStarted ? this.#places.head : undefined;
    for (const place of this.#places.toArray()) {
      if (place !== running) this.#cancel(place, why);
    }
    running?.controller?.abort(why);
  }

  /** Same as {@linkcode destroy}. */
  [Symbol.dispose](): void {
    this.destroy();
  }

  #run<T>(job: Job<T>, options: QueueOptions | undefined): Promise<T> {
    if (this.#isFree) return this.#runNow(job, options?.signal);
    return this.#wait<T>(options, (place, resolve) => this.#runQueued(place, job, options?.signal, resolve));
  }

  get #isFree(): boolean {
    return this.#places.length === 0 && !this.#isStopped;
  }

  /** Why nothing can be queued, if so. */
  #refusal(signal: AbortSignal | undefined): { readonly reason: unknown } | undefined {
    if (this.#destroyed !== undefined) return this.#destroyed;
    if (signal?.aborted) return { reason: signal.reason };
    if (this.#isFree) return undefined;
    const waiting = this.#places.length - (this.#places.head?.isStarted ? 1 : 0);
    if (waiting < this.#maxQueued) return undefined;
    return { reason: this.#error(`has ${waiting} jobs waiting, and maxQueued is ${this.#maxQueued}`, "ENOBUFS") };
  }

  #error(what: string, code: string): SocketError {
    return new SocketError(`the queue${this.name === undefined ? "" : ` ${this.name}`} ${what}`, { code });
  }

  #append(place: Place, isStarted: boolean): Place {
    place.isStarted = isStarted;
    this.#places.append(place);
    return place;
  }

  #wait<T>(
    options: QueueOptions | undefined,
    begin: (place: Place, resolve: (value: T) => void) => void,
  ): Promise<T> {
    const place = new Place();
    const promise = new Promise<T>((resolve, reject) => {
      place.begin = () => begin(place, resolve);
      place.reject = reject;
    });
    const signal = options?.signal;
    if (signal !== undefined) {
      place.listen(signal, () => {
        if (place.isStarted) place.controller?.abort(signal.reason);
        else this.#cancel(place, signal.reason);
      });
    }
    this.#append(place, false);
    return this.#ownWaits?.watch(promise, () => this.#deadlock(place)) ?? promise;
  }

  /**
   * The fast path: nothing waits, so the promise is the job's own with the queue's bookkeeping behind it. What is next
   * starts one microtask later: started from within the bookkeeping, it could settle before this one has.
   */
  #runNow<T>(job: Job<T>, signal: AbortSignal | undefined): Promise<T> {
    const place = this.#append(new Place(), true);
    let result: T | PromiseLike<T>;
    try {
      result = this.#call(place, job, signal);
      if (!isThenable(result)) {
        this.#leaveSoon(place);
        return Promise.resolve(result);
      }
    } catch (error) {
      this.#leaveSoon(place);
      return Promise.reject(error);
    }
    return Promise.resolve(result).then(
      (value) => {
        this.#leaveSoon(place);
        return value;
      },
      (error) => {
        this.#leaveSoon(place);
        throw error;
      },
    );
  }

  #runQueued<T>(place: Place, job: Job<T>, signal: AbortSignal | undefined, resolve: (value: T) => void): void {
    const done = (value: T): void => {
      resolve(value);
      this.#leave(place);
    };
    const failed = (error: unknown): void => {
      place.reject(error);
      this.#leave(place);
    };
    try {
      const result = this.#call(place, job, signal);
      if (isThenable(result)) Promise.resolve(result).then(done, failed);
      else done(result);
    } catch (error) {
      failed(error);
    }
  }

  #call<T>(place: Place, job: Job<T>, signal: AbortSignal | undefined): T | PromiseLike<T> {
    const takesSignal = job.length > 0;
    if (takesSignal) place.controller = new AbortController();
    else place.unlisten();
    const jobSignal = place.controller?.signal as AbortSignal;
    const result = this.#isDebug ? this.#callWatched(() => job(jobSignal)) : job(jobSignal);
    if (takesSignal && signal !== undefined && !place.isListening && isThenable(result)) {
      const tell = (): void => place.controller?.abort(signal.reason);
      if (signal.aborted) tell();
      else place.listen(signal, tell);
    }
    return result;
  }

  #callWatched<R>(call: () => R): R {
    const waits = new OwnWaits();
    this.#ownWaits = waits;
    try {
      const result = call();
      waits.end(result);
      return result;
    } finally {
      waits.end(undefined);
      this.#ownWaits = undefined;
    }
  }

  #deadlock(place: Place): void {
    if (!place.isStarted) this.#cancel(place, this.#error("holds a job that waits for one behind it", "EDEADLK"));
  }

  /** Takes a place out that was not reached. */
  #cancel(place: Place, reason: unknown): void {
    if (place.isDone) return;
    this.#remove(place);
    place.reject(reason);
  }

  /** The place was reached and is not needed any more. */
  #leave(place: Place): void {
    if (place.isDone) return;
    this.#remove(place);
    this.#advance();
  }

  /** The same, but what is next starts one microtask later. */
  #leaveSoon(place: Place): void {
    if (place.isDone) return;
    this.#remove(place);
    if (this.#places.length > 0) queueMicrotask(() => this.#advance());
  }

  #remove(place: Place): void {
    place.isDone = true;
    place.unlisten();
    this.#places.remove(place);
  }

  #hold(place: Place): Disposable {
    return { [Symbol.dispose]: (): void => this.#leaveSoon(place) };
  }

  /** Starts what is first, and what comes next as long as each is done at once. */
  #advance(): void {
    // the loop further up goes on: no recursion, however many jobs are done at once
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    for (let head = this.#next; head !== undefined; head = this.#next) {
      head.isStarted = true;
      head.begin();
    }
    this.#isAdvancing = false;
  }

  get #next(): Place | undefined {
    const head = this.#places.head;
    return head === undefined || head.isStarted || !this.running ? undefined : head;
  }
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return false;
  return typeof (value as Partial<PromiseLike<T>>).then === "function";
}
