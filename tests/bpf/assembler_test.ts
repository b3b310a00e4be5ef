import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { assemble } from "../../src/bpf/assembler.ts";
import { disassemble, disassembleLines } from "../../src/bpf/disassembler.ts";
import { type Encoding, ENCODINGS } from "../../src/bpf/encoding_table.ts";
import { encodingProblem } from "../../src/bpf/encoding.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { BPF_LDDW, decodeInstructions, encodeInstructions, type Instruction } from "../../src/bpf/isa.ts";
import { toHex } from "../../src/bytes/hex.ts";

const hex = (text: string) => toHex(assemble(text).code);
const dialects = ["llvm", "conformance"] as const;

/** Instructions of an encoding, at the edges of each field that is free. */
function* instructionsOf(encoding: Encoding): Generator<Instruction[]> {
  const free = (use: string | number, edges: readonly number[]) =>
    typeof use === "number" ? [use] : use === "none" ? [0] : edges;
  const imms = [0, 1, -1, 0x7fffffff, -0x80000000, 1234567];
  for (const dst of free(encoding.dst, [0, 3, 9, 10])) {
    for (const src of free(encoding.src, [0, 7, 10])) {
      for (const offset of free(encoding.offset, [0, 1, -1, 0x7fff, -0x8000])) {
        for (const imm of free(encoding.imm, imms)) {
          const first = { opcode: encoding.opcode, dst, src, offset, imm };
          if (encoding.opcode !== BPF_LDDW) yield [first];
          else for (const high of imms) yield [first, { opcode: 0, dst: 0, src: 0, offset: 0, imm: high }];
        }
      }
    }
  }
}

for (const dialect of dialects) {
  for (const radix of [10, 16] as const) {
    test(`case 57: every legal encoding survives the ${dialect} dialect in radix ${radix}`, () => {
      let count = 0;
      for (const encoding of ENCODINGS) {
        for (const slots of instructionsOf(encoding)) {
          if (encodingProblem(slots, 0) !== undefined) continue;
          const code = encodeInstructions(slots);
          const text = disassemble(code, { dialect, radix });
          assert(!text.includes(".8byte"), text);
          assertEquals(toHex(assemble(text).code), toHex(code), text);
          count++;
        }
      }
      assert(count > 7800, `${count}`);
    });
  }

  test(`any code at all survives the ${dialect} dialect, legal or not`, () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 128 }), (bytes) => {
      const code = bytes.slice(0, bytes.length & ~7);
      assertEquals(assemble(disassemble(code, { dialect })).code, code);
    }));
  });
}

const LLVM_LINES: readonly (readonly [text: string, code: string])[] = [
  ["r0 = r1", "bf10000000000000"],
  ["w3 = w4", "bc43000000000000"],
  ["r1 = (s8)r2", "bf21080000000000"],
  ["w1 = (s16)w2", "bc21100000000000"],
  ["r1 = (s32)r2", "bf21200000000000"],
  ["r1 s/= r2", "3f21010000000000"],
  ["w1 s%= 5", "9401010005000000"],
  ["r1 = bswap16 r1", "d701000010000000"],
  ["r1 = be16 r1", "dc01000010000000"],
  ["r1 = -r1", "8701000000000000"],
  ["w2 s>>= 3", "c402000003000000"],
  ["gotol +5", "0600000005000000"],
  ["goto -1", "0500ffff00000000"],
  ["if w1 s>= 5 goto +1", "7601010005000000"],
  ["r0 = *(u8 *)skb[r7]", "5070000000000000"],
  ["r0 = *(u16 *)skb[12]", "280000000c000000"],
  ["r1 = *(s8 *)(r2 - 8)", "9121f8ff00000000"],
  ["*(u32 *)(r1 + 4) = 5", "6201040005000000"],
  ["lock *(u64 *)(r1 + 4) += r2", "db21040000000000"],
  ["r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)", "db21000001000000"],
  ["w0 = cmpxchg32_32(r10 - 4, w0, w1)", "c31afcfff1000000"],
  ["r2 = xchg_64(r10 - 8, r2)", "db2af8ffe1000000"],
  ["r1 = 1234605616436508552 ll", "18010000887766550000000044332211"],
  ["w2 = load_acquire((u8 *)(r1 + 0))", "d312000000010000"],
  ["store_release((u64 *)(r1 + 8), r2)", "db21080010010000"],
  ["may_goto +3", "e500030000000000"],
  ["gotox r1", "0d01000000000000"],
];

test("case 57: lines of LLVM are read and printed", () => {
  for (const [text, code] of LLVM_LINES) {
    assertEquals(hex(text), code, text);
    assertEquals(disassemble(assemble(text).code), `${text}\n`);
  }
});

const CONFORMANCE_LINES: readonly (readonly [text: string, code: string])[] = [
  ["mov32 %r0, -1", "b4000000ffffffff"],
  ["add %r1, %r2", "0f21000000000000"],
  ["movsx832 %r0, %r1", "bc10080000000000"],
  ["movsx3264 %r0, %r1", "bf10200000000000"],
  ["smod32 %r1, 5", "9401010005000000"],
  ["le64 %r3", "d403000040000000"],
  ["bswap16 %r1", "d701000010000000"],
  ["jsle32 %r1, %r2, +3", "de21030000000000"],
  ["ja32 +1", "0600000001000000"],
  ["ldxb %r0, [%r1+2]", "7110020000000000"],
  ["ldxsw %r0, [%r1-4]", "8110fcff00000000"],
  ["stdw [%r10-8], 7", "7a0af8ff07000000"],
  ["stxh [%r1], %r2", "6b21000000000000"],
  ["lock add [%r10-8], %r1", "db1af8ff00000000"],
  ["lock fetch xor32 [%r10-8], %r1", "c31af8ffa1000000"],
  ["lock cmpxchg [%r10-8], %r1", "db1af8fff1000000"],
  ["call helper 7", "8500000007000000"],
  ["call local +1", "8510000001000000"],
  ["call runtime 7", "8520000007000000"],
  ["call helper %r3", "8d03000000000000"],
  ["lddw %r1, 0x1122334455667788", "18010000887766550000000044332211"],
];

test("lines of bpf_conformance are read and printed", () => {
  for (const [text, code] of CONFORMANCE_LINES) {
    assertEquals(hex(text), code, text);
    assertEquals(disassemble(assemble(text).code, { dialect: "conformance" }), `${text}\n`);
  }
});

test("forms that are read but not printed", () => {
  assertEquals(hex("swap32 %r1"), "d701000020000000");
  assertEquals(hex("mov %r1 0xffffffff"), "b7010000ffffffff"); // no comma, unsigned in hexadecimal
  assertEquals(hex("stb [%r1+0xffff], 1"), "7201ffff01000000");
  assertEquals(hex("mov %r15, 0"), hex(".8byte 0x0fb7")); // registers that there are not assemble, for tests
  assertEquals(hex("w1 = *(u8 *)(r2 + 0)"), hex("r1 = *(u8 *)(r2 + 0)"));
  assertEquals(hex("*(u32 *)(r2 + 0) = w1"), hex("*(u32 *)(r2 + 0) = r1"));
  assertEquals(hex("r1=5;comment"), hex("r1 = 5 // comment"));
  assertEquals(hex("  exit   # comment\r\n\n"), "9500000000000000");
});

test("labels go both ways, and two dialects may meet in one text", () => {
  const text = `
    jeq %r1, 0, done
    again: r1 -= 1
    if r1 != 0 goto again
    lddw %r0, 5
    done: exit`;
  const jump = decodeInstructions(assemble(text).code);
  assertEquals(jump.map(({ offset }) => offset), [4, 0, -2, 0, 0, 0]);
});

test("without a label of that name, exit is the first exit", () => {
  assertEquals(hex("ja exit\nmov %r0, 1\nexit\nexit"), hex("ja +1\nmov %r0, 1\nexit\nexit"));
  assertEquals(hex("ja exit\nexit\nexit: exit"), hex("ja +1\nexit\nexit"));
});

test("functions are what calls go to; maps are named; all of it survives", () => {
  const text = `.program framing
.license "GPL; and more"
.map cfg array 4 16 1
.init cfg 000102030405060708090a0b0c0d0e0f
.frozen cfg
.map seen hash 2 8 100 1
framing:
  r1 = map[cfg] ll
  r2 = map[cfg]+4 ll
  r3 = map[seen] ll
  call double
  exit
double:
  r0 = r1
  r0 += r1
  exit
`;
  const program = assemble(text);
  assertEquals(program.functions, [{ name: "framing", slot: 0, slots: 8 }, { name: "double", slot: 8, slots: 3 }]);
  assertEquals(program.maps.map(({ name, flags }) => [name, flags]), [["cfg", 0], ["seen", 1]]);
  assertEquals(disassemble(program), text);
  for (const dialect of dialects) assertEquals(assemble(disassemble(program, { dialect, radix: 16 })), program);
});

test("names that cannot be written are replaced", () => {
  const map = { name: "a b", type: 77, keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 };
  const program = { name: "?", code: assemble("r1 = map[0] ll\nexit").code, maps: [map, map], license: 'a"b' };
  const text = disassemble(program);
  assertEquals(text.split("\n").slice(0, 4), [
    ".program program_0",
    '.license "a b"',
    ".map map_0 77 4 4 1",
    ".map map_1 77 4 4 1",
  ]);
  assertEquals(assemble(text).code, program.code);
});

test("a listing of llvm-objdump is read back", () => {
  const listing = `
0000000000000000 <read>:
       0:\tr3 = r10
       1:\tif r3 != 0x1 goto +0x1 <read+0x18>
       2:\tr0 = 0x0 ll

0000000000000020 <LBB0_2>:
       4:\texit
`;
  assertEquals(hex(listing), hex("r3 = r10\nif r3 != 1 goto +1\nr0 = 0 ll\nexit"));
  assertThrows(() => assemble("  3:\texit"), BpfError, "line 1, column 3: the line says slot 3, but this is slot 0");
});

const WRONG: readonly (readonly [text: string, line: number, column: number, what: RegExp])[] = [
  ["a: exit\n  a: exit", 2, 3, /label "a" is defined twice/],
  ["exit\nja nowhere", 2, 4, /no label "nowhere"/],
  ["mov %r50, 0", 1, 5, /no register %r50/],
  ["mov %r0, 0x100000000", 1, 10, /immediate 4294967296 does not fit into 32 bits/],
  ["mov %r0, 4294967295", 1, 10, /does not fit/],
  ["mov %r0, 99999999999999999999999999", 1, 10, /longer than 64 bits/],
  ["ldxw %r0, [%r1+0x10000]", 1, 15, /offset 65536 does not fit into 16 bits/],
  ["lddw %r0", 1, 9, /expected a 64-bit constant, the line ends/],
  ["lock or [%r10-8]", 1, 17, /expected a register such as %r1, the line ends/],
  ["lock nand [%r10-8], %r1", 1, 6, /unknown atomic operation "nand"/],
  ["frob %r0", 1, 1, /unknown instruction "frob"/],
  ["exit exit", 1, 6, /expected the end of the line, found "exit"/],
  ["?", 1, 1, /expected an instruction, found "\?"/],
  ["r11 = 5", 1, 1, /no register r11/],
  ["r1 = w2", 1, 6, /same width/],
  ["w1 = 5 ll", 1, 1, /64-bit register/],
  ["r1 = be16 r2", 1, 11, /the register that is assigned/],
  ["w1 = (s32)w2", 1, 6, /no sign of 32 bits/],
  ["r1 = cmpxchg_64(r2 + 0, r1, r3)", 1, 1, /register 0/],
  ["r1 = *(u16 *)skb[0]", 1, 1, /assign register 0/],
  ["r0 = *(u64 *)skb[0]", 1, 17, /u8, u16 or u32/],
  ["*(s8 *)(r1 + 0) = r2", 1, 8, /only loads have a sign/],
  ["lock *(u16 *)(r1 + 0) += r2", 1, 6, /32 or 64 bits, not 16/],
  ["r1 ?= 5", 1, 4, /expected an assignment/],
  ["r1 = ", 1, 5, /expected a value, the line ends/],
  ["if r1 ~ 5 goto +1", 1, 7, /expected a compare/],
  ["r1 = map[cfg] ll", 1, 10, /no map "cfg"/],
  [".map a", 1, 7, /expected the type of a map/],
  [".map a wood 4 4 1", 1, 8, /unknown map type "wood": one of hash, array/],
  [".map a array 4 4 1\n.map a array 4 4 1", 2, 6, /two maps "a"/],
  [".map a array 4 4 1\n.init a 0011", 2, 9, /expected 4 bytes in hexadecimal, found 2/],
  [".frozen a", 1, 9, /no map "a" so far/],
  [".org 7", 1, 1, /unknown directive ".org"/],
];

test("case 58: what is wrong is told with line and column", () => {
  for (const [text, line, column, what] of WRONG) {
    const error = assertThrows(() => assemble(text), BpfError);
    assertMatch(error.message, what);
    assertEquals([error.code, error.line, error.column], ["EINVAL", line, column], error.message);
    assert(error.message.startsWith(`line ${line}, column ${column}: `));
  }
});

test("a label further away than 16 bits can say is told; gotol goes there", () => {
  const far = `${"exit\n".repeat(32768)}end: exit`;
  const error = assertThrows(() => assemble(`goto end\n${far}`), BpfError, "32768 slots away");
  assertEquals([error.line, error.column], [1, 6]);
  assertEquals(decodeInstructions(assemble(`gotol end\n${far}`).code)[0]!.imm, 32768);
});

test("maxTextLength, maxSlots and maxMaps are limits", () => {
  assertThrows(() => assemble("exit\n", { maxTextLength: 4 }), BpfError, "more than maxTextLength 4");
  assertThrows(() => assemble("exit\nlddw %r0, 1", { maxSlots: 2 }), BpfError, "more than maxSlots 2");
  assertThrows(() => assemble(".map a array 4 4 1", { maxMaps: 0 }), RangeError);
  assertThrows(() => assemble(".map a array 4 4 1\n.map b array 4 4 1", { maxMaps: 1 }), BpfError, "maxMaps 1");
});

test("any text is a program or a BpfError, in linear time", () => {
  const word = fc.constantFrom(
    "r1",
    "w2",
    "=",
    "+=",
    "*(u8 *)",
    "(",
    "skb",
    "[",
    "]",
    "goto",
    "+1",
    "lock",
    "%r1",
    "add",
    "0x",
    "-",
    "call",
    "exit",
    ".map",
    '"',
    ":",
    "map",
    "ll",
    ",",
    "<a>:",
    "\n",
    "12:",
  );
  fc.assert(fc.property(fc.array(word, { maxLength: 30 }), (words) => {
    try {
      assemble(words.join(" "));
    } catch (error) {
      assert(error instanceof BpfError, String(error));
    }
  }));
  assertThrows(() => assemble("a".repeat(1 << 20)), BpfError);
  assertThrows(() => assemble("ja x\n".repeat(1 << 17)), BpfError);
  assertEquals(assemble("ja exit\n".repeat(30_000) + "exit").code.length, 30_001 * 8);
});

test("lines have the slots of their instructions", () => {
  const lines = disassembleLines(assemble("r1 = 5 ll\nexit").code);
  assertEquals(lines, [{ slot: 0, slots: 2, text: "r1 = 5 ll" }, { slot: 2, slots: 1, text: "exit" }]);
});
