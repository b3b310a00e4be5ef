/**
 * WebSocket frames (RFC 6455 section 5), with the reserved bit that permessage-deflate (RFC 7692) takes.
 *
 * The stream begins behind the HTTP upgrade, with the first byte after the blank line. A message of this parser is one
 * frame, or with `whole` one WebSocket message: all its fragments, and whatever control frames lie between them. Not
 * here: the upgrade, other extensions, unmasking, decompression, UTF-8.
 *
 * @module
 */
import { readU16, readU32, writeU16, writeU32 } from "../../bytes/integers.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, refuse, tooBig, unencodable } from "./refusal.ts";
import { parseWhole, type WholeState } from "./whole.ts";

/** Options of {@linkcode websocket}. */
export interface WebsocketOptions {
  /** Deliver whole messages instead of frames. @default {false} */
  whole?: boolean | undefined;
  /** Whether messages may be compressed, by permessage-deflate. @default {true} */
  compression?: boolean | undefined;
}

interface WebsocketState extends WholeState {
  /** Whether frames are masked; unknown until the first one where the direction is. */
  isMasked: boolean | undefined;
  /** Whether a fragmented message has begun and not ended. */
  isInside: boolean;
  isClosed: boolean;
  readonly isLast: () => boolean;
}

const FIN = 0x80;
const RSV1 = 0x40;
const RSV2_AND_3 = 0x30;
const MASK = 0x80;
const CONTINUATION = 0;
const CLOSE = 8;
const LARGEST_CONTROL = 125;
const U16_LENGTH = 126;
const U64_LENGTH = 127;
const OPCODES: ReadonlySet<number> = new Set([0, 1, 2, 8, 9, 10]);

/**
 * Parser for WebSocket frames. Clients mask, servers don't; where the direction is unknown the first frame tells it.
 *
 * @example
 * ```ts
 * import { websocket } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = websocket();
 * const state = parser.start?.({ direction: "server" });
 * assertEquals(parser.parse(Uint8Array.of(0x81, 5, 72, 101), 0, 4, state), 7);
 * ```
 */
export function websocket(options: WebsocketOptions = {}): Parser {
  const { whole = false, compression = true } = options;
  const frame = (bytes: Uint8Array, start: number, end: number, state: WebsocketState) =>
    parseFrame(bytes, start, end, state, compression);
  return {
    name: "websocket",
    ...(whole && { maxHeaderBytes: Infinity }),
    start({ direction }: ParserContext): WebsocketState {
      const isMasked = direction === undefined ? undefined : direction === "client";
      const state: WebsocketState = {
        at: 0,
        isMasked,
        isInside: false,
        isClosed: false,
        isLast: () => !state.isInside,
      };
      return state;
    },
    parse(bytes: Uint8Array, start: number, end: number, state: WebsocketState): number | ParseFailure {
      return whole ? parseWhole(bytes, start, end, state, frame, state.isLast) : frame(bytes, start, end, state);
    },
  };
}

function parseFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: WebsocketState,
  compression: boolean,
): number | ParseFailure {
  const first = bytes[start]!;
  const wrong = checkFirst(first, state, compression);
  if (wrong !== undefined) return wrong;
  if (end - start < 2) return -2;
  const second = bytes[start + 1]!;
  const isMasked = (second & MASK) !== 0;
  if (state.isMasked !== undefined && isMasked !== state.isMasked) {
    return refuse(isMasked ? "masked frame from the server" : "frame from the client is not masked");
  }
  const short = second & 0x7f;
  const isControl = (first & 8) !== 0;
  if (isControl && short > LARGEST_CONTROL) return refuse("control frame of more than 125 bytes");
  if ((first & 15) === CLOSE && short === 1) return refuse("close frame with half a status code");
  const header = short === U64_LENGTH ? 10 : short === U16_LENGTH ? 4 : 2;
  if (end - start < header) return -header;
  const length = readLength(bytes, start + 2, short);
  if (typeof length !== "number") return length;
  state.isMasked = isMasked;
  state.isClosed = (first & 15) === CLOSE;
  if (!isControl) state.isInside = (first & FIN) === 0;
  return header + (isMasked ? 4 : 0) + length;
}

/** What the first byte alone can have wrong. */
function checkFirst(first: number, state: WebsocketState, compression: boolean): ParseFailure | undefined {
  if (state.isClosed) return refuse("bytes behind the close frame");
  const opcode = first & 15;
  const isControl = opcode >= 8;
  if (!OPCODES.has(opcode)) return refuse(`opcode ${hexByte(opcode)} is reserved${likelyCauseOfByte(first)}`);
  if ((first & RSV2_AND_3) !== 0) return refuse(`reserved bits in ${hexByte(first)}${likelyCauseOfByte(first)}`);
  if (isControl && (first & FIN) === 0) return refuse(`fragmented control frame${likelyCauseOfByte(first)}`);
  if ((first & RSV1) !== 0 && (!compression || isControl || opcode === CONTINUATION)) {
    return refuse(`bit of compressed messages in ${hexByte(first)}, where it may not be`);
  }
  if (isControl) return undefined;
  if (opcode === CONTINUATION && !state.isInside) return refuse("continuation without a message");
  if (opcode !== CONTINUATION && state.isInside) return refuse("new message within a fragmented one");
  return undefined;
}

function readLength(bytes: Uint8Array, at: number, short: number): number | ParseFailure {
  if (short < U16_LENGTH) return short;
  if (short === U16_LENGTH) {
    const length = readU16(bytes, at);
    return length < U16_LENGTH ? refuse(`length ${length} is not in its shortest form`) : length;
  }
  const high = readU32(bytes, at);
  if (high >= 0x80000000) return refuse("length of 64 bits has its top bit set");
  const length = high * 0x100000000 + readU32(bytes, at + 4);
  if (length <= 0xffff) return refuse(`length ${length} is not in its shortest form`);
  // 14 for the longest header
  return length > Number.MAX_SAFE_INTEGER - 14 ? tooBig("length field is beyond 2^53") : length;
}

/** What {@linkcode websocketEncoder} puts into a frame. */
export interface WebsocketFrame {
  /** 1 text, 2 binary, 0 continuation, 8 close, 9 ping, 10 pong. */
  readonly opcode: number;
  /** The data, not masked. */
  readonly payload: Uint8Array;
  /** Whether it ends its message. @default {true} */
  readonly isFinal?: boolean | undefined;
  /** Whether this is the first frame of a message that permessage-deflate has compressed. @default {false} */
  readonly isCompressed?: boolean | undefined;
}

/** Options of {@linkcode websocketEncoder}. */
export interface WebsocketEncoderOptions {
  /** Fills the four bytes of a frame's mask with unpredictable ones; clients must mask, servers must not. */
  fillMask?: ((mask: Uint8Array) => void) | undefined;
}

/**
 * Encoder for WebSocket frames: with `fillMask` a client's, whose payloads are copied, otherwise a server's.
 *
 * @example
 * ```ts
 * import { websocketEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [header] = websocketEncoder().encode({ opcode: 2, payload: new Uint8Array(126) });
 * assertEquals(header, Uint8Array.of(0x82, 126, 0, 126));
 * ```
 */
export function websocketEncoder(options: WebsocketEncoderOptions = {}): Encoder<WebsocketFrame> {
  const { fillMask } = options;
  return {
    name: "websocket",
    encode({ opcode, payload, isFinal = true, isCompressed = false }: WebsocketFrame): readonly Uint8Array[] {
      checkEncodable(opcode, payload, isFinal, isCompressed);
      const header = headerOf(payload.length, fillMask === undefined ? 0 : 4);
      header[0] = opcode | (isFinal ? FIN : 0) | (isCompressed ? RSV1 : 0);
      if (fillMask === undefined) return [header, payload];
      header[1]! |= MASK;
      const mask = header.subarray(header.length - 4);
      fillMask(mask);
      const masked = new Uint8Array(payload.length);
      for (let i = 0; i < masked.length; i++) masked[i] = payload[i]! ^ mask[i & 3]!;
      return [header, masked];
    },
  };
}

function checkEncodable(opcode: number, payload: Uint8Array, isFinal: boolean, isCompressed: boolean): void {
  if (!OPCODES.has(opcode)) throw unencodable("websocket", `opcode ${opcode} is reserved`);
  const isControl = opcode >= 8;
  const size = payload.length;
  if (isControl && (!isFinal || isCompressed)) {
    throw unencodable("websocket", "control frame that is not whole or plain");
  }
  if (isCompressed && opcode === CONTINUATION) throw unencodable("websocket", "compression is marked on first frames");
  if (isControl && size > LARGEST_CONTROL) throw unencodable("websocket", `control frame of ${byteCount(size)}`);
  if (opcode === CLOSE && size === 1) throw unencodable("websocket", "close frame with half a status code");
}

function headerOf(length: number, more: number): Uint8Array {
  const size = length < U16_LENGTH ? 2 : length <= 0xffff ? 4 : 10;
  const header = new Uint8Array(size + more);
  header[1] = size === 2 ? length : size === 4 ? U16_LENGTH : U64_LENGTH;
  if (size === 4) writeU16(header, 2, length);
  if (size === 10) {
    writeU32(header, 2, Math.floor(length / 0x100000000));
    writeU32(header, 6, length % 0x100000000);
  }
  return header;
}
