/**
 * Writes plain programs as JavaScript: those that calculate with numbers and packet bytes alone, and have no loop. Such is
 * the usual parser, and often it is the first program of a process, where the engine has to compile each function of ours
 * that takes part: hence one walk over the blocks and four functions that write, in place of some eighty.
 *
 * It knows of each register how large it is at most, and leaves out the high halves of what is below 2^32. What it has no
 * words for it leaves to `js_function.ts`, which can write every program.
 *
 * @module
 */
import type { Encoding } from "../encoding_table.ts";
import { BPF_LDDW, BPF_X, type Instruction } from "../isa.ts";
import { compareHalves, compareWide, withoutSign } from "./js_compare.ts";
import { extended, narrow, swapped } from "./js_narrow.ts";
import { bigEndian } from "./js_packet.ts";
import { shifted, shiftedByU } from "./js_shift.ts";
import type { CompilerInput } from "./operations.ts";
import { packetOffset } from "./packet_offset.ts";

const WORD = 0xffff_ffff;
/** Engines give up on deep nesting, see `flow_scopes.ts`. */
const MAX_LABELS = 200;

/** What is written, and what is known at the place that is being written. */
interface PlainCode {
  /** Statements. `l3` and `h3` are the halves of r3, `p` the bytes, `s` where they start, `n` how many there are. */
  readonly lines: string[];
  /** What each register is at most; `Infinity` where that may be 2^32 or more. */
  max: number[];
  /** Registers of which a high half is read, one bit each. */
  highs: number;
}

/** The statement that returns the program as a function; `undefined` where that takes more than there is here. */
export function writePlain({ instructions, encodings, flow }: CompilerInput): string | undefined {
  const { blocks, order, position } = flow.functions[0]!;
  const code: PlainCode = { lines: [], max: [], highs: 0 };
  const known: (number[] | undefined)[] = [new Array<number>(10).fill(0)];
  const labels: number[] = [];
  let place = 0;
  /** The statement that goes to a block; none where that comes next. */
  const go = (block: number): string => {
    const to = position[block]!, there = known[to];
    if (there === undefined) known[to] = code.max.slice();
    else for (let r = 0; r < 10; r++) there[r] = Math.max(there[r]!, code.max[r]!);
    if (to === place + 1) return "";
    if (!labels.includes(to)) labels.push(to);
    return `break B${to};`;
  };
  for (; place < order.length; place++) {
    const { start, last, next, target } = blocks[order[place]!]!;
    if (next >= 0 && position[next]! <= place || target >= 0 && position[target]! <= place) return undefined;
    if (labels.includes(place)) code.lines.push("}");
    code.max = known[place]!;
    if (labels.length > MAX_LABELS) return undefined;
    for (let slot = start; slot <= last; slot++) {
      const encoding = encodings[slot], at = instructions[slot]!;
      if (encoding === undefined || slot === last && target >= 0) continue;
      const high = at.opcode === BPF_LDDW ? instructions[slot + 1]!.imm : at.imm >> 31;
      if (!writeStep(code, at, encoding, high)) return undefined;
    }
    const onward = next < 0 ? "" : go(next);
    if (target < 0 || target === next) code.lines.push(onward);
    else if (next < 0) code.lines.push(go(target));
    else {
      const test = conditionOf(code, instructions[last]!, encodings[last]!);
      code.lines.push(`if (${test}) ${go(target) || "{}"}${onward && ` else ${onward}`}`);
    }
  }
  return assembled(code, labels);
}

/** All blocks that end where a jump leads begin at the start: the first to end is the innermost. */
function assembled({ lines, highs }: PlainCode, labels: number[]): string {
  let variables = "t = 0, u = 0", body = "";
  for (let r = 0; r < 10; r++) variables += `, l${r} = 0, h${r} = 0`;
  for (const label of labels.sort((a, b) => b - a)) body += `B${label}: {\n`;
  // High halves that nobody reads are not worked out.
  for (const line of lines) if (line[0] !== "h" || (highs >> Number(line[1]) & 1) !== 0) body += `${line}\n`;
  // In parentheses, so that V8 compiles it at once: see `js_program.ts`.
  return `return (function run(p, s, e) {\nconst n = e - s;\nlet ${variables};\n${body}});`;
}

/** The high half of a register. */
function highOf(code: PlainCode, register: number): string {
  if (code.max[register]! <= WORD) return "0";
  code.highs |= 1 << register;
  return `h${register}`;
}

function conditionOf(code: PlainCode, { opcode, dst, src, imm }: Instruction, { operation, bits }: Encoding): string {
  const isRegister = (opcode & BPF_X) !== 0;
  const a = `l${dst}`, b = isRegister ? `l${src}` : String(imm);
  if (bits === 32) return compareHalves(operation, a, b);
  const areSmall = code.max[dst]! <= WORD && (isRegister ? code.max[src]! <= WORD : imm >= 0);
  // Of two numbers below 2^32, the signed order is the unsigned order.
  if (areSmall) return compareHalves(withoutSign(operation), a, b);
  return compareWide(operation, a, highOf(code, dst), b, isRegister ? highOf(code, src) : String(imm >> 31));
}

/** Sets a register. The high half comes first, which may be made of what was there before. */
function set({ lines, max }: PlainCode, dst: number, low: string, high: string, most: number): true {
  if (high === "0" || high === "-1") lines.push(`l${dst} = ${low};`, `h${dst} = ${high};`);
  else lines.push(`t = ${low};`, `h${dst} = ${high};`, `l${dst} = t;`);
  max[dst] = most;
  return true;
}

/** Writes an instruction that does not jump; false where it is none for this. */
function writeStep(code: PlainCode, at: Instruction, { operation, bits }: Encoding, high: number): boolean {
  const { lines, max } = code;
  const { dst, src, imm } = at;
  switch (operation) {
    case "exit":
      return lines.push("return l0;") > 0;
    case "ldabs":
    case "ldind":
      return writeLoad(code, at, operation, bits);
    case "lddw":
      return set(code, dst, String(imm), String(high), high === 0 ? imm >>> 0 : Infinity);
    case "le":
      if (bits !== 64) set(code, dst, bits === 16 ? `l${dst} & 65535` : `l${dst}`, "0", 2 ** bits - 1);
      return true;
    case "be":
    case "bswap":
      if (bits === 64) return set(code, dst, swapped(highOf(code, dst), 32), swapped(`l${dst}`, 32), Infinity);
      return set(code, dst, swapped(`l${dst}`, bits === 16 ? 16 : 32), "0", 2 ** bits - 1);
    default: {
      const isRegister = (at.opcode & BPF_X) !== 0;
      const most = boundOf(operation, bits, max[dst]!, isRegister ? max[src]! : imm >= 0 ? imm : Infinity, isRegister);
      if (most === Infinity) return writeWide(code, at, operation, isRegister);
      return set(
        code,
        dst,
        narrow({ operation, offset: at.offset }, `l${dst}`, isRegister ? `l${src}` : String(imm)),
        "0",
        most,
      );
    }
  }
}

/** Packet bytes, in the order of the network. */
function writeLoad(code: PlainCode, { src, imm }: Instruction, operation: string, bits: number): true {
  const size = bits >> 3;
  let start = "t";
  if (operation === "ldabs") {
    const offset = packetOffset(imm);
    code.lines.push(offset < 0 ? "return 0;" : `if (n < ${offset + size}) return 0;`);
    start = String(Math.max(offset, 0));
  } else {
    code.lines.push(`t = l${src} + ${imm} | 0;`);
    const isPositive = imm >= 0 && code.max[src]! + imm <= 0x7fff_ffff;
    if (!isPositive) code.lines.push("if (t < 0 && (t = t + 0x100000) < 0) return 0;");
    code.lines.push(`if (t > n - ${size}) return 0;`, "t = t + s | 0;");
  }
  return set(code, 0, bigEndian(start, size), "0", 2 ** bits - 1);
}

/**
 * The most that comes of arithmetic whose high half is 0 and whose low half is that of the same operation in 32 bits;
 * `Infinity` where that is not sure. `x` and `y` are what the operands are at most.
 */
function boundOf(operation: string, bits: number, x: number, y: number, isRegister: boolean): number {
  const most = bits === 32 ? WORD : Infinity;
  let bound = most;
  const areSmall = x <= WORD && y <= WORD;
  switch (operation) {
    case "mov":
      bound = y;
      break;
    case "and":
      bound = Math.min(x, y);
      break;
    // A bit that is in the one or the other is in their sum, or carried there.
    case "add":
    case "or":
    case "xor":
      bound = x + y;
      break;
    case "mul":
      bound = x * y;
      break;
    case "div":
    case "mod":
      if (areSmall) bound = x;
      break;
    case "lsh":
      if (!isRegister) bound = x * 2 ** y;
      break;
    case "rsh":
      if (!isRegister && x <= WORD && y < 32) bound = Math.floor(x / 2 ** y);
  }
  return bound <= WORD ? bound : most;
}

/** 64-bit arithmetic with both halves; false for products and quotients, which parsers have little use for. */
function writeWide(
  code: PlainCode,
  { dst, src, offset, imm }: Instruction,
  operation: string,
  isRegister: boolean,
): boolean {
  const a = `l${dst}`, b = isRegister ? `l${src}` : String(imm);
  const other = isRegister ? highOf(code, src) : String(imm >> 31);
  if (operation === "mov") return set(code, dst, b, other, Infinity);
  const high = highOf(code, dst);
  switch (operation) {
    case "add":
      return set(code, dst, `${a} + ${b} | 0`, `${high} + ${other} + +((t >>> 0) < (${b} >>> 0)) | 0`, Infinity);
    case "sub":
      return set(code, dst, `${a} - ${b} | 0`, `${high} - ${other} - +((${a} >>> 0) < (${b} >>> 0)) | 0`, Infinity);
    case "and":
    case "or":
    case "xor":
      return set(code, dst, narrow({ operation, offset }, a, b), narrow({ operation, offset }, high, other), Infinity);
    case "lsh":
    case "rsh":
    case "arsh":
      return writeShift(code, dst, operation, isRegister ? b : imm, high);
    case "neg":
      return set(code, dst, `0 - ${a} | 0`, `~${high} + +(t === 0) | 0`, Infinity);
    case "movsx":
      return set(code, dst, extended(b, offset), `${extended(b, offset)} >> 31`, Infinity);
  }
  return false;
}

function writeShift(code: PlainCode, dst: number, operation: string, by: string | number, high: string): true {
  const isConstant = typeof by === "number";
  if (!isConstant) code.lines.push(`u = ${by} & 63;`);
  const result = isConstant ? shifted(operation, by, `l${dst}`, high) : shiftedByU(operation, `l${dst}`, high);
  const most = isConstant && operation === "rsh" && by >= 32 ? 2 ** (64 - by) - 1 : Infinity;
  return set(code, dst, result.low, result.high, most);
}
