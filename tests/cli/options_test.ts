import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UsageError } from "../../src/cli/io.ts";
import { COMMON_OPTIONS, numberOption, type OptionSpec, parseOptions, suggest } from "../../src/cli/options.ts";
import { TRACE_OPTIONS, traceSettings } from "../../src/cli/trace_settings.ts";

const SPECS: readonly OptionSpec[] = [...TRACE_OPTIONS, ...COMMON_OPTIONS];

test("operands and options may be mixed, - is an operand, and -- ends the options", () => {
  const { operands, values } = parseOptions(["a.pcap", "--json", "-n", "5", "-", "--", "--stats", "-x"], SPECS);
  assertEquals(operands, ["a.pcap", "-", "--stats", "-x"]);
  assertEquals(values, { json: true, limit: "5" });
});

test("a value may be given with = or behind a space, short or long, and the last one counts", () => {
  for (const args of [["--limit", "7"], ["--limit=7"], ["-n", "7"], ["-n7"], ["--limit=3", "-n", "7"]]) {
    assertEquals(parseOptions(args, SPECS).values, { limit: "7" });
  }
});

test("short switches may be joined, with an option that takes a value as the last", () => {
  assertEquals(parseOptions(["-jxn4"], SPECS).values, { json: true, hex: true, limit: "4" });
});

test("a value may begin with a dash where it is -, a number or given with =", () => {
  assertEquals(parseOptions(["--write", "-"], SPECS).values, { write: "-" });
  assertEquals(parseOptions(["--limit", "-1"], SPECS).values, { limit: "-1" });
  assertEquals(parseOptions(["--write=--odd"], SPECS).values, { write: "--odd" });
});

const WRONG: readonly (readonly [args: string[], message: string])[] = [
  [["--nonsense"], "unknown option --nonsense"],
  [["--lmit", "3"], "unknown option --lmit; did you mean --limit?"],
  [["-Z"], "unknown option -Z"],
  [["--limit"], "--limit needs a value: --limit N"],
  [["--limit", "--json"], "--limit needs a value: --limit N"],
  [["-n", "-j"], "-n needs a value: -n N"],
  [["--json=yes"], "--json takes no value"],
  [["--color", "sometimes"], '--color knows auto, always, never; got "sometimes"'],
  [["--show", "flows,cows"], '--show knows packets, segments, messages, calls, flows, channels; got "cows"'],
  [["--show", ""], '--show knows packets, segments, messages, calls, flows, channels; got ""'],
  [["--show", "Flows"], '--show knows packets, segments, messages, calls, flows, channels; got "Flows"'],
];

for (const [args, message] of WRONG) {
  test(`${args.join(" ")} is a usage error that says what is wrong`, () => {
    const error = assertThrows(() => parseOptions(args, SPECS), UsageError);
    assertEquals(error.message, message);
  });
}

test("no command line makes the parser throw anything but a usage error", () => {
  const word = fc.oneof(
    fc.constantFrom("--", "-", "--json", "-n", "--limit=", "--__proto__", "--constructor=1", "--toString", "-jx"),
    fc.string({ maxLength: 8 }),
  );
  fc.assert(fc.property(fc.array(word, { maxLength: 6 }), (args) => {
    try {
      parseOptions(args, SPECS);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
    }
  }));
});

test("a number is whole, not too small and not too long", () => {
  assertEquals(numberOption({}, "limit", 1, 9), 9);
  assertEquals(numberOption({ limit: "12" }, "limit", 1, 9), 12);
  for (const text of ["0", "-1", "1.5", "1e3", "", " 1", "0x10", "99999999999999999999", "many"]) {
    assertThrows(() => numberOption({ limit: text }, "limit", 1, 9), UsageError, "whole number of at least 1");
  }
});

test("suggestions are near or not made", () => {
  assertEquals(suggest("shw", ["show", "stats"]), "; did you mean show?");
  assertEquals(suggest("satts", ["show", "stats"], "--"), "; did you mean --stats?");
  assertEquals(suggest("frobnicate", ["show", "stats"]), "");
  assertEquals(suggest("x".repeat(100_000), ["show"]), "");
});

test("settings have the defaults that the help names", () => {
  const settings = traceSettings({});
  assertEquals([...settings.show], ["flows", "messages", "calls"]);
  assertEquals(settings.channels, 1);
  assertEquals(settings.limit, Infinity);
  assertEquals(settings.maxMessageLength, 16_777_216);
  assertEquals(settings.color, "auto");
  assertEquals([settings.isJson, settings.showsStats, settings.isQuiet, settings.showsDump], [
    false,
    false,
    false,
    false,
  ]);
});

test("settings refuse what cannot be meant", () => {
  assertThrows(() => traceSettings({ channels: "1025" }), UsageError, "at most 1024");
  assertThrows(() => traceSettings({ channels: "0" }), UsageError, "at least 1");
  assertThrows(() => traceSettings({ hex: true, json: true }), UsageError, "--hex is for people");
  assertThrows(() => traceSettings({ show: "channels", limit: "1" }), UsageError, "none of them is shown");
  assertThrows(() => traceSettings({ data: true }), UsageError, "--data needs --json");
  assertThrows(() => traceSettings({ parser: "gopher" }), UsageError, 'no parser is named "gopher"');
  assertThrows(() => traceSettings({ flow: "port" }), UsageError, "--flow");
});
