import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { BpfError } from "../../src/bpf/errors.ts";
import { loadObject } from "../../src/bpf/bpf_object.ts";
import { Btf } from "../../src/bpf/elf/btf.ts";
import { LineTable } from "../../src/bpf/elf/line_table.ts";
import { loaderLimits } from "../../src/bpf/elf/loader_limits.ts";
import { BpfMachine } from "../../src/bpf/machine.ts";
import type { BpfProgram } from "../../src/bpf/program.ts";
import type { SeededRandom } from "../../src/sim/mod.ts";
import { fuzz } from "../support/fuzz.ts";
import { backends } from "./support/builds.ts";
import { buildFolders, objectFile, objectNames } from "./support/recordings.ts";
import { processorMs } from "./support/processor_time.ts";

/** Small limits, so that a mutated size is refused and not allocated. */
const limits = { maxMemoryBytes: 1 << 20, budget: 10_000, maxSteps: 20_000 };

/** What a call gives; `undefined` where it fails as it may. */
function attempt<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

/** What of an object is loaded or linked; a failure names the place in it, unless a limit or what there is not is it. */
function read<T>(call: () => T): T | undefined {
  return attempt(() => {
    try {
      return call();
    } catch (error) {
      const { code, offset, section, message } = error as BpfError;
      if (code === "EINVAL") {
        const place = section === undefined ? `offset ${offset}` : `section ${section}, offset ${offset}`;
        assert(offset !== undefined && message.startsWith(place), message);
      }
      throw error;
    }
  });
}

function linked(bytes: Uint8Array): BpfProgram[] {
  const object = read(() => loadObject(bytes));
  return (object?.programs ?? []).flatMap(({ name }) => read(() => object!.program(name)) ?? []);
}

/** Loads, links, verifies and runs whatever of it is accepted; nothing but a `BpfError` may come of it. */
function judge(bytes: Uint8Array, random: SeededRandom): void {
  const before = processorMs();
  for (const program of linked(bytes)) {
    const backend = random.pick(backends);
    const machine = attempt(() => new BpfMachine(program, { ...limits, backend, random: (into) => random.fill(into) }));
    const packet = random.bytes(random.below(40));
    const result = machine?.run(packet);
    assert(result === undefined || result === (result | 0));
  }
  assert(processorMs() - before < 2000, "it takes long");
}

const samples = ["plain", "c14-v3-g", "c19-v4-g", "c22-v3-g"].flatMap((build) => {
  return objectNames(build).map((name) => objectFile(build, name));
});

test("mutated objects are refused, or their programs run within their budget", () => {
  fuzz(samples, judge);
});

test("case 9: objects with any byte flipped load or are refused, each in time", () => {
  let slowest = 0;
  for (
    const [build, name] of [["plain", "01_len16be"], ["plain", "14_local_func"], ["c14-v3-g", "13_rodata_cfg"]] as const
  ) {
    const whole = objectFile(build, name);
    for (let at = 0; at < whole.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        whole[at] = whole[at]! ^ mask;
        const before = processorMs();
        linked(whole);
        slowest = Math.max(slowest, processorMs() - before);
        whole[at] = whole[at]! ^ mask;
      }
    }
  }
  assert(slowest < 250, `${slowest} ms`);
});

/** Types of BTF that are made of each other, `count` of them. */
function btfOf(types: readonly (readonly number[])[]): Uint8Array {
  const words = types.flat();
  const bytes = new Uint8Array(24 + 4 * words.length + 64);
  const view = new DataView(bytes.buffer);
  [0xeb9f | 1 << 16, 24, 0, 4 * words.length, 4 * words.length, 64].forEach((word, i) =>
    view.setUint32(4 * i, word, true)
  );
  words.forEach((word, i) => view.setUint32(24 + 4 * i, word, true));
  new TextEncoder().encodeInto("\0.maps\0m\0value\0", bytes.subarray(24 + 4 * words.length));
  return bytes;
}

/** The object of map `kcm_cfg` with other type information. */
function withBtf(btf: Uint8Array): Uint8Array {
  const object = objectFile("c14-v3-g", "11_cfg_array");
  const bytes = new Uint8Array(object.length + btf.length);
  bytes.set(object);
  bytes.set(btf, object.length);
  const view = new DataView(bytes.buffer);
  const table = view.getUint32(40, true);
  const names = view.getUint32(table + 64 * view.getUint16(62, true) + 24, true);
  for (let index = 0; index < view.getUint16(60, true); index++) {
    const header = table + 64 * index;
    const name = new TextDecoder().decode(bytes.subarray(names + view.getUint32(header, true)).subarray(0, 5));
    if (name !== ".BTF\0") continue;
    view.setUint32(header + 24, object.length, true);
    view.setUint32(header + 32, btf.length, true);
  }
  return bytes;
}

const kind = (number: number, count = 0) => number << 24 | count;

const hostileTypes: readonly (readonly [what: string, types: readonly (readonly number[])[]])[] = [
  ["a type that names itself", [[1, kind(15, 1), 32, 2, 0, 8], [7, kind(14), 3, 0], [0, kind(8), 3]]],
  ["two that name each other", [[1, kind(15, 1), 32, 2, 0, 8], [7, kind(14), 3, 0], [0, kind(8), 4], [0, kind(8), 3]]],
  ["a structure whose value is twice the next one, 40 times", [
    [1, kind(15, 1), 32, 2, 0, 8],
    [7, kind(14), 3, 0],
    [0, kind(4, 1), 8, 9, 4, 0],
    [0, kind(2), 5],
    ...Array.from({ length: 40 }, (_, i) => [0, kind(4, 2), 0, 0, 6 + i, 0, 0, 6 + i, 0]),
    [0, kind(4), 0],
  ]],
  ["arrays of arrays of arrays", [
    [1, kind(15, 1), 32, 2, 0, 8],
    [7, kind(14), 3, 0],
    [0, kind(4, 1), 8, 9, 4, 0],
    [0, kind(2), 5],
    ...Array.from({ length: 40 }, (_, i) => [0, kind(3), 0, 6 + i, 0, 0xffff]),
    [0, kind(1), 4, 32],
  ]],
  ["many maps of many values of many members", [
    [1, kind(15, 500), 32, ...Array.from({ length: 500 }, () => [2, 0, 8]).flat()],
    [7, kind(14), 3, 0],
    [0, kind(4, 64), 8, ...Array.from({ length: 64 }, () => [9, 4, 0]).flat()],
    [0, kind(2), 5],
    [0, kind(4, 1000), 8, ...Array.from({ length: 1000 }, () => [7, 6, 0]).flat()],
    [0, kind(1), 4, 32],
  ]],
  ["structures of many bit fields", [
    [1, kind(15, 1), 32, 2, 0, 8],
    [7, kind(14), 3, 0],
    [0, kind(4, 1), 8, 9, 4, 0],
    [0, kind(2), 5],
    [0, kind(4, 1000), 8, ...Array.from({ length: 1000 }, () => [7, 6, 0]).flat()],
    [0, (kind(4, 1000) | 1 << 31) >>> 0, 8, ...Array.from({ length: 1000 }, () => [7, 7, 3 << 24]).flat()],
    [0, kind(1), 4, 32],
  ]],
];

for (const [what, types] of hostileTypes) {
  test(`type information: ${what}`, () => {
    const before = processorMs();
    linked(withBtf(btfOf(types)));
    assert(processorMs() - before < 250);
  });
}

test("type information: many functions that are asked for, of many types, read each name once", () => {
  class CountingBtf extends Btf {
    reads = 0;
    override string(at: number): string {
      this.reads++;
      return super.string(at);
    }
  }
  const count = 1000;
  // Functions of offsets 1, ".maps", return a number; of those of offset 7, "m", one returns nothing.
  const types = [[0, kind(1), 4, 32], [0, kind(13), 1], [0, kind(13), 0], [7, kind(12), 2], [7, kind(12), 3]];
  for (let i = 0; i < count; i++) types.push([i % 2 === 0 ? 1 : 7, kind(12), 2]);
  const btf = new CountingBtf(btfOf(types), loaderLimits({}));
  const names = [".maps", "m", "value"];
  for (let i = 0; i < count; i++) {
    assertEquals(names.map((name) => btf.returnsNumber(name)), [true, false, false]);
  }
  assertEquals(btf.reads, count + 2);
});

test("line information: many lines of one instruction are one line, and many functions find theirs", () => {
  const count = 60_000;
  const words = [0xeb9f | 1 << 16, 24, 0, 0, 0, 12 + 16 * count, 16, 7, count];
  const bytes = new Uint8Array(4 * words.length + 16 * count);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => view.setUint32(4 * i, word, true));
  for (let i = 0; i < count; i++) view.setUint32(4 * words.length + 16 * i + 12, i << 10, true);
  const before = processorMs();
  const lines = new LineTable(bytes, new Btf(btfOf([[0, kind(1), 4, 32]]), loaderLimits({})));
  const ofEach = Array.from({ length: count }, (_, slot) => lines.of("m", slot, 1));
  assertEquals(ofEach.flat(), [{ slot: 0, file: "", line: count - 1, column: 0, text: "" }]);
  assert(processorMs() - before < 250);
});

test("every object of the samples is a good one, so that the mutations begin with such", () => {
  for (const build of buildFolders().filter((folder) => folder.startsWith("c19"))) {
    for (const name of objectNames(build)) assert(linked(objectFile(build, name)).length > 0);
  }
});
