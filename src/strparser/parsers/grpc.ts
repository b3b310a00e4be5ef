/**
 * gRPC messages as they lie in the DATA of an HTTP/2 stream ("gRPC over HTTP2", Length-Prefixed-Message; the trailers of
 * "gRPC Web" on demand).
 *
 * Its input is the body of one call and direction, not the connection: take the DATA payloads out of HTTP/2 first. Not
 * here: decompression, what is in messages.
 *
 * @module
 */
import { readU32, writeU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";

/** Options of {@linkcode grpc} and {@linkcode grpcEncoder}. */
export interface GrpcOptions {
  /** Longest message without its prefix, in bytes: what gRPC calls the maximum receive size. @default {4194304} */
  maxMessageBytes?: number | undefined;
  /** Whether frames of trailers may come, as gRPC-Web has them at the end of a response. @default {false} */
  web?: boolean | undefined;
}

const PREFIX = 5;
const COMPRESSED = 1;
const TRAILERS = 0x80;
const DEFAULT_MAX = 4 * 1024 * 1024;

/**
 * Parser for gRPC messages.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { grpc } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(grpc().parse(Uint8Array.of(0, 0, 0, 0, 7), 0, 5, undefined), 12);
 * ```
 */
export function grpc(options: GrpcOptions = {}): Parser {
  const max = limitOption("maxMessageBytes", options.maxMessageBytes, DEFAULT_MAX);
  const flags = options.web === true ? TRAILERS | COMPRESSED : COMPRESSED;
  return {
    name: "grpc",
    maxMessageLength: PREFIX + Math.min(max, 0xffffffff),
    parse(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
      const flag = bytes[start]!;
      if ((flag & ~flags) !== 0) {
        return refuse(`compression flag ${hexByte(flag)} is neither 0 nor 1${likelyCauseOfByte(flag)}`);
      }
      if (end - start < PREFIX) return -PREFIX;
      const length = readU32(bytes, start + 1);
      return length > max ? tooBig(`message of ${length} bytes exceeds maxMessageBytes ${max}`) : PREFIX + length;
    },
  };
}

/** What {@linkcode grpcEncoder} puts into a message. */
export interface GrpcMessage {
  /** The message, compressed or not. */
  readonly payload: Uint8Array;
  /** Whether `payload` is compressed. @default {false} */
  readonly isCompressed?: boolean | undefined;
  /** Whether `payload` is trailers, which only gRPC-Web has. @default {false} */
  readonly isTrailers?: boolean | undefined;
}

/**
 * Encoder for gRPC messages.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { grpcEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [prefix] = grpcEncoder().encode({ payload: Uint8Array.of(8, 1) });
 * assertEquals(prefix, Uint8Array.of(0, 0, 0, 0, 2));
 * ```
 */
export function grpcEncoder(options: GrpcOptions = {}): Encoder<GrpcMessage> {
  const max = Math.min(limitOption("maxMessageBytes", options.maxMessageBytes, DEFAULT_MAX), 0xffffffff);
  return {
    name: "grpc",
    encode({ payload, isCompressed = false, isTrailers = false }: GrpcMessage): readonly Uint8Array[] {
      if (payload.length > max) throw payloadTooBig("grpc", payload.length, max);
      if (isTrailers && options.web !== true) {
        throw unencodable("grpc", "trailers, which only gRPC-Web has in messages");
      }
      const prefix = new Uint8Array(PREFIX);
      prefix[0] = (isCompressed ? COMPRESSED : 0) | (isTrailers ? TRAILERS : 0);
      writeU32(prefix, 1, payload.length);
      return [prefix, payload];
    },
  };
}
