import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { assemble } from "../../src/bpf/assembler.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { BpfMachine, type BpfMachineOptions } from "../../src/bpf/machine.ts";
import * as types from "../../src/bpf/map_types.ts";
import type { BpfMap } from "../../src/bpf/maps/bpf_map.ts";
import { HashMap } from "../../src/bpf/maps/hash_map.ts";
import { BpfMemory } from "../../src/bpf/memory.ts";
import type { MapDefinition } from "../../src/bpf/program.ts";
import { backends } from "./support/builds.ts";

const hash: MapDefinition = {
  name: "m",
  type: types.BPF_MAP_TYPE_HASH,
  keySize: 4,
  valueSize: 4,
  maxEntries: 3,
  flags: 0,
};

function machineWith(definition: Partial<MapDefinition>, options: BpfMachineOptions = {}): BpfMachine {
  return new BpfMachine({ ...assemble("r0 = 0\nexit"), maps: [{ ...hash, ...definition }] }, options);
}

function mapWith(definition: Partial<MapDefinition>): BpfMap {
  return machineWith(definition).map("m");
}

/** Code of the error that a call throws. */
function codeOf(call: () => unknown): string {
  return assertThrows(call, BpfError).code;
}

test("hash tables: entries come and go, flags are kept to, and the table can be full", () => {
  for (const type of [types.BPF_MAP_TYPE_HASH, types.BPF_MAP_TYPE_PERCPU_HASH]) {
    const map = mapWith({ type });
    assertEquals([map.get(1), map.delete(1)], [undefined, false]);
    for (const key of [1, 2, 3]) map.set(key, 10 * key);
    assertEquals(codeOf(() => map.set(4, 40)), "E2BIG");
    assertEquals(codeOf(() => map.set(1, 11, types.BPF_NOEXIST)), "EEXIST");
    map.set(1, 11, types.BPF_EXIST);
    assertEquals([map.delete(2), map.size, map.get(1)], [true, 2, 11]);
    assertEquals(codeOf(() => map.set(2, 22, types.BPF_EXIST)), "ENOENT");
    map.set(9, 90, types.BPF_NOEXIST);
    assertEquals([...map.entries()].sort(), [[1, 11], [3, 30], [9, 90]]);
    assertEquals(codeOf(() => map.set(9, 1, 7)), "EINVAL");
  }
});

test("a table that drops the entry used longest ago", () => {
  const map = mapWith({ type: types.BPF_MAP_TYPE_LRU_HASH });
  for (const key of [1, 2, 3]) map.set(key, key);
  map.get(1);
  map.set(4, 4);
  assertEquals([...map.keys()].sort(), [1, 3, 4]);
  map.set(3, 33);
  map.set(5, 5);
  assertEquals([...map.keys()].sort(), [3, 4, 5]);
  assert(map.delete(3));
  map.set(6, 6);
  assertEquals([...map.keys()].sort(), [4, 5, 6]);
});

test("hash tables against a Map: values stay where they are while their entry lives", () => {
  const operation = fc.record({ key: fc.integer({ min: 0, max: 12 }), kind: fc.constantFrom("set", "delete", "get") });
  fc.assert(fc.property(fc.array(operation, { maxLength: 80 }), fc.nat(), (operations, seed) => {
    const memory = new BpfMemory({ bytes: 1000 });
    const map = new HashMap({ ...hash, keySize: 8, maxEntries: 8 }, memory, seed);
    const model = new Map<number, number>();
    const places = new Map<number, number>();
    const scratch = memory.allocate(8).address;
    const placeOf = (key: number) => {
      memory.view.setBigUint64(scratch, BigInt(key), true);
      return map.lookup(scratch);
    };
    operations.forEach(({ key, kind }, number) => {
      if (kind === "delete") assertEquals(map.delete(key), model.delete(key));
      else if (kind === "get") assertEquals(map.get(key), model.get(key));
      else if (model.size < 8 || model.has(key)) {
        map.set(key, number);
        if (model.has(key)) assertEquals(placeOf(key), places.get(key));
        model.set(key, number);
        places.set(key, placeOf(key));
      } else assertEquals(codeOf(() => map.set(key, number)), "E2BIG");
    });
    assertEquals(map.size, model.size);
    assertEquals(new Map(map.entries() as Iterable<[bigint, number]>).size, model.size);
    for (const [key, value] of model) assertEquals([map.get(key), placeOf(key)], [value, places.get(key)]);
  }));
});

test("arrays: all entries are there, none goes, none is beyond", () => {
  for (const type of [types.BPF_MAP_TYPE_ARRAY, types.BPF_MAP_TYPE_PERCPU_ARRAY]) {
    const map = mapWith({ type, valueSize: 12 });
    assertEquals(map.get(2), new Uint8Array(12));
    map.set(2, new Uint8Array(12).fill(7));
    assertEquals([map.get(2), map.get(1), map.get(3)], [new Uint8Array(12).fill(7), new Uint8Array(12), undefined]);
    assertEquals([codeOf(() => map.set(3, new Uint8Array(12))), codeOf(() => map.delete(0))], ["E2BIG", "EINVAL"]);
    assertEquals(codeOf(() => map.set(0, new Uint8Array(12), types.BPF_NOEXIST)), "EEXIST");
    assertEquals([...map.keys()], [0, 1, 2]);
  }
});

test("numbers of every size, signs and what does not fit", () => {
  const fields = [
    { name: "tiny", offset: 0, size: 1, signed: true },
    { name: "small", offset: 2, size: 2, signed: false },
    { name: "wide", offset: 8, size: 8, signed: true },
    { name: "list", offset: 16, size: 2, signed: false, count: 3 },
  ];
  const map = mapWith({ type: types.BPF_MAP_TYPE_ARRAY, valueSize: 24, fields });
  map.set(0, { tiny: -2, small: 65535, wide: -(2n ** 63n), list: [1, 2, 0] });
  assertEquals(map.get(0), { tiny: -2, small: 65535, wide: -(2n ** 63n), list: [1, 2, 0] });
  map.set(0, { tiny: 1 });
  assertEquals(map.getField("small"), 65535);
  assertThrows(() => map.set(0, { tiny: 256 }), RangeError, "tiny");
  assertThrows(() => map.set(0, { small: 1.5 }), RangeError);
  assertThrows(() => map.set(0, { list: [1, 2, 3, 4] }), RangeError);
  assertThrows(() => map.set(0, { tiny: "1" as unknown as number }), TypeError);
  assertEquals(codeOf(() => map.set(0, { other: 1 })), "ENOENT");
  assertThrows(() => map.set(0, 5), TypeError);
  assertThrows(() => map.set(0, new Uint8Array(3)), RangeError);
  assertThrows(() => map.get(new Uint8Array(3)), RangeError);
  assertEquals(map.get(0), { tiny: 1, small: 65535, wide: -(2n ** 63n), list: [1, 2, 0] });
});

test("keys that are no numbers are bytes", () => {
  const map = mapWith({ keySize: 3 });
  map.set(Uint8Array.of(1, 2, 3), 5);
  assertEquals([...map.keys()], [Uint8Array.of(1, 2, 3)]);
  assertEquals(map.getBytes(Uint8Array.of(1, 2, 3)), Uint8Array.of(5, 0, 0, 0));
  assertThrows(() => map.get(1), TypeError);
});

for (const backend of backends) {
  test(`programs and TypeScript see the same entries at once, ${backend}`, () => {
    const text = `
      .map m hash 4 8 4
      r6 = r1
      r0 = *(u8 *)skb[0]
      *(u32 *)(r10 - 4) = r0
      r2 = r10
      r2 += -4
      r1 = map[m] ll
      call 1
      if r0 == 0 goto new
      r1 = *(u64 *)(r0 + 0)
      r1 += 1
      *(u64 *)(r0 + 0) = r1
      r0 = 1
      exit
      new:
      *(u64 *)(r10 - 16) = 1
      r1 = map[m] ll
      r2 = r10
      r2 += -4
      r3 = r10
      r3 += -16
      r4 = 0
      call 2
      exit
    `;
    const machine = new BpfMachine(assemble(text), { backend });
    const map = machine.map("m");
    for (const byte of [7, 7, 9, 7]) machine.run(Uint8Array.of(byte));
    assertEquals([map.get(7), map.get(9), map.size], [3n, 1n, 2]);
    map.set(7, 40);
    machine.run(Uint8Array.of(7));
    assertEquals(map.get(7), 41n);
    map.set(1, 0);
    map.set(2, 0);
    assertEquals(machine.run(Uint8Array.of(3)), -7);
  });

  test(`queues and stacks, ${backend}`, () => {
    for (const [kind, expected] of [["queue", [1, 2]], ["stack", [3, 2]]] as const) {
      const text = `
        .map q ${kind} 0 4 3
        r6 = r1
        r0 = *(u8 *)skb[0]
        *(u32 *)(r10 - 4) = r0
        r1 = map[q] ll
        r2 = r10
        r2 += -4
        if r0 == 0 goto pop
        r3 = 0
        call 87
        exit
        pop:
        call 88
        if r0 != 0 goto out
        r0 = *(u32 *)(r10 - 4)
        out:
        exit
      `;
      const machine = new BpfMachine(assemble(text), { backend });
      assertEquals([1, 2, 3, 4].map((byte) => machine.run(Uint8Array.of(byte))), [0, 0, 0, -7]);
      assertEquals([0, 0].map((byte) => machine.run(Uint8Array.of(byte))), [...expected]);
      assertEquals([machine.map("q").size, machine.run(Uint8Array.of(0)) > 0, machine.run(Uint8Array.of(0))], [
        1,
        true,
        -2,
      ]);
    }
  });

  test(`time, chance, connection and traces are given, ${backend}`, () => {
    const text = `
      r6 = r1
      call 5
      *(u64 *)(r10 - 8) = r0
      call 7
      *(u64 *)(r10 - 16) = r0
      r1 = r6
      call 46
      r5 = r0
      ; the format: %llu%x %d
      r1 = 0x25207825756c6c25 ll
      *(u64 *)(r10 - 32) = r1
      r1 = 0x64
      *(u64 *)(r10 - 24) = r1
      r1 = r10
      r1 += -32
      r2 = 10
      r3 = *(u64 *)(r10 - 8)
      r4 = *(u64 *)(r10 - 16)
      call 6
      exit
    `;
    const lines: string[] = [];
    let inner = "";
    const machine: BpfMachine = new BpfMachine(assemble(text), {
      backend,
      now: () => 5_000_000,
      random: (into) => into.fill(0x80),
      cookie: 77,
      onTrace: (line) => {
        lines.push(line);
        inner = codeOf(() => machine.run(new Uint8Array(1)));
      },
    });
    assertEquals(machine.run(new Uint8Array(1)), lines[0]!.length);
    assertEquals([lines, inner], [
      ["500000000000080808080 77"],
      "EBUSY",
    ]);
    machine.run(new Uint8Array(1));
    assertEquals(lines.length, 2);
  });
}

for (const backend of backends) {
  test(`a callback that throws ends the run, and the failure names the call, ${backend}`, () => {
    const fails = (): never => {
      throw new Error("no time for this");
    };
    const texts: readonly (readonly [text: string, slot: number])[] = [
      ["r0 = 0\ncall 5", 1],
      ["call 8\ncall 7", 1],
      ["call 8\nr0 = 0\ncall 118", 2],
      ["call 208", 0],
      ["*(u64 *)(r10 - 8) = 0x41\nr1 = r10\nr1 += -8\nr2 = 2\ncall 6", 4],
      // In a function that is called.
      ["call f\nr0 = 0\nexit\nf:\ncall 160", 3],
    ];
    for (const [text, slot] of texts) {
      const callbacks = { now: fails, wallNow: fails, random: fails, onTrace: fails };
      const machine = new BpfMachine(assemble(`${text}\nexit`), { backend, ...callbacks });
      for (let turn = 0; turn < 2; turn++) {
        assertEquals(machine.run(new Uint8Array(1)), -14, text);
        const failure = machine.takeFailure();
        const told = `program main, instruction ${slot}: no time for this`;
        assertEquals([failure?.instruction, failure?.message], [slot, told], text);
      }
    }
  });
}

test("lists for arrays of numbers are as long as these, or refused by name", () => {
  const fields = [{ name: "limits", offset: 0, size: 4, signed: false, count: 3 }];
  const maps = [{ name: ".data", type: 2, keySize: 4, valueSize: 12, maxEntries: 1, flags: 0, fields }];
  const machine = new BpfMachine(assemble("r1 = map[.data] ll\nr0 = 0\nexit", { maps }));
  machine.setVariable("limits", [1, 2, 3]);
  for (const list of [[], [4, 5], [4, 5, 6, 7]]) {
    const complaint = `limits must be a list of 3 numbers, got ${list.length}`;
    assertThrows(() => machine.setVariable("limits", list), RangeError, complaint);
    assertThrows(() => machine.map(".data").set(0, { limits: list }), RangeError, complaint);
  }
  assertThrows(() => machine.setVariable("limits", 4), TypeError, "limits must be a list of 3 numbers, got number");
  // deno-lint-ignore no-sparse-arrays
  assertThrows(() => machine.setVariable("limits", [1, , 3] as number[]), TypeError, "limits[1]");
  assertEquals(machine.getVariable("limits"), [1, 2, 3]);
});

const wrong: readonly (readonly [what: string, definition: Partial<MapDefinition>, code: string])[] = [
  ["an unknown type", { type: 99 }, "ENOSYS"],
  ["a hash without keys", { keySize: 0 }, "EINVAL"],
  ["a hash with keys longer than the stack", { keySize: 513 }, "EINVAL"],
  ["an array with keys of 8 bytes", { type: types.BPF_MAP_TYPE_ARRAY, keySize: 8 }, "EINVAL"],
  ["no room", { maxEntries: 0 }, "EINVAL"],
  ["no values", { valueSize: 0 }, "EINVAL"],
  ["a queue with keys", { type: types.BPF_MAP_TYPE_QUEUE }, "EINVAL"],
  ["programs of 8 bytes", { type: types.BPF_MAP_TYPE_PROG_ARRAY, valueSize: 8 }, "EINVAL"],
  ["more content than room", { type: types.BPF_MAP_TYPE_ARRAY, initial: new Uint8Array(5) }, "EINVAL"],
  ["more than fits", { maxEntries: 2 ** 32 - 1 }, "E2BIG"],
  ["values of 4 GiB", { valueSize: 2 ** 32 - 1 }, "E2BIG"],
];

for (const [what, definition, code] of wrong) {
  test(`a map with ${what} is refused`, () => assertEquals(codeOf(() => machineWith(definition)), code));
}

test("limit: maxMemoryBytes counts values and keys", () => {
  machineWith({ maxEntries: 1000 }, { maxMemoryBytes: 100_000 });
  const error = assertThrows(() => machineWith({ maxEntries: 1000 }, { maxMemoryBytes: 10_000 }), BpfError);
  assertEquals(error.code, "E2BIG");
  assertStringIncludes(error.message, "maxMemoryBytes");
});

test("maps of the same name are one where programs agree, and refused where they do not", () => {
  const table = { name: "t", type: types.BPF_MAP_TYPE_PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 };
  const main = { ...assemble("r0 = 0\nexit"), maps: [table, hash] };
  const other = { ...assemble("r0 = 1\nexit"), maps: [{ ...hash, maxEntries: 4 }] };
  const withMap = (map: Partial<MapDefinition>) => ({ ...main, maps: [table, { ...hash, ...map }] });
  assertEquals(codeOf(() => new BpfMachine(main, { programs: { t: [other] } })), "EINVAL");
  assertEquals(codeOf(() => new BpfMachine(main, { programs: { t: [withMap({ frozen: true })] } })), "EINVAL");
  const [one, two] = [Uint8Array.of(1), Uint8Array.of(2)].map((initial) => withMap({ type: 2, initial }));
  assertEquals(codeOf(() => new BpfMachine(one!, { programs: { t: [two] } })), "EINVAL");
  assertEquals(new BpfMachine(one!, { programs: { t: [{ ...one! }] } }).map("m").get(0), 1);
  assertEquals(codeOf(() => new BpfMachine(main, { programs: { m: [main] } })), "EINVAL");
  assertEquals(codeOf(() => new BpfMachine(main, { programs: { t: [main, main] } })), "E2BIG");
  assertEquals(codeOf(() => new BpfMachine(main, { programs: { none: [main] } })), "ENOENT");
});

const reachMap = `
  *(u64 *)(r10 - 8) = 0
  r2 = r10
  r2 += -8
  r3 = r2
  r4 = 0
  r1 = map[m] ll`;

test("maps that programs may only read: no helper changes them either", () => {
  const readOnly = [{ flags: types.BPF_F_RDONLY_PROG }, { frozen: true }];
  for (const flags of readOnly) {
    for (const type of [types.BPF_MAP_TYPE_HASH, types.BPF_MAP_TYPE_ARRAY]) {
      for (const helper of [2, 3]) {
        const program = assemble(`${reachMap}\ncall ${helper}\nr0 = 0\nexit`, { maps: [{ ...hash, type, ...flags }] });
        assertStringIncludes(assertThrows(() => new BpfMachine(program), BpfError).message, "map m is read-only");
        // As a number the reference is not followed by the verifier: the helper itself must see to it.
        const hidden = { ...program, code: program.code.slice() };
        for (const backend of backends) {
          const machine = new BpfMachine(hidden, { backend, mode: "sandbox" });
          assertEquals([machine.run(new Uint8Array(1)), machine.takeFailure()?.code], [-14, "EFAULT"]);
        }
      }
    }
    const queue = { ...hash, type: types.BPF_MAP_TYPE_QUEUE, keySize: 0, ...flags };
    for (const helper of [87, 88]) {
      const program = assemble(`${reachMap}\nr3 = 0\ncall ${helper}\nr0 = 0\nexit`, { maps: [queue] });
      assertStringIncludes(assertThrows(() => new BpfMachine(program), BpfError).message, "map m is read-only");
    }
  }
});

for (const backend of backends) {
  const parsed = (text: string, helper: number, base = 10): string => {
    const bytes = new Uint8Array(8);
    new TextEncoder().encodeInto(text, bytes);
    const word = new DataView(bytes.buffer).getBigUint64(0, true);
    const code = (result: string) => `
      r1 = ${word} ll
      *(u64 *)(r10 - 8) = r1
      r1 = r10
      r1 += -8
      r2 = 8
      r3 = ${base}
      r4 = r10
      r4 += -16
      call ${helper}
      ${result}
      exit`;
    const results = ["r0 = r0", "r0 = *(u32 *)(r10 - 16)", "r0 = *(u32 *)(r10 - 12)"].map((result) => {
      const machine = new BpfMachine(assemble(code(result)), { backend });
      // What another run has left on the stack must not be seen.
      machine.memory.bytes.fill(0x55, machine.context.address + 192);
      return machine.run(new Uint8Array(1));
    });
    return results.join(" ");
  };

  test(`helpers: strtol and strtoul give a number, or 0 and why there is none, ${backend}`, () => {
    assertEquals(parsed("-12x", 105), "3 -12 -1");
    assertEquals(parsed(" 0x1fg", 105, 0), "5 31 0");
    assertEquals(parsed("017", 106, 0), "3 15 0");
    assertEquals(parsed("-1", 106), "-22 0 0");
    assertEquals(parsed("x", 105), "-22 0 0");
    assertEquals(parsed("12", 105, 7), "-22 0 0");
  });
}
