/**
 * Encoder for PostgreSQL's messages, version 3 (PostgreSQL documentation, "Message Formats").
 *
 * Not here: the contents of messages; the single byte that answers a request for encryption.
 *
 * @module
 */
import { writeU32 } from "../../bytes/integers.ts";
import { choiceOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import { postgres } from "../parsers/postgres.ts";
import { checkEncoded, payloadTooBig, unencodable } from "../parsers/refusal.ts";

/** What {@linkcode postgresEncoder} writes. */
export interface PostgresMessage {
  /** The letter of its type; absent for what a client begins with: start-up, encryption and cancel requests. */
  readonly type?: string | undefined;
  /** Everything behind the length. */
  readonly payload: Uint8Array;
}

/** Options of {@linkcode postgresEncoder}. */
export interface PostgresEncoderOptions {
  /** Which end sends the messages. @default {"client"} */
  direction?: "client" | "server" | undefined;
}

const LENGTH = 4;
const LONGEST_START = 10_000 - LENGTH;
/** Any type with a length in front shows the parser that the connection has begun. */
const BEGUN = { client: Uint8Array.of(0, 0, 0, 8, 0, 3, 0, 0), server: Uint8Array.of(0x52, 0, 0, 0, 8) } as const;

/**
 * Encoder for PostgreSQL's messages. Refuses what the parser would: types that this end does not send, and what is too
 * long.
 *
 * @throws {RangeError} when the direction is none
 * @example
 * ```ts
 * import { postgresEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const payload = new TextEncoder().encode("select 1\0");
 * assertEquals(postgresEncoder().encode({ type: "Q", payload })[0], Uint8Array.of(0x51, 0, 0, 0, 13));
 * ```
 */
export function postgresEncoder(options: PostgresEncoderOptions = {}): Encoder<PostgresMessage> {
  const direction = choiceOption("direction", options.direction, "client", ["client", "server"]);
  const parser = postgres();
  const max = parser.maxMessageLength! - 1 - LENGTH;
  return {
    name: "postgres",
    encode({ type, payload }: PostgresMessage): readonly Uint8Array[] {
      const most = type === undefined ? LONGEST_START : max;
      if (payload.length > most) throw payloadTooBig("postgres", payload.length, most);
      if (type !== undefined && !/^[\x21-\x7e]$/.test(type)) throw unencodable("postgres", "type is no letter");
      if (type === undefined && direction === "server") {
        throw unencodable("postgres", "a server's messages have a type");
      }
      const head = type === undefined ? 0 : 1;
      const header = new Uint8Array(head + LENGTH);
      if (type !== undefined) header[0] = type.charCodeAt(0);
      writeU32(header, head, LENGTH + payload.length);
      // a start-up message shows its code, a server's first one what it asks for
      const seen = new Uint8Array([...header, ...payload.subarray(0, 4)]);
      const state = parser.start!({ direction });
      const begun = BEGUN[direction];
      if (type !== undefined) parser.parse(begun, 0, begun.length, state);
      checkEncoded("postgres", parser.parse(seen, 0, seen.length, state), header.length + payload.length);
      return [header, payload];
    },
  };
}
