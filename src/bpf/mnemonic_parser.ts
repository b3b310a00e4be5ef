/**
 * Reads instructions as mnemonics with `%r` registers, the dialect of bpf_conformance and uBPF: `ldxw %r0, [%r1+4]`.
 *
 * What that dialect has no word for is written `ldabsh 12`, `ldindb %r7, 0`, `ldacqw %r0, [%r1]`, `strelw [%r1], %r0`,
 * `may_goto +1`, `gotox %r1`, and `lddw %r1, map[name]`.
 *
 * @module
 */
import { type Encoding, ENCODINGS, encodingsOf, type Operation } from "./encoding_table.ts";
import * as isa from "./isa.ts";
import type { LineScanner, WrittenName } from "./line_scanner.ts";
import * as parts from "./statement.ts";
import type { Statement } from "./statement.ts";

/** Takes the operands of one mnemonic. */
type OperandParser = (line: LineScanner) => Statement;

const REGISTER = /%r(\d+)(?![\w.$])/y;
/** Registers that a field can hold: more than there are, for tests of what is refused. */
const FIELD_REGISTERS = 16;

/** Letters of the sizes of memory access. */
export const SIZE_LETTERS: Readonly<Record<number, string>> = { 8: "b", 16: "h", 32: "w", 64: "dw" };

/** Reads the instruction that begins with this mnemonic, the rest of which comes next on the line. */
export function parseMnemonic(mnemonic: WrittenName, line: LineScanner): Statement {
  const parse = parsers.get(mnemonic.name);
  if (parse === undefined) line.fail(`unknown instruction ${JSON.stringify(mnemonic.name)}`, mnemonic.column);
  return parse(line);
}

/** Whether there is such a mnemonic. */
export function isMnemonic(name: string): boolean {
  return parsers.has(name);
}

/** The mnemonic of each operation but `lock`, `call` and `lddw`. */
export function mnemonicOf({ operation, bits, opcode, offset }: Encoding): string {
  const narrow = bits === 32 ? "32" : "";
  switch (operation) {
    case "le":
    case "be":
    case "bswap":
      return `${operation}${bits}`;
    case "movsx":
      return `movsx${offset}${bits}`;
    case "ldx":
    case "ldxs":
    case "st":
    case "stx":
    case "ldabs":
    case "ldind":
      return `${operation}${SIZE_LETTERS[bits]}`;
    case "load_acquire":
      return `ldacq${SIZE_LETTERS[bits]}`;
    case "store_release":
      return `strel${SIZE_LETTERS[bits]}`;
    default:
      return opcode === (isa.BPF_JMP | isa.BPF_JA) ? operation : `${operation}${narrow}`;
  }
}

/** Takes a register, if one is next. */
function registerIfAny(line: LineScanner): number | undefined {
  const { column } = line;
  const found = line.match(REGISTER);
  if (found === undefined) return undefined;
  const number = Number(found[1]);
  if (number >= FIELD_REGISTERS) line.fail(`there is no register ${found[0]}`, column);
  return number;
}

function register(line: LineScanner): number {
  return registerIfAny(line) ?? line.failHere("expected a register such as %r1");
}

/** Operands are apart by blanks; a comma is allowed. */
function comma(line: LineScanner): void {
  line.take(",");
}

function immediate(line: LineScanner): number {
  return Number(line.number(32, "an immediate"));
}

function address(line: LineScanner): { register: number; offset: number } {
  line.expect("[");
  const base = register(line);
  const offset = parts.addressOffset(line);
  line.expect("]");
  return { register: base, offset };
}

/** `op %dst, %src` or `op %dst, imm`: the opcode is the one with an immediate. */
function twoOperands(line: LineScanner, opcode: number, offset: number): Statement {
  const dst = register(line);
  comma(line);
  const src = registerIfAny(line);
  return src === undefined
    ? parts.statement(opcode, { dst, offset, imm: immediate(line) })
    : parts.statement(opcode | isa.BPF_X, { dst, src, offset });
}

function compare(line: LineScanner, opcode: number): Statement {
  const { slots } = twoOperands(line, opcode, 0);
  comma(line);
  return parts.jump(line, slots[0]!.opcode, slots[0]!);
}

function wide(line: LineScanner): Statement {
  const dst = register(line);
  comma(line);
  return parts.wideOperand(line, dst) ?? parts.wideConstant(dst, line.number(64, "a 64-bit constant"));
}

function call(line: LineScanner): Statement {
  if (line.take("local")) return parts.localCall(line);
  if (line.take("runtime")) return parts.numberedCall(line, isa.BPF_PSEUDO_KFUNC_CALL);
  if (!line.take("helper")) return parts.numberedCall(line);
  const dst = registerIfAny(line);
  if (dst === undefined) return parts.numberedCall(line);
  return parts.statement(isa.BPF_JMP | isa.BPF_CALL | isa.BPF_X, { dst });
}

/** `lock [fetch] op[32] [%dst+off], %src` */
function lock(line: LineScanner): Statement {
  const fetches = line.take("fetch");
  const word = line.name();
  if (word === undefined) line.failHere("expected an atomic operation");
  const bits = word.name.endsWith("32") ? 32 : 64;
  const name = bits === 32 ? word.name.slice(0, -2) : word.name;
  const imm = atomicCode(name, fetches);
  if (imm === undefined) line.fail(`unknown atomic operation ${JSON.stringify(word.name)}`, word.column);
  const { register: dst, offset } = address(line);
  comma(line);
  const src = register(line);
  return parts.statement(isa.BPF_STX | isa.BPF_ATOMIC | parts.sizeCode(bits), { dst, src, offset, imm });
}

function atomicCode(name: string, fetches: boolean): number | undefined {
  const operation = `${fetches ? "fetch" : "atomic"}_${name}`;
  const wanted = name === "xchg" || name === "cmpxchg" ? name : operation;
  const encodings = encodingsOf(isa.BPF_STX | isa.BPF_ATOMIC | isa.BPF_DW);
  const found = encodings.find((encoding) => encoding.operation === wanted);
  return found && Number(found.imm);
}

/** `opcode` with dst, then address: loads. */
function load(line: LineScanner, opcode: number, imm: number): Statement {
  const dst = register(line);
  comma(line);
  const { register: src, offset } = address(line);
  return parts.statement(opcode, { dst, src, offset, imm });
}

/** Address, then register or immediate: stores. */
function store(line: LineScanner, opcode: number, imm: number): Statement {
  const { register: dst, offset } = address(line);
  comma(line);
  if ((opcode & 7) === isa.BPF_ST) return parts.statement(opcode, { dst, offset, imm: immediate(line) });
  return parts.statement(opcode, { dst, src: register(line), offset, imm });
}

const SPECIAL: ReadonlySet<Operation> = new Set(["lddw", "call", "callx", "exit", "ja", "may_goto", "gotox", "neg"]);

/** The parser of operands that fits an encoding; `undefined` where another encoding's covers it. */
function parserOf(encoding: Encoding): OperandParser | undefined {
  const { opcode, operation, dst, offset, imm } = encoding;
  if (SPECIAL.has(operation)) return specialParser(encoding);
  const exactOffset = Number(offset === "any" ? 0 : offset);
  const exactImm = Number(imm === "any" ? 0 : imm);
  switch (operation) {
    case "le":
    case "be":
    case "bswap":
      return (line) => parts.statement(opcode, { dst: register(line), imm: exactImm });
    case "movsx":
      return (line) => {
        const dst = register(line);
        comma(line);
        return parts.statement(opcode, { dst, src: register(line), offset: exactOffset });
      };
    case "ldabs":
      return (line) => parts.statement(opcode, { imm: immediate(line) });
    case "ldind":
      return (line) => {
        const src = register(line);
        comma(line);
        return parts.statement(opcode, { src, imm: immediate(line) });
      };
    case "ldx":
    case "ldxs":
    case "load_acquire":
      return (line) => load(line, opcode, exactImm);
    case "st":
    case "stx":
    case "store_release":
      return (line) => store(line, opcode, exactImm);
  }
  if ((opcode & 7) === isa.BPF_STX || (opcode & isa.BPF_X) !== 0) return undefined;
  const isJump = dst === "in";
  return isJump ? (line) => compare(line, opcode) : (line) => twoOperands(line, opcode, exactOffset);
}

function specialParser({ opcode, operation }: Encoding): OperandParser {
  switch (operation) {
    case "lddw":
      return wide;
    case "exit":
      return () => parts.statement(opcode);
    case "ja":
    case "may_goto":
      return (line) => parts.jump(line, opcode);
    case "neg":
    case "gotox":
      return (line) => parts.statement(opcode, { dst: register(line) });
    default:
      return call;
  }
}

function makeParsers(): Map<string, OperandParser> {
  const made = new Map<string, OperandParser>();
  for (const encoding of ENCODINGS) {
    const parse = parserOf(encoding);
    if (parse !== undefined) made.set(mnemonicOf(encoding), parse);
  }
  made.delete("callx");
  made.set("lock", lock);
  for (const bits of [16, 32, 64]) made.set(`swap${bits}`, made.get(`bswap${bits}`)!);
  return made;
}

const parsers: ReadonlyMap<string, OperandParser> = makeParsers();
