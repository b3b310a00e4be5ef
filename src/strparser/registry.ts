/**
 * Parsers by name, for command lines and configuration.
 *
 * In a module of its own: a program that imports one parser carries none of the others.
 *
 * @module
 */
import type { Parser } from "./parser.ts";
import { dns } from "./parsers/dns.ts";
import { http2 } from "./parsers/http2.ts";
import { lengthField, type LengthFieldOptions, type LengthFieldSize } from "./parsers/length_field.ts";
import { postgres } from "./parsers/postgres.ts";
import { resp } from "./parsers/resp.ts";
import { tls } from "./parsers/tls.ts";

/** A line of the table of parsers. */
export interface ParserEntry {
  /** What to write. */
  readonly name: string;
  /** What it is, in one line. */
  readonly description: string;
}

const NAMED: Readonly<Record<string, readonly [make: () => Parser, description: string]>> = {
  dns: [dns, "DNS over TCP, a 16-bit length in front of each message"],
  http2: [http2, "HTTP/2 frames in clear text, the client's preface as a message of its own"],
  postgres: [postgres, "PostgreSQL version 3, both directions, from the start of the connection"],
  resp: [resp, "Redis (RESP2 and RESP3), inline commands included"],
  tls: [tls, "TLS records"],
};

/** All parsers that {@linkcode parserByName} knows, for a help text. */
export const parserTable: readonly ParserEntry[] = [
  ...Object.entries(NAMED).map(([name, [, description]]) => ({ name, description })),
  { name: "len8, len16, len24, len32, len64", description: "a length of so many bits in front, big-endian" },
  { name: "len16le, len32le, ...", description: "the same, little-endian" },
  {
    name: "length:SIZE,...",
    description: "a length field of SIZE bytes: be, le, offset=N, incl (counts the whole message), adjustment=N, max=N",
  },
];

const SHORT = /^len(8|16|24|32|64)(le|be)?$/;
const SIZES: readonly number[] = [1, 2, 3, 4, 8];
const FLAGS: Readonly<Record<string, Partial<LengthFieldOptions>>> = {
  le: { littleEndian: true },
  be: { littleEndian: false },
  incl: { includesHeader: true },
};
const NUMBERS: readonly string[] = ["offset", "adjustment", "max"];

/**
 * Makes the parser that `spec` names: `dns`, `http2`, `postgres`, `resp`, `tls`; `len32`, `len16le` and the like; or
 * `length:SIZE` with options behind commas. The `len` forms take the same options: `len32,incl`.
 *
 * @throws {RangeError} when there is no such parser or option; the message says what there is
 * @example
 * ```ts
 * import { parserByName } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const mongodb = parserByName("length:4,le,incl,max=48000000");
 * assertEquals(mongodb.parse(Uint8Array.of(16, 0, 0, 0), 0, 4, undefined), 16);
 * ```
 */
export function parserByName(spec: string): Parser {
  const named = Object.hasOwn(NAMED, spec) ? NAMED[spec] : undefined;
  if (named !== undefined) return named[0]();
  const [head, ...flags] = spec.split(",").map((part) => part.trim());
  const options = headOptions(head!);
  if (options === undefined) {
    const known = [...Object.keys(NAMED), "len8", "len16", "len24", "len32", "len64", "length:SIZE"];
    throw new RangeError(`no parser is named ${JSON.stringify(spec)}; there are ${known.join(", ")}`);
  }
  for (const flag of flags) Object.assign(options, flagOptions(flag));
  return { ...lengthField(options), name: spec };
}

function headOptions(head: string): LengthFieldOptions | undefined {
  const short = SHORT.exec(head);
  if (short !== null) return { size: Number(short[1]) / 8 as LengthFieldSize, littleEndian: short[2] === "le" };
  if (!head.startsWith("length:")) return undefined;
  const size = Number(head.slice("length:".length));
  if (!SIZES.includes(size)) throw new RangeError(`length field of ${head.slice(7)} bytes; there are 1, 2, 3, 4, 8`);
  return { size: size as LengthFieldSize };
}

function flagOptions(flag: string): Partial<LengthFieldOptions> {
  if (Object.hasOwn(FLAGS, flag)) return FLAGS[flag]!;
  const [name, value, ...rest] = flag.split("=");
  const isNumber = value !== undefined && rest.length === 0 && /^-?\d+$/.test(value);
  if (NUMBERS.includes(name!) && isNumber) return { [name!]: Number(value) };
  const known = [...Object.keys(FLAGS), ...NUMBERS.map((number) => `${number}=N`)].join(", ");
  throw new RangeError(`no option of a length field is ${JSON.stringify(flag)}; there are ${known}`);
}
