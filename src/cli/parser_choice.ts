/**
 * Which parser reads a flow: the one that was asked for, or the one that its first bytes speak for.
 *
 * @module
 */
import type { FlowRecord } from "../flow/mod.ts";
import type { Parser } from "../strparser/mod.ts";
import { detectParser, http1Pair, parserByName, parserTable } from "../strparser/parsers/mod.ts";
import { UsageError } from "./io.ts";
import { nearest } from "./options.ts";
import { printable } from "./problem_log.ts";

/** What was decided about a flow. */
export interface ParserVerdict {
  /** The parser; `undefined` where none fits. */
  readonly parser: Parser | undefined;
  /** Reads what the server sends, where that takes another one. */
  readonly answers?: Parser;
  /** Whether the first bytes speak for it, and nobody has asked for it. */
  readonly isGuess?: boolean;
  /** Its name. */
  readonly name: string;
  /** Why, in words; without payload. */
  readonly why: string;
}

/**
 * Decides on the parser of a TCP flow by its first bytes. `isComplete` says that they are all that there will be; the
 * answer must not be `undecided` then.
 */
export type ParserChooser = (
  record: FlowRecord,
  client: Uint8Array,
  server: Uint8Array,
  isComplete: boolean,
) => ParserVerdict | "undecided";

/** A capture may have only one direction of a connection. */
const MAX_UNANSWERED = 1_000_000;

/** Goes by the first bytes. */
export const detectingChooser: ParserChooser = (record, client, server, isComplete) => {
  const port = record.key.server.port;
  const detection = detectParser({ client, server, port, isComplete });
  if (detection.state === "undecided") return "undecided";
  if (detection.state === "unknown") {
    const why = record.complete
      ? "the first bytes fit no known protocol"
      : "the beginning of the connection is not in the capture";
    return { parser: undefined, name: "opaque", why };
  }
  const doubt = detection.confidence === "likely" ? " (likely)" : "";
  const { parser, answers, name, reason } = detection;
  const parsers = answers === undefined ? { parser } : http1OfConnection();
  return { ...parsers, isGuess: true, name, why: `${reason}${doubt}` };
};

/**
 * The chooser that `--parser` asks for: `auto`, or a parser by name for all TCP flows.
 *
 * @throws {UsageError} when there is no such parser
 */
export function parserChooser(name: string): ParserChooser {
  if (name === "auto") return detectingChooser;
  const parser = namedParser(name, "auto");
  const verdict = { parser, name, why: "as asked for by --parser" };
  // what an answer's length is depends on its request
  return name === "http1" ? () => ({ ...verdict, ...http1OfConnection() }) : () => verdict;
}

/**
 * The parser that `--parser` names. `own` is a name that only this command has. An unknown name gets the nearest instead
 * of all sixty: those are in the help, each with what it is, and would fill a screen here.
 *
 * @throws {UsageError} when there is no such parser
 */
export function namedParser(name: string, own: string): Parser {
  try {
    return parserByName(name);
  } catch (error) {
    const { message } = error as Error;
    if (!message.startsWith("no parser is named")) throw new UsageError(`--parser: ${message}`);
    const what = message.slice(0, message.lastIndexOf("; there are "));
    throw new UsageError(`--parser: ${what}${nearestParser(name, own)}`);
  }
}

const SIMPLE_NAME = /^[a-z\d]+$/;
const LENGTHS = ["len8", "len16", "len24", "len32", "len64"];

/** The parser that is spelt most alike, or has such a word to itself in its description (`redis`, `nfs`); in any case. */
function nearestParser(typed: string, own: string): string {
  const named = parserTable.filter(({ name }) => SIMPLE_NAME.test(name));
  // names first: of words that are as near, the first is taken
  const parserOf = new Map<string, string | undefined>();
  for (const name of [...named.map(({ name }) => name), ...LENGTHS, own]) parserOf.set(name, name);
  for (const { name, description } of named) {
    for (const word of new Set(properNames(description))) {
      if (parserOf.get(word) !== word) parserOf.set(word, parserOf.has(word) ? undefined : name);
    }
  }
  const known = [...parserOf.keys()].filter((word) => parserOf.get(word) !== undefined);
  const meant = nearest(typed.toLowerCase(), known);
  return meant === undefined ? "" : `; did you mean ${parserOf.get(meant)}?`;
}

/** What is written with a capital: `Redis`, `NFS`. */
function properNames(description: string): string[] {
  const words = description.split(/[^A-Za-z\d]+/).filter((word) => /^[A-Z]/.test(word));
  return words.map((word) => word.toLowerCase());
}

/** The chooser for a parser that is there already, for all TCP flows. */
export function chooserOf(parser: Parser): ParserChooser {
  const verdict = { parser, name: printable(parser.name ?? "program"), why: "as asked for by --parser" };
  return () => verdict;
}

function http1OfConnection(): Pick<ParserVerdict, "parser" | "answers"> {
  const { requests, responses } = http1Pair({ maxUnanswered: MAX_UNANSWERED });
  return { parser: requests, answers: responses };
}
