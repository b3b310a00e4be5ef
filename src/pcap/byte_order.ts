/**
 * Layer pcap, wire: integers whose byte order the file's own header tells.
 *
 * @module
 */
import { readU16, readU16le, readU32, readU32le, writeU16, writeU16le, writeU32, writeU32le } from "../bytes/mod.ts";

/** Order of the bytes in the integers of a capture file. */
export type ByteOrder = "big-endian" | "little-endian";

/** Unsigned 16 bits. */
export function getU16(bytes: Uint8Array, at: number, isBig: boolean): number {
  return isBig ? readU16(bytes, at) : readU16le(bytes, at);
}

/** Unsigned 32 bits. */
export function getU32(bytes: Uint8Array, at: number, isBig: boolean): number {
  return isBig ? readU32(bytes, at) : readU32le(bytes, at);
}

/** Unsigned 64 bits in the file's order; beyond 2^53 the nearest number that there is. */
export function getU64(bytes: Uint8Array, at: number, isBig: boolean): number {
  const first = getU32(bytes, at, isBig);
  const second = getU32(bytes, at + 4, isBig);
  return isBig ? first * 0x100000000 + second : second * 0x100000000 + first;
}

/** Signed 64 bits in the file's order; beyond 2^53 the nearest number that there is. */
export function getI64(bytes: Uint8Array, at: number, isBig: boolean): number {
  const high = getU32(bytes, isBig ? at : at + 4, isBig) | 0;
  const low = getU32(bytes, isBig ? at + 4 : at, isBig);
  return high * 0x100000000 + low;
}

/** Writes the low 16 bits of `value`. */
export function setU16(bytes: Uint8Array, at: number, value: number, isBig: boolean): void {
  if (isBig) writeU16(bytes, at, value);
  else writeU16le(bytes, at, value);
}

/** Writes the low 32 bits of `value`. */
export function setU32(bytes: Uint8Array, at: number, value: number, isBig: boolean): void {
  if (isBig) writeU32(bytes, at, value);
  else writeU32le(bytes, at, value);
}
