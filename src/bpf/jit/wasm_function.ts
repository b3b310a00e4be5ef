/**
 * Writes one function of a program as a WebAssembly function.
 *
 * @module
 */
import type { FunctionFlow } from "../control_flow.ts";
import { helperTable, mayFail } from "../helper_table.ts";
import { bytesOfFrames, lowestFrame } from "../own_memory.ts";
import { FRAME_BYTES, MAP_HANDLE_BASE, MAX_FRAMES } from "../runner.ts";
import { segmentAt, TAIL_CALL } from "./budget.ts";
import { type FlowLayout, layOut, type Scope } from "./flow_scopes.ts";
import type { Operand } from "./operations.ts";
import { isSurelyOwn } from "./surely_own.ts";
import { type Entry, findValues, type KnownBlock, valuesAfter } from "./value_flow.ts";
import type { Values } from "./values.ts";
import { type AccessCheck, writeWasmAtomic, writeWasmLoad, writeWasmStore } from "./wasm_access.ts";
import { writeCondition, writeWasmArithmetic } from "./wasm_arithmetic.ts";
import { GLOBAL, LOCAL, WasmCode } from "./wasm_code.ts";
import type { WasmProgram } from "./wasm_module.ts";
import { OP } from "./wasm_opcodes_table.ts";
import { copiedBytes, type PacketPlaces, writeWasmFill, writeWasmPacketLoad } from "./wasm_packet.ts";

const args = [1, 2, 3, 4, 5];
const LOAD_BYTES = 26;

/** Writes a function. */
export function writeWasmFunction(program: WasmProgram, flow: FunctionFlow): WasmCode {
  return new FunctionWriter(program, flow).write();
}

function checkOf(program: WasmProgram): AccessCheck {
  const { frameTop, flow } = program;
  const [fault, mayAccess] = [program.importIndex("fail"), program.importIndex("mayAccess")];
  return { frameLow: lowestFrame(frameTop, flow.functions.length), frameTop, mayAccess, fault };
}

class FunctionWriter {
  readonly #program: WasmProgram;
  readonly #flow: FunctionFlow;
  readonly #layout: FlowLayout;
  readonly #blocks: readonly KnownBlock[];
  readonly #code: WasmCode = new WasmCode();
  readonly #check: AccessCheck | undefined;
  readonly #packet: PacketPlaces;
  readonly #open: Scope[] = [];
  #values: Values = [];

  constructor(program: WasmProgram, flow: FunctionFlow) {
    const entry: Entry = flow.index === 0 ? "block" : "call";
    this.#program = program;
    this.#flow = flow;
    this.#layout = layOut(flow, program.form);
    this.#blocks = findValues(program, flow, entry);
    this.#check = program.isChecked ? checkOf(program) : undefined;
    this.#packet = {
      window: program.window,
      read: program.importIndex("read"),
      leave: (slot) => this.#leaveWith(() => this.#code.i64(0, 0), slot),
    };
  }

  write(): WasmCode {
    this.#enter();
    if (this.#layout.form === "dispatch") this.#dispatch();
    else this.#layout.order.forEach((block, position) => this.#nested(block, position));
    this.#code.op(OP.unreachable);
    this.#code.end();
    return this.#code;
  }

  #enter(): void {
    const code = this.#code;
    code.get(LOCAL.frame);
    code.setLow(10);
    if (this.#check !== undefined && this.#flow.index !== 0) this.#checkDepth();
    if (this.#program.needsZeroedStack) this.#clearFrame();
    if (!this.#program.isCounting) return;
    code.indexed(OP.globalGet, GLOBAL.fuel);
    code.set(LOCAL.fuel);
  }

  #checkDepth(): void {
    const code = this.#code;
    code.get(LOCAL.frame);
    code.i32(this.#program.frameTop - (MAX_FRAMES - 1) * FRAME_BYTES);
    code.op(OP.i32LtS);
    code.begin(OP.if);
    this.#fail(this.#flow.start, 1);
    code.end();
  }

  #clearFrame(): void {
    const code = this.#code;
    const isAll = this.#check !== undefined && this.#flow.index === 0;
    const size = bytesOfFrames(isAll ? this.#program.flow.functions.length : 1);
    code.get(LOCAL.frame);
    code.i32(size);
    code.op(OP.i32Sub);
    code.i32(0);
    code.i32(size);
    code.op(0xfc, 11, 0); // memory.fill
  }

  #fail(slot: number, kind: number): void {
    this.#code.i32(slot);
    this.#code.i32(kind);
    this.#code.indexed(OP.call, this.#program.importIndex("fail"));
    this.#code.op(OP.unreachable);
  }

  #charge(slot: number, count: number, isChecked: boolean): void {
    const code = this.#code;
    code.get(LOCAL.fuel);
    code.i32(count);
    code.op(OP.i32Sub);
    if (!isChecked) return code.set(LOCAL.fuel);
    code.indexed(OP.localTee, LOCAL.fuel);
    this.#refuseNegative(slot);
  }

  /** Ends the run where the fuel on the stack is negative. */
  #refuseNegative(slot: number): void {
    const code = this.#code;
    code.i32(0);
    code.op(OP.i32LtS);
    code.begin(OP.if);
    this.#fail(slot, 0);
    code.end();
  }

  /** Leaves the function with what `push` pushes; at a slot, unless another program has counted to the end. */
  #leaveWith(push: () => void, slot?: number): void {
    if (this.#program.isCounting && this.#flow.index === 0 && slot !== undefined) {
      this.#code.get(LOCAL.fuel);
      this.#refuseNegative(slot);
    }
    this.#keepFuel();
    push();
    this.#code.op(OP.return);
  }

  #keepFuel(): void {
    if (!this.#program.isCounting) return;
    this.#code.get(LOCAL.fuel);
    this.#code.indexed(OP.globalSet, GLOBAL.fuel);
  }

  #nested(block: number, position: number): void {
    const code = this.#code;
    for (const scope of this.#layout.opening[position]!) {
      code.begin(scope.isLoop ? OP.loop : OP.block);
      this.#open.push(scope);
    }
    this.#block(block, position);
    while (this.#open.length > 0 && this.#open[this.#open.length - 1]!.end === position + 1) {
      code.end();
      this.#open.pop();
    }
  }

  /** `loop`, as many blocks as there are cases, a jump by table; behind the end of each block its case. */
  #dispatch(): void {
    const code = this.#code;
    const { order } = this.#layout;
    code.begin(OP.loop);
    for (let i = 0; i < order.length; i++) code.begin(OP.block);
    code.get(LOCAL.place);
    code.table(order.map((_, position) => position));
    order.forEach((block, position) => {
      code.end();
      this.#block(block, position);
    });
    code.op(OP.unreachable);
    code.end();
  }

  #block(index: number, position: number): void {
    const { operands, values } = this.#blocks[index]!;
    // Functions may call each other again and again: each looks where it is entered.
    const looks = this.#layout.isHeader[position]! || this.#flow.index !== 0 && position === 0;
    this.#values = values;
    operands.forEach((at, number) => {
      const count = this.#program.isCounting ? segmentAt(operands, number) : 0;
      if (count > 0) this.#charge(at.slot, count, looks && number === 0);
      this.#instruction(at);
      this.#values = valuesAfter(this.#values, at);
    });
    this.#jump(index, position, operands[operands.length - 1]!);
  }

  #instruction(at: Operand): void {
    const code = this.#code;
    switch (at.group) {
      case "jump":
        return;
      case "packet":
        return writeWasmPacketLoad(code, at, this.#packet);
      case "load":
        return writeWasmLoad(code, at, this.#checkOf(at, at.src));
      case "store":
        return writeWasmStore(code, at, this.#checkOf(at, at.dst));
      case "atomic":
        return writeWasmAtomic(code, at, this.#checkOf(at, at.dst));
      case "wide":
        return this.#wide(at);
      case "call":
        return this.#call(at);
      case "exit":
        return this.#leaveWith(() => code.register(0), at.slot);
      default:
        writeWasmArithmetic(code, at);
    }
  }

  #checkOf(at: Operand, register: number): AccessCheck | undefined {
    return isSurelyOwn(at, this.#values[register]!) ? undefined : this.#check;
  }

  #wide({ dst, src, imm, high }: Operand): void {
    if (src === 0) this.#code.i64(imm, high);
    else this.#code.i64(src === 1 ? MAP_HANDLE_BASE + imm : this.#program.valueAddresses[imm]! + high, 0);
    this.#code.setRegister(dst);
  }

  #call(at: Operand): void {
    if (at.src !== 0) return this.#callFunction(at);
    if (at.imm === TAIL_CALL) return this.#tailCall(at.slot);
    const size = at.imm === LOAD_BYTES && this.#check === undefined ? copiedBytes(this.#values[4]!) : undefined;
    if (size === undefined) return this.#callHelper(at);
    writeWasmFill(this.#code, size, this.#packet, () => this.#callHelper(at));
  }

  #callFunction(at: Operand): void {
    const code = this.#code;
    this.#keepFuel();
    for (const register of args) code.register(register);
    code.get(LOCAL.frame);
    code.i32(FRAME_BYTES);
    code.op(OP.i32Sub);
    code.indexed(OP.call, this.#program.functionIndex(at.slot));
    code.setRegister(0);
    if (!this.#program.isCounting) return;
    code.indexed(OP.globalGet, GLOBAL.fuel);
    code.set(LOCAL.fuel);
  }

  /** What catches a failure finds here which call it was. */
  #noteCall(helper: number, slot: number): void {
    if (!mayFail(helper, this.#check !== undefined)) return;
    this.#code.i32(0);
    this.#code.i32(slot);
    this.#code.access(OP.i32Store, this.#program.highAddress + 4);
  }

  #callHelper({ imm, slot }: Operand): void {
    const code = this.#code;
    this.#noteCall(imm, slot);
    const count = helperTable.get(imm)?.arguments.length ?? 5;
    for (const register of args) {
      if (register <= count) {
        code.low(register);
        code.high(register);
      } else {
        code.i32(0);
        code.i32(0);
      }
    }
    code.indexed(OP.call, this.#program.importIndex(`k${imm}`));
    this.#joinHigh();
    code.setRegister(0);
  }

  /** The low half is on the stack, the high half where helpers leave it: pushes both as one. */
  #joinHigh(): void {
    const code = this.#code;
    code.op(OP.i64ExtendI32U);
    code.i32(0);
    code.access(OP.i64Load32U, this.#program.highAddress);
    code.i64(32, 0);
    code.op(OP.i64Shl, OP.i64Or);
  }

  /** The import runs the other program to its end, if there is one, and leaves its result's low half in a global. */
  #tailCall(slot: number): void {
    const code = this.#code;
    code.get(LOCAL.fuel);
    this.#refuseNegative(slot);
    this.#noteCall(TAIL_CALL, slot);
    code.low(2);
    code.low(3);
    code.get(LOCAL.fuel);
    code.indexed(OP.call, this.#program.importIndex("tail"));
    code.begin(OP.if);
    this.#leaveWith(() => {
      code.indexed(OP.call, this.#program.importIndex("tailResult"));
      this.#joinHigh();
    });
    code.end();
    code.i64(-2, -1);
    code.setRegister(0);
  }

  #jump(index: number, position: number, at: Operand): void {
    const { target, next } = this.#flow.blocks[index]!;
    const places = this.#layout.position;
    if (at.operation === "exit") return;
    if (at.operation === "ja") return this.#go(position, places[target]!, "always");
    const isCondition = target >= 0 && at.operation !== "may_goto" && target !== next;
    if (!isCondition) return this.#go(position, places[next]!, "always");
    writeCondition(this.#code, at);
    if (places[target]! === position + 1) {
      this.#code.op(OP.i32Eqz);
      return this.#go(position, places[next]!, "if");
    }
    this.#go(position, places[target]!, "if");
    this.#go(position, places[next]!, "always");
  }

  /** Goes from one position to another: always, or if what is on the stack is not 0. */
  #go(from: number, to: number, when: "always" | "if"): void {
    const code = this.#code;
    if (to === from + 1) return;
    if (this.#layout.form === "nested") return code.indexed(when === "if" ? OP.brIf : OP.br, this.#depthOf(from, to));
    const depth = this.#layout.order.length - 1 - from;
    if (when === "if") code.begin(OP.if);
    code.i32(to);
    code.set(LOCAL.place);
    code.indexed(OP.br, when === "if" ? depth + 1 : depth);
    if (when === "if") code.end();
  }

  #depthOf(from: number, to: number): number {
    for (let depth = 0; depth < this.#open.length; depth++) {
      const scope = this.#open[this.#open.length - 1 - depth]!;
      if (to > from ? !scope.isLoop && scope.end === to : scope.isLoop && scope.start === to) return depth;
    }
    throw new Error(`no scope leads from position ${from} to ${to}`);
  }
}
