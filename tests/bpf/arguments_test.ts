import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import * as bpf from "../../src/bpf/mod.ts";
import { BPF_MAP_TYPE_ARRAY } from "../../src/bpf/map_types.ts";

const program = bpf.assemble("r0 = 0\nexit", {
  maps: [{ name: "m", type: BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 }],
});
const machine = new bpf.BpfMachine(program);

const text = [undefined, null, 5, new Uint8Array(16), {}, []];
const bytes = [undefined, null, 5, "abc", {}, []];
/** Others that have a length in bytes as well. */
const noBytes = [...bytes, new Uint16Array(4), new Int8Array(8), new ArrayBuffer(8), new DataView(new ArrayBuffer(8))];
const object = [undefined, null, 5, "abc", new Uint8Array(16), []];
const options = [null, 5, "abc", new Uint8Array(16), []];
const list = [undefined, null, 5, "abc", new Uint8Array(16), {}];

type Call = (value: never) => unknown;
/** Every exported function and constructor, and methods of machines: what is given, and what it is no good for. */
const calls: Readonly<Record<string, readonly [call: Call, wrong: readonly unknown[]]>> = {
  assemble: [bpf.assemble, text],
  "assemble, options": [(value) => bpf.assemble("exit", value), options],
  bpfParser: [bpf.bpfParser, [...object, {}, { program: 5 }]],
  "bpfParser, options": [(value) => bpf.bpfParser(machine, value), options],
  BpfMachine: [(value) => new bpf.BpfMachine(value), [...object, {}, { ...program, code: "abc" }]],
  "BpfMachine, options": [(value) => new bpf.BpfMachine(program, value), options],
  BpfMemory: [(value) => new bpf.BpfMemory(value), object],
  checkClassic: [bpf.checkClassic, [...list, [5], [{}], Array(1)]],
  classicToEbpf: [bpf.classicToEbpf, [...list, [null], [{}], Array(1)]],
  compileToModule: [bpf.compileToModule, [...object, {}]],
  "compileToModule, options": [(value) => bpf.compileToModule(program, value), options],
  decodeInstruction: [(value) => bpf.decodeInstruction(value, 0), noBytes],
  decodeInstructions: [bpf.decodeInstructions, noBytes],
  disassemble: [bpf.disassemble, [undefined, null, 5, "abc", [], {}]],
  disassembleLines: [bpf.disassembleLines, noBytes],
  encodeInstructions: [
    bpf.encodeInstructions,
    [...list, ["abc"], [{}], Array(1), [{ opcode: 149, dst: 0, src: 0, offset: 0 }]],
  ],
  formatClassic: [bpf.formatClassic, [...list, [5], [{}], Array(1)]],
  loadObject: [bpf.loadObject, noBytes],
  "loadObject, options": [(value) => bpf.loadObject(new Uint8Array(64), value), options],
  parseClassic: [bpf.parseClassic, text],
  ScratchArea: [(value) => new bpf.ScratchArea(value, machine.context), [...object, {}]],
  verifyProgram: [bpf.verifyProgram, [...object, {}, { ...program, maps: undefined }]],
  "verifyProgram, options": [(value) => bpf.verifyProgram(program, value), options],
  "run": [(value) => machine.run(value), noBytes],
  "run, a part": [(value) => machine.run(value, 0, 4), noBytes],
  "run, nothing": [(value) => machine.run(value, 0, 0), noBytes],
  "runAgain": [(value) => machine.runAgain(value), noBytes],
  // the hot one: nothing at all is told by the language there
  "runAgain, a part": [(value) => machine.runAgain(value, 0, 8), noBytes.filter((value) => value != null)],
  "map": [(value) => machine.map(value), text],
  "getVariable": [(value) => machine.getVariable(value), text],
  "setVariable": [(value) => machine.setVariable(value, 1), text],
  "set": [(value) => machine.map("m").set(value, 1), [undefined, null, "abc", {}, []]],
  "set, value": [(value) => machine.map("m").set(0, value), [undefined, null, "abc", []]],
};

test("wrong types of arguments are a TypeError that names what was wanted, not one from deep inside", () => {
  for (const [name, [call, wrong]] of Object.entries(calls)) {
    for (const value of wrong) {
      const what = `${name}(${value instanceof Uint8Array ? "bytes" : JSON.stringify(value)})`;
      let found: unknown;
      try {
        call(value as never);
      } catch (error) {
        found = error;
      }
      assert(found instanceof TypeError, `${what}: ${found}`);
      assert(/ must /.test(found.message), `${what}: ${found.message}`);
    }
  }
});

test("every exported function and class is among them", () => {
  const others = ["BpfError", "BpfMap"];
  const names = Object.entries(bpf).filter(([, value]) => typeof value === "function").map(([name]) => name);
  assertEquals(names.filter((name) => !(name in calls) && !others.includes(name)), []);
});
