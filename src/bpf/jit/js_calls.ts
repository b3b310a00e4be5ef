/**
 * Calls in JavaScript: helpers, functions of the program, tail calls.
 *
 * @module
 */
import { helperTable, mayFail } from "../helper_table.ts";
import type { MapDefinition } from "../program.ts";
import { FRAME_BYTES } from "../runner.ts";
import { lookedUpArray } from "./frame_fields.ts";
import { type AccessRules, fieldName } from "./js_access.ts";
import { writeFill } from "./js_packet.ts";
import { type JsWriter, unsigned } from "./js_writer.ts";
import type { Operand } from "./operations.ts";

/** What calls need to know besides the instruction. */
export interface CallRules extends AccessRules {
  /** The program's maps. */
  readonly maps: readonly MapDefinition[];
  /** Where each map's first value is; 0 where it has none. */
  readonly valueAddresses: readonly number[];
  /** Statement that ends the function with the value of `t`, all of r0. */
  readonly leave: string;
  /** Name of the function that a call in this slot goes to. */
  callee(slot: number): string;
}

const args = [1, 2, 3, 4, 5];

/** Writes a call. */
export function writeCall(writer: JsWriter, at: Operand, rules: CallRules): void {
  if (at.src !== 0) return writeLocalCall(writer, at, rules);
  // What catches a failure finds here which call it was.
  if (mayFail(at.imm, rules.isChecked)) writer.line(`${writer.use("G")}[1] = ${at.slot};`);
  if (at.imm === 26 && writeFill(writer, rules)) return;
  if (at.imm === 12) return writeTailCall(writer, rules);
  if (at.imm === 1 && writeArrayLookup(writer, rules)) return;
  const count = helperTable.get(at.imm)?.arguments.length ?? 5;
  const given = args.map((register) =>
    register <= count ? `${writer.low(register)}, ${writer.high(register)}` : "0, 0"
  );
  writer.line(`t = ${writer.use(`k${at.imm}`)}(${given.join(", ")});`);
  writer.assign("l0", "t");
  writer.assign("h0", `${writer.use("G")}[0]`);
}

function writeLocalCall(writer: JsWriter, at: Operand, { callee }: CallRules): void {
  const given = args.map((register) => `${writer.low(register)}, ${writer.high(register)}`);
  const frame = writer.frameAddress(-FRAME_BYTES);
  writer.line(`t = ${callee(at.slot)}(p, s, n, ${frame}, ${given.join(", ")});`);
  writer.assign("h0", writer.use("H"));
  writer.assign("l0", "t");
}

/** The program that is called runs to its end from here; what it returns is what this function returns. */
function writeTailCall(writer: JsWriter, { leave }: CallRules): void {
  writer.use("G");
  writer.line(`r = ${writer.use("T")}(${writer.low(2)}, ${writer.low(3)}, q);`);
  writer.line(`if (r !== undefined) { t = r.resume(); ${leave} }`);
  writer.set(0, "-2", "-1");
}

/** The address of an array's element, without a call. */
function writeArrayLookup(writer: JsWriter, { maps, valueAddresses, fields, isChecked }: CallRules): boolean {
  const index = lookedUpArray(writer.values, maps);
  const key = writer.values[2]!;
  if (index === undefined || isChecked || key.kind !== "frame") return false;
  const { maxEntries, valueSize } = maps[index]!;
  const inField = fields.has(key.offset, 4);
  const place = `${writer.use("V")}.getInt32(${writer.frameAddress(key.offset)}, true)`;
  writer.line(`t = ${inField ? writer.variable(fieldName(key.offset, 4)) : place};`);
  const stride = Math.ceil(valueSize / 8) * 8;
  const address = `${valueAddresses[index]!} + Math.imul(t, ${stride}) | 0`;
  writer.set(0, `${unsigned("t")} < ${maxEntries} ? ${address} : 0`, "0");
  return true;
}
