/**
 * A parser inside another one, held to its own bounds. Internal.
 *
 * @module
 */
import { DEFAULT_MAX_HEADER_BYTES, type ParseFailure, type Parser } from "../parser.ts";
import { tooBig } from "./refusal.ts";

/** Asks `parser`, and enforces what the engine enforces on a parser of its own. */
export function parseNested(
  parser: Parser,
  bytes: Uint8Array,
  start: number,
  end: number,
  state: unknown,
): number | ParseFailure {
  const { maxMessageLength = Infinity, maxHeaderBytes = DEFAULT_MAX_HEADER_BYTES } = parser;
  const limit = Math.min(maxMessageLength, maxHeaderBytes);
  const answer = parser.parse(bytes, start, Math.min(end, start + limit), state);
  if (typeof answer !== "number") return answer;
  if (answer > maxMessageLength) {
    return tooBig(`${parser.name}: message of ${answer} bytes exceeds its bound of ${maxMessageLength}`);
  }
  if (answer > 0 || (end - start <= limit && -answer <= limit)) return answer;
  return tooBig(`${parser.name}: length of a message is not known within ${limit} bytes`);
}
