/**
 * Encoder for packets of Oracle Net (TNS). Not here: the contents of packets; checksums, which nobody computes.
 *
 * @module
 */
import { writeU16, writeU32 } from "../../bytes/integers.ts";
import type { Encoder } from "../encoder.ts";
import { checkEncoded, payloadTooBig, unencodable } from "../parsers/refusal.ts";
import { tns, type TnsOptions } from "../parsers/tns.ts";

/** What {@linkcode tnsEncoder} puts into a packet. */
export interface TnsPacket {
  /** Packet type: 1 CONNECT, 2 ACCEPT, 6 DATA and so on. */
  readonly type: number;
  /** The byte behind the type. @default {0} */
  readonly flags?: number | undefined;
  /** Everything behind the header. */
  readonly payload: Uint8Array;
}

/** Options of {@linkcode tnsEncoder}. */
export interface TnsEncoderOptions extends Pick<TnsOptions, "maxPacketBytes"> {
  /** Bytes of the length field: 4 behind an ACCEPT of version 315 on. @default {2} */
  lengthBytes?: 2 | 4 | undefined;
}

const HEADER = 8;
/** What the parser looks at besides the header: the version in an ACCEPT. */
const SEEN = 2;

/**
 * Encoder for packets of Oracle Net. Refuses what the parser would.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { tnsEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [header] = tnsEncoder().encode({ type: 6, payload: new Uint8Array(2) });
 * assertEquals(header, Uint8Array.of(0, 10, 0, 0, 6, 0, 0, 0));
 * ```
 */
export function tnsEncoder(options: TnsEncoderOptions = {}): Encoder<TnsPacket> {
  const { lengthBytes = 2 } = options;
  const parser = tns({ ...options, lengthBytes });
  const max = Math.min(parser.maxMessageLength!, lengthBytes === 2 ? 0xffff : 0xffffffff) - HEADER;
  return {
    name: "tns",
    encode({ type, flags = 0, payload }: TnsPacket): readonly Uint8Array[] {
      if (type !== (type & 255)) throw unencodable("tns", `type ${type} is no byte`);
      if (flags !== (flags & 255)) throw unencodable("tns", `flags ${flags} are no byte`);
      if (payload.length > max) throw payloadTooBig("tns", payload.length, max);
      const header = new Uint8Array(HEADER);
      const total = HEADER + payload.length;
      if (lengthBytes === 2) writeU16(header, 0, total);
      else writeU32(header, 0, total);
      header[4] = type;
      header[5] = flags;
      const seen = new Uint8Array([...header, ...payload.subarray(0, SEEN)]);
      checkEncoded("tns", parser.parse(seen, 0, seen.length, parser.start!({})), total);
      return [header, payload];
    },
  };
}
