/**
 * The JavaScript back end: a program becomes a function, made with `new Function`.
 *
 * @module
 */
import type { BpfEnvironment, BpfRunner } from "../runner.ts";
import { failRun, makeRunner, type Runs } from "./compiled_runner.ts";
import { usualForm } from "./flow_scopes.ts";
import type { FunctionShape } from "./js_function.ts";
import { writePlain } from "./js_plain.ts";
import { type CodePlaces, type JsSource, writeJs } from "./js_program.ts";
import type { CompilerInput } from "./operations.ts";

/** Options of the compilers. */
export interface CompileOptions {
  /** Form of control flow; `nested` falls back to `dispatch` where it can't be had. @default {"nested"} */
  form?: "nested" | "dispatch" | undefined;
}

type Narrow = (bytes: Uint8Array, start: number, end: number) => number;
type Block = (l1: number, h1: number, l2: number, h2: number) => number;

/** Addresses in an environment, for the code. */
export function placesOf({ context, stack, valueAddresses, budget, isChained }: BpfEnvironment): CodePlaces {
  return {
    context: context.address,
    frameTop: stack.address + stack.size,
    valueAddresses,
    budget,
    isChained,
  };
}

/** The source that {@linkcode compileJs} makes of a program, for tests and for those who are curious. */
export function jsSource(input: CompilerInput, environment: BpfEnvironment, options: CompileOptions = {}): JsSource {
  const { form = usualForm.form } = options;
  // Without a loop, what is no longer than the budget cannot spend it.
  const isPlain = input.isPlain && form === "nested" && input.instructions.length <= environment.budget;
  const body = isPlain ? writePlain(input) : undefined;
  if (body !== undefined) return { parameters: [], body };
  return writeJs(input, placesOf(environment), form, { entry: "context", isWide: false });
}

/**
 * Compiles a verified program to JavaScript.
 *
 * @throws {EvalError} where the runtime forbids code from strings
 */
export function compileJs(input: CompilerInput, environment: BpfEnvironment, options: CompileOptions = {}): BpfRunner {
  const make = (shape: FunctionShape): unknown =>
    evaluate(writeJs(input, placesOf(environment), options.form ?? usualForm.form, shape), environment);
  const runs: Runs = {
    run: evaluate(jsSource(input, environment, options), environment) as Narrow,
    wide: () => make({ entry: "context", isWide: true }) as Narrow,
    block() {
      const run = make({ entry: "block", isWide: true }) as Block;
      return (r1, r2) => run(r1, 0, r2, 0);
    },
  };
  return makeRunner("js", environment, runs);
}

function evaluate({ parameters, body }: JsSource, environment: BpfEnvironment): unknown {
  const make = new Function(...parameters, `"use strict";\n${body}`) as (...values: unknown[]) => unknown;
  return make(...parameters.map((name) => bound(name, environment)));
}

/** What a parameter of the source stands for. */
function bound(name: string, environment: BpfEnvironment): unknown {
  const { memory } = environment;
  switch (name) {
    case "V":
      return memory.view;
    case "U":
      return memory.bytes;
    case "G":
      return environment.high;
    case "E":
      return (bytes: Uint8Array, start: number, end: number) => environment.enter(bytes, start, end);
    case "T":
      return (map: number, index: number, left: number) => {
        const runner = environment.tailCall(map, index);
        if (runner !== undefined) environment.remaining = left;
        return runner;
      };
    case "Q":
      return () => environment.remaining;
    case "M":
      return environment.mayAccess;
    case "C":
      return (thrown: unknown, where?: number) => failRun(environment, thrown, where);
    default:
      return environment.helper(Number(name.slice(1)));
  }
}
