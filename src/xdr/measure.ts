/**
 * How long is the value that begins here? Told as its bytes come, each looked at once, without decoding any.
 *
 * Not here: what the values are. A measure believes the padding, text and enumerations; it must know only what lengths,
 * counts, flags and discriminants say.
 *
 * @module
 */
import { readU32 } from "../bytes/integers.ts";
import type { ParseFailure } from "../strparser/parser.ts";
import { XdrError } from "./errors.ts";
import { XdrReader } from "./reader.ts";
import type { XdrType } from "./xdr_type.ts";

/**
 * Most entries of the stack, and most that may be pushed without a byte between: types that contain themselves without
 * end, by mistake or because a peer nests them, end here.
 */
const MAX_EXPECTED = 65_536;

/** Values that are to follow: `count` of one type. */
interface Expected {
  type: XdrType<unknown>;
  count: number;
}

/**
 * A measurement that can be broken off wherever the bytes end, and taken up again with more. What is still expected is
 * a stack; an array of a million strings is one entry of it, a linked list never more than its current element.
 */
export class XdrMeasure {
  /** Why the bytes are none of the type, once they are not. */
  failure: ParseFailure | undefined;
  readonly #expected: Expected[] = [];
  #bytes: Uint8Array = new Uint8Array(0);
  /** Where the value begins in `#bytes`. */
  #start = 0;
  #end = 0;
  /** Bytes stepped over, from the beginning of the value; may lie beyond what is there. */
  #position = 0;
  /** Bytes needed from the beginning of the value to go on. */
  #needed = 0;
  /** How often something was expected since a byte was stepped over. */
  #idle = 0;

  /** Starts before a value of `type`. */
  constructor(type: XdrType<unknown>) {
    this.expect(type, 1);
  }

  /** Looks on in a value that begins at `start`; answers like a `Parser`. */
  run(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    for (let next = this.#expected.at(-1); next !== undefined; next = this.#expected.at(-1)) {
      if (this.failure !== undefined) return this.failure;
      if (next.count === 0) {
        this.#expected.pop();
      } else if (next.type.fixedBytes !== undefined) {
        this.skip(next.count * next.type.fixedBytes);
        next.count = 0;
      } else if (!this.#one(next)) {
        return this.failure ?? -this.#needed;
      }
    }
    return this.failure ?? this.#position;
  }

  /** The unsigned integer of 32 bits that is next; `undefined` when it is not there yet. */
  peek(): number | undefined {
    return this.#isThere(4) ? readU32(this.#bytes, this.#start + this.#position) : undefined;
  }

  /** Decodes a short value of a fixed size and steps over it; `undefined` when it is not there yet, or is none. */
  take<Value>(type: XdrType<Value>): Value | undefined {
    const size = type.fixedBytes ?? 4;
    if (!this.#isThere(size)) return undefined;
    const at = this.#start + this.#position;
    try {
      const value = type.decode(new XdrReader(this.#bytes.subarray(at, at + size)));
      this.skip(size);
      return value;
    } catch (error) {
      if (!(error instanceof XdrError)) throw error;
      this.fail(error.code, error.message);
      return undefined;
    }
  }

  /** Steps over bytes, which need not be there yet. */
  skip(bytes: number): void {
    this.#position += bytes;
    if (bytes > 0) this.#idle = 0;
  }

  /** Says what is next. Of several calls, the last one is next. */
  expect(type: XdrType<unknown>, count: number): void {
    if (this.#idle++ < MAX_EXPECTED && this.#expected.length < MAX_EXPECTED) this.#expected.push({ type, count });
    else this.fail("EMSGSIZE", `the value is nested deeper than ${MAX_EXPECTED}`);
  }

  /** Says that the bytes are none of the type. */
  fail(code: string, reason: string): false {
    this.failure = { code, reason };
    return false;
  }

  #isThere(bytes: number): boolean {
    this.#needed = this.#position + bytes;
    return this.#start + this.#needed <= this.#end;
  }

  /** Takes one value off before it is looked at, so that what it expects stands above the rest. */
  #one(next: Expected): boolean {
    next.count--;
    const height = this.#expected.length;
    // the last of its kind makes room for what it expects: a list that ends in itself stays one entry high
    if (next.count === 0) this.#expected.pop();
    if (next.type.measure(this)) return true;
    if (this.#expected.length < height) this.#expected.push(next);
    next.count++;
    return false;
  }
}
