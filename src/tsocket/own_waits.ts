/**
 * Finds jobs that wait for a job behind them in the same queue, and so for ever. For debugging only.
 *
 * No runtime tells who waits for a promise. What can be seen is what happens to a promise while the job runs its
 * synchronous part: `await` and `Promise.resolve` read its `constructor`, returning it from an async function reads its
 * `then` without calling it, and a plain function returns the promise itself. Calls of `then`, `catch` and `finally`
 * are seen as well; they are harmless unless what they give is waited for in turn.
 *
 * Not found: promises that a job gets or awaits only after its first `await`, and circles through another queue.
 * Found although harmless: a promise that the synchronous part leaves to another async function, which the job does not
 * wait for.
 *
 * @module
 */

interface Watched {
  readonly promise: Promise<unknown>;
  readonly fail: () => void;
  /** Reads of `then` that no call has followed. */
  openReads: number;
}

/** What a job got from its own queue, for the time of its synchronous part. */
export class OwnWaits {
  readonly #watched: Watched[] = [];
  #isOver = false;

  /** Calls `fail` when the job turns out to wait for `promise`, which is returned. */
  watch<T>(promise: Promise<T>, fail: () => void): Promise<T> {
    const watched: Watched = { promise, fail, openReads: 0 };
    this.#watched.push(watched);
    let isInCall = false;
    /** Promise's own methods read the constructor too. */
    const inCall = <R>(call: () => Promise<R>): Promise<R> => {
      const wasInCall = isInCall;
      isInCall = true;
      try {
        const derived = call();
        return this.#isOver || wasInCall ? derived : this.watch(derived, fail);
      } finally {
        isInCall = wasInCall;
      }
    };
    const then: Promise<T>["then"] = (onFulfilled, onRejected) => {
      watched.openReads--;
      return inCall(() => Promise.prototype.then.call(promise, onFulfilled, onRejected) as Promise<never>);
    };
    Object.defineProperties(promise, {
      constructor: {
        get: () => {
          if (!isInCall && !this.#isOver) fail();
          return Promise;
        },
      },
      then: {
        get: () => {
          watched.openReads++;
          return then;
        },
      },
      finally: { value: (then: () => void) => inCall(() => Promise.prototype.finally.call(promise, then)) },
    });
    return promise;
  }

  /** The synchronous part is over and has returned `result`. */
  end(result: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { promise, openReads, fail } of this.#watched) {
      if (promise === result || openReads > 0) fail();
    }
  }
}
