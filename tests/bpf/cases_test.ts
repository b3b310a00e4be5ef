import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { assemble } from "../../src/bpf/assembler.ts";
import { chooseBackend, MAX_JS_SLOTS } from "../../src/bpf/backends.ts";
import { bpfParser } from "../../src/bpf/bpf_parser.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { BpfMachine } from "../../src/bpf/machine.ts";
import { BpfMemory } from "../../src/bpf/memory.ts";
import type { BpfProgram } from "../../src/bpf/program.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { bareRunner } from "./support/bare_runner.ts";
import { backends, program, sample } from "./support/builds.ts";
import { machineOn, ways } from "./support/ways.ts";

const context = "bf16000000000000";
const exit = "9500000000000000";
const lddw = (register: number, hex: string) => `180${register}0000${hex.slice(0, 8)}00000000${hex.slice(8)}`;

for (const way of ways) {
  const { backend, name: where } = way;
  const r0 = (...code: string[]) => bareRunner(program(code.join("") + exit), way).runner.runBlock(0, 0);

  test(`case 34: division and remainder by a register of 0, ${where}`, () => {
    const value = lddw(0, "0500000007000000");
    const zero = "b701000000000000";
    assertEquals(r0(value, zero, "3f10000000000000"), 0n);
    assertEquals(r0(value, zero, "9f10000000000000"), 0x7_0000_0005n);
    assertEquals(r0(value, zero, "3c10000000000000"), 0n);
    assertEquals(r0(value, zero, "9c10000000000000"), 5n);
  });

  test(`case 35: the least number by -1, ${where}`, () => {
    const least32 = "b400000000000080", least64 = lddw(0, "0000000000000080");
    const minus = "b7010000ffffffff";
    assertEquals(r0(least32, minus, "3c10010000000000"), 0x8000_0000n);
    assertEquals(r0(least32, minus, "9c10010000000000"), 0n);
    assertEquals(r0(least64, minus, "3f10010000000000"), 1n << 63n);
    assertEquals(r0(least64, minus, "9f10010000000000"), 0n);
  });

  test(`case 36: counts of shifts are masked, ${where}`, () => {
    assertEquals(r0("b700000003000000", "b701000041000000", "6f10000000000000"), 6n);
    assertEquals(r0("b400000000000080", "b701000021000000", "cc10000000000000"), 0xc000_0000n);
  });

  const over = (hex: string, input: string) => machineOn(way, program(hex + exit)).run(fromHex(input));

  test(`case 40: indirect loads count in 32 bits, ${where}`, () => {
    const far = lddw(7, "0000000001000000");
    assertEquals(over(context + far + "5070000002000000", "0a0b0c0d"), 0x0c);
    assertEquals(over(context + "b7070000fdffffff" + "5070000004000000", "0a0b0c0d"), 0x0b);
    assertEquals(over(context + "b707000000000000" + "50700000ffffffff" + "b700000009000000", "0a0b"), 0);
  });

  test(`packet loads relative to the network header begin at the message, those to the link header fail, ${where}`, () => {
    assertEquals(over(context + "300000000100f0ff", "0a0b"), 0x0b);
    assertEquals(over(context + "300000000100e0ff" + "b700000009000000", "0a0b"), 0);
    assertEquals(over(context + "300000000000d0ff" + "b700000009000000", "0a0b"), 0);
  });

  test(`case 41: a load past the end ends the program with 0, ${where}`, () => {
    const loadsAt = (offset: string) => context + "b700000005000000" + `20000000${offset}000000` + "b700000009000000";
    assertEquals(over(loadsAt("02"), "010203040506"), 9);
    assertEquals(over(loadsAt("03"), "010203040506"), 0);
  });

  test(`case 42: bytes that cannot be loaded are zeros, ${where}`, () => {
    const load = (offset: string, after: string) => {
      const text = `
        *(u64 *)(r10 - 8) = -1
        r2 = ${offset}
        r3 = r10
        r3 += -8
        r4 = 4
        call 26
        ${after}
        exit
      `;
      return machineOn(way, assemble(text)).run(fromHex("0102030405060708"));
    };
    const buffer = "r0 = *(u32 *)(r10 - 8)";
    assertEquals([load("5", ""), load("5", buffer)], [-14, 0]);
    assertEquals([load("0xffffffff ll", ""), load("0xffffffff ll", buffer)], [-14, 0]);
    const far = "0x100000002 ll";
    assertEquals([load(far, ""), load(far, buffer)], [0, 0x06050403]);
  });

  test(`case 43: the result is 32 bits with a sign, ${where}`, () => {
    assertEquals(over(lddw(0, "0700000001000000"), ""), 7);
    assertEquals(over("b4000000ffffffff", ""), -1);
    assertEquals(over("b400000000000080", ""), -0x8000_0000);
  });

  const runs = (build: string, name: string, cases: readonly (readonly [input: string, result: number])[]) => {
    const machine = machineOn(way, sample(build, name).program());
    for (const [input, result] of cases) assertEquals(machine.run(fromHex(input)), result, input);
  };

  test(`case 46: lengths of MQTT, ${where}`, () => {
    runs("plain", "15_mqtt_varint", [["3080", 0], ["308001", 131], ["30ffffff7f", 268435460], ["30ffffffff", -1]]);
  });

  test(`case 47: frames of HTTP/2 and its preface, ${where}`, () => {
    runs("plain", "03_http2", [
      ["505249202a2048", 0],
      ["505249202a204854", 24],
      ["5052492078787878", -1],
      ["004000000000000000", 16393],
      ["004001000000000000", -1],
    ]);
  });

  test(`case 48: a length field that is configured far outside is never there, ${where}`, () => {
    const machine = machineOn(way, sample("c14-v3-g", "11_cfg_array").program());
    const map = machine.map("kcm_cfg");
    map.set(0, { off: 4_000_000_000, width: 4, little: 0, adjust: 1, max: 100 });
    for (const input of ["", "00", "00000005", "ffffffffffffffff"]) assertEquals(machine.run(fromHex(input)), 0);
    map.set(0, { off: 0, width: 1 });
    assertEquals(map.get(0), { off: 0, width: 1, little: 0, adjust: 1, max: 100 });
    assertEquals(machine.run(fromHex("05")), 6);
  });

  test(`case 49: tail calls, ${where}`, () => {
    const object = sample("c14-v3-g", "16_tail_call");
    const programs = { parsers: ["parser_short", "parser_long"].map((name) => object.program(name)) };
    const machine = machineOn(way, object.program("dispatch"), { programs });
    const cases = [["0005", 7], ["0100000100", 261], ["02000000", -1], ["03000000", -1], ["", 0]] as const;
    for (const [input, result] of cases) assertEquals(machine.run(fromHex(input)), result, input);
    assertEquals([...machine.map("parsers").keys()], [0, 1]);
  });

  test(`case 49: a program that calls itself stops after 33 times, ${where}`, () => {
    const again = assemble(`
      .map self prog_array 4 4 1
      r6 = r1
      r2 = *(u32 *)(r6 + 48)
      r2 += 1
      *(u32 *)(r6 + 48) = r2
      r1 = r6
      r2 = map[self] ll
      r3 = 0
      call 12
      r0 = *(u32 *)(r6 + 48)
      exit
    `);
    const machine = machineOn(way, again, { programs: { self: [again] } });
    assertEquals(machine.run(fromHex("")), 34);
    assertEquals(machine.run(fromHex("")), 34);
  });

  test(`case 50: cb[] is zeros for a new message and stays for the same one, ${where}`, () => {
    // cb[1] += 1; less than 4 bytes: 0; else cb[1] + 100
    const counting = assemble(`
      r6 = r1
      r2 = *(u32 *)(r6 + 52)
      r2 += 1
      *(u32 *)(r6 + 52) = r2
      r0 = 0
      r3 = *(u32 *)(r6 + 0)
      if r3 < 4 goto out
      r0 = r2
      r0 += 100
      out:
      exit
    `);
    const machine = machineOn(way, counting);
    const parser = bpfParser(machine);
    const bytes = new Uint8Array(8);
    const one = parser.start!({}), other = parser.start!({});
    const ends = [1, 2, 3];
    assertEquals(ends.map((end) => parser.parse(bytes, 0, end, one)), [0, 0, 0]);
    assertEquals(parser.parse(bytes, 2, 3, other), 0);
    assertEquals(parser.parse(bytes, 0, 4, one), 104);
    assertEquals(parser.parse(bytes, 4, 8, one), 101);
    assertEquals(parser.parse(bytes, 2, 8, other), 102);
    assertEquals([machine.run(bytes), machine.run(bytes)], [101, 101]);
  });

  test(`case 56: machines that share a memory leave each other alone, ${where}`, () => {
    const memory = new BpfMemory({ bytes: 60_000, wasm: backend === "wasm" });
    const filling = assemble(`
      .map values array 4 16 1
      *(u32 *)(r10 - 4) = 0
      r2 = r10
      r2 += -4
      r1 = map[values] ll
      call 1
      if r0 == 0 goto out
      r1 = -1
      *(u64 *)(r0 + 0) = r1
      *(u64 *)(r0 + 8) = r1
      out:
      r0 = 1
      exit
    `);
    const a = machineOn(way, filling, { memory });
    const b = machineOn(way, filling, { memory });
    b.map("values").set(0, fromHex("000102030405060708090a0b0c0d0e0f"));
    const before = memory.bytes.slice();
    assertEquals(a.run(new Uint8Array(3)), 1);
    assertEquals(a.map("values").getBytes(0), new Uint8Array(16).fill(0xff));
    assertEquals(b.map("values").getBytes(0), fromHex("000102030405060708090a0b0c0d0e0f"));
    const owned = [a.context, { address: a.map("values").address, size: 16 }];
    const foreign = memory.bytes.subarray(b.context.address);
    assertEquals(foreign, before.subarray(b.context.address), "everything of b");
    assert(owned.every(({ address }) => address < b.context.address));
  });

  test(`limit: the instruction budget to the instruction, in loops, behind them and over tail calls, ${where}`, () => {
    // 2 + 2 * 5 instructions to the end of the loop, then 3.
    const loop = assemble("r0 = 7\nr1 = 5\nagain:\nr1 += -1\nif r1 != 0 goto again\nr0 += 1\nr0 += 1\nexit");
    // 3 instructions, the last of which may leave for good.
    const table = ".map table prog_array 4 4 1\n";
    const first = assemble(`${table}r2 = map[table] ll\nr3 = 0\ncall 12\nr0 = 0\nr0 = 1\nr0 = 2\nexit`);
    // 3 instructions, the last of which ends the program where there are no bytes.
    const short = assemble("r6 = r1\nr0 = 0\nr0 = *(u8 *)skb[9]\nr0 = 1\nr0 = 2\nexit");
    const verdict = (program: BpfProgram, budget: number, target?: BpfProgram) => {
      const programs = target === undefined ? {} : { programs: { table: [target] } };
      const machine = machineOn(way, program, { budget, ...programs });
      return [machine.run(new Uint8Array(1)), machine.takeFailure()?.code];
    };
    const spent = [-40, "ELOOP"];
    assertEquals([verdict(loop, 15), verdict(loop, 14), verdict(loop, 12)], [[9, undefined], spent, spent]);
    assertEquals([verdict(short, 3), verdict(short, 2), verdict(short, 1)], [[0, undefined], spent, spent]);
    assertEquals([verdict(first, 18, loop), verdict(first, 17, loop), verdict(first, 2, loop)], [
      [9, undefined],
      spent,
      spent,
    ]);
    assertEquals([verdict(first, 7), verdict(first, 6)], [[2, undefined], spent]);
  });

  test(`limit: the instruction budget, ${where}`, () => {
    // Counts r0 down from the first byte.
    const loop = assemble("r6 = r1\nr0 = *(u8 *)skb[0]\nagain:\nr0 += -1\nif r0 != 0 goto again\nr0 = 7\nexit");
    const machine = machineOn(way, loop, { budget: 100 });
    assertEquals(machine.run(Uint8Array.of(20)), 7);
    assertEquals(machine.run(Uint8Array.of(200)), -40);
    const failure = machine.takeFailure();
    assertEquals(failure?.code, "ELOOP");
    assertStringIncludes(failure!.message, "100");
    assertEquals(machine.takeFailure(), undefined);
    assertEquals(machine.run(Uint8Array.of(20)), 7);
    const answer = bpfParser(machine).parse(Uint8Array.of(200), 0, 1, undefined);
    assertEquals(typeof answer === "object" && answer.code, "ELOOP");
  });
}

test("case 54: what is forbidden is not chosen", () => {
  const all = { js: true, wasm: true };
  assertEquals(chooseBackend("auto", 10, all), "js");
  assertEquals(chooseBackend("auto", MAX_JS_SLOTS, all), "js");
  assertEquals(chooseBackend("auto", MAX_JS_SLOTS + 1, all), "wasm");
  assertEquals(chooseBackend("auto", 10, { js: false, wasm: true }), "wasm");
  assertEquals(chooseBackend("auto", 10, { js: true, wasm: false }), "js");
  assertEquals(chooseBackend("auto", 10, { js: false, wasm: false }), "interpreter");
  assertEquals(chooseBackend("auto", 3000, { js: true, wasm: false }), "interpreter");
  const error = assertThrows(() => chooseBackend("wasm", 10, { js: true, wasm: false }), BpfError);
  assertEquals(error.code, "ENOSYS");
});

for (const backend of backends) {
  test(`sandbox: registers that nobody has set are 0, those of the caller come back, ${backend}`, () => {
    const result = (text: string) =>
      new BpfMachine(assemble(text), { backend, mode: "sandbox" }).run(new Uint8Array(1));
    assertEquals(result("r0 = 7\ncall f\nexit\nf:\nexit"), 0);
    assertEquals(result("r6 = 7\nr9 = 7\ncall f\nexit\nf:\nr0 = r6\nr0 += r9\nexit"), 0);
    assertEquals(result("r1 = 3\nr5 = 4\ncall f\nr0 = r1\nr0 += r5\nexit\nf:\nr1 = 99\nr5 = 99\nr0 = 0\nexit"), 7);
  });

  test(`why a run failed is not told of the next one, ${backend}`, () => {
    const text = "r6 = r1\nr0 = *(u8 *)skb[0]\nif r0 == 0 goto L\nr0 = -22\nexit\nL: goto M\nM: goto L";
    const machine = new BpfMachine(assemble(text), { backend, budget: 100 });
    assertEquals([machine.run(Uint8Array.of(0)), machine.run(Uint8Array.of(1))], [-40, -22]);
    assertEquals(machine.takeFailure(), undefined);
    assertEquals([machine.run(Uint8Array.of(0)), machine.takeFailure()?.code], [-40, "ELOOP"]);
  });
}

for (const way of ways) {
  test(`case 51: what a called function does counts, ${way.name}`, () => {
    const counter = { name: "n", type: 2, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
    const body = Array.from({ length: 400 }, () => "r0 += 1").join("\n");
    const program = assemble(
      `r6 = 0\nagain:\ncall f\nr6 += 1\nif r6 < 1000000 goto again\nr0 = 1\nexit
      f:\nr1 = map[n]+0 ll\nr0 = *(u64 *)(r1 + 0)\nr0 += 1\n*(u64 *)(r1 + 0) = r0
      if r0 > 1000 goto +1\nr2 = 0\n${body}\nexit`,
      { maps: [counter] },
    );
    const machine = machineOn(way, program, { budget: 41_000 });
    assertEquals([machine.run(new Uint8Array(1)), machine.takeFailure()?.code], [-40, "ELOOP"]);
    // A turn takes 410 instructions: no back end makes much more than a hundred.
    const calls = Number(machine.map("n").get(0));
    assert(calls >= 99 && calls <= 101, `${calls} calls`);
  });
}
