import { test } from "node:test";
import { inspect } from "node:util";
import { assertEquals, assertThrows } from "@std/assert";
import { assemble } from "../../src/bpf/assembler.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { BpfMachine } from "../../src/bpf/machine.ts";
import { BpfMemory, PAGE_BYTES } from "../../src/bpf/memory.ts";

test("page 0 belongs to nobody, parts are aligned to 8 bytes and zero", () => {
  const memory = new BpfMemory({ bytes: 100 });
  const first = memory.allocate(3);
  const second = memory.allocate(8);
  assertEquals([first.address, second.address], [PAGE_BYTES, PAGE_BYTES + 8]);
  assertEquals(memory.free, PAGE_BYTES - 16);
});

test("limit: memory is never larger than maxBytes and never given out twice", () => {
  const tooLarge = assertThrows(() => new BpfMemory({ bytes: 1001, maxBytes: 1000 }), BpfError);
  assertEquals(tooLarge.code, "E2BIG");
  const memory = new BpfMemory({ bytes: 1000, maxBytes: 1000 });
  memory.allocate(memory.free);
  assertEquals(memory.free, 0);
  assertEquals(assertThrows(() => memory.allocate(1), BpfError).code, "E2BIG");
});

test("on a WebAssembly.Memory the same bytes are seen from both sides", () => {
  const memory = new BpfMemory({ bytes: 10, wasm: true });
  memory.bytes[PAGE_BYTES] = 7;
  assertEquals(new Uint8Array(memory.wasm!.buffer)[PAGE_BYTES], 7);
});

test("console.log shows what a machine is, not its code and memory", () => {
  const program = assemble(".map m array 4 8 1\nr0 = 1\nexit", { name: "one" });
  const machine = new BpfMachine(program, { backend: "interpreter" });
  const shown = 'BpfMachine { program: "one", slots: 2, backend: "interpreter", maps: ["m"] }';
  assertEquals(inspect(machine), shown);
  assertEquals(inspect(new BpfMemory({ bytes: 8 })), "BpfMemory { bytes: 131072, free: 65536, wasm: false }");
  assertEquals(inspect({ machine }).includes(shown), true);
});
