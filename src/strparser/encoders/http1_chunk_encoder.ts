/**
 * Encoder for the chunks of an HTTP/1.1 body (RFC 9112 section 7.1).
 *
 * Not here: heads, which are text as it is; trailers.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import { asciiBytes } from "../parsers/ascii.ts";
import type { Http1Options } from "../parsers/http1.ts";
import { payloadTooBig } from "../parsers/refusal.ts";

const LINE_END = Uint8Array.of(13, 10);
const LAST = asciiBytes("0\r\n\r\n");

/**
 * Encoder for chunks: a payload is the content of one, an empty payload the end of the body.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { http1ChunkEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const text = (pieces: readonly Uint8Array[]) => pieces.map((piece) => new TextDecoder().decode(piece)).join("");
 * assertEquals(text(http1ChunkEncoder().encode(new TextEncoder().encode("hello"))), "5\r\nhello\r\n");
 * assertEquals(text(http1ChunkEncoder().encode(new Uint8Array(0))), "0\r\n\r\n");
 * ```
 */
export function http1ChunkEncoder(options: Pick<Http1Options, "maxPieceBytes"> = {}): Encoder {
  const max = limitOption("maxPieceBytes", options.maxPieceBytes, 64 * 1024);
  return {
    name: "http1",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > max) throw payloadTooBig("http1", payload.length, max);
      if (payload.length === 0) return [LAST];
      return [asciiBytes(`${payload.length.toString(16)}\r\n`), payload, LINE_END];
    },
  };
}
