/**
 * Writes a whole program as the body of a JavaScript function that returns what runs it.
 *
 * @module
 */
import { BPF_LDX } from "../isa.ts";
import type { MapDefinition } from "../program.ts";
import { type Counted, mustCount } from "./budget.ts";
import { type FunctionShape, writeFunction } from "./js_function.ts";
import { supportText } from "./js_support.ts";
import type { CompilerInput } from "./operations.ts";

/** Addresses and limits that end up in the code. */
export interface CodePlaces extends Counted {
  /** Address of the context. */
  readonly context: number;
  /** Address behind the topmost frame. */
  readonly frameTop: number;
  /** Where each map's first value is. */
  readonly valueAddresses: readonly number[];
}

/** What all functions of a program share while they are written. */
export interface JsProgram extends CompilerInput, CodePlaces {
  /** The maps of the program. */
  readonly maps: readonly MapDefinition[];
  /** Form of control flow. */
  readonly form: "nested" | "dispatch";
  /** Whether instructions are counted. */
  readonly isCounting: boolean;
  /** Names used from outside. */
  readonly outside: Set<string>;
  /** Name of the function that the call in a slot goes to. */
  callee(slot: number): string;
}

/** JavaScript of a program. */
export interface JsSource {
  /** What the code needs: `V` view, `U` bytes, `G` high halves, `E` enter, `T` tail call, `C` failure, `M` may access, `Q` budget left, `k26` helpers. */
  readonly parameters: readonly string[];
  /** Statements; the last returns the function `(p, s, e) => r0`, where wide results leave the high half in `G[0]`. */
  readonly body: string;
}

/** Names that are parameters of the source, besides helpers (`k26`); others are defined in it. */
const given = ["V", "U", "G", "E", "T", "C", "M", "Q"];

const isHelper = (name: string): boolean => name.charCodeAt(0) === 0x6b;

/** Writes a program. */
export function writeJs(
  input: CompilerInput,
  places: CodePlaces,
  form: "nested" | "dispatch",
  shape: FunctionShape,
): JsSource {
  const { flow, instructions } = input;
  const outside = new Set<string>();
  const program: JsProgram = {
    ...input,
    ...places,
    maps: input.program.maps,
    form,
    isCounting: mustCount(input, places),
    outside,
    callee: (slot) => `f${flow.functionAt.get(slot + 1 + instructions[slot]!.imm)!}`,
  };
  const functions = flow.functions.slice(1).flatMap((one) => [
    `function f${one.index}(p, s, n, f, l1, h1, l2, h2, l3, h3, l4, h4, l5, h5) {`,
    ...writeFunction(program, one, { entry: "call", isWide: true }),
    "}",
  ]);
  const entry = writeEntry(program, writeFunction(program, flow.functions[0]!, shape), shape);
  const state = [...outside].filter((name) => name === "H").map((name) => `let ${name} = 0;`);
  if (program.isCounting && flow.functions.length > 1) state.push("let F = 0;");
  const body = [...state, ...supportText(outside, places.frameTop, flow.functions.length), ...functions, ...entry];
  return {
    parameters: [...outside].filter((name) => isHelper(name) || given.includes(name)).sort(),
    body: body.join("\n"),
  };
}

/**
 * The statement that returns the entry function, with what must be done before and what happens when it fails. It stands
 * in parentheses so that V8 compiles it at once: otherwise it is read twice, when it is made and when it first runs.
 */
function writeEntry(program: JsProgram, lines: readonly string[], shape: FunctionShape): string[] {
  const { outside } = program;
  const mayFail = [...outside].some((name) => isHelper(name) || ["V", "U", "A", "S", "T", "Z"].includes(name));
  const head = shape.entry === "block"
    ? ["return (function run(l1, h1, l2, h2) {", "const p = new Uint8Array(0), s = 0, n = 0;"]
    : ["return (function run(p, s, e) {", "const n = e - s;"];
  if (!shape.isWide && needsEntering(program)) {
    outside.add("E");
    head.push("E(p, s, e);");
  }
  if (!mayFail) return [...head, ...lines, "});"];
  outside.add("C");
  return [...head, "try {", ...lines, "} catch (x) {", ...caught(program, shape), "}", "});"];
}

function caught({ isChecked, outside }: JsProgram, { isWide }: FunctionShape): string[] {
  if (isChecked) outside.add("G");
  // What calls nothing that fails has noted no call there, and tells the slot itself.
  const failing = `return C(x${outside.has("G") ? ", G[1]" : ""});`;
  return isWide ? ["G[0] = -1;", failing] : [failing];
}

/** Whether helpers, tail calls or loads from memory may look at packet or context. */
function needsEntering({ outside, instructions }: JsProgram): boolean {
  if (outside.has("T") || [...outside].some(isHelper)) return true;
  return outside.has("V") && instructions.some(({ opcode }) => (opcode & 7) === BPF_LDX);
}
