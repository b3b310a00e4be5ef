import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { test } from "node:test";
import { encodingOf, encodingProblem } from "../../src/bpf/encoding.ts";
import { ENCODINGS, encodingsOf } from "../../src/bpf/encoding_table.ts";
import { decodeInstruction, decodeInstructions, encodeInstructions, type Instruction } from "../../src/bpf/isa.ts";

const zero: Instruction = { opcode: 0, dst: 0, src: 0, offset: 0, imm: 0 };

test("the fields of a slot are little-endian and signed", () => {
  const code = Uint8Array.of(0xb7, 0xa3, 0xfe, 0xff, 0x78, 0x56, 0x34, 0x92);
  const instruction = { opcode: 0xb7, dst: 3, src: 10, offset: -2, imm: 0x92345678 | 0 };
  assertEquals(decodeInstruction(code, 0), instruction);
  assertEquals(encodeInstructions([instruction]), code);
});

test("code that is no whole number of slots is a RangeError", () => {
  assertThrows(() => decodeInstructions(new Uint8Array(12)), RangeError);
  assertThrows(() => decodeInstruction(new Uint8Array(8), 1), RangeError);
  assertThrows(() => decodeInstruction(new Uint8Array(8), -1), RangeError);
  assertThrows(() => decodeInstruction(new Uint8Array(16), 0.5), RangeError);
});

test("no instruction has two encodings", () => {
  const keys = ENCODINGS.map(({ opcode, src, offset, imm }) => {
    const exact = (value: string | number) => typeof value === "number" ? value : "";
    return [opcode, exact(src), exact(offset), exact(imm)].join("/");
  });
  assertEquals(new Set(keys).size, keys.length);
});

test("the table has every opcode of RFC 9669 and Linux 6.18, and no other", () => {
  const opcodes = [...new Set(ENCODINGS.map(({ opcode }) => opcode))];
  const arithmetic = 2 * (12 * 2 + 1) + 3; // neg and the three byte orders are lone
  const jumps = 2 * 11 * 2 + 2 + 1 + 2 + 2; // ja, gotol; exit; call, callx; may_goto, gotox
  const memory = 4 * 3 + 3 + 4 + 6 + 1; // plain, sign-extending, atomic, packet, lddw
  assertEquals(opcodes.length, arithmetic + jumps + memory);
  assertEquals(encodingsOf(0xff), []);
  assertEquals(encodingsOf(256), []);
});

test("every unused field must be zero", () => {
  for (const encoding of ENCODINGS) {
    const number = (value: string | number) => typeof value === "number" ? value : 0;
    const { opcode } = encoding;
    const legal: Instruction = {
      opcode,
      dst: 0,
      src: number(encoding.src),
      offset: number(encoding.offset),
      imm: number(encoding.imm),
    };
    assertEquals(encodingOf(legal), encoding);
    assertEquals(encodingProblem([legal, zero], 0), undefined);
    if (encoding.dst === "none") assert(encodingProblem([{ ...legal, dst: 1 }, zero], 0), `dst of ${opcode}`);
    if (encoding.src === "none") assert(encodingProblem([{ ...legal, src: 7 }, zero], 0), `src of ${opcode}`);
    if (encoding.offset !== "any") assert(encodingProblem([{ ...legal, offset: 99 }, zero], 0), `offset of ${opcode}`);
    if (encoding.imm !== "any") assert(encodingProblem([{ ...legal, imm: 99 }, zero], 0), `imm of ${opcode}`);
  }
});

test("registers end at r10, which is not written", () => {
  assertMatch(encodingProblem([{ ...zero, opcode: 0xbf, src: 11 }], 0)!, /no register r11 \(field src of mov\)/);
  assertMatch(encodingProblem([{ ...zero, opcode: 0xb7, dst: 10 }], 0)!, /mov writes r10/);
  assertMatch(encodingProblem([{ ...zero, opcode: 0xdb, src: 10, imm: 1 }], 0)!, /fetch_add writes r10/);
  assertEquals(encodingProblem([{ ...zero, opcode: 0xdb, dst: 10 }], 0), undefined);
});

test("a wrong field is told with what would be right", () => {
  assertMatch(encodingProblem([{ ...zero, opcode: 0xdc, imm: 24 }], 0)!, /imm 24: expected 16, 32, 64/);
  assertMatch(encodingProblem([{ ...zero, opcode: 0xff }], 0)!, /unknown opcode 0xff/);
});

test("lddw is nothing without a second slot that is zero but for its immediate", () => {
  const lddw = { ...zero, opcode: 0x18, imm: 1 };
  assertEquals(encodingProblem([lddw, { ...zero, imm: 5 }], 0), undefined);
  assertMatch(encodingProblem([lddw], 0)!, /lacks its second slot/);
  assertMatch(encodingProblem([lddw, { ...zero, offset: 1 }], 0)!, /second slot/);
});
