/**
 * Validation of limit options: every limit has a name, a default and a range, and a wrong one fails at once.
 *
 * @module
 */
import { typeName } from "./words.ts";

/**
 * Returns `value`, or `fallback` where it is `undefined`, after checking that it is an integer (or `Infinity`) of at
 * least `min`.
 *
 * @throws {TypeError} when it is not a number
 * @throws {RangeError} when it is a fraction, `NaN` or below `min`
 */
export function limitOption(name: string, value: number | undefined, fallback: number, min = 1): number {
  if (value === undefined) return fallback;
  needNumber(name, value);
  if (value !== Infinity && !Number.isSafeInteger(value)) {
    throw new RangeError(`${name} must be an integer or Infinity, got ${value}`);
  }
  if (value < min) throw new RangeError(`${name} must be at least ${min}, got ${value}`);
  return value;
}

/**
 * Like {@linkcode limitOption} for a duration in milliseconds, which may be a fraction.
 *
 * @throws {TypeError} when it is not a number
 * @throws {RangeError} when it is `NaN` or negative
 */
export function durationOption(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  needNumber(name, value);
  if (!(value >= 0)) throw new RangeError(`${name} must not be negative or NaN, got ${value}`);
  return value;
}

/**
 * Returns `value`, or `fallback` where it is `undefined`, after checking that it is one of `allowed`.
 *
 * @throws {RangeError} when it is not
 */
export function choiceOption<T extends string>(
  name: string,
  value: T | undefined,
  fallback: T,
  allowed: readonly T[],
): T {
  if (value === undefined) return fallback;
  if (!allowed.includes(value)) {
    throw new RangeError(`${name} must be one of ${allowed.join(", ")}, got ${String(value)}`);
  }
  return value;
}

/**
 * Checks that there is a number, any.
 *
 * @throws {TypeError} when it is something else
 */
export function needNumber(name: string, value: unknown): void {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number, got ${typeof value}`);
}

/**
 * Returns `value`, which is a function or `undefined`.
 *
 * @throws {TypeError} when it is something else
 */
export function callbackOption<T>(name: string, value: T | undefined): T | undefined {
  if (value === undefined || typeof value === "function") return value;
  throw new TypeError(`${name} must be a function, got ${typeName(value)}`);
}

/**
 * Returns `signal`, which is an `AbortSignal` or `undefined`.
 *
 * @throws {TypeError} when it is something else
 */
export function signalOption(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined || typeof (signal as AbortSignal | null)?.throwIfAborted === "function") return signal;
  throw new TypeError(`signal must be an AbortSignal, got ${typeName(signal)}`);
}

/**
 * Checks that there is an object where one is needed: of what is missing an error shall tell the name.
 *
 * @throws {TypeError} when there is none
 */
export function needObject(what: string, given: unknown): void {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`${what} must be an object, got ${typeName(given)}`);
  }
}

/**
 * Checks that an object has no other keys than these: what was misspelt must not pass for what was left out.
 *
 * @throws {TypeError} when it is no object, or has another key
 */
export function knownKeys(what: string, given: unknown, known: readonly string[]): void {
  needObject(what, given);
  const other = Object.keys(given as object).find((key) => !known.includes(key));
  if (other !== undefined) {
    throw new TypeError(`${what} must have no ${JSON.stringify(other)}, only ${known.join(", ")}`);
  }
}
