/**
 * ICMPv6 (RFC 4443) and the solicitations and advertisements of neighbours (RFC 4861).
 *
 * Types other than the ones named are kept opaque. Not here: router discovery, multicast listeners.
 *
 * @module
 */
import { writeU32 } from "../bytes/integers.ts";
import { IcmpFields } from "./icmp.ts";
import { IpProtocol } from "./segment.ts";
import { checkBytes, checkField, checkRoom, checksumWithAddresses, type IpAddresses, wireError } from "./wire.ts";

/** Types by the names of RFC 4443 and RFC 4861. */
export const Icmpv6Type = {
  /** Could not be delivered. */
  DESTINATION_UNREACHABLE: 1,
  /** Larger than the next link takes. */
  PACKET_TOO_BIG: 2,
  /** Hops or time for reassembly ran out. */
  TIME_EXCEEDED: 3,
  /** A header field is wrong. */
  PARAMETER_PROBLEM: 4,
  /** Please answer. */
  ECHO_REQUEST: 128,
  /** Answer to an echo. */
  ECHO_REPLY: 129,
  /** Who has this address? */
  NEIGHBOR_SOLICITATION: 135,
  /** I have. */
  NEIGHBOR_ADVERTISEMENT: 136,
} as const;

/** A message. `quote` is the start of the datagram that caused it; `options` are those of RFC 4861, as bytes. */
export type Icmpv6Message =
  | { readonly kind: "destinationUnreachable"; readonly code: number; readonly quote: Uint8Array }
  | { readonly kind: "packetTooBig"; readonly mtu: number; readonly quote: Uint8Array }
  | { readonly kind: "timeExceeded"; readonly code: number; readonly quote: Uint8Array }
  /** `pointer` is the offset of the byte at fault. */
  | { readonly kind: "parameterProblem"; readonly code: number; readonly pointer: number; readonly quote: Uint8Array }
  | { readonly kind: "echoRequest"; readonly identifier: number; readonly sequence: number; readonly data: Uint8Array }
  | { readonly kind: "echoReply"; readonly identifier: number; readonly sequence: number; readonly data: Uint8Array }
  /** `target` is an address of 16 bytes. */
  | { readonly kind: "neighborSolicitation"; readonly target: Uint8Array; readonly options: Uint8Array }
  | {
    readonly kind: "neighborAdvertisement";
    readonly isRouter: boolean;
    readonly isSolicited: boolean;
    readonly isOverride: boolean;
    readonly target: Uint8Array;
    readonly options: Uint8Array;
  }
  /** Any other type; `word` is the one behind the checksum. */
  | {
    readonly kind: "unknown";
    readonly type: number;
    readonly code: number;
    readonly word: number;
    readonly data: Uint8Array;
  };

/**
 * The fixed fields of an ICMPv6 message in place: with the checksum of RFC 4443 section 2.3.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { Icmpv6View, parseAddress } from "@leat/streams/packet";
 *
 * const addresses = { source: parseAddress("fe80::1"), destination: parseAddress("fe80::2") };
 * const view = new Icmpv6View(new Uint8Array([128, 0, 0, 0, 0, 1, 0, 1]));
 * view.fillChecksum(addresses);
 * assert(view.isChecksumValid(addresses));
 * ```
 */
export class Icmpv6View extends IcmpFields {
  /** Whether the checksum is right. */
  isChecksumValid(addresses: IpAddresses): boolean {
    return checksumWithAddresses(addresses, IpProtocol.ICMPV6, this.bytes, this.bytes.length) === 0;
  }

  /** Fills the checksum in. */
  fillChecksum(addresses: IpAddresses): void {
    this.checksum = 0;
    this.checksum = checksumWithAddresses(addresses, IpProtocol.ICMPV6, this.bytes, this.bytes.length);
  }
}

const TARGET_LENGTH = 16;

/** Bits of a neighbour advertisement. */
const ROUTER = 0x80000000;
const SOLICITED = 0x40000000;
const OVERRIDE = 0x20000000;

/**
 * Reads a message. All bytes in it are views.
 *
 * @throws {PacketError} when the bytes are too few
 */
export function decodeIcmpv6(bytes: Uint8Array): Icmpv6Message {
  const { type, code, word, payload } = new Icmpv6View(bytes);
  switch (type) {
    case Icmpv6Type.DESTINATION_UNREACHABLE:
      return { kind: "destinationUnreachable", code, quote: payload };
    case Icmpv6Type.PACKET_TOO_BIG:
      return { kind: "packetTooBig", mtu: word, quote: payload };
    case Icmpv6Type.TIME_EXCEEDED:
      return { kind: "timeExceeded", code, quote: payload };
    case Icmpv6Type.PARAMETER_PROBLEM:
      return { kind: "parameterProblem", code, pointer: word, quote: payload };
    case Icmpv6Type.ECHO_REQUEST:
      return { kind: "echoRequest", identifier: word >>> 16, sequence: word & 0xffff, data: payload };
    case Icmpv6Type.ECHO_REPLY:
      return { kind: "echoReply", identifier: word >>> 16, sequence: word & 0xffff, data: payload };
    case Icmpv6Type.NEIGHBOR_SOLICITATION:
      return { kind: "neighborSolicitation", ...targetAndOptions(payload) };
    case Icmpv6Type.NEIGHBOR_ADVERTISEMENT:
      return {
        kind: "neighborAdvertisement",
        isRouter: (word & ROUTER) !== 0,
        isSolicited: (word & SOLICITED) !== 0,
        isOverride: (word & OVERRIDE) !== 0,
        ...targetAndOptions(payload),
      };
    default:
      return { kind: "unknown", type, code, word, data: payload };
  }
}

/** Length of the encoded message. */
export function icmpv6Length(message: Icmpv6Message): number {
  return 8 + ("target" in message ? TARGET_LENGTH : 0) + tail(message).length;
}

/**
 * Writes a message with its checksum and returns its length.
 *
 * @throws {RangeError} when a field is out of range, `into` too short, or an unknown type is one that has a kind
 */
export function encodeIcmpv6(message: Icmpv6Message, into: Uint8Array, addresses: IpAddresses): number {
  const length = icmpv6Length(message);
  checkRoom(into, length);
  const view = new Icmpv6View(into.subarray(0, length));
  const bytes = tail(message);
  view.bytes.set(bytes, length - bytes.length);
  if ("target" in message) {
    checkBytes("target", message.target, TARGET_LENGTH);
    view.bytes.set(message.target, 8);
  }
  if ("code" in message) checkField("code", message.code, 0xff);
  view.code = "code" in message ? message.code : 0;
  view.type = typeNumber(message);
  writeU32(view.bytes, 4, headerWord(message));
  view.fillChecksum(addresses);
  return length;
}

function targetAndOptions(payload: Uint8Array): { target: Uint8Array; options: Uint8Array } {
  if (payload.length < TARGET_LENGTH) throw wireError("ICMPv6", "truncated within a target address", 8);
  return { target: payload.subarray(0, TARGET_LENGTH), options: payload.subarray(TARGET_LENGTH) };
}

function tail(message: Icmpv6Message): Uint8Array {
  if ("quote" in message) return message.quote;
  return "options" in message ? message.options : message.data;
}

/** Type number of each kind that has one. */
const TYPES: Readonly<Record<Exclude<Icmpv6Message["kind"], "unknown">, number>> = {
  destinationUnreachable: Icmpv6Type.DESTINATION_UNREACHABLE,
  packetTooBig: Icmpv6Type.PACKET_TOO_BIG,
  timeExceeded: Icmpv6Type.TIME_EXCEEDED,
  parameterProblem: Icmpv6Type.PARAMETER_PROBLEM,
  echoRequest: Icmpv6Type.ECHO_REQUEST,
  echoReply: Icmpv6Type.ECHO_REPLY,
  neighborSolicitation: Icmpv6Type.NEIGHBOR_SOLICITATION,
  neighborAdvertisement: Icmpv6Type.NEIGHBOR_ADVERTISEMENT,
};

function typeNumber(message: Icmpv6Message): number {
  if (message.kind !== "unknown") return TYPES[message.kind];
  checkField("type", message.type, 0xff);
  // an unknown message of a known type would be read back as another value
  if (Object.values(TYPES).includes(message.type)) {
    throw new RangeError(`type must be one without a kind, got ${message.type}`);
  }
  return message.type;
}

/** The word behind the checksum. */
function headerWord(message: Icmpv6Message): number {
  switch (message.kind) {
    case "packetTooBig":
      checkField("mtu", message.mtu, 0xffffffff);
      return message.mtu;
    case "parameterProblem":
      checkField("pointer", message.pointer, 0xffffffff);
      return message.pointer;
    case "echoRequest":
    case "echoReply":
      checkField("identifier", message.identifier, 0xffff);
      checkField("sequence", message.sequence, 0xffff);
      return message.identifier * 0x10000 + message.sequence;
    case "neighborAdvertisement":
      return (message.isRouter ? ROUTER : 0) + (message.isSolicited ? SOLICITED : 0) +
        (message.isOverride ? OVERRIDE : 0);
    case "unknown":
      checkField("word", message.word, 0xffffffff);
      return message.word;
    default:
      return 0;
  }
}
