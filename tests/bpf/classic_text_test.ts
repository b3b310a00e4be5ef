import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import type { ClassicInstruction } from "../../src/bpf/classic/classic.ts";
import { ancillaryAt, CLASSIC_OPERATIONS } from "../../src/bpf/classic/codes_table.ts";
import { formatClassic, parseClassic } from "../../src/bpf/classic/text.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { randomClassic } from "./support/recordings.ts";
import { processorMs } from "./support/processor_time.ts";

const of = (...program: [code: number, jt: number, jf: number, k: number][]): ClassicInstruction[] =>
  program.map(([code, jt, jf, k]) => ({ code, jt, jf, k }));

const LONG_IP = of(
  [0x28, 0, 0, 0xc],
  [0x15, 0, 3, 0x800],
  [0x80, 0, 0, 0],
  [0x25, 0, 1, 0x3c],
  [0x6, 0, 0, 0x40000],
  [0x6, 0, 0, 0],
);

// as tcpdump 4.99.3 prints `ip and len > 60`
const LISTINGS = {
  d: `(000) ldh      [12]
(001) jeq      #0x800           jt 2\tjf 5
(002) ld       #pktlen
(003) jgt      #0x3c            jt 4\tjf 5
(004) ret      #262144
(005) ret      #0
`,
  dd: `{ 0x28, 0, 0, 0x0000000c },
{ 0x15, 0, 3, 0x00000800 },
{ 0x80, 0, 0, 0x00000000 },
{ 0x25, 0, 1, 0x0000003c },
{ 0x6, 0, 0, 0x00040000 },
{ 0x6, 0, 0, 0x00000000 },
`,
  ddd: `6
40 0 0 12
21 0 3 2048
128 0 0 0
37 0 1 60
6 0 0 262144
6 0 0 0
`,
} as const;

for (const form of ["d", "dd", "ddd"] as const) {
  test(`case 59: what tcpdump -${form} prints is read, and printed the same`, () => {
    assertEquals(parseClassic(LISTINGS[form]), LONG_IP);
    assertEquals(formatClassic(LONG_IP, form), LISTINGS[form]);
  });
}

test("case 59: more that tcpdump prints", () => {
  const listing = `(000) ldxb     4*([14]&0xf)
(001) ldh      [x + 16]
(002) ldb      [type]
(003) and      #0xf
(004) mod      #3
(005) neg      
(006) jset     #0x2             jt 7\tjf 8
(007) ret      #-1
(008) ret      
`;
  const program = parseClassic(listing);
  assertEquals(program.map(({ code }) => code), [0xb1, 0x48, 0x30, 0x54, 0x94, 0x84, 0x45, 0x06, 0x16]);
  assertEquals([program[2]!.k, program[7]!.k], [0xfffff004, 0xffffffff]);
  assertEquals(formatClassic(program, "d"), listing);
});

test("commas stand for line ends, as iptables and tc take programs", () => {
  assertEquals(parseClassic("2,40 0 0 12,22 0 0 0\n"), of([40, 0, 0, 12], [22, 0, 0, 0]));
});

test("assembly of bpf_asm", () => {
  const program = parseClassic(`
    ; the length of what is long enough
          ldh [12]
          jne #0x800, drop
          ldb [23] /* the protocol,
                      of IP */
          jneq #6, drop
          ld len
          jlt #60, drop
          jle x, drop, keep
    keep: ret #-1
    drop: ret #0
  `);
  const expected = of(
    [0x28, 0, 0, 12],
    [0x15, 0, 6, 0x800],
    [0x30, 0, 0, 23],
    [0x15, 0, 4, 6],
    [0x80, 0, 0, 0],
    [0x35, 0, 2, 60],
    [0x2d, 0, 1, 0],
    [0x06, 0, 0, 0xffffffff],
    [0x06, 0, 0, 0],
  );
  assertEquals(program, expected);
  const forms =
    "ld #len\nldx len\nldi 5\nldxi #5\nld M[3]\nldx 4*([14]&0xf)\nldb [%x]\nld [x - 1]\nld proto\nldh #vlan_pr\nadd %x\nret %a";
  assertEquals(
    parseClassic(forms).map(({ code, k }) => [code, k]),
    [
      [0x80, 0],
      [0x81, 0],
      [0, 5],
      [1, 5],
      [0x60, 3],
      [0xb1, 14],
      [0x50, 0],
      [0x40, 0xffffffff],
      [0x20, 0xfffff000],
      [0x28, 0xfffff030],
      [0x0c, 0],
      [0x16, 0],
    ],
  );
});

test("case 57: every classic instruction survives all forms", () => {
  const ends = of([6, 0, 0, 0], [6, 0, 0, 0], [6, 0, 0, 0]);
  for (const { code, kind } of CLASSIC_OPERATIONS.values()) {
    for (const k of [0, 1, 15, 0x7fffffff, 0x80000000, 0xfffff000, 0xfffff03c, 0xffffffff]) {
      const jumps = kind.startsWith("branch");
      const usesK = !["arithmetic-x", "branch-x", "negate", "length", "return-a", "transfer"].includes(kind);
      const used = kind === "jump" ? Math.min(k, 2) : usesK ? k : 0;
      const program = [...of([code, jumps ? 1 : 0, jumps ? 2 : 0, used]), ...ends];
      for (const form of ["d", "dd", "ddd", "asm"] as const) {
        assertEquals(parseClassic(formatClassic(program, form)), program, `${form} ${code} ${used}`);
      }
    }
  }
});

test("recorded random programs survive all forms", () => {
  for (const { code } of randomClassic()) {
    const program = [...of(...code), ...of([0x16, 0, 0, 0])];
    for (const form of ["d", "dd", "ddd", "asm"] as const) {
      assertEquals(parseClassic(formatClassic(program, form)), program);
    }
  }
});

test("codes that there are not are printed and read as raw", () => {
  const program = of([0x0e, 1, 2, 3], [0x16, 0, 0, 0]);
  for (const form of ["d", "dd", "ddd", "asm"] as const) {
    assertEquals(parseClassic(formatClassic(program, form)), program);
  }
});

const WRONG: readonly (readonly [text: string, line: number, column: number, what: RegExp])[] = [
  ["{ 0x28, 0, 0, 12 },\nfoo", 2, 1, /expected \{ code/],
  ["{ 0x28, 0, 256, 12 },", 1, 12, /jf 256 is no number up to 255/],
  ["{ 0x28, 0, 0, 0x100000000 }", 1, 15, /k 0x100000000 is no number up to/],
  ["3\n40 0 0 0\n22 0 0 0", 1, 1, /the count is 3, but there are 2 instructions/],
  ["1\n40 0 0", 2, 1, /expected code, jt, jf and k/],
  ["(001) ldh [0]", 1, 1, /says instruction 1, but this is instruction 0/],
  ["ldh [0]\nfrob #1", 2, 1, /unknown instruction "frob"/],
  ["ld", 1, 3, /expected an operand, the line ends/],
  ["ldh [y]", 1, 6, /nothing is known as "y"/],
  ["ldh [12", 1, 8, /expected "\]"/],
  ["ldxh #4", 1, 6, /no ldxh/],
  ["ldx 4*([14]&0xe)", 1, 13, /expected 0xf/],
  ["jeq #1, there\nret a", 1, 9, /no label "there"/],
  ["here: jeq #1, here\nret a", 1, 15, /lies behind/],
  ["a: ret a\na: ret a", 2, 1, /defined twice/],
  ["jeq #1", 1, 7, /expected ","/],
  ["jfoo #1, a", 1, 1, /unknown instruction "jfoo"/],
  ["add", 1, 4, /expected a number/],
  ["ret x", 1, 5, /expected a number/],
  ["ld #0x100000000", 1, 5, /does not fit into 32 bits/],
  ["ret a b", 1, 7, /expected the end of the line/],
];

test("case 58: what is wrong in a classic program is told with line and column", () => {
  for (const [text, line, column, what] of WRONG) {
    const error = assertThrows(() => parseClassic(text), BpfError);
    assertMatch(error.message, what);
    assertEquals([error.line, error.column], [line, column], `${text}: ${error.message}`);
  }
});

test("a compare does not reach further than 255", () => {
  const text = (count: number) => `jeq #1, far\n${"ret a\n".repeat(count)}far: ret a`;
  assertEquals(parseClassic(text(255))[0]!.jt, 255);
  assertThrows(() => parseClassic(text(256)), BpfError, "256 instructions away, more than 255");
});

test("4096 instructions and 1 MiB of text are the limits", () => {
  assertEquals(parseClassic("ret a\n".repeat(4096)).length, 4096);
  assertThrows(() => parseClassic("ret a\n".repeat(4097)), BpfError, "more than 4096");
  assertThrows(() => parseClassic(" ".repeat((1 << 20) + 1)), BpfError, "1048577 characters");
});

test("any text is a program or a BpfError", () => {
  const word = fc.constantFrom(
    "ld",
    "ldh",
    "ldx",
    "[",
    "]",
    "x",
    "#",
    "0x1",
    "5",
    "-",
    "M[",
    "4*(",
    "jeq",
    ",",
    "a:",
    "a",
    "\n",
    "(000)",
    "{",
    "}",
    "/*",
    "*/",
    "ret",
    "jt",
    "jf",
    "add",
    ".raw",
  );
  fc.assert(fc.property(fc.array(word, { maxLength: 30 }), (words) => {
    try {
      parseClassic(words.join(" "));
    } catch (error) {
      assert(error instanceof BpfError, String(error));
    }
  }));
  assertThrows(() => parseClassic("ld /*".repeat(200_000)), BpfError);
});

test("ancillary offsets are 4 apart", () => {
  assertEquals(ancillaryAt(0xfffff000), "proto");
  assertEquals(ancillaryAt(0xfffff03c), "vlan_tpid");
  assertEquals([ancillaryAt(0xfffff040), ancillaryAt(0xfffff001), ancillaryAt(12)], [undefined, undefined, undefined]);
});

test("lines of one character over and over take no longer than others", () => {
  const count = 500_000;
  const before = processorMs();
  for (const line of ["{ 1, 2, 3, 4 }" + " ".repeat(count) + "x", "ret #0 " + ";".repeat(count) + "\r"]) {
    for (const text of [line, `${line}\n`]) {
      try {
        parseClassic(text);
      } catch (error) {
        assert(error instanceof BpfError, String(error));
      }
    }
  }
  assert(processorMs() - before < 1000);
});
