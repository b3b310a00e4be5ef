import { test } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { assemble } from "../../src/bpf/assembler.ts";
import { BpfMachine } from "../../src/bpf/machine.ts";
import { BPF_F_RDONLY_PROG, BPF_MAP_TYPE_ARRAY } from "../../src/bpf/map_types.ts";
import { backends } from "./support/builds.ts";

const value = { type: BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 16, maxEntries: 1, flags: 0 };
/** A map of constants between two that may be written, in every order of address. */
const maps = [
  { ...value, name: ".data", initial: new Uint8Array(16) },
  { ...value, name: ".rodata", frozen: true, initial: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9) },
  { ...value, name: "fixed", flags: BPF_F_RDONLY_PROG },
  { ...value, name: "free" },
];

/** What may be done with the address in r1; each ends with r0 = 0. */
const writes: readonly (readonly [what: string, text: string])[] = [
  ["store of an immediate", "*(u8 *)(r1 + 0) = 9"],
  ["store of a register", "*(u64 *)(r1 + 8) = r7"],
  ["release", "store_release((u32 *)(r1 + 0), w7)"],
  ["atomic", "lock *(u32 *)(r1 + 4) += r7"],
  ["exchange", "r7 = xchg_64(r1 + 0, r7)"],
  ["compare and exchange", "r0 = cmpxchg_64(r1 + 0, r0, r7)"],
  ["bytes of the message", "r3 = r1\nr1 = r6\nr2 = 0\nr4 = 4\ncall 26"],
  ["more bytes than there are: zeros", "r3 = r1\nr1 = r6\nr2 = 2\nr4 = 16\ncall 26"],
  ["a number out of a text", "r4 = r1\n*(u64 *)(r10 - 8) = 0x31\nr1 = r10\nr1 += -8\nr2 = 1\nr3 = 10\ncall 105"],
];

for (const backend of backends) {
  // The subtraction is what nobody can prove, so that every access is checked.
  const machineFor = (map: string, text: string, end = "r0 = 0") => {
    const start = `r6 = r1\nr7 = 5\nr0 = 3\nr2 = r1\nr2 -= r1\nr1 = map[${map}]+0 ll\nr1 += r2`;
    return new BpfMachine(assemble(`${start}\n${text}\n${end}\nexit`, { maps }), { backend, mode: "sandbox" });
  };
  const bytesOf = (machine: BpfMachine) => maps.map(({ name }) => machine.map(name).getBytes(0));

  for (const [what, text] of writes) {
    test(`sandbox: constants stay what they are: ${what}, ${backend}`, () => {
      for (const map of [".rodata", "fixed"]) {
        const machine = machineFor(map, text);
        const before = bytesOf(machine);
        assertEquals(machine.run(Uint8Array.of(1, 2, 3, 4)), -14);
        const failure = machine.takeFailure();
        assertEquals(failure?.code, "EFAULT");
        assertStringIncludes(failure!.message, "instruction");
        assertEquals(bytesOf(machine), before);
      }
      for (const map of [".data", "free"]) {
        const machine = machineFor(map, text);
        assertEquals([machine.run(Uint8Array.of(1, 2, 3, 4)), machine.takeFailure()], [0, undefined]);
      }
    });
  }

  test(`sandbox: constants can be read, ${backend}`, () => {
    const read = (text: string) => machineFor(".rodata", text, "").run(new Uint8Array(4));
    assertEquals(read("r0 = *(u8 *)(r1 + 8)"), 9);
    assertEquals(read("w0 = load_acquire((u8 *)(r1 + 1))"), 2);
    // strncmp reads it as well.
    assertEquals(read("r3 = r1\nr2 = 4\ncall 182"), 0);
  });
}
