/**
 * Keys and values of maps between TypeScript and memory: numbers of 1 to 8 bytes, structures by the names of their
 * fields, or plain bytes. All little-endian.
 *
 * @module
 */
import type { ValueField } from "../program.ts";

/** A number: `bigint` where it has 8 bytes. */
export type BpfNumber = number | bigint;

/** A key: a number where it has 1, 2, 4 or 8 bytes, or its bytes. */
export type BpfKey = BpfNumber | Uint8Array;

/** Fields of a structure by name; arrays of numbers are lists. */
export type BpfRecord = { [name: string]: BpfNumber | readonly BpfNumber[] };

/** A value: a number, the fields of a structure, or bytes. */
export type BpfValue = BpfNumber | BpfRecord | Uint8Array;

/** Reads one number of `size` bytes. */
export function readNumber(view: DataView, at: number, size: number, signed: boolean): BpfNumber {
  switch (size) {
    case 1:
      return signed ? view.getInt8(at) : view.getUint8(at);
    case 2:
      return signed ? view.getInt16(at, true) : view.getUint16(at, true);
    case 4:
      return signed ? view.getInt32(at, true) : view.getUint32(at, true);
    default:
      return signed ? view.getBigInt64(at, true) : view.getBigUint64(at, true);
  }
}

/**
 * Writes one number of `size` bytes.
 *
 * @throws {RangeError} where it does not fit, neither signed nor unsigned
 */
export function writeNumber(view: DataView, at: number, size: number, value: BpfNumber, what: string): void {
  if (typeof value !== "bigint" && typeof value !== "number") {
    throw new TypeError(`${what} must be a number or a bigint, got ${typeof value}`);
  }
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new RangeError(`${what} must be an integer, got ${value}`);
  }
  const bits = BigInt(size * 8);
  const number = BigInt(value);
  if (number < -(1n << (bits - 1n)) || number >= 1n << bits) {
    throw new RangeError(`${what} of ${size} bytes cannot be ${value}`);
  }
  if (size === 8) view.setBigUint64(at, BigInt.asUintN(64, number), true);
  else if (size === 4) view.setUint32(at, Number(BigInt.asUintN(32, number)), true);
  else if (size === 2) view.setUint16(at, Number(BigInt.asUintN(16, number)), true);
  else view.setUint8(at, Number(BigInt.asUintN(8, number)));
}

/** Whether `size` bytes are a number. */
export function isNumberSize(size: number): boolean {
  return size === 1 || size === 2 || size === 4 || size === 8;
}

/** Reads one field. */
export function readField(view: DataView, at: number, field: ValueField): BpfNumber | BpfNumber[] {
  const { offset, size, signed, count } = field;
  if (count === undefined) return readNumber(view, at + offset, size, signed);
  return Array.from({ length: count }, (_, i) => readNumber(view, at + offset + i * size, size, signed));
}

/** Writes one field. */
export function writeField(view: DataView, at: number, field: ValueField, value: unknown): void {
  const { name, offset, size, count } = field;
  if (count === undefined) return writeNumber(view, at + offset, size, value as BpfNumber, name);
  if (!Array.isArray(value)) throw new TypeError(`${name} must be a list of ${count} numbers, got ${typeof value}`);
  if (value.length !== count) throw new RangeError(`${name} must be a list of ${count} numbers, got ${value.length}`);
  // not by `forEach`, which leaves out holes
  for (let i = 0; i < count; i++) {
    writeNumber(view, at + offset + i * size, size, value[i] as BpfNumber, `${name}[${i}]`);
  }
}
