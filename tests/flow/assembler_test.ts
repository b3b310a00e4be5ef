import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { Assembler, PIECE_OVERHEAD } from "../../src/flow/assembler.ts";
import { bytesOf, text } from "./conversation.ts";

/** A hole, a lost byte, or a byte, for each position: what the pieces must add up to. */
type Cell = number | "lost" | undefined;

type Step = { start: number; bytes: number[] } | { start: number; lost: number } | { cut: number };

/** The slow and obvious assembler. */
function reference(steps: readonly Step[], overlap: "first" | "last"): { cells: Cell[]; conflicts: number } {
  let cells: Cell[] = [];
  let conflicts = 0;
  for (const step of steps) {
    if ("cut" in step) {
      cells = cells.slice(0, step.cut);
    } else if ("lost" in step) {
      for (let at = step.start; at < step.start + step.lost; at++) cells[at] ??= "lost";
    } else {
      step.bytes.forEach((byte, i) => {
        const at = step.start + i;
        if (typeof cells[at] === "number" && cells[at] !== byte) conflicts++;
        if (typeof cells[at] !== "number" || overlap === "last") cells[at] = byte;
      });
    }
  }
  return { cells, conflicts };
}

function apply(steps: readonly Step[], overlap: "first" | "last"): Assembler {
  const assembler = new Assembler();
  for (const step of steps) {
    if ("cut" in step) assembler.truncate(step.cut);
    else if ("lost" in step) assembler.insertLost(step.start, step.start + step.lost);
    else assembler.insert(step.start, new Uint8Array(step.bytes), overlap);
  }
  return assembler;
}

/** Takes everything out, hole by hole. */
function empty(assembler: Assembler): Cell[] {
  const cells: Cell[] = [];
  while (assembler.size > 0) {
    const start = assembler.firstStart;
    for (const piece of assembler.take(start)) {
      assert(piece.start < piece.end && piece.start >= cells.length, "pieces are sorted, disjoint and not empty");
      for (let at = piece.start; at < piece.end; at++) cells[at] = piece.bytes?.[at - piece.start] ?? "lost";
    }
  }
  return cells;
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ start: fc.nat(40), bytes: fc.array(fc.nat(3), { maxLength: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ start: fc.nat(40), lost: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ cut: fc.nat(50) }) },
);

for (const overlap of ["first", "last"] as const) {
  test(`any segments, lost stretches and cuts give what the byte-by-byte reference gives, overlap ${overlap}`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 24 }), (steps) => {
        const expected = reference(steps, overlap);
        const assembler = apply(steps, overlap);
        assertEquals(assembler.conflicts, expected.conflicts);
        const cells = empty(assembler);
        for (let at = 0; at < 60; at++) assertEquals(cells[at], expected.cells[at], `at ${at}`);
        assertEquals(assembler.cost, 0);
      }),
      { numRuns: 2000 },
    );
  });

  test(`cost is bytes and overhead of the pieces held, and memory behind them no more than twice that, ${overlap}`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 24 }), (steps) => {
        const assembler = apply(steps, overlap);
        const { cost, size } = assembler;
        let bytes = 0;
        let memory = 0;
        while (assembler.size > 0) {
          for (const piece of assembler.take(assembler.firstStart)) {
            bytes += piece.bytes?.length ?? 0;
            memory += piece.bytes?.buffer.byteLength ?? 0;
          }
        }
        assertEquals(cost, bytes + size * PIECE_OVERHEAD);
        assert(memory <= bytes * 2);
      }),
      { numRuns: 500 },
    );
  });
}

test("insert says how many bytes were new", () => {
  const assembler = new Assembler();
  assertEquals(assembler.insert(10, bytesOf("abc"), "first"), 3);
  assertEquals(assembler.insert(10, bytesOf("abc"), "first"), 0);
  assertEquals(assembler.insert(9, bytesOf("_abc_"), "first"), 2);
  assertEquals(assembler.insert(8, bytesOf("__abc_"), "last"), 1);
  assertEquals(assembler.insert(20, new Uint8Array(0), "first"), 0);
});

test("what is held is a copy: the packet may change or go", () => {
  const assembler = new Assembler();
  const bytes = bytesOf("abc");
  assembler.insert(5, bytes, "first");
  bytes.fill(0);
  assertEquals(text(assembler.take(5)[0]!.bytes!), "abc");
});

test("truncate says how many held bytes it dropped", () => {
  const assembler = new Assembler();
  assembler.insert(5, bytesOf("abcdef"), "first");
  assembler.insert(20, bytesOf("xy"), "first");
  assembler.insertLost(22, 30);
  assertEquals(assembler.truncate(8), 5);
  assertEquals(assembler.lastEnd, 8);
  assertEquals(assembler.truncate(8), 0);
});

test("more pieces than a spread can take are replaced at once", () => {
  const assembler = new Assembler();
  const count = 3000;
  for (let i = 0; i < count; i++) assembler.insert(i * 2 + 1, Uint8Array.of(1), "first");
  assertEquals(assembler.insert(0, new Uint8Array(count * 2 + 1), "first"), count + 1);
  assertEquals(assembler.conflicts, count);
  assertEquals(assembler.take(0).length, count * 2 + 1);
  assertEquals(assembler.cost, 0);
});
