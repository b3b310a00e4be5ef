/**
 * Watches the interpreter run a program that was accepted, and knows more than it does: which registers are set, which
 * bytes of stack were written, and of every address what it is the address of. Whatever the verifier should have refused
 * is a complaint, and so is every fact that it told and that is not so.
 */
import type { Instruction } from "../../../src/bpf/isa.ts";
import { helperTable } from "../../../src/bpf/helper_table.ts";
import type { Guard } from "../../../src/bpf/interpreter/interpreter.ts";
import type { State } from "../../../src/bpf/interpreter/state.ts";
import { FRAME_BYTES, MAP_HANDLE_BASE } from "../../../src/bpf/runner.ts";
import type { VerifiedProgram } from "../../../src/bpf/verifier/facts.ts";

/** Memory that an address is the address of. */
interface Region {
  readonly kind: "context" | "stack" | "value";
  readonly from: number;
  readonly to: number;
  readonly map: number;
}

/** What a register holds: nothing, a number, an address. */
type Held = undefined | "number" | Region;

/** Makes the guard of one run of a program that the verifier has accepted. */
export function checkingGuard(verified: VerifiedProgram): (state: State) => Guard {
  return (state) => {
    const watch = new Watch(verified, state);
    return (slot) => watch.before(slot);
  };
}

class Watch {
  readonly #verified: VerifiedProgram;
  readonly #state: State;
  readonly #isStrict: boolean;
  #frames: Held[][] = [];
  #written = new Uint8Array(0);
  #spilled = new Map<number, Held>();
  #found: Region | undefined;

  constructor(verified: VerifiedProgram, state: State) {
    this.#verified = verified;
    this.#state = state;
    this.#isStrict = verified.mode === "strict";
  }

  before(slot: number): string | undefined {
    try {
      if (this.#frames.length === 0) this.#start();
      this.#settleCall();
      this.#check(slot, this.#verified.instructions[slot]!);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  #start(): void {
    const { context, stack } = this.#state.environment;
    const held: Held[] = new Array<Held>(11).fill(undefined);
    held[1] = { kind: "context", from: context.address, to: context.address + context.size, map: -1 };
    held[10] = this.#frameRegion(0);
    this.#frames = [held];
    this.#written = new Uint8Array(stack.size);
    this.#spilled = new Map();
  }

  #frameRegion(depth: number): Region {
    const { stack } = this.#state.environment;
    const to = stack.address + stack.size - depth * FRAME_BYTES;
    return { kind: "stack", from: to - FRAME_BYTES, to, map: -1 };
  }

  get #held(): Held[] {
    return this.#frames[this.#frames.length - 1]!;
  }

  #low(register: number): number {
    return this.#state.registers[2 * register]! >>> 0;
  }

  #read(register: number): Held {
    const held = this.#held[register];
    if (held === undefined) throw new Error(`reads r${register}, which is not set`);
    return held;
  }

  /** A look-up has returned: its result is known now. */
  #settleCall(): void {
    if (this.#found === undefined) return;
    const at = this.#low(0);
    this.#held[0] = at === 0 ? "number" : { ...this.#found, from: at, to: at + this.#found.to };
    this.#found = undefined;
  }

  #check(slot: number, instruction: Instruction): void {
    const { dst, src, imm } = instruction;
    const encoding = this.#verified.encodings[slot]!;
    const { operation } = encoding;
    if (encoding.dst === "in" || encoding.dst === "inout") this.#read(dst);
    if (encoding.src === "in" || encoding.src === "inout") this.#read(src);
    if (operation === "exit") return this.#exit();
    if (operation === "call") return src === 1 ? this.#enter() : this.#helper(imm);
    if (operation === "ldabs" || operation === "ldind") return this.#packetLoad();
    if (operation === "lddw") this.#held[dst] = src === 2 ? this.#valueRegion(imm) : "number";
    else if ((instruction.opcode & 7) === 4 || (instruction.opcode & 7) === 7) this.#arithmetic(slot, instruction);
    else if ((instruction.opcode & 7) >= 1 && (instruction.opcode & 7) <= 3) this.#memory(slot, instruction);
  }

  #valueRegion(map: number): Region {
    const from = this.#state.environment.valueAddresses[map]!;
    return { kind: "value", from, to: from + this.#verified.program.maps[map]!.valueSize, map };
  }

  #arithmetic(slot: number, { opcode, dst, src }: Instruction): void {
    const { operation, bits } = this.#verified.encodings[slot]!;
    const right: Held = (opcode & 8) !== 0 && operation !== "be" ? this.#read(src) : "number";
    if (operation === "mov" && bits === 64) {
      this.#held[dst] = right;
      return;
    }
    const left = this.#verified.encodings[slot]!.dst === "inout" ? this.#held[dst] : "number";
    const isMove = operation === "add" || operation === "sub";
    const regions = [left, right].filter((held) => typeof held === "object");
    if (this.#isStrict && regions.length > (isMove && bits === 64 ? 1 : 0)) {
      throw new Error(`${operation} on an address`);
    }
    this.#held[dst] = isMove && bits === 64 && regions.length === 1 ? regions[0] : "number";
  }

  #inside(region: Held, from: number, size: number): Region {
    if (typeof region !== "object") throw new Error("access through a number");
    if (from < region.from || from + size > region.to) {
      throw new Error(`${size} bytes at ${from - region.from} leave the ${region.kind}`);
    }
    return region;
  }

  #memory(slot: number, { opcode, dst, src, offset }: Instruction): void {
    const { operation, bits } = this.#verified.encodings[slot]!;
    const size = bits / 8;
    const isLoad = operation === "ldx" || operation === "ldxs" || operation === "load_acquire";
    const isAtomic = !isLoad && operation !== "st" && operation !== "stx" && operation !== "store_release";
    const base = isLoad ? src : dst;
    const at = (this.#low(base) + offset) >>> 0;
    const region = this.#inside(this.#read(base), at, size);
    this.#checkFact(slot, region, at);
    const value = (opcode & 7) === 2 || isLoad ? "number" : this.#read(src);
    if (isLoad || isAtomic) this.#readBytes(region, at, size);
    if (isLoad) {
      const filled = size === 8 && operation !== "ldxs" ? this.#spilled.get(at) : undefined;
      this.#held[dst] = region.kind === "stack" && filled !== undefined ? filled : "number";
      return;
    }
    this.#writeBytes(region, at, size);
    if (region.kind === "stack" && size === 8 && !isAtomic) this.#spilled.set(at, value);
    if (this.#isStrict && region.kind !== "stack" && typeof value === "object") throw new Error("stores an address");
    if (operation === "cmpxchg") this.#held[0] = "number";
    else if (isAtomic && this.#verified.encodings[slot]!.src === "inout") this.#held[src] = "number";
  }

  #checkFact(slot: number, region: Region, at: number): void {
    const fact = this.#verified.accesses[slot];
    if (fact === undefined) throw new Error("an access of which the verifier knows nothing");
    if (fact.region !== "mixed" && fact.region !== region.kind) {
      throw new Error(`accesses the ${region.kind}, not the ${fact.region}`);
    }
    if (fact.region === "value" && fact.map >= 0 && fact.map !== region.map) {
      throw new Error(`accesses map ${region.map}`);
    }
    const offset = region.kind === "stack" ? at - region.to : at - region.from;
    if (fact.offset !== undefined && fact.offset !== offset) {
      throw new Error(`accesses offset ${offset}, not ${fact.offset}`);
    }
  }

  #stackIndex(at: number): number {
    return at - this.#state.environment.stack.address;
  }

  #readBytes(region: Region, at: number, size: number): void {
    if (region.kind !== "stack" || !this.#isStrict) return;
    const index = this.#stackIndex(at);
    if (this.#written.subarray(index, index + size).includes(0)) throw new Error("reads stack that was not written");
  }

  #writeBytes(region: Region, at: number, size: number): void {
    if (region.kind === "context") {
      const offset = at - region.from;
      if (offset < 48 || offset + size > 68) throw new Error(`writes the context at ${offset}`);
    }
    if (region.kind !== "stack") return;
    const index = this.#stackIndex(at);
    this.#written.fill(1, index, index + size);
    for (let spill = at - 7; spill < at + size; spill++) this.#spilled.delete(spill);
  }

  #lose(): void {
    for (let register = 1; register <= 5; register++) this.#held[register] = undefined;
  }

  #packetLoad(): void {
    const context = this.#read(6);
    if (typeof context !== "object" || context.kind !== "context" || context.from !== this.#low(6)) {
      throw new Error("r6 is not the context");
    }
    this.#lose();
    this.#held[0] = "number";
  }

  #helper(number: number): void {
    const { arguments: kinds } = helperTable.get(number)!;
    const map = this.#low(1) - MAP_HANDLE_BASE;
    kinds.forEach((kind, index) => {
      const register = index + 1;
      const held = this.#read(register);
      const at = this.#low(register);
      if (kind === "key") {
        const size = this.#verified.program.maps[map]!.keySize;
        this.#readBytes(this.#inside(held, at, size), at, size);
      } else if (kind === "memory-out") {
        this.#writeBytes(this.#inside(held, at, this.#low(register + 1)), at, this.#low(register + 1));
      } else if (kind === "size" && this.#low(register) === 0) {
        throw new Error("a size of 0");
      }
    });
    this.#lose();
    this.#held[0] = "number";
    if (number !== 1) return;
    this.#found = { kind: "value", from: 0, to: this.#verified.program.maps[map]!.valueSize, map };
  }

  #enter(): void {
    const callee: Held[] = new Array<Held>(11).fill(undefined);
    for (let register = 1; register <= 5; register++) callee[register] = this.#held[register];
    callee[10] = this.#frameRegion(this.#frames.length);
    const top = this.#stackIndex(callee[10].to);
    this.#written.fill(0, top - FRAME_BYTES, top);
    this.#frames.push(callee);
  }

  #exit(): void {
    const result = this.#held[0];
    this.#frames.pop();
    if (this.#frames.length > 0) {
      this.#lose();
      this.#held[0] = result;
      return;
    }
    if (result === undefined) throw new Error("r0 is not set at the exit");
    if (this.#isStrict && result !== "number") throw new Error("returns an address");
  }
}
