/**
 * Which parser reads a flow: the one that was asked for, or the one that its first bytes speak for.
 *
 * @module
 */
import type { FlowRecord } from "../flow/mod.ts";
import type { Parser } from "../strparser/mod.ts";
import { detectParser, http1Pair, parserByName } from "../strparser/parsers/mod.ts";
import { UsageError } from "./io.ts";
import { printable } from "./problem_log.ts";

/** What was decided about a flow. */
export interface ParserVerdict {
  /** The parser; `undefined` where none fits. */
  readonly parser: Parser | undefined;
  /** Reads what the server sends, where that takes another one. */
  readonly answers?: Parser;
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

/** So many bytes of one direction are looked at. */
export const DETECTION_BYTES = 4096;

/** A capture may have only one direction of a connection. */
const MAX_UNANSWERED = 1_000_000;

/** Goes by the first bytes. */
export const detectingChooser: ParserChooser = (record, client, server, isComplete) => {
  const port = record.key.server.port;
  const detection = detectParser({ client, server, port, isComplete, maxBytes: DETECTION_BYTES });
  if (detection.state === "undecided") return "undecided";
  if (detection.state === "unknown") {
    const why = record.complete
      ? "the first bytes fit no known protocol"
      : "the beginning of the connection is not in the capture";
    return { parser: undefined, name: "opaque", why };
  }
  const doubt = detection.confidence === "likely" ? " (likely)" : "";
  return { parser: detection.parser, name: detection.name, why: `${detection.reason}${doubt}` };
};

/**
 * The chooser that `--parser` asks for: `auto`, or a parser by name for all TCP flows.
 *
 * @throws {UsageError} when there is no such parser
 */
export function parserChooser(name: string): ParserChooser {
  if (name === "auto") return detectingChooser;
  let parser: Parser;
  try {
    parser = parserByName(name);
  } catch (error) {
    throw new UsageError(`--parser: ${(error as Error).message}; or auto`);
  }
  const verdict = { parser, name, why: "as asked for by --parser" };
  // what an answer's length is depends on its request
  return name === "http1" ? () => ({ ...verdict, ...http1OfConnection() }) : () => verdict;
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
