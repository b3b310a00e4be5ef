/** Damaged recordings through every parser: whole and in pieces alike, and nothing throws. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { goldens, parserFor } from "./golden.ts";
import { chaos, record, type Recording, seeded } from "./support.ts";

const fuzzInputs = Number(process.env["LEAT_FUZZ_INPUTS"] ?? 20_000);

test("fuzz: mutated recordings through every parser, whole and in pieces alike, and never a throw", () => {
  const random = seeded(4711);
  const limit = 4096;
  for (let i = 0; i < fuzzInputs; i++) {
    const golden = goldens[i % goldens.length]!;
    const bytes = mutate(golden.bytes, random);
    const run = (chunks: Uint8Array[]) =>
      record(parserFor(golden), { direction: golden.direction, maxMessageLength: limit }).push(...chunks).end();
    const whole = run([bytes]);
    const pieces = run(chaos(bytes, random, 1 + i % 97));
    assertEquals(summary(pieces), summary(whole));
    assertEquals(whole.engine.stats.bytes, whole.messages.reduce((sum, m) => sum + m.length, 0) + heldAtEnd(whole));
  }
});

/** Cheap to compare twenty thousand times; the bytes themselves are compared elsewhere. */
function summary(run: Recording): string {
  return [...run.lengths(), run.ends, ...run.errors.map((e) => `${e.code}@${e.offset}: ${e.message}`)].join(" ");
}

function heldAtEnd(run: Recording): number {
  return run.errors[0]?.bytesHeld ?? 0;
}

function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const from = random() < 0.5 ? 0 : Math.floor(random() * bytes.length);
  const mutated = bytes.slice(from, from + 1 + Math.floor(random() * (bytes.length - from)));
  for (let n = Math.floor(random() * 4); n > 0; n--) {
    const at = Math.floor(random() * mutated.length);
    const kind = random();
    if (kind < 0.4) mutated[at] = Math.floor(random() * 256);
    else if (kind < 0.7) mutated[at]! ^= 1 << Math.floor(random() * 8);
    else mutated.copyWithin(at, Math.floor(random() * mutated.length));
  }
  return mutated;
}
