/**
 * `leat bpf asm`: assembly to code.
 *
 * @module
 */
import { checkClassic, formatClassic } from "../../bpf/mod.ts";
import { withUsedMaps } from "../../bpf/jit/module_maps.ts";
import { toHex } from "../../bytes/mod.ts";
import { type CliIo, ExitCode, UsageError } from "../io.ts";
import type { CommandSpec, OptionValues } from "../options.ts";
import { onlyOperand, OUTPUT_OPTION, writeOutput } from "./program_output.ts";
import { complain, inFile, programOf, type ProgramSource, readSource, reporting } from "./program_source.ts";

const FORMS = ["hex", "raw", "d", "dd", "ddd"] as const;
type Form = typeof FORMS[number];

/** The command. */
export const asmCommand: CommandSpec = {
  name: "bpf asm",
  usage: "FILE|-",
  summary: "Assemble a program",
  details: [
    "FILE has eBPF as llvm-objdump prints it (r0 = *(u16 *)skb[0]), or mnemonics as",
    "bpf_conformance has them (ldxh %r0, [%r1+2]), or both; with --classic, classic",
    "BPF as bpf_asm takes it (ldh [12]). What tcpdump -d, -dd and -ddd print is",
    "known as classic.",
    "",
    "forms:",
    "  hex      eBPF, a slot of 8 bytes per line (default for eBPF)",
    "  raw      eBPF, bytes",
    "  d dd ddd classic BPF as tcpdump prints it (dd is the default for classic BPF)",
    "",
    "All forms are code alone: maps and licence are not in it. A program that has",
    "maps is run, verified or compiled from its assembly, which all commands take.",
    "",
  ],
  options: [
    {
      name: "to",
      argument: "FORM",
      choices: FORMS,
      help: "Form of the code (below); classic to hex or raw translates it",
    },
    { name: "classic", help: "The assembly is classic BPF" },
    OUTPUT_OPTION,
  ],
  run: (operands, values, io) => {
    const operand = onlyOperand(operands, "bpf asm");
    return reporting(io, values, () => assembleFile(operand, values, io));
  },
};

async function assembleFile(operand: string, values: OptionValues, io: CliIo): Promise<number> {
  const source = await readSource(operand, io, { isClassic: values.classic === true });
  const form = (values.to ?? (source.kind === "classic" ? "dd" : "hex")) as Form;
  const code = inFile(operand, () => codeOf(source, form));
  const maps = source.kind === "classic" ? [] : withUsedMaps(inFile(operand, () => programOf(source))).maps;
  if (maps.length > 0) {
    const names = maps.map(({ name }) => name).join(", ");
    complain(io, values, operand, `the output has the code alone, not the maps it refers to: ${names}`);
  }
  await writeOutput(code, operand, values, io);
  return ExitCode.OK;
}

function codeOf(source: ProgramSource, form: Form): string | Uint8Array {
  if (form !== "hex" && form !== "raw") {
    if (source.kind !== "classic") throw new UsageError(`--to ${form} is for classic BPF`);
    checkClassic(source.classic);
    return formatClassic(source.classic, form);
  }
  const { code } = programOf(source);
  if (form === "raw") return code;
  return `${toHex(code).replace(/.{16}(?=.)/g, "$&\n")}\n`;
}
