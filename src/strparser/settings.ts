/**
 * Options of the engine, checked.
 *
 * @module
 */
import { callbackOption, choiceOption, durationOption, limitOption } from "../core/limits.ts";
import type { MessageBudget } from "./message_budget.ts";
import type { Resync, StreamParserOptions } from "./options.ts";
import { DEFAULT_MAX_HEADER_BYTES, type Parser } from "./parser.ts";

const DEFAULT_MAX_MESSAGE_LENGTH = 1024 * 1024;

/** What stays the same for the life of an engine. */
export interface Settings {
  readonly direction: "client" | "server" | undefined;
  readonly maxMessageLength: number;
  /** `undefined`: what the parser says. */
  readonly maxHeaderBytes: number | undefined;
  /** Messages up to this length are copied. */
  readonly copyAt: number;
  /** All of them are, and chunks may be written to again as soon as they are taken. */
  readonly copies: boolean;
  readonly isInParts: boolean;
  readonly discardsOversize: boolean;
  readonly headerTimeoutMs: number;
  readonly messageTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly budget: MessageBudget | undefined;
  readonly resync: Resync | undefined;
  readonly keepsConsumed: boolean;
  readonly isLinux: boolean;
}

/**
 * Checks all options but the parser.
 *
 * @throws {TypeError | RangeError} when one is wrong
 */
export function settingsOf(options: StreamParserOptions<boolean>): Settings {
  const { maxHeaderBytes, resync, direction, budget, compat } = options;
  callbackOption("resync", resync);
  if (budget !== undefined && typeof budget?.claim !== "function") {
    throw new TypeError("budget must be a MessageBudget");
  }
  choiceOption("direction", direction, "client", ["client", "server"]);
  choiceOption("compat", compat, "linux", ["linux"]);
  return {
    direction,
    maxMessageLength: limitOption("maxMessageLength", options.maxMessageLength, DEFAULT_MAX_MESSAGE_LENGTH),
    maxHeaderBytes: maxHeaderBytes === undefined ? undefined : limitOption("maxHeaderBytes", maxHeaderBytes, 1),
    copyAt: options.copy ? Infinity : limitOption("copyThreshold", options.copyThreshold, 0, 0),
    copies: options.copy ?? false,
    isInParts: options.parts ?? false,
    discardsOversize: choiceOption("oversize", options.oversize, "abort", ["abort", "discard"]) === "discard",
    headerTimeoutMs: timeout("headerTimeoutMs", options.headerTimeoutMs),
    messageTimeoutMs: timeout("messageTimeoutMs", options.messageTimeoutMs),
    idleTimeoutMs: timeout("idleTimeoutMs", options.idleTimeoutMs),
    budget,
    resync,
    keepsConsumed: options.keepConsumed ?? false,
    isLinux: compat === "linux",
  };
}

/** A duration of which 0 means none, as in the kernel. */
function timeout(name: string, value: number | undefined): number {
  return durationOption(name, value, Infinity) || Infinity;
}

/** How many bytes a message may have until its length is known, below a given bound on messages. */
export function headerLimit(settings: Settings, parser: Parser, maxMessageLength: number): number {
  const limit = settings.maxHeaderBytes ?? parser.maxHeaderBytes ?? DEFAULT_MAX_HEADER_BYTES;
  return Math.min(limit, maxMessageLength);
}

/**
 * Checks a parser.
 *
 * @throws {TypeError} when it is none
 */
export function checkedParser(parser: Parser): Parser {
  if (typeof parser?.parse !== "function") throw new TypeError("parser must be an object with a parse method");
  return parser;
}
