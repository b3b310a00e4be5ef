/**
 * Compiles a program ahead of time: to the text of a module that needs nothing else, for places where code may neither
 * be made of text nor compiled from WebAssembly.
 *
 * What such a module can't have: maps other than arrays and global variables, tail calls, `trace_printk` (it prints
 * nothing), lists, strings. Control flow that cannot be nested becomes a loop around a `switch`.
 *
 * @module
 */
import { failureCodes } from "../bpf_parser.ts";
import { limitOption } from "../../core/limits.ts";
import { checkOptions, checkProgram } from "../check_arguments.ts";
import { BpfError } from "../errors.ts";
import { BPF_CALL, BPF_JMP } from "../isa.ts";
import { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY } from "../map_types.ts";
import { strideOf } from "../maps/bpf_map.ts";
import { checkMap } from "../maps/make_map.ts";
import type { BpfProgram, MapDefinition } from "../program.ts";
import { CONTEXT_BYTES, DEFAULT_BUDGET, FRAME_BYTES, MAX_BUDGET } from "../runner.ts";
import { mayWriteContext } from "../scratch_area.ts";
import type { VerifiedProgram, VerifierOptions } from "../verifier/facts.ts";
import { type BpfVariables, setVariables, withMaps } from "../variables.ts";
import { verifyProgram } from "../verifier/verify_program.ts";
import { type CodePlaces, writeJs } from "./js_program.ts";
import { withUsedMaps } from "./module_maps.ts";
import { hasModuleHelper, moduleHelpers } from "./module_helpers.ts";

/** Options of {@linkcode compileToModule}. */
export interface CompileToModuleOptions extends VerifierOptions {
  /** Name of the parser. @default {the program's} */
  name?: string | undefined;
  /** Instructions that one run may take. @default {1_000_000} */
  budget?: number | undefined;
  /** Bytes of memory that the maps may take. @default {64 MiB} */
  maxMemoryBytes?: number | undefined;
  /** Values of global variables, constants (`const volatile`) included. @default {those of the object} */
  variables?: BpfVariables | undefined;
}

/** Where things are in the module's memory: nothing at 0, then context, high half, maps, frames. */
interface Layout extends CodePlaces {
  readonly high: number;
  readonly size: number;
}

const CONTEXT = 64;
const MOST_MAP_BYTES = 64 * 1024 * 1024;

/**
 * Compiles a program to a module. It is JavaScript that TypeScript takes as well, and exports `parser`, a parser as
 * `strparser` and `kcm` want it, and `maps`, the bytes of all values of each map by name, for configuration. A program
 * that asks for time or random numbers takes them from the exported `host`, whose functions may be replaced.
 *
 * @throws {BpfError} what is wrong with the program; `ENOSYS` for what a module cannot have
 * @example
 * ```ts
 * import { compileToModule } from "@leat/streams/bpf";
 * import { assert } from "@std/assert";
 *
 * const program = {
 *   name: "prefixed",
 *   // r6 = r1; r0 = *(u16 *)skb[0]; r0 += 2; exit: a length in network order, which does not count itself
 *   code: Uint8Array.from(atob("vxYAAAAAAAAoAAAAAAAAAAcAAAACAAAAlQAAAAAAAAA="), (char) => char.charCodeAt(0)),
 *   maps: [],
 *   license: "",
 * };
 * assert(compileToModule(program).includes("export const parser"));
 * ```
 */
export function compileToModule(whole: BpfProgram, options: CompileToModuleOptions = {}): string {
  checkProgram(whole);
  checkOptions(options);
  const { name = whole.name } = options;
  const budget = Math.min(limitOption("budget", options.budget, DEFAULT_BUDGET), MAX_BUDGET);
  const program = withUsedMaps(withMaps(whole, setVariables(whole.maps, options.variables ?? {}), whole.code));
  program.maps.forEach(checkMap);
  const verified = verifyProgram(program, options);
  if (verified.isChecked) {
    throw new BpfError("a module cannot have a program that was not proven safe", { code: "ENOSYS" });
  }
  const helpers = helpersOf(verified);
  program.maps.forEach(refuseMap);
  const layout = layOutMemory(verified, budget, limitOption("maxMemoryBytes", options.maxMemoryBytes, MOST_MAP_BYTES));
  const { body } = writeJs(verified, layout, "nested", { entry: "context", isWide: false });
  return [
    "// @ts-nocheck",
    `// Made by leat from the BPF program ${quoted(program.name)}; ${program.code.length / 8} instructions.`,
    memoryText(layout, program.maps),
    moduleHelpers(helpers),
    runtimeText(layout),
    `const run = (() => {\n${body}\n})();`,
    parserText(name, mayWriteContext(verified.instructions)),
    "",
  ].join("\n");
}

function helpersOf({ instructions }: VerifiedProgram): number[] {
  const numbers = new Set<number>();
  instructions.forEach(({ opcode, src, imm }, slot) => {
    if (opcode !== (BPF_JMP | BPF_CALL) || src !== 0) return;
    if (!hasModuleHelper(imm)) {
      throw new BpfError(`instruction ${slot}: a module cannot have helper ${imm}`, {
        code: "ENOSYS",
        instruction: slot,
      });
    }
    numbers.add(imm);
  });
  return [...numbers];
}

function refuseMap({ name, type }: MapDefinition): void {
  if (type === BPF_MAP_TYPE_ARRAY || type === BPF_MAP_TYPE_PERCPU_ARRAY) return;
  throw new BpfError(`a module can have arrays and global variables only, map ${name} has type ${type}`, {
    code: "ENOSYS",
  });
}

function layOutMemory({ program, flow }: VerifiedProgram, budget: number, maxMemoryBytes: number): Layout {
  const high = CONTEXT + CONTEXT_BYTES;
  let end = high + 8;
  const valueAddresses = program.maps.map((map) => {
    const address = end;
    end += strideOf(map) * map.maxEntries;
    return address;
  });
  if (end - high - 8 > maxMemoryBytes) {
    throw new BpfError(`the maps take ${end - high - 8} bytes, maxMemoryBytes is ${maxMemoryBytes}`, { code: "E2BIG" });
  }
  const frameTop = end + FRAME_BYTES * Math.min(flow.functions.length, 8);
  return { context: CONTEXT, high, valueAddresses, frameTop, size: frameTop, budget };
}

function memoryText({ size, high, valueAddresses }: Layout, maps: readonly MapDefinition[]): string {
  const lines = [
    `const memory = new ArrayBuffer(${size});`,
    "const U = new Uint8Array(memory), V = new DataView(memory), W = new Int32Array(memory);",
    `const G = new Int32Array(memory, ${high}, 2);`,
    "const X = { bytes: U, start: 0, end: 0 };",
  ];
  const infos = maps.map((map, at) =>
    `{ address: ${valueAddresses[at]}, stride: ${strideOf(map)}, entries: ${map.maxEntries}, size: ${map.valueSize} }`
  );
  lines.push(`const I = [${infos.join(", ")}];`);
  maps.forEach(({ initial }, at) => {
    const bytes = initial === undefined ? [] : [...initial];
    while (bytes.at(-1) === 0) bytes.pop();
    if (bytes.length > 0) lines.push(`U.set([${bytes.join(", ")}], ${valueAddresses[at]});`);
  });
  const views = maps.map((map, at) => {
    const end = valueAddresses[at]! + strideOf(map) * (map.maxEntries - 1) + map.valueSize;
    return `${quoted(map.name)}: U.subarray(${valueAddresses[at]}, ${end})`;
  });
  lines.push("/** Bytes of all values of each map; the next value begins at a multiple of 8. */");
  lines.push(`export const maps = { ${views.join(", ")} };`);
  return lines.join("\n");
}

/** What the code calls: `E` begins a run, `C` ends one that failed. */
function runtimeText({ context }: Layout): string {
  return `let failure;
const E = (bytes, start, end) => {
  X.bytes = bytes;
  X.start = start;
  X.end = end;
  V.setInt32(${context}, end - start, true);
};
const C = (thrown) => {
  const code = thrown?.code === "ELOOP" ? "ELOOP" : "EFAULT";
  failure = { code, reason: code === "ELOOP" ? "the budget of instructions is spent" : "an access failed" };
  return code === "ELOOP" ? -40 : -14;
};`;
}

/**
 * A name as a literal. Names come from object files: a line separator of Unicode, which `JSON.stringify` leaves as it is,
 * would end the comment that a name is in, and what follows would be code.
 */
function quoted(name: string): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(name).replace(/[^\x20-\x7e]/g, escaped);
}

function parserText(name: string, keepsScratch: boolean): string {
  const cb = (CONTEXT + 48) / 4;
  const [before, after] = keepsScratch
    ? [
      `if (state.isPending) W.set(state.kept, ${cb});\n    else W.fill(0, ${cb}, ${cb + 5});\n    `,
      `\n    state.isPending = result === 0;\n    if (result === 0) state.kept.set(W.subarray(${cb}, ${cb + 5}));`,
    ]
    : ["", ""];
  const start = keepsScratch ? "{ kept: new Int32Array(5), isPending: false }" : "undefined";
  return `const codes = ${JSON.stringify(failureCodes)};
const failed = (result) => {
  const known = failure;
  failure = undefined;
  if (known !== undefined) return known;
  if (result === -86) return { code: "ESTRPIPE", reason: "the parser hands the stream over" };
  return { code: codes[-result] ?? "EPROTO", reason: "program " + ${quoted(name)} + " returned " + result };
};
/** Parser: length of the message at \`start\`, 0 for more bytes, or why it is none. */
export const parser = {
  name: ${quoted(name)},
  start: (_about) => (${start}),
  parse(bytes, start, end, state) {
    ${before}const result = run(bytes, start, end);${after}
    return result >= 0 ? result : failed(result);
  },
};`;
}
