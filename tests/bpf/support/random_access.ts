/**
 * Random programs for the verifier: addresses, stack, maps, helpers, null tests, bounds. Made with a rough idea of what
 * registers hold, so that a good part of them is accepted; now and then that idea is ignored.
 */
import { encodeInstructions, type Instruction } from "../../../src/bpf/isa.ts";
import type { SeededRandom } from "../../../src/sim/seeded_random.ts";

type Kind = "unset" | "number" | "context" | "stack" | "value" | "maybe";

const numbers = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  12,
  15,
  16,
  24,
  31,
  32,
  63,
  64,
  255,
  256,
  4095,
  -1,
  -2,
  -8,
  -16,
  0x7fffffff,
  -0x80000000,
];
const arithmetic = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x50, 0x60, 0x70, 0x90, 0xa0, 0xb0, 0xc0];
const compares = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];
const contextFields = [0, 0, 0, 4, 4, 8, 8, 16, 16, 40, 48, 48, 52, 56, 60, 64, 68, 84, 164, 168, 176, 2];
const sizes = [[0x00, 4], [0x08, 2], [0x10, 1], [0x18, 8]] as const;

/** Makes one program. */
export function randomAccessProgram(random: SeededRandom): Uint8Array {
  const main = new Draft(random, atEntry(), random.chance(0.2));
  const code = main.finish();
  if (main.calls.length === 0) return encodeInstructions(code);
  const callee = new Draft(random, main.calls[0]!.kinds, false).finish();
  for (const { slot } of main.calls) code[slot] = { ...code[slot]!, imm: code.length - slot - 1 };
  return encodeInstructions([...code, ...callee]);
}

/** What registers hold at the entry of a program. */
function atEntry(): Kind[] {
  return ["unset", "context", ...new Array<Kind>(8).fill("unset"), "stack"];
}

class Draft {
  readonly #random: SeededRandom;
  readonly #code: Instruction[] = [];
  readonly #kinds: Kind[];
  readonly #mayCall: boolean;
  /** Calls of the other function, and what registers hold there. */
  readonly calls: { slot: number; kinds: Kind[] }[] = [];
  readonly #jumps: { at: number; over: number }[] = [];
  #written: number[] = [];

  constructor(random: SeededRandom, kinds: Kind[], mayCall: boolean) {
    this.#random = random;
    this.#kinds = kinds;
    this.#mayCall = mayCall;
  }

  finish(): Instruction[] {
    const { chance, between } = bound(this.#random);
    if (chance(0.95) && this.#kinds[1] === "context") this.#move(6, 1);
    for (const dst of [0, 7, 8, 9]) {
      this.#put(0xb7, { dst, imm: this.#random.pick(numbers) });
      this.#kinds[dst] = "number";
    }
    if (chance(0.4)) this.#zeroStack();
    for (let left = between(2, 16); left > 0; left--) this.#step();
    if (this.#kinds[0] !== "number" || chance(0.1)) this.#put(0xb7, { imm: 0 });
    const end = this.#code.length;
    this.#put(0x95, {});
    for (const { at, over } of this.#jumps) {
      const target = this.#boundary(Math.min(Math.max(at + 1 + over, 1), end));
      this.#code[at] = { ...this.#code[at]!, offset: target - at - 1 };
    }
    return this.#code;
  }

  /** A slot that is not the second half of a wide instruction. */
  #boundary(slot: number): number {
    return this.#code[slot - 1]?.opcode === 0x18 ? slot + 1 : slot;
  }

  #put(opcode: number, fields: Partial<Instruction>): void {
    this.#code.push({ opcode, dst: 0, src: 0, offset: 0, imm: 0, ...fields });
  }

  #move(dst: number, src: number): void {
    this.#put(0xbf, { dst, src });
    this.#kinds[dst] = this.#kinds[src]!;
  }

  #zeroStack(): void {
    for (const offset of [-8, -16, -24, -32]) this.#store(offset, 0);
  }

  #store(offset: number, imm: number): void {
    this.#put(0x7a, { dst: 10, offset, imm });
    this.#written.push(offset);
  }

  /** A register that holds one of these kinds; now and then any. Where there is none, r10. */
  #find(...kinds: Kind[]): number {
    const all = this.#kinds.map((_, register) => register);
    if (this.#random.chance(0.002)) return this.#random.pick(all);
    const fitting = all.filter((register) => kinds.includes(this.#kinds[register]!));
    if (fitting.length > 0) return this.#random.pick(fitting);
    if (!kinds.includes("number")) return 10;
    this.#put(0xb7, { dst: 9, imm: 1 });
    this.#kinds[9] = "number";
    return 9;
  }

  #free(): number {
    return this.#random.pick([0, 1, 2, 3, 4, 5, 7, 7, 8, 8, 9, 9]);
  }

  #step(): void {
    const steps = [
      this.#constant,
      this.#copy,
      this.#arithmetic,
      this.#arithmetic,
      this.#branch,
      this.#branch,
      this.#contextLoad,
      this.#contextStore,
      this.#stackStore,
      this.#stackLoad,
      this.#displace,
      this.#valueAccess,
      this.#valueAccess,
      this.#lookup,
      this.#nullTest,
      this.#loadBytes,
      this.#packetLoad,
      this.#atomic,
      this.#special,
    ];
    if (this.#mayCall) steps.push(this.#callLocal, this.#callLocal);
    this.#random.pick(steps).call(this);
  }

  #constant(): void {
    const dst = this.#free();
    this.#put(this.#random.chance(0.7) ? 0xb7 : 0xb4, { dst, imm: this.#random.pick(numbers) });
    this.#kinds[dst] = "number";
  }

  #copy(): void {
    this.#move(this.#free(), this.#find("number", "number", "context", "stack", "value", "maybe"));
  }

  #arithmetic(): void {
    const dst = this.#find("number");
    if (dst === 10) return;
    const code = this.#random.pick(arithmetic);
    const kind = this.#random.chance(0.6) ? 0x07 : 0x04;
    if (this.#random.chance(0.5)) {
      this.#put(code | kind | 8, { dst, src: this.#find("number") });
    } else {
      const isShift = code === 0x60 || code === 0x70 || code === 0xc0;
      const imm = isShift ? this.#random.pick([1, 3, 8, 16, 24, 31]) : this.#random.pick(numbers);
      const isDivision = code === 0x30 || code === 0x90;
      this.#put(code | kind, { dst, imm: isDivision && imm === 0 ? 3 : imm });
    }
  }

  #branch(): void {
    const dst = this.#find("number");
    const code = this.#random.pick(compares) | (this.#random.chance(0.6) ? 5 : 6);
    const over = this.#random.chance(0.1) ? -this.#random.between(2, 8) : this.#random.between(1, 4);
    this.#jumps.push({ at: this.#code.length, over });
    if (this.#random.chance(0.3)) this.#put(code | 8, { dst, src: this.#find("number") });
    else this.#put(code, { dst, imm: this.#random.pick(numbers) });
  }

  #contextLoad(): void {
    const dst = this.#free();
    const [size, bytes] = this.#random.chance(0.8) ? sizes[0] : this.#random.pick(sizes);
    const offset = this.#random.pick(contextFields);
    const src = this.#find("context");
    if (src === 10) return;
    this.#put(0x61 | size, { dst, src, offset });
    this.#kinds[dst] = offset === 168 && bytes === 8 ? "unset" : "number";
  }

  #contextStore(): void {
    const [size] = this.#random.pick(sizes);
    const offset = this.#random.chance(0.9)
      ? 48 + this.#random.pick([0, 4, 8, 12, 16])
      : this.#random.pick(contextFields);
    const dst = this.#find("context");
    if (dst === 10) return;
    if (this.#random.chance(0.5)) this.#put(0x62 | size, { dst, offset, imm: 7 });
    else this.#put(0x63 | size, { dst, src: this.#find("number"), offset });
  }

  #stackOffset(bytes: number): number {
    const base = this.#random.pick([-8, -8, -16, -16, -24, -32]);
    return base + bytes * this.#random.below(8 / bytes);
  }

  #stackStore(): void {
    const [size, bytes] = this.#random.chance(0.6) ? sizes[3] : this.#random.pick(sizes);
    const offset = this.#stackOffset(bytes);
    if (bytes === 8) this.#written.push(offset);
    if (this.#random.chance(0.3)) {
      this.#put(0x62 | size, { dst: 10, offset, imm: this.#random.pick(numbers) });
      return;
    }
    const src = bytes === 8 ? this.#find("number", "context", "value", "maybe", "stack") : this.#find("number");
    this.#put(0x63 | size, { dst: 10, src, offset });
  }

  #stackLoad(): void {
    const [size, bytes] = this.#random.chance(0.5) ? sizes[3] : this.#random.pick(sizes);
    const dst = this.#free();
    const isKnown = this.#written.length > 0 && this.#random.chance(0.9);
    const base = isKnown ? this.#random.pick(this.#written) : this.#random.pick([-8, -16, -24, -32]);
    const isSigned = bytes < 8 && this.#random.chance(0.2);
    this.#put((isSigned ? 0x81 : 0x61) | size, { dst, src: 10, offset: base + bytes * this.#random.below(8 / bytes) });
    this.#kinds[dst] = "number";
  }

  #displace(): void {
    const dst = this.#find("value", "stack", "value", "context");
    if (dst === 10) return;
    if (this.#random.chance(0.6)) {
      this.#put(0x07, { dst, imm: this.#random.pick([0, 1, 2, 4, 8, -1, -4, -8, -16, 12, 15, 16]) });
      return;
    }
    const src = this.#find("number");
    if (this.#random.chance(0.8)) {
      this.#put(this.#random.chance(0.5) ? 0x57 : 0x54, { dst: src, imm: this.#random.pick([1, 3, 7, 8, 12, 15, 16]) });
    }
    if (src !== dst) this.#put(0x0f, { dst, src });
  }

  #valueAccess(): void {
    const [size, bytes] = this.#random.pick(sizes);
    const offset = this.#random.pick([0, 0, 1, 4, 8, 12, 16 - bytes, -4]);
    const address = this.#find("value");
    if (address === 10) return;
    if (this.#random.chance(0.6)) {
      const dst = this.#free();
      this.#put(0x61 | size, { dst, src: address, offset });
      this.#kinds[dst] = "number";
    } else {
      this.#put(0x63 | size, { dst: address, src: this.#find("number"), offset });
    }
  }

  #lookup(): void {
    const map = this.#random.below(2);
    if (this.#random.chance(0.25)) {
      const dst = this.#free();
      this.#put(0x18, { dst, src: 2, imm: 0 });
      this.#put(0, { imm: this.#random.pick([0, 4, 8, 15, 16]) });
      this.#kinds[dst] = "value";
      return;
    }
    const key = this.#random.chance(0.5) ? 0 : this.#random.pick([1, 2, 16]);
    if (this.#random.chance(0.3)) this.#put(0x63, { dst: 10, src: this.#find("number"), offset: -4 });
    else if (this.#random.chance(0.9)) this.#put(0x62, { dst: 10, offset: -4, imm: key });
    this.#put(0xbf, { dst: 2, src: 10 });
    this.#put(0x07, { dst: 2, imm: this.#random.chance(0.9) ? -4 : this.#random.pick([-8, -2, -6, 0]) });
    this.#put(0x18, { dst: 1, src: 1, imm: map });
    this.#put(0, {});
    this.#put(0x85, { imm: 1 });
    this.#called("maybe");
    if (this.#random.chance(0.7)) this.#nullTest();
  }

  #called(result: Kind): void {
    for (let register = 1; register <= 5; register++) this.#kinds[register] = "unset";
    this.#kinds[0] = result;
  }

  #callLocal(): void {
    for (let register = 1; register <= 3; register++) {
      const source = this.#find("number", "context", "stack", "value");
      this.#move(register, source);
      if (this.#kinds[register] === "stack") this.#put(0x07, { dst: register, imm: -8 });
    }
    const kinds = this.#kinds.map((kind, register) => register >= 1 && register <= 3 ? kind : "unset");
    kinds[10] = "stack";
    this.calls.push({ slot: this.#code.length, kinds });
    this.#put(0x85, { src: 1 });
    this.#called("number");
  }

  #nullTest(): void {
    const dst = this.#find("maybe");
    if (dst === 10) return;
    const over = this.#random.between(1, 8);
    if (this.#random.chance(0.5)) {
      this.#jumps.push({ at: this.#code.length, over });
      this.#put(0x15, { dst });
    } else {
      this.#put(0x55, { dst, offset: 2 });
      this.#put(0xb7, { dst: 0 });
      this.#put(0x95, {});
    }
    if (this.#random.chance(0.3)) this.#move(this.#random.pick([7, 8, 9]), dst);
    this.#kinds.forEach((kind, register) => {
      if (kind === "maybe") this.#kinds[register] = "value";
    });
  }

  #loadBytes(): void {
    if (!this.#kinds.includes("context")) return;
    const length = this.#random.pick([1, 2, 4, 8, 8, 16, 0, 24]);
    if (this.#random.chance(0.3)) this.#put(0xbf, { dst: 4, src: this.#find("number") });
    else this.#put(0xb7, { dst: 4, imm: length });
    if (this.#random.chance(0.3)) this.#put(0x57, { dst: 4, imm: 7 });
    if (this.#random.chance(0.3)) this.#put(0x07, { dst: 4, imm: 1 });
    this.#put(0xbf, { dst: 1, src: this.#find("context") });
    this.#put(0xb7, { dst: 2, imm: this.#random.below(20) });
    this.#put(0xbf, { dst: 3, src: this.#random.chance(0.8) ? 10 : this.#find("value", "stack") });
    this.#put(0x07, { dst: 3, imm: this.#random.pick([-8, -16, -16, -24, -5, -3]) });
    this.#put(0x85, { imm: 26 });
    this.#called("number");
    this.#written.push(-8);
  }

  #packetLoad(): void {
    if (this.#kinds[6] !== "context") return;
    const [size, bytes] = this.#random.pick(sizes);
    const opcode = bytes === 8 ? 0x30 : 0x20 | size;
    if (this.#random.chance(0.5)) this.#put(opcode, { imm: this.#random.below(40) });
    else this.#put(opcode + 0x20, { src: this.#find("number"), imm: this.#random.below(8) });
    this.#called("number");
  }

  #atomic(): void {
    const isWide = this.#random.chance(0.5);
    const operation = this.#random.pick([0x00, 0x01, 0x41, 0x51, 0xa0, 0xe1, 0xf1]);
    const isStack = this.#random.chance(0.6);
    const offset = isStack ? this.#stackOffset(isWide ? 8 : 4) : this.#random.pick([0, 4, 8, 12]);
    const src = this.#find("number");
    const dst = isStack ? 10 : this.#find("value");
    if (dst === 10 && !isStack) return;
    this.#put(isWide ? 0xdb : 0xc3, { dst, src, offset, imm: operation });
  }

  #special(): void {
    const dst = this.#find("number", "number", "number", "number", "context", "stack", "value");
    if (dst === 10) return;
    const choices: (() => void)[] = [
      () => this.#put(0x87, { dst }),
      () => this.#put(0x84, { dst }),
      () => this.#put(0xdc, { dst, imm: this.#random.pick([16, 32, 64]) }),
      () => this.#put(0xd4, { dst, imm: this.#random.pick([16, 32, 64]) }),
      () => this.#put(0xbf, { dst, src: this.#find("number"), offset: this.#random.pick([8, 16, 32]) }),
      () => this.#put(0xbc, { dst, src: dst, offset: this.#random.pick([0, 0, 8, 16]) }),
      () => this.#put(0x37, { dst, imm: this.#random.pick([-1, 2, 5]), offset: 1 }),
      () => {
        this.#put(0x85, { imm: this.#random.pick([7, 8, 5]) });
        this.#called("number");
      },
      () => this.#put(this.#random.pick([0x1d, 0x5d, 0x2d]), { dst, src: this.#find("stack", "value", "context") }),
      () => this.#put(0x1f, { dst, src: this.#find("stack", "value", "number") }),
    ];
    this.#random.pick(choices)();
  }
}

function bound(random: SeededRandom) {
  return {
    chance: (share: number) => random.chance(share),
    between: (low: number, high: number) => random.between(low, high),
  };
}
