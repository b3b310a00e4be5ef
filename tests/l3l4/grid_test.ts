/**
 * 117. Goodput over links of all kinds against the figures of `grid_figures.json`: none may be worse by more than 3 %.
 *
 * Virtual time: the figures are the same on every machine, and change only with the code. Whoever changes it on purpose
 * writes them anew: `LEAT_FIGURES=write npx tsx --test tests/l3l4/grid_test.ts`.
 */
import { assert, assertEquals } from "@std/assert";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import process from "node:process";
import { fuzzInputs } from "../support/fuzz.ts";
import { allCells, type Cell, cellName, goodput } from "./grid.ts";

const FILE = new URL("grid_figures.json", import.meta.url);
const TOLERANCE = 0.03;
const SEEDS = [1, 2];

const isWriting = process.env["LEAT_FIGURES"] === "write";
/** All in the soak, some of every kind else. */
const isWhole = isWriting || fuzzInputs() >= 1_000_000;

const figures = new Map<string, number>(Object.entries(JSON.parse(readFileSync(FILE, "utf8"))));
const cells = allCells();

/** Every 31st: 31 has no factor in common with the sizes of the grid. */
const chosen = isWhole ? cells : cells.filter((_, i) => i % 31 === 0);

test("117. the file of figures has all cells of the grid, and no others", () => {
  if (!isWriting) assertEquals([...figures.keys()], cells.map(cellName));
});

test("117. goodput over the grid of links is not worse than it was", () => {
  const measured = chosen.map((cell) => [cellName(cell), goodput(cell, SEEDS)] as const);
  if (isWriting) {
    const lines = measured.map(([name, value]) => `  ${JSON.stringify(name)}: ${value.toPrecision(5)}`);
    return writeFileSync(FILE, `{\n${lines.join(",\n")}\n}\n`);
  }
  const worse = measured.filter(([name, value]) => !(value >= (1 - TOLERANCE) * figures.get(name)!));
  assertEquals(worse.map(([name, value]) => `${name}: ${value} was ${figures.get(name)}`), []);
});

/** Figures of the file, all of them, so that what was written there once is judged as well. */
function figure(cell: Partial<Cell>): number {
  const whole: Cell = {
    congestion: "cubic",
    loss: 0,
    delayMs: 10,
    reordering: 0,
    duplication: 0,
    bufferBytes: 1_048_576,
    ...cell,
  };
  return figures.get(cellName(whole))!;
}

test("117. the figures make sense: what a link can carry is carried, reordering and duplication cost little", () => {
  for (const congestion of ["cubic", "newreno", "none"] as const) {
    // who heeds no loss overflows the link's queue with a larger buffer
    const bufferBytes = congestion === "none" ? 65_536 : 1_048_576;
    const like = { congestion, bufferBytes };
    const clean = figure({ ...like, delayMs: 0 });
    assert(clean > 0.8 * 12_500, `${congestion}: ${clean} bytes/ms of 12,500`);
    assert(figure({ ...like, reordering: 2 }) > 0.9 * figure(like), `${congestion} with reordering`);
    assert(figure({ ...like, duplication: 1 }) > 0.9 * figure(like), `${congestion} with duplication`);
    assert(figure({ ...like, loss: 1 }) > 0.1 * figure(like), `${congestion} with loss`);
  }
});
