/**
 * Files of the conformance suite of eBPF (`.data`): a program, memory for it, and what it returns.
 *
 * Read exactly as that suite's own runner reads them, but for files that list bytes as `raw`, which it leaves out.
 *
 * @module
 */
import { assemble } from "../../../src/bpf/assembler.ts";
import { fromHex } from "../../../src/bytes/hex.ts";

/** One file. */
export interface ConformanceFile {
  /** Slots of the program; a text that does not assemble throws. */
  readonly code: () => Uint8Array;
  /** What r1 points to. */
  readonly memory: Uint8Array;
  /** r0, or `undefined` where the program is to be refused. */
  readonly result: bigint | undefined;
  /** What is said of the refusal; where nothing is said, any will do. */
  readonly error: string | undefined;
}

/** Directives in the order in which they are looked for: each by whether the line has it anywhere. */
const DIRECTIVES = ["asm", "result", "mem", "raw", "no register offset", " c", "error"] as const;
type Directive = typeof DIRECTIVES[number];

/** Reads a file; `undefined` where the suite's runner would pass over it. */
export function parseConformanceFile(text: string): ConformanceFile | undefined {
  const sections = new Map<Directive, string[]>();
  let current: string[] = [];
  for (const written of text.split("\n")) {
    const line = written.replace(/\r$/, "").replace(/#.*$/, "");
    if (!line.includes("--")) {
      current.push(line);
      continue;
    }
    const directive = DIRECTIVES.find((name) => line.includes(name));
    if (directive === undefined) return undefined;
    current = [];
    sections.set(directive, current);
  }
  const result = lastLine(sections.get("result"));
  const error = sections.has("error") ? lastLine(sections.get("error")) ?? "" : undefined;
  if (result === undefined && error === undefined) return undefined;
  return {
    code: () => codeOf(sections),
    memory: fromHex(words(sections.get("mem")).map((byte) => byte.padStart(2, "0")).join("")),
    result: result === undefined ? undefined : BigInt.asUintN(64, BigInt(result)),
    error: error === "" ? undefined : error,
  };
}

function lastLine(lines: readonly string[] | undefined): string | undefined {
  return lines?.map((line) => line.trim()).filter((line) => line !== "").at(-1);
}

function words(lines: readonly string[] | undefined): string[] {
  return (lines ?? []).flatMap((line) => line.split(/\s+/)).filter((word) => word !== "");
}

/** The suite has immediates of more than 32 bits, of which its assembler takes the low ones. */
function narrowed(line: string): string {
  if (/^\s*lddw\b/.test(line)) return line;
  return line.replace(/\b0x[0-9a-fA-F]{9,16}\b/g, (digits) => `0x${BigInt.asUintN(32, BigInt(digits)).toString(16)}`);
}

function codeOf(sections: ReadonlyMap<Directive, string[]>): Uint8Array {
  const raw = words(sections.get("raw"));
  if (raw.length === 0) return assemble((sections.get("asm") ?? []).map(narrowed).join("\n")).code;
  if (raw.every((word) => /^[0-9a-fA-F]{2}$/.test(word))) return fromHex(raw.join(""));
  const code = new Uint8Array(raw.length * 8);
  const view = new DataView(code.buffer);
  raw.forEach((word, slot) => view.setBigUint64(slot * 8, BigInt(word), true));
  return code;
}
