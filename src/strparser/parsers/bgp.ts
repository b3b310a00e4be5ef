/**
 * BGP-4 messages (RFC 4271 section 4), route refresh (RFC 2918), extended messages (RFC 8654).
 *
 * Not here: attributes, capabilities (so whether messages may be extended is an option).
 *
 * @module
 */
import { readU16, writeU16 } from "../../bytes/integers.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";

/** Options of {@linkcode bgp} and {@linkcode bgpEncoder}. */
export interface BgpOptions {
  /** Whether both ends have announced extended messages, of up to 65535 bytes instead of 4096. @default {false} */
  extended?: boolean | undefined;
}

interface BgpState {
  isOpen: boolean;
  /** How much of the marker of the message in work is known to be right. */
  checked: number;
}

const MARKER = 16;
const HEADER = 19;
const LARGEST = 4096;
const LARGEST_EXTENDED = 65535;
const OPEN = 1;
const NOTIFICATION = 3;

/** By type: name, shortest length, and longest where it has one of its own. */
const TYPES: readonly (readonly [name: string, min: number, max: number] | undefined)[] = [
  undefined,
  ["OPEN", 29, LARGEST],
  ["UPDATE", 23, LARGEST_EXTENDED],
  ["NOTIFICATION", 21, LARGEST_EXTENDED],
  ["KEEPALIVE", HEADER, HEADER],
  ["ROUTE-REFRESH", 23, LARGEST_EXTENDED],
];

/**
 * Parser for BGP sessions from their first byte on, the same in both directions. The first message has to be OPEN or
 * NOTIFICATION.
 *
 * @example
 * ```ts
 * import { bgp } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = bgp();
 * const open = new Uint8Array(19).fill(255, 0, 16);
 * open.set([0, 53, 1], 16);
 * assertEquals(parser.parse(open, 0, 19, parser.start?.({})), 53);
 * ```
 */
export function bgp(options: BgpOptions = {}): Parser {
  const max = options.extended === true ? LARGEST_EXTENDED : LARGEST;
  return {
    name: "bgp",
    maxMessageLength: max,
    start: (): BgpState => ({ isOpen: false, checked: 0 }),
    parse(bytes: Uint8Array, start: number, end: number, state: BgpState): number | ParseFailure {
      const seen = Math.min(MARKER, end - start);
      for (; state.checked < seen; state.checked++) {
        const byte = bytes[start + state.checked]!;
        if (byte !== 255) return refuse(`marker has ${hexByte(byte)} as byte ${state.checked}, all have to be 0xff`);
      }
      if (end - start < HEADER) return -HEADER;
      const length = readU16(bytes, start + MARKER);
      const type = bytes[start + HEADER - 1]!;
      const wrong = checkMessage(length, type, max, state);
      if (wrong !== undefined) return wrong;
      state.isOpen = true;
      state.checked = 0;
      return length;
    },
  };
}

function checkMessage(length: number, type: number, max: number, state: BgpState): ParseFailure | undefined {
  if (length < HEADER) return refuse(`message of ${byteCount(length)} is shorter than its header`);
  const known = TYPES[type];
  if (known === undefined) return refuse(`message type ${type} is unknown`);
  const [name, shortest, longest] = known;
  if (!state.isOpen && type !== OPEN && type !== NOTIFICATION) return refuse(`session begins with ${name}`);
  if (length < shortest || length > longest) return refuse(`${name} of ${length} bytes`);
  if (length <= max) return undefined;
  return tooBig(`${name} of ${length} bytes exceeds the ${max} of sessions without extended messages`);
}

/** What {@linkcode bgpEncoder} puts into a message. */
export interface BgpMessage {
  /** 1 OPEN, 2 UPDATE, 3 NOTIFICATION, 4 KEEPALIVE, 5 ROUTE-REFRESH. */
  readonly type: number;
  /** Everything behind the type. */
  readonly payload: Uint8Array;
}

/**
 * Encoder for BGP messages.
 *
 * @example
 * ```ts
 * import { bgpEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [header] = bgpEncoder().encode({ type: 4, payload: new Uint8Array(0) });
 * assertEquals(header?.subarray(16), Uint8Array.of(0, 19, 4));
 * ```
 */
export function bgpEncoder(options: BgpOptions = {}): Encoder<BgpMessage> {
  const max = options.extended === true ? LARGEST_EXTENDED : LARGEST;
  return {
    name: "bgp",
    encode({ type, payload }: BgpMessage): readonly Uint8Array[] {
      const known = TYPES[type];
      if (known === undefined) throw unencodable("bgp", `message type ${type} is unknown`);
      const [name, shortest, longest] = known;
      const length = HEADER + payload.length;
      if (length < shortest || length > longest) throw unencodable("bgp", `${name} of ${length} bytes`);
      if (length > max) throw payloadTooBig("bgp", payload.length, max - HEADER);
      const header = new Uint8Array(HEADER).fill(255, 0, MARKER);
      writeU16(header, MARKER, length);
      header[HEADER - 1] = type;
      return [header, payload];
    },
  };
}
