/**
 * Options and commands as tables: one entry gives the parsing, the help and the completions of an option.
 *
 * On `parseArgs` of `node:util`, whose tokens are judged here so that every runtime says the same. Not here: what the
 * options mean.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type CliIo, UsageError } from "./io.ts";

/** One option. */
export interface OptionSpec {
  /** Long name, without dashes. */
  readonly name: string;
  /** Letter. */
  readonly short?: string | undefined;
  /** Name of its argument for the help; without one it is a switch. */
  readonly argument?: string | undefined;
  /** What it does, in a line or two. */
  readonly help: string;
  /** The only values that its argument may have. */
  readonly choices?: readonly string[] | undefined;
  /** Whether its argument is a list of choices, joined by commas. */
  readonly isList?: boolean | undefined;
}

/** The values that were given, by name of the option; the last one counts. */
export type OptionValues = Readonly<Record<string, string | true | undefined>>;

/** One command. */
export interface CommandSpec {
  /** Its name. */
  readonly name: string;
  /** Its arguments, for the help: `FILE...|-`. */
  readonly usage: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** More lines for its own help. */
  readonly details: readonly string[];
  /** Its options, beside {@linkcode COMMON_OPTIONS}. */
  readonly options: readonly OptionSpec[];
  /** Runs it; returns the exit code. Throws {@linkcode UsageError}. */
  run(operands: readonly string[], values: OptionValues, io: CliIo): Promise<number>;
}

/** Options that all commands have. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  {
    name: "color",
    argument: "WHEN",
    choices: ["auto", "always", "never"],
    help: "Colour the output: auto (default: on a terminal, unless NO_COLOR is set), always or never",
  },
  { name: "quiet", short: "q", help: "No progress bar, no notes, and of the errors only those that end the work" },
  { name: "help", short: "h", help: "Show this help" },
  { name: "version", short: "V", help: "Show the version" },
];

/** Operands and options of a command line. */
export interface ParsedArguments {
  /** What is no option, in order. */
  readonly operands: readonly string[];
  /** The options. */
  readonly values: OptionValues;
}

/**
 * Reads a command line by a table of options.
 *
 * @throws {UsageError} for an unknown option, a missing or superfluous argument, or a value that is not among the choices
 */
export function parseOptions(args: readonly string[], specs: readonly OptionSpec[]): ParsedArguments {
  const config: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const { name, short, argument } of specs) {
    const type = argument === undefined ? "boolean" : "string";
    config[name] = short === undefined ? { type } : { type, short };
  }
  const { tokens } = parseArgs({ args: [...args], options: config, strict: false, tokens: true });
  const operands: string[] = [];
  const values: Record<string, string | true> = {};
  for (const token of tokens) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind === "option") values[token.name] = readOption(token, specs);
  }
  return { operands, values };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function readOption(token: OptionToken, specs: readonly OptionSpec[]): string | true {
  const spec = specs.find(({ name }) => name === token.name);
  if (spec === undefined) {
    const names = specs.map(({ name }) => name);
    throw new UsageError(`unknown option ${token.rawName}${suggest(token.name, names, "--")}`);
  }
  if (spec.argument === undefined) {
    if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
    return true;
  }
  const value = token.value;
  // an option in the place of a value is a forgotten value
  const isForgotten = value === undefined || (!token.inlineValue && /^--?[a-z]/i.test(value));
  if (isForgotten) throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${spec.argument}`);
  if (spec.choices !== undefined) checkChoices(token.rawName, value, spec);
  return value;
}

function checkChoices(rawName: string, value: string, spec: OptionSpec): void {
  const choices = spec.choices!;
  for (const item of spec.isList ? value.split(",") : [value]) {
    if (choices.includes(item)) continue;
    throw new UsageError(`${rawName} knows ${choices.join(", ")}; got ${JSON.stringify(item)}`);
  }
}

/** `; did you mean --limit?` where one of the names is near, else nothing. */
export function suggest(typed: string, names: readonly string[], dashes = ""): string {
  const best = nearest(typed, names);
  return best === undefined ? "" : `; did you mean ${dashes}${best}?`;
}

/** The name that is spelt most alike, where one is near. */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  const word = typed.slice(0, 40);
  let least = Math.max(1, Math.round(word.length * 0.4)) + 1;
  for (const name of names) {
    const distance = editDistance(word, name);
    if (distance >= least) continue;
    least = distance;
    best = name;
  }
  return best;
}

/** Letters that are left out, added, replaced, or swapped with the next one. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? before[j - 2]! + 1 : Infinity;
      current.push(Math.min(replaced, swapped, previous[j]! + 1, current[j - 1]! + 1));
    }
    [before, previous] = [previous, current];
  }
  return previous[b.length]!;
}

/**
 * An option's value as a number of at least `least`, or `fallback` where it was not given.
 *
 * @throws {UsageError} when it is no whole number or too small
 */
export function numberOption(values: OptionValues, name: string, least: number, fallback: number): number {
  const text = values[name];
  if (text === undefined) return fallback;
  const value = typeof text === "string" && /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (value >= least) return value;
  throw new UsageError(`--${name} must be a whole number of at least ${least}; got ${JSON.stringify(text)}`);
}
