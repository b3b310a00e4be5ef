/**
 * Lines of JavaScript for one function, with the names of what they use.
 *
 * A register is two variables, `l3` and `h3`, always int32. Where the value is known, its digits are written instead;
 * assignments to variables that nothing reads are left out at the end.
 *
 * @module
 */
import { isSigned, maxOf, type Value, type Values } from "./values.ts";

/** Addresses that the code has in it. */
export interface JsAddresses {
  /** Address of the context. */
  readonly context: number;
  /** What is added to offsets in the frame: digits, or the name of a variable. */
  readonly frame: string;
  /** What is added to the index of a map to make a reference of it. */
  readonly mapBase: number;
}

/** Collects the code of one function. */
export class JsWriter {
  /** What is known of the registers before the instruction at hand. */
  values: Values = [];
  /** Names from outside of the function: parameters of the source, support functions. */
  readonly outside: Set<string>;
  readonly #addresses: JsAddresses;
  readonly #lines: { text: string; writes: string | undefined }[] = [];
  readonly #read = new Set<string>();
  readonly #written = new Set<string>();

  /** Starts an empty function. */
  constructor(addresses: JsAddresses, outside: Set<string>) {
    this.#addresses = addresses;
    this.outside = outside;
  }

  /** Adds a line. */
  line(text: string): void {
    this.#lines.push({ text, writes: undefined });
  }

  /** Notes the use of a name from outside, and gives it. */
  use(name: string): string {
    this.outside.add(name);
    return name;
  }

  /** The low half of a register, as an expression without operators or in parentheses. */
  low(register: number): string {
    const value = this.values[register]!;
    const known = this.#knownLow(value);
    if (known !== undefined) return known;
    return this.variable(`l${register}`);
  }

  /** The high half of a register. */
  high(register: number): string {
    const value = this.values[register]!;
    if (value.kind === "constant") return String(value.high);
    if (value.kind === "frame" || value.kind === "map" || value.kind === "context") return "0";
    if (maxOf(value) !== Infinity) return "0";
    return isSigned(value) ? `(${this.low(register)} >> 31)` : this.variable(`h${register}`);
  }

  /** Notes that a variable is read, and gives its name. */
  variable(name: string): string {
    this.#read.add(name);
    return name;
  }

  /** Assigns to a register: low and high are expressions in what was before. */
  set(register: number, low: string, high: string): void {
    if (isDigits(high)) {
      this.assign(`l${register}`, low);
      this.assign(`h${register}`, high);
      return;
    }
    this.line(`t = ${low};`);
    this.assign(`h${register}`, high);
    this.assign(`l${register}`, "t");
  }

  /** Assigns to a variable; left out where nothing reads it. */
  assign(name: string, expression: string): void {
    this.#written.add(name);
    this.#lines.push({ text: `${name} = ${expression};`, writes: name });
  }

  /** The digits of an address in the frame, or the sum that makes it. */
  frameAddress(offset: number): string {
    const { frame } = this.#addresses;
    return isDigits(frame) ? String(Number(frame) + offset) : `(${frame} + ${offset})`;
  }

  /** The digits of an address in the context. */
  contextAddress(offset: number): string {
    return String(this.#addresses.context + offset);
  }

  #knownLow(value: Value): string | undefined {
    if (value.kind === "constant") return String(value.low);
    if (value.kind === "map") return String(this.#addresses.mapBase + value.index);
    if (value.kind === "context") return this.contextAddress(value.offset);
    return value.kind === "frame" ? this.frameAddress(value.offset) : undefined;
  }

  /** The variables that are read, apart from the given ones, and the lines that matter. */
  finish(parameters: readonly string[]): { variables: string[]; lines: string[] } {
    const variables = [...this.#read].filter((name) => !parameters.includes(name)).sort();
    const lines = this.#lines.filter(({ writes }) => writes === undefined || this.#read.has(writes));
    return { variables, lines: lines.map(({ text }) => text) };
  }
}

/** Whether an expression is a number and nothing else. A pattern would do, but is slow to compile. */
export function isDigits(expression: string): boolean {
  const first = expression.charCodeAt(0);
  return (first >= 48 && first <= 57 || first === 45) && !expression.includes(" ");
}

/** An int32 expression as an unsigned number. */
export function unsigned(expression: string): string {
  return isDigits(expression) ? String(Number(expression) >>> 0) : `(${expression} >>> 0)`;
}
