import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { BpfError } from "../../src/bpf/errors.ts";
import type { LoopRule, VerifierMode } from "../../src/bpf/verifier/facts.ts";
import { verifyProgram } from "../../src/bpf/verifier/verify_program.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { kernelMaps } from "./support/kernel_maps.ts";
import { recordedVerdicts } from "./support/recordings.ts";

/** Recorded programs number maps from 1. */
const maps = [kernelMaps[0]!, ...kernelMaps];

interface Verdict {
  readonly verdict: "accept" | "reject";
  readonly error: BpfError | undefined;
}

function judge(name: string, code: Uint8Array, mode: VerifierMode, loops: LoopRule): Verdict {
  try {
    verifyProgram({ name, code, maps, license: "GPL" }, { mode, loops });
    return { verdict: "accept", error: undefined };
  } catch (error) {
    assert(error instanceof BpfError, `${name}: ${error}`);
    return { verdict: "reject", error };
  }
}

/**
 * Where leat differs from the kernel on purpose.
 *
 * - A map reference is no address here: there is no `struct bpf_map` behind it to be read.
 */
const deliberate = { root: ["dereference a map pointer"], bpf: [] as string[] };

/** Programs with loops, which are accepted unless asked otherwise: the budget of a run ends them. */
const loopPrograms = [
  "endless: r0=0; while (1) r1=0",
  "bounded loop 10",
  "bounded loop 10 million",
  "data-dependent loop over packet length",
];

const recorded = recordedVerdicts();

test("case 14: all recorded encodings are judged as by the kernel, in every mode", () => {
  const encodings = recorded.filter(({ cat }) => cat === "enc");
  assertEquals(encodings.length, 44);
  for (const { name, code, verdict_bpf } of encodings) {
    for (const mode of ["strict", "kernel-root"] as const) {
      assertEquals(judge(name, fromHex(code), mode, "budget").verdict, verdict_bpf, `${mode}: ${name}`);
    }
  }
});

test("recorded verdicts of root are those of the mode kernel-root with bounded loops", () => {
  const different = recorded.filter(({ name, code, verdict_root }) =>
    judge(name, fromHex(code), "kernel-root", "bounded").verdict !== verdict_root
  );
  assertEquals(recorded.length, 152);
  assertEquals(different.map(({ name }) => name), deliberate.root);
});

test("recorded verdicts of CAP_BPF are those of the mode strict without loops", () => {
  const different = recorded.filter(({ name, code, verdict_bpf }) =>
    judge(name, fromHex(code), "strict", "refused").verdict !== verdict_bpf
  );
  assertEquals(different.map(({ name }) => name), deliberate.bpf);
});

test("unless asked otherwise, only programs with loops are judged differently from CAP_BPF", () => {
  const different = recorded.filter(({ name, code, verdict_bpf }) =>
    judge(name, fromHex(code), "strict", "budget").verdict !== verdict_bpf
  );
  assertEquals(different.map(({ name }) => name), loopPrograms);
});

test("a rejection names the instruction, shows it, and tells what is known there", () => {
  for (const { name, code, verdict_bpf } of recorded) {
    if (verdict_bpf === "accept") continue;
    const { error } = judge(name, fromHex(code), "strict", "refused");
    assert(error?.instruction !== undefined, name);
    assert(error.instruction * 16 < code.length, name);
    assert(error.message.startsWith(`instruction ${error.instruction}: `), `${name}: ${error.message}`);
    assert(["EINVAL", "ENOSYS", "EACCES"].includes(error.code), `${name}: ${error.code}`);
  }
  const { error } = judge(
    "",
    fromHex(
      "620afcff00000000bfa200000000000007020000fcffffff18110000020000000000000000000000850000000100000061000000000000009500000000000000",
    ),
    "strict",
    "budget",
  );
  assertEquals(
    error?.message,
    "instruction 6: r0 = *(u32 *)(r0 + 0): the address in r0 may be null: test it first; known there: " +
      "r0 = a value of map hash, or null; [r10-8] (bytes 11110000) = 0",
  );
});
