/**
 * Bytes that people give as hexadecimal digits.
 *
 * @module
 */
import { fromHex } from "../../bytes/mod.ts";

/** The bytes that digits stand for, with 0x in front or white space between them; `undefined` where these are none. */
export function hexBytes(text: string): Uint8Array | undefined {
  const digits = text.replace(/^\s*0x/i, "").replace(/\s+/g, "");
  return digits.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(digits) ? fromHex(digits) : undefined;
}
