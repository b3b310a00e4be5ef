/**
 * Which back end runs a program: by its size and by what the place allows.
 *
 * @module
 */
import { BpfError } from "./errors.ts";
import { compileInterpreter } from "./interpreter/interpreter.ts";
import { compileJs } from "./jit/compile_js.ts";
import { compileWasm } from "./jit/compile_wasm.ts";
import type { BpfBackend, BpfEnvironment, BpfRunner } from "./runner.ts";
import type { VerifiedProgram } from "./verifier/facts.ts";

/**
 * Most slots of a program for which JavaScript is made: engines give up optimising functions that are longer, and then
 * the interpreter is faster.
 */
export const MAX_JS_SLOTS = 1500;

/** Makes a runner. */
export type Compile = (verified: VerifiedProgram, environment: BpfEnvironment) => BpfRunner;

/** What a place allows. */
export interface CodePermissions {
  /** Whether code may be made of text. */
  readonly js: boolean;
  /** Whether WebAssembly may be compiled. */
  readonly wasm: boolean;
}

/** The back ends that there are. */
const compilers: Readonly<Record<BpfBackend, Compile>> = {
  interpreter: compileInterpreter,
  js: compileJs,
  wasm: compileWasm,
};

/** The smallest module. */
const emptyModule = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Each is tried when it is first asked for, for trying takes as long as to compile a small program. */
const permissions: { readonly tried: { js?: boolean; wasm?: boolean } } & CodePermissions = {
  tried: {},
  get js() {
    return this.tried.js ??= isMade(Function);
  },
  get wasm() {
    return this.tried.wasm ??= typeof WebAssembly === "object" && isMade(WebAssembly.Module, emptyModule);
  },
};

/** What this place allows; tried once. A page's security policy or a flag of the runtime may forbid either. */
export function codePermissions(): CodePermissions {
  return permissions;
}

/** The back ends that there are and that may be used here. */
export function availableBackends(allowed: CodePermissions = codePermissions()): BpfBackend[] {
  const known = Object.keys(compilers) as BpfBackend[];
  return known.filter((backend) => backend === "interpreter" || allowed[backend]);
}

function isMade<Args extends unknown[]>(type: new (...args: Args) => object, ...args: Args): boolean {
  try {
    return new type(...args) instanceof Object;
  } catch {
    return false;
  }
}

/**
 * The back end for a program of so many slots. Where the wanted one is not allowed, `auto` takes the next best.
 *
 * @throws {BpfError} `ENOSYS` where one that was asked for by name is not allowed here
 */
export function chooseBackend(
  wanted: BpfBackend | "auto",
  slots: number,
  allowed: CodePermissions = codePermissions(),
): BpfBackend {
  const first = wanted !== "auto" ? wanted : slots <= MAX_JS_SLOTS ? "js" : "wasm";
  if (first === "interpreter" || allowed[first]) return first;
  if (wanted === "auto") return first === "js" && allowed.wasm ? "wasm" : "interpreter";
  throw new BpfError(`the back end ${wanted} is not allowed here`, { code: "ENOSYS" });
}

/** Makes the runner of a program. */
export function compileProgram(backend: BpfBackend, verified: VerifiedProgram, environment: BpfEnvironment): BpfRunner {
  return compilers[backend](verified, environment);
}
