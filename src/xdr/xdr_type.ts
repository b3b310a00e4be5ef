/**
 * What a type of XDR is: four views of the same layout, which only the types themselves know.
 *
 * @module
 */
import type { XdrMeasure } from "./measure.ts";
import type { XdrReader } from "./reader.ts";
import type { XdrWriter } from "./writer.ts";

/** One type of RFC 4506 as a value, made by the builders of this layer and made of others of its kind. */
export interface XdrType<Value> {
  /** For error messages, in the language of RFC 4506. */
  readonly name: string;
  /** Bytes of the shortest value. */
  readonly minBytes: number;
  /** Bytes of every value, where all are of one size. */
  readonly fixedBytes?: number | undefined;
  /**
   * Appends a value.
   *
   * @throws {TypeError | RangeError} when it is none of this type
   */
  encode(writer: XdrWriter, value: Value): void;
  /**
   * Takes a value.
   *
   * @throws {XdrError} when the bytes are none, or end too early
   */
  decode(reader: XdrReader): Value;
  /**
   * Steps over the head of a value of no fixed size, as far as it tells what follows, and says so to `measure`.
   *
   * @returns `false` when more bytes are needed to look at; nothing was stepped over then
   */
  measure(measure: XdrMeasure): boolean;
}

/** The values of a type. */
export type XdrValue<Type> = Type extends XdrType<infer Value> ? Value : never;

/** Bytes that follow `length` bytes of opaque data, up to the next multiple of four. */
export function padding(length: number): number {
  return (4 - length % 4) % 4;
}
