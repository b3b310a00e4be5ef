import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { encodeInstructions, type Instruction } from "../../src/bpf/isa.ts";
import { afterArithmetic, arithmeticKinds, conditionKinds, isTaken, operands, swapped } from "./semantics_reference.ts";
import { bareRunner } from "./support/bare_runner.ts";
import { program } from "./support/builds.ts";
import { type Way, ways } from "./support/ways.ts";

const at = (opcode: number, dst = 0, src = 0, offset = 0, imm = 0): Instruction => ({ opcode, dst, src, offset, imm });
const load = (dst: number, block: number, offset: number): Instruction => at(0x79, dst, block, offset);
const exit = at(0x95);

/** Runs instructions with r1 pointing to a block of 64-bit numbers; r0 as an unsigned number. */
function prepared(way: Way, instructions: readonly Instruction[]): (...numbers: bigint[]) => bigint {
  const { runner, runtime, block } = bareRunner({ ...program(""), code: encodeInstructions(instructions) }, way);
  return (...numbers) => {
    numbers.forEach((number, i) => runtime.memory.view.setBigUint64(block + 8 * i, number, true));
    return runner.runBlock(block, 8 * numbers.length);
  };
}

/** Offsets that arithmetic of 32 bits does not have. */
const isLegal = (bits: number, offset: number) => bits === 64 || offset !== 32;

/** The number below 2^32 whose product with an odd number is 1 but for multiples of 2^32. */
function inverseOf(odd: bigint): bigint {
  let inverse = odd;
  for (let bits = 3; bits < 32; bits *= 2) inverse = BigInt.asUintN(32, inverse * (2n - odd * inverse));
  return inverse;
}

test("products with constants in JavaScript are exact where their low halves are almost 0 or 2^32", () => {
  const js = ways.find(({ backend, form }) => backend === "js" && form === "nested")!;
  const factors = [1n, 3n, 0x1b3n, 0x123_4567n, 0x4c95_7f2dn, 0x7fff_ffffn, 0x8000_0001n, 0xed55_8ccdn, 0xffff_ffffn];
  for (const low of factors) {
    for (const high of [0n, 0x5851_f42dn]) {
      const factor = high << 32n | low;
      const word = (value: bigint) => Number(BigInt.asIntN(32, value));
      const wide = [at(0x18, 3, 0, 0, word(low)), at(0, 0, 0, 0, word(high))];
      const run = prepared(js, [load(4, 1, 0), ...wide, at(0x2f, 4, 3), at(0xbf, 0, 4), exit]);
      for (const rest of [0n, 1n, 2n, 1023n, 1024n, 0x7fff_ffffn, 0x8000_0000n]) {
        for (const product of [rest, -rest]) {
          const d = BigInt.asUintN(32, product * inverseOf(low));
          for (const number of [d, d | 0xffff_ffff_0000_0000n]) {
            assertEquals(run(number), BigInt.asUintN(64, number * factor), `${number} times ${factor}`);
          }
        }
      }
    }
  }
});

for (const way of ways) {
  test(`case 32: arithmetic of registers agrees with BigInt over all pairs of operands, ${way.name}`, () => {
    for (const bits of [32, 64] as const) {
      for (const [operation, offset, key] of arithmeticKinds) {
        if (!isLegal(bits, offset)) continue;
        const source = operation === 0x80 ? 0 : 8;
        const opcode = operation | source | (bits === 64 ? 7 : 4);
        const run = prepared(way, [
          load(2, 1, 0),
          load(3, 1, 8),
          at(opcode, 2, source === 0 ? 0 : 3, offset),
          at(0xbf, 0, 2),
          exit,
        ]);
        for (const d of operands) {
          for (const s of operands) {
            assertEquals(
              run(d, s),
              afterArithmetic(key, bits, d, s),
              `0x${key.toString(16)}, ${bits} bits: ${d}, ${s}`,
            );
          }
        }
      }
    }
  });

  test(`case 32: arithmetic with immediates agrees with BigInt, ${way.name}`, () => {
    const immediates = [1, 2, 7, 31, 0x7f, 0x8000, 0x7fff_ffff, -1, -2, -0x8000_0000];
    for (const bits of [32, 64] as const) {
      for (const [operation, offset, key] of arithmeticKinds) {
        if (offset > 1) continue;
        for (const imm of immediates) {
          const isShift = [0x60, 0x70, 0xc0].includes(operation);
          if (isShift && (imm < 0 || imm >= bits)) continue;
          const used = operation === 0x80 ? 0 : imm;
          const run = prepared(way, [
            load(4, 1, 0),
            at(operation | (bits === 64 ? 7 : 4), 4, 0, offset, used),
            at(0xbf, 0, 4),
            exit,
          ]);
          for (const d of operands) {
            const expected = afterArithmetic(key, bits, d, BigInt.asUintN(64, BigInt(imm)));
            assertEquals(run(d), expected, `0x${key.toString(16)}, ${bits} bits: ${d}, ${imm}`);
          }
        }
      }
    }
  });

  test(`case 37: an operation on a register and itself, ${way.name}`, () => {
    for (const bits of [32, 64] as const) {
      for (const [operation, offset, key] of arithmeticKinds) {
        if (!isLegal(bits, offset) || operation === 0x80) continue;
        const opcode = operation | 8 | (bits === 64 ? 7 : 4);
        const run = prepared(way, [load(1, 1, 0), at(opcode, 1, 1, offset), at(0xbf, 0, 1), exit]);
        for (const d of operands) {
          assertEquals(run(d), afterArithmetic(key, bits, d, d), `0x${key.toString(16)}, ${bits} bits: ${d}`);
        }
      }
    }
  });

  test(`case 32: jumps agree with BigInt over all pairs of operands, ${way.name}`, () => {
    for (const bits of [32, 64] as const) {
      for (const operation of conditionKinds) {
        const run = prepared(way, [
          load(2, 1, 0),
          load(3, 1, 8),
          at(0xb7, 0, 0, 0, 1),
          at(operation | 8 | (bits === 64 ? 5 : 6), 2, 3, 1),
          at(0xb7, 0, 0, 0, 0),
          exit,
        ]);
        for (const d of operands) {
          for (const s of operands) {
            const expected = isTaken(operation, bits, d, s) ? 1n : 0n;
            assertEquals(run(d, s), expected, `0x${operation.toString(16)}, ${bits} bits: ${d}, ${s}`);
          }
        }
      }
    }
  });

  test(`case 32: jumps on immediates, ${way.name}`, () => {
    for (const bits of [32, 64] as const) {
      for (const operation of conditionKinds) {
        for (const imm of [0, 1, 0x7fff_ffff, -1, -0x8000_0000]) {
          const run = prepared(way, [
            load(2, 1, 0),
            at(0xb7, 0, 0, 0, 1),
            at(operation | (bits === 64 ? 5 : 6), 2, 0, 1, imm),
            at(0xb7, 0, 0, 0, 0),
            exit,
          ]);
          for (const d of operands) {
            const expected = isTaken(operation, bits, d, BigInt.asUintN(64, BigInt(imm))) ? 1n : 0n;
            assertEquals(run(d), expected, `0x${operation.toString(16)}, ${bits} bits: ${d}, ${imm}`);
          }
        }
      }
    }
  });

  test(`case 38: byte order, ${way.name}`, () => {
    for (const [opcode, widths] of [[0xd4, [16, 32, 64]], [0xdc, [16, 32, 64]], [0xd7, [16, 32, 64]]] as const) {
      for (const bits of widths) {
        const run = prepared(way, [load(3, 1, 0), at(opcode, 3, 0, 0, bits), at(0xbf, 0, 3), exit]);
        for (const d of [...operands, 0x0102_0304_0506_0708n]) {
          const expected = opcode === 0xd4 ? BigInt.asUintN(bits, d) : swapped(d, bits);
          assertEquals(run(d), expected, `0x${opcode.toString(16)}, ${bits} bits: ${d}`);
        }
      }
    }
  });

  test(`case 32: loads and stores of every size, ${way.name}`, () => {
    const value = 0x8182_8384_8586_8788n;
    const sizes = [[0x10, 8, 0x91], [0x08, 16, 0x89], [0x00, 32, 0x81], [0x18, 64, 0]] as const;
    for (const [size, bits, signedLoad] of sizes) {
      const loaded = prepared(way, [at(0x61 | size, 0, 1, 1), exit]);
      assertEquals(loaded(value, 0xffn), BigInt.asUintN(bits, value >> 8n | 0xffn << 56n));
      if (signedLoad !== 0) {
        const extended = prepared(way, [at(signedLoad, 0, 1, 1), exit]);
        assertEquals(extended(value, 0xffn), BigInt.asUintN(64, BigInt.asIntN(bits, value >> 8n)));
      }
      const kept = 64 - bits;
      const stored = prepared(way, [load(2, 1, 8), at(0x63 | size, 1, 2), load(0, 1, 0), exit]);
      assertEquals(stored(0n, value), BigInt.asUintN(bits, value), `stx of ${bits} bits, ${kept} are kept`);
      const constant = prepared(way, [at(0x62 | size, 1, 0, 0, -2), load(0, 1, 0), exit]);
      assertEquals(constant(0n), BigInt.asUintN(bits, -2n));
    }
  });

  test(`case 39: atomics: carries, garbage in upper halves, old values, ${way.name}`, () => {
    const cases: readonly (readonly [imm: number, after: (m: bigint, s: bigint) => bigint])[] = [
      [0x00, (m, s) => m + s],
      [0x40, (m, s) => m | s],
      [0x50, (m, s) => m & s],
      [0xa0, (m, s) => m ^ s],
      [0xe1, (_m, s) => s],
    ];
    for (const [imm, after] of cases) {
      for (const [opcode, bits] of [[0xc3, 32], [0xdb, 64]] as const) {
        const kept = [load(2, 1, 8), at(opcode, 1, 2, 0, imm | 1)];
        const memory = prepared(way, [...kept, load(0, 1, 0), exit]);
        const fetched = prepared(way, [...kept, at(0xbf, 0, 2), exit]);
        for (const m of operands) {
          for (const s of operands.slice(15)) {
            const high = bits === 32 ? m >> 32n << 32n : 0n;
            assertEquals(memory(m, s), high | BigInt.asUintN(bits, after(m, s)), `0x${imm.toString(16)}: ${m}, ${s}`);
            assertEquals(fetched(m, s), BigInt.asUintN(bits, m), `old value of 0x${imm.toString(16)}: ${m}, ${s}`);
          }
        }
      }
    }
  });

  test(`case 39: a register is exchanged with what it is the address of, ${way.name}`, () => {
    for (const [opcode, mask] of [[0xc3, 0xffff_ffffn], [0xdb, ~0n]] as const) {
      const exchanged = [at(0xbf, 3, 1), at(opcode, 3, 3, 0, 0xe1)];
      const old = prepared(way, [...exchanged, at(0xbf, 0, 3), exit]);
      const left = prepared(way, [...exchanged, load(0, 1, 0), at(0x1f, 0, 1), exit]);
      const value = 0x8182_8384_8586_8788n;
      assertEquals(old(value), BigInt.asUintN(64, value & mask));
      assertEquals(left(value), BigInt.asUintN(64, value & ~mask), "the address is in the memory");
    }
  });

  test(`case 39: compare and exchange; load-acquire and store-release, ${way.name}`, () => {
    const garbage = 0xdead_beef_0000_0000n;
    const swap32 = [load(0, 1, 8), load(3, 1, 16), at(0xc3, 1, 3, 0, 0xf1)];
    const memory = prepared(way, [...swap32, load(0, 1, 0), exit]);
    const old = prepared(way, [...swap32, exit]);
    assertEquals([memory(7n, garbage | 7n, 9n), old(7n, garbage | 7n, 9n)], [9n, 7n]);
    assertEquals([memory(7n, garbage | 8n, 9n), old(7n, garbage | 8n, 9n)], [7n, 7n]);
    const swap64 = [load(0, 1, 8), load(3, 1, 16), at(0xdb, 1, 3, 0, 0xf1)];
    const wide = prepared(way, [...swap64, load(0, 1, 0), exit]);
    assertEquals([wide(garbage, garbage, 9n), wide(garbage | 1n, garbage, 9n)], [9n, garbage | 1n]);
    const acquired = prepared(way, [at(0xc3, 0, 1, 4, 0x100), exit]);
    assertEquals(acquired(garbage), 0xdead_beefn);
    const released = prepared(way, [load(2, 1, 8), at(0xdb, 1, 2, 0, 0x110), load(0, 1, 0), exit]);
    assertEquals(released(0n, garbage), garbage);
  });
}
