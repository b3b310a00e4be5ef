/**
 * Programs of BPF: nanoseconds per message of the sample parsers on each back end, instructions per second in a loop of
 * 64-bit arithmetic, time to load. Beside them, in the same run, the interpreter and parsers written by hand; beside the
 * loop, the same written by hand without a budget and, in WebAssembly, the chain of multiplications and additions in it,
 * than which no processor runs it faster.
 *
 * Goals in nanoseconds and instructions are for Node 20 on a machine of 2 virtual processors, Zen 5; elsewhere the ratios
 * to the interpreter and to the parser written by hand say more.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { type BpfBackend, BpfMachine, bpfParser, loadObject, verifyProgram } from "../src/bpf/mod.ts";
import { writePlain } from "../src/bpf/jit/js_plain.ts";
import { encodeInstructions } from "../src/bpf/isa.ts";
import { fromHex } from "../src/bytes/hex.ts";
import { lengthPrefix } from "../src/strparser/mod.ts";
import type { Parser } from "../src/strparser/parser.ts";
import { chainInWasm, type Loop, loopInJs, loopInWasm } from "./bpf_by_hand.ts";
import { type Bench, bench, runAlone, runtimeName } from "./harness.ts";

const data = new URL("../tests/bpf/data/", import.meta.url);
const backends: readonly BpfBackend[] = ["js", "wasm", "interpreter"];

/** The sample parsers, each with the beginning of a message that it accepts. */
const samples: readonly (readonly [object: string, message: string])[] = [
  ["01_len16be", "000568656c6c6f"],
  ["02_len32le_incl", "10000000"],
  ["03_http2", "00000a000000000001"],
  ["04_postgres_backend", "5a00000005"],
  ["05_dns_tcp", "001d12348180000100000000"],
  ["06_thrift_framed", "0000001080010001"],
  ["07_tls_record", "1603010040"],
  ["08_memcached_bin", "8100000400000000000000040000000000000000000000001"],
  ["14_local_func", "000010"],
  ["15_mqtt_varint", "308001"],
];

function machineOf(object: string, backend: BpfBackend): BpfMachine {
  const loaded = loadObject(readFileSync(new URL(`c14-v3-g/${object}.o`, data)));
  const name = object === "14_local_func" ? "local_func" : undefined;
  return new BpfMachine(loaded.program(name), { backend });
}

function messageOf(hex: string): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set(fromHex(hex.slice(0, hex.length & ~1)));
  return bytes;
}

/** Asks a parser so often; every answer must be the same and positive. */
function ask(parser: Parser, bytes: Uint8Array, times: number): number {
  const state = parser.start?.({});
  let sum = 0;
  for (let i = 0; i < times; i++) sum += parser.parse(bytes, 0, bytes.length, state) as number;
  if (!(sum > 0)) throw new Error(`${parser.name} answers ${sum / times}`);
  return times;
}

/** Nanoseconds per answer, the best of some rounds: whatever disturbs only makes it slower. */
function nanoseconds(parser: Parser, bytes: Uint8Array, isQuick: boolean): number {
  const times = isQuick ? 100_000 : 400_000;
  ask(parser, bytes, times);
  let best = Infinity;
  for (let round = 0; round < (isQuick ? 5 : 9); round++) {
    const startedAt = performance.now();
    ask(parser, bytes, times);
    best = Math.min(best, (performance.now() - startedAt) * 1e6 / times);
  }
  return best;
}

const geometricMean = (values: readonly number[]) =>
  Math.exp(values.reduce((sum, x) => sum + Math.log(x), 0) / values.length);

/** A goal in nanoseconds. */
const atMost = (value: number) => ({
  baseline: { name: "goal", value },
  goal: { ratio: 1, bound: "at most" as const },
});

function parsers(bench: Bench): void {
  const { isQuick } = bench;
  const means = new Map<BpfBackend, number>();
  for (const backend of backends) {
    const times = samples.map(([object, hex]) =>
      nanoseconds(bpfParser(machineOf(object, backend)), messageOf(hex), isQuick)
    );
    samples.forEach(([object], i) =>
      bench.reading({
        name: `${object}, ${backend}`,
        unit: "ns",
        values: [times[i]!],
        ...(i === 0 && backend === "js" && atMost(5)),
      })
    );
    means.set(backend, geometricMean(times));
  }
  const js = means.get("js")!, wasm = means.get("wasm")!, interpreter = means.get("interpreter")!;
  bench.reading({ name: "sample parsers, js", unit: "ns", values: [js], ...atMost(10) });
  bench.reading({ name: "sample parsers, wasm", unit: "ns", values: [wasm] });
  bench.reading({ name: "sample parsers, interpreter", unit: "ns", values: [interpreter], ...atMost(150) });
}

/** The 2-byte prefix against a parser written by hand, in turns. */
async function byHand(bench: Bench): Promise<void> {
  const message = messageOf("000568656c6c6f");
  const hand = lengthPrefix(2);
  for (const backend of backends) {
    const parser = bpfParser(machineOf("01_len16be", backend));
    await bench.figure({
      name: `2-byte prefix, ${backend}`,
      unit: "messages/s",
      run: () => ask(parser, message, 100_000),
      baseline: { name: "written by hand", run: () => ask(hand, message, 100_000) },
    });
  }
}

/** As many turns as the usual budget of a million instructions allows, and some to spare. */
const TURNS = 20_000;

/** A linear congruential generator and a mix of its values. Nine instructions a turn: multiply, add, move, shift, exclusive or, shift, add, subtract, jump. */
function loopProgram(turns: number): Uint8Array {
  const at = (opcode: number, dst: number, src: number, imm: number, offset = 0) => ({ opcode, dst, src, imm, offset });
  return encodeInstructions([
    at(0xb7, 0, 0, 1),
    at(0xb7, 3, 0, 0x1234567),
    at(0xb7, 4, 0, 0),
    at(0xb7, 5, 0, 0),
    at(0xb7, 1, 0, turns),
    at(0x2f, 0, 3, 0),
    at(0x07, 0, 0, 0x7654321),
    at(0xbf, 2, 0, 0),
    at(0x77, 2, 0, 29),
    at(0xaf, 4, 2, 0),
    at(0x67, 2, 0, 3),
    at(0x0f, 5, 2, 0),
    at(0x17, 1, 0, 1),
    at(0x55, 1, 0, 0, -9),
    at(0xaf, 0, 4, 0),
    at(0xaf, 0, 5, 0),
    at(0x95, 0, 0, 0),
  ]);
}

async function arithmetic(bench: Bench): Promise<void> {
  const goals = { js: 3000e6, wasm: 8000e6, interpreter: undefined };
  for (const backend of backends) {
    const runs = backend === "interpreter" ? 20 : 1000;
    const program = { name: "loop", code: loopProgram(TURNS), maps: [], license: "" };
    const machine = new BpfMachine(program, { backend });
    const nothing = new Uint8Array(1);
    const round = () => {
      const startedAt = performance.now();
      for (let i = 0; i < runs; i++) machine.run(nothing);
      return runs * TURNS * 9000 / (performance.now() - startedAt);
    };
    round();
    const speeds = Array.from({ length: bench.isQuick ? 3 : 9 }, round);
    const goal = goals[backend];
    bench.reading({
      name: `64-bit arithmetic, ${backend}`,
      unit: "instructions/s",
      values: speeds,
      ...(goal !== undefined && { baseline: { name: "goal", value: goal }, goal: { ratio: 1 } }),
    });
  }
  await Promise.resolve();
}

/**
 * What keeps the loop from being faster: its chain, which takes a processor some four cycles a turn. Beside the goals in
 * instructions, which are a matter of its clock, the ratios to the same loop written by hand without a budget.
 */
async function againstHand(bench: Bench): Promise<void> {
  const nothing = new Uint8Array(1);
  const often = (run: () => number) => () => {
    for (let i = 0; i < 100; i++) run();
    return 100 * TURNS;
  };
  const row = async (backend: "js" | "wasm", name: string, byHand: string, alone: Loop, ratio?: number) => {
    const program = { name: "loop", code: loopProgram(TURNS), maps: [], license: "" };
    const machine = new BpfMachine(program, { backend });
    await bench.figure({
      name: `64-bit arithmetic, ${backend}, against ${name}`,
      unit: "turns/s",
      run: often(() => machine.run(nothing)),
      baseline: { name: byHand, run: often(() => alone(TURNS)) },
      ...(ratio !== undefined && { goal: { ratio } }),
    });
    return machine.run(nothing);
  };
  const js = await row("js", "the loop by hand", "int32 pairs by hand, no budget", loopInJs);
  const wasm = await row("wasm", "the loop by hand", "WebAssembly by hand, no budget", loopInWasm(), 0.95);
  if (js !== loopInJs(TURNS) || wasm !== loopInWasm()(TURNS)) throw new Error("the loops by hand are others");
  await row("wasm", "its chain alone", "multiply and add by hand", chainInWasm(), 0.9);
}

/** Programs that the writer for packet bytes alone has no words for, by what they have. */
const MORE_THAN_PLAIN = {
  "stack": "02_len32le_incl",
  "helpers": "05_dns_tcp",
  "variables": "13_rodata_cfg",
  "a loop": "15_mqtt_varint",
};

/**
 * Beside the whole, what is left where the engine has compiled all functions when it read them: V8 does that when each is
 * first called, and to compile the hundred and more that a first load calls takes longer than to run them.
 */
function load(bench: Bench): void {
  const rounds = bench.isQuick ? 3 : 7;
  const alone = (script: string, args: readonly string[], flags: readonly string[]) =>
    Array.from({ length: rounds }, () => Number(runAlone(new URL(script, import.meta.url), args, flags)));
  const row = (name: string, args: readonly string[], flags: readonly string[], goal: number | undefined): void => {
    if (!bench.isWanted(name)) return;
    const values = alone("bpf_load.ts", args, flags);
    bench.reading({ name, unit: "ms", values, ...(goal !== undefined && atMost(goal)) });
  };
  for (const backend of backends) row(`cold load, ${backend}`, [backend], [], backend === "js" ? 5 : undefined);
  for (const [what, program] of Object.entries(MORE_THAN_PLAIN)) {
    row(`cold load, js, a program with ${what}`, ["js", program], [], 5);
  }
  const bare = "cold load, what the bare runtime takes for object, walk and finished JavaScript";
  if (bench.isWanted(bare)) {
    const program = loadObject(readFileSync(new URL("c14-v3-g/04_postgres_backend.o", data))).program();
    const text = writePlain(verifyProgram(program))!;
    bench.reading({ name: bare, unit: "ms", values: alone("bpf_load_bare.ts", [text], []) });
  }
  if (runtimeName().startsWith("node")) {
    row("cold load, js, functions compiled before", ["js"], ["--no-lazy"], undefined);
  }
}

await bench("bpf", async (bench) => {
  parsers(bench);
  await byHand(bench);
  await arithmetic(bench);
  await againstHand(bench);
  load(bench);
});
