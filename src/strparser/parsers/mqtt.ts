/**
 * MQTT 3.1, 3.1.1 and 5 (OASIS MQTT Version 3.1.1 and 5.0, sections 2.1 and 2.2).
 *
 * The form of the length is not checked to be the shortest: only version 5 demands it, and devices are known to write
 * a fixed width. Not here: MQTT over WebSocket (that is in WebSocket's messages), MQTT-SN, what packets say.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";
import { encodeVarint, readVarint, VARINT_MORE, VARINT_TOO_LONG, varintWidth } from "./varint.ts";

/** Options of {@linkcode mqtt} and {@linkcode mqttEncoder}. */
export interface MqttOptions {
  /** Longest packet without its fixed header, in bytes. @default {268435455} */
  maxRemainingBytes?: number | undefined;
}

interface MqttState {
  direction: "client" | "server" | undefined;
  isStarted: boolean;
}

interface PacketType {
  readonly name: string;
  /** The four bits beside the type; undefined where they mean something. */
  readonly flags: number | undefined;
  /** Shortest and longest rest. */
  readonly min: number;
  readonly max: number;
  readonly from: "client" | "server" | "both";
}

const LARGEST = 268435455;
const WIDEST = 4;
const CONNECT = 1;
const CONNACK = 2;
const PUBLISH = 3;
const AUTH = 15;

function packet(
  name: string,
  from: PacketType["from"],
  flags: number | undefined,
  min: number,
  max?: number,
): PacketType {
  return { name, from, flags, min, max: max ?? LARGEST };
}

/** By type; 0 is forbidden. */
const TYPES: readonly (PacketType | undefined)[] = [
  undefined,
  packet("CONNECT", "client", 0, 12),
  packet("CONNACK", "server", 0, 2),
  packet("PUBLISH", "both", undefined, 2),
  packet("PUBACK", "both", 0, 2),
  packet("PUBREC", "both", 0, 2),
  packet("PUBREL", "both", 2, 2),
  packet("PUBCOMP", "both", 0, 2),
  packet("SUBSCRIBE", "client", 2, 6),
  packet("SUBACK", "server", 0, 3),
  packet("UNSUBSCRIBE", "client", 2, 5),
  packet("UNSUBACK", "server", 0, 2),
  packet("PINGREQ", "client", 0, 0, 0),
  packet("PINGRESP", "server", 0, 0, 0),
  packet("DISCONNECT", "both", 0, 0),
  packet("AUTH", "both", 0, 0),
];

/**
 * Parser for MQTT connections from their first byte on. Where the direction is unknown the first packet tells it.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { mqtt } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = mqtt();
 * assertEquals(parser.parse(Uint8Array.of(0x20, 2), 0, 2, parser.start?.({ direction: "server" })), 4);
 * ```
 */
export function mqtt(options: MqttOptions = {}): Parser {
  const max = Math.min(limitOption("maxRemainingBytes", options.maxRemainingBytes, LARGEST), LARGEST);
  return {
    name: "mqtt",
    maxMessageLength: 1 + WIDEST + max,
    start({ direction }: ParserContext): MqttState {
      return { direction, isStarted: false };
    },
    parse(bytes: Uint8Array, start: number, end: number, state: MqttState): number | ParseFailure {
      const first = bytes[start]!;
      const type = TYPES[first >> 4];
      const wrong = checkFirst(first, type, state);
      if (wrong !== undefined || type === undefined) return wrong ?? refuse("packet type 0 is forbidden");
      const length = readVarint(bytes, start + 1, end, WIDEST);
      if (length === VARINT_MORE) return -(end - start + 1);
      if (length === VARINT_TOO_LONG) return refuse("remaining length has more than 4 bytes");
      // an acknowledged PUBLISH has an identifier besides the length of its topic
      const min = type.min + (first >> 4 === PUBLISH && (first & 6) !== 0 ? 2 : 0);
      if (length < min || length > type.max) return refuse(`${type.name} with ${byteCount(length)}`);
      if (length > max) return tooBig(`${type.name} with ${length} bytes exceeds maxRemainingBytes ${max}`);
      if (!state.isStarted) {
        state.isStarted = true;
        state.direction ??= first >> 4 === CONNECT ? "client" : "server";
      }
      return 1 + varintWidth(bytes, start + 1) + length;
    },
  };
}

/** What the first byte alone can have wrong. */
function checkFirst(first: number, type: PacketType | undefined, state: MqttState): ParseFailure | undefined {
  const number = first >> 4;
  const flags = first & 15;
  if (!state.isStarted && !mayBegin(number, state.direction)) {
    return refuse(`first packet of type ${number} (${hexByte(first)})${likelyCauseOfByte(first)}`);
  }
  if (type === undefined) return undefined;
  if (state.direction !== undefined && type.from !== "both" && type.from !== state.direction) {
    return refuse(`${type.name} from the ${state.direction}`);
  }
  if (state.isStarted && number === CONNECT) return refuse("second CONNECT");
  // version 3.1 marks these three as repeated too, which 3.1.1 has forbidden
  const isRepeated = type.flags === 2 && flags === 10;
  if (type.flags !== undefined && flags !== type.flags && !isRepeated) {
    return refuse(
      `${type.name} with flags ${flags}, not ${type.flags}${state.isStarted ? "" : likelyCauseOfByte(first)}`,
    );
  }
  if (number !== PUBLISH) return undefined;
  const quality = (flags >> 1) & 3;
  if (quality === 3) return refuse("PUBLISH with quality of service 3");
  return quality === 0 && (flags & 8) !== 0 ? refuse("PUBLISH repeated without being acknowledged") : undefined;
}

function mayBegin(type: number, direction: MqttState["direction"]): boolean {
  if (direction === "client") return type === CONNECT;
  return type === CONNACK || type === AUTH || (type === CONNECT && direction === undefined);
}

/** What {@linkcode mqttEncoder} puts into a packet. */
export interface MqttPacket {
  /** Packet type, 1 to 15. */
  readonly type: number;
  /** The four bits beside it. @default {2 for PUBREL, SUBSCRIBE and UNSUBSCRIBE, otherwise 0} */
  readonly flags?: number | undefined;
  /** Everything behind the fixed header. */
  readonly payload: Uint8Array;
}

/**
 * Encoder for MQTT packets.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { mqttEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [header] = mqttEncoder().encode({ type: 3, payload: new Uint8Array(321) });
 * assertEquals(header, Uint8Array.of(0x30, 0xc1, 0x02));
 * ```
 */
export function mqttEncoder(options: MqttOptions = {}): Encoder<MqttPacket> {
  const max = Math.min(limitOption("maxRemainingBytes", options.maxRemainingBytes, LARGEST), LARGEST);
  return {
    name: "mqtt",
    encode({ type, flags, payload }: MqttPacket): readonly Uint8Array[] {
      const known = TYPES[type];
      if (known === undefined) throw unencodable("mqtt", `packet type ${type} is unknown`);
      const bits = flags ?? known.flags ?? 0;
      const isWrong = known.flags === undefined ? bits !== (bits & 15) || (bits & 6) === 6 : bits !== known.flags;
      if (isWrong || (type === PUBLISH && (bits & 14) === 8)) {
        throw unencodable("mqtt", `${known.name} with flags ${bits}`);
      }
      if (payload.length > max) throw payloadTooBig("mqtt", payload.length, max);
      const min = known.min + (type === PUBLISH && (bits & 6) !== 0 ? 2 : 0);
      if (payload.length < min || payload.length > known.max) {
        throw unencodable("mqtt", `${known.name} with ${byteCount(payload.length)}`);
      }
      const length = encodeVarint(payload.length);
      const header = new Uint8Array(1 + length.length);
      header[0] = type << 4 | bits;
      header.set(length, 1);
      return [header, payload];
    },
  };
}
