/**
 * What can be wrong with a message, in words, and the judgement of what a parser answers.
 *
 * Pure functions: whether a failure ends the stream is the engine's business.
 *
 * @module
 */
import type { Blame } from "../core/errors.ts";
import { byteCount } from "../core/words.ts";
import { lostBytesError } from "./errors.ts";
import type { DeadlineKind } from "./message_deadlines.ts";
import type { ParseFailure, Parser } from "./parser.ts";
import type { Counts } from "./statistics.ts";

/** A failure that has not been reported yet. */
export interface Failure {
  readonly message: string;
  readonly code: string;
  readonly blame?: Blame;
  readonly cause?: unknown;
  readonly bytesHeld?: number;
  readonly bytesMissing?: number;
  readonly deadline?: DeadlineKind;
  /** What it counts as when it ends the stream. */
  readonly counter?: keyof Counts;
  /** Length of a message that could be swallowed. */
  readonly length?: number;
  /** Whether the bytes are to blame, so that later ones may be fine. */
  readonly isOfBytes?: boolean;
}

/** A failure and where in the stream its message begins. */
export interface Located {
  readonly failure: Failure;
  readonly offset: number;
}

/** What answers are measured by. */
export interface Limits {
  readonly parser: Parser;
  readonly maxMessageLength: number;
  readonly maxHeaderBytes: number;
  /** In the kernel lengths are signed and have 32 bits. */
  readonly isLinux: boolean;
}

/**
 * Judges a parser's answer about a message of which the parser saw `taken` bytes before. Returns its length, or zero or
 * less as the parser answers, or what is wrong. Of `consumed` bytes, those and others, there is no giving back.
 */
export function judge(answer: unknown, taken: number, limits: Limits, consumed: number = taken): number | Failure {
  const value = (typeof answer === "bigint" ? Number(answer) : answer) as number;
  // nothing but numbers is a safe integer
  if (!Number.isSafeInteger(value)) return notALength(answer, consumed, limits);
  if (value <= 0) return -value > limits.maxHeaderBytes ? headerTooLong(limits) : value;
  if (limits.isLinux && value > 0x7fffffff) {
    const reason = `length ${value} is negative in 32 bits`;
    return { message: reason, code: "EPROTO", counter: "interrupted" };
  }
  if (value > limits.maxMessageLength) {
    const message = `message of ${value} bytes exceeds maxMessageLength ${limits.maxMessageLength}`;
    return { message, code: "EMSGSIZE", counter: "messageTooBig", length: value, isOfBytes: true };
  }
  if (value > taken) return value;
  const message = `message length ${value} ends within the ${byteCount(taken)} taken to learn it`;
  return { message, code: "EPROTO", counter: "badHeaderLength", isOfBytes: true };
}

/** The parser gave an answer that is no length. */
function notALength(answer: unknown, taken: number, { parser: { name }, isLinux }: Limits): Failure {
  if (isParseFailure(answer)) {
    return refused({ ...answer, code: isLinux && answer.linuxCode || answer.code }, taken, name);
  }
  return returned(`parser ${name}`, answer);
}

/** What the parser or the hook answered is no number of bytes. */
export function returned(who: string, answer: unknown): Failure {
  const message = `${who} returned ${answer === null || typeof answer === "number" ? answer : typeof answer}`;
  return { message, code: "EPROTO", counter: "badHeaderLength", blame: "local" };
}

/** Whether it is what a parser gives up with. */
export function isParseFailure(answer: unknown): answer is ParseFailure {
  return typeof answer === "object" && answer !== null && typeof (answer as Partial<ParseFailure>).code === "string";
}

/** The parser, or a hook under the given name, gave up. */
export function refused(failure: ParseFailure, taken: number, name: string): Failure {
  const message = `${name}: ${failure.reason}`;
  if (failure.code !== "ESTRPIPE") return { message, code: failure.code, counter: "interrupted", isOfBytes: true };
  if (taken === 0) return { message, code: "ESTRPIPE", counter: "interrupted" };
  const late = `${message}, but ${byteCount(taken)} of the message had been taken`;
  return { message: late, code: "ENODATA", counter: "unrecoverable" };
}

/** The parser or the hook threw. */
export function threw(who: string, cause: unknown): Failure {
  return { message: `${who} threw`, code: "EPROTO", counter: "interrupted", blame: "local", cause };
}

/** The length is not known within the limit. */
export function headerTooLong(limits: Limits): Failure {
  const isOwn = limits.maxHeaderBytes < limits.maxMessageLength;
  const limit = isOwn ? "maxHeaderBytes" : "maxMessageLength";
  const message = `length of a message is not known within ${limit} ${limits[limit]}`;
  return { message, code: "EMSGSIZE", counter: isOwn ? "headerTooBig" : "messageTooBig", isOfBytes: true };
}

/** The stream has ended inside a message of `length` bytes, 0 for unknown. */
export function truncated(bytesHeld: number, bytesMissing: number, length: number): Failure {
  const what = length > 0
    ? `with ${bytesHeld} of its ${byteCount(length)}, ${bytesMissing} missing`
    : `of unknown length with ${byteCount(bytesHeld)}, at least ${bytesMissing} missing`;
  const message = `stream ended inside a message ${what}`;
  return { message, code: "ETRUNCATED", counter: "truncated", bytesHeld, bytesMissing };
}

/** A deadline has passed. */
export function timedOut(deadline: DeadlineKind, ms: number, bytesHeld: number, bytesMissing: number): Failure {
  const message = `${deadline}TimeoutMs ${ms} has passed with ${byteCount(bytesHeld)} of a message`;
  return { message, code: "ETIMEDOUT", counter: "timeouts", deadline, bytesHeld, bytesMissing };
}

/** The budget is spent. */
export function overBudget(bytesHeld: number, maxBytes: number): Failure {
  const message = `${byteCount(bytesHeld)} of a message exceed what is left of the budget of ${maxBytes}`;
  return { message, code: "ENOBUFS", counter: "memoryFailures", blame: "local", bytesHeld };
}

/** A chunk is not what it was. */
export function lostBytes(): Failure {
  return { message: lostBytesError().message, code: "EFAULT", blame: "local" };
}
