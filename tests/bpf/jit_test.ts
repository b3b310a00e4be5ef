import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { assemble } from "../../src/bpf/assembler.ts";
import { chooseBackend } from "../../src/bpf/backends.ts";
import { jsSource, placesOf } from "../../src/bpf/jit/compile_js.ts";
import { writeWasm } from "../../src/bpf/jit/wasm_module.ts";
import { BpfMachine } from "../../src/bpf/machine.ts";
import { BPF_MAP_TYPE_PROG_ARRAY } from "../../src/bpf/map_types.ts";
import { BpfMemory } from "../../src/bpf/memory.ts";
import type { BpfProgram } from "../../src/bpf/program.ts";
import type { BpfBackend } from "../../src/bpf/runner.ts";
import { BpfRuntime, ProgramEnvironment } from "../../src/bpf/runtime.ts";
import { verifyProgram } from "../../src/bpf/verifier/verify_program.ts";
import { backends, sample } from "./support/builds.ts";
import { inFormOf } from "./support/ways.ts";
import { at, deepProgram, endlessProgram, longProgram, prefixProgram, programOf } from "./support/jit_programs.ts";
import { processorMs } from "./support/processor_time.ts";

const nothing = new Uint8Array(1);

function environmentOf(program: BpfProgram, memory: BpfMemory): ProgramEnvironment {
  const options = { budget: 1000, now: () => 0, wallNow: () => 0, random: () => 0, onTrace: () => {}, cookie: 0 };
  return new ProgramEnvironment(new BpfRuntime(memory, options), program, false);
}

function sourceOf(program: BpfProgram): string {
  return jsSource(verifyProgram(program), environmentOf(program, new BpfMemory({ bytes: 10_000 }))).body;
}

for (const backend of backends) {
  test(`case 51: an endless loop is stopped by the budget, soon, and the machine lives on, ${backend}`, () => {
    const machine = new BpfMachine(endlessProgram, { backend, budget: 100_000 });
    for (let i = 0; i < 3; i++) {
      assertEquals(machine.run(nothing), -40);
      assertEquals(machine.takeFailure()?.code, "ELOOP");
    }
    const startedAt = processorMs();
    machine.run(nothing);
    // 20 ms are meant; other threads of the process may compile meanwhile.
    assert(processorMs() - startedAt < 200, "the loop went on");
  });

  test(`a part that is not in the bytes is refused at once, ${backend}`, () => {
    const machine = new BpfMachine(prefixProgram, { backend });
    const bytes = Uint8Array.of(9, 0, 5);
    assertEquals([machine.run(bytes, 1, 3), machine.run(bytes, 3, 3)], [7, 0]);
    for (const [start, end] of [[0, 4], [2, 1], [-1, 2], [NaN, 2], [0, NaN]] as const) {
      assertThrows(() => machine.run(bytes, start, end), RangeError, "of 3 bytes");
      assertThrows(() => machine.runAgain(bytes, start, end), RangeError, "of 3 bytes");
    }
    // The hot one does not ask for these.
    for (const [start, end] of [[0.5, 2], [0, 2.5]] as const) {
      assertThrows(() => machine.run(bytes, start, end), RangeError, "of 3 bytes");
    }
  });

  test(`case 51: calls count as well: no loop, but eight functions that call each other often, ${backend}`, () => {
    const functions = Array.from({ length: 7 }, (_, i) => {
      const calls = i === 6 ? [at(0xb7, 0, 0, 1)] : Array.from({ length: 30 }, () => at(0x85, 0, 1, i + 1));
      return [...calls, at(0x95)];
    });
    const starts = functions.map((_, i) => functions.slice(0, i).reduce((sum, one) => sum + one.length, 0));
    const code = functions.flat().map((one, slot) =>
      one.opcode === 0x85 ? { ...one, imm: starts[one.imm]! - slot - 1 } : one
    );
    const machine = new BpfMachine(programOf(code), { backend, mode: "sandbox" });
    assertEquals(machine.run(nothing), -40);
    assertEquals(machine.takeFailure()?.code, "ELOOP");
  });

  test(`case 55: 30,000 slots, and scopes in scopes, overflow no stack, ${backend}`, () => {
    const slots = backend === "js" ? 1500 : 30_000;
    const reference = new BpfMachine(longProgram(slots), { backend: "interpreter" });
    assertEquals(new BpfMachine(longProgram(slots), { backend }).run(nothing), reference.run(nothing));
    const deep = deepProgram(backend === "js" ? 480 : 2000);
    const machine = new BpfMachine(deep, { backend }), other = new BpfMachine(deep, { backend: "interpreter" });
    for (const length of [0, 1, 7, 399, 479, 600, 1999]) {
      const bytes = new Uint8Array(length);
      assertEquals(machine.run(bytes), other.run(bytes), `${length} bytes`);
    }
  });
}

test("case 51: what tail calls lead to is charged, whether or not it could spend a whole budget", () => {
  const maps = [{ name: "next", type: BPF_MAP_TYPE_PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 2, flags: 0 }];
  const goTo = (index: number) => `r6 = r1\nr2 = map[next] ll\nr3 = ${index}\nr1 = r6\ncall 12\nr0 = 9\nexit`;
  const [first, second] = [assemble(goTo(0), { maps }), assemble(goTo(1), { maps })];
  const last = assemble(`r0 = 1\n${"r0 += 1\n".repeat(6)}exit`);
  const run = (backend: BpfBackend, budget: number, next: readonly BpfProgram[]) => {
    const machine = new BpfMachine(first, { backend, budget, programs: { next } });
    return [machine.run(nothing), machine.takeFailure()?.code];
  };
  // Five instructions up to a tail call, eight of the last program.
  for (const [next, needed] of [[[last], 13], [[second, last], 18]] as const) {
    for (let budget = 1; budget < 25; budget++) {
      const wanted = budget < needed ? [-40, "ELOOP"] : [7, undefined];
      for (const backend of backends) assertEquals(run(backend, budget, next), wanted, `${backend}, ${budget}`);
    }
  }
});

test("case 52: no BigInt where 32 bits do, nor for 64-bit sums, loads and compares", () => {
  const samples = [
    "01_len16be",
    "02_len32le_incl",
    "03_http2",
    "04_postgres_backend",
    "07_tls_record",
    "08_memcached_bin",
  ];
  for (const build of ["plain", "c14-v3-g", "c19-v4-g"]) {
    for (const name of samples) {
      const text = sourceOf(sample(build, name).program());
      assert(!/BigInt|\d+n\b/.test(text), `${build}/${name} has BigInt`);
      assert(/^return \(function run\(p, s, e\) \{$/m.test(text), "run takes numbers");
    }
  }
  const sums = [at(0xb7, 0, 0, 7), at(0x0f, 0, 0), at(0x2f, 0, 0), at(0x6f, 0, 0), at(0x2d, 0, 0, 0, 0), at(0x95)];
  assert(!sourceOf(programOf(sums)).includes("BigInt"));
  const divided = [at(0x18, 0, 0, 7), at(0, 0, 0, 7), at(0x3f, 0, 0), at(0x95)];
  assert(sourceOf(programOf(divided)).includes("BigInt"), "a quotient of 64 bits is made with BigInt");
});

test("case 52: what a module of WebAssembly exports takes and returns 32-bit numbers", () => {
  const memory = new BpfMemory({ bytes: 10_000, wasm: true });
  for (const form of ["nested", "dispatch"] as const) {
    for (const name of ["01_len16be", "08_memcached_bin"]) {
      const program = sample("plain", name).program();
      const environment = environmentOf(program, memory);
      const places = { ...placesOf(environment), window: 0, highAddress: environment.highAddress };
      const module = new WebAssembly.Module(writeWasm(verifyProgram(program), places, form).bytes);
      const stubs = WebAssembly.Module.imports(module).map((one) =>
        [one.name, one.kind === "memory" ? memory.wasm as WebAssembly.Memory : () => 0] as const
      );
      const { exports } = new WebAssembly.Instance(module, { leat: Object.fromEntries(stubs) });
      const functions = Object.values(exports).filter((one) => typeof one === "function");
      assert(functions.length > 0);
      // A parameter of 64 bits would refuse numbers, a result of 64 bits would be a BigInt.
      for (const run of functions) assertEquals(typeof run(0, 0, 1000, 0, 0), "number");
    }
  }
});

test("case 52: what skb_load_bytes fills is read from the packet, not from memory", () => {
  const text = sourceOf(sample("c14-v3-g", "08_memcached_bin").program());
  assert(!/\b[UV]\b/.test(text), text);
  assert(text.includes("p[s + 8]"), text);
});

test("a counter that ends at 0, or that was compared with a small number, needs no high half", () => {
  const text = (code: string) => sourceOf(assemble(code));
  const down = (step: string) => text(`r0 = 1\nr1 = 20000\nagain:\nr0 += r0\n${step}\nif r1 != 0 goto again\nexit`);
  assert(!/\bh1\b/.test(down("r1 -= 1")), down("r1 -= 1"));
  assert(!/\bh1\b/.test(down("r1 += -1")), down("r1 += -1"));
  // By 3 it passes 0 and becomes a large number.
  assert(/\bh1\b/.test(down("r1 -= 3")));
  const compared = (jump: string) =>
    text(`r6 = r1\nr7 = *(u64 *)(r6 + 48)\nr0 = 0\n${jump}\nr0 = r7\nr0 += 5\nif r0 > 9 goto out\nr0 = 0\nout:\nexit`);
  const isNarrow = (jump: string) => !/\bh0 = .*\bh7\b/.test(compared(jump));
  for (const jump of ["if r7 > 1000 goto out", "if r7 >= 1000 goto out", "r2 = 1000\nif r2 < r7 goto out"]) {
    assert(isNarrow(jump), jump);
  }
  for (
    const jump of ["if r7 < 1000 goto out", "if w7 > 1000 goto out", "if r7 s> 1000 goto out", "if r7 & 8 goto out"]
  ) {
    assert(!isNarrow(jump), jump);
  }
});

for (const backend of backends.filter((one) => one !== "interpreter")) {
  test(`values behind compares are what they are: all kinds, both ways, numbers at the edges, ${backend}`, () => {
    const edges = ["0", "1", "2", "0x7fffffff", "0x80000000 ll", "0xffffffff ll", "0x100000000 ll", "-1", "-2"];
    const signs = ["==", "!=", ">", ">=", "<", "<=", "s>", "s>=", "s<", "s<="];
    for (const sign of signs) {
      for (const size of ["r", "w"]) {
        for (const other of ["0", "1", "0x7fffffff", "-1", `${size}3`]) {
          // What is known of r2 behind the jump shows in sums, shifts and compares.
          const way = "r0 = r2\nr0 -= 1\nr4 = r2\nr4 >>= 1\nr0 ^= r4\nif r2 > 5 goto +1\nr0 += 3";
          const code = `r2 = *(u64 *)(r1 + 48)\nr3 = *(u64 *)(r1 + 56)\nif ${size}2 ${sign} ${other} goto L
            ${way}\nexit\nL:\n${way}\nr0 += 1000\nexit`;
          const program = assemble(code);
          const [machine, reference] = [backend, "interpreter" as const].map((one) =>
            new BpfMachine(program, { backend: one })
          );
          for (const [a, b] of edges.map((one, at) => [one, edges[(at * 5 + 2) % edges.length]!])) {
            const words = Int32Array.from([a!, b!].flatMap(halvesOf));
            for (const one of [machine!, reference!]) {
              one.memory.bytes.set(new Uint8Array(words.buffer), one.context.address + 48);
            }
            assertEquals(machine!.runAgain(nothing), reference!.runAgain(nothing), `${a} ${b}: ${code}`);
          }
        }
      }
    }
  });
}

for (const backend of backends) {
  test(`an address that was moved below 0 has a high half of -1, one above 2^32 one of 1, ${backend}`, () => {
    for (const base of ["r10", "r1"]) {
      const far = (steps: string) => assemble(`r7 = ${base}\n${steps}\nr0 = r7\nr0 >>= 32\nexit`);
      const high = (steps: string) => new BpfMachine(far(steps), { backend, mode: "sandbox" }).run(nothing);
      assertEquals(high("r7 += -305419897"), -1, base);
      assertEquals(high("r7 -= 305419897"), -1, base);
      assertEquals(high("r7 += 2147483647\nr7 += 2147483647"), 1, base);
      assertEquals(high("r7 -= 8"), 0, base);
    }
  });
}

function halvesOf(number: string): [low: number, high: number] {
  const value = BigInt.asIntN(64, BigInt(number.replace(" ll", "")));
  return [Number(BigInt.asIntN(32, value)), Number(value >> 32n)];
}

test("cases 34 to 48 run in both forms: what is made for the dispatch form is a loop around a switch", () => {
  const text = (form: "nested" | "dispatch") =>
    inFormOf({ form }, () => sourceOf(sample("plain", "03_http2").program()));
  assert(text("dispatch").includes("for (;;) switch (c) {"), text("dispatch"));
  assert(!text("nested").includes("switch"), text("nested"));
});

test("case 53: a program of 3,000 slots goes to WebAssembly, without it to the interpreter and not to JavaScript", () => {
  assertEquals(chooseBackend("auto", 3000, { js: true, wasm: true }), "wasm");
  assertEquals(chooseBackend("auto", 3000, { js: true, wasm: false }), "interpreter");
  assertEquals(chooseBackend("auto", 50, { js: true, wasm: true }), "js");
  assertEquals(new BpfMachine(longProgram(3000)).backend, "wasm");
});

/** Runs the probe in a runtime of its own, with flags where the runtime has them. */
function probe(flags: readonly string[]): unknown[] {
  const { deno, bun } = process.versions as Record<string, string | undefined>;
  const before = deno !== undefined
    ? ["run", "-A", "--no-check", ...(flags.length > 0 ? [`--v8-flags=${flags.join(",")}`] : [])]
    : bun !== undefined
    ? []
    : [...process.execArgv.filter((arg) => !arg.startsWith("--test")), ...flags];
  const file = fileURLToPath(new URL("support/backend_probe.ts", import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, [...before, file], { encoding: "utf8" });
  const line = stdout.trim().split("\n").at(-1) ?? "";
  assert(line.startsWith("["), `${stdout}\n${stderr}`);
  return JSON.parse(line) as unknown[];
}

test("case 54: where code from strings is forbidden WebAssembly runs, without WebAssembly JavaScript; same results", () => {
  const usual = probe([]);
  const long = usual[3];
  assertEquals(usual, ["js", 7, "wasm", long]);
  const has = process.versions as Record<string, string | undefined>;
  const flags = has["bun"] === undefined;
  assertEquals(probe(flags ? ["--disallow-code-generation-from-strings"] : [])[0], flags ? "wasm" : "js");
  if (has["deno"] === undefined && flags) assertEquals(probe(["--jitless"]), ["js", 7, "interpreter", long]);
  assertEquals(new BpfMachine(prefixProgram, { backend: "interpreter" }).run(Uint8Array.of(0, 5, 1)), 7);
});

for (const backend of backends) {
  test(`products with constants, the sum of whose halves is just below or above 16 bits, ${backend}`, () => {
    const constants = [0xffff, 0x1ffff, 0x1234567, 0x7fff8000, 0x7fff8001, -1];
    const factors = [2n ** 64n - 1n, 2n ** 32n - 1n, 0xffff0000n, 0x123456789abcdef0n];
    for (const constant of constants) {
      for (const factor of factors) {
        const [low, high] = [Number(BigInt.asIntN(32, factor)), Number(BigInt.asIntN(32, factor >> 32n))];
        // A byte of the packet is added, so that nothing is known of the factor.
        const load = [at(0xbf, 6, 1), at(0x30), at(0x18, 1, 0, low), at(0, 0, 0, high), at(0x0f, 1, 0)];
        const product = BigInt.asUintN(64, factor * BigInt(constant));
        const halves = [[], [at(0x77, 0, 0, 32)]].map((shift) => {
          const code = [...load, at(0x27, 1, 0, constant), at(0xbf, 0, 1), ...shift, at(0x95)];
          return new BpfMachine(programOf(code), { backend }).run(nothing);
        });
        const expected = [product, product >> 32n].map((half) => Number(BigInt.asIntN(32, half)));
        assertEquals(halves, expected, `${factor} * ${constant}`);
      }
    }
  });
}
