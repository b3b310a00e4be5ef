/**
 * Prints classic instructions, as `tcpdump -d` and as `bpf_asm` have them.
 *
 * @module
 */
import { type ClassicInstruction, classicSuccessors } from "./classic.ts";
import { ancillaryAt, CLASSIC_OPERATIONS, type ClassicAncillary, type ClassicOperation } from "./codes_table.ts";

/** Names that `tcpdump -d` has for ancillary loads where they differ from those of `bpf_asm`. */
export const LISTING_NAMES: Readonly<Partial<Record<ClassicAncillary, string>>> = {
  vlan_avail: "vlanp",
  rand: "random",
};

/** Arithmetic whose constant is a pattern of bits rather than a number. */
const BITWISE: ReadonlySet<string> = new Set(["and", "or", "xor"]);

/** A line of `tcpdump -d`: targets of jumps are numbers of instructions. */
export function listingText(instruction: ClassicInstruction, index: number): string {
  const number = `(${String(index).padStart(3, "0")})`;
  const operation = CLASSIC_OPERATIONS.get(instruction.code);
  if (operation === undefined) return `${number} ${rawText(instruction)}`;
  const name = operation.name.padEnd(8);
  if (operation.kind === "jump") return `${number} ${name} ${index + 1 + instruction.k | 0}`;
  const operand = listingOperand(operation, instruction);
  if (!operation.kind.startsWith("branch")) return `${number} ${name} ${operand}`;
  const [jt, jf] = classicSuccessors(instruction, index);
  return `${number} ${name} ${operand.padEnd(16)} jt ${jt}\tjf ${jf}`;
}

function listingOperand(operation: ClassicOperation, { k }: ClassicInstruction): string {
  switch (operation.kind) {
    case "absolute": {
      const ancillary = ancillaryAt(k);
      return `[${ancillary === undefined ? k | 0 : LISTING_NAMES[ancillary] ?? ancillary}]`;
    }
    case "indirect":
      return `[x + ${k | 0}]`;
    case "length":
      return "#pktlen";
    case "immediate":
      return hex(k);
    case "return-a":
      return "";
    default:
      return operandText(operation, k);
  }
}

/** Lines of `bpf_asm`, with labels where jumps go. */
export function assemblyText(program: readonly ClassicInstruction[]): string[] {
  const targets = new Set(program.flatMap((instruction, index) => jumpsOf(instruction, index)));
  return program.flatMap((instruction, index) => {
    const text = assemblyLine(instruction, index);
    return targets.has(index) ? [`L${index}: ${text}`] : [text];
  });
}

function jumpsOf(instruction: ClassicInstruction, index: number): number[] {
  const kind = CLASSIC_OPERATIONS.get(instruction.code)?.kind;
  const isJump = kind === "jump" || kind === "branch" || kind === "branch-x";
  return isJump ? classicSuccessors(instruction, index) : [];
}

function assemblyLine(instruction: ClassicInstruction, index: number): string {
  const operation = CLASSIC_OPERATIONS.get(instruction.code);
  if (operation === undefined) return rawText(instruction);
  const { kind, name } = operation;
  if (kind === "jump") return `jmp L${index + 1 + instruction.k}`;
  const operand = assemblyOperand(operation, instruction);
  const targets = jumpsOf(instruction, index).map((target) => `, L${target}`).join("");
  return `${name}${operand === "" ? "" : ` ${operand}`}${targets}`;
}

function assemblyOperand(operation: ClassicOperation, { code, k }: ClassicInstruction): string {
  switch (operation.kind) {
    case "absolute": {
      const ancillary = code === 0x20 ? ancillaryAt(k) : undefined;
      return ancillary ?? `[${offset(k)}]`;
    }
    case "indirect":
      return `[x + ${offset(k)}]`;
    case "length":
      return "len";
    case "immediate":
      return hex(k);
    case "return-a":
      return "a";
    default:
      return operandText(operation, k);
  }
}

/** Operands that are printed the same in both. */
function operandText({ kind, name }: ClassicOperation, k: number): string {
  switch (kind) {
    case "header-length":
      return `4*([${k | 0}]&0xf)`;
    case "fetch":
    case "store":
      return `M[${k}]`;
    case "arithmetic":
      return BITWISE.has(name) ? hex(k) : `#${k | 0}`;
    case "branch":
      return hex(k);
    case "arithmetic-x":
    case "branch-x":
      return "x";
    case "return":
      return `#${k | 0}`;
    default:
      return "";
  }
}

/** An offset; those of headers and ancillary loads are better known in hexadecimal. */
function offset(k: number): string {
  return k < 0x8000_0000 ? `${k}` : `0x${k.toString(16)}`;
}

function hex(value: number): string {
  return `#0x${value.toString(16)}`;
}

/** An instruction that there is not. */
function rawText({ code, jt, jf, k }: ClassicInstruction): string {
  return `.raw ${code}, ${jt}, ${jf}, ${k}`;
}
