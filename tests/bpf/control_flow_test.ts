import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { buildControlFlow } from "../../src/bpf/control_flow.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { decodeInstructions } from "../../src/bpf/isa.ts";
import { fromHex } from "../../src/bytes/hex.ts";

const flowOf = (hex: string) => buildControlFlow(decodeInstructions(fromHex(hex.replaceAll(" ", ""))));

const zero = "b700000000000000 ";
const exit = "9500000000000000 ";
const jump = (offset: string) => `0500${offset}00000000 `;
const jumpIf = (offset: string) => `1500${offset}00000000 `;
const call = (imm: string) => `85100000${imm}000000 `;
const wide = "1800000005000000 0000000000000000 ";

test("blocks begin at targets and behind jumps, and know what leads to them", () => {
  const [main] = flowOf(zero + jumpIf("0100") + zero + exit).functions;
  assertEquals(main?.blocks, [
    { index: 0, start: 0, last: 1, end: 2, next: 1, target: 2, predecessors: [] },
    { index: 1, start: 2, last: 2, end: 3, next: 2, target: -1, predecessors: [0] },
    { index: 2, start: 3, last: 3, end: 4, next: -1, target: -1, predecessors: [0, 1] },
  ]);
  assertEquals(main?.order, [0, 1, 2]);
});

test("a jump to where the program goes on anyway leads there twice", () => {
  assertEquals(flowOf(zero + jumpIf("0000") + exit).functions[0]?.blocks[1]?.predecessors, [0, 0]);
});

test("a wide instruction at the end of a block", () => {
  const [main] = flowOf(jumpIf("0200") + wide + exit).functions;
  assertEquals(main?.blocks[1], { index: 1, start: 1, last: 1, end: 3, next: 2, target: -1, predecessors: [0] });
});

test("case 28: a jump backwards without a loop closes no cycle, one around a loop does", () => {
  const straight = flowOf(zero + jump("0200") + zero + exit + jump("fdff")).functions[0]!;
  assertEquals(straight.order, [0, 2, 1]);
  const loop = flowOf(zero + zero + jumpIf("feff") + exit).functions[0]!;
  assertEquals(loop.blocks[1]!.target, 1);
  assertEquals(loop.position[1]! <= loop.position[1]!, true);
});

test("functions begin where calls lead, and name what they call", () => {
  const flow = flowOf(call("02") + call("01") + exit + zero + exit);
  assertEquals(flow.functions.map(({ start, end }) => [start, end]), [[0, 3], [3, 5]]);
  assertEquals(flow.functions[0]?.calls, [{ slot: 0, callee: 1 }, { slot: 1, callee: 1 }]);
  assertEquals(flow.functionAt.get(3), 1);
});

const refused: readonly [name: string, hex: string, slot: number, why: RegExp][] = [
  ["no instructions", "", 0, /no instructions/],
  ["dead code behind a jump", zero + jump("0100") + zero + exit, 2, /nothing reaches/],
  ["jump out of the program", jump("0900") + zero + exit, 0, /out of the program/],
  ["jump before the program", jump("f0ff") + zero + exit, 0, /out of the program/],
  ["jump into lddw", zero + jumpIf("0100") + wide + exit, 1, /middle of a wide/],
  ["jump into another function", call("02") + jump("0200") + exit + zero + exit, 1, /out of its function/],
  ["function that runs into the next", call("02") + call("02") + exit + zero + zero + exit, 3, /runs into/],
  ["last instruction is a conditional jump", zero + jumpIf("feff"), 1, /runs into/],
  ["half a wide instruction", zero + wide.slice(0, 17), 1, /inside a wide/],
  ["call of nothing", call("0a") + exit, 0, /does not exist/],
  ["call into lddw", call("02") + exit + wide + exit, 0, /does not exist/],
  [
    "functions that only call each other",
    zero + exit + call("01") + exit + "85100000fdffffff " + exit,
    2,
    /nothing reaches this function/,
  ],
];

for (const [name, hex, slot, why] of refused) {
  test(`case 27: refused: ${name}`, () => {
    const error = assertThrows(() => flowOf(hex), BpfError);
    assertEquals([error.code, error.instruction], ["EINVAL", slot]);
    assertEquals(why.test(error.message), true, error.message);
  });
}

test("a hundred thousand blocks need neither recursion nor more than linear time", () => {
  const blocks = 100_000;
  const code = new Uint8Array(8 * (blocks + 1));
  for (let slot = 0; slot < blocks; slot++) code.set([0x15, 0, 0, 0], slot * 8);
  code[8 * blocks] = 0x95;
  const [main] = buildControlFlow(decodeInstructions(code)).functions;
  assertEquals(main?.blocks.length, blocks + 1);
  assertEquals(main?.order.length, blocks + 1);
});
