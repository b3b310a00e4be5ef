/**
 * Messages whose first byte says how the rest is delineated.
 *
 * @module
 */
import { limitOption, needObject } from "../../core/limits.ts";
import { DEFAULT_MAX_HEADER_BYTES, type ParseFailure, type Parser, type ParserContext } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { parseNested } from "./nested.ts";
import { refuse } from "./refusal.ts";

/** Options of {@linkcode typeByte}. */
export interface TypeByteOptions {
  /** Whether the parsers see the type byte as the first of the message; otherwise they begin behind it. @default {false} */
  includesType?: boolean | undefined;
  /** For all types that are not named. @default {undefined} (refused) */
  otherwise?: Parser | number | undefined;
}

/** What follows a type byte, resolved. */
interface Branch {
  readonly parser: Parser | undefined;
  /** Total length where it is fixed. */
  readonly length: number;
  readonly max: number;
}

/**
 * Parser for messages that begin with a type byte, of which each has a parser of its own, or a number: so many bytes
 * follow (with `includesType`: so many bytes altogether).
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { lengthPrefix, typeByte } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = typeByte({ 0x01: lengthPrefix(2), 0x02: 8, 0x03: 0 });
 * const state = parser.start?.({});
 * assertEquals(parser.parse(Uint8Array.of(1, 0, 5), 0, 3, state), 8);
 * assertEquals(parser.parse(Uint8Array.of(2), 0, 1, state), 9);
 * ```
 */
export function typeByte(types: Readonly<Record<number, Parser | number>>, options: TypeByteOptions = {}): Parser {
  needObject("types", types);
  const skipped = options.includesType === true ? 0 : 1;
  const otherwise = options.otherwise === undefined ? undefined : branchOf(options.otherwise, skipped, "otherwise");
  const branches: (Branch | undefined)[] = Array.from({ length: 256 }, () => otherwise);
  const named = Object.entries(types).map(([key, value]) => {
    const type = Number(key);
    if (!Number.isInteger(type) || type < 0 || type > 255) throw new RangeError(`type must be a byte, got ${key}`);
    return branches[type] = branchOf(value, skipped, `type ${hexByte(type)}`);
  });
  const all = named.concat(otherwise ?? []);
  if (all.length === 0) throw new RangeError("types must name at least one");
  const max = Math.max(...all.map((branch) => branch.max));
  const header = Math.max(...all.map(({ parser }) => parser?.maxHeaderBytes ?? DEFAULT_MAX_HEADER_BYTES));
  return {
    name: "typeByte",
    ...(max < Infinity && { maxMessageLength: max }),
    ...(header !== DEFAULT_MAX_HEADER_BYTES && { maxHeaderBytes: header + skipped }),
    start(context: ParserContext): Map<Parser, unknown> {
      const states = new Map<Parser, unknown>();
      for (const { parser } of all) {
        if (parser !== undefined && !states.has(parser)) states.set(parser, parser.start?.(context));
      }
      return states;
    },
    parse(bytes: Uint8Array, start: number, end: number, states: Map<Parser, unknown>): number | ParseFailure {
      const branch = branches[bytes[start]!];
      if (branch === undefined) return refuse(`type ${hexByte(bytes[start]!)} is none of the protocol's`);
      const { parser } = branch;
      if (parser === undefined) return branch.length;
      if (end - start <= skipped) return -(skipped + 1);
      const answer = parseNested(parser, bytes, start + skipped, end, states.get(parser));
      if (typeof answer !== "number" || answer === 0) return answer;
      return answer < 0 ? answer - skipped : answer + skipped;
    },
  };
}

function branchOf(value: Parser | number, skipped: number, name: string): Branch {
  if (typeof value === "number") {
    const length = limitOption(name, value, 0, 1 - skipped) + skipped;
    if (length === Infinity) throw new RangeError(`${name} must be finite`);
    return { parser: undefined, length, max: length };
  }
  if (typeof value?.parse !== "function") throw new TypeError(`${name} must be a parser or a number of bytes`);
  return { parser: value, length: 0, max: (value.maxMessageLength ?? Infinity) + skipped };
}
