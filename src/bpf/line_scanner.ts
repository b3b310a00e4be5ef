/**
 * Reads one line of program text from left to right; what does not fit is an error with line and column.
 *
 * @module
 */
import { BpfError } from "./errors.ts";

/** An integer as it was written. */
export interface WrittenInteger {
  /** Its value. */
  readonly value: bigint;
  /** Whether it was written in hexadecimal. */
  readonly isHex: boolean;
  /** Whether it had a sign. */
  readonly isSigned: boolean;
  /** Column at which it begins, from 1. */
  readonly column: number;
}

/** A name as it was written. */
export interface WrittenName {
  /** The name. */
  readonly name: string;
  /** Column at which it begins, from 1. */
  readonly column: number;
}

const INTEGER = /([+-]?)[ \t]*(0[xX][0-9a-fA-F]+|[0-9]+)(?![\w.$])/y;
const NAME = /[A-Za-z_.$][\w.$]*/y;
const BLANKS = /[ \t]*/y;

/** Bytes of content that an error repeats at most. */
const SHOWN = 24;

/** A line and a position in it. Blanks before a token are skipped. */
export class LineScanner {
  /** Number of the line, from 1. */
  readonly line: number;
  readonly #text: string;
  #at = 0;

  /** Begins at the start of the line, which has no line end in it. */
  constructor(text: string, line: number) {
    this.#text = text;
    this.line = line;
    this.#skip();
  }

  /** Column of the next token, from 1. */
  get column(): number {
    return this.#at + 1;
  }

  /** Whether nothing is left. */
  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** Takes exactly this, if it is next. A word is only taken whole. */
  take(literal: string): boolean {
    if (!this.#text.startsWith(literal, this.#at)) return false;
    const end = this.#at + literal.length;
    if (/\w$/.test(literal) && /[\w.$]/.test(this.#text.charAt(end))) return false;
    this.#at = end;
    this.#skip();
    return true;
  }

  /** Takes what this sticky expression finds here. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.#at = pattern.lastIndex;
    this.#skip();
    return found;
  }

  /** Takes exactly this, or fails. */
  expect(literal: string): void {
    if (!this.take(literal)) this.failHere(`expected ${JSON.stringify(literal)}`);
  }

  /** Takes a name, if one is next. */
  name(): WrittenName | undefined {
    const { column } = this;
    const found = this.match(NAME);
    return found === undefined ? undefined : { name: found[0], column };
  }

  /** Takes an integer, if one is next. */
  integer(): WrittenInteger | undefined {
    const { column } = this;
    const found = this.match(INTEGER);
    if (found === undefined) return undefined;
    const [, sign, digits] = found;
    if (digits!.length > 22) this.fail("the number is longer than 64 bits", column);
    const magnitude = BigInt(digits!);
    return {
      value: sign === "-" ? -magnitude : magnitude,
      isHex: /^0[xX]/.test(digits!),
      isSigned: sign !== "",
      column,
    };
  }

  /** Takes an integer of `bits` bits: signed, or unsigned where it is written in hexadecimal. Result is signed. */
  number(bits: 16 | 32 | 64, what: string): bigint {
    const written = this.integer();
    if (written === undefined) this.failHere(`expected ${what}`);
    return this.fit(written, bits, what);
  }

  /** Checks that an integer fits into `bits` bits, as {@linkcode number} has it. */
  fit({ value, isHex, column }: WrittenInteger, bits: 16 | 32 | 64, what: string): bigint {
    const half = 1n << BigInt(bits - 1);
    const top = isHex || bits === 64 ? half * 2n : half;
    if (value < -half || value >= top) this.fail(`${what} ${value} does not fit into ${bits} bits`, column);
    return BigInt.asIntN(bits, value);
  }

  /** Fails unless nothing is left. */
  end(): void {
    if (!this.isAtEnd) this.failHere("expected the end of the line");
  }

  /** Fails at the next token, naming it. */
  failHere(what: string): never {
    const rest = this.#text.slice(this.#at).trimEnd();
    const found = rest === "" ? "the line ends" : `found ${JSON.stringify(rest.slice(0, SHOWN))}`;
    this.fail(`${what}, ${found}`, this.column);
  }

  /** Fails. */
  fail(what: string, column: number = this.column): never {
    throw textError(what, this.line, column);
  }

  #skip(): void {
    BLANKS.lastIndex = this.#at;
    BLANKS.exec(this.#text);
    this.#at = BLANKS.lastIndex;
  }
}

/** Makes the error for a place in a text. */
export function textError(what: string, line: number, column: number): BpfError {
  return new BpfError(`line ${line}, column ${column}: ${what}`, { line, column });
}
