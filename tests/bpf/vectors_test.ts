import { test } from "node:test";
import { assertEquals } from "@std/assert";
import type { BpfMachine } from "../../src/bpf/machine.ts";
import { BpfMemory } from "../../src/bpf/memory.ts";
import { bpfParser } from "../../src/bpf/bpf_parser.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { groupsOf, program, recordedMachine } from "./support/builds.ts";
import { randomPrograms, recordedVectors } from "./support/recordings.ts";
import { inFormOf, machineOn, type Way, ways } from "./support/ways.ts";

const vectors = recordedVectors();

/** Calls `check` for every build of every program with every content of its maps. */
function forEachMachine(
  way: Way,
  check: (machine: BpfMachine, name: string, runs: readonly { in: string; ret: number }[]) => void,
): void {
  for (const one of vectors) {
    for (const build of one.builds) {
      for (const group of groupsOf(one)) {
        const machine = inFormOf(way, () => recordedMachine(one, build, group, { backend: way.backend }));
        check(machine, `${build}/${one.program}`, group.runs);
      }
    }
  }
}

for (const way of ways) {
  test(`case 44: every recorded run over all its builds, ${way.name}`, () => {
    let runs = 0;
    forEachMachine(way, (machine, name, recorded) => {
      for (const { in: input, ret } of recorded) {
        assertEquals(machine.run(fromHex(input)), ret, `${name} over ${input}`);
        runs++;
      }
    });
    assertEquals(runs, 2474);
  });

  test(`case 45: the same in two chunks cut everywhere, and byte by byte, ${way.name}`, () => {
    forEachMachine(way, (machine, name, recorded) => {
      const parser = bpfParser(machine);
      for (const { in: input, ret } of recorded) {
        const bytes = fromHex(input);
        // What the program says of a part is what it says of a message of which no more is there; of all of it, the
        // recorded result, whatever it has said before.
        for (let cut = 1; cut < bytes.length; cut++) {
          const state = parser.start?.({});
          const first = parser.parse(bytes, 0, cut, state);
          if (first === 0) assertResult(parser.parse(bytes, 0, bytes.length, state), ret, `${name}, cut at ${cut}`);
          else assertResult(first, machine.run(bytes, 0, cut), `${name}, cut at ${cut}`);
        }
        const state = parser.start?.({});
        let answer = parser.parse(bytes, 0, 1, state);
        for (let end = 2; answer === 0 && end <= bytes.length; end++) answer = parser.parse(bytes, 0, end, state);
        const ends = Array.from({ length: bytes.length }, (_, i) => machine.run(bytes, 0, i + 1));
        const expected = ends.find((result) => result !== 0) ?? 0;
        if (bytes.length > 0) assertResult(answer, expected, `${name}, byte by byte`);
      }
    });
  });

  test(`case 33: random programs against the kernel, ${way.name}`, () => {
    const programs = randomPrograms();
    assertEquals(programs.length, 1000);
    // One for all: making a thousand memories takes longer than the rest.
    const memory = new BpfMemory({ bytes: 16_000_000, wasm: way.backend === "wasm" });
    for (const [number, { code, ret }] of programs.entries()) {
      const machine = machineOn(way, { ...program(""), code }, { memory });
      assertEquals(machine.run(new Uint8Array(1)) >>> 0, ret, `program ${number}`);
    }
  });
}

/** A parser's answer is the program's result, failures of any kind being negative ones. */
function assertResult(answer: unknown, result: number, where: string): void {
  if (result < 0) assertEquals(typeof answer, "object", where);
  else assertEquals(answer, result, where);
}
