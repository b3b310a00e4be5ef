/**
 * JSON texts as bytes, for the encoders of what carries them. Internal.
 *
 * @module
 */
import { StreamParserError } from "../errors.ts";
import { unencodable } from "./refusal.ts";

/** The text of `value` between `front` and a line feed, which it has none of itself. */
export function jsonBytes(name: string, value: unknown, front: string): Uint8Array {
  return new TextEncoder().encode(`${front}${jsonText(name, value)}\n`);
}

/** The text of `value`. */
export function jsonText(name: string, value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    const options = { code: "EINVAL", blame: "local", cause } as const;
    throw new StreamParserError(`${name}: payload has no JSON text`, options);
  }
  if (text === undefined) throw unencodable(name, `payload of type ${typeof value} has no JSON text`);
  return text;
}
