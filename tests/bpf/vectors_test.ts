import { test } from "node:test";
import { assertEquals } from "@std/assert";
import type { BpfMachine } from "../../src/bpf/machine.ts";
import { BpfMemory } from "../../src/bpf/memory.ts";
import { compileProgram } from "../../src/bpf/backends.ts";
import { bpfParser } from "../../src/bpf/bpf_parser.ts";
import { BpfRuntime, ProgramEnvironment } from "../../src/bpf/runtime.ts";
import { verifyProgram } from "../../src/bpf/verifier/verify_program.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { groupsOf, program, recordedMachine } from "./support/builds.ts";
import { randomPrograms, recordedVectors } from "./support/recordings.ts";
import { inFormOf, type Way, ways } from "./support/ways.ts";

const vectors = recordedVectors();

/** Every build of every program with every content of its maps, made once for each way. */
const machines = new Map<Way, readonly Recorded[]>();

interface Recorded {
  readonly machine: BpfMachine;
  readonly name: string;
  readonly runs: readonly { in: string; ret: number }[];
}

function machinesOf(way: Way): readonly Recorded[] {
  const known = machines.get(way) ??
    vectors.flatMap((one) =>
      one.builds.flatMap((build) =>
        groupsOf(one).map((group) => ({
          machine: inFormOf(way, () => recordedMachine(one, build, group, { backend: way.backend })),
          name: `${build}/${one.program}`,
          runs: group.runs,
        }))
      )
    );
  machines.set(way, known);
  return known;
}

const randomOnes = randomPrograms().map(({ code, ret }) => ({
  verified: verifyProgram({ ...program(""), code }),
  ret,
}));

for (const way of ways) {
  test(`case 44: every recorded run over all its builds, ${way.name}`, () => {
    let runs = 0;
    for (const { machine, name, runs: recorded } of machinesOf(way)) {
      for (const { in: input, ret } of recorded) {
        assertEquals(machine.run(fromHex(input)), ret, `${name} over ${input}`);
        runs++;
      }
    }
    assertEquals(runs, 2474);
  });

  test(`case 45: the same in two chunks cut everywhere, and byte by byte, ${way.name}`, () => {
    for (const { machine, name, runs } of machinesOf(way)) {
      const parser = bpfParser(machine);
      for (const { in: input, ret } of runs) {
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
        let answer = parser.parse(bytes, 0, Math.min(1, bytes.length), state);
        for (let end = 2; answer === 0 && end <= bytes.length; end++) answer = parser.parse(bytes, 0, end, state);
        const ends = Array.from({ length: bytes.length }, (_, i) => machine.run(bytes, 0, i + 1));
        const expected = ends.find((result) => result !== 0) ?? 0;
        if (bytes.length > 0) assertResult(answer, expected, `${name}, byte by byte`);
      }
    }
  });

  test(`case 33: random programs against the kernel, ${way.name}`, () => {
    assertEquals(randomOnes.length, 1000);
    // One for all: making a thousand memories takes longer than the rest.
    const memory = new BpfMemory({ bytes: 100_000, wasm: way.backend === "wasm" });
    const runtime = new BpfRuntime(memory, {
      budget: 1_000_000,
      now: () => 0,
      wallNow: () => 0,
      random: () => 0,
      onTrace: () => {},
      cookie: 0,
    });
    for (const [number, { verified, ret }] of randomOnes.entries()) {
      const environment = new ProgramEnvironment(runtime, verified.program, verified.isChecked);
      const runner = inFormOf(way, () => compileProgram(way.backend, verified, environment));
      assertEquals(runner.run(new Uint8Array(1), 0, 1) >>> 0, ret, `program ${number}`);
    }
  });
}

/** A parser's answer is the program's result, failures of any kind being negative ones. */
function assertResult(answer: unknown, result: number, where: string): void {
  if (result < 0) assertEquals(typeof answer, "object", where);
  else assertEquals(answer, result, where);
}
