/**
 * A promise that is made when somebody asks for it: most calls end without anybody having asked.
 *
 * @module
 */
import { type Deferred, deferred } from "./deferred.ts";

/** Remembers how it was settled, the first time, until somebody asks. */
export class AskedPromise<T> {
  #deferred: Deferred<T> | undefined;
  #settle: ((deferred: Deferred<T>) => void) | undefined;

  /** The promise; needs no handler. */
  get promise(): Promise<T> {
    if (this.#deferred === undefined) {
      this.#deferred = deferred<T>();
      this.#settle?.(this.#deferred);
    }
    return this.#deferred.promise;
  }

  /** Fulfils it, the first time. */
  resolve(value: T): void {
    this.#settled((deferred) => deferred.resolve(value));
  }

  /** Rejects it, the first time. The reason is made when somebody asks: an error costs more than a small call. */
  reject(reason: () => unknown): void {
    this.#settled((deferred) => deferred.reject(reason()));
  }

  #settled(settle: (deferred: Deferred<T>) => void): void {
    if (this.#settle !== undefined) return;
    this.#settle = settle;
    if (this.#deferred !== undefined) settle(this.#deferred);
  }
}
