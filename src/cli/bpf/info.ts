/**
 * `leat bpf info`: what is in a file of programs.
 *
 * @module
 */
import {
  BPF_LDDW,
  BpfError,
  type BpfObject,
  type BpfProgram,
  decodeInstructions,
  type MapDefinition,
} from "../../bpf/mod.ts";
import { MAP_TYPE_NAMES } from "../../bpf/assembly_directives.ts";
import { encodingOf, encodingProblem } from "../../bpf/encoding.ts";
import { paintFor } from "../format/color.ts";
import { type Column, tableLines } from "../format/table.ts";
import { type CliIo, ExitCode } from "../io.ts";
import type { CommandSpec, OptionValues } from "../options.ts";
import { printable } from "../problem_log.ts";
import { onlyOperand } from "./program_output.ts";
import { inFile, programOf, type ProgramSource, readSource, reporting } from "./program_source.ts";
import { CLASSIC_OPTION } from "./verify.ts";

/** The command. */
export const infoCommand: CommandSpec = {
  name: "bpf info",
  usage: "FILE[:FUNCTION]",
  summary: "Show what is in a file of programs",
  details: [
    "Programs with their sections, sizes, and the level of the instruction set that",
    "they need (clang's -mcpu); maps with sizes and variables; the licence.",
    "",
  ],
  options: [CLASSIC_OPTION],
  run: (operands, values, io) => {
    const operand = onlyOperand(operands, "bpf info");
    return reporting(io, values, () => show(operand, values, io));
  },
};

async function show(operand: string, values: OptionValues, io: CliIo): Promise<number> {
  const source = await readSource(operand, io, { isClassic: values.classic === true });
  const lines = inFile(operand, () => {
    if (source.kind === "program" && source.form === "raw") refuseNoise(source.program);
    return linesOf(source, io);
  });
  await io.stdout.write(`${lines.join("\n")}\n`);
  return ExitCode.OK;
}

/** Raw slots are what is left when a file is nothing else: they have to be instructions. */
function refuseNoise({ code }: BpfProgram): void {
  const instructions = decodeInstructions(code);
  for (let slot = 0; slot < instructions.length; slot++) {
    const problem = encodingProblem(instructions, slot);
    if (problem !== undefined) {
      throw new BpfError(`neither an object file nor text; as raw slots instruction ${slot} is none: ${problem}`);
    }
    if (instructions[slot]!.opcode === BPF_LDDW) slot++;
  }
}

const FORMS: Readonly<Record<string, string>> = {
  assembly: "assembly",
  hex: "slots in hexadecimal",
  raw: "raw slots",
  classic: "classic BPF",
  object: "object file",
};

function linesOf(source: ProgramSource, io: CliIo): string[] {
  const paint = paintFor("auto", io.stdout.isTerminal, io.environment);
  const form = FORMS[source.kind === "program" ? source.form : source.kind]!;
  const { license, maps, rows } = contentOf(source);
  const stated = license === "" ? "no licence" : `licence ${printable(license)}`;
  const lines = [`${form}, ${stated}`, "", ...tableLines(PROGRAM_COLUMNS, rows, { paint })];
  if (maps.length > 0) lines.push("", ...tableLines(MAP_COLUMNS, maps.map(mapRow), { paint }));
  return lines;
}

const PROGRAM_COLUMNS: readonly Column[] = [
  { title: "program" },
  { title: "section" },
  { title: "slots", align: "right" },
  { title: "functions", align: "right" },
  { title: "mcpu" },
  { title: "groups" },
];

const MAP_COLUMNS: readonly Column[] = [
  { title: "map" },
  { title: "type" },
  { title: "key", align: "right" },
  { title: "value", align: "right" },
  { title: "entries", align: "right" },
  { title: "fields" },
];

/** Slots of linked programs that are looked at: each brings its own copy of the functions that it calls. */
const MAX_SLOTS = 1_000_000;

/** What is told of a source: of an object without a function all of it, else one program. */
interface Content extends Pick<BpfProgram, "license" | "maps"> {
  readonly rows: string[][];
}

function contentOf(source: ProgramSource): Content {
  if (source.kind === "object" && source.functionName === undefined) {
    const { license, maps } = source.object;
    return { license, maps, rows: programRows(source.object) };
  }
  const program = programOf(source);
  const known = source.kind === "object" && source.object.programs.find(({ name }) => name === program.name);
  const { license, maps } = program;
  return { license, maps, rows: [programRow(program, known ? known.section : "")] };
}

function programRows(object: BpfObject): string[][] {
  let left = MAX_SLOTS;
  return object.programs.map(({ name, section, slots }) => {
    if (left < 0) return [printable(name), printable(section), String(slots), "", "", ""];
    try {
      const program = object.program(name);
      left -= program.code.length / 8;
      return programRow(program, section);
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      return [printable(name), printable(section), String(slots), "", "", printable(error.message)];
    }
  });
}

function programRow(program: BpfProgram, section: string): string[] {
  const { level, groups } = needsOf(program.code);
  const functions = program.functions?.length ?? 1;
  return [
    printable(program.name),
    printable(section),
    String(program.code.length / 8),
    String(functions),
    `v${level}`,
    groups.join(" "),
  ];
}

/** Level and conformance groups of the instruction set that code needs. */
function needsOf(code: Uint8Array): { level: number; groups: string[] } {
  const instructions = decodeInstructions(code);
  const groups = new Set<string>();
  let level = 1;
  for (let slot = 0; slot < instructions.length; slot++) {
    const encoding = encodingOf(instructions[slot]!);
    if (encoding === undefined) continue;
    groups.add(encoding.group);
    level = Math.max(level, encoding.level);
    if (encoding.operation === "lddw") slot++;
  }
  return { level, groups: [...groups].sort() };
}

function mapRow({ name, type, keySize, valueSize, maxEntries, frozen, fields }: MapDefinition): string[] {
  const known = [...MAP_TYPE_NAMES].find(([, number]) => number === type)?.[0] ?? `type ${type}`;
  const names = fields?.map((field) => field.name).join(" ") ?? "";
  const kind = frozen === true ? `${known}, constant` : known;
  return [printable(name), kind, String(keySize), String(valueSize), String(maxEntries), printable(names)];
}
