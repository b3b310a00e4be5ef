/**
 * A promise with its ends in hand. It needs no handler: whoever asks for it will.
 *
 * @module
 */

/** The promise and how it settles. */
export interface Settler<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (reason: unknown) => void;
}

/** Makes one. */
export function settler<Value>(): Settler<Value> {
  let resolve!: (value: Value) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
