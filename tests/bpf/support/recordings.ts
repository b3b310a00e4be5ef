/**
 * Objects made by clang, and what a Linux 6.18 kernel said of programs: see `../data/README.md`.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";

const folder = new URL("../data/", import.meta.url);

/** One run of a program over some bytes, and what the kernel returned. */
export interface RecordedRun {
  /** The bytes, in hexadecimal. */
  in: string;
  /** r0 as a signed 32-bit number. */
  ret: number;
  /** What the run is about. */
  note?: string;
}

/** Runs of one program, the same for all of its builds. */
export interface RecordedVectors {
  /** Name of the objects, without `.o`. */
  object: string;
  /** Name of the function. */
  program: string;
  /** Folders with such an object. */
  builds: string[];
  /** Content of maps at the start: by name, key to value in hexadecimal. */
  maps?: Record<string, unknown>;
  /** The runs. */
  runs: RecordedRun[];
  /** Whatever else is recorded. */
  [more: string]: unknown;
}

/** What the kernel's verifier said of a program. */
export interface RecordedVerdict {
  /** What it is about: `enc`, `cfg`, `reg`, `stk`, `ctx`, `pkt`, `hlp`, `map`. */
  cat: string;
  /** What it does. */
  name: string;
  /** Slots in hexadecimal. */
  code: string;
  /** Verdict with all capabilities. */
  verdict_root: "accept" | "reject";
  /** Verdict with CAP_BPF only. */
  verdict_bpf: "accept" | "reject";
  /** r0 as an unsigned 32-bit number, where the program was accepted and r0 is the same each time. */
  ret?: number;
}

/** Classic instruction as it is recorded: code, jt, jf, k. */
export type RecordedClassic = [code: number, jt: number, jf: number, k: number];

function cases<T>(name: string): T[] {
  return (JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8")) as { cases: T[] }).cases;
}

/** Results of all sample programs. */
export function recordedVectors(): RecordedVectors[] {
  return cases("vectors");
}

/** Verdicts on small programs. */
export function recordedVerdicts(): RecordedVerdict[] {
  return cases("verdicts");
}

/** Random programs and r0 as an unsigned 32-bit number; the packet is one zero byte. */
export function randomPrograms(): { code: Uint8Array; ret: number }[] {
  return cases<[string, number]>("random_ebpf").map(([base64, ret]) => {
    return { code: Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)), ret };
  });
}

/** Random classic programs without a return, and A behind them, over {@linkcode classicPacket}. */
export function randomClassic(): { code: RecordedClassic[]; a: number }[] {
  return cases<[RecordedClassic[], number]>("random_classic").map(([code, a]) => ({ code, a }));
}

/** The packet of the random classic programs. */
export function classicPacket(): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, index) => 37 * index + 11);
}

/** Names of the folders of objects: one for each compiler and `-mcpu`. */
export function buildFolders(): string[] {
  return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name)
    .sort();
}

/** Names of the objects of a build, without `.o`. */
export function objectNames(build: string): string[] {
  return readdirSync(new URL(`${build}/`, folder)).filter((name) => name.endsWith(".o")).map((name) =>
    name.slice(0, -2)
  )
    .sort();
}

/** An object file. */
export function objectFile(build: string, name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`${build}/${name}.o`, folder)));
}

/** What `llvm-objdump -d -r --no-show-raw-insn` printed of an object. */
export function recordedDisassembly(build: string, name: string): string {
  return readFileSync(new URL(`${build}/${name}.dis`, folder), "utf8");
}
