/**
 * The request of `leat rx call`: an operation, arguments, and bytes from wherever they are.
 *
 * @module
 */
import { concat } from "../../bytes/mod.ts";
import { encodeXdr, int, string, uint } from "../../xdr/mod.ts";
import { readWhole } from "../bpf/program_source.ts";
import { hexBytes } from "../format/hex_digits.ts";
import { type CliIo, UsageError } from "../io.ts";
import type { OptionSpec, OptionValues } from "../options.ts";

/** Most of a request that comes from a file, all of which is held in memory. */
const MAX_REQUEST_BYTES = 256 * 1024 * 1024;

/** Options that make a request. */
export const BODY_OPTIONS: readonly OptionSpec[] = [
  { name: "op", argument: "N", help: "Number of the operation: the first word of the request" },
  {
    name: "xdr",
    short: "x",
    argument: "ARGUMENTS",
    help: "Arguments as XDR, one behind the other: numbers are words of 32 bits, 'texts' strings",
  },
  {
    name: "data",
    short: "d",
    argument: "FILE|HEX|-",
    help:
      "More of the request: digits in hexadecimal, else a file of at most 256 MiB; ./ before one that is called like a number",
  },
];

const MAX_TEXT = 65_536;
const MAX_WORD = 0xffff_ffff;
const MIN_WORD = -0x8000_0000;

/** The whole request. */
export async function requestBody(values: OptionValues, io: CliIo): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  if (values.op !== undefined) parts.push(word(String(values.op), "--op"));
  if (typeof values.xdr === "string") parts.push(...xdrArguments(values.xdr));
  if (typeof values.data === "string") parts.push(await dataOf(values.data, io));
  return concat(parts);
}

async function dataOf(data: string, io: CliIo): Promise<Uint8Array> {
  const bytes = hexBytes(data);
  return bytes !== undefined && bytes.length > 0 ? bytes : await readWhole(data, io, MAX_REQUEST_BYTES);
}

/**
 * Numbers and quoted texts, between them spaces or commas.
 *
 * @throws {UsageError} when something is neither
 */
export function xdrArguments(text: string): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const pattern = /[\s,]*(?:'([^']*)'|"([^"]*)"|([^\s,'"]+))(?=[\s,]|$)/y;
  let at = 0;
  while (/[^\s,]/.test(text.slice(at))) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) {
      throw new UsageError(`--xdr: a number or a 'text' is wanted at ${JSON.stringify(text.slice(at))}`);
    }
    at = pattern.lastIndex;
    const quoted = found[1] ?? found[2];
    parts.push(quoted === undefined ? word(found[3]!, "--xdr") : encodeXdr(string(MAX_TEXT), quoted));
  }
  return parts;
}

function word(text: string, option: string): Uint8Array {
  const value = /^(?:-?\d+|0x[0-9a-fA-F]+)$/.test(text) ? Number(text) : NaN;
  if (!(value >= MIN_WORD && value <= MAX_WORD)) {
    throw new UsageError(`${option} wants numbers of 32 bits, got ${JSON.stringify(text)}`);
  }
  return value < 0 ? encodeXdr(int, value) : encodeXdr(uint, value);
}
