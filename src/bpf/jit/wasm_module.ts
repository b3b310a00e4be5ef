/**
 * Writes a whole program as a WebAssembly module: its functions, and two exports that call the first of them.
 *
 * The module imports the memory that it runs in and what it cannot do itself. Nothing but 32-bit integers crosses its
 * border: 64-bit arguments go in halves, high halves of results through the memory.
 *
 * @module
 */
import { BPF_CALL, BPF_JMP, BPF_LDX } from "../isa.ts";
import { mustCount } from "./budget.ts";
import type { CodePlaces } from "./js_program.ts";
import type { CompilerInput } from "./operations.ts";
import { WasmBytes } from "./wasm_bytes.ts";
import { GLOBAL } from "./wasm_code.ts";
import { writeWasmFunction } from "./wasm_function.ts";
import { OP, TYPE } from "./wasm_opcodes_table.ts";

/** Addresses and limits that end up in the code. */
export interface WasmPlaces extends CodePlaces {
  /** Address of the window on the packet. */
  readonly window: number;
  /** Where helpers leave high halves. */
  readonly highAddress: number;
}

/** What all functions of a program share while they are written. */
export interface WasmProgram extends CompilerInput, WasmPlaces {
  /** Form of control flow. */
  readonly form: "nested" | "dispatch";
  /** Whether instructions are counted. */
  readonly isCounting: boolean;
  /** Index of an imported function. */
  importIndex(name: string): number;
  /** Index of the function that a call in a slot goes to. */
  functionIndex(slot: number): number;
}

/** A module and what it needs. */
export interface WasmModule {
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Numbers of the helpers that it imports, as `k26`. */
  readonly helpers: readonly number[];
  /** Whether context or helpers may be looked at, so that they must be told of each packet. */
  readonly needsEntering: boolean;
}

/** Types of functions by index. */
const types: readonly (readonly [parameters: readonly number[], results: readonly number[]])[] = [
  [[...Array<number>(5).fill(TYPE.i64), TYPE.i32], [TYPE.i64]],
  [Array<number>(10).fill(TYPE.i32), [TYPE.i32]],
  [[TYPE.i32, TYPE.i32], [TYPE.i32]],
  [[TYPE.i32, TYPE.i32], []],
  [[TYPE.i32, TYPE.i32, TYPE.i32], [TYPE.i32]],
  [[], [TYPE.i32]],
  [Array<number>(5).fill(TYPE.i32), [TYPE.i32]],
];
const FUNCTION = 0, HELPER = 1, EXPORT = 6;
/** Imports that every module has, with their types: tail calls, their results, bytes behind the window, failures. */
const always = [["read", 2], ["fail", 3], ["tail", 4], ["tailResult", 5]] as const;
/** What modules have as well where nothing was proven: whether an access is allowed, the size of a store being negative. */
const checking = [["mayAccess", 4]] as const;

/** Writes a program. */
export function writeWasm(input: CompilerInput, places: WasmPlaces, form: "nested" | "dispatch"): WasmModule {
  const { flow, instructions } = input;
  const helpers = helpersOf(input);
  const imported = importsOf(helpers, input.isChecked);
  const names = imported.map(([name]) => name);
  const program: WasmProgram = {
    ...input,
    ...places,
    form,
    isCounting: mustCount(input, places),
    importIndex: (name) => names.indexOf(name),
    functionIndex: (slot) => names.length + flow.functionAt.get(slot + 1 + instructions[slot]!.imm)!,
  };
  const module = new WasmBytes();
  module.put(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  const functions = flow.functions.length;
  module.section(1, types.map((type) => (into) => writeType(into, type)));
  module.section(2, importTexts(imported));
  module.section(
    3,
    [...Array<number>(functions).fill(FUNCTION), EXPORT, EXPORT].map((type) => (into) => into.put(type)),
  );
  module.section(6, Object.values(GLOBAL).map(() => (into) => into.put(TYPE.i32, 1, OP.i32Const, 0, OP.end)));
  const exported = names.length + functions;
  module.section(
    7,
    ["run", "wide"].map((name, at) => (into) => {
      into.name(name);
      into.put(0);
      into.unsigned(exported + at);
    }),
  );
  module.section(10, [
    ...flow.functions.map((one) => (into: WasmBytes) => writeWasmFunction(program, one).finish(into)),
    (into) => writeExport(into, program, names.length, false),
    (into) => writeExport(into, program, names.length, true),
  ]);
  const needsEntering = helpers.length > 0 ||
    instructions.some(({ opcode, src, imm }) =>
      (opcode & 7) === BPF_LDX || opcode === (BPF_JMP | BPF_CALL) && src === 0 && imm === 12
    );
  return { bytes: module.bytes, helpers, needsEntering };
}

function helpersOf({ instructions }: CompilerInput): number[] {
  const calls = instructions.filter(({ opcode, src, imm }) =>
    opcode === (BPF_JMP | BPF_CALL) && src === 0 && imm !== 12
  );
  return [...new Set(calls.map(({ imm }) => imm))];
}

function writeType(into: WasmBytes, [parameters, results]: (typeof types)[number]): void {
  into.put(TYPE.func, parameters.length, ...parameters, results.length, ...results);
}

type Import = readonly [name: string, type: number];

function importsOf(helpers: readonly number[], isChecked: boolean): Import[] {
  return [...always, ...(isChecked ? checking : []), ...helpers.map((number): Import => [`k${number}`, HELPER])];
}

function importTexts(functions: readonly Import[]): ((into: WasmBytes) => void)[] {
  const memory = (into: WasmBytes) => {
    into.name("leat");
    into.name("memory");
    into.put(2, 0, 1);
  };
  return [
    memory,
    ...functions.map(([name, type]) => (into: WasmBytes) => {
      into.name("leat");
      into.name(name);
      into.put(0, type);
    }),
  ];
}

/** An export `(length, window, fuel, r1, r2) => low half of r0`; the wide one leaves the high half in the memory. */
function writeExport(into: WasmBytes, { frameTop, highAddress }: WasmProgram, entry: number, isWide: boolean): void {
  const body = new WasmBytes();
  body.put(1, 1, TYPE.i64);
  for (const global of [GLOBAL.length, GLOBAL.window, GLOBAL.fuel]) body.put(OP.localGet, global, OP.globalSet, global);
  for (const parameter of [3, 4]) body.put(OP.localGet, parameter, OP.i64ExtendI32U);
  for (let i = 0; i < 3; i++) body.put(OP.i64Const, 0);
  body.put(OP.i32Const);
  body.signed(frameTop);
  body.put(OP.call);
  body.unsigned(entry);
  if (isWide) {
    body.put(OP.localSet, 5, OP.i32Const, 0, OP.localGet, 5, OP.i64Const, 32, OP.i64ShrU, OP.i64Store32, 0);
    body.unsigned(highAddress);
    body.put(OP.localGet, 5);
  }
  body.put(OP.i32WrapI64, OP.end);
  into.unsigned(body.length);
  into.append(body.bytes);
}
