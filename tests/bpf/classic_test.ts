import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { checkClassic, type ClassicInstruction } from "../../src/bpf/classic/classic.ts";
import { CLASSIC_OPERATIONS } from "../../src/bpf/classic/codes_table.ts";
import { classicToEbpf } from "../../src/bpf/classic/to_ebpf.ts";
import { parseClassic } from "../../src/bpf/classic/text.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { BpfMachine } from "../../src/bpf/machine.ts";
import { verifyProgram } from "../../src/bpf/verifier/verify_program.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { backends } from "./support/builds.ts";
import { runClassic } from "./support/classic_reference.ts";
import { classicPacket, randomClassic, recordedVectors } from "./support/recordings.ts";

const of = (...program: [code: number, jt: number, jf: number, k: number][]): ClassicInstruction[] =>
  program.map(([code, jt, jf, k]) => ({ code, jt, jf, k }));

const retA = of([0x16, 0, 0, 0]);

function machineOf(program: readonly ClassicInstruction[], backend = backends[0]!): BpfMachine {
  return new BpfMachine(classicToEbpf(program), { backend, random: (bytes) => bytes.fill(7) });
}

test("case 60: recorded random programs, reference", () => {
  const packet = classicPacket();
  for (const { code, a } of randomClassic()) assertEquals(runClassic([...of(...code), ...retA], packet), a);
});

for (const backend of backends) {
  test(`case 60: recorded random programs, translated to eBPF, ${backend}`, () => {
    const packet = classicPacket();
    for (const { code, a } of randomClassic()) {
      const program = [...of(...code), ...retA];
      assertEquals(machineOf(program, backend).run(packet) >>> 0, a, JSON.stringify(code));
    }
  });
}

test("case 60: what is translated passes the verifier", () => {
  for (const { code } of randomClassic()) verifyProgram(classicToEbpf([...of(...code), ...retA]));
});

const REFUSED: readonly (readonly [what: RegExp, program: ClassicInstruction[]])[] = [
  [/at least one/, []],
  [/M\[0\] is read, but not written on every path/, of([0x60, 0, 0, 0], [0x16, 0, 0, 0])],
  [/M\[1\] is read/, of([0x15, 0, 1, 5], [0x02, 0, 0, 1], [0x61, 0, 0, 1], [0x16, 0, 0, 0])],
  [/there is no M\[16\]/, of([0x02, 0, 0, 16], [0x16, 0, 0, 0])],
  [/lsh by 32 of 32 bits/, of([0x64, 0, 0, 32], [0x16, 0, 0, 0])],
  [/div by 0/, of([0x34, 0, 0, 0], [0x16, 0, 0, 0])],
  [/mod by 0/, of([0x94, 0, 0, 0], [0x16, 0, 0, 0])],
  [/nothing is known at ancillary offset 64/, of([0x20, 0, 0, 0xfffff040], [0x16, 0, 0, 0])],
  [/nothing is known at ancillary offset 2/, of([0x28, 0, 0, 0xfffff002], [0x16, 0, 0, 0])],
  [/at most 4096 instructions, this one 4097/, Array.from({ length: 4097 }, () => retA[0]!)],
  [/the last instruction must return/, of([0x00, 0, 0, 1])],
  [/jump over 1 instructions, but 1 are left/, of([0x05, 0, 0, 1], [0x16, 0, 0, 0])],
  [/jump over 4294967295 instructions/, of([0x05, 0, 0, 0xffffffff], [0x16, 0, 0, 0])],
  [/jump over 7 instructions/, of([0x15, 0, 7, 1], [0x16, 0, 0, 0])],
  [/unknown code 0xe/, of([0x0e, 0, 0, 0])],
  [/unknown code 0x10/, of([0x10, 0, 0, 0], [0x16, 0, 0, 0])],
];

test("case 60: what the kernel refuses is refused", () => {
  for (const [what, program] of REFUSED) {
    const error = assertThrows(() => checkClassic(program), BpfError);
    assertMatch(error.message, what);
    assertThrows(() => classicToEbpf(program), BpfError);
  }
  checkClassic(of([0x15, 1, 0, 5], [0x02, 0, 0, 1], [0x16, 0, 0, 0]));
  checkClassic(Array.from({ length: 4096 }, () => retA[0]!));
});

for (const backend of backends) {
  test(`case 59: ip and len > 60 takes a packet of 61 bytes, ${backend}`, () => {
    const machine = machineOf(
      parseClassic("6,40 0 0 12,21 0 3 2048,128 0 0 0,37 0 1 60,6 0 0 262144,6 0 0 0"),
      backend,
    );
    const packet = new Uint8Array(61);
    packet[12] = 8;
    assertEquals(machine.run(packet), 262144);
    assertEquals(machine.run(packet, 0, 60), 0);
    packet[13] = 6;
    assertEquals(machine.run(packet), 0);
  });

  test(`case 60: ldh [0]; add #2; ret a is len16be, ${backend}`, () => {
    const machine = machineOf(parseClassic("ldh [0]\nadd #2\nret a"), backend);
    const vectors = recordedVectors().find(({ program }) => program === "len16be")!;
    for (const { in: input, ret } of vectors.runs) assertEquals(machine.run(fromHex(input)), ret, input);
    assert(vectors.runs.length > 5);
  });

  test(`division and remainder by X = 0 end the program with 0, ${backend}`, () => {
    for (const name of ["div", "mod"]) {
      assertEquals(machineOf(parseClassic(`ld #7\n${name} x\nret #9`), backend).run(new Uint8Array(4)), 0);
      assertEquals(
        machineOf(parseClassic(`ld #7\nldx #4\n${name} x\nret a`), backend).run(new Uint8Array(4)),
        name === "div" ? 1 : 3,
      );
    }
  });

  test(`shifts by X take five bits, X + k wraps, compares are unsigned, ${backend}`, () => {
    const packet = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const run = (text: string) => machineOf(parseClassic(text), backend).run(packet) >>> 0;
    assertEquals(run("ld #1\nldx #33\nlsh x\nret a"), 2);
    assertEquals(run("ldx #-4\nldb [x + 8]\nret a"), 5);
    assertEquals(run("ld #-1\njgt #1, yes\nret #0\nyes: ret #1"), 1);
    assertEquals(run("ldx 4*([4]&0xf)\ntxa\nret a"), 20);
    assertEquals(run("ld len\nldx len\nadd x\nret a"), 16);
  });

  test(`ancillary loads read the context, ${backend}`, () => {
    const run = (text: string, context: Record<number, number> = {}) => {
      const machine = machineOf(parseClassic(text), backend);
      for (const [offset, value] of Object.entries(context)) {
        machine.memory.view.setUint32(machine.context.address + Number(offset), value, true);
      }
      return machine.run(new Uint8Array(4)) >>> 0;
    };
    assertEquals(run("ld proto\nret a", { 16: 0x0008 }), 0x0800);
    assertEquals(run("ld type\nret a", { 4: 3 }), 3);
    assertEquals(run("ld ifidx\nadd #1\nret a", { 40: 5 }), 6);
    assertEquals(run("ld ifidx\nadd #1\nret a"), 0); // no device: ends
    assertEquals(run("ld hatype\nadd #1\nret a"), 0);
    assertEquals(run("ld mark\nret a", { 8: 77 }), 77);
    assertEquals(run("ldb queue\nret a", { 12: 300 }), 300); // the size of the load does not matter
    assertEquals(run("ld rxhash\nret a", { 68: 0x12345678 }), 0x12345678);
    assertEquals(run("ld vlan_tci\nret a", { 24: 5 }), 5);
    assertEquals(run("ld vlan_avail\nret a", { 20: 1 }), 1);
    assertEquals(run("ld vlan_tpid\nret a", { 28: 0x0081 }), 0x8100);
    assertEquals(run("ld #5\nldx #3\nld [0xfffff028]\nret a"), 6); // A ^= X
    assertEquals(run("ld #5\nld cpu\nret a"), 0);
    assertEquals(run("ld #5\nld poff\nret a"), 0);
    assertEquals(run("ld rand\nret a"), 0x07070707);
  });

  test(`netlink attributes are found, also nested ones, ${backend}`, () => {
    // type 1 with 3 bytes, padded; type 2 which holds type 5 and type 6; one that is cut off
    const packet = fromHex("07000100aabbcc00" + "10000280" + "04000500" + "0800060001020304" + "20000700");
    for (
      const [start, type, name, found] of [
        [0, 1, "nla", 0],
        [0, 2, "nla", 8],
        [8, 2, "nla", 8],
        [0, 7, "nla", 0],
        [0, 9, "nla", 0],
        [400, 1, "nla", 0],
        [8, 5, "nlan", 12],
        [8, 6, "nlan", 16],
        [8, 7, "nlan", 0],
        [0, 6, "nlan", 0],
        [24, 7, "nlan", 0],
        [-1, 7, "nlan", 0],
      ] as const
    ) {
      const machine = machineOf(parseClassic(`ld #${start}\nldx #${type}\nld ${name}\nadd #1\nret a`), backend);
      assertEquals(machine.run(packet) - 1, found, `${name} ${type} from ${start}`);
    }
  });
}

test("jumps over more than 16 bits can say are translated", () => {
  const heavy = Array.from({ length: 1500 }, () => "ld nla").join("\n");
  const text = `ld [0]\njeq #1, near\nja far\nnear: jset #2, one\nja other\none: ${heavy}\nother: ret #7\nfar: ret #9`;
  const program = parseClassic(text);
  const machine = machineOf(program, "interpreter");
  assertEquals(machine.program.code.length > 8 * 32768, true);
  assertEquals([machine.run(Uint8Array.of(0, 0, 0, 1)), machine.run(Uint8Array.of(0, 0, 0, 2))], [7, 9]);
});

test("code that is never reached is left out", () => {
  const program = classicToEbpf(parseClassic("ja end\nld #1\nadd #2\nend: ret #3"));
  assertEquals(program.code.length / 8, 6);
  verifyProgram(program);
});

const codes = [...CLASSIC_OPERATIONS.keys()];
const instruction = fc.record({
  code: fc.constantFrom(...codes),
  jt: fc.nat({ max: 3 }),
  jf: fc.nat({ max: 3 }),
  k: fc.oneof(fc.nat({ max: 20 }), fc.integer({ min: 0, max: 0xffffffff })),
});

for (const backend of backends) {
  test(`random programs do what the reference does, ${backend}`, () => {
    let accepted = 0;
    const check = fc.property(
      fc.array(instruction, { maxLength: 12 }),
      fc.uint8Array({ maxLength: 24 }),
      (code, packet) => {
        const program = [
          ...code,
          ...of([0x02, 0, 0, 0], [0x16, 0, 0, 0], [0x16, 0, 0, 0], [0x16, 0, 0, 0], [0x16, 0, 0, 0]),
        ];
        const isPure = code.every(({ code, k }) => CLASSIC_OPERATIONS.get(code)!.kind !== "absolute" || k < 0xfffff000);
        try {
          checkClassic(program);
        } catch (error) {
          return assert(error instanceof BpfError);
        }
        if (!isPure) return;
        accepted++;
        assertEquals(machineOf(program, backend).run(packet) >>> 0, runClassic(program, packet));
      },
    );
    fc.assert(check, { numRuns: 400 });
    assert(accepted > 50, `${accepted}`);
  });
}
