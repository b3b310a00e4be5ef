/**
 * Problems as lines on standard error: `leat: FILE: what (where)`.
 *
 * @module
 */
import type { Paint } from "./format/color.ts";
import type { TraceProblem } from "./trace_view.ts";

/** More problems of flows in one file than this are only counted. */
const MAX_LINES = 20;

/** Names and values of command lines without what could move the cursor. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, "?");
}

/** One line about a file, or about no file in particular. */
export function problemLine(file: string | undefined, what: string, paint: Paint): string {
  const where = file === undefined ? "" : ` ${file === "-" ? "standard input" : file}:`;
  return `${paint("bad", "leat:")}${printable(`${where} ${what}`)}\n`;
}

/** Gathers the problems of one file. */
export class ProblemLog {
  readonly #file: string;
  readonly #isQuiet: boolean;
  readonly #paint: Paint;
  #text = "";
  #count = 0;
  #isFailure = false;

  /** For one file; a quiet one tells of the capture's own problems only. */
  constructor(file: string, isQuiet: boolean, paint: Paint) {
    this.#file = file;
    this.#isQuiet = isQuiet;
    this.#paint = paint;
  }

  /** Whether something was wrong that is not just the end of the capture. */
  get isFailure(): boolean {
    return this.#isFailure;
  }

  /** Notes a problem. */
  add(problem: TraceProblem): void {
    if (problem.isExpected) return;
    this.#isFailure = true;
    const { flow, direction, message, code, offset } = problem;
    if (flow === undefined) {
      return this.fail(needsNoPlace(problem) ? message : `${message} (${code} at byte ${offset})`);
    }
    this.#count++;
    if (this.#isQuiet || this.#count > MAX_LINES) return;
    const where = offset === undefined ? code : `${code} at byte ${offset}`;
    this.#text += problemLine(this.#file, `flow ${flow.record.id}, ${direction}: ${message} (${where})`, this.#paint);
  }

  /** Notes something that is no failure. */
  note(what: string): void {
    if (!this.#isQuiet) this.#text += problemLine(this.#file, what, this.#paint);
  }

  /** Notes what ends the work on this file. */
  fail(what: string): void {
    this.#isFailure = true;
    this.#text += problemLine(this.#file, what, this.#paint);
  }

  /** Lines that are ready, and are forgotten by this. */
  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  /** The last line, where not all were shown. */
  end(): void {
    const hidden = this.#count - MAX_LINES;
    if (hidden <= 0 || this.#isQuiet) return;
    this.#text += problemLine(this.#file, `${hidden} more problems; --stats counts them`, this.#paint);
  }
}

/** Whether there is no place to tell: none is known, it is the very beginning, or the message says it. */
function needsNoPlace({ offset, message }: TraceProblem): boolean {
  return offset === undefined || offset === 0 || message.includes(` at ${offset}`);
}
