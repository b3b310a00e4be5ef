/**
 * Arguments of the wrong type are told by name, at once: what is wrong with them later is nobody's to understand.
 *
 * @module
 */
import type { BpfProgram } from "./program.ts";

/** What a value is, for messages. */
function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : value instanceof Uint8Array ? "a Uint8Array" : typeof value;
}

/** @throws {TypeError} unless it is text */
export function checkText(what: string, value: unknown): void {
  if (typeof value !== "string") throw new TypeError(`${what} must be a string, got ${kindOf(value)}`);
}

/** @throws {TypeError} unless it is bytes */
export function checkBytes(what: string, value: unknown): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${what} must be a Uint8Array, got ${kindOf(value)}`);
}

/** @throws {TypeError} unless it is a list */
export function checkList(what: string, value: unknown): void {
  if (!Array.isArray(value)) throw new TypeError(`${what} must be an array, got ${kindOf(value)}`);
}

/** @throws {TypeError} unless it is an object that options can be in */
export function checkOptions(value: unknown): void {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || Array.isArray(value)) {
    throw new TypeError(`options must be an object, got ${kindOf(value)}`);
  }
}

/** @throws {TypeError} unless it is a list of instructions, without holes, whose fields of these names are numbers */
export function checkInstructions(what: string, value: unknown, fields: readonly string[]): void {
  checkList(what, value);
  const list = value as readonly unknown[];
  for (let at = 0; at < list.length; at++) {
    const one = list[at];
    if (typeof one !== "object" || one === null) {
      throw new TypeError(`${what} must have instructions, got ${kindOf(one)} at ${at}`);
    }
    for (const field of fields) {
      const number = (one as Readonly<Record<string, unknown>>)[field];
      if (typeof number === "number") continue;
      throw new TypeError(`${what} must have numbers in its instructions, got ${kindOf(number)} as ${field} at ${at}`);
    }
  }
}

/** @throws {TypeError} unless it is a program: as `assemble`, `classicToEbpf` or `program()` of an object make it */
export function checkProgram(value: BpfProgram): void {
  const program = value as Partial<BpfProgram> | null | undefined;
  const isRight = typeof program?.name === "string" && program.code instanceof Uint8Array &&
    Array.isArray(program.maps);
  if (!isRight) refuseProgram(program);
}

function refuseProgram(program: Partial<BpfProgram> | null | undefined): void {
  if (typeof program !== "object" || program === null || program instanceof Uint8Array || Array.isArray(program)) {
    throw new TypeError(`a program must be a BpfProgram (see assemble and loadObject), got ${kindOf(program)}`);
  }
  checkText("name of a program", program.name);
  checkBytes("code of a program", program.code);
  checkList("maps of a program", program.maps);
}
