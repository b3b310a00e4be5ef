/**
 * Encoder for frames of Cassandra's native protocol, versions 1 to 4, and of version 5 until its segments begin.
 *
 * @module
 */
import { writeU16, writeU32 } from "../../bytes/integers.ts";
import { choiceOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import { cassandra, type CassandraOptions } from "../parsers/cassandra.ts";
import { checkEncoded, unencodable } from "../parsers/refusal.ts";

/** What {@linkcode cassandraEncoder} puts into a frame. */
export interface CassandraFrame {
  /** What is asked or answered. */
  readonly opcode: number;
  /** Number of the request, which the answer repeats: signed, 16 bits, 8 before version 3. */
  readonly stream: number;
  /** The flags byte. @default {0} */
  readonly flags?: number | undefined;
  /** Everything behind the length. */
  readonly body: Uint8Array;
}

/** Options of {@linkcode cassandraEncoder}. */
export interface CassandraEncoderOptions extends CassandraOptions {
  /** Which end sends the frames. @default {"client"} */
  direction?: "client" | "server" | undefined;
  /** Version of the protocol. @default {4} */
  version?: 1 | 2 | 3 | 4 | 5 | undefined;
}

/**
 * Encoder for frames. Refuses what the parser would: opcodes that this end does not send, and what is too long.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { cassandraEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [header] = cassandraEncoder().encode({ opcode: 5, stream: 1, body: new Uint8Array(0) });
 * assertEquals(header, Uint8Array.of(4, 0, 0, 1, 5, 0, 0, 0, 0));
 * ```
 */
export function cassandraEncoder(options: CassandraEncoderOptions = {}): Encoder<CassandraFrame> {
  const direction = choiceOption("direction", options.direction, "client", ["client", "server"]);
  const { version = 4 } = options;
  if (![1, 2, 3, 4, 5].includes(version)) throw new RangeError(`version must be 1 to 5, got ${String(version)}`);
  const parser = cassandra(options);
  const wide = version >= 3;
  const most = wide ? 0x7fff : 0x7f;
  return {
    name: "cassandra",
    encode({ opcode, stream, flags = 0, body }: CassandraFrame): readonly Uint8Array[] {
      if (opcode !== (opcode & 255)) throw unencodable("cassandra", `opcode ${opcode} is no byte`);
      if (flags !== (flags & 255)) throw unencodable("cassandra", `flags ${flags} are no byte`);
      if (!Number.isInteger(stream) || stream > most || stream < -most - 1) {
        throw unencodable("cassandra", `there is no stream ${stream}`);
      }
      const header = new Uint8Array(wide ? 9 : 8);
      header[0] = version | (direction === "server" ? 0x80 : 0);
      header[1] = flags;
      if (wide) writeU16(header, 2, stream & 0xffff);
      else header[2] = stream & 0xff;
      header[header.length - 5] = opcode;
      writeU32(header, header.length - 4, Math.min(body.length, 0xffffffff));
      const answer = parser.parse(header, 0, header.length, parser.start!({ direction }));
      checkEncoded("cassandra", answer, header.length + body.length);
      return [header, body];
    },
  };
}
