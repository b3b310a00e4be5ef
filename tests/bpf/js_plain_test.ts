/** Programs that the short writer of JavaScript writes: what it does at the borders, and what it leaves to the other one. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { assemble } from "../../src/bpf/assembler.ts";
import { writePlain } from "../../src/bpf/jit/js_plain.ts";
import { BpfMachine } from "../../src/bpf/machine.ts";
import { verifyProgram } from "../../src/bpf/verifier/verify_program.ts";
import { sample } from "./support/builds.ts";

const packet = Uint8Array.of(0xff, 0xfe, 0xfd, 0xfc, 0x80, 1, 2, 3);

/** What compiled JavaScript and interpreter say, of a program that the short writer writes. */
function results(...lines: string[]): [number, number] {
  const program = assemble(lines.join("\n"));
  assert(writePlain(verifyProgram(program)) !== undefined);
  const run = (backend: "js" | "interpreter") => new BpfMachine(program, { backend }).run(packet);
  return [run("js"), run("interpreter")];
}

const cases: readonly (readonly [what: string, result: number, ...lines: string[]])[] = [
  [
    "what is shifted down from the high half may be all of a word",
    1,
    "r0 = -1 ll",
    "r0 >>= 32",
    "r0 += r0",
    "r0 >>= 32",
  ],
  ["a sum of two words carries", 1, "r6 = r1", "r0 = *(u32 *)skb[0]", "r0 += r0", "r0 >>= 32"],
  ["a word and a word is a word", -66052, "r6 = r1", "r0 = *(u32 *)skb[0]", "r1 = r0", "r0 |= r1"],
  [
    "from 2^31 on a word is larger, not negative",
    7,
    "r6 = r1",
    "r0 = *(u32 *)skb[0]",
    "if r0 s> 5 goto big",
    "r0 = 9",
    "exit",
    "big: r0 = 7",
  ],
  [
    "-1 is less than what was loaded",
    7,
    "r6 = r1",
    "r0 = *(u8 *)skb[0]",
    "if r0 s> -1 goto big",
    "r0 = 9",
    "exit",
    "big: r0 = 7",
  ],
  [
    "and larger, without sign",
    9,
    "r6 = r1",
    "r0 = *(u8 *)skb[0]",
    "if r0 > -1 goto big",
    "r0 = 9",
    "exit",
    "big: r0 = 7",
  ],
  ["an offset from the network header on", 0xfe, "r6 = r1", "r7 = -0x100000", "r0 = *(u8 *)skb[r7 + 1]"],
  ["an offset before it", 0, "r6 = r1", "r7 = -0x100001", "r0 = *(u8 *)skb[r7 + 0]"],
  ["an offset whose sum wraps", 0xfd, "r6 = r1", "r7 = 0xfffffffe ll", "r0 = *(u8 *)skb[r7 + 4]"],
  ["a quotient of what is too large is no quotient of low halves", 0, "r6 = r1", "r0 = *(u8 *)skb[0]", "w0 /= -1"],
  [
    "ways meet with and without a high half",
    0x70,
    "r6 = r1",
    "r1 = 7",
    "r0 = *(u8 *)skb[0]",
    "r7 = 7",
    "if r0 == 1 goto +2",
    "r7 = 0x7000000000 ll",
    "r7 >>= 32",
    "r0 = r7",
  ],
];

for (const [what, result, ...lines] of cases) {
  test(`plain JavaScript: ${what}`, () => assertEquals(results(...lines, "exit"), [result, result]));
}

test("plain JavaScript: sample parsers that only load from the packet are written so", () => {
  const names = ["01_len16be", "02_len32le_incl", "03_http2", "04_postgres_backend", "05_dns_tcp", "06_thrift_framed"];
  const isShort = (name: string) => {
    const verified = verifyProgram(sample("c14-v3-g", name).program());
    return verified.isPlain && writePlain(verified) !== undefined;
  };
  assertEquals(names.filter(isShort), ["01_len16be", "03_http2", "04_postgres_backend", "06_thrift_framed"]);
});

test("plain JavaScript: loops and 64-bit products are left to the other writer", () => {
  const isLeft = (...lines: string[]) => writePlain(verifyProgram(assemble(lines.join("\n")))) === undefined;
  assert(isLeft("r0 = 9", "r0 += -1", "if r0 != 0 goto -2", "exit"));
  assert(isLeft("r0 = -1 ll", "r0 *= r0", "exit"));
});

test("plain JavaScript: what jumps to too many places is left to the other writer as soon as that is known", () => {
  /** Jumps over one instruction each: so many labels. */
  const jumping = (count: number) => {
    const lines = ["r6 = r1", "r0 = *(u8 *)skb[0]"];
    for (let i = 0; i < count; i++) lines.push(`if r0 == ${i} goto +2`, "r0 += 1", "r0 &= 255");
    const verified = verifyProgram(assemble([...lines, "exit"].join("\n")));
    let looked = 0;
    const encodings = new Proxy(verified.encodings, {
      get(of, key) {
        looked++;
        return Reflect.get(of, key);
      },
    });
    return { isWritten: writePlain({ ...verified, encodings }) !== undefined, looked };
  };
  assert(jumping(200).isWritten);
  const few = jumping(201), many = jumping(4000);
  assertEquals([few.isWritten, many.isWritten], [false, false]);
  assertEquals(many.looked, few.looked);
});

test("plain JavaScript: a program longer than the budget spends it", () => {
  const program = assemble("r0 = 1\nr0 = 2\nexit");
  const failureOf = (budget: number) => {
    const machine = new BpfMachine(program, { backend: "js", budget });
    machine.run(packet);
    return machine.takeFailure()?.code;
  };
  assertEquals([failureOf(2), failureOf(3)], ["ELOOP", undefined]);
});
