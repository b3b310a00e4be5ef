import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BpfMachine } from "../../src/bpf/machine.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { loadObject } from "../../src/bpf/bpf_object.ts";
import { BPF_MAP_TYPE_ARRAY } from "../../src/bpf/map_types.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { sample } from "./support/builds.ts";
import { buildFolders, objectFile, objectNames } from "./support/recordings.ts";
import { processorMs } from "./support/processor_time.ts";

/** What loading these bytes, and linking all that is in them, is refused with. */
function refusal(bytes: Uint8Array, options?: Parameters<typeof loadObject>[1]): BpfError {
  return assertThrows(() => {
    const object = loadObject(bytes, options);
    for (const { name } of object.programs) object.program(name);
  }, BpfError);
}

/** An object of the samples with some bytes replaced. */
function patched(build: string, name: string, at: number, ...bytes: number[]): Uint8Array {
  const object = objectFile(build, name);
  object.set(bytes, at);
  return object;
}

/** Where section `index` has its header. */
function sectionHeader(object: Uint8Array, index: number): number {
  return new DataView(object.buffer).getUint32(40, true) + 64 * index;
}

/** File offset of the first bytes of the section whose header has this type and info. */
function sectionOf(object: Uint8Array, type: number, info?: number): { header: number; offset: number } {
  const view = new DataView(object.buffer);
  for (let index = 1;; index++) {
    const header = sectionHeader(object, index);
    const isIt = view.getUint32(header + 4, true) === type && (info ?? view.getUint32(header + 44, true)) ===
        view.getUint32(header + 44, true);
    if (isIt) return { header, offset: view.getUint32(header + 24, true) };
  }
}

test("case 1: a plain object has one program of four slots, a licence and no maps", () => {
  const object = sample("plain", "01_len16be");
  assertEquals(object.programs, [{ name: "len16be", section: "socket", slots: 4 }]);
  assertEquals([object.license, object.maps.length], ["GPL", 0]);
  assertEquals(
    toHex(object.program().code),
    "bf16000000000000" + "2800000000000000" + "0700000002000000" + "9500000000000000",
  );
});

test("case 2: functions that are called come behind the entry, each once, and calls reach them", () => {
  const object = sample("c14-v3-g", "14_local_func");
  assertEquals(object.programs.map(({ name }) => name), ["local_func", "local_func_at0"]);
  const both = object.program("local_func");
  assertEquals(both.code.length / 8, 30);
  assertEquals(both.functions?.map(({ name }) => name), ["local_func", "read24", "bounded"]);
  const one = object.program("local_func_at0");
  assertEquals(one.code.length / 8, 23);
  const [entry, callee] = one.functions!;
  const view = new DataView(one.code.buffer);
  const call = Array.from({ length: entry!.slots }, (_, slot) => slot).find((slot) => one.code[slot * 8] === 0x85)!;
  assertEquals(call + 1 + view.getInt32(call * 8 + 4, true), callee!.slot);
});

test("case 3: a map described by BTF, and the reference to it", () => {
  const object = sample("c14-v3-g", "11_cfg_array");
  const [map] = object.maps;
  assertEquals(
    [map?.name, map?.type, map?.keySize, map?.valueSize, map?.maxEntries],
    ["kcm_cfg", BPF_MAP_TYPE_ARRAY, 4, 20, 1],
  );
  assertEquals(toHex(object.program().code.subarray(40, 56)), "18110000000000000000000000000000");
});

test("case 4: maps without BTF: the error names .maps, BTF and -g", () => {
  const error = refusal(objectFile("plain", "11_cfg_array"));
  assertEquals([error.code, error.section], ["EINVAL", ".maps"]);
  for (const word of [".maps", "BTF", "-g"]) assertStringIncludes(error.message, word);
});

test("case 5: global variables are maps", () => {
  const maps = new Map(sample("c14-v3-g", "13_rodata_cfg").maps.map((map) => [map.name, map]));
  assertEquals(toHex(maps.get(".rodata")!.initial!), "0400000000001000");
  assertEquals(toHex(maps.get(".data")!.initial!), "0100000000000000");
  assertEquals([maps.get(".bss")!.initial, maps.get(".bss")!.valueSize], [undefined, 8]);
  assertEquals(maps.get(".rodata")!.fields!.find(({ name }) => name === "max_len")!.offset, 4);
  assertEquals(maps.get(".rodata")!.frozen, true);
});

test("case 6: constants are set before the load, counters are read after", () => {
  const program = sample("c14-v3-g", "13_rodata_cfg").program();
  const machine = new BpfMachine(program, { variables: { hdr_len: 8 } });
  assertEquals(machine.run(fromHex("0000000161")), 9);
  for (const input of ["00000002", "00000003"]) machine.run(fromHex(input));
  assertEquals(machine.run(fromHex("7fffffff")), -1);
  assertEquals([machine.getVariable("messages"), machine.getVariable("rejected")], [3n, 2n]);
  assertEquals(assertThrows(() => machine.setVariable("hdr_len", 4), BpfError).code, "EPERM");
  assertEquals(assertThrows(() => machine.map(".rodata").set(0, new Uint8Array(8)), BpfError).code, "EPERM");
  machine.setVariable("messages", 7);
  assertEquals(machine.map("13_rodat.bss").getField("messages"), 7n);
  assertEquals(assertThrows(() => machine.getVariable("nothing"), BpfError).code, "ENOENT");
});

test("case 7: maps of the old form and a section of any name", () => {
  for (const build of ["plain", "c14-v3-g", "c19-v4-g"]) {
    const object = sample(build, "17_legacy_maps");
    assertEquals(object.programs[0]?.section, "socket_kcm");
    const { type, keySize, valueSize, maxEntries } = object.maps[0]!;
    assertEquals([type, keySize, valueSize, maxEntries], [2, 4, 4, 1]);
    const machine = new BpfMachine(object.program());
    machine.map("limits").set(0, 256);
    assertEquals([machine.run(fromHex("0100")), machine.run(fromHex("0101"))], [258, -1]);
  }
});

test("case 8: big-endian objects are refused by name", () => {
  const error = refusal(objectFile("c14-be", "01_len16be"));
  assertEquals(error.code, "ENOSYS");
  assertStringIncludes(error.message, "big-endian");
});

const named = "13_rodata_cfg";
const malformed: readonly (readonly [what: string, bytes: () => Uint8Array])[] = [
  ["an object for x86", () => patched("plain", "01_len16be", 18, 62, 0)],
  ["an executable", () => patched("plain", "01_len16be", 16, 2, 0)],
  ["a 32-bit object", () => patched("plain", "01_len16be", 4, 1)],
  ["an empty file", () => new Uint8Array(0)],
  ["63 bytes", () => objectFile("plain", "01_len16be").subarray(0, 63)],
  ["e_shoff past the end", () => patched("plain", "01_len16be", 40, 0xff, 0xff, 0xff)],
  ["e_shoff far past the end", () => patched("plain", "01_len16be", 40, 0, 0, 0, 0, 0, 0, 0, 0x80)],
  ["headers of a strange size", () => patched("plain", "01_len16be", 58, 63)],
  ["names in a section that is not there", () => patched("plain", "01_len16be", 62, 200)],
  ["sh_offset + sh_size over 64 bits", () => {
    const object = objectFile("plain", "01_len16be");
    const { header } = sectionOf(object, 2);
    object.fill(0xff, header + 24, header + 40);
    return object;
  }],
  ["a symbol index past the table", () => {
    const object = objectFile("c14-v3-g", named);
    object.fill(0xff, sectionOf(object, 9).offset + 12, sectionOf(object, 9).offset + 16);
    return object;
  }],
  ["a symbol in a section that is not there", () => {
    const object = objectFile("c14-v3-g", named);
    object.fill(0xfe, sectionOf(object, 2).offset + 24 + 6, sectionOf(object, 2).offset + 24 + 8);
    return object;
  }],
  ["a name past the names", () => {
    const object = objectFile("plain", "01_len16be");
    object.fill(0xff, sectionOf(object, 2).offset + 24, sectionOf(object, 2).offset + 28);
    return object;
  }],
  ["a function past its section", () => {
    const object = objectFile("plain", "01_len16be");
    const { offset } = sectionOf(object, 2);
    for (let at = offset; at < object.length - 24; at += 24) if ((object[at + 4]! & 15) === 2) object[at + 17] = 0x10;
    return object;
  }],
  ["a relocation that is at no instruction", () => {
    const object = objectFile("c14-v3-g", named);
    object[sectionOf(object, 9).offset] = 0x14;
    return object;
  }],
  ["a relocation at the second slot of lddw", () => {
    const object = objectFile("c14-v3-g", named);
    object[sectionOf(object, 9).offset] = 0x18;
    return object;
  }],
  ["a relocation past the code", () => {
    const object = objectFile("c14-v3-g", named);
    object[sectionOf(object, 9).offset + 1] = 0x20;
    return object;
  }],
];

for (const [what, bytes] of malformed) {
  test(`case 9: ${what} is refused with a place, soon`, () => {
    const before = processorMs();
    const error = refusal(bytes());
    // Far more than it takes, and far less than anything that grows faster than the object.
    assert(processorMs() - before < 250);
    assert(error.code === "EINVAL" || error.code === "ENOSYS", error.message);
    assert(error.offset !== undefined, error.message);
  });
}

test("two maps of one name are refused with the place of the second", () => {
  const object = objectFile("c14-v3-g", "13_rodata_cfg");
  const view = new DataView(object.buffer);
  const headers = Array.from({ length: view.getUint16(60, true) }, (_, index) => sectionHeader(object, index));
  const names = view.getUint32(headers[view.getUint16(62, true)]! + 24, true);
  const named = (name: string) =>
    headers.find((at) => new TextDecoder().decode(object.subarray(names + view.getUint32(at, true))).startsWith(name))!;
  view.setUint32(named(".bss\0"), view.getUint32(named(".data\0"), true), true);
  const error = refusal(object);
  assertEquals([error.section, error.offset], [".data", 0]);
  assertEquals(error.message, "section .data, offset 0: there are two maps called .data");
});

test("a map that no map can be is refused with its place", () => {
  const object = objectFile("c14-v3-g", "17_legacy_maps");
  // type 2, keys and values of 4 bytes, one entry
  const at = toHex(object).indexOf("02000000" + "04000000" + "04000000" + "01000000") / 2;
  const error = refusal(patched("c14-v3-g", "17_legacy_maps", at + 4, 0));
  assertEquals(error.message, "section maps, offset 0: map limits of type 2 cannot have keys of 0 bytes");
  assertEquals([error.code, error.section, error.offset], ["EINVAL", "maps", 0]);
});

test("case 10: jump tables are refused, naming gotox and what to compile with", () => {
  const error = refusal(objectFile("c22-v4-g", "19_dense_switch"));
  assertEquals([error.code, error.section], ["ENOSYS", "socket"]);
  assertStringIncludes(error.message, "gotox");
  assertStringIncludes(error.message, "-mcpu=v3");
});

test("case 11: with several programs and no name the error lists them", () => {
  const object = sample("c14-v3-g", "14_local_func");
  const error = assertThrows(() => object.program(), BpfError);
  assertEquals(error.code, "ENOENT");
  for (const { name } of object.programs) assertStringIncludes(error.message, name);
  assertStringIncludes(assertThrows(() => object.program("none"), BpfError).message, "local_func_at0");
  assertEquals(sample("plain", "17_legacy_maps").program("socket_kcm").name, "legacy_maps");
});

test("case 12: an object cut at every length is refused or loads, and nothing else", () => {
  for (const build of ["plain", "c14-v1-g", "c19-v4-g"]) {
    for (const name of ["01_len16be", "14_local_func", "17_legacy_maps", "13_rodata_cfg"]) {
      const whole = objectFile(build, name);
      for (let length = 0; length < whole.length; length++) loadAll(whole.subarray(0, length));
    }
  }
});

/** Loads and links, and takes nothing but a {@linkcode BpfError} for an answer. */
function loadAll(bytes: Uint8Array): void {
  try {
    const object = loadObject(bytes);
    for (const { name } of object.programs) object.program(name);
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
  }
}

test("all objects of the samples load; source lines are known with -g", () => {
  for (const build of buildFolders().filter((folder) => folder.endsWith("-g") && folder !== "c22-v4-g")) {
    for (const name of objectNames(build)) {
      const object = sample(build, name);
      for (const one of object.programs) {
        const { lines } = object.program(one.name);
        assert(lines!.some(({ line }) => line > 0) && lines!.every(({ slot }) => slot >= 0), `${build}/${name}`);
        assertStringIncludes(lines![0]!.file, ".c");
      }
    }
  }
});

const limits = [
  ["maxObjectBytes", 100],
  ["maxSections", 2],
  ["maxSymbols", 1],
  ["maxRelocations", 1],
  ["maxTypes", 1],
  ["maxMembers", 2],
  ["maxMaps", 2],
  ["maxSlots", 21],
] as const;

for (const [limit, value] of limits) {
  test(`limit: ${limit}`, () => {
    const bytes = objectFile("c14-v3-g", named);
    const error = refusal(bytes, { [limit]: value });
    assertEquals(error.code, "E2BIG");
    assertStringIncludes(error.message, `${limit}`);
    assertThrows(() => loadObject(bytes, { [limit]: 0 }), RangeError);
  });
}

test("an object is a Uint8Array", () => {
  assertThrows(() => loadObject("object" as unknown as Uint8Array), TypeError);
});

test("C source is no object, and the error says what to do with it", () => {
  const messageOf = (text: string) =>
    assertThrows(() => loadObject(new TextEncoder().encode(text.padEnd(64))), BpfError).message;
  assertStringIncludes(messageOf('SEC("socket")\nint f(void) { return 1; }'), "clang -O2 -g -target bpf -c");
  assertStringIncludes(messageOf("// one\n  #include <linux/bpf.h>\n"), "clang -O2 -g -target bpf -c");
  assertEquals(messageOf("something else"), "offset 0: not an ELF object: the magic number is missing");
});

test("source lines are read when they are asked for, and copies of the program have them", () => {
  const program = sample("c14-v3-g", "04_postgres_backend").program();
  assertEquals(typeof Object.getOwnPropertyDescriptor(program, "lines")?.get, "function");
  const lines = program.lines!;
  assert(lines.length > 5 && lines.every(({ file, line }) => file.endsWith(".c") && line > 0));
  assertEquals({ ...program }.lines, lines);
  assertEquals(structuredClone(program).lines, lines);
  assertEquals("lines" in sample("plain", "04_postgres_backend").program(), false);
});
