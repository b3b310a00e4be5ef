/** How promises of sockets end. */
import { assert } from "@std/assert";
import { SocketError } from "../../../src/tsocket/errors.ts";

/** What a promise rejects with; fails when it does not. */
export function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then((value) => {
    throw new Error(`it should have failed, but resolved with ${String(value)}`);
  }, (reason) => reason);
}

/** The {@linkcode SocketError} with the given code that a promise rejects with. */
export async function failsWith(promise: Promise<unknown>, code: string): Promise<SocketError> {
  const error = await reasonOf(promise);
  assert(error instanceof SocketError && error.code === code, `expected ${code}, got ${String(error)}`);
  return error;
}

/** Resolves without end. */
export function never<T>(): Promise<T> {
  return new Promise<T>(() => {});
}
