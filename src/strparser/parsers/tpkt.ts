/**
 * TPKT, ISO transport on top of TCP (RFC 1006 section 6, RFC 2126 section 4.3): RDP, H.323, S7, MMS. On demand with
 * RDP's fast-path PDUs among the packets ([MS-RDPBCGR] sections 2.2.8.1.2 and 2.2.9.1.2).
 *
 * Not here: X.224 and what it carries; RDP behind a change to TLS, which is refused with that reason.
 *
 * @module
 */
import { readU16, writeU16 } from "../../bytes/integers.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, payloadTooBig, refuse } from "./refusal.ts";

/** Options of {@linkcode tpkt}. */
export interface TpktOptions {
  /** Whether RDP's fast-path PDUs may come behind the first packet. @default {false} */
  fastPath?: boolean | undefined;
}

interface TpktState {
  isStarted: boolean;
}

const VERSION = 3;
const HEADER = 4;
const LARGEST = 0xffff;
const FAST_PATH_LARGEST = 0x7fff;

/**
 * Parser for TPKT, the same in both directions. A packet may be empty: H.323 keeps connections alive with that.
 *
 * @example
 * ```ts
 * import { tpkt } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = tpkt();
 * assertEquals(parser.parse(Uint8Array.of(3, 0, 0, 19), 0, 4, parser.start?.({})), 19);
 * ```
 */
export function tpkt(options: TpktOptions = {}): Parser {
  const { fastPath = false } = options;
  return {
    name: "tpkt",
    maxMessageLength: LARGEST,
    start: (): TpktState => ({ isStarted: false }),
    parse(bytes: Uint8Array, start: number, end: number, state: TpktState): number | ParseFailure {
      const first = bytes[start]!;
      if (first !== VERSION) {
        // its low two bits are the action, 0
        if (fastPath && state.isStarted && (first & 3) === 0) return parseFastPath(bytes, start, end);
        return refuse(`version ${hexByte(first)} is unknown${likelyCauseOfByte(first)}`);
      }
      if (end - start < HEADER) return -HEADER;
      const length = readU16(bytes, start + 2);
      if (length < HEADER) return refuse(`packet of ${byteCount(length)} is shorter than its header`);
      state.isStarted = true;
      return length;
    },
  };
}

/** One byte of length, or two with the top bit set; more than the header in any case. */
function parseFastPath(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
  if (end - start < 2) return -2;
  const short = bytes[start + 1]!;
  const header = short < 0x80 ? 2 : 3;
  if (end - start < header) return -header;
  const length = short < 0x80 ? short : readU16(bytes, start + 1) & FAST_PATH_LARGEST;
  return length > header ? length : refuse(`fast-path PDU of ${byteCount(length)} is not longer than its header`);
}

/**
 * Encoder for TPKT: a payload is one TPDU.
 *
 * @example
 * ```ts
 * import { tpktEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(tpktEncoder().encode(new Uint8Array(15))[0], Uint8Array.of(3, 0, 0, 19));
 * ```
 */
export function tpktEncoder(): Encoder {
  return {
    name: "tpkt",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > LARGEST - HEADER) throw payloadTooBig("tpkt", payload.length, LARGEST - HEADER);
      const header = new Uint8Array(HEADER);
      header[0] = VERSION;
      writeU16(header, 2, HEADER + payload.length);
      return [header, payload];
    },
  };
}
