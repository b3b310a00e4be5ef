/**
 * A promise that somebody else settles.
 *
 * @module
 */

/** Promise and what settles it. */
export interface Deferred<T> {
  /** The promise; needs no handler. */
  readonly promise: Promise<T>;
  /** Fulfils it, the first time. */
  resolve(value: T): void;
  /** Rejects it, the first time. */
  reject(reason: unknown): void;
}

/** Makes one, marked as handled. */
export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((fulfil, fail) => {
    resolve = fulfil;
    reject = fail;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
