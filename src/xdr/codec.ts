/**
 * From values to bytes and back, and the parser that finds values in a byte stream.
 *
 * @module
 */
import type { ParseFailure, Parser } from "../strparser/parser.ts";
import { XdrMeasure } from "./measure.ts";
import { XdrReader } from "./reader.ts";
import { XdrWriter } from "./writer.ts";
import type { XdrType } from "./xdr_type.ts";

/**
 * The bytes of a value, in a buffer of their own.
 *
 * @throws {TypeError | RangeError} when the value is none of the type
 * @example
 * ```ts
 * import { encodeXdr, uint } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...encodeXdr(uint, 258)], [0, 0, 1, 2]);
 * ```
 */
export function encodeXdr<Value>(type: XdrType<Value>, value: Value): Uint8Array<ArrayBuffer> {
  const writer = new XdrWriter();
  type.encode(writer, value);
  return writer.bytes;
}

/**
 * The value that `bytes` are. Opaque data in it are views of `bytes`.
 *
 * @throws {XdrError} when they are none of the type, end too early, or have something behind it
 * @example
 * ```ts
 * import { decodeXdr, hyper } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(decodeXdr(hyper, Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 0)), 256n);
 * ```
 */
export function decodeXdr<Value>(type: XdrType<Value>, bytes: Uint8Array): Value {
  const reader = new XdrReader(bytes);
  const value = type.decode(reader);
  if (reader.left > 0) throw reader.unexpected(`${reader.left} bytes are left over behind the value`, 0);
  return value;
}

/** What the parser remembers: how far it has come in the message at hand. */
interface State {
  measure: XdrMeasure | undefined;
}

/**
 * A parser for a byte stream of values of one type, one behind the other, without any framing: each message is one
 * value, to be given to {@linkcode decodeXdr}. Every byte is looked at at most once, however the stream is cut.
 *
 * @throws {RangeError} when values of the type may have no bytes at all
 * @example
 * ```ts
 * import { items } from "@leat/streams/stream";
 * import { MessageStream } from "@leat/streams/strparser";
 * import { decodeXdr, encodeXdr, int, string, struct, xdrParser } from "@leat/streams/xdr";
 * import { assertEquals } from "@std/assert";
 *
 * const entry = struct({ id: int, name: string(255) });
 * const bytes = [...encodeXdr(entry, { id: 1, name: "a" }), ...encodeXdr(entry, { id: 2, name: "bc" })];
 * const source = new Blob([Uint8Array.from(bytes)]).stream();
 * const names: string[] = [];
 * const messages = source.pipeThrough(new MessageStream({ parser: xdrParser(entry), batch: true }));
 * for await (const message of items(messages)) names.push(decodeXdr(entry, message).name);
 * assertEquals(names, ["a", "bc"]);
 * ```
 */
export function xdrParser(type: XdrType<unknown>): Parser {
  if (type.minBytes === 0) throw new RangeError(`values of ${type.name} may have no bytes: nothing tells them apart`);
  return {
    name: "xdr",
    maxHeaderBytes: Infinity,
    start: (): State => ({ measure: undefined }),
    parse(bytes: Uint8Array, start: number, end: number, remembered: unknown): number | ParseFailure {
      const state = remembered as State;
      const measure = state.measure ??= new XdrMeasure(type);
      const length = measure.run(bytes, start, end);
      if (typeof length !== "number" || length > 0) state.measure = undefined;
      return length;
    },
  };
}
