/**
 * A local stand-in for `@std/assert` 1.x: the same functions with the same semantics, in own words, for machines that
 * cannot reach JSR. `deno.jsr.json` maps the name to the real package; tests must pass with either.
 *
 * @module
 */
import { inspect } from "node:util";
import { AssertionError } from "./assertion_error.ts";
import { equal } from "./equal.ts";

export { AssertionError, equal };

/** A class whose instances are `T`. */
export type Constructor<T> = new (...args: never[]) => T;

const maxShownLength = 4000;

function show(value: unknown): string {
  const text = inspect(value, { depth: 8, maxArrayLength: 256, maxStringLength: 2000, breakLength: 110 });
  return text.length > maxShownLength ? `${text.slice(0, maxShownLength)}... (${text.length} characters)` : text;
}

function suffix(msg: string | undefined): string {
  return msg ? `: ${msg}` : ".";
}

/** The two texts one under the other, from the first line that differs when they are long. */
function difference(actual: unknown, expected: unknown): string {
  const left = show(actual).split("\n");
  const right = show(expected).split("\n");
  let at = 0;
  while (at < left.length && at < right.length && left[at] === right[at]) at++;
  const from = Math.max(0, at - 3);
  const cut = (lines: string[]) => lines.slice(from, from + 40).join("\n");
  const head = from > 0 ? `(from line ${from + 1})\n` : "";
  return `\n${head}actual:   ${cut(left)}\nexpected: ${cut(right)}`;
}

/** Asserts that `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Asserts that `expr` is falsy. */
export function assertFalse(expr: unknown, msg?: string): asserts expr is false | 0 | "" | null | undefined {
  if (expr) throw new AssertionError(`Expected falsy value, got ${show(expr)}${suffix(msg)}`);
}

/** Asserts deep equality. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(`Values are not equal${suffix(msg)}${difference(actual, expected)}`);
}

/** Asserts the absence of deep equality. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(`Expected actual: ${show(actual)} not to be: ${show(expected)}${suffix(msg)}`);
}

/** Asserts identity by `Object.is`. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const why = equal(actual, expected)
    ? "Values have the same structure but are not reference-equal"
    : "Values are not strictly equal";
  throw new AssertionError(`${why}${suffix(msg)}${difference(actual, expected)}`);
}

/** Asserts the absence of identity by `Object.is`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!Object.is(actual, expected)) return;
  throw new AssertionError(`Expected "actual" to not be strictly equal to: ${show(actual)}${suffix(msg)}`);
}

/**
 * Asserts that two numbers are at most `tolerance` apart (by default 1e-7 of `expected`, or 1e-7 where that is not
 * finite).
 */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void {
  if (Object.is(actual, expected)) return;
  const allowed = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  const delta = Math.abs(expected - actual);
  if (delta <= allowed) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to be close to "${expected}": delta "${delta}" is greater than "${allowed}"${
      suffix(msg)
    }`,
  );
}

function assertOrder(holds: boolean, actual: unknown, word: string, expected: unknown, msg: string | undefined): void {
  if (!holds) throw new AssertionError(msg ?? `Expect ${show(actual)} ${word} ${show(expected)}`);
}

/** Asserts `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  assertOrder(actual > expected, actual, ">", expected, msg);
}

/** Asserts `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  assertOrder(actual >= expected, actual, ">=", expected, msg);
}

/** Asserts `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  assertOrder(actual < expected, actual, "<", expected, msg);
}

/** Asserts `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  assertOrder(actual <= expected, actual, "<=", expected, msg);
}

/** Asserts that a value is neither `undefined` nor `null`. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(`Expected actual: "${actual}" to not be null or undefined${suffix(msg)}`);
}

/** Asserts that `actual` matches the pattern. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) {
    throw new AssertionError(`Expected actual: "${actual}" to match: "${expected}"${suffix(msg)}`);
  }
}

/** Asserts that `actual` does not match the pattern. */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) {
    throw new AssertionError(`Expected actual: "${actual}" to not match: "${expected}"${suffix(msg)}`);
  }
}

/** Asserts that `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(`Expected actual: "${actual}" to contain: "${expected}"${suffix(msg)}`);
}

/** Asserts that every element of `expected` is deeply equal to some element of `actual`. */
export function assertArrayIncludes<T>(actual: ArrayLike<T>, expected: ArrayLike<T>, msg?: string): void {
  const all = Array.from(actual);
  const missing = Array.from(expected).filter((wanted) => !all.some((value) => equal(value, wanted)));
  if (missing.length === 0) return;
  throw new AssertionError(
    `Expected actual: "${show(all)}" to include: "${show(Array.from(expected))}"${suffix(msg)}\nmissing: ${
      show(missing)
    }`,
  );
}

/** Asserts that `actual` is an instance of the class. */
export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: abstract new (...args: never[]) => T,
  msg?: string,
): asserts actual is T {
  if (actual instanceof expectedType) return;
  const what = actual === null || typeof actual !== "object"
    ? `"${show(actual)}"`
    : `an instance of "${nameOf(actual)}"`;
  throw new AssertionError(`Expected object to be an instance of "${expectedType.name}" but was ${what}${suffix(msg)}`);
}

/** Asserts that `actual` is not an instance of the class. */
export function assertNotInstanceOf<T>(
  actual: unknown,
  unexpectedType: abstract new (...args: never[]) => T,
  msg?: string,
): void {
  if (!(actual instanceof unexpectedType)) return;
  throw new AssertionError(`Expected object to not be an instance of "${unexpectedType.name}"${suffix(msg)}`);
}

function nameOf(value: object): string {
  return value.constructor?.name ?? "Object";
}

/** Asserts that `error` is an `Error`, of the class and with the text (or pattern) in its message where given. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: abstract new (...args: never[]) => E,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    throw new AssertionError(`Expected "error" to be an Error object${suffix(msg)} Got ${show(error)}`);
  }
  if (ErrorClass !== undefined && !(error instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was "${nameOf(error)}" (${error.message})${
        suffix(msg)
      }`,
      { cause: error },
    );
  }
  if (msgMatches === undefined) return;
  const matches = typeof msgMatches === "string" ? error.message.includes(msgMatches) : msgMatches.test(error.message);
  if (matches) return;
  throw new AssertionError(
    `Expected error message to include ${show(msgMatches)}, but got ${show(error.message)}${suffix(msg)}`,
    { cause: error },
  );
}

/** What the two overloads of `assertThrows` and `assertRejects` boil down to. */
interface Wanted {
  errorClass: Constructor<Error> | undefined;
  msgIncludes: string | undefined;
  msg: string | undefined;
}

function wanted(classOrMsg: Constructor<Error> | string | undefined, second?: string, third?: string): Wanted {
  if (typeof classOrMsg === "string") return { errorClass: undefined, msgIncludes: undefined, msg: classOrMsg };
  return { errorClass: classOrMsg, msgIncludes: second, msg: third };
}

function checkThrown(error: unknown, want: Wanted, verb: string): void {
  if (want.errorClass === undefined) return;
  if (!(error instanceof Error)) throw new AssertionError(`A non-Error object was ${verb}${suffix(want.msg)}`);
  assertIsError(error, want.errorClass, want.msgIncludes, want.msg);
}

/** Asserts that `fn` throws, and returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Asserts that `fn` throws an error of the class, with the text in its message where given, and returns the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  classOrMsg?: Constructor<Error> | string,
  second?: string,
  third?: string,
): unknown {
  const want = wanted(classOrMsg, second, third);
  let thrown: unknown;
  try {
    fn();
  } catch (error) {
    checkThrown(error, want, "thrown");
    thrown = error;
    return thrown;
  }
  throw new AssertionError(`Expected function to throw${suffix(want.msg)}`);
}

/** Asserts that `fn` returns a promise that rejects, and resolves with the reason. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Asserts a rejection with an error of the class, with the text in its message where given; resolves with the error. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: Constructor<Error> | string,
  second?: string,
  third?: string,
): Promise<unknown> {
  const want = wanted(classOrMsg, second, third);
  const promise = startOrFail(fn, want.msg);
  try {
    await promise;
  } catch (error) {
    checkThrown(error, want, "rejected");
    return error;
  }
  throw new AssertionError(`Expected function to reject${suffix(want.msg)}`);
}

function startOrFail(fn: () => PromiseLike<unknown>, msg: string | undefined): PromiseLike<unknown> {
  let promise: unknown;
  try {
    promise = fn();
  } catch (error) {
    throw new AssertionError(`Function throws when expected to reject${suffix(msg)}`, { cause: error });
  }
  if (typeof (promise as PromiseLike<unknown> | undefined)?.then === "function") return promise as PromiseLike<unknown>;
  throw new AssertionError(`Function throws when expected to reject${suffix(msg)}`);
}

/** Asserts that everything in `expected` is, deeply, in `actual` too. */
export function assertObjectMatch(
  actual: Record<PropertyKey, unknown> | object,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  assertEquals(project(actual, expected, new Map()), project(expected, expected, new Map()), msg);
}

/** The part of `value` that `mask` speaks of, as plain objects. */
function project(value: unknown, mask: unknown, seen: Map<object, unknown>): unknown {
  if (typeof value !== "object" || value === null || typeof mask !== "object" || mask === null) return value;
  if (value instanceof RegExp || value instanceof Date || ArrayBuffer.isView(value)) return value;
  if (value instanceof Set && mask instanceof Set) return new Set([...value].filter((one) => mask.has(one)));
  if (seen.has(value)) return seen.get(value);
  if (value instanceof Map && mask instanceof Map) {
    const common = [...value].filter(([key]) => mask.has(key));
    return new Map(common.map(([key, one]) => [key, project(one, mask.get(key), seen)]));
  }
  const part: Record<PropertyKey, unknown> = {};
  seen.set(value, part);
  for (const key of Reflect.ownKeys(value)) {
    if (key in mask && !(key === "length" && Array.isArray(value))) {
      part[key] = project(Reflect.get(value, key), Reflect.get(mask, key), seen);
    }
  }
  return part;
}

/** Fails. */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${suffix(msg)}`);
}

/** Fails because this place must never be reached. */
export function unreachable(msg?: string): never {
  throw new AssertionError(`Unreachable${suffix(msg)}`);
}

/** Fails where something is not written yet. */
export function unimplemented(msg?: string): never {
  throw new AssertionError(`Unimplemented${suffix(msg)}`);
}
