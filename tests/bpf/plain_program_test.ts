/** Programs that are proven by two sets of registers: what that accepts, the whole verifier accepts too. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { assemble } from "../../src/bpf/assembler.ts";
import { buildControlFlow } from "../../src/bpf/control_flow.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { decodeInstructions } from "../../src/bpf/isa.ts";
import { checkEncodings } from "../../src/bpf/verifier/check_encodings.ts";
import { Effort } from "../../src/bpf/verifier/effort.ts";
import { JoinExplorer } from "../../src/bpf/verifier/join_explorer.ts";
import { Judge, type ProgramText } from "../../src/bpf/verifier/judge.ts";
import { PathExplorer } from "../../src/bpf/verifier/path_explorer.ts";
import { provePlain } from "../../src/bpf/verifier/plain_program.ts";
import { verifyProgram } from "../../src/bpf/verifier/verify_program.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { fuzzInputs } from "../support/fuzz.ts";
import { sample } from "./support/builds.ts";

function textOf(code: Uint8Array): ProgramText {
  const program = { name: "plain", code, maps: [], license: "" };
  const instructions = decodeInstructions(code);
  return {
    program,
    instructions,
    encodings: checkEncodings(program, instructions),
    flow: buildControlFlow(instructions),
  };
}

const prove = (...lines: string[]) => provePlain(textOf(assemble(lines.join("\n")).code), 1000);

/** Whether the whole verifier accepts a program, by one of its two ways. */
function isAccepted(text: ProgramText): boolean {
  const attempts = [
    () => new JoinExplorer(new Judge(text, false), new Effort(100_000, 10_000)).run(),
    () => new PathExplorer(new Judge(text, false), new Effort(100_000, 10_000), "budget").run(),
  ];
  return attempts.some((attempt) => {
    try {
      attempt();
      return true;
    } catch (error) {
      if (error instanceof BpfError) return false;
      throw error;
    }
  });
}

test("the sample parsers that only load from the packet are proven", () => {
  for (const name of ["01_len16be", "04_postgres_backend", "06_thrift_framed"]) {
    const program = sample("c14-v3-g", name).program();
    assert(provePlain(textOf(program.code), 1000)! > 0, name);
    assertEquals(verifyProgram(program).functions, [{ stackBytes: 0 }]);
  }
});

test("a register that is not set on one way is not set where ways meet", () => {
  const lines = (other: string) => ["r6 = r1", "r0 = *(u8 *)skb[0]", "if r0 == 0 goto +1", "r7 = 1", other, "exit"];
  assertEquals(prove(...lines("r0 = 2")), 6);
  assertEquals(prove(...lines("r0 = r7")), undefined);
  assertThrows(() => verifyProgram(assemble(lines("r0 = r7").join("\n"))), BpfError, "reads r7, which is not set");
});

test("what a turn of a loop takes away is not there in the next", () => {
  const loop = (register: string) =>
    prove(
      "r6 = r1",
      "r7 = 9",
      `r0 = ${register}`,
      "r1 = 1",
      "r2 = 2",
      "r0 = *(u8 *)skb[0]",
      "r7 += -1",
      "if r7 != 0 goto -6",
      "exit",
    );
  assert(loop("r7")! > 9);
  assertEquals(prove("r6 = r1", "r2 = 9", "r7 = r2", "r0 = *(u8 *)skb[0]", "if r0 != 0 goto -3", "exit"), undefined);
});

for (
  const [what, ...lines] of [
    ["the context is returned", "r0 = r1", "exit"],
    ["half of the context is copied", "r0 = 0", "w2 = w1", "exit"],
    ["the context is calculated with", "r0 = 0", "r1 += 4", "exit"],
    ["the context is compared", "r0 = 0", "if r1 == 0 goto +0", "exit"],
    ["the frame pointer is calculated with", "r0 = r10", "exit"],
    ["memory is read", "r0 = *(u32 *)(r1 + 0)", "exit"],
    ["memory is written", "*(u64 *)(r10 - 8) = 1", "r0 = 0", "exit"],
    ["a helper is called", "call 7", "exit"],
    ["nothing is returned", "exit"],
    ["r6 is not the context", "r6 = 1", "r0 = *(u8 *)skb[0]", "exit"],
    ["a packet load leaves r1 to r5", "r6 = r1", "r2 = 1", "r0 = *(u8 *)skb[0]", "r0 += r2", "exit"],
    ["a packet load is at an address", "r6 = r1", "r0 = *(u8 *)skb[r1 + 0]", "exit"],
    ["a packet load leaves no context in r1", "r6 = r1", "r0 = *(u8 *)skb[0]", "r6 = r1", "r0 = *(u8 *)skb[0]", "exit"],
  ] as const
) {
  test(`not for this: ${what}`, () => assertEquals(prove(...lines), undefined));
}

test("no more steps than allowed", () => {
  const text = textOf(assemble("r0 = 1\nr0 = 2\nexit").code);
  assertEquals([provePlain(text, 3), provePlain(text, 2)], [3, undefined]);
});

test("of random programs, none is accepted that the whole verifier refuses", () => {
  const random = new SeededRandom(31);
  let accepted = 0;
  for (let i = 0; i < Math.max(3000, fuzzInputs() / 10); i++) {
    const text = randomText(random);
    if (text === undefined || provePlain(text, 10_000) === undefined) continue;
    accepted++;
    assert(isAccepted(text), JSON.stringify(text.instructions));
  }
  assert(accepted > 200, `${accepted} accepted`);
});

/** Few registers, so that what is read is often, but not always, set. */
function randomText(random: SeededRandom): ProgramText | undefined {
  const to = () => `r${random.pick([0, 0, 0, 2, 7, 7, 7, 7, 1, 6])}`,
    from = () => `r${random.pick([0, 0, 0, 2, 7, 7, 7, 7, 1, 6, 10])}`;
  const forms: (() => string)[] = [
    () => `${to()} = ${from()}`,
    () => `${to()} = ${random.below(3)}`,
    () => `w${to().slice(1)} = w${from().slice(1)}`,
    () => `${to()} += ${from()}`,
    () => "r0 = *(u8 *)skb[0]",
    () => `r0 = *(u8 *)skb[${from()} + 0]`,
    () => `if ${to()} > ${from()} goto ${random.pick(["-1", "-2", "-3", "+0", "+1", "+2"])}`,
    () => `if ${to()} == 1 goto +${random.below(3)}`,
    () => random.chance(0.2) ? random.pick(["exit", "call 7", "r0 = *(u32 *)(r1 + 0)"]) : `${to()} ^= ${to()}`,
  ];
  const body = Array.from({ length: 1 + random.below(6) }, () => random.pick(forms)());
  try {
    return textOf(assemble(["r6 = r1", "r0 = 1", "r7 = 2", "r2 = 3", ...body, "exit"].join("\n")).code);
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}
