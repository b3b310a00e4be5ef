/**
 * Reads instructions in the pseudo-C of LLVM (`r1 = *(u8 *)(r2 + 4)`), as its assembler takes and its disassembler
 * prints them.
 *
 * What LLVM has no words for is written `call +3` (a local function, relative; its sign tells it from a helper), and
 * `r1 = map[name] ll`.
 *
 * @module
 */
import * as isa from "./isa.ts";
import type { LineScanner } from "./line_scanner.ts";
import * as parts from "./statement.ts";
import type { Statement } from "./statement.ts";

/** A register as it was written. */
interface WrittenRegister {
  readonly number: number;
  readonly isNarrow: boolean;
  readonly column: number;
}

/** The operator of each operation of arithmetic, before `=`. */
export const ARITHMETIC_OPERATORS: readonly (readonly [operator: string, code: number, offset: number])[] = [
  ["+", isa.BPF_ADD, 0],
  ["-", isa.BPF_SUB, 0],
  ["*", isa.BPF_MUL, 0],
  ["/", isa.BPF_DIV, 0],
  ["s/", isa.BPF_DIV, 1],
  ["|", isa.BPF_OR, 0],
  ["&", isa.BPF_AND, 0],
  ["<<", isa.BPF_LSH, 0],
  [">>", isa.BPF_RSH, 0],
  ["s>>", isa.BPF_ARSH, 0],
  ["%", isa.BPF_MOD, 0],
  ["s%", isa.BPF_MOD, 1],
  ["^", isa.BPF_XOR, 0],
];

/** The operator of each compare; longer ones before those that they begin with. */
export const COMPARE_OPERATORS: readonly (readonly [operator: string, code: number])[] = [
  ["==", isa.BPF_JEQ],
  ["!=", isa.BPF_JNE],
  [">=", isa.BPF_JGE],
  ["<=", isa.BPF_JLE],
  ["s>=", isa.BPF_JSGE],
  ["s<=", isa.BPF_JSLE],
  [">", isa.BPF_JGT],
  ["<", isa.BPF_JLT],
  ["s>", isa.BPF_JSGT],
  ["s<", isa.BPF_JSLT],
  ["&", isa.BPF_JSET],
];

const REGISTER = /([rw])(\d+)(?![\w.$])/y;
const ATOMIC_OPERATOR = /([+|&^])=/y;
const FETCH = /atomic_fetch_(add|or|and|xor)/y;
const EXCHANGE = /(xchg|cmpxchg)(?:_64|32_32)/y;
const BYTE_ORDER = /(le|be|bswap)(16|32|64)(?!\w)/y;
const SIGN_EXTENSION = /\([ \t]*s(8|16|32)[ \t]*\)/y;

const ATOMIC_CODES: Readonly<Record<string, number>> = {
  "+": isa.BPF_ADD,
  "|": isa.BPF_OR,
  "&": isa.BPF_AND,
  "^": isa.BPF_XOR,
  add: isa.BPF_ADD,
  or: isa.BPF_OR,
  and: isa.BPF_AND,
  xor: isa.BPF_XOR,
};

/** Words that begin an instruction which assigns nothing. */
const KEYWORDS: Readonly<Record<string, (line: LineScanner) => Statement>> = {
  exit: () => parts.statement(isa.BPF_JMP | isa.BPF_EXIT),
  goto: (line) => parts.jump(line, isa.BPF_JMP | isa.BPF_JA),
  gotol: (line) => parts.jump(line, isa.BPF_JMP32 | isa.BPF_JA),
  may_goto: (line) => parts.jump(line, isa.BPF_JMP | isa.BPF_JCOND),
  gotox: (line) => parts.statement(isa.BPF_JMP | isa.BPF_X | isa.BPF_JA, { dst: jumpRegister(line) }),
  callx: (line) => parts.statement(isa.BPF_JMP | isa.BPF_X | isa.BPF_CALL, { dst: jumpRegister(line) }),
  call: parseCall,
  if: parseBranch,
  lock: parseLock,
  store_release: parseStoreRelease,
};

/** Reads one instruction; `undefined` where the line does not begin as one of this dialect. */
export function parsePseudoC(line: LineScanner): Statement | undefined {
  const register = registerIfAny(line);
  if (register !== undefined) return parseAssignment(line, register);
  const type = typeIfAny(line);
  if (type !== undefined) return parseStore(line, type);
  for (const [word, parse] of Object.entries(KEYWORDS)) {
    if (line.take(word)) return parse(line);
  }
  return undefined;
}

function registerIfAny(line: LineScanner): WrittenRegister | undefined {
  const { column } = line;
  const found = line.match(REGISTER);
  if (found === undefined) return undefined;
  const number = Number(found[2]);
  if (number >= isa.BPF_REGISTERS) line.fail(`there is no register ${found[0]}`, column);
  return { number, isNarrow: found[1] === "w", column };
}

function anyRegister(line: LineScanner): WrittenRegister {
  return registerIfAny(line) ?? line.failHere("expected a register");
}

function wideRegister(line: LineScanner): number {
  return registerOf(line, false);
}

/** Takes the register of a jump through it, which mnemonics write with a `%`. */
function jumpRegister(line: LineScanner): number {
  line.take("%");
  return wideRegister(line);
}

/** Takes a register of this width. */
function registerOf(line: LineScanner, isNarrow: boolean): number {
  const register = anyRegister(line);
  if (register.isNarrow !== isNarrow) {
    line.fail(`expected a ${isNarrow ? "32-bit register (w)" : "64-bit register (r)"}`, register.column);
  }
  return register.number;
}

/** Takes the same register again. */
function expectAgain(line: LineScanner, register: WrittenRegister): void {
  const again = anyRegister(line);
  if (again.number !== register.number || again.isNarrow !== register.isNarrow) {
    line.fail("expected the register that is assigned", again.column);
  }
}

/** Takes `*(u8 *)` or, within parentheses, `(u8 *)`. */
function typeIfAny(line: LineScanner): { bits: number; isSigned: boolean } | undefined {
  const found = line.match(/\*?\([ \t]*([us])(8|16|32|64)[ \t]*\*[ \t]*\)/y);
  return found && { bits: Number(found[2]), isSigned: found[1] === "s" };
}

function unsignedType(line: LineScanner): number {
  const { column } = line;
  const type = typeIfAny(line);
  if (type === undefined) line.failHere("expected a type such as (u32 *)");
  if (type.isSigned) line.fail("only loads have a sign", column);
  return type.bits;
}

function address(line: LineScanner): { base: number; offset: number } {
  line.expect("(");
  const inner = addressInside(line);
  line.expect(")");
  return inner;
}

function addressInside(line: LineScanner): { base: number; offset: number } {
  const base = wideRegister(line);
  return { base, offset: parts.addressOffset(line) };
}

function parseCall(line: LineScanner): Statement {
  if (line.match(/kernel(?=[ \t]+[\d])/y)) return parts.numberedCall(line, isa.BPF_PSEUDO_KFUNC_CALL);
  const written = line.integer();
  if (written === undefined) return parts.localCall(line);
  const imm = Number(line.fit(written, 32, "number of a function"));
  const src = written.isSigned ? isa.BPF_PSEUDO_CALL : isa.BPF_HELPER_CALL;
  return parts.statement(isa.BPF_JMP | isa.BPF_CALL, { src, imm });
}

function parseBranch(line: LineScanner): Statement {
  const left = anyRegister(line);
  const code = COMPARE_OPERATORS.find(([operator]) => line.take(operator))?.[1];
  if (code === undefined) line.failHere("expected a compare");
  const opcode = (left.isNarrow ? isa.BPF_JMP32 : isa.BPF_JMP) | code;
  const fields = operand(line, left);
  line.expect("goto");
  return parts.jump(line, opcode | fields.source, { dst: left.number, src: fields.src, imm: fields.imm });
}

/** Takes the second operand of arithmetic or a compare: a register of the same width, or an immediate. */
function operand(line: LineScanner, left: WrittenRegister): { source: number; src: number; imm: number } {
  const right = registerIfAny(line);
  if (right === undefined) return { source: isa.BPF_K, src: 0, imm: Number(line.number(32, "an immediate")) };
  if (right.isNarrow !== left.isNarrow) line.fail("both registers must have the same width", right.column);
  return { source: isa.BPF_X, src: right.number, imm: 0 };
}

function parseLock(line: LineScanner): Statement {
  const bits = atomicBits(line);
  const { base, offset } = address(line);
  const operator = line.match(ATOMIC_OPERATOR)?.[1];
  if (operator === undefined) line.failHere("expected +=, |=, &= or ^=");
  const src = anyRegister(line).number;
  return parts.statement(atomicOpcode(bits), { dst: base, src, offset, imm: ATOMIC_CODES[operator]! });
}

function atomicBits(line: LineScanner): number {
  const { column } = line;
  const bits = unsignedType(line);
  if (bits < 32) line.fail(`atomic operations have 32 or 64 bits, not ${bits}`, column);
  return bits;
}

function atomicOpcode(bits: number): number {
  return isa.BPF_STX | isa.BPF_ATOMIC | parts.sizeCode(bits);
}

function parseStoreRelease(line: LineScanner): Statement {
  line.expect("(");
  const bits = unsignedType(line);
  const { base, offset } = address(line);
  line.expect(",");
  const src = registerOf(line, bits < 64);
  line.expect(")");
  return parts.statement(atomicOpcode(bits), { dst: base, src, offset, imm: isa.BPF_STORE_REL });
}

function parseStore(line: LineScanner, { bits, isSigned }: { bits: number; isSigned: boolean }): Statement {
  if (isSigned) line.fail("only loads have a sign");
  const { base, offset } = address(line);
  line.expect("=");
  const size = parts.sizeCode(bits);
  const source = registerIfAny(line);
  if (source === undefined) {
    const imm = Number(line.number(32, "an immediate"));
    return parts.statement(isa.BPF_ST | isa.BPF_MEM | size, { dst: base, offset, imm });
  }
  if (source.isNarrow && bits === 64) line.fail("expected a 64-bit register (r)", source.column);
  return parts.statement(isa.BPF_STX | isa.BPF_MEM | size, { dst: base, src: source.number, offset });
}

function parseAssignment(line: LineScanner, dst: WrittenRegister): Statement {
  if (line.take("=")) return parseValue(line, dst);
  for (const [operator, code, offset] of ARITHMETIC_OPERATORS) {
    if (!line.take(`${operator}=`)) continue;
    const { source, src, imm } = operand(line, dst);
    return parts.statement(arithmeticClass(dst) | source | code, { dst: dst.number, src, offset, imm });
  }
  line.failHere("expected an assignment");
}

function arithmeticClass(register: WrittenRegister): number {
  return register.isNarrow ? isa.BPF_ALU : isa.BPF_ALU64;
}

/** The forms of what stands behind `=`, in the order in which they are tried. */
const VALUES: readonly ((line: LineScanner, dst: WrittenRegister) => Statement | undefined)[] = [
  parseSignExtension,
  parseNegation,
  parseByteOrder,
  parseFetch,
  parseExchange,
  parseLoadAcquire,
  parseLoad,
  parseWide,
  parseMove,
];

function parseValue(line: LineScanner, dst: WrittenRegister): Statement {
  for (const parse of VALUES) {
    const found = parse(line, dst);
    if (found !== undefined) return found;
  }
  line.failHere("expected a value");
}

function parseSignExtension(line: LineScanner, dst: WrittenRegister): Statement | undefined {
  const { column } = line;
  const bits = line.match(SIGN_EXTENSION)?.[1];
  if (bits === undefined) return undefined;
  if (bits === "32" && dst.isNarrow) line.fail("a 32-bit register holds no sign of 32 bits to extend", column);
  const src = registerOf(line, dst.isNarrow);
  const opcode = arithmeticClass(dst) | isa.BPF_X | isa.BPF_MOV;
  return parts.statement(opcode, { dst: dst.number, src, offset: Number(bits) });
}

function parseNegation(line: LineScanner, dst: WrittenRegister): Statement | undefined {
  if (line.match(/-(?=[ \t]*[rw]\d)/y) === undefined) return undefined;
  expectAgain(line, dst);
  return parts.statement(arithmeticClass(dst) | isa.BPF_NEG, { dst: dst.number });
}

function parseByteOrder(line: LineScanner, dst: WrittenRegister): Statement | undefined {
  const found = line.match(BYTE_ORDER);
  if (found === undefined) return undefined;
  expectAgain(line, dst);
  if (dst.isNarrow) line.fail("byte order is of 64-bit registers (r)", dst.column);
  const [, order, bits] = found;
  const opclass = order === "bswap" ? isa.BPF_ALU64 : isa.BPF_ALU;
  const source = order === "be" ? isa.BPF_X : isa.BPF_K;
  return parts.statement(opclass | source | isa.BPF_END, { dst: dst.number, imm: Number(bits) });
}

function parseFetch(line: LineScanner, dst: WrittenRegister): Statement | undefined {
  const name = line.match(FETCH)?.[1];
  if (name === undefined) return undefined;
  line.expect("(");
  const bits = atomicBits(line);
  const { base, offset } = address(line);
  line.expect(",");
  expectAgain(line, dst);
  line.expect(")");
  checkWidth(line, dst, bits);
  const imm = ATOMIC_CODES[name]! | isa.BPF_FETCH;
  return parts.statement(atomicOpcode(bits), { dst: base, src: dst.number, offset, imm });
}

function checkWidth(line: LineScanner, register: WrittenRegister, bits: number): void {
  if (register.isNarrow === bits < 64) return;
  line.fail(`expected a ${bits < 64 ? "32-bit register (w)" : "64-bit register (r)"}`, register.column);
}

/** `r2 = xchg_64(r1 + 0, r2)`, `w0 = cmpxchg32_32(r1 + 0, w0, w2)` */
function parseExchange(line: LineScanner, dst: WrittenRegister): Statement | undefined {
  const found = line.match(EXCHANGE);
  if (found === undefined) return undefined;
  const bits = found[0].endsWith("_64") ? 64 : 32;
  const compares = found[1] === "cmpxchg";
  checkWidth(line, dst, bits);
  if (compares && dst.number !== 0) line.fail("cmpxchg compares with and assigns register 0", dst.column);
  line.expect("(");
  const { base, offset } = addressInside(line);
  line.expect(",");
  expectAgain(line, dst);
  let src = dst.number;
  if (compares) {
    line.expect(",");
    src = registerOf(line, bits === 32);
  }
  line.expect(")");
  const imm = compares ? isa.BPF_CMPXCHG : isa.BPF_XCHG;
  return parts.statement(atomicOpcode(bits), { dst: base, src, offset, imm });
}

function parseLoadAcquire(line: LineScanner, dst: WrittenRegister): Statement | undefined {
  if (!line.take("load_acquire")) return undefined;
  line.expect("(");
  const bits = unsignedType(line);
  const { base, offset } = address(line);
  line.expect(")");
  checkWidth(line, dst, bits);
  return parts.statement(atomicOpcode(bits), { dst: dst.number, src: base, offset, imm: isa.BPF_LOAD_ACQ });
}

function parseLoad(line: LineScanner, dst: WrittenRegister): Statement | undefined {
  const type = typeIfAny(line);
  if (type === undefined) return undefined;
  const { bits, isSigned } = type;
  const size = parts.sizeCode(bits);
  if (line.take("skb")) return parsePacketLoad(line, dst, type);
  if (dst.isNarrow && (bits === 64 || isSigned)) line.fail("expected a 64-bit register (r)", dst.column);
  if (isSigned && bits === 64) line.fail("there is no load of 64 bits with a sign");
  const { base, offset } = address(line);
  const mode = isSigned ? isa.BPF_MEMSX : isa.BPF_MEM;
  return parts.statement(isa.BPF_LDX | mode | size, { dst: dst.number, src: base, offset });
}

/** `r0 = *(u16 *)skb[12]`, `r0 = *(u8 *)skb[r7]`, `r0 = *(u8 *)skb[r7 + 4]` */
function parsePacketLoad(
  line: LineScanner,
  dst: WrittenRegister,
  { bits, isSigned }: { bits: number; isSigned: boolean },
): Statement {
  if (dst.number !== 0) line.fail("packet loads assign register 0", dst.column);
  if (isSigned || bits === 64) line.fail("packet loads have u8, u16 or u32");
  line.expect("[");
  const size = parts.sizeCode(bits);
  const src = registerIfAny(line)?.number;
  const written = src === undefined || !line.take("]") ? line.integer() : undefined;
  if (src === undefined && written === undefined) line.failHere("expected an offset");
  const imm = written === undefined ? 0 : Number(line.fit(written, 32, "offset"));
  if (src === undefined || written !== undefined) line.expect("]");
  const mode = src === undefined ? isa.BPF_ABS : isa.BPF_IND;
  return parts.statement(isa.BPF_LD | mode | size, { src: src ?? 0, imm });
}

function parseWide(line: LineScanner, dst: WrittenRegister): Statement | undefined {
  const found = parts.wideOperand(line, dst.number);
  if (found === undefined) return undefined;
  if (dst.isNarrow) line.fail("expected a 64-bit register (r)", dst.column);
  line.take("ll");
  return found;
}

function parseMove(line: LineScanner, dst: WrittenRegister): Statement | undefined {
  const written = line.integer();
  if (written !== undefined && line.take("ll")) {
    if (dst.isNarrow) line.fail("expected a 64-bit register (r)", dst.column);
    return parts.wideConstant(dst.number, line.fit(written, 64, "constant"));
  }
  const opcode = arithmeticClass(dst) | isa.BPF_MOV;
  if (written !== undefined) {
    return parts.statement(opcode, { dst: dst.number, imm: Number(line.fit(written, 32, "immediate")) });
  }
  const src = registerIfAny(line);
  if (src === undefined) return undefined;
  if (src.isNarrow !== dst.isNarrow) line.fail("both registers must have the same width", src.column);
  return parts.statement(opcode | isa.BPF_X, { dst: dst.number, src: src.number });
}
