import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { BpfError } from "../../src/bpf/errors.ts";
import { compileToModule } from "../../src/bpf/jit/compile_module.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import type { Parser } from "../../src/strparser/parser.ts";
import { groupsOf, recordedMachine, sample } from "./support/builds.ts";
import { endlessProgram, prefixProgram } from "./support/jit_programs.ts";
import { recordedVectors } from "./support/recordings.ts";

interface Module {
  parser: Parser;
  maps: Record<string, Uint8Array>;
}

const folder = mkdtempSync(join(tmpdir(), "leat-"));
let files = 0;
after(() => rmSync(folder, { recursive: true }));

async function load(text: string): Promise<Module> {
  const file = join(folder, `parser${files++}.mjs`);
  writeFileSync(file, text);
  return await import(pathToFileURL(file).href) as Module;
}

/** A result as a program gives it: failures are negative. */
function numberOf(answer: ReturnType<Parser["parse"]>): number {
  return typeof answer === "number" ? answer : -1;
}

test("modules: recorded runs give the same, all builds of all programs that a module can have", async () => {
  let runs = 0;
  for (const vectors of recordedVectors()) {
    for (const build of vectors.builds) {
      for (const group of groupsOf(vectors)) {
        let text: string;
        try {
          text = compileToModule(sample(build, vectors.object).program(vectors.program));
        } catch (error) {
          assert(error instanceof BpfError && error.code === "ENOSYS", String(error));
          assert(["12_hash_types", "16_tail_call"].includes(vectors.object), vectors.object);
          continue;
        }
        const { parser, maps } = await load(text);
        const machine = recordedMachine(vectors, build, group, { backend: "interpreter" });
        for (const [name, bytes] of Object.entries(maps)) {
          const { address } = machine.map(name);
          bytes.set(machine.memory.bytes.subarray(address, address + bytes.length));
        }
        for (const { in: input, ret } of group.runs) {
          const bytes = fromHex(`ffff${input}ff`);
          const answer = parser.parse(bytes, 2, bytes.length - 1, parser.start?.({}));
          assertEquals(numberOf(answer), Math.max(ret, -1), `${build}/${vectors.program} over ${input}`);
          runs++;
        }
      }
    }
  }
  assert(runs > 2000, `${runs} runs`);
});

test("modules: no code of text, no WebAssembly, no import, no type", () => {
  const text = compileToModule(sample("c14-v3-g", "08_memcached_bin").program(), { name: 'memcached "quoted"' });
  assert(!/\b(?:eval|Function|WebAssembly|import|require)\b/.test(text), text);
});

test("modules: name, failures and the budget", async () => {
  const { parser } = await load(compileToModule(prefixProgram, { name: "it's" }));
  assertEquals([parser.name, parser.parse(Uint8Array.of(0, 5), 0, 2, undefined)], ["it's", 7]);
  const endless = (await load(compileToModule(endlessProgram, { budget: 10_000 }))).parser;
  for (let i = 0; i < 2; i++) {
    const answer = endless.parse(new Uint8Array(1), 0, 1, undefined);
    assertEquals(typeof answer === "object" && answer.code, "ELOOP");
  }
});

test("modules: what they cannot have is refused by name", () => {
  const program = sample("c14-v3-g", "12_hash_types").program();
  assertThrows(() => compileToModule(program), BpfError, "map");
  assertThrows(() => compileToModule(sample("c14-v3-g", "16_tail_call").program("dispatch")), BpfError, "helper 12");
});

test("modules: what a program is called is not code", async () => {
  const name = '\u2028globalThis.leatWasHere = 1; //"\u2029`${1}*/\n\\';
  const { parser } = await load(compileToModule({ ...prefixProgram, name }));
  assertEquals(parser.name, name);
  assertEquals("leatWasHere" in globalThis, false);
});
