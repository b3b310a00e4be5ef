import { test } from "node:test";
import { assert, assertNotMatch } from "@std/assert";
import { run } from "../../src/cli/run.ts";
import { mutate, SeededRandom } from "../../src/sim/mod.ts";
import { objectFile } from "../bpf/support/recordings.ts";
import { fuzzInputs, fuzzSeeds } from "../support/fuzz.ts";
import { MemoryIo } from "./support/memory_io.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const SEEDS: readonly Uint8Array[] = [
  objectFile("c14-v3-g", "13_rodata_cfg"),
  objectFile("c14-v3-g", "14_local_func"),
  objectFile("plain", "01_len16be"),
  encode('.license "GPL"\n.map a array 4 8 1\nr6 = r1\nr0 = *(u16 *)skb[0]\nif r0 > 7 goto b\nb: exit\n'),
  encode("{ 0x28, 0, 0, 0x0000000c },\n{ 0x15, 0, 1, 0x00000800 },\n{ 0x6, 0, 0, 0x00040000 },\n{ 0x6, 0, 0, 0 },\n"),
  encode(
    "(000) ldh      [12]\n(001) jeq      #0x800           jt 2\tjf 3\n(002) ret      #262144\n(003) ret      #0\n",
  ),
];
const COMMANDS: readonly (readonly string[])[] = [
  ["asm", "a"],
  ["asm", "a", "--to", "raw", "-o", "out"],
  ["disasm", "a", "--source"],
  ["disasm", "a", "--asm", "--dialect", "conformance"],
  ["disasm", "a", "--ebpf"],
  ["verify", "a"],
  ["verify", "a", "--mode", "sandbox", "--classic"],
  ["run", "a", "0005aabbcc", "00", "--budget", "1000"],
  ["run", "a", "0005aabbcc", "--mode", "sandbox", "--backend", "interpreter", "--budget", "1000"],
  ["compile", "a"],
  ["info", "a"],
];
/** Each input is a run of the whole program, which costs as much as twenty of an engine. */
const RUNS = Math.max(1, Math.floor(fuzzInputs() / 20));

for (const seed of fuzzSeeds()) {
  test(`whatever is in a file of programs, leat bpf is safe and errors are lines (seed ${seed})`, async () => {
    const random = new SeededRandom(seed);
    for (let number = 0; number < RUNS; number++) {
      const io = new MemoryIo({ a: mutate(random.pick(SEEDS), random) });
      const args = random.pick(COMMANDS);
      const code = await run(["bpf", ...args], io);
      const where = `run ${number}, ${args.join(" ")}: ${io.stderr.text}`;
      assert(code === 0 || code === 1 || args[0] === "asm" && code === 2, where);
      for (const output of [io.stdout, io.stderr]) assertNotMatch(output.text, /[^\P{C}\n\t]/u, where);
      for (const line of io.stderr.lines) assert(line.startsWith("leat: ") && !line.includes("    at "), where);
    }
  });
}
