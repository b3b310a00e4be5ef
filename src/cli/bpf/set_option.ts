/**
 * `--set`: values of a program's global variables.
 *
 * @module
 */
import type { BpfVariables } from "../../bpf/mod.ts";
import { UsageError } from "../io.ts";
import type { OptionSpec, OptionValues } from "../options.ts";
import { FileProblem } from "./program_source.ts";

/** The option. */
export const SET_OPTION: OptionSpec = {
  name: "set",
  argument: "VALUES",
  help: "Global variables: name=value, joined by commas",
};

/** The variables that it names. */
export function variablesOf(text: OptionValues[string]): BpfVariables | undefined {
  if (typeof text !== "string") return undefined;
  return Object.fromEntries(
    text.split(",").map((part) => {
      const found = /^([\w.$]+)=(-?(?:0x[0-9a-fA-F]+|\d+))$/.exec(part);
      if (found === null) {
        throw new UsageError(`--set wants name=value, whole numbers joined by commas; got ${JSON.stringify(part)}`);
      }
      const [, name, value] = found;
      const magnitude = BigInt(value!.replace("-", ""));
      const signed = value!.startsWith("-") ? -magnitude : magnitude;
      return [name!, Number.isSafeInteger(Number(signed)) ? Number(signed) : signed];
    }),
  );
}

/** Runs what sets the variables: whether a value fits only that can tell. */
export function withSet<T>(operand: string, variables: BpfVariables | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const isOfValue = error instanceof RangeError || error instanceof TypeError;
    throw isOfValue && variables !== undefined ? new FileProblem(operand, `--set: ${error.message}`) : error;
  }
}
