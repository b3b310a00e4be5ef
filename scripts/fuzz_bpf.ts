/**
 * Compares the verifier's verdicts on random programs, and what programs return on every back end, with the running
 * kernel, where it can be asked (Linux on x86-64, root, python3). Arguments: number of programs (10,000), seed (1).
 *
 * Verdicts need not be the same: leat knows more of divisions, shifts by registers and packet loads than Linux 6.18, and
 * so finds more ways that are never gone; the kernel also judges what a processor might run ahead of a test. The first
 * program of each kind of difference is printed, the kinds are counted, and it is a failure when more than one in a
 * hundred verdicts differ. Results must be the same without exception.
 *
 * @module
 */
import process from "node:process";
import { toHex } from "../src/bytes/hex.ts";
import { BpfError } from "../src/bpf/errors.ts";
import { encodeInstructions, type Instruction } from "../src/bpf/isa.ts";
import type { VerifierOptions } from "../src/bpf/verifier/facts.ts";
import { verifyProgram } from "../src/bpf/verifier/verify_program.ts";
import { SeededRandom } from "../src/sim/seeded_random.ts";
import { kernelMaps } from "../tests/bpf/support/kernel_maps.ts";
import { randomAccessProgram } from "../tests/bpf/support/random_access.ts";
import { comparePrograms } from "../tests/bpf/support/differential.ts";
import { randomProgram, randomShape } from "../tests/bpf/support/random_program.ts";
import { BpfKernel, type KernelRights } from "./lib/bpf_kernel.ts";

const [count = "10000", seed = "1"] = process.argv.slice(2);
const batch = 500;
/** Largest share of verdicts that may differ. */
const maxDifferent = 0.01;

function ownVerdict(code: Uint8Array, options: VerifierOptions): string {
  try {
    verifyProgram({ name: "random", code, maps: kernelMaps, license: "GPL" }, options);
    return "accept";
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return `reject ${error.message}`;
  }
}

/** A reason without its numbers, so that like ones are counted together. */
const kindOf = (reason: string) => reason.replace(/-?\d+/g, "N").slice(0, 90);

/** Compares verdicts; the share of those that differ. */
async function compare(rights: KernelRights, options: VerifierOptions): Promise<number> {
  const kernel = await BpfKernel.open(rights);
  if (typeof kernel === "string") {
    console.log(`${rights}: the kernel cannot be asked: ${kernel}`);
    return 0;
  }
  const random = new SeededRandom(Number(seed));
  const counts = { both: 0, neither: 0, kernelAlone: 0, weAlone: 0 };
  const reasons = new Map<string, number>();
  for (let done = 0; done < Number(count); done += batch) {
    const programs = Array.from({ length: Math.min(batch, Number(count) - done) }, () => randomAccessProgram(random));
    const answers = await kernel.verdicts(programs);
    programs.forEach((code, index) => {
      const answer = answers[index]!;
      const own = ownVerdict(code, options);
      const isOurs = own === "accept";
      if (isOurs === (answer === "accept")) counts[isOurs ? "both" : "neither"]++;
      else {
        counts[isOurs ? "weAlone" : "kernelAlone"]++;
        const kind = isOurs ? `kernel alone refuses: ${answer}` : `leat alone refuses: ${own.split("; known")[0]}`;
        const known = reasons.get(kindOf(kind)) ?? 0;
        reasons.set(kindOf(kind), known + 1);
        if (known === 0) console.log(`${rights}: ${kind}\n  ${toHex(code)}`);
      }
    });
  }
  kernel.close();
  console.log(rights, counts);
  for (const [reason, times] of [...reasons].sort((a, b) => b[1] - a[1])) console.log(`${times}\t${reason}`);
  return (counts.weAlone + counts.kernelAlone) / Number(count);
}

/** Runs random programs without loops here, on every back end, and in the kernel, over the same packets. */
async function compareRuns(): Promise<number> {
  const kernel = await BpfKernel.open("root");
  if (typeof kernel === "string") {
    console.log(`runs: the kernel cannot be asked: ${kernel}`);
    return 0;
  }
  const counts = { same: 0, different: 0, refused: 0 };
  for (let done = 0; done < Number(count); done += batch) {
    const programs = Array.from({ length: Math.min(batch, Number(count) - done) }, (_, i) => programOfSeed(done + i));
    const answers = await kernel.runs(programs.map(({ code, packet }) => [code, packet] as const));
    programs.forEach(({ instructions, packet, code, number }, index) => {
      const answer = answers[index]!;
      if (!answer.startsWith("accept ")) {
        counts.refused++;
        return;
      }
      const { difference, result } = comparePrograms(number, instructions, packet, 0);
      const own = BigInt.asUintN(32, result);
      const isSame = difference === undefined && own === BigInt(answer.slice(7));
      counts[isSame ? "same" : "different"]++;
      if (!isSame) {
        console.log(`${difference ?? `${own}, the kernel says ${answer}`}\n  ${toHex(code)} ${toHex(packet)}`);
      }
    });
  }
  kernel.close();
  console.log("runs", counts);
  return counts.different;
}

function programOfSeed(
  number: number,
): { instructions: Instruction[]; code: Uint8Array; packet: Uint8Array; number: number } {
  const random = new SeededRandom(Number(seed) * 1_000_000_000 + number);
  // Each fourth is plain, as usual parsers are: JavaScript of those has a writer of its own.
  const isPlain = number % 4 === 2;
  const shape = isPlain ? { ...randomShape(random), packet: true, plain: true, stack: 0 } : randomShape(random);
  const instructions = randomProgram(random, { ...shape, wild: false, functions: 1 });
  return { instructions, code: encodeInstructions(instructions), packet: random.bytes(random.between(1, 40)), number };
}

const different = await compareRuns();
const share = Math.max(
  await compare("root", { mode: "kernel-root", loops: "bounded" }),
  await compare("bpf", { mode: "strict", loops: "refused" }),
);
process.exitCode = different > 0 || share > maxDifferent ? 1 : 0;
