/**
 * Programs as parsers of `strparser` and `kcm`, the way the kernel's KCM uses them.
 *
 * Each message is presented at offset 0, with `cb[]` zero at first and kept while the program is run again for more bytes
 * of it. In the kernel offset 0 is the start of the socket buffer, in which a message may lie further behind, and the
 * program has to know: `kernelLayout` is like that, for programs that are to be tried before they go there.
 *
 * @module
 */
import { limitOption } from "../core/limits.ts";
import { handOver, type ParseFailure, type Parser } from "../strparser/parser.ts";
import { checkOptions } from "./check_arguments.ts";
import type { BpfObject } from "./bpf_object.ts";
import { errnoName } from "./errno_names_table.ts";
import { BpfMachine, type BpfMachineOptions } from "./machine.ts";
import type { BpfProgram } from "./program.ts";
import { ScratchArea } from "./scratch_area.ts";

/** Options of {@linkcode bpfParser}. */
export interface BpfParserOptions extends BpfMachineOptions, Pick<Parser, "maxMessageLength" | "maxHeaderBytes"> {
  /** Name of the parser. @default {the program's} */
  name?: string | undefined;
  /**
   * Presents the message as the kernel does: data from the start of the chunk it is in, its offset in a word of `cb[]`:
   * `cb[1]` up to Linux 5.14, `cb[4]` in 5.15 and 5.16; later kernels don't tell it. @default {the message at offset 0}
   */
  kernelLayout?: "cb[1]" | "cb[4]" | undefined;
}

/** What a program leaves in `cb[]` for the next run over the same message. */
interface BpfParserState {
  /** Its words. */
  readonly kept: Int32Array;
  /** Whether the program is to be run again for the same message. */
  isPending: boolean;
}

/** Names of error numbers that programs return; all others are `EPROTO`, as is -1, which most of them mean nothing by. */
export const failureCodes: Readonly<Record<number, string>> = {
  7: "E2BIG",
  22: "EINVAL",
  61: "ENODATA",
  71: "EPROTO",
  74: "EBADMSG",
  75: "EOVERFLOW",
  90: "EMSGSIZE",
  95: "EOPNOTSUPP",
  110: "ETIMEDOUT",
};

/** `ESTRPIPE`: the program hands the stream over. */
const ESTRPIPE = 86;

/**
 * Makes a parser of a program. `program` may be a machine that is there already, whose options then count.
 *
 * The program's result is the length of the message, 0 where it needs more bytes, or a negated error number: -86
 * (`ESTRPIPE`) hands the stream over. Numbers that have no meaning for a parser, and -1, are `EPROTO`; with
 * `compat: "linux"` each is what it is. A run that exceeds its budget fails with `ELOOP`.
 *
 * @throws {BpfError} what is wrong with the program
 * @example
 * ```ts
 * import { bpfParser } from "@leat/streams/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const program = {
 *   name: "prefixed",
 *   // r6 = r1; r0 = *(u16 *)skb[0]; r0 += 2; exit: a length in network order, which does not count itself
 *   code: Uint8Array.from(atob("vxYAAAAAAAAoAAAAAAAAAAcAAAACAAAAlQAAAAAAAAA="), (char) => char.charCodeAt(0)),
 *   maps: [],
 *   license: "",
 * };
 * const parser = bpfParser(program);
 * assertEquals(parser.parse(Uint8Array.of(9, 0, 3, 1), 1, 4, parser.start?.({})), 5);
 * ```
 */
export function bpfParser(program: BpfProgram | BpfObject | BpfMachine, options: BpfParserOptions = {}): Parser {
  checkOptions(options);
  const machine = program instanceof BpfMachine ? program : new BpfMachine(programIn(program), options);
  const { maxMessageLength, maxHeaderBytes, name = machine.program.name } = options;
  return {
    name,
    ...(maxMessageLength !== undefined && { maxMessageLength: limitOption("maxMessageLength", maxMessageLength, 1) }),
    ...(maxHeaderBytes !== undefined && { maxHeaderBytes: limitOption("maxHeaderBytes", maxHeaderBytes, 1) }),
    ...waysToParse(machine, options.kernelLayout),
  };
}

function programIn(program: BpfProgram | BpfObject): BpfProgram {
  const given = program as Partial<BpfObject> | null | undefined;
  return typeof given?.program === "function" ? given.program() : program as BpfProgram;
}

function waysToParse(machine: BpfMachine, layout: BpfParserOptions["kernelLayout"]): Pick<Parser, "start" | "parse"> {
  if (layout !== undefined) return inKernelLayout(machine, layout === "cb[1]" ? 1 : layout === "cb[4]" ? 4 : undefined);
  const { scratch } = machine;
  if (scratch === undefined) {
    return {
      parse: (bytes, start, end) => {
        const result = machine.runAgain(bytes, start, end);
        return result >= 0 ? result : failureOf(machine, result);
      },
    };
  }
  return {
    start: newState,
    parse: (bytes, start, end, state) => {
      const own = state as BpfParserState;
      if (own.isPending) scratch.restore(own.kept);
      else scratch.clear();
      const result = machine.runAgain(bytes, start, end);
      own.isPending = result === 0;
      if (result === 0) scratch.save(own.kept);
      return result >= 0 ? result : failureOf(machine, result);
    },
  };
}

function inKernelLayout(machine: BpfMachine, word: number | undefined): Pick<Parser, "start" | "parse"> {
  if (word === undefined) throw new RangeError("kernelLayout must be cb[1] or cb[4]");
  const scratch = machine.scratch ?? new ScratchArea(machine.memory, machine.context);
  return {
    start: newState,
    parse: (bytes, start, end, state) => {
      const own = state as BpfParserState;
      if (own.isPending) scratch.restore(own.kept);
      else scratch.clear();
      scratch.set(word, start);
      const result = machine.runAgain(bytes, 0, end);
      own.isPending = result === 0;
      scratch.save(own.kept);
      return result >= 0 ? result : failureOf(machine, result);
    },
  };
}

function newState(): BpfParserState {
  return { kept: ScratchArea.room(), isPending: false };
}

function failureOf(machine: BpfMachine, result: number): ParseFailure {
  const failure = machine.takeFailure();
  if (failure !== undefined) return { code: failure.code, reason: failure.message };
  if (result === -ESTRPIPE) return handOver;
  const reason = `program ${machine.program.name} returned ${result}`;
  return { code: failureCodes[-result] ?? "EPROTO", reason, linuxCode: errnoName(-result) };
}
