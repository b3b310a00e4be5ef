/**
 * Random programs for comparing back ends: arithmetic, branches in any shape, stack, packet loads, helpers, calls,
 * atomics. The same seed gives the same program. Every program ends: each block spends one of a register's count.
 */
import type { Instruction } from "../../../src/bpf/isa.ts";
import * as isa from "../../../src/bpf/isa.ts";
import type { SeededRandom } from "../../../src/sim/seeded_random.ts";

/** What a random program may contain. */
export interface RandomShape {
  /** Whether it touches packet, context and helpers. */
  packet: boolean;
  /** Whether blocks jump anywhere, so that loops with several entries come up. */
  wild: boolean;
  /** Number of functions. */
  functions: number;
  /** Number of blocks in each. */
  blocks: number;
  /** Instructions in each block, at most. */
  block: number;
  /** Bytes of each frame that are used: a multiple of 8. */
  stack: number;
  /** Whether other functions than the entry load packet bytes, which the kernel wants types for. */
  loadsAnywhere?: boolean;
  /** Whether it is all numbers and packet loads: no memory, no helpers, mostly no products and quotients. */
  plain?: boolean;
}

type Draft = { -readonly [Field in keyof Instruction]?: number } & { opcode: number };

const interesting = [0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000];
const extreme = [0x7fffffff, -0x80000000, -1, -2, 0x12345678, -0x12345679, 0x55555555, 1 << 24];
/** Registers that arithmetic uses: r6 is the context, r9 the count, r10 the frame. */
const free = [0, 1, 2, 3, 4, 5, 7, 8];

/** A shape, mostly small. */
export function randomShape(random: SeededRandom): RandomShape {
  return {
    packet: random.chance(0.5),
    wild: random.chance(0.6),
    functions: random.chance(0.3) ? random.between(2, 4) : 1,
    blocks: random.chance(0.2) ? 1 : random.between(2, 9),
    block: random.between(1, 12),
    stack: 8 << random.between(1, 3),
  };
}

/** Makes a program: all its instructions, by slot. An unsafe one also stores to addresses that it makes up. */
export function randomProgram(random: SeededRandom, shape: RandomShape, isUnsafe = false): Instruction[] {
  const functions = Array.from(
    { length: shape.functions },
    (_, at) => new FunctionDraft(random, shape, at, isUnsafe).write(),
  );
  const starts: number[] = [];
  let slot = 0;
  for (const one of functions) {
    starts.push(slot);
    slot += one.length;
  }
  const all = functions.flat();
  all.forEach((draft, at) => {
    if (draft.opcode === 0x85 && draft.src === 1) draft.imm = starts[draft.imm!]! - at - 1;
  });
  return all.map((draft) => ({ dst: 0, src: 0, offset: 0, imm: 0, ...draft }));
}

class FunctionDraft {
  readonly #random: SeededRandom;
  readonly #shape: RandomShape;
  readonly #index: number;
  readonly #isUnsafe: boolean;
  readonly #code: Draft[] = [];

  constructor(random: SeededRandom, shape: RandomShape, index: number, isUnsafe: boolean) {
    this.#isUnsafe = isUnsafe;
    this.#random = random;
    this.#shape = shape;
    this.#index = index;
  }

  write(): Draft[] {
    this.#enter();
    const { wild } = this.#shape;
    const blocks = this.#index === 0 ? this.#shape.blocks : Math.min(this.#shape.blocks, this.#random.between(1, 4));
    const starts: number[] = [];
    const jumps: { at: number; to: number }[] = [];
    for (let block = 0; block < blocks; block++) {
      starts.push(this.#code.length);
      // The count: at 0 the function leaves.
      this.#put({ opcode: 0x07, dst: 9, imm: -1 });
      jumps.push({ at: this.#put({ opcode: 0x15, dst: 9 }), to: blocks });
      const length = this.#random.between(0, this.#shape.block);
      for (let i = 0; i < length; i++) this.#instruction();
      if (block === blocks - 1 && !wild) continue;
      const to = wild ? this.#random.below(blocks + 1) : this.#random.between(block + 1, blocks);
      jumps.push({ at: this.#put(this.#branch()), to });
      if (wild && this.#random.chance(0.3)) jumps.push({ at: this.#put({ opcode: 0x05 }), to: block + 1 });
    }
    starts.push(this.#code.length);
    this.#leave();
    for (const { at, to } of jumps) this.#code[at]!.offset = starts[to]! - at - 1;
    return this.#code;
  }

  #put(draft: Draft): number {
    return this.#code.push(draft) - 1;
  }

  #enter(): void {
    const isEntry = this.#index === 0;
    this.#put({ opcode: 0xbf, dst: 6, src: 1 });
    // Functions that nobody calls are refused.
    for (let other = 1; isEntry && other < this.#shape.functions; other++) this.#callTo(other);
    for (const register of free) {
      if (!isEntry && register >= 3 && register <= 5) continue;
      if (this.#random.chance(0.4)) this.#constant(register);
      else this.#put({ opcode: this.#random.pick([0xb7, 0xb4]), dst: register, imm: this.#number() });
    }
    this.#put({ opcode: 0xb7, dst: 9, imm: this.#random.between(1, isEntry ? 40 : 6) });
    for (let offset = -this.#shape.stack; offset < 0; offset += 8) {
      this.#put(
        this.#random.chance(0.5)
          ? { opcode: 0x7b, dst: 10, src: this.#random.pick(free), offset }
          : { opcode: 0x7a, dst: 10, offset, imm: this.#number() },
      );
    }
  }

  /**
   * Mixes all that the function has into r0, so that whatever differs in one place differs there, and the high half into
   * the low one: mostly that alone is asked for.
   */
  #leave(): void {
    [1, 2, 3, 4, 5, 7, 8].forEach((src, at) => this.#put({ opcode: at % 2 === 0 ? 0x0f : 0xaf, dst: 0, src }));
    for (let offset = -this.#shape.stack; offset < 0; offset += 8) {
      this.#put({ opcode: 0x79, dst: 9, src: 10, offset });
      this.#put({ opcode: offset % 16 === 0 ? 0x0f : 0xaf, dst: 0, src: 9 });
    }
    this.#put({ opcode: 0xbf, dst: 9, src: 0 });
    this.#put({ opcode: 0x77, dst: 9, imm: 32 });
    this.#put({ opcode: 0xaf, dst: 0, src: 9 });
    this.#put({ opcode: 0x95 });
  }

  #number(): number {
    const { chance } = this.#random;
    if (chance.call(this.#random, 0.5)) return this.#random.pick(interesting) * (this.#random.chance(0.3) ? -1 : 1);
    return this.#random.chance(0.5) ? this.#random.pick(extreme) : this.#random.bits() | 0;
  }

  #constant(register: number): void {
    this.#put({ opcode: 0x18, dst: register, imm: this.#number() });
    this.#put({ opcode: 0, imm: this.#random.chance(0.4) ? 0 : this.#number() });
  }

  /** Through an address that is sometimes in the frame, sometimes close to a border, mostly nowhere. */
  #wildAccess(): void {
    const random = this.#random;
    const base = random.pick([7, 8]);
    if (random.chance(0.4)) {
      this.#put({ opcode: 0xbf, dst: base, src: random.pick([6, 10]) });
      // Nobody knows at load that it is the same afterwards: what is known to be wrong there is refused.
      for (const opcode of [0x0f, 0x1f]) this.#put({ opcode, dst: base, src: 9 });
    } else if (random.chance(0.5)) {
      this.#put({ opcode: 0xb7, dst: base, imm: random.pick([65536, 65530, 131072, 70000]) });
    }
    const offset = random.pick([-1, -8, -16, 0, 8, 50, 191, 400, -512, -600]);
    const size = random.pick([isa.BPF_B, isa.BPF_H, isa.BPF_W, isa.BPF_DW]);
    const isAtomic = random.chance(0.2) && size !== isa.BPF_B && size !== isa.BPF_H;
    if (isAtomic) this.#put({ opcode: 0xc3 | size, dst: base, src: random.pick(free), offset, imm: 0x01 });
    else if (random.chance(0.5)) {
      this.#put({ opcode: isa.BPF_LDX | 0x60 | size, dst: random.pick(free), src: base, offset });
    } else this.#put({ opcode: isa.BPF_STX | 0x60 | size, dst: base, src: random.pick(free), offset });
  }

  #instruction(): void {
    if (this.#isUnsafe && this.#random.chance(0.1)) return this.#wildAccess();
    const isPlain = this.#shape.plain === true;
    const kind = isPlain ? this.#random.pick([0, 0, 0, 0, 15, 17, 17]) : this.#random.below(20);
    if (kind < 11) return this.#arithmetic();
    if (kind < 14) return this.#stack();
    if (kind === 14) return this.#atomic();
    if (kind === 15) return this.#byteOrder();
    if (kind === 16 && this.#index + 1 < this.#shape.functions) return this.#call();
    if (kind >= 17 && this.#shape.packet) return this.#packet();
    this.#arithmetic();
  }

  #arithmetic(): void {
    const random = this.#random;
    const opclass = random.chance(0.5) ? isa.BPF_ALU64 : isa.BPF_ALU;
    const width = opclass === isa.BPF_ALU64 ? 64 : 32;
    const usual = [
      isa.BPF_ADD,
      isa.BPF_SUB,
      isa.BPF_AND,
      isa.BPF_OR,
      isa.BPF_LSH,
      isa.BPF_RSH,
      isa.BPF_ARSH,
      isa.BPF_MOV,
    ];
    const isUsual = this.#shape.plain === true && random.chance(0.8);
    const code = isUsual ? random.pick(usual) : random.below(13) << 4;
    const dst = random.pick(free), src = random.pick(free);
    if (code === isa.BPF_NEG) return void this.#put({ opcode: opclass | code, dst });
    const isShift = code === isa.BPF_LSH || code === isa.BPF_RSH || code === isa.BPF_ARSH;
    const isDivision = code === isa.BPF_DIV || code === isa.BPF_MOD;
    if (random.chance(0.5)) {
      const imm = isShift ? random.below(width) : isDivision ? this.#number() || 3 : this.#number();
      return void this.#put({ opcode: opclass | code, dst, imm, offset: isDivision && random.chance(0.5) ? 1 : 0 });
    }
    const extensions = width === 64 ? [0, 8, 16, 32] : [0, 8, 16];
    const offset = code === isa.BPF_MOV ? random.pick(extensions) : isDivision && random.chance(0.5) ? 1 : 0;
    this.#put({ opcode: opclass | isa.BPF_X | code, dst, src, offset });
  }

  #byteOrder(): void {
    this.#put({
      opcode: this.#random.pick([0xd4, 0xdc, 0xd7]),
      dst: this.#random.pick(free),
      imm: this.#random.pick([16, 32, 64]),
    });
  }

  /** Mostly aligned, mostly the same places: some fields then live in variables, some in memory. */
  #stack(): void {
    const random = this.#random;
    const size = random.pick([isa.BPF_B, isa.BPF_H, isa.BPF_W, isa.BPF_DW]);
    const bytes = { [isa.BPF_B]: 1, [isa.BPF_H]: 2, [isa.BPF_W]: 4, [isa.BPF_DW]: 8 }[size]!;
    const offset = -bytes * random.between(1, this.#shape.stack / bytes);
    const register = random.pick(free);
    const isSigned = bytes < 8 && random.chance(0.2);
    switch (random.below(3)) {
      case 0:
        this.#put({ opcode: isa.BPF_LDX | size | (isSigned ? 0x80 : 0x60), dst: register, src: 10, offset });
        break;
      case 1:
        this.#put({ opcode: isa.BPF_STX | size | 0x60, dst: 10, src: register, offset });
        break;
      default:
        this.#put({ opcode: isa.BPF_ST | size | 0x60, dst: 10, offset, imm: this.#number() });
    }
  }

  #atomic(): void {
    const random = this.#random;
    const isWide = random.chance(0.5);
    const imm = random.pick([0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1]);
    const offset = -8 * random.between(1, this.#shape.stack / 8);
    this.#put({ opcode: isWide ? 0xdb : 0xc3, dst: 10, src: random.pick(free), offset, imm });
  }

  #branch(): Draft {
    const random = this.#random;
    const code = random.pick([1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13]) << 4;
    const opclass = random.chance(0.5) ? isa.BPF_JMP : isa.BPF_JMP32;
    const dst = random.pick(free);
    if (random.chance(0.5)) return { opcode: opclass | code, dst, imm: this.#number() };
    return { opcode: opclass | code | isa.BPF_X, dst, src: random.pick(free) };
  }

  /** What a call leaves undefined gets new values. */
  #restore(): void {
    for (let register = 1; register <= 5; register++) this.#put({ opcode: 0xb7, dst: register, imm: this.#number() });
  }

  #call(): void {
    this.#callTo(this.#random.between(this.#index + 1, this.#shape.functions - 1));
  }

  /** Gives the context and four numbers. */
  #callTo(index: number): void {
    this.#restore();
    this.#put({ opcode: 0xbf, dst: 1, src: 6 });
    this.#put({ opcode: 0x85, src: 1, imm: index });
    this.#restore();
  }

  #packet(): void {
    const random = this.#random;
    const kind = this.#shape.plain === true ? random.between(1, 2) : random.below(4);
    const size = random.pick([isa.BPF_B, isa.BPF_H, isa.BPF_W]);
    if (kind === 0) {
      return void this.#put({ opcode: 0x61, dst: random.pick(free), src: 6, offset: random.pick([0, 48, 52, 64]) });
    }
    if (kind === 1) {
      if (!this.#mayLoad()) return;
      this.#put({ opcode: isa.BPF_ABS | size, imm: this.#packetOffset() });
    } else if (kind === 2) {
      if (!this.#mayLoad()) return;
      const src = random.pick([7, 8]);
      if (random.chance(0.8)) this.#put({ opcode: 0x57, dst: src, imm: 31 });
      else if (this.#shape.plain === true) this.#put({ opcode: 0xb7, dst: src, imm: random.below(9) - 0x100000 });
      this.#put({ opcode: isa.BPF_IND | size, src, imm: random.chance(0.9) ? random.between(-4, 8) : this.#number() });
    } else this.#loadBytes();
    this.#restore();
  }

  #mayLoad(): boolean {
    return this.#index === 0 || this.#shape.loadsAnywhere === true;
  }

  #packetOffset(): number {
    const random = this.#random;
    if (random.chance(0.8)) return random.below(24);
    return random.chance(0.5) ? -0x100000 + random.below(8) : this.#number();
  }

  #loadBytes(): void {
    const random = this.#random;
    const length = random.between(1, Math.min(24, this.#shape.stack));
    this.#put({ opcode: 0xbf, dst: 1, src: 6 });
    if (random.chance(0.7)) {
      this.#put({ opcode: 0xb7, dst: 2, imm: random.chance(0.9) ? random.below(24) : this.#number() });
    }
    this.#put({ opcode: 0xbf, dst: 3, src: 10 });
    this.#put({ opcode: 0x07, dst: 3, imm: -random.between(length, this.#shape.stack) });
    this.#put({ opcode: 0xb7, dst: 4, imm: length });
    this.#put({ opcode: 0x85, imm: 26 });
  }
}
