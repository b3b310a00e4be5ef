import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { assemble } from "../../src/bpf/assembler.ts";
import { loadObject } from "../../src/bpf/bpf_object.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { compileToModule, type CompileToModuleOptions } from "../../src/bpf/jit/compile_module.ts";
import { BpfMachine } from "../../src/bpf/machine.ts";
import type { MapDefinition } from "../../src/bpf/program.ts";
import { verifyProgram } from "../../src/bpf/verifier/verify_program.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import type { Parser } from "../../src/strparser/parser.ts";
import { backends, groupsOf, recordedMachine, sample } from "./support/builds.ts";
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

test("modules: the parser begins a stream with what it is about, whether or not it keeps something", async () => {
  for (const text of ["r0 = 1\nexit", "r2 = 7\n*(u32 *)(r1 + 48) = r2\nr0 = 1\nexit"]) {
    const { parser } = await load(compileToModule(assemble(text)));
    // One parameter, so that TypeScript lets it be called with what it is about.
    assertEquals(parser.start?.length, 1);
    assertEquals(parser.parse(new Uint8Array(1), 0, 1, parser.start!({})), 1);
  }
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

const array = { name: "m", type: 2, keySize: 4, valueSize: 4, maxEntries: 2, flags: 0 };

test("modules: updates fail as those of the machine do", async () => {
  for (const key of [0, 5]) {
    for (const flags of ["0", "1", "2", "3", "-1", "0x100000000 ll"]) {
      const text = `
        *(u32 *)(r10 - 4) = ${key}
        *(u32 *)(r10 - 8) = 9
        r1 = map[m] ll
        r2 = r10
        r2 += -4
        r3 = r10
        r3 += -8
        r4 = ${flags}
        call 2
        r0 = -r0
        exit`;
      const program = assemble(text, { maps: [array] });
      const { parser } = await load(compileToModule(program));
      assertEquals(parser.parse(new Uint8Array(1), 0, 1, undefined), new BpfMachine(program).run(new Uint8Array(1)));
    }
  }
});

test("modules: time and chance are the host's, and may be replaced", async () => {
  const text = compileToModule(assemble("call 5\nr6 = r0\ncall 7\nr7 = r0\ncall 208\nr0 += r6\nr0 += r7\nexit"));
  const module = await load(text);
  const { host } = module as unknown as { host: Record<"now" | "wallNow" | "random", () => number> };
  Object.assign(host, { now: () => 1.5, wallNow: () => 0.25, random: () => -4294967290 });
  assertEquals(module.parser.parse(new Uint8Array(1), 0, 1, undefined), 1_500_000 + 250_000 + 6);
  // Nobody else has it, so that nothing of a clock is in the text.
  assert(!/performance|Date|Math.random|host/.test(compileToModule(assemble("call 8\nexit"))));
});

test("modules: what a machine would refuse is refused", () => {
  const codeOf = (text: string, options: CompileToModuleOptions = {}, ...maps: MapDefinition[]) =>
    assertThrows(() => compileToModule(assemble(text, { maps }), options), BpfError).code;
  assertEquals(codeOf("r1 = map[m] ll\nr0 = 1\nexit", {}, { ...array, keySize: 1 }), "EINVAL");
  assertEquals(codeOf("r1 = map[m] ll\nr0 = 1\nexit", {}, { ...array, initial: new Uint8Array(5) }), "EINVAL");
  assertEquals(codeOf("r1 = map[m] ll\nr0 = 1\nexit", {}, { ...array, maxEntries: 2 ** 31 }), "E2BIG");
  assertEquals(codeOf("r1 = map[m] ll\nr0 = 1\nexit", { maxMemoryBytes: 15 }, array), "E2BIG");
  assertEquals(codeOf("r0 = *(u64 *)(r2 + 8)\nexit", { mode: "sandbox" }), "ENOSYS");
  const program = assemble("r0 = 1\nexit");
  for (const length of [0, 1, 9, 12, 15]) {
    const cut = { ...program, code: program.code.slice(0, length), maps: [array] };
    const says = (act: () => unknown) => {
      const { code, message } = assertThrows(act, BpfError);
      return [code, message];
    };
    assertEquals(says(() => compileToModule(cut)), says(() => verifyProgram(cut)));
    assertEquals(says(() => compileToModule(cut))[0], "EINVAL");
  }
  assertThrows(() => compileToModule(program, { budget: Number.NaN }), RangeError);
});

test("a budget of more than 32 bits is a large one", async () => {
  const table = { ...array, type: 3 };
  const loop = assemble("r0 = 0\nagain:\nr0 += 1\nif r0 < 10 goto again\nexit", { maps: [table] });
  const main = assemble("r2 = map[m] ll\nr3 = 0\ncall 12\nr0 = -1\nexit", { maps: [table] });
  for (const budget of [3e9, 2 ** 40]) {
    for (const backend of backends) {
      const machine = new BpfMachine(main, { backend, budget, programs: { m: [loop] } });
      assertEquals([machine.run(new Uint8Array(1)), machine.takeFailure()], [10, undefined]);
    }
    const { parser } = await load(compileToModule({ ...loop, maps: [] }, { budget }));
    assertEquals(parser.parse(new Uint8Array(1), 0, 1, undefined), 10);
  }
});

test("only the maps that a program refers to count, and only they are exported", async () => {
  const hash: MapDefinition = { name: "stats", type: 1, keySize: 4, valueSize: 8, maxEntries: 4, flags: 0 };
  const other: MapDefinition = { name: "other", type: 27, keySize: 0, valueSize: 0, maxEntries: 4096, flags: 0 };
  const array: MapDefinition = { name: "limits", type: 2, keySize: 4, valueSize: 12, maxEntries: 2, flags: 0 };
  const maps = [hash, other, array];
  assertEquals(Object.keys((await load(compileToModule(assemble("r0 = 0\nexit", { maps })))).maps), []);
  const text = "*(u32 *)(r10 - 4) = 1\nr2 = r10\nr2 += -4\nr1 = map[limits] ll\ncall 1\nif r0 == 0 goto +1\n" +
    "r0 = *(u32 *)(r0 + 8)\nexit";
  const { parser, maps: own } = await load(compileToModule(assemble(text, { maps })));
  assertEquals(Object.keys(own), ["limits"]);
  // The second value begins at 16 and has 12 bytes.
  assertEquals(own["limits"]!.length, 28);
  own["limits"]![24] = 9;
  assertEquals(parser.parse(new Uint8Array(1), 0, 1, parser.start?.({})), 9);
  const refused = assertThrows(() => compileToModule(assemble("r1 = map[stats] ll\nr0 = 0\nexit", { maps })), BpfError);
  assertEquals(refused.code, "ENOSYS");
});

test("variables of a module: set before it is compiled, constants as well", async () => {
  const object = loadObject(readFileSync(new URL("../../examples/bpf/framing.o", import.meta.url)));
  const program = object.program("rpc");
  const { parser, maps } = await load(compileToModule(program, { variables: { max_body: 2 } }));
  assertEquals(maps[".rodata"]!.length, 4);
  const parse = (body: number) => {
    const bytes = Uint8Array.of(0x4c, 0x54, 1, 0, 0, 0, 0, body);
    return parser.parse(bytes, 0, 8, parser.start?.({}));
  };
  assertEquals(parse(2), 10);
  assertEquals((parse(3) as { code: string }).code, "EPROTO");
  const code = assertThrows(() => compileToModule(program, { variables: { no_such: 2 } }), BpfError).code;
  assertEquals(code, "ENOENT");
  assertThrows(() => compileToModule(program, { variables: { max_body: 2 ** 32 } }), RangeError);
  // The program itself is as it was.
  assertEquals(new BpfMachine(program).getVariable("max_body") === 2, false);
});
