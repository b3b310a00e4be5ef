/** Case 31: programs that are accepted never do what the verifier is there to prevent. */
import { assert, assertThrows } from "@std/assert";
import { test } from "node:test";
import { assemble } from "../../src/bpf/assembler.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { compileInterpreter } from "../../src/bpf/interpreter/interpreter.ts";
import { makeMap } from "../../src/bpf/maps/make_map.ts";
import { BpfMemory } from "../../src/bpf/memory.ts";
import { BpfRuntime, ProgramEnvironment } from "../../src/bpf/runtime.ts";
import type { VerifiedProgram, VerifierMode } from "../../src/bpf/verifier/facts.ts";
import { verifyProgram } from "../../src/bpf/verifier/verify_program.ts";
import { toHex } from "../../src/bytes/hex.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { fuzzInputs, fuzzSeeds } from "../support/fuzz.ts";
import { checkingGuard } from "./support/checking_guard.ts";
import { kernelMaps } from "./support/kernel_maps.ts";
import { randomAccessProgram } from "./support/random_access.ts";

const runs = 6;
const budget = 2000;

/** As many programs as a soak has inputs; some thousands otherwise. */
const programs = () => fuzzInputs() > 20_000 ? fuzzInputs() : 2500;

function newRuntime(random: SeededRandom): BpfRuntime {
  const memory = new BpfMemory({ bytes: 60_000 });
  const runtime = new BpfRuntime(memory, {
    budget,
    now: () => random.below(1000),
    wallNow: () => random.below(1000),
    random: () => random.below(2 ** 32),
    onTrace: () => {},
    cookie: 1,
  });
  for (const definition of kernelMaps) runtime.maps.set(definition.name, makeMap(definition, memory, 1));
  return runtime;
}

function accepted(code: Uint8Array, mode: VerifierMode): VerifiedProgram | undefined {
  try {
    return verifyProgram({ name: "random", code, maps: kernelMaps, license: "GPL" }, { mode });
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

/** Runs a program under guard over random packets; the first complaint, if any. */
function complaintOf(verified: VerifiedProgram, runtime: BpfRuntime, random: SeededRandom): string | undefined {
  for (let run = 0; run < runs; run++) {
    const environment = new ProgramEnvironment(runtime, verified.program, false);
    const runner = compileInterpreter(verified, environment, { guard: checkingGuard(verified) });
    const { memory, context } = runtime;
    memory.bytes.set(random.bytes(68 - 8), context.address + 8);
    for (const address of environment.valueAddresses) {
      if (address !== 0 && random.chance(0.5)) memory.bytes.set(random.bytes(16), address);
    }
    const packet = random.chance(0.5)
      ? random.bytes(random.below(64))
      : new Uint8Array(random.below(64)).fill(random.below(3));
    runner.run(packet, 0, packet.length);
    const { failure } = runtime;
    runtime.failure = undefined;
    if (failure !== undefined && failure.code !== "ELOOP") return failure.message;
  }
  return undefined;
}

for (const mode of ["strict", "kernel-root"] as const) {
  test(`case 31: random programs that are accepted keep to it (${mode})`, () => {
    for (const seed of fuzzSeeds()) {
      const random = new SeededRandom(seed);
      const runtime = newRuntime(random);
      const count = programs();
      let acceptedCount = 0;
      for (let left = count; left > 0; left--) {
        const code = randomAccessProgram(random);
        const verified = accepted(code, mode);
        if (verified === undefined) continue;
        acceptedCount++;
        const complaint = complaintOf(verified, runtime, random);
        assert(complaint === undefined, `seed ${seed}: ${complaint}\n${toHex(code)}`);
      }
      assert(acceptedCount > count / 5, `only ${acceptedCount} of ${count} programs were accepted`);
    }
  });
}

test("the watch over runs sees what the verifier refuses", () => {
  // A zero that the verifier knows, but sandbox mode does not: what that knows to be wrong it refuses at load.
  const zero = "r6 = r1\ncall 7\nr9 = r0\nr9 &= 0\nr1 = r6\n";
  const bad: readonly (readonly [text: string, complaint: RegExp])[] = [
    ["r0 = r2\nexit", /reads r2, which is not set/],
    ["r0 = *(u64 *)(r10 - 8)\nexit", /knows nothing|was not written/],
    ["r0 = 5\nr0 = *(u32 *)(r0 + 0)\nexit", /through a number/],
    [`${zero}r2 = r10\nr2 += r9\n*(u64 *)(r2 - 520) = 1\nr0 = 0\nexit`, /leave the stack/],
    [`${zero}r1 += r9\nr0 = *(u32 *)(r1 + 200)\nexit`, /leave the context/],
    ["r0 = *(u8 *)skb[0]\nexit", /reads r6|r6 is not/],
    ["call 7\nr0 = r1\nexit", /reads r1, which is not set/],
    [`${zero}r2 = 0\nr3 = r10\nr3 += -4\nr3 += r9\nr4 = 8\ncall 26\nexit`, /leave the stack/],
    ["call f\nr0 = 0\nexit\nf:\nr0 = r6\nexit", /reads r6/],
  ];
  const random = new SeededRandom(1);
  for (const [text, complaint] of bad) {
    const program = assemble(text, { maps: kernelMaps });
    assertThrows(() => verifyProgram(program), BpfError);
    const found = complaintOf(
      { ...verifyProgram(program, { mode: "sandbox" }), mode: "strict" },
      newRuntime(random),
      random,
    );
    assert(found !== undefined && complaint.test(found), `${text}: ${found}`);
  }
});
