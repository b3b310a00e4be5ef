/** Reads tokens one after the other; says what was wanted where something else stands. */
import { ScriptError } from "./ast.ts";
import type { Token } from "./lexer.ts";

export class TokenReader {
  readonly #tokens: readonly Token[];
  readonly #file: string;
  #at = 0;

  constructor(tokens: readonly Token[], file: string) {
    this.#tokens = tokens;
    this.#file = file;
  }

  get token(): Token {
    return this.#tokens[this.#at]!;
  }

  get isAtEnd(): boolean {
    return this.token.kind === "end";
  }

  next(): Token {
    const token = this.token;
    if (!this.isAtEnd) this.#at++;
    return token;
  }

  /** The token after the next one. */
  get following(): Token {
    return this.#tokens[Math.min(this.#at + 1, this.#tokens.length - 1)]!;
  }

  fail(wanted: string, token: Token = this.token): never {
    const got = token.kind === "end" ? "the end of the script" : JSON.stringify(token.text);
    throw new ScriptError(token, `expected ${wanted}, got ${got}`, this.#file);
  }

  /** Whether the next token is this mark or name. */
  is(text: string): boolean {
    const { kind } = this.token;
    return (kind === "mark" || kind === "name") && this.token.text === text;
  }

  /** Takes the next token if it is this mark or name. */
  take(text: string): boolean {
    if (!this.is(text)) return false;
    this.next();
    return true;
  }

  expect(text: string): Token {
    return this.is(text) ? this.next() : this.fail(JSON.stringify(text));
  }

  name(wanted: string): string {
    return this.token.kind === "name" ? this.next().text : this.fail(wanted);
  }

  /** A whole number, perhaps negative. */
  integer(wanted: string): number {
    const isNegative = this.take("-");
    if (this.token.kind !== "number") return this.fail(wanted);
    const value = Number(this.token.text);
    if (!Number.isInteger(value)) return this.fail(wanted);
    this.next();
    return isNegative ? -value : value;
  }

  /** Seconds as microseconds. */
  time(): number {
    if (this.token.kind !== "number") return this.fail("a time in seconds");
    return Math.round(Number(this.next().text) * 1e6);
  }
}
