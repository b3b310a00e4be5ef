/**
 * Programs of BPF: nanoseconds per message of the sample parsers on each back end, instructions per second in a loop of
 * 64-bit arithmetic, time to load. Beside them, in the same run, the interpreter and parsers written by hand; beside the
 * loop in WebAssembly, the chain of multiplications and additions in it, than which no processor runs it faster.
 *
 * Goals in nanoseconds and instructions are for Node 20 on a machine of 2 virtual processors, Zen 5; elsewhere the ratios
 * to the interpreter and to the parser written by hand say more.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { type BpfBackend, BpfMachine, bpfParser, loadObject } from "../src/bpf/mod.ts";
import { encodeInstructions } from "../src/bpf/isa.ts";
import { fromHex } from "../src/bytes/hex.ts";
import { lengthPrefix } from "../src/strparser/mod.ts";
import type { Parser } from "../src/strparser/parser.ts";
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

/** `(turns) => x`, written by hand: as often, x = x * 0x1234567 + 0x7654321 in 64 bits; each needs the one before. */
function chainModule(): (turns: number) => number {
  // deno-fmt-ignore
  const bytes = Uint8Array.of(
    0, 97, 115, 109, 1, 0, 0, 0, // \0asm, version 1
    1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, // type: (i32) -> i32
    3, 2, 1, 0, // one function of it
    7, 5, 1, 1, 0x66, 0, 0, // exported as "f"
    10, 41, 1, 39, // code: one body of 39 bytes
    1, 1, 0x7e, // one local: i64, x
    0x42, 1, 0x21, 1, // x = 1
    0x03, 0x40, // loop
    0x20, 1, 0x42, 0xe7, 0x8a, 0x8d, 0x09, 0x7e, // x * 0x1234567
    0x42, 0xa1, 0x86, 0x95, 0x3b, 0x7c, 0x21, 1, // + 0x7654321
    0x20, 0, 0x41, 1, 0x6b, 0x22, 0, // turns - 1
    0x0d, 0, 0x0b, // again unless 0
    0x20, 1, 0xa7, 0x0b, // the low half of x
  );
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports["f"] as (turns: number) => number;
}

/** What keeps the loop from being faster in WebAssembly: its chain, which takes some four cycles a turn. */
async function chain(bench: Bench): Promise<void> {
  const machine = new BpfMachine({ name: "loop", code: loopProgram(TURNS), maps: [], license: "" }, {
    backend: "wasm",
  });
  const nothing = new Uint8Array(1), alone = chainModule();
  const often = (run: () => number) => () => {
    for (let i = 0; i < 100; i++) run();
    return 100 * TURNS;
  };
  await bench.figure({
    name: "64-bit arithmetic, wasm, against its chain alone",
    unit: "turns/s",
    run: often(() => machine.run(nothing)),
    baseline: { name: "multiply and add by hand", run: often(() => alone(TURNS)) },
    goal: { ratio: 0.9 },
  });
}

/**
 * Beside the whole, what is left where the engine has compiled all functions when it read them: V8 does that when each is
 * first called, and to compile the two hundred that a first load calls takes longer than to run them.
 */
function load(bench: Bench): void {
  const row = (name: string, backend: BpfBackend, flags: readonly string[], goal: number | undefined): void => {
    if (!bench.isWanted(name)) return;
    const values = Array.from(
      { length: bench.isQuick ? 3 : 7 },
      () => Number(runAlone(new URL("bpf_load.ts", import.meta.url), [backend], flags)),
    );
    bench.reading({ name, unit: "ms", values, ...(goal !== undefined && atMost(goal)) });
  };
  for (const backend of backends) row(`cold load, ${backend}`, backend, [], backend === "js" ? 5 : undefined);
  if (runtimeName().startsWith("node")) row("cold load, js, functions compiled before", "js", ["--no-lazy"], undefined);
}

await bench("bpf", async (bench) => {
  parsers(bench);
  await byHand(bench);
  await arithmetic(bench);
  await chain(bench);
  load(bench);
});
