import { test } from "node:test";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { assemble } from "../../src/bpf/assembler.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { BpfMachine } from "../../src/bpf/machine.ts";
import { BPF_F_RDONLY_PROG, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PROG_ARRAY } from "../../src/bpf/map_types.ts";
import { verifyProgram } from "../../src/bpf/verifier/verify_program.ts";
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

/** An address that nobody knows at load: r9 is the length of the message, which is taken off again. */
const hidden = (register: string) => `${register} += r9\n${register} -= r9`;
const signed = (offset: number) => offset < 0 ? `- ${-offset}` : `+ ${offset}`;
const start = "r6 = r1\nr9 = *(u32 *)(r6 + 0)\n";

/** Addresses of the program's own, as r1, with the bytes around them that are its own: from, to, and whether writable. */
const own: readonly (readonly [what: string, text: string, from: number, to: number, writable: boolean])[] = [
  ["the frame", "r1 = r10", -512, 0, true],
  ["the context", "r1 = r6", 0, 192, false],
  ["cb[] of the context", "r1 = r6\nr1 += 48", 0, 20, true],
  ["a map's value", "r1 = map[.data]+0 ll", 0, 16, true],
  ["a constant", "r1 = map[.rodata]+0 ll", 0, 16, false],
  [
    "the second of two values of 12 bytes",
    "*(u32 *)(r10 - 4) = 1\nr1 = map[two] ll\nr2 = r10\nr2 += -4\ncall 1\nr1 = r0",
    0,
    12,
    true,
  ],
];
const two = [...maps, { ...value, name: "two", valueSize: 12, maxEntries: 2 }];

for (const backend of backends) {
  const machineOf = (text: string) =>
    new BpfMachine(assemble(`${text}\nr0 = 0\nexit`, { maps: two }), { backend, mode: "sandbox" });
  const codeOf = (machine: BpfMachine, message = Uint8Array.of(1, 2, 3, 4)) => {
    const result = machine.run(message);
    const code = machine.takeFailure()?.code;
    assertEquals(result, code === undefined ? 0 : -14);
    return code;
  };
  /** How each of several ways ends, all of one program: to compile one for each took most of the time of these tests. */
  const codesOf = (setUp: string, ways: readonly string[]) => {
    const choice = ways.map((_, way) => `if r8 == ${way} goto L${way}`).join("\n");
    const texts = ways.map((text, way) => `r0 = 0\nexit\nL${way}:\n${text}`).join("\n");
    const machine = machineOf(`${start}r0 = *(u8 *)skb[0]\nr8 = r0\n${setUp}\n${choice}\n${texts}`);
    return ways.map((_, way) => codeOf(machine, Uint8Array.of(way, 2, 3, 4)));
  };
  const sizes = { 1: "u8", 2: "u16", 4: "u32", 8: "u64" } as const;

  for (const [what, text, from, to, writable] of own) {
    test(`sandbox: up to the border of ${what}, and not a byte over it, ${backend}`, () => {
      const ways: string[] = [], expected: (string | undefined)[] = [];
      const expectCode = (way: string, isAllowed: boolean) => {
        ways.push(way);
        expected.push(isAllowed ? undefined : "EFAULT");
      };
      for (const [bytes, type] of Object.entries(sizes)) {
        const size = Number(bytes);
        const places = [[from, true], [to - size, true], [from - 1, false], [to - size + 1, false]] as const;
        for (const [at, isInside] of places) {
          // Around cb[] is the rest of the context, which may be read.
          expectCode(`r0 = *(${type} *)(r1 ${signed(at)})`, isInside || what.startsWith("cb[]"));
          const isStored = isInside && writable;
          expectCode(`*(${type} *)(r1 ${signed(at)}) = 7`, isStored);
          if (size >= 4) expectCode(`r2 = 1\nlock *(${type} *)(r1 ${signed(at)}) += r2`, isStored);
        }
      }
      const codes = codesOf(`${text}\n${hidden("r1")}`, ways);
      assertEquals(ways.map((way, i) => [way, codes[i]]), ways.map((way, i) => [way, expected[i]]));
    });

    test(`sandbox: helpers touch ${what} and not a byte behind it, ${backend}`, () => {
      const load = (at: number, size: number) =>
        `r3 = r1\nr3 += ${at}\n${hidden("r3")}\nr1 = r6\nr2 = 0\nr4 = ${size}\ncall 26`;
      const compare = (at: number, size: number) =>
        `r1 += ${at}\n${hidden("r1")}\nr2 = ${size}\nr3 = map[.rodata]+0 ll\ncall 182`;
      const ways = [load(to - 4, 4), load(to - 4, 5), load(from - 1, 4), compare(to - 4, 4), compare(to - 4, 5)];
      const [isWritten, isRead] = [writable, what.startsWith("cb[]")].map((may) => may ? undefined : "EFAULT");
      assertEquals(codesOf(text, ways), [isWritten, "EFAULT", "EFAULT", undefined, isRead]);
    });
  }

  test(`sandbox: a failure names the instruction that fails, calls of helpers as well, ${backend}`, () => {
    const failing: readonly (readonly [text: string, slot: number])[] = [
      ["*(u8 *)(r1 + 0) = 1", 4],
      ["r3 = r1\nr1 = r6\nr2 = 0\nr4 = 4\ncall 26", 8],
      ["r7 = r1\ncall 7\nr3 = r7\nr1 = r6\nr2 = 0\nr4 = 4\ncall 26", 10],
      ["call f\nr0 = 0\nexit\nf:\nr3 = r1\nr1 = r6\nr2 = 0\nr4 = 4\ncall 26", 11],
      ["r2 = 5\nr3 = 0\nr1 = r6\ncall 12", 7],
      // What was noted of a call is not told of what fails behind it.
      ["r7 = r1\ncall 7\n*(u8 *)(r7 + 0) = 1", 6],
    ];
    for (const [text, slot] of failing) {
      const machine = machineOf(`${start}r1 = -1\n${hidden("r1").split("\n")[0]}\n${text}`);
      for (let turn = 0; turn < 2; turn++) {
        assertEquals(machine.run(Uint8Array.of(1, 2, 3, 4)), -14, text);
        assertEquals(machine.takeFailure()?.instruction, slot, text);
      }
    }
  });

  test(`sandbox: what is wrong is told in the same words by all back ends, ${backend}`, () => {
    const messages = ["r1 = -1", "r1 = map[.rodata]+0 ll", "r1 = r6"].map((address) => {
      const machine = machineOf(`${start}${address}\n${hidden("r1")}\n*(u8 *)(r1 + 0) = 1`);
      assertEquals(machine.run(new Uint8Array(2)), -14);
      return machine.takeFailure()!.message;
    });
    const outside = "an access is outside of the program's memory",
      readOnly = "a store is where the program may only read";
    assertEquals(messages, [
      `program main, instruction 5: ${outside}`,
      `program main, instruction 6: ${readOnly}`,
      `program main, instruction 5: ${readOnly}`,
    ]);
  });

  test(`sandbox: nothing else of the machine's memory is in reach, ${backend}`, () => {
    const machine = machineOf("r6 = r1\nr0 = *(u32 *)skb[0]\nw1 = w0\nr0 = *(u8 *)(r1 + 0)");
    const { memory: { bytes }, context: { address, size } } = machine;
    const values = two.map(({ name, valueSize, maxEntries }) => ({
      at: machine.map(name).address,
      valueSize,
      maxEntries,
    }));
    const message = new Uint8Array(4), view = new DataView(message.buffer);
    for (let at = 0; at < bytes.length; at += at >= 65_536 && at < 65_536 + 5120 ? 4 : 512) {
      const isFrame = at >= address + size + 7 * 512 && at < address + size + 8 * 512;
      const isOwn = isFrame || at >= address && at < address + size ||
        values.some(({ at: first, valueSize, maxEntries }) => {
          const behind = at - first;
          return behind >= 0 && behind < 16 * maxEntries && behind % 16 < valueSize;
        });
      view.setUint32(0, at);
      assertEquals(codeOf(machine, message), isOwn ? undefined : "EFAULT", `${at}`);
    }
  });

  test(`sandbox: two functions have two frames, ${backend}`, () => {
    const text = (offset: number) =>
      `${start}r1 = r10\n${hidden("r1")}\nr2 = *(u64 *)(r1 ${signed(offset)})\ncall f\nr0 = 0\nexit\nf:`;
    assertEquals([-1024, -1025].map((offset) => codeOf(machineOf(text(offset)))), [undefined, "EFAULT"]);
  });
}

for (const backend of backends) {
  const readBelow = `r9 = *(u32 *)(r1 + 0)\nr8 = r10\n${hidden("r8")}\nr0 = *(u16 *)(r8 - 520)`;

  test(`sandbox: frames that were not entered are zeros, not what the message before has left, ${backend}`, () => {
    const keep = "r2 = 0\nr3 = r10\nr3 += -8\nr4 = 1\ncall 26\nr0 = 0\nexit";
    const text = `${readBelow}\nr7 = r0\ncall f\nr0 = r7\nexit\nf:\n${keep}`;
    const machine = new BpfMachine(assemble(text), { backend, mode: "sandbox" });
    assertEquals([65, 66, 67].map((byte) => machine.run(Uint8Array.of(byte))), [0, 0, 0]);
    assertEquals(machine.takeFailure(), undefined);
  });

  test(`sandbox: nor what the program has left that made the tail call, ${backend}`, () => {
    const next = { ...value, name: "next", type: BPF_MAP_TYPE_PROG_ARRAY, valueSize: 4 };
    const jump = "r1 = r6\nr2 = map[next] ll\nr3 = 0\ncall 12\nr0 = 99\nexit";
    const leave = "r2 = 0x1234\n*(u64 *)(r10 - 8) = r2\nr0 = *(u64 *)(r10 - 8)\nexit";
    const first = assemble(`r6 = r1\ncall f\n${jump}\nf:\n${leave}`, { maps: [next] });
    const target = assemble(`${readBelow}\nr7 = r0\ncall f\nr0 = r7\nexit\nf:\n${leave}`);
    const machine = new BpfMachine(first, { backend, mode: "sandbox", programs: { next: [target] } });
    assertEquals([1, 2].map((byte) => machine.run(Uint8Array.of(byte))), [0, 0]);
    assertEquals(machine.takeFailure(), undefined);
  });

  test(`sandbox: a frame is zeros each time that its function is entered, ${backend}`, () => {
    const text = `r9 = *(u32 *)(r1 + 0)\nr7 = 0\ncall f\nr7 = r0\ncall f\nr0 += r7\nexit
      f:\nr1 = r10\nr2 = r10\nr2 -= r2\nr1 += r2\nr0 = *(u8 *)(r1 - 8)\n*(u8 *)(r1 - 8) = 5\nexit`;
    const machine = new BpfMachine(assemble(text), { backend, mode: "sandbox" });
    assertEquals([machine.run(new Uint8Array(1)), machine.takeFailure()], [0, undefined]);
  });
}

test("sandbox: an access that is wrong whenever it is made is refused at load, as in every mode", () => {
  const wrong: readonly (readonly [text: string, complaint: string])[] = [
    ["r0 = *(u64 *)(r1 + 500)", "8 bytes at offset 500"],
    ["r0 = *(u64 *)(r1 + 5000)", "8 bytes at offset 5000"],
    ["r0 = *(u64 *)(r1 + 185)", "8 bytes at offset 185 leave the context of 192 bytes"],
    ["r0 = *(u8 *)(r1 - 1)", "1 bytes at offset -1"],
    ["*(u64 *)(r10 + 8) = 7", "8 bytes at offset 8 leave the stack"],
    ["*(u8 *)(r10 + 0) = 7", "1 bytes at offset 0 leave the stack"],
    ["*(u64 *)(r10 - 6000) = 7", "leave the stack"],
    ["r2 = r10\nr2 += -600\n*(u32 *)(r2 + 84) = r1", "4 bytes at offset -516 leave the stack"],
    ["r2 = 600\nr3 = r10\nr3 -= r2\nlock *(u32 *)(r3 + 0) += r2", "leave the stack"],
    ["r2 = map[.data]+12 ll\nr0 = *(u64 *)(r2 + 0)", "8 bytes at offset 12 leave the map value of 16 bytes"],
    ["r2 = 1 ll\nr2 = map[free]+0 ll\nr0 = *(u8 *)(r2 + 16)", "leave the map value"],
    [
      "*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = map[free] ll\ncall 1\nif r0 == 0 goto +1\n*(u8 *)(r0 + 16) = 1",
      "1 bytes at offset 16 leave the map value of 16 bytes",
    ],
    ["r2 = 0\nr3 = r10\nr3 += -8\nr4 = 16\ncall 26", "16 bytes at offset -8 leave the stack"],
    ["r2 = r10\nr2 += -2\nr1 = map[free] ll\ncall 1", "4 bytes at offset -2 leave the stack"],
    ["r1 = 0\ncall f\nr0 = 0\nexit\nf:\nr0 = *(u8 *)(r10 + 1)", "leave the stack"],
  ];
  for (const [text, complaint] of wrong) {
    for (const mode of ["sandbox", "kernel-root", "strict"] as const) {
      const error = assertThrows(
        () => verifyProgram(assemble(`${text}\nr0 = 0\nexit`, { maps }), { mode }),
        BpfError,
      );
      assertEquals(error.code, "EACCES", text);
      if (mode === "sandbox") assertStringIncludes(error.message, complaint);
    }
  }
});

test("sandbox: what is wrong on a way that constants rule out is not refused, as in every mode", () => {
  const start = "r2 = *(u32 *)(r1 + 0)\nr3 = 5\nr4 = 7";
  const wrong = "r0 = *(u8 *)(r10 + 8)";
  // Nothing can be proved of this, so that the whole program is checked while it runs.
  const unproven = "r5 = r10\nr5 += r2\nr0 = *(u8 *)(r5 - 1)";
  const jumps: readonly (readonly [jump: string, isTaken: boolean])[] = [
    ["if r3 == 5", true],
    ["if r3 != 5", false],
    ["if r3 < r4", true],
    ["if w4 < w3", false],
    ["if r3 s> -1", true],
    ["if r3 > -1", false],
    ["if r3 & 2", false],
    ["if r4 & 2", true],
  ];
  for (const [jump, isTaken] of jumps) {
    const [over, into] = [`${jump} goto L\n${wrong}\nL:`, `${jump} goto L\ngoto M\nL:\n${wrong}\nM:`];
    const [fine, bad] = isTaken ? [over, into] : [into, over];
    const check = (text: string, mode: "sandbox" | "strict") =>
      verifyProgram(assemble(`${start}\n${text}\nr0 = 0\nexit`), { mode }).isChecked;
    assertEquals([check(`${fine}\n${unproven}`, "sandbox"), check(fine, "strict")], [true, false], jump);
    for (const backend of backends) {
      const program = assemble(`${start}\n${fine}\n${unproven}\nr0 = 9\nexit`);
      assertEquals(new BpfMachine(program, { backend, mode: "sandbox" }).run(new Uint8Array(0)), 9, jump);
    }
    for (const act of [() => check(`${bad}\n${unproven}`, "sandbox"), () => check(bad, "strict")]) {
      assertEquals(assertThrows(act, BpfError).code, "EACCES", jump);
    }
  }
  // Ruled out at the first turn only, or by what is known on one of two ways only.
  const sometimes = [
    `L:\nif r3 == 5 goto M\n${wrong}\nM:\nr3 += 1\nr2 += -1\nif r2 != 0 goto L`,
    `if r2 == 0 goto L\nr3 = 6\nL:\nif r3 == 5 goto M\n${wrong}\nM:`,
    `if w3 == w2 goto M\n${wrong}\nM:`,
    // A jump to the next instruction rules out nothing.
    `if r3 == 6 goto +0\n${wrong}`,
    `if r3 == 5 goto +0\n${wrong}`,
  ];
  for (const text of sometimes) {
    const program = assemble(`${start}\n${text}\n${unproven}\nr0 = 0\nexit`);
    assertEquals(assertThrows(() => verifyProgram(program, { mode: "sandbox" }), BpfError).code, "EACCES", text);
  }
});

test("sandbox: what some way makes right is left to the run", () => {
  const programs = [
    // Which of two addresses, depends on the message; only one of them is wrong.
    "r2 = r10\nr0 = *(u32 *)(r1 + 0)\nif r0 == 1 goto L\nr2 += -16\nL:\nr0 = *(u8 *)(r2 + 8)",
    // The distance grows around a loop.
    "r2 = r10\nr2 += -8\nr3 = *(u32 *)(r1 + 0)\nL:\nr2 += 1\nr3 -= 1\nif r3 != 0 goto L\nr0 = *(u8 *)(r2 + 0)\nr0 = r1",
    // Of a map value of another map.
    "r2 = map[free]+0 ll\nr0 = *(u32 *)(r1 + 0)\nif r0 == 1 goto L\nr2 = r10\nr2 += -40\nL:\nr0 = *(u8 *)(r2 + 20)",
  ];
  for (const text of programs) {
    const program = assemble(`${text}\nexit`, { maps });
    assertEquals(verifyProgram(program, { mode: "sandbox" }).isChecked, true, text);
    for (const backend of backends) {
      const machine = new BpfMachine(program, { backend, mode: "sandbox" });
      machine.run(new Uint8Array(2));
      assertEquals(machine.takeFailure(), undefined);
    }
  }
});
