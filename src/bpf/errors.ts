/**
 * The error of the bpf layer.
 *
 * @module
 */
import { LeatError, type LeatErrorOptions } from "../core/errors.ts";

/** Codes of a {@linkcode BpfError}: errno names, as the kernel would answer. */
export type BpfErrorCode =
  | "EINVAL"
  | "EACCES"
  | "E2BIG"
  | "ENOSYS"
  | "ENOENT"
  | "EEXIST"
  | "EPERM"
  | "EFAULT"
  | "ELOOP"
  | "EBUSY";

/** Where in an object, a program or a text something is wrong. */
export interface BpfErrorPlace {
  /** Name of the object's section. */
  section?: string | undefined;
  /** Byte offset: in the section where one is named, else in the file. */
  offset?: number | undefined;
  /** Slot of the instruction in its program. */
  instruction?: number | undefined;
  /** Line of a text, the first being 1; with debug information also the source line of the instruction. */
  line?: number | undefined;
  /** Column in the line, the first being 1. */
  column?: number | undefined;
}

/** What a {@linkcode BpfError} is made of. */
export interface BpfErrorOptions extends Partial<Omit<LeatErrorOptions, "layer" | "code" | "offset">>, BpfErrorPlace {
  /** Stable code for programs. @default {"EINVAL"} */
  code?: BpfErrorCode | undefined;
}

/**
 * An object, a program, a text or a run has failed. The message names the place; the same is in the fields.
 *
 * | `code` | |
 * |---|---|
 * | `EINVAL` | malformed: object file, program text, classic program, map definition |
 * | `EACCES` | the verifier refuses the program |
 * | `E2BIG` | a limit is exceeded: size of the object, slots, maps, memory, verifier steps; a map is full |
 * | `ENOSYS` | well-formed, but not supported: calls through a register, kernel functions, big-endian objects |
 * | `ENOENT` | no such program, map, key or field |
 * | `EEXIST` | the key is there already |
 * | `EPERM` | the map is frozen |
 * | `ELOOP` | a run has spent its instruction budget |
 * | `EFAULT` | a run touched memory that is not its own (sandbox mode and the checking interpreter) |
 * | `EBUSY` | the machine was entered again from within a callback |
 *
 * @example
 * ```ts
 * import { BpfError } from "@leat/streams/bpf";
 *
 * const error = new BpfError("unknown opcode 0xff", { instruction: 3 });
 * console.log(error.code, error.layer, error.instruction); // EINVAL bpf 3
 * ```
 */
export class BpfError extends LeatError {
  /** Name of the class. */
  override readonly name: string = "BpfError";
  /** Name of the object's section, where one is at fault. */
  readonly section: string | undefined;
  /** Slot of the instruction in its program. */
  readonly instruction: number | undefined;
  /** Line of a text, the first being 1. */
  readonly line: number | undefined;
  /** Column in the line, the first being 1. */
  readonly column: number | undefined;

  /** Makes an error from what is wrong, in words, and its {@linkcode BpfErrorOptions}. */
  constructor(message: string, options: BpfErrorOptions = {}) {
    const { code = "EINVAL", blame = "local", offset, cause } = options;
    super(message, { code, blame, layer: "bpf", ...(offset !== undefined && { offset }), cause });
    this.section = options.section;
    this.instruction = options.instruction;
    this.line = options.line;
    this.column = options.column;
  }
}
