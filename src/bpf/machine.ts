/**
 * A program that is ready to run: verified, its maps in memory, compiled by one of the back ends.
 *
 * @module
 */
import { equals } from "../bytes/equals.ts";
import { systemClock } from "../core/clock.ts";
import { choiceOption, limitOption } from "../core/limits.ts";
import { type FillRandom, randomSeed, systemRandom } from "../core/random.ts";
import { chooseBackend, type CodePermissions, codePermissions, compileProgram } from "./backends.ts";
import { checkBytes, checkOptions, checkProgram, checkText } from "./check_arguments.ts";
import { BpfError } from "./errors.ts";
import { WINDOW_BYTES } from "./jit/wasm_packet.ts";
import type { BpfMap } from "./maps/bpf_map.ts";
import { isOfVariables } from "./maps/is_of_variables.ts";
import { checkMap, isHashed, makeMap, mapBytes } from "./maps/make_map.ts";
import { ProgramArray } from "./maps/program_array.ts";
import type { BpfNumber } from "./maps/value_codec.ts";
import { BpfMemory, type MemoryRegion } from "./memory.ts";
import { mayWriteContext, ScratchArea } from "./scratch_area.ts";
import type { BpfProgram, MapDefinition } from "./program.ts";
import { type BpfBackend, type BpfRunner, DEFAULT_BUDGET } from "./runner.ts";
import type { VerifiedProgram, VerifierOptions } from "./verifier/facts.ts";
import { type BpfVariables, noVariable, setVariables, withMaps } from "./variables.ts";
import { verifyProgram } from "./verifier/verify_program.ts";
import { BpfRuntime, ProgramEnvironment, RUNTIME_BYTES } from "./runtime.ts";

const nothing = new Uint8Array(0);

/** Options of {@linkcode BpfMachine}. */
export interface BpfMachineOptions extends VerifierOptions {
  /**
   * What runs the program. `auto`: JavaScript up to 1500 slots, WebAssembly above; where the one is not allowed the
   * other, where neither is the interpreter. @default {"auto"}
   */
  backend?: BpfBackend | "auto" | undefined;
  /**
   * Instructions that one run may take; one more is `ELOOP`. Compiled code looks at its count where a loop comes around,
   * where functions are entered and at the end, so it may do a little more before it fails. @default {1_000_000}
   */
  budget?: number | undefined;
  /** Bytes of memory that the maps may take, keys of hash tables included. @default {64 MiB} */
  maxMemoryBytes?: number | undefined;
  /** Memory to be shared with other machines. @default {one of its own, as large as is needed} */
  memory?: BpfMemory | undefined;
  /** Values of global variables, constants (`const volatile`) included: these cannot be changed later. */
  variables?: BpfVariables | undefined;
  /** Targets of tail calls: by name of the program array, the programs by index. */
  programs?: { readonly [map: string]: readonly (BpfProgram | undefined)[] } | undefined;
  /** Protocol that the context tells: the EtherType. @default {0} */
  protocol?: number | undefined;
  /** What `get_socket_cookie` tells. @default {0} */
  cookie?: number | undefined;
  /** Monotonic time in milliseconds. @default {the runtime's} */
  now?: (() => number) | undefined;
  /** Time since 1970 in milliseconds. @default {the same as `now`} */
  wallNow?: (() => number) | undefined;
  /** Randomness, for `get_prandom_u32` and the hashes of maps. @default {the runtime's} */
  random?: FillRandom | undefined;
  /** Takes what the program prints with `trace_printk`. @default {dropped} */
  onTrace?: ((line: string) => void) | undefined;
}

/**
 * Runs a program over messages.
 *
 * Its result is what the kernel's KCM takes it for: the length of the message at the start of the bytes, 0 where more of
 * it is needed, negative for an error.
 *
 * @example
 * ```ts
 * import { BpfMachine } from "@leat/streams/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const program = {
 *   name: "prefixed",
 *   // r6 = r1; r0 = *(u16 *)skb[0]; r0 += 2; exit: a length in network order, which does not count itself
 *   code: Uint8Array.from(atob("vxYAAAAAAAAoAAAAAAAAAAcAAAACAAAAlQAAAAAAAAA="), (char) => char.charCodeAt(0)),
 *   maps: [],
 *   license: "",
 * };
 * const machine = new BpfMachine(program);
 * assertEquals([machine.run(Uint8Array.of(0)), machine.run(Uint8Array.of(0, 5, 1, 2))], [0, 7]);
 * ```
 */
export class BpfMachine {
  /** The program. */
  readonly program: BpfProgram;
  /** What runs it. */
  readonly backend: BpfBackend;
  /** Its memory. */
  readonly memory: BpfMemory;
  /** Its maps by name. */
  readonly maps: ReadonlyMap<string, BpfMap>;
  readonly #runtime: BpfRuntime;
  readonly #runner: BpfRunner;
  readonly #scratch: ScratchArea | undefined;

  /**
   * Verifies and compiles a program and makes its maps.
   *
   * @throws {BpfError} what is wrong with the program or its maps
   * @throws {TypeError | RangeError} for options that are none
   */
  constructor(program: BpfProgram, options: BpfMachineOptions = {}) {
    checkProgram(program);
    checkOptions(options);
    // What is not asked for is not called, and what is called has few closures: see decision 42.
    const programs = options.programs === undefined ? [program] : [...new Set([program, ...tailPrograms(options)])];
    let definitions = programs.length === 1 && program.maps.length === 0 ? [] : definitionsOf(programs);
    const { variables } = options;
    if (variables !== undefined) definitions = setVariables(definitions, variables);
    const verified: VerifiedProgram[] = [];
    let slots = 0, isChecked = false, mayWrite = false;
    for (const program of programs) {
      const one = verifyProgram(variables === undefined ? program : withDefinitions(program, definitions), options);
      verified.push(one);
      slots = Math.max(slots, one.instructions.length);
      isChecked ||= one.isChecked;
      mayWrite ||= !one.isPlain && mayWriteContext(one.instructions);
    }
    this.program = program;
    this.backend = chooseBackend(
      choiceOption("backend", options.backend, "auto", ["auto", "js", "wasm", "interpreter"]),
      slots,
      permissionsFor(options.memory),
    );
    if (options.memory !== undefined && isChecked) {
      throw new BpfError("a program that was not proven safe cannot share its memory", { code: "EACCES" });
    }
    this.memory = options.memory ??
      memoryFor(definitions, this.backend === "wasm" ? programs.length : 0, options.maxMemoryBytes);
    // Not drawn in vain: the runtime's first random bytes take longer than to verify a small program.
    const seed = definitions.some(isHashed) ? randomSeed(options.random ?? systemRandom) : 0;
    this.#runtime = new BpfRuntime(this.memory, runtimeOptions(options));
    this.maps = this.#runtime.maps;
    for (const definition of definitions) {
      this.#runtime.maps.set(definition.name, makeMap(definition, this.memory, seed));
    }
    for (const map of this.maps.values()) if (map.definition.frozen === true) map.freeze();
    // In the order of the network, in a word of the machine's order.
    this.memory.view.setUint16(this.#runtime.context.address + 16, limitOption("protocol", options.protocol, 0, 0));
    const runners = new Map<BpfProgram, BpfRunner>();
    for (let at = 0; at < programs.length; at++) runners.set(programs[at]!, this.#compile(verified[at]!));
    this.#runner = runners.get(program)!;
    if (options.programs !== undefined) this.#fillProgramArrays(options.programs, runners);
    this.#scratch = mayWrite ? new ScratchArea(this.memory, this.#runtime.context) : undefined;
  }

  /** Where the context is in the memory. */
  get context(): MemoryRegion {
    return this.#runtime.context;
  }

  /**
   * Why the last run failed by budget or memory (it returned a negative number); `undefined` where it did not. Asked
   * once: then it is forgotten.
   */
  takeFailure(): BpfError | undefined {
    const { failure } = this.#runtime;
    this.#runtime.failure = undefined;
    return failure;
  }

  /**
   * Runs over a message whose first byte is at `start` and of which everything up to `end` is there.
   *
   * @throws {BpfError} `EBUSY` from within a callback of this machine
   * @throws {RangeError} for a start or an end that is not in the bytes
   */
  run(bytes: Uint8Array, start: number = 0, end: number = bytes?.length): number {
    if (bytes === undefined || bytes === null) checkBytes("a message", bytes);
    if (!(Number.isInteger(start) && Number.isInteger(end))) throw outside(bytes, start, end);
    this.#scratch?.clear();
    return this.runAgain(bytes, start, end);
  }

  /**
   * The same, but `cb[]` keeps what the run before has left there: for more bytes of the same message. A start and an end
   * that are no integers are the caller's fault: to refuse them here takes 0.5 ns of 2.6, so that `run` alone does.
   */
  runAgain(bytes: Uint8Array, start: number = 0, end: number = bytes?.length): number {
    if (this.#runtime.isBusy) throw new BpfError("the machine was entered from within its callback", { code: "EBUSY" });
    // Text and lists have a length, too. To ask for the class costs nothing behind `length`; `?.` costs 1 ns of 3, `byteLength` 8.
    const isPart = start >= 0 && start <= end && end <= bytes.length && bytes instanceof Uint8Array;
    if (!isPart) throw outside(bytes, start, end);
    this.#runtime.failure = undefined;
    return this.#runner.run(bytes, start, end);
  }

  /** What programs may keep between runs for one message (`cb[]`); `undefined` where none of them writes it. */
  get scratch(): ScratchArea | undefined {
    return this.#scratch;
  }

  /**
   * A map by name; those of global variables also under the names that the kernel's library gives them.
   *
   * @throws {BpfError} `ENOENT`
   */
  map(name: string): BpfMap {
    checkText("name of a map", name);
    const map = this.maps.get(name) ?? this.maps.get(/\.(?:rodata|data|bss).*$/.exec(name)?.[0] ?? "");
    if (map !== undefined) return map;
    const names = [...this.maps.keys()].join(", ");
    throw new BpfError(`there is no map ${name}, but these: ${names || "none"}`, { code: "ENOENT" });
  }

  /**
   * Value of a global variable; its object must have been compiled with `-g`.
   *
   * @throws {BpfError} `ENOENT`
   */
  getVariable(name: string): BpfNumber | BpfNumber[] {
    return this.#mapOfVariable(name).getField(name);
  }

  /**
   * Sets a global variable.
   *
   * @throws {BpfError} `ENOENT`; `EPERM` for constants, which only the option `variables` sets
   */
  setVariable(name: string, value: BpfNumber | readonly BpfNumber[]): void {
    this.#mapOfVariable(name).setField(name, value);
  }

  #mapOfVariable(name: string): BpfMap {
    checkText("name of a variable", name);
    for (const map of this.maps.values()) if (isOfVariables(map.definition) && map.hasField(name)) return map;
    throw noVariable(name, [...this.maps.values()].map(({ definition }) => definition));
  }

  #compile(verified: VerifiedProgram): BpfRunner {
    const environment = new ProgramEnvironment(
      this.#runtime,
      verified.program,
      verified.isChecked,
      verified.flow.functions.length,
    );
    return compileProgram(this.backend, verified, environment);
  }

  #fillProgramArrays(
    programs: NonNullable<BpfMachineOptions["programs"]>,
    runners: ReadonlyMap<BpfProgram, BpfRunner>,
  ): void {
    for (const [name, list] of Object.entries(programs)) {
      const map = this.map(name);
      if (!(map instanceof ProgramArray)) throw new BpfError(`map ${name} is no array of programs`);
      if (list.length > map.definition.maxEntries) {
        throw new BpfError(`map ${name} has room for ${map.definition.maxEntries} programs, got ${list.length}`, {
          code: "E2BIG",
        });
      }
      list.forEach((program, index) => program && map.setRunner(index, runners.get(program)!));
    }
  }
}

// What `console.log` shows on Node, Deno and Bun: what is run and how, without code and memory. See `BpfMemory`.
Object.defineProperty(BpfMachine.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: BpfMachine): string {
    const { program, backend, maps } = this;
    const [name, names] = [program.name, [...maps.keys()]].map((value) => JSON.stringify(value));
    return `BpfMachine { program: ${name}, slots: ${program.code.length / 8}, backend: "${backend}", maps: ${names} }`;
  },
});

/** Told at once: compiled code would read `undefined` there, and return it. */
function outside(bytes: Uint8Array, start: number, end: number): RangeError {
  checkBytes("a message", bytes);
  return new RangeError(`from ${start} to ${end} is no part of ${bytes.length} bytes`);
}

function tailPrograms({ programs = {} }: BpfMachineOptions): BpfProgram[] {
  return Object.values(programs).flatMap((list) => list.filter((program) => program !== undefined));
}

/** The maps of all programs, each once. */
function definitionsOf(programs: readonly BpfProgram[]): MapDefinition[] {
  const byName = new Map<string, MapDefinition>();
  for (const { maps } of programs) {
    for (const definition of maps) {
      const known = byName.get(definition.name);
      checkMap(definition);
      byName.set(definition.name, definition);
      if (known === undefined || known === definition || isSameMap(known, definition)) continue;
      throw new BpfError(`two programs have different maps called ${definition.name}`);
    }
  }
  return [...byName.values()];
}

/** A program whose maps are what the machine makes of them, each by its name. */
function withDefinitions(program: BpfProgram, definitions: readonly MapDefinition[]): BpfProgram {
  const byName = new Map(definitions.map((one) => [one.name, one]));
  return withMaps(program, program.maps.map(({ name }) => byName.get(name)!), program.code);
}

/** Whether two definitions make the same map: what was proven of a program by the one holds with the other. */
function isSameMap(a: MapDefinition, b: MapDefinition): boolean {
  const [first, second] = [a.initial ?? nothing, b.initial ?? nothing];
  return (["type", "keySize", "valueSize", "maxEntries", "flags"] as const).every((key) => a[key] === b[key]) &&
    (a.frozen === true) === (b.frozen === true) && equals(first, second);
}

/** A memory that was given decides whether WebAssembly can work in it. */
function permissionsFor(memory: BpfMemory | undefined): CodePermissions {
  const allowed = codePermissions();
  return memory === undefined || memory.wasm !== undefined ? allowed : { js: allowed.js, wasm: false };
}

/** Memory for maps, runtime and, of programs of WebAssembly, what they see of a packet. */
function memoryFor(definitions: readonly MapDefinition[], windows: number, most: number | undefined): BpfMemory {
  const maxBytes = limitOption("maxMemoryBytes", most, 64 * 1024 * 1024);
  let inside = 0, outside = 0;
  for (const definition of definitions) {
    const bytes = mapBytes(definition);
    inside += bytes.inside;
    outside += bytes.outside;
  }
  if (inside + outside > maxBytes) {
    throw new BpfError(`the maps take ${inside + outside} bytes, maxMemoryBytes is ${maxBytes}`, { code: "E2BIG" });
  }
  const besides = RUNTIME_BYTES + windows * WINDOW_BYTES;
  return new BpfMemory({ bytes: inside + besides, maxBytes: maxBytes + besides, wasm: windows > 0 });
}

function dropped(): void {}

/** Words of 32 random bits, whose bytes are drawn many at a time. */
function randomWords(fill: FillRandom): () => number {
  const pool = new Uint8Array(256);
  const words = new DataView(pool.buffer);
  let used = pool.length;
  return () => {
    if (used === pool.length) {
      fill(pool);
      used = 0;
    }
    used += 4;
    return words.getInt32(used - 4, true);
  };
}

function runtimeOptions(options: BpfMachineOptions): ConstructorParameters<typeof BpfRuntime>[1] {
  const now = options.now ?? systemClock.now;
  const fill = options.random ?? systemRandom;
  let draw: (() => number) | undefined;
  return {
    budget: limitOption("budget", options.budget, DEFAULT_BUDGET),
    now,
    wallNow: options.wallNow ?? now,
    random: () => (draw ??= randomWords(fill))(),
    onTrace: options.onTrace ?? dropped,
    cookie: limitOption("cookie", options.cookie, 0, 0),
    isChained: options.programs !== undefined,
  };
}
