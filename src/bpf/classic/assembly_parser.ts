/**
 * Reads the assembly of the kernel's `bpf_asm`, and the listings of `tcpdump -d`, whose jumps go to numbers.
 *
 * @module
 */
import { LineScanner, textError } from "../line_scanner.ts";
import type { ClassicInstruction } from "./classic.ts";
import { CLASSIC_ANCILLARY, CLASSIC_OPERATIONS, type ClassicKind, SKF_AD_OFF } from "./codes_table.ts";

/** Where a jump goes: a label, or the number of an instruction. */
interface Target {
  readonly name: string;
  readonly line: number;
  readonly column: number;
}

/** An instruction whose jumps are still to be resolved. */
interface Draft extends ClassicInstruction {
  readonly target?: Target | undefined;
  readonly yes?: Target | undefined;
  readonly no?: Target | undefined;
}

/** Other names of ancillary loads, and of compares and jumps; those with `swap` hold where the compare does not. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["ifindex", "ifidx"],
  ["vlanp", "vlan_avail"],
  ["vlan_pr", "vlan_avail"],
  ["random", "rand"],
]);
const INVERSE: ReadonlyMap<string, string> = new Map([
  ["jne", "jeq"],
  ["jneq", "jeq"],
  ["jlt", "jge"],
  ["jle", "jgt"],
]);

const codes = new Map(
  [...CLASSIC_OPERATIONS.values()].map(({ code, name, kind, isX }) => [keyOf(name, kind, isX), code]),
);

function keyOf(name: string, kind: ClassicKind, isX = false): string {
  return `${name}/${kind}/${isX}`;
}

/** Reads assembly or a listing. */
export function assembleClassic(text: string): ClassicInstruction[] {
  const labels = new Map<string, number>();
  const drafts: Draft[] = [];
  withoutComments(text).split("\n").forEach((source, index) => {
    const line = new LineScanner(source.split(";", 1)[0]!.trimEnd(), index + 1);
    takeLabels(line, drafts.length, labels);
    if (line.isAtEnd) return;
    drafts.push(parseInstruction(line));
    line.end();
  });
  return drafts.map((draft, index) => resolve(draft, index, labels));
}

/** Comments as blanks, so that columns and lines stay. One that is not closed reaches to the end. */
function withoutComments(text: string): string {
  const parts: string[] = [];
  let at = 0;
  for (let open = text.indexOf("/*"); open >= 0; open = text.indexOf("/*", at)) {
    const close = text.indexOf("*/", open + 2);
    const end = close < 0 ? text.length : close + 2;
    parts.push(text.slice(at, open), text.slice(open, end).replace(/[^\n]/g, " "));
    at = end;
  }
  return parts.join("") + text.slice(at);
}

function takeLabels(line: LineScanner, index: number, labels: Map<string, number>): void {
  const { column } = line;
  const number = line.match(/\((\d+)\)/y)?.[1];
  if (number !== undefined && Number(number) !== index) {
    line.fail(`the line says instruction ${Number(number)}, but this is instruction ${index}`, column);
  }
  if (number !== undefined) labels.set(String(index), index);
  for (;;) {
    const { column } = line;
    const label = line.match(/([A-Za-z_]\w*):/y)?.[1];
    if (label === undefined) return;
    if (labels.has(label)) line.fail(`label ${JSON.stringify(label)} is defined twice`, column);
    labels.set(label, index);
  }
}

function parseInstruction(line: LineScanner): Draft {
  const { column } = line;
  if (line.match(/\.raw\b/y) !== undefined) return parseRaw(line);
  const name = line.match(/[a-z]+/y)?.[0];
  if (name === undefined) line.failHere("expected an instruction");
  const draft = parseNamed(name, line);
  if (draft === undefined) line.fail(`unknown instruction ${JSON.stringify(name)}`, column);
  return draft;
}

function parseNamed(name: string, line: LineScanner): Draft | undefined {
  const load = /^(ldx?)([hbi]?)$/.exec(name);
  if (load !== null) return parseLoad(name, load[1] === "ldx", load[2]!, line);
  switch (name) {
    case "st":
    case "stx":
      return make(name, "store", name === "stx", { k: memoryWord(line) });
    case "ja":
    case "jmp":
      return { ...make("ja", "jump"), target: target(line) };
    case "ret":
      return parseReturn(line);
    case "neg":
      return make("neg", "negate");
    case "tax":
    case "txa":
      return make(name, "transfer", name === "tax");
  }
  if (name.startsWith("j")) return parseBranch(name, line);
  return codes.has(keyOf(name, "arithmetic")) ? parseArithmetic(name, line) : undefined;
}

/** An instruction by name and kind. */
function make(name: string, kind: ClassicKind, isX = false, fields: Partial<ClassicInstruction> = {}): Draft {
  return { code: codes.get(keyOf(name, kind, isX))!, jt: 0, jf: 0, k: 0, ...fields };
}

function parseRaw(line: LineScanner): Draft {
  const [code, jt, jf, k] = [0xffff, 0xff, 0xff, 0xffff_ffff].map((limit, index) => {
    if (index > 0) line.expect(",");
    const { column } = line;
    const value = Number(line.integer()?.value ?? line.failHere("expected a number"));
    return value >= 0 && value <= limit ? value : line.fail(`${value} is no number up to ${limit}`, column);
  });
  return { code: code!, jt: jt!, jf: jf!, k: k! };
}

/** `#5`, `#0x800`, `#-1` */
function constant(line: LineScanner): number | undefined {
  return line.take("#") ? unsigned(line) : undefined;
}

/** A number of 32 bits; negative ones wrap. */
function unsigned(line: LineScanner): number {
  const { column } = line;
  const written = line.integer();
  if (written === undefined) line.failHere("expected a number");
  if (written.value < -0x8000_0000n || written.value > 0xffff_ffffn) {
    line.fail(`${written.value} does not fit into 32 bits`, column);
  }
  return Number(BigInt.asUintN(32, written.value));
}

function isRegister(line: LineScanner, name: "a" | "x"): boolean {
  return line.match(name === "x" ? /%?x(?!\w)/y : /%?a(?!\w)/y) !== undefined;
}

function memoryWord(line: LineScanner): number {
  line.expect("M");
  line.expect("[");
  const k = unsigned(line);
  line.expect("]");
  return k;
}

/** `ld`, `ldh`, `ldb`, `ldi`, `ldx`, `ldxb`, `ldxi` and all that they load. */
function parseLoad(name: string, isX: boolean, suffix: string, line: LineScanner): Draft {
  if (isX && suffix === "h") line.fail("there is no ldxh");
  const base = isX ? "ldx" : "ld";
  if (suffix === "i") return make(base, "immediate", isX, { k: constant(line) ?? unsigned(line) });
  if (isX && line.match(/4[ \t]*\*/y) !== undefined) {
    return make("ldxb", "header-length", true, { k: headerOffset(line) });
  }
  if (suffix === "" && (line.match(/#?(?:len|pktlen)(?!\w)/y) !== undefined)) return make(base, "length", isX);
  if (suffix === "" && line.take("M[")) {
    const k = unsigned(line);
    line.expect("]");
    return make(base, "fetch", isX, { k });
  }
  if (!isX) return parsePacketLoad(name, line) ?? immediate(base, isX, suffix, line);
  return immediate(base, isX, suffix, line);
}

function immediate(base: string, isX: boolean, suffix: string, line: LineScanner): Draft {
  const k = suffix === "" ? constant(line) : undefined;
  if (k === undefined) line.failHere("expected an operand");
  return make(base, "immediate", isX, { k });
}

/** `([14]&0xf)` behind `4*` */
function headerOffset(line: LineScanner): number {
  line.expect("(");
  line.expect("[");
  const k = unsigned(line);
  line.expect("]");
  line.expect("&");
  const { column } = line;
  if (unsigned(line) !== 15) line.fail("expected 0xf", column);
  line.expect(")");
  return k;
}

/** `[12]`, `[x + 14]`, `[ifidx]`, `#proto`, `proto` */
function parsePacketLoad(name: string, line: LineScanner): Draft | undefined {
  if (!line.take("[")) {
    const k = line.match(/#?(?=[a-z_]+)/y) === undefined ? undefined : ancillary(line);
    return k === undefined ? undefined : make(name, "absolute", false, { k });
  }
  const made = insideBrackets(name, line);
  line.expect("]");
  return made;
}

function insideBrackets(name: string, line: LineScanner): Draft {
  if (isRegister(line, "x")) {
    const hasOffset = line.take("+") || line.match(/(?=-)/y) !== undefined;
    return make(name, "indirect", false, { k: hasOffset ? unsigned(line) : 0 });
  }
  return make(name, "absolute", false, { k: ancillary(line) ?? unsigned(line) });
}

function ancillary(line: LineScanner): number | undefined {
  const { column } = line;
  const word = line.match(/[a-z_]+/y)?.[0];
  if (word === undefined) return undefined;
  const index = CLASSIC_ANCILLARY.findIndex((name) => name === (ALIASES.get(word) ?? word));
  if (index < 0) line.fail(`nothing is known as ${JSON.stringify(word)}`, column);
  return SKF_AD_OFF + 4 * index;
}

function parseReturn(line: LineScanner): Draft {
  if (line.isAtEnd || isRegister(line, "a")) return make("ret", "return-a");
  return make("ret", "return", false, { k: constant(line) ?? unsigned(line) });
}

function parseArithmetic(name: string, line: LineScanner): Draft {
  if (isRegister(line, "x")) return make(name, "arithmetic-x");
  return make(name, "arithmetic", false, { k: constant(line) ?? unsigned(line) });
}

function parseBranch(name: string, line: LineScanner): Draft | undefined {
  const compare = INVERSE.get(name) ?? name;
  if (!codes.has(keyOf(compare, "branch"))) return undefined;
  const made = isRegister(line, "x")
    ? make(compare, "branch-x")
    : make(compare, "branch", false, { k: constant(line) ?? unsigned(line) });
  if (line.take("jt")) {
    const yes = target(line);
    line.expect("jf");
    return { ...made, yes, no: target(line) };
  }
  line.expect(",");
  const first = target(line);
  const second = line.take(",") ? target(line) : undefined;
  return compare === name ? { ...made, yes: first, no: second } : { ...made, yes: second, no: first };
}

function target(line: LineScanner): Target {
  const { column } = line;
  const name = line.match(/\w+/y)?.[0];
  if (name === undefined) line.failHere("expected a label");
  return { name, line: line.line, column };
}

function resolve(draft: Draft, index: number, labels: ReadonlyMap<string, number>): ClassicInstruction {
  const { code, jt, jf, k, target, yes, no } = draft;
  const skip = (to: Target | undefined, limit: number, otherwise: number) =>
    to === undefined ? otherwise : distance(to, index, labels, limit);
  return { code, jt: skip(yes, 255, jt), jf: skip(no, 255, jf), k: skip(target, 0xffff_ffff, k) };
}

function distance(
  { name, line, column }: Target,
  from: number,
  labels: ReadonlyMap<string, number>,
  limit: number,
): number {
  const to = labels.get(name);
  if (to === undefined) throw textError(`there is no label ${JSON.stringify(name)}`, line, column);
  const skipped = to - from - 1;
  if (skipped < 0) throw textError(`label ${JSON.stringify(name)} lies behind; jumps only go forward`, line, column);
  if (skipped > limit) {
    throw textError(`label ${JSON.stringify(name)} is ${skipped} instructions away, more than ${limit}`, line, column);
  }
  return skipped;
}
