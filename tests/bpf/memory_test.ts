import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { BpfError } from "../../src/bpf/errors.ts";
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
