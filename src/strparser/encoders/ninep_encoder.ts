/**
 * Encoder for 9P messages (Plan 9 manual, section 5). Not here: the contents of messages, and what the ends agree on.
 *
 * @module
 */
import { writeU16le, writeU32le } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import type { NinepOptions } from "../parsers/ninep.ts";
import { payloadTooBig, unencodable } from "../parsers/refusal.ts";

/** What {@linkcode ninepEncoder} writes. */
export interface NinepMessage {
  /** Message type; a client's are even, a server's odd. */
  readonly type: number;
  /** What the answer repeats, 16 bits. */
  readonly tag: number;
  /** Everything behind the tag. */
  readonly payload: Uint8Array;
}

const HEADER = 7;
const LONGEST_VERSION = 256;

/**
 * Encoder for 9P messages.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { ninepEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [header] = ninepEncoder().encode({ type: 120, tag: 1, payload: new Uint8Array(4) });
 * assertEquals(header, Uint8Array.of(11, 0, 0, 0, 120, 1, 0));
 * ```
 */
export function ninepEncoder(options: NinepOptions = {}): Encoder<NinepMessage> {
  const wanted = limitOption("maxMessageBytes", options.maxMessageBytes, 1024 * 1024, LONGEST_VERSION);
  const max = Math.min(wanted, 0xffffffff);
  return {
    name: "ninep",
    encode({ type, tag, payload }: NinepMessage): readonly Uint8Array[] {
      if (payload.length > max - HEADER) throw payloadTooBig("ninep", payload.length, max - HEADER);
      if (type !== (type & 255)) throw unencodable("ninep", `type ${type} is no byte`);
      if (tag !== (tag & 0xffff)) throw unencodable("ninep", `tag ${tag} is not of 16 bits`);
      const header = new Uint8Array(HEADER);
      writeU32le(header, 0, HEADER + payload.length);
      header[4] = type;
      writeU16le(header, 5, tag);
      return [header, payload];
    },
  };
}
