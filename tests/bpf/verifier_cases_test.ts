/** Cases 13 to 29 of the specification: what is accepted and what is refused, in which mode, and why. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { assemble } from "../../src/bpf/assembler.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { encodeInstructions } from "../../src/bpf/isa.ts";
import { BPF_F_WRONLY_PROG, BPF_MAP_TYPE_PROG_ARRAY } from "../../src/bpf/map_types.ts";
import type { VerifierMode } from "../../src/bpf/verifier/facts.ts";
import { verifyProgram } from "../../src/bpf/verifier/verify_program.ts";
import { kernelMaps } from "./support/kernel_maps.ts";

function reasonOf(text: string, mode: VerifierMode): string | undefined {
  const program = assemble(text, { maps: kernelMaps, license: "GPL" });
  try {
    verifyProgram(program, { mode });
    return undefined;
  } catch (error) {
    assert(error instanceof BpfError, String(error));
    return error.message;
  }
}

/** Both modes accept. */
function accepts(text: string): void {
  for (const mode of ["strict", "kernel-root"] as const) assertEquals(reasonOf(text, mode), undefined, mode);
}

/** Both modes refuse, for a reason. */
function refuses(text: string, why: RegExp): void {
  for (const mode of ["strict", "kernel-root"] as const) {
    const reason = reasonOf(text, mode);
    assert(reason !== undefined && why.test(reason), `${mode}: ${reason}`);
  }
}

/** Only root may. */
function rootOnly(text: string, why: RegExp): void {
  assertEquals(reasonOf(text, "kernel-root"), undefined);
  const reason = reasonOf(text, "strict");
  assert(reason !== undefined && why.test(reason), reason);
}

const lines = (...text: string[]) => text.join("\n");

test("case 13: r0 must be set at the exit", () => {
  refuses("exit", /reads r0, which is not set/);
  accepts("r0 = 0\nexit");
});

test("case 15: a packet load needs the context in r6, unchanged", () => {
  accepts("r6 = r1\nr0 = *(u8 *)skb[0]\nexit");
  refuses("r0 = *(u8 *)skb[0]\nexit", /reads r6, which is not set/);
  refuses("r6 = 1\nr0 = *(u8 *)skb[0]\nexit", /r6 is not the address of the context/);
  refuses("r6 = r1\nr6 += 4\nr0 = *(u8 *)skb[0]\nexit", /r6 is not the address of the context/);
});

test("case 16: a packet load loses r1 to r5", () => {
  refuses("r6 = r1\nr0 = *(u8 *)skb[0]\nr0 = *(u32 *)(r1 + 0)\nexit", /reads r1, which is not set/);
  accepts("r6 = r1\nr0 = *(u8 *)skb[0]\nr0 = *(u32 *)(r6 + 0)\nexit");
});

test("case 17: stack that was not written is for root alone", () => {
  rootOnly("r0 = *(u64 *)(r10 - 8)\nexit", /not all of which were written/);
  const program = assemble("r0 = *(u64 *)(r10 - 8)\nexit");
  assertEquals(verifyProgram(program, { mode: "kernel-root" }).needsZeroedStack, true);
});

test("case 18: stack accesses stay in the frame and are aligned", () => {
  const store = (what: string) => `${what}\nr0 = 0\nexit`;
  refuses(store("*(u64 *)(r10 - 4) = 5"), /leave the stack/);
  accepts(store("*(u64 *)(r10 - 512) = 5"));
  refuses(store("*(u64 *)(r10 - 520) = 5"), /leave the stack/);
  refuses(store("*(u32 *)(r10 - 6) = 5"), /not aligned to 4/);
  accepts(store("*(u8 *)(r10 - 7) = 5"));
});

test("case 19: an address of which a byte was overwritten is none", () => {
  const text =
    "*(u64 *)(r10 - 8) = r1\nr2 = 0\n*(u8 *)(r10 - 8) = r2\nr2 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r2 + 0)\nexit";
  refuses(text, /overwrites a part of an address|is a number, not an address/);
  accepts("*(u64 *)(r10 - 8) = r1\nr2 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r2 + 0)\nexit");
});

test("case 20: a variable place in the stack is for root alone, and must be in it", () => {
  const indexed = (mask: number) =>
    lines(
      "*(u64 *)(r10 - 8) = 0",
      "*(u64 *)(r10 - 16) = 0",
      "r2 = *(u32 *)(r1 + 0)",
      `r2 &= ${mask}`,
      "r3 = r10",
      "r3 += -16",
      "r3 += r2",
      "r0 = *(u8 *)(r3 + 0)",
      "exit",
    );
  rootOnly(indexed(7), /the offset in the stack is not a constant/);
  refuses(indexed(31), /leave the stack|is not a constant/);
});

const lookup = (map: string, ...behind: string[]) =>
  lines(
    "r6 = r1",
    "r7 = *(u32 *)(r1 + 0)",
    "*(u32 *)(r10 - 4) = r7",
    "r2 = r10",
    "r2 += -4",
    `r1 = map[${map}] ll`,
    "call 1",
    ...behind,
  );

const checked = (...behind: string[]) => lookup("0", "if r0 == 0 goto out", ...behind, "out:", "r0 = 0", "exit");

test("case 21: what a look-up finds may be null", () => {
  refuses(lookup("1", "r0 = *(u64 *)(r0 + 0)", "exit"), /may be null: test it first/);
  accepts(lookup("1", "r7 = r0", "if r0 == 0 goto +1", "r0 = *(u64 *)(r7 + 0)", "r0 = 0", "exit"));
  accepts(
    lookup(
      "1",
      "*(u64 *)(r10 - 16) = r0",
      "if r0 == 0 goto +2",
      "r7 = *(u64 *)(r10 - 16)",
      "r0 = *(u64 *)(r7 + 0)",
      "r0 = 0",
      "exit",
    ),
  );
});

test("case 21: a constant key in range of an array finds its value always", () => {
  const constant = (key: number, map: number) =>
    lines(
      `*(u32 *)(r10 - 4) = ${key}`,
      "r2 = r10",
      "r2 += -4",
      `r1 = map[${map}] ll`,
      "call 1",
      "r0 = *(u32 *)(r0 + 0)",
      "exit",
    );
  accepts(constant(0, 0));
  refuses(constant(1, 0), /may be null/);
  refuses(constant(0, 1), /may be null/);
});

test("case 22: accesses stay in the map's value", () => {
  accepts(checked("r0 = *(u32 *)(r0 + 12)"));
  refuses(checked("r0 = *(u32 *)(r0 + 16)"), /leave the map value of 16 bytes/);
  refuses(checked("r0 = *(u32 *)(r0 - 4)"), /leave the map value/);
  refuses(checked("r0 = *(u64 *)(r0 + 12)"), /leave the map value/);
});

test("case 23: a variable place in a map's value needs bounds", () => {
  const indexed = (...bounds: string[]) =>
    checked("r1 = *(u32 *)(r6 + 0)", ...bounds, "r0 += r1", "r0 = *(u8 *)(r0 + 0)");
  accepts(indexed("r1 &= 15"));
  refuses(indexed("r1 &= 31"), /leaves? the map value/);
  accepts(indexed("if r1 > 15 goto out"));
  accepts(indexed("r2 = r1", "if r2 > 15 goto out"));
  accepts(indexed("r1 <<= 32", "r1 s>>= 32", "if r1 s> 15 goto out", "if r1 s< 0 goto out"));
  refuses(indexed("r1 <<= 32", "r1 s>>= 32", "if r1 s> 15 goto out"), /negative|no bound|leave the map value/);
});

test("case 24: the buffer of skb_load_bytes", () => {
  const load = (at: number, ...length: string[]) =>
    lines("r6 = r1", ...length, "r2 = 0", "r3 = r10", `r3 += ${at}`, "call 26", "exit");
  refuses(load(-8, "r4 = 0"), /may be 0/);
  refuses(load(-8, "r4 = -1"), /may be negative/);
  refuses(load(-8, "r4 = 16"), /leave the stack/);
  accepts(load(-512, "r4 = 512"));
  rootOnly(load(-8, "r4 = *(u32 *)(r1 + 0)", "r4 &= 7", "r4 += 1"), /not all of which was written/);
  refuses(load(-8, "r4 = *(u32 *)(r1 + 0)", "r4 &= 7"), /may be 0/);
});

test("case 24: what skb_load_bytes fills may be read", () => {
  accepts(lines("r2 = 0", "r3 = r10", "r3 += -8", "r4 = 8", "call 26", "r0 = *(u64 *)(r10 - 8)", "exit"));
});

test("case 25: helpers that there are not", () => {
  for (const imm of [9, 0, -1, 99999]) {
    const code = encodeInstructions([
      { opcode: 0x85, dst: 0, src: 0, offset: 0, imm },
      { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 },
    ]);
    for (const mode of ["strict", "kernel-root", "sandbox"] as const) {
      const program = { name: "helper", code, maps: [], license: "GPL" };
      assertThrows(() => verifyProgram(program, { mode }), BpfError, `there is no helper ${imm} `);
    }
  }
});

test("case 26: fields of the context", () => {
  const read = (size: number, at: number) => `r0 = *(u${size * 8} *)(r1 + ${at})\nr0 = 0\nexit`;
  const readable = [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 68, 84, 164, 176];
  for (let at = 0; at < 196; at += 4) {
    if (readable.includes(at)) accepts(read(4, at));
    else refuses(read(4, at), /of the context cannot be read/);
  }
  for (let at = 0; at < 196; at += 8) {
    if ([48, 56, 168].includes(at)) accepts(read(8, at));
    else refuses(read(8, at), /of the context cannot be read/);
  }
  accepts(read(2, 2));
  refuses(read(2, 1), /cannot be read/);
  refuses(read(4, 2), /cannot be read/);
  refuses(read(8, 52), /cannot be read/);
  accepts(read(1, 3));
});

test("case 26: writes to the context", () => {
  const write = (size: number, at: number) => `r2 = 1\n*(u${size * 8} *)(r1 + ${at}) = r2\nr0 = 0\nexit`;
  for (let at = 0; at < 192; at += 4) {
    if (at >= 48 && at < 68) accepts(write(4, at));
    else refuses(write(4, at), /of the context cannot be written/);
  }
  accepts(write(8, 56));
  refuses(write(8, 64), /cannot be written/);
  refuses("r2 = 1\nlock *(u32 *)(r1 + 48) += r2\nr0 = 0\nexit", /atomic access to the context/);
});

const chain = (frames: number) =>
  Array.from({ length: frames - 1 }, (_, i) => `f${i}:\ncall f${i + 1}\nexit`).join("\n") +
  `\nf${frames - 1}:\nr0 = 7\nexit`;

test("case 29: depth of calls, recursion, stack of all frames", () => {
  accepts(chain(8));
  refuses(chain(9), /9 frames deep, 8 are allowed/);
  refuses("call f\nexit\nf:\ncall f\nexit", /calls itself/);
  refuses("call f\nexit\nf:\ncall g\nexit\ng:\ncall f\nexit", /calls itself/);
  const frames = (first: number, second: number) =>
    `*(u64 *)(r10 - ${first}) = 5\ncall f\nexit\nf:\n*(u64 *)(r10 - ${second}) = 5\nr0 = 0\nexit`;
  refuses(frames(256, 288), /544 bytes of stack, there are 512/);
  accepts(frames(256, 256));
});

test("a callee's frame is gone when it has returned", () => {
  refuses("call f\nexit\nf:\nr0 = r10\nexit", /address in a frame/);
  const stored = "r1 = r10\nr1 += -8\ncall f\nr0 = 0\nexit\nf:\n*(u64 *)(r1 + 0) = r10\nr0 = 0\nexit";
  refuses(stored, /outlives/);
});

test("a callee sees and changes its caller's stack through an address", () => {
  const text = lines(
    "*(u64 *)(r10 - 8) = 5",
    "r1 = r10",
    "r1 += -8",
    "call f",
    "r0 = *(u64 *)(r10 - 8)",
    "exit",
    "f:",
    "*(u64 *)(r1 + 0) = 9",
    "r0 = 0",
    "exit",
  );
  accepts(text);
  const { accesses } = verifyProgram(assemble(text));
  const store = accesses.findLast((access) => access !== undefined);
  assertEquals(store, { region: "stack", offset: -8, frame: 1, map: -1 });
});

test("where joins lose what goes together, ways are gone one by one", () => {
  // r7 says whether r8 is an address, or a number.
  accepts(lines(
    "r2 = *(u32 *)(r1 + 0)",
    "r7 = 0",
    "r8 = 0",
    "if r2 > 5 goto +2",
    "r7 = 1",
    "r8 = r1",
    "if r7 == 0 goto out",
    "r0 = *(u32 *)(r8 + 0)",
    "exit",
    "out:",
    "r0 = 0",
    "exit",
  ));
});

test("what only root may do with addresses", () => {
  rootOnly("r0 = r10\nexit", /returns an address/);
  rootOnly("r0 = r10\nr0 -= r1\nexit", /sub of two addresses/);
  rootOnly("r0 = 0\nif r10 == 5 goto +0\nexit", /compares an address/);
  rootOnly(checked("*(u64 *)(r0 + 0) = r6"), /others can see it/);
  refuses("r0 = r10\nw0 += 1\nexit", /32-bit arithmetic on an address/);
  refuses("r0 = r10\nr0 *= 2\nexit", /can only be added to/);
});

test("a format may have fewer values than there are registers for them", () => {
  const print = (...before: string[]) =>
    lines("*(u64 *)(r10 - 8) = 0", "r6 = r1", "r1 = r10", "r1 += -8", "r2 = 8", ...before, "call 6", "r0 = 0", "exit");
  accepts(print());
  accepts(print("r3 = 1"));
  rootOnly(print("r3 = r6"), /r3 is an address/);
});

test("what strtol makes of a text must be aligned", () => {
  const parse = (at: number) =>
    lines("*(u64 *)(r10 - 8) = 0", "r1 = r10", "r1 += -8", "r2 = 8", "r3 = 0", "r4 = r10", `r4 += ${at}`, "call 105") +
    "\nr0 = 0\nexit";
  accepts(parse(-16));
  refuses(parse(-20), /not aligned to 8/);
});

test("maps that programs may only write are not read by atomics either", () => {
  const program = assemble("r1 = map[m]+0 ll\nr2 = 1\nlock *(u64 *)(r1 + 0) += r2\nr0 = 0\nexit", {
    maps: [{ ...kernelMaps[0]!, name: "m", flags: BPF_F_WRONLY_PROG }],
  });
  assertThrows(() => verifyProgram(program), BpfError, "map m is write-only");
});

test("tail calls are for the entry function alone, in any mode", () => {
  const table = { name: "t", type: BPF_MAP_TYPE_PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 };
  const text = lines("call f", "exit", "f:", "r2 = map[t] ll", "r3 = 0", "call 12", "r0 = 0", "exit");
  for (const mode of ["strict", "kernel-root", "sandbox"] as const) {
    assertThrows(
      () => verifyProgram(assemble(text, { maps: [table] }), { mode }),
      BpfError,
      "tail call in a local function",
    );
  }
});

test("sandbox mode takes what is not safe and says that it must be checked", () => {
  const unsafe = assemble("r0 = *(u64 *)(r2 + 8)\nexit");
  const verified = verifyProgram(unsafe, { mode: "sandbox" });
  assertEquals([verified.isChecked, verified.needsZeroedStack, verified.accesses.length], [true, true, 0]);
  assertEquals(verifyProgram(assemble("r0 = 1\nexit"), { mode: "sandbox" }).isChecked, false);
});

test("loops: by budget, bounded, refused", () => {
  const counted = assemble("r0 = 0\nagain:\nr0 += 1\nif r0 < 10 goto again\nexit");
  const endless = assemble("r0 = 0\nagain:\nr1 = 0\nif r1 == 0 goto again\nexit");
  const judged = (program: typeof counted) =>
    (["budget", "bounded", "refused"] as const).map((loops) => {
      try {
        return verifyProgram(program, { loops }).steps > 0;
      } catch (error) {
        return (error as BpfError).code;
      }
    });
  assertEquals(judged(counted), [true, true, "EACCES"]);
  assertEquals(judged(endless), [true, "EACCES", "EACCES"]);
});
