/**
 * The language of `--flow`: which flows are wanted.
 *
 *     filter    = term { "or" term }
 *     term      = factor { "and" factor }
 *     factor    = "not" factor | "(" filter ")" | test
 *     test      = "tcp" | "udp" | "port" NUMBER | "host" ADDRESS | "id" NUMBER | ENDPOINT
 *     ENDPOINT  = ADDRESS ":" PORT, an IPv6 address in brackets
 *
 * A test holds when it fits either end. Not here: payloads, directions, names of hosts or services.
 *
 * @module
 */
import { formatAddress, parseAddress } from "../packet/mod.ts";
import { UsageError } from "./io.ts";

/** What a filter looks at: a flow, or a packet of one. */
export interface FilterSubject {
  /** Transport protocol: `tcp`, `udp`, or another, which no test names. */
  readonly protocol: string;
  /** Both ends, in any order. */
  readonly ends: readonly [FilterEnd, FilterEnd];
  /** Number of the flow in its capture; 0 where it is not known. */
  readonly id: number;
}

/** One end, as a filter sees it. */
export interface FilterEnd {
  /** Address as text. */
  readonly address: string;
  /** Port. */
  readonly port: number;
}

/** A filter, ready to be asked. */
export interface FlowFilter {
  /** Whether the flow or packet is wanted. */
  matches(subject: FilterSubject): boolean;
  /** The filter as it was typed. */
  readonly text: string;
  /** The flow numbers that the filter names. */
  readonly ids: ReadonlySet<number>;
}

/** Deepest nesting of `not` and parentheses. */
const MAX_DEPTH = 100;

type Test = (subject: FilterSubject) => boolean;

interface Word {
  readonly text: string;
  /** Column in the filter, from 1. */
  readonly at: number;
}

/**
 * Reads a filter.
 *
 * @throws {UsageError} that says what is wrong and where
 */
export function parseFlowFilter(text: string): FlowFilter {
  const parser = new FilterParser(text);
  const test = parser.parse();
  return { matches: test, text, ids: parser.ids };
}

class FilterParser {
  readonly ids: Set<number> = new Set();
  readonly #text: string;
  readonly #words: Word[];
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#words = [...text.matchAll(/[()]|[^\s()]+/g)].map((match) => ({ text: match[0], at: match.index + 1 }));
  }

  parse(): Test {
    const test = this.#filter();
    const rest = this.#words[this.#next];
    if (rest !== undefined) throw this.#error(`expected "and", "or" or the end, got ${quote(rest.text)}`, rest.at);
    return test;
  }

  #filter(): Test {
    const terms = [this.#term()];
    while (this.#accept("or")) terms.push(this.#term());
    return terms.length === 1 ? terms[0]! : (subject) => terms.some((term) => term(subject));
  }

  #term(): Test {
    const factors = [this.#factor()];
    while (this.#accept("and")) factors.push(this.#factor());
    return factors.length === 1 ? factors[0]! : (subject) => factors.every((factor) => factor(subject));
  }

  #factor(): Test {
    const word = this.#take("a test");
    if (word.text !== "not" && word.text !== "(") return this.#test(word);
    if (++this.#depth > MAX_DEPTH) throw this.#error(`nested deeper than ${MAX_DEPTH}`, word.at);
    const inner = word.text === "not" ? this.#factor() : this.#filter();
    this.#depth--;
    if (word.text === "not") return (subject) => !inner(subject);
    const end = this.#words[this.#next++];
    if (end?.text !== ")") throw this.#error(`expected ")" for the "(" at column ${word.at}`, end?.at);
    return inner;
  }

  #test(word: Word): Test {
    switch (word.text) {
      case "tcp":
      case "udp":
        return (subject) => subject.protocol === word.text;
      case "port": {
        const port = this.#number("a port", 0, 65535);
        return ({ ends: [a, b] }) => a.port === port || b.port === port;
      }
      case "host": {
        const address = this.#address(this.#take("an address"));
        return ({ ends: [a, b] }) => a.address === address || b.address === address;
      }
      case "id": {
        const id = this.#number("a flow number", 1, Number.MAX_SAFE_INTEGER);
        this.ids.add(id);
        return (subject) => subject.id === id;
      }
    }
    return this.#endpoint(word);
  }

  #endpoint(word: Word): Test {
    const parts = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(word.text);
    if (parts === null || Number(parts[3]) > 65535) {
      const what = "tcp, udp, port N, host ADDRESS, id N or ADDRESS:PORT";
      throw this.#error(`expected ${what}, got ${quote(word.text)}`, word.at);
    }
    const address = this.#address({ text: parts[1] ?? parts[2]!, at: word.at });
    const port = Number(parts[3]);
    return ({ ends }) => ends.some((end) => end.port === port && end.address === address);
  }

  #number(what: string, least: number, most: number): number {
    const word = this.#take(what);
    const value = /^\d{1,16}$/.test(word.text) ? Number(word.text) : NaN;
    if (value >= least && value <= most) return value;
    throw this.#error(`expected ${what} (${least} to ${most}), got ${quote(word.text)}`, word.at);
  }

  #address(word: Word): string {
    try {
      return formatAddress(parseAddress(word.text));
    } catch {
      throw this.#error(`${quote(word.text)} is not an IP address`, word.at);
    }
  }

  #accept(text: string): boolean {
    if (this.#words[this.#next]?.text !== text) return false;
    this.#next++;
    return true;
  }

  #take(what: string): Word {
    const word = this.#words[this.#next++];
    if (word === undefined) throw this.#error(`expected ${what}`, undefined);
    return word;
  }

  #error(problem: string, at: number | undefined): UsageError {
    const where = at === undefined ? "at the end" : `at column ${at}`;
    return new UsageError(`--flow ${quote(this.#text)}: ${problem} ${where}`);
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
