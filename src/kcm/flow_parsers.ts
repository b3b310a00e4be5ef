/**
 * Which parser delineates which direction of which flow.
 *
 * @module
 */
import type { FlowSide } from "../flow/sink.ts";
import type { Parser } from "../strparser/parser.ts";
import type { StreamParserOptions } from "../strparser/options.ts";
import { datagrams } from "./datagrams.ts";
import type { FlowOrigin } from "./kcm_message.ts";

/**
 * Chooses the parser for a direction of a flow; `undefined`: not wanted, which costs nothing. For UDP conversations
 * {@linkcode datagrams} takes each datagram as a message. Both arguments are `undefined` for what is no flow.
 */
export type ParserChoice = (
  flow: FlowOrigin | undefined,
  direction: FlowSide | undefined,
) => Parser | undefined;

/**
 * A parser for all, or a choice. One parser for all is asked about byte streams only: TCP and what is no flow. UDP
 * conversations are left out, unless it is {@linkcode datagrams}, which leaves out TCP.
 */
export type FlowParsers = Parser | ParserChoice;

/** How what is attached in numbers is delineated. */
export interface AttachmentsOptions extends Omit<StreamParserOptions, "parser" | "direction"> {
  /** The parser, or a function that chooses one for each direction. */
  parser: FlowParsers;
}

/**
 * Makes a choice of either.
 *
 * @throws {TypeError} when it is neither
 */
export function parserChoice(parser: FlowParsers): ParserChoice {
  if (typeof parser === "function") return (flow, direction) => chosen(parser(flow, direction));
  if (!isParser(parser)) {
    throw new TypeError("parser must be an object with a parse method or a function that chooses one");
  }
  const protocol = parser === datagrams ? "udp" : "tcp";
  return (flow) => (flow === undefined || flow.key.protocol === protocol ? parser : undefined);
}

function chosen(answer: unknown): Parser | undefined {
  if (answer === undefined || isParser(answer)) return answer;
  const hint = typeof answer === "function" ? "a function, which perhaps was to be called" : nameOf(answer);
  throw new TypeError(`the function that chooses a parser must return one or undefined, got ${hint}`);
}

function isParser(value: unknown): value is Parser {
  return typeof (value as Partial<Parser> | null | undefined)?.parse === "function";
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "object" ? "an object without a parse method" : `a ${typeof value}`;
}
