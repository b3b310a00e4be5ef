/** Every parser that has a name, and what its options change: any bytes, whole and in pieces. */
import { toHex } from "../../src/bytes/mod.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { delimiter, fixedLength, lengthField, lines, typeByte, varintPrefix } from "../../src/strparser/mod.ts";
import type { Parser } from "../../src/strparser/parser.ts";
import * as parsers from "../../src/strparser/parsers/mod.ts";
import { fuzzInputs, fuzzSeeds } from "../support/fuzz.ts";
import { test } from "node:test";
import { checkAlike } from "./parsers/check.ts";

const { parserByName, parserTable } = parsers;
const NAMED = parserTable.map(({ name }) => name).filter((name) => /^[a-z0-9]+$/.test(name));
const MAKERS: readonly (readonly [name: string, make: () => Parser])[] = [
  ...[...NAMED, "len8", "len16", "len24le", "len32", "len64", "length:2,offset=1,adjustment=-3,incl"]
    .map((name) => [name, () => parserByName(name)] as const),
  ["length field in words", () => lengthField({ size: 1, unit: 4, offset: 2, adjustment: 4 })],
  ["delimiters", () => delimiter(["\r\n", "ab", "abc\0", "aab"])],
  ["lines, CR LF", () => lines({ ending: "crlf" })],
  ["fixed length", () => fixedLength(7)],
  ["shortest varints", () => varintPrefix({ isMinimal: true, maxPrefixBytes: 3 })],
  ["type byte", () => typeByte({ 1: 3, 2: varintPrefix(), 3: lines() }, { otherwise: parsers.netstring() })],
  ["cobs, lenient", () => parsers.cobs({ lenient: true })],
  ["JSON sequences, recovering", () => parsers.jsonSequence({ recover: true })],
  ["http1 in pieces", () => parsers.http1({ body: "pieces", maxPieceBytes: 5 })],
  ["http1 and then websocket", () => parsers.http1({ next: parsers.websocket() })],
  ["whole messages of mysql", () => parsers.mysql({ whole: true })],
  ["whole messages of tds", () => parsers.tds({ whole: true })],
  ["whole messages of websocket", () => parsers.websocket({ whole: true })],
  ["whole messages of dcerpc", () => parsers.dceRpc({ whole: true })],
  ["tpkt with fast-path", () => parsers.tpkt({ fastPath: true })],
  ["smb2 over NetBIOS", () => parsers.smb2({ netbios: true })],
];

const BYTES: readonly ((random: SeededRandom) => number)[] = [
  (random) => random.below(256),
  (random) => random.below(4),
  (random) => 0x20 + random.below(95),
  (random) => "0123456789\r\n:, $*+-ab\0\x01".charCodeAt(random.below(24)),
  (random) => random.pick([0, 0, 0, 1, 2, 0x7f, 0x80, 0xff]),
];

/** Small first bytes of many lengths make messages; the rest is noise. */
function anyBytes(random: SeededRandom): Uint8Array {
  const next = random.pick(BYTES);
  return Uint8Array.from(
    { length: 1 + random.below(200) },
    () => random.chance(0.05) ? random.below(256) : next(random),
  );
}

for (const [name, make] of MAKERS) {
  test(`${name}: any bytes in any chunks come out as whole, within the budgets, and nothing throws`, () => {
    const inputs = Math.max(40, Math.ceil(fuzzInputs() / 200));
    for (const seed of fuzzSeeds()) {
      const random = new SeededRandom(seed);
      for (let i = 0; i < inputs; i++) check(make, anyBytes(random), random);
    }
  });
}

function check(make: () => Parser, input: Uint8Array, random: SeededRandom): void {
  const maxMessageLength = random.pick([32, 100, 4096]);
  const direction = random.pick([undefined, "client", "server"] as const);
  try {
    checkAlike(make, input, random, { direction, maxMessageLength });
  } catch (cause) {
    throw new Error(`${direction}, at most ${maxMessageLength}: ${toHex(input)}`, { cause });
  }
}
