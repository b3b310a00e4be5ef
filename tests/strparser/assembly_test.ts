/** Costs of holding a message: how often it is moved, what is kept. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { Assembly } from "../../src/strparser/assembly.ts";

const chunk = Uint8Array.from({ length: 100_000 }, (_, i) => i * 31);

test("bytes of unknown length are moved a logarithmic number of times", () => {
  const assembly = new Assembly();
  const slabs = new Set<ArrayBufferLike>();
  for (let i = 0; i < chunk.length; i++) {
    assembly.append(chunk, i, i + 1);
    slabs.add(assembly.slab.buffer);
  }
  assertEquals(slabs.size <= 10, true);
  assertEquals(assembly.finish(chunk.length), chunk);
});
test("a slab that grew for one message is not kept", () => {
  const assembly = new Assembly();
  assembly.append(chunk, 0, chunk.length);
  assembly.finish(chunk.length);
  assertEquals(assembly.slab.length, 0);
});
test("small messages share slabs of 4 to 16 KiB", () => {
  const assembly = new Assembly();
  const slabs = new Map<ArrayBufferLike, number>();
  for (let i = 0; i < 600; i++) {
    assembly.expect(100);
    assembly.fill(chunk, i, i + 60);
    assembly.fill(chunk, i + 60, i + 100);
    const message = assembly.finish(100)!;
    assertEquals(message[99], chunk[i + 99]);
    slabs.set(message.buffer, message.buffer.byteLength);
  }
  assertEquals([...slabs.values()], [4096, 8192, 16384, 16384, 16384]);
});
test("pieces of up to 32 KiB go into a slab as they come, of longer messages they are views until all is there", () => {
  for (const [length, isCopied] of [[32 * 1024, true], [32 * 1024 + 1, false]] as const) {
    const assembly = new Assembly();
    const source = chunk.slice();
    assembly.expect(length);
    assembly.fill(source, 0, 20_000);
    source.fill(0);
    assembly.fill(chunk, 20_000, length);
    const message = assembly.finish(length)!;
    assertEquals(message.subarray(0, 20_000), isCopied ? chunk.subarray(0, 20_000) : new Uint8Array(20_000));
    assertEquals(message.subarray(20_000), chunk.subarray(20_000, length));
  }
});
test("a length that is merely claimed allocates nothing", () => {
  const assembly = new Assembly();
  assembly.append(chunk, 0, 4);
  assembly.expect(2 ** 45);
  assembly.fill(chunk, 4, 50_000);
  assertEquals([assembly.held, assembly.slab.length], [50_000, 4096]);
  assembly.clear();
  assertEquals([assembly.held, assembly.slab.length], [0, 0]);
});
test("large pieces are kept as views, small ones are not", () => {
  const assembly = new Assembly();
  const source = chunk.slice();
  assembly.expect(90_000);
  assembly.fill(source, 0, 1000);
  assembly.fill(source, 1000, 80_000);
  assembly.fill(source, 80_000, 90_000);
  source.fill(0, 0, 2000);
  const message = assembly.finish(90_000)!;
  assertEquals(message.subarray(0, 1000), chunk.subarray(0, 1000));
  assertEquals(message.subarray(1000, 2000), new Uint8Array(1000));
  assertEquals(message.subarray(2000), chunk.subarray(2000, 90_000));
});
