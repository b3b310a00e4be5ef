/** The framings of no protocol: delimiters, fixed lengths, COBS, JSON sequences, type bytes, views. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  type Delimiter,
  delimiter,
  fixedLength,
  lengthField,
  lengthPrefix,
  lines,
  parserFromView,
  StreamParserError,
  trimDelimiter,
  trimLine,
  typeByte,
} from "../../../src/strparser/mod.ts";
import { cobs, cobsDecode, cobsEncode } from "../../../src/strparser/parsers/mod.ts";
import { jsonSequence, ndjson } from "../../../src/strparser/parsers/mod.ts";
import { netstring } from "../../../src/strparser/parsers/mod.ts";
import { chaos, record, seeded } from "../support.ts";
import { ascii, checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens as jsonSequences } from "./golden/json_sequence.ts";
import { goldens as ndjsons } from "./golden/ndjson.ts";

const text = (parser: Parameters<typeof golden>[1], name: string, parts: string[]) =>
  golden(
    name,
    parser,
    "client",
    parts.map((part) => part.length),
    Array.from(parts.join(""), (c) => c.charCodeAt(0).toString(16).padStart(2, "0")),
  );

checkGoldens([
  text(() => lines(), "lines: LF and CR LF", ["one\n", "\n", "two\r\n", "a\rb\n", "\r\n"]),
  text(() => lines({ ending: "crlf" }), "lines: CR LF only", ["one\n1\r\n", "\r\n", "\r\r\n", "\n\r\n"]),
  text(() => delimiter("\0"), "delimiter: one byte", ["one\0", "\0", "two\0"]),
  text(() => delimiter("\r\n\r\n"), "delimiter: four bytes", [
    "a\r\n\r\n",
    "\r\r\n\r\n",
    "\r\n\r\r\n\n\r\n\r\n",
    "\r\n\r\n",
  ]),
  text(() => delimiter("aabaab"), "delimiter: one that overlaps itself", [
    "aabaaab aabaab",
    "baabaab",
    "aabaab",
    "aaabaab",
  ]),
  text(() => delimiter(["\r\n", "\n", "END", "ND\0"]), "delimiter: several", ["x\r\n", "\n", "ENEND", "\0END", "ND\0"]),
  text(() => delimiter(["abcd", "bc"]), "delimiter: one inside another", ["xabc", "abdbc", "dbc"]),
  text(() => fixedLength(3), "fixed length", ["abc", "def", "ghi"]),
  golden("cobs: the paper's and others", () => cobs(), "client", [2, 3, 1, 6, 257], [
    "0100 010100 00 031122023300",
    "ff" + Array.from({ length: 254 }, (_, i) => (i + 1).toString(16).padStart(2, "0")).join("") + "0100",
  ]),
  text(() => jsonSequence(), "JSON sequence: forms", [
    "\x1e{}\n",
    '\x1e\x1e "a\\"\n\\\\"\n',
    "\x1e\n12 \t\r\n",
    '\x1e[\n"]",{"}":[]}\n]\r\n',
    "\x1enull\n",
  ]),
  text(() => typeByte({ 1: lengthPrefix(2), 2: 3, 3: 0, 0x41: lines() }, { otherwise: netstring() }), "type byte", [
    "\x01\0\x02ab",
    "\x02abc",
    "\x03",
    "Aline\n",
    "\x093:abc,",
    "\x01\0\0",
  ]),
  text(
    () => typeByte({ 0x24: lengthField({ offset: 2, size: 2 }), 0x25: 2 }, { includesType: true, otherwise: lines() }),
    "type byte seen by the parsers",
    ["$\0\0\x01a", "%a", "text\r\n"],
  ),
  text(() => parserFromView((bytes) => bytes[0]! >= 48 ? bytes[0]! - 46 : undefined), "view", ["2abc", "0a", "1ab"]),
  ...jsonSequences,
  ...ndjsons,
]);

test("delimiter: against a plain search, several needles of few letters, in any pieces", () => {
  const random = seeded(3);
  const letters = (n: number) => Array.from({ length: n }, () => "ab"[Math.floor(random() * 2)]).join("");
  for (let i = 0; i < 400; i++) {
    const needles = Array.from({ length: 1 + i % 3 }, () => letters(1 + Math.floor(random() * 6)));
    const bytes = ascii(letters(200));
    const run = record(delimiter(needles)).push(...chaos(bytes, random, 1 + i % 40));
    assertEquals(run.lengths(), plainLengths(bytes, needles), needles.join());
    const whole = record(delimiter(needles)).push(bytes);
    assertEquals(whole.lengths(), run.lengths());
  }
});

function plainLengths(bytes: Uint8Array, needles: string[]): number[] {
  const all = String.fromCharCode(...bytes);
  const lengths: number[] = [];
  for (let from = 0, to = 1; to <= all.length; to++) {
    if (!needles.some((needle) => all.slice(from, to).endsWith(needle))) continue;
    lengths.push(to - from);
    from = to;
  }
  return lengths;
}

test("delimiter: a long one, bytes that almost match it, linear time however it is cut", () => {
  const long = "-".repeat(400) + "x";
  for (const [ends, fill] of [["\r\n", "\n"], [long, "-"], ["ab", "b"]] as [Delimiter, string][]) {
    const bytes = ascii(fill.repeat(300_000) + ends);
    const run = record(delimiter(ends), { maxMessageLength: Infinity });
    for (let at = 0; at < bytes.length; at++) run.push(bytes.subarray(at, at + 1));
    assertEquals(run.lengths(), [bytes.length]);
  }
});
test("delimiter: asks for as many bytes as the rest of it needs", () => {
  const parser = delimiter("boundary");
  const state = parser.start!({});
  assertEquals(parser.parse(ascii("xbound"), 0, 6, state), -9);
  assertEquals(parser.parse(ascii("xboundxxx"), 0, 9, state), -17);
});
test("delimiter: trimmed", () => {
  assertEquals(trimDelimiter(ascii("a\r\n"), ["\n", "\r\n"]), ascii("a"));
  assertEquals(trimDelimiter(ascii("a"), "\n"), ascii("a"));
  assertEquals([trimLine(ascii("a\r\n")), trimLine(ascii("\n")), trimLine(ascii("a")), trimLine(ascii("\ra\n"))], [
    ascii("a"),
    ascii(""),
    ascii("a"),
    ascii("\ra"),
  ]);
});
test("delimiter: wrong options and the limit", () => {
  assertThrows(() => delimiter(""), RangeError, "empty");
  assertThrows(() => delimiter([]), RangeError, "empty");
  assertThrows(() => delimiter(5 as unknown as string), TypeError, "delimiter");
  assertThrows(() => delimiter([5 as unknown as string]), TypeError, "delimiter");
  assertThrows(() => delimiter("x".repeat(4097)), RangeError, "4096");
  assertThrows(() => delimiter("x", { max: 0 }), RangeError, "max");
  assertThrows(() => lines({ ending: "cr" as "lf" }), RangeError, "ending");
  assertEquals(outcome(() => lines({ max: 4 }), ascii("abc\nabcd\n")), [
    4,
    "EMSGSIZE 4 length of a message is not known within maxMessageLength 4",
  ]);
});
test("fixed length: wrong ones", () => {
  for (const length of [0, -1, 0.5, Infinity, NaN]) assertThrows(() => fixedLength(length), RangeError);
  assertThrows(() => fixedLength(undefined as unknown as number), TypeError);
});

test("cobs: damage is refused, or let through for the decoder to refuse", () => {
  const damaged = hex("0311000211 00 0100");
  assertEquals(outcome(() => cobs(), damaged), [
    "EPROTO 0 cobs: packet ends inside a block: bytes of it were lost or damaged",
  ]);
  assertEquals(outcome(() => cobs({ lenient: true }), damaged), [3, 3, 2]);
  for (const packet of ["", "00", "0311", "03110001", "0100000100"]) {
    const error = assertThrows(() => cobsDecode(hex(packet)), StreamParserError);
    assertEquals([error.code, error.blame], ["EPROTO", "remote"]);
  }
  assertEquals(outcome(() => cobs({ maxPayloadBytes: 2 }), hex("03111100 0411111100")), [
    4,
    "EMSGSIZE 4 length of a message is not known within maxMessageLength 4",
  ]);
});
test("cobs: vectors of the paper and of the encyclopedia, both ways", () => {
  const run = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const vectors: [number[], number[]][] = [
    [[], [1, 0]],
    [[0], [1, 1, 0]],
    [[0, 0], [1, 1, 1, 0]],
    [[0, 0x11, 0], [1, 2, 0x11, 1, 0]],
    [[0x11, 0x22, 0, 0x33], [3, 0x11, 0x22, 2, 0x33, 0]],
    [[0x11, 0, 0, 0], [2, 0x11, 1, 1, 1, 0]],
    [run(1, 254), [255, ...run(1, 254), 0]],
    [run(0, 254), [1, 255, ...run(1, 254), 0]],
    [run(1, 255), [255, ...run(1, 254), 2, 255, 0]],
    [[...run(2, 255), 0], [255, ...run(2, 255), 1, 1, 0]],
    [[...run(3, 255), 0, 1], [254, ...run(3, 255), 2, 1, 0]],
  ];
  for (const [payload, packet] of vectors) {
    assertEquals(cobsEncode(Uint8Array.from(payload)), Uint8Array.from(packet));
    assertEquals(cobsDecode(Uint8Array.from(packet)), Uint8Array.from(payload));
    assertEquals(cobsDecode(Uint8Array.from(packet.slice(0, -1))), Uint8Array.from(payload));
    assertEquals(outcome(() => cobs(), Uint8Array.from(packet)), [packet.length]);
  }
});

test("JSON sequence: what is refused, and recovery", () => {
  const refused: [string, string][] = [
    ["{}\n", "text begins with 0x7b, not a record separator (looks like text)"],
    ["\x1ex", "no JSON text begins with 0x78"],
    ["\x1e[1\x1e2\n", "record separator inside a text: its writer was cut off"],
    ["\x1e2\x1e", "record separator inside a text: its writer was cut off"],
    ["\x1e{}\x1e", "record separator inside a text: its writer was cut off"],
    ["\x1e{} {}\n", "something follows a text on its line"],
  ];
  for (const [bytes, reason] of refused) {
    assertEquals(outcome(() => jsonSequence(), ascii(bytes)), [`EPROTO 0 jsonSequence: ${reason}`]);
  }
  const recover = () => jsonSequence({ recover: true });
  assertEquals(outcome(recover, ascii('\x1e["cut\x1e12\x1e{\n}\n\x1e1\n')), [14, 3]);
  assertEquals(outcome(() => jsonSequence({ max: 4 }), ascii("\x1e12\n\x1e123\n")), [
    4,
    "EMSGSIZE 4 length of a message is not known within maxMessageLength 4",
  ]);
});
test("ndjson: what is refused", () => {
  const refused: [string, string][] = [
    ["hello\n", "0x68"],
    ["\x1e{}\n", "0x1e (a JSON text sequence, for which there is jsonSequence)"],
    ["\xef\xbb\xbf{}\n", "0xef (looks like a byte order mark)"],
    ["\x16\x03\x01", "0x16 (looks like TLS)"],
  ];
  for (const [bytes, what] of refused) {
    assertEquals(outcome(() => ndjson(), ascii(bytes)), [`EPROTO 0 ndjson: no JSON text begins with ${what}`]);
  }
  assertEquals(outcome(() => ndjson(), ascii("1\n\n \r\n[]\n")), [2, 1, 3, 3]);
});

test("type byte: unknown types, bounds of the parsers, options", () => {
  const parser = () => typeByte({ 1: lengthPrefix(1, { max: 4 }), 2: lines({ max: 6 }), 3: lengthPrefix(8) });
  assertEquals(outcome(parser, hex("01 03616161 02 0a 04")), [
    5,
    2,
    "EPROTO 7 typeByte: type 0x04 is none of the protocol's",
  ]);
  assertEquals(outcome(parser, hex("01 0461616161")), [
    "EMSGSIZE 0 typeByte: length:1: message of 5 bytes exceeds its bound of 4",
  ]);
  assertEquals(outcome(parser, hex("02 61616161616161 0a")), [
    "EMSGSIZE 0 typeByte: lines: length of a message is not known within 6 bytes",
  ]);
  assertEquals(outcome(parser, hex("03 ffffffffffffffff")), ["EMSGSIZE 0 typeByte: length field is beyond 2^53"]);
  const bounded = typeByte({ 1: lengthPrefix(1, { max: 4 }), 2: 9 });
  assertEquals([bounded.maxMessageLength, bounded.maxHeaderBytes], [10, undefined]);
  assertThrows(() => typeByte({}), RangeError, "types");
  assertThrows(() => typeByte({ 256: 1 }), RangeError, "byte");
  assertThrows(() => typeByte({ 1: -1 }), RangeError, "type 0x01");
  assertThrows(() => typeByte({ 1: 0 }, { includesType: true }), RangeError, "type 0x01");
  assertThrows(() => typeByte({ 1: {} as never }), TypeError, "type 0x01");
});
test("type byte: one parser for two types keeps its state across them", () => {
  const one = lines();
  assertEquals(outcome(() => typeByte({ 65: one, 66: one }), ascii("Aabc\nBd\n")), [5, 3]);
});

test("view: state, bounds, failures", () => {
  const parser = parserFromView<{ n: number }>((bytes, state) => {
    assertEquals(bytes[0], 7);
    return ++state.n > 2 ? { code: "EPROTO", reason: "enough" } : 2;
  }, { name: "seven", start: () => ({ n: 0 }), maxMessageLength: 9, maxHeaderBytes: 3 });
  assertEquals([parser.name, parser.maxMessageLength, parser.maxHeaderBytes], ["seven", 9, 3]);
  const run = record(parser).push(Uint8Array.of(7, 1, 7, 1, 7, 1));
  assertEquals(run.lengths(), [2, 2]);
  assertEquals(run.errors[0]?.message, "seven: enough");
  assertThrows(() => parserFromView(1 as never), TypeError);
  assert(!("start" in parserFromView(() => 1)));
});

test("length field: a unit of more than a byte", () => {
  const words = lengthField({ size: 2, unit: 4, includesHeader: true });
  assertEquals(words.parse(Uint8Array.of(0, 3), 0, 2, undefined), 12);
  assertEquals(lengthField({ size: 1, offset: 1, unit: 2 }).parse(Uint8Array.of(9, 3), 0, 2, undefined), 8);
  assertThrows(() => lengthField({ size: 2, unit: 0 }), RangeError, "unit");
  assertThrows(() => lengthField({ size: 2, unit: Infinity }), RangeError, "unit");
});
