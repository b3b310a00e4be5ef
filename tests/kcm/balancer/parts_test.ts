import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { concat } from "../../../src/bytes/concat.ts";
import { equals } from "../../../src/bytes/equals.ts";
import { Histogram } from "../../../src/kcm/balancer/histogram.ts";
import { OutBuffer } from "../../../src/kcm/balancer/out_buffer.ts";
import { WordTable } from "../../../src/kcm/balancer/protocols/word_table.ts";
import { commandClasses } from "../../../src/kcm/balancer/protocols/resp_commands.ts";
import { SeededRandom } from "../../../src/sim/mod.ts";
import { bytes } from "./rig.ts";

test("OutBuffer gives back what was appended, in order, and what it has given back stays as it was", () => {
  const random = new SeededRandom(3);
  const out = new OutBuffer();
  const given: Uint8Array[] = [];
  const taken: Uint8Array[] = [];
  const places: { block: Uint8Array; at: number; first: number }[] = [];
  for (let i = 0; i < 2000; i++) {
    const message = Uint8Array.from(
      { length: random.between(1, i % 100 === 0 ? 100_000 : 200) },
      () => random.below(256),
    );
    out.append(message);
    given.push(message);
    places.push({ block: out.block, at: out.at, first: message[0]! });
    if (random.chance(0.2)) taken.push(...out.take() ?? []);
  }
  taken.push(...out.take() ?? []);
  assertEquals([out.bytes, out.take()], [0, undefined]);

  assert(equals(concat(taken), concat(given)));
  for (const { block, at, first } of places) assertEquals(block[at], first);
});

test("small messages of one turn are one piece", () => {
  const out = new OutBuffer();
  for (let i = 0; i < 10; i++) out.append(bytes("twenty bytes of text"));
  assertEquals(out.take()!.length, 1);
});

test("Histogram: quantiles are the bounds of classes", () => {
  const histogram = new Histogram();
  assertEquals(histogram.quantile(0.5), 0);
  for (let i = 1; i <= 100; i++) histogram.add(i);
  assertEquals([histogram.quantile(0.5), histogram.quantile(0.99), histogram.total, histogram.sum], [
    64,
    128,
    100,
    5050,
  ]);
  histogram.add(1e9);
  assertEquals(histogram.quantile(1), Infinity);
});

test("WordTable finds every command in any case, and nothing else", () => {
  const table = new WordTable(commandClasses);
  const find = (word: string): number => table.find(bytes(word), 0, word.length);
  for (const [word, value] of commandClasses) {
    assertEquals([find(word), find(word.toLowerCase())], [value, value], word);
    assertEquals(find(`${word}X`), commandClasses.find(([other]) => other === `${word}X`)?.[1] ?? -1);
  }
  assertEquals([find(""), find("x".repeat(100))], [-1, -1]);
});
