import { test } from "node:test";
import { assert, assertEquals, assertNotMatch } from "@std/assert";
import fc from "fast-check";
import {
  elapsedMs,
  formatBytes,
  formatCount,
  formatDate,
  formatDuration,
  formatOffset,
  formatTimestamp,
  plural,
} from "../../src/cli/format/bytes.ts";
import { colored, paintFor, plain } from "../../src/cli/format/color.ts";
import { dumpLines, hexLine, previewLine, textLine } from "../../src/cli/format/preview.ts";
import { Table, tableLines } from "../../src/cli/format/table.ts";
import { clip, codePointWidth, pad, textWidth } from "../../src/cli/format/width.ts";
import { formatRanges } from "../../src/cli/text_flows.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const ESC = "\x1b";

test("counts have their digits in groups", () => {
  assertEquals([0, 999, 1000, 1234567].map(formatCount), ["0", "999", "1,000", "1,234,567"]);
  assertEquals([plural(0, "flow"), plural(1, "flow"), plural(2000, "flow")], ["0 flows", "1 flow", "2,000 flows"]);
});

test("sizes have three digits and a unit", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 kB"],
    [9994, "9.99 kB"],
    [9996, "10.0 kB"],
    [99_940, "99.9 kB"],
    [99_960, "100 kB"],
    [999_499, "999 kB"],
    [999_500, "1.00 MB"],
    [1.5e9, "1.50 GB"],
    [2e18, "2000 PB"],
  ];
  for (const [bytes, text] of cases) assertEquals(formatBytes(bytes), text);
});

test("durations have a unit that fits", () => {
  const cases: [number, string][] = [
    [0, "0.00 ms"],
    [9.99, "9.99 ms"],
    [12.34, "12.3 ms"],
    [450, "450 ms"],
    [1200, "1.20 s"],
    [59_900, "59.9 s"],
    [60_000, "1 min 0 s"],
    [3_599_400, "59 min 59 s"],
    [7_500_000, "2 h 5 min"],
  ];
  for (const [ms, text] of cases) assertEquals(formatDuration(ms), text);
});

test("times are exact, in either direction", () => {
  const at = (seconds: number, nanoseconds: number) => ({ seconds, nanoseconds });
  assertEquals(formatTimestamp(at(1_700_000_000, 5)), "1700000000.000000005");
  assertEquals(formatOffset(at(1, 999_999_000), at(2, 1000)), "0.000002");
  assertEquals(formatOffset(at(2, 1000), at(1, 999_999_000)), "-0.000002");
  assertEquals(formatOffset(at(10, 0), at(8, 500_000_000)), "-1.500000");
  assertEquals(formatOffset(at(0, 0), at(12, 999_999_999)), "12.999999");
  assertEquals(elapsedMs(at(1, 500_000_000), at(3, 0)), 1500);
  assertEquals(formatDate(at(1_700_000_000, 123_456_789)), "2023-11-14 22:13:20 UTC");
  assertEquals(formatDate(at(2 ** 52, 0)), `${2 ** 52}.000000000 s`);
});

test("numbers in a row are shortened", () => {
  assertEquals(formatRanges([1]), "1");
  assertEquals(formatRanges([3, 1, 2, 7, 9, 10]), "1-3, 7, 9-10");
});

test("widths: wide, combining, emoji, colours", () => {
  assertEquals(["abc", "漢字", "e\u0301", "🙂", `${ESC}[31mred${ESC}[39m`, "…"].map(textWidth), [3, 4, 1, 2, 3, 1]);
  assertEquals([0x41, 0x301, 0x4e00, 0x200d].map(codePointWidth), [1, 0, 2, 0]);
  assertEquals([pad("漢", 4), pad("漢", 4, "right"), pad("long", 2)], ["漢  ", "  漢", "long"]);
  assertEquals([clip("abcdef", 4), clip("abcd", 4), clip("漢字漢", 4), clip("ab", 0)], ["abc…", "abcd", "漢…", ""]);
});

test("a clipped text is never wider than asked for", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.nat(20), (text, width) => textWidth(clip(text, width)) <= width),
  );
});

const COLUMNS = [{ title: "id", align: "right" }, { title: "name" }, { title: "bytes", align: "right" }] as const;

test("a table lines up, heads included", () => {
  const rows = [["1", "a", "5"], ["200", "漢字 name", "12,345"]];
  assertEquals(tableLines(COLUMNS, rows, { indent: " " }), [
    "  id  name        bytes",
    "   1  a               5",
    " 200  漢字 name  12,345",
  ]);
});

test("a table cuts its last cell to the width, and no line ends in spaces", () => {
  const table = new Table([{ title: "n" }, { title: "text" }], { width: 12 });
  assertEquals(table.room, 9);
  assertEquals(table.row(["1", "abcdefghijk"]), "1  abcdefgh…");
  assertEquals(table.row(["1", ""]), "1");
});

test("rows that come one by one widen the columns from there on", () => {
  const table = new Table([{ title: "n" }, { title: "text" }]);
  const lines = [table.row(["1", "a"]), table.row(["1000", "b"]), table.row(["2", "c"])];
  assertEquals(lines, ["1  a", "1000  b", "2     c"]);
});

test("colours change no alignment", () => {
  const columns = [{ title: "id", paint: (text: string) => colored("good", text) }, { title: "x" }];
  const lines = tableLines(columns, [["1", "a"], ["22", "b"]], { paint: colored });
  // deno-lint-ignore no-control-regex -- colours are control sequences
  const bare = lines.map((line) => line.replace(/\x1b\[\d+m/g, ""));
  assertEquals(bare, ["id  x", "1   a", "22  b"]);
  assert(lines.every((line) => line.includes(ESC)));
});

test("hex has two digits a byte", () => {
  assertEquals(hexLine(Uint8Array.of(0, 10, 255, 1), 3), "00 0a ff");
  assertEquals(hexLine(new Uint8Array(0), 3), "");
});

test("a text line shows text, names line ends, and has dots for the rest", () => {
  const cases: [Uint8Array, string][] = [
    [utf8("GET key\r\n\tx"), "GET key\\r\\n\\tx"],
    [Uint8Array.of(0, 27, 127, 65), "···A"],
    [utf8("naïve 漢字 🙂"), "naïve 漢字 🙂"],
    [Uint8Array.of(0xe6, 0xbc, 65), "··A"],
    [Uint8Array.of(0xc0, 0x80, 0xed, 0xa0, 0x80, 0xf5, 0x80), "·······"],
    [Uint8Array.of(0xf4, 0x90, 0x80, 0x80), "····"],
    [utf8("a\u202eb\u200bc\u0301"), "a·b·c·"],
    [utf8("\u0085\u009b"), "··"],
    [new Uint8Array(0), ""],
  ];
  for (const [bytes, text] of cases) assertEquals(textLine(bytes, 80), text);
});

test("a text line is cut with one column for the mark, and not cut where all fits", () => {
  assertEquals(textLine(utf8("abcdef"), 6), "abcdef");
  assertEquals(textLine(utf8("abcdefg"), 6), "abcde…");
  assertEquals(textLine(utf8("abcd漢"), 6), "abcd漢");
  assertEquals(textLine(utf8("abcde漢"), 6), "abcde…");
  assertEquals(textLine(utf8("abcd漢x"), 6), "abcd…");
  assertEquals(textLine(utf8("abcd\r\n"), 6), "abcd…");
  assertEquals([textLine(utf8("ab"), 1), textLine(utf8("a"), 1), textLine(utf8("a"), 0)], ["…", "a", ""]);
});

test("whatever the bytes, a preview fits its width and holds nothing that a terminal obeys", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 120 }), (bytes, width) => {
    const line = previewLine(bytes, width);
    assert(textWidth(line) <= width);
    assertNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  }));
});

test("a preview has hex in front where there is room, aligned whatever the length", () => {
  assertEquals(previewLine(utf8("+OK\r\n"), 20), "+OK\\r\\n");
  assertEquals(previewLine(utf8("+OK\r\n"), 40), "2b 4f 4b 0d  +OK\\r\\n");
  assertEquals(previewLine(utf8("+O"), 40), "2b 4f        +O");
  assertEquals(previewLine(utf8("+OK\r\n"), 64), "2b 4f 4b 0d 0a           +OK\\r\\n");
});

test("colours surround what is no text, once for each run", () => {
  assertEquals(textLine(utf8("a\r\nb"), 10, colored), `a${ESC}[2m\\r\\n${ESC}[22mb`);
});

test("a dump has offset, hex in two halves, and ASCII; what is cut off is counted", () => {
  const bytes = Uint8Array.from({ length: 20 }, (_, i) => 60 + i);
  assertEquals([...dumpLines(bytes)], [
    "000000  3c 3d 3e 3f 40 41 42 43  44 45 46 47 48 49 4a 4b  <=>?@ABCDEFGHIJK",
    "000010  4c 4d 4e 4f                                       LMNO",
  ]);
  assertEquals([...dumpLines(bytes, 16)].at(-1), "4 more bytes");
  assertEquals([...dumpLines(new Uint8Array(0))], []);
});

test("colours: the option wins, then NO_COLOR, then FORCE_COLOR, then the terminal", () => {
  const cases: [Parameters<typeof paintFor>, boolean][] = [
    [["always", false, { NO_COLOR: "1" }], true],
    [["never", true, { FORCE_COLOR: "1" }], false],
    [["auto", true, {}], true],
    [["auto", false, {}], false],
    [["auto", true, { NO_COLOR: "1" }], false],
    [["auto", true, { NO_COLOR: "" }], true],
    [["auto", true, { NO_COLOR: "1", FORCE_COLOR: "1" }], false],
    [["auto", false, { FORCE_COLOR: "1" }], true],
    [["auto", true, { FORCE_COLOR: "0" }], false],
    [["auto", true, { TERM: "dumb" }], false],
  ];
  for (const [args, isColored] of cases) assertEquals(paintFor(...args) === colored, isColored, JSON.stringify(args));
  assertEquals([plain("bad", "x"), colored("bad", "x"), colored("bad", "")], ["x", `${ESC}[31mx${ESC}[39m`, ""]);
});
