/**
 * Help texts, made from the tables of commands and options.
 *
 * @module
 */
import type { Paint } from "./format/color.ts";
import { wrap } from "./format/width.ts";
import { type CommandSpec, COMMON_OPTIONS, type OptionSpec } from "./options.ts";

const TEXT_WIDTH = 80;
const OPTION_WIDTH = 22;

/** Help of the whole program. */
export function programHelp(commands: readonly CommandSpec[], paint: Paint): string {
  return [
    paint("title", "leat: layered network protocols as streams"),
    "",
    "usage:",
    ...commands.map((command) => {
      const { name, usage, summary } = command;
      return `  leat ${`${name} ${usage}`.padEnd(usageWidth(command, commands))}  ${summary}`;
    }),
    "",
    "  leat COMMAND --help    says more about a command",
    "",
    ...optionLines("options:", COMMON_OPTIONS, paint),
    "",
    ...EXIT_LINES,
    "",
  ].join("\n");
}

/** Columns that name and usage take: as many as those of the command's group need. */
function usageWidth({ name }: CommandSpec, commands: readonly CommandSpec[]): number {
  const groupOf = (name: string) => name.includes(" ") ? name.split(" ")[0] : undefined;
  const group = commands.filter((other) => groupOf(other.name) === groupOf(name));
  return Math.max(...group.map(({ name, usage }) => name.length + usage.length + 1));
}

/** Help of one command. */
export function commandHelp(command: CommandSpec, paint: Paint): string {
  return [
    `${paint("title", `leat ${command.name} ${command.usage}`)}`,
    "",
    command.summary,
    "",
    ...optionLines("options:", [...command.options, ...COMMON_OPTIONS], paint),
    "",
    ...command.details,
    ...EXIT_LINES,
    "",
  ].join("\n");
}

const EXIT_LINES = [
  "exit codes:",
  "  0    all went well",
  "  1    a failure was found in the data, or a file could not be read or written",
  "  2    wrong usage",
  "  130  interrupted",
];

function optionLines(title: string, specs: readonly OptionSpec[], paint: Paint): string[] {
  const lines = [title];
  for (const spec of specs) {
    const short = spec.short === undefined ? "   " : `-${spec.short},`;
    const name = `${short} --${spec.name}${spec.argument === undefined ? "" : ` ${spec.argument}`}`;
    const [first = "", ...rest] = wrap(spec.help, TEXT_WIDTH - OPTION_WIDTH - 4);
    const head = `  ${paint("name", name)}`;
    if (name.length > OPTION_WIDTH - 1) {
      lines.push(head, `${" ".repeat(OPTION_WIDTH + 2)}${first}`);
    } else lines.push(`${head}${" ".repeat(OPTION_WIDTH - name.length)}${first}`);
    for (const line of rest) lines.push(`${" ".repeat(OPTION_WIDTH + 2)}${line}`);
  }
  return lines;
}
