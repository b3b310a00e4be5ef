/**
 * Vectors: several views that count as one.
 *
 * @module
 */
import { SocketError } from "./errors.ts";
import type { Vector } from "./types.ts";

/** The vector without views: what a PDU begins with. */
export const NOTHING: Vector = [];

/**
 * Total length of a vector that a caller handed in.
 *
 * @throws {TypeError} when it is not an array of `Uint8Array`
 */
export function checkedLength(vector: Vector, name: string): number {
  if (!Array.isArray(vector)) throw new TypeError(`${name} must be an array of Uint8Array`);
  let length = 0;
  for (let i = 0; i < vector.length; i++) {
    const view: unknown = vector[i];
    if (!(view instanceof Uint8Array)) throw new TypeError(`${name}[${i}] must be a Uint8Array`);
    length += view.byteLength;
  }
  return length;
}

/** The error for a vector without room: nothing could be told apart from the end. */
export function emptyVectorError(syscall: string): SocketError {
  return new SocketError("the vector has no room: its length is 0", { code: "EINVAL", syscall });
}

/** Whether two views share a byte. */
export function overlap(a: Uint8Array, b: Uint8Array): boolean {
  if (a.buffer !== b.buffer) return false;
  return a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;
}
