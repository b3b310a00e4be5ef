/**
 * Encoder for HTTP/2 frames (RFC 9113 section 4.1).
 *
 * Not here: the client's preface, which is 24 bytes of text; the contents of frames.
 *
 * @module
 */
import { writeU24, writeU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import { type Http2Options, parseFrame } from "../parsers/http2.ts";
import { checkEncoded, payloadTooBig, unencodable } from "../parsers/refusal.ts";

/** What {@linkcode http2Encoder} puts into a frame. */
export interface Http2Frame {
  /** Frame type: 0 DATA, 1 HEADERS, 4 SETTINGS and so on. */
  readonly type: number;
  /** The flags byte. @default {0} */
  readonly flags?: number | undefined;
  /** Number of the stream, 0 for the connection. @default {0} */
  readonly stream?: number | undefined;
  /** Everything behind the frame's header. */
  readonly payload: Uint8Array;
}

const HEADER = 9;
const LARGEST_FRAME = 0xffffff;

/**
 * Encoder for HTTP/2 frames. Refuses what the parser would: sizes and streams that a type cannot have.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { http2Encoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [header] = http2Encoder().encode({ type: 6, payload: new Uint8Array(8) });
 * assertEquals(header, Uint8Array.of(0, 0, 8, 6, 0, 0, 0, 0, 0));
 * ```
 */
export function http2Encoder(options: Http2Options = {}): Encoder<Http2Frame> {
  const max = Math.min(limitOption("maxFrameSize", options.maxFrameSize, LARGEST_FRAME, 16384), LARGEST_FRAME);
  return {
    name: "http2",
    encode({ type, flags = 0, stream = 0, payload }: Http2Frame): readonly Uint8Array[] {
      if (payload.length > max) throw payloadTooBig("http2", payload.length, max);
      if (type !== (type & 255)) throw unencodable("http2", `type ${type} is no byte`);
      if (flags !== (flags & 255)) throw unencodable("http2", `flags ${flags} are no byte`);
      if (stream !== (stream & 0x7fffffff)) throw unencodable("http2", `there is no stream ${stream}`);
      const header = new Uint8Array(HEADER);
      writeU24(header, 0, payload.length);
      header[3] = type;
      header[4] = flags;
      writeU32(header, 5, stream);
      checkEncoded("http2", parseFrame(header, 0, HEADER), HEADER + payload.length);
      return [header, payload];
    },
  };
}
