/**
 * Writes one function of a program as a JavaScript function.
 *
 * @module
 */
import type { FunctionFlow } from "../control_flow.ts";
import { lowestFrame } from "../own_memory.ts";
import { FRAME_BYTES, MAP_HANDLE_BASE } from "../runner.ts";
import { isTailCall, segmentAt } from "./budget.ts";
import { findFields, noFields } from "./frame_fields.ts";
import { type FlowLayout, layOut } from "./flow_scopes.ts";
import { writeArithmetic } from "./js_arithmetic.ts";
import { writeAtomic, writeLoad, writeStore } from "./js_access.ts";
import { type CallRules, writeCall } from "./js_calls.ts";
import { condition } from "./js_compare.ts";
import { writePacketLoad } from "./js_packet.ts";
import { JsWriter } from "./js_writer.ts";
import type { Operand } from "./operations.ts";
import type { JsProgram } from "./js_program.ts";
import { type Entry, findValues, type KnownBlock, valuesAfter } from "./value_flow.ts";

/** How the entry function is called and what it returns. */
export interface FunctionShape {
  /** How it is entered. */
  readonly entry: Entry;
  /** Whether the high half of r0 is wanted: in `H`, of the entry function in `G[0]`. */
  readonly isWide: boolean;
}

/** Parameters of functions that are called by the program itself. */
const calleeParameters = ["p", "s", "n", "f", "l1", "h1", "l2", "h2", "l3", "h3", "l4", "h4", "l5", "h5"];

/** The code of one function: a list of lines, without the head. */
export function writeFunction(program: JsProgram, flow: FunctionFlow, shape: FunctionShape): string[] {
  return new FunctionWriter(program, flow, shape).write();
}

class FunctionWriter {
  readonly #program: JsProgram;
  readonly #flow: FunctionFlow;
  readonly #shape: FunctionShape;
  readonly #layout: FlowLayout;
  readonly #blocks: readonly KnownBlock[];
  readonly #writer: JsWriter;
  readonly #rules: CallRules;
  /** Whether it counts instructions. */
  readonly #isCounting: boolean;

  constructor(program: JsProgram, flow: FunctionFlow, shape: FunctionShape) {
    this.#program = program;
    this.#flow = flow;
    this.#shape = shape;
    this.#layout = layOut(flow, program.form);
    this.#blocks = findValues(program, flow, shape.entry);
    this.#isCounting = program.isCounting;
    const isCallee = shape.entry === "call";
    const frame = isCallee ? "f" : String(program.frameTop);
    this.#writer = new JsWriter({ context: program.context, frame, mapBase: MAP_HANDLE_BASE }, program.outside);
    const { isChecked } = program;
    this.#rules = {
      fields: isChecked ? noFields : findFields(this.#blocks, program.maps),
      isChecked,
      maps: program.maps,
      valueAddresses: program.valueAddresses,
      leave: this.#leaving("t", "G[0]"),
      callee: (slot) => program.callee(slot),
    };
  }

  write(): string[] {
    const isNested = this.#layout.form === "nested";
    this.#enter();
    if (!isNested) this.#writer.line("for (;;) switch (c) {");
    this.#layout.order.forEach((block, position) => this.#block(block, position));
    if (!isNested) this.#writer.line("}");
    const { entry } = this.#shape;
    const parameters = entry === "call" ? calleeParameters : entry === "block" ? ["l1", "h1", "l2", "h2"] : [];
    const { variables, lines } = this.#writer.finish(parameters);
    const declared = ["t = 0", "u = 0", "v = 0", "w = 0", ...variables.map((name) => `${name} = 0`)];
    if (!isNested) declared.push("c = 0");
    if (this.#isCounting) declared.push(`q = ${this.#budget()}`);
    if (lines.some((line) => line.startsWith("r = "))) declared.push("r");
    return [`let ${declared.join(", ")};`, ...lines];
  }

  #budget(): string {
    if (this.#shape.entry === "call") return "F";
    return this.#shape.isWide ? `${this.#writer.use("Q")}()` : String(this.#program.budget);
  }

  #enter(): void {
    const writer = this.#writer;
    if (this.#shape.entry === "context") {
      writer.assign("l1", String(this.#program.context));
    }
    const base = this.#shape.entry === "call" ? "f" : String(this.#program.frameTop);
    writer.assign("l10", base);
    if (this.#program.needsZeroedStack) writer.line(`${writer.use("U")}.fill(0, ${this.#frameLow()}, ${base});`);
  }

  /** From where on frames are cleared where the function is entered. */
  #frameLow(): string {
    if (this.#shape.entry === "call") return `f - ${FRAME_BYTES}`;
    const { frameTop, isChecked, flow } = this.#program;
    return String(lowestFrame(frameTop, isChecked ? flow.functions.length : 1));
  }

  #charge(slot: number, count: number, isChecked: boolean): void {
    this.#writer.line(isChecked ? this.#charging(slot, count) : `q = q - ${count} | 0;`);
  }

  /** The statement that charges and ends the run where the budget is spent. */
  #charging(slot: number, count: number): string {
    return this.#refusal(`(q = q - ${count} | 0)`, slot);
  }

  /** The statement that ends the run where what is left is negative. In place: a call for it costs loops some speed. */
  #refusal(left: string, slot: number): string {
    this.#writer.use("Z");
    return `if (${left} < 0) throw { code: "ELOOP", slot: ${slot} };`;
  }

  #block(index: number, position: number): void {
    const { opening, isHeader, form } = this.#layout;
    const writer = this.#writer;
    const { operands, values } = this.#blocks[index]!;
    const isLoop = form === "nested" && isHeader[position]!;
    for (const scope of opening[position] ?? []) {
      if (scope.isLoop && this.#isCounting) writer.line(this.#chargingTurn(operands));
      writer.line(scope.isLoop ? `L${scope.start}: for (;;) {` : `B${scope.end}: {`);
    }
    if (form === "dispatch") writer.line(`case ${position}:`);
    // Functions may call each other again and again: each looks where it is entered.
    const looks = isHeader[position]! || this.#shape.entry === "call" && position === 0;
    writer.values = values;
    operands.forEach((at, number) => {
      // Who comes to a loop, or around it, was charged on the way: see `#again`.
      const count = this.#isCounting && !(isLoop && number === 0) ? segmentAt(operands, number) : 0;
      if (count > 0) this.#charge(at.slot, count, looks && number === 0);
      this.#instruction(at);
      writer.values = valuesAfter(writer.values, at);
    });
    this.#jump(index, position, operands[operands.length - 1]!);
    this.#close(position);
  }

  #close(position: number): void {
    for (const { isLoop } of this.#layout.closing[position + 1] ?? []) this.#writer.line(isLoop ? "break; }" : "}");
  }

  #instruction(at: Operand): void {
    const writer = this.#writer;
    switch (at.group) {
      case "jump":
        return;
      case "packet":
        return writePacketLoad(writer, at, this.#leaving("0", "0", at.slot));
      case "load":
        return writeLoad(writer, at, this.#rules);
      case "store":
        return writeStore(writer, at, this.#rules);
      case "atomic":
        return writeAtomic(writer, at, this.#rules);
      case "wide":
        return this.#wide(at);
      case "call":
        return this.#call(at);
      case "exit":
        return writer.line(this.#exit(at.slot));
      default:
        writeArithmetic(writer, at, valuesAfter(writer.values, at)[at.dst]!);
    }
  }

  #wide({ dst, src, imm, high }: Operand): void {
    if (src === 0) return this.#writer.set(dst, String(imm), String(high));
    const low = src === 1 ? MAP_HANDLE_BASE + imm : this.#program.valueAddresses[imm]! + high;
    this.#writer.set(dst, String(low), "0");
  }

  #call(at: Operand): void {
    const isCounted = this.#isCounting && at.src !== 0;
    if (this.#isCounting && isTailCall(at)) this.#writer.line(this.#refusal("q", at.slot));
    if (isCounted) this.#writer.line("F = q;");
    writeCall(this.#writer, at, this.#rules);
    if (isCounted) this.#writer.line("q = F;");
  }

  #exit(slot: number): string {
    if (!this.#shape.isWide) return this.#leaving(this.#writer.low(0), "0", slot);
    return this.#leaving(this.#writer.low(0), this.#writer.high(0), slot);
  }

  /** The statement that ends the function with a value; at a slot, unless another program has counted to the end. */
  #leaving(low: string, high: string, slot?: number): string {
    const parts = [`return ${low};`];
    if (this.#shape.isWide) parts.unshift(`${this.#highResult()} = ${high};`);
    if (this.#isCounting && this.#shape.entry === "call") parts.unshift("F = q;");
    else if (this.#isCounting && slot !== undefined) parts.unshift(this.#refusal("q", slot));
    return parts.length === 1 ? parts[0]! : `{ ${parts.join(" ")} }`;
  }

  /** Where the high half of the function's result goes. */
  #highResult(): string {
    return this.#shape.entry === "call" ? this.#writer.use("H") : `${this.#writer.use("G")}[0]`;
  }

  #jump(index: number, position: number, at: Operand): void {
    const { target, next } = this.#flow.blocks[index]!;
    const places = this.#layout.position;
    if (at.operation === "exit") return;
    const otherwise = next < 0 ? "" : this.#going(position, places[next]!);
    if (target < 0 || at.operation === "may_goto") return this.#writer.line(otherwise);
    const going = this.#going(position, places[target]!);
    if (at.operation === "ja") return this.#writer.line(going);
    if (target === next) return this.#writer.line(going);
    const test = condition(this.#writer, at);
    if (going === "") return this.#writer.line(`if (!(${test})) ${otherwise}`);
    this.#writer.line(`if (${test}) ${going}`);
    this.#writer.line(otherwise);
  }

  /** The statement that goes from one position to another; empty where it is the next. */
  #going(from: number, to: number): string {
    if (to === from + 1) return "";
    if (this.#layout.form === "dispatch") return `{ c = ${to}; continue; }`;
    return to > from ? `break B${to};` : this.#again(to);
  }

  /**
   * The statement that goes on with a loop. It charges the loop's first instructions there and not at the loop's start:
   * V8 then needs fewer registers in the loop, and a loop of 64-bit arithmetic takes a tenth less time.
   */
  #again(to: number): string {
    if (!this.#isCounting) return `continue L${to};`;
    const { operands } = this.#blocks[this.#layout.order[to]!]!;
    return `{ ${this.#chargingTurn(operands)} continue L${to}; }`;
  }

  /** The statement that charges a turn of a loop, whose first block this is, for what it begins with. */
  #chargingTurn(operands: readonly Operand[]): string {
    return this.#charging(operands[0]!.slot, segmentAt(operands, 0));
  }
}
