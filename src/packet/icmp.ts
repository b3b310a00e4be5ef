/**
 * ICMP for IPv4 (RFC 792; RFC 1191 for the MTU in "fragmentation needed").
 *
 * Types other than the ones named are kept opaque. Not here: the extensions of RFC 4884, which stay within the quote.
 *
 * @module
 */
import { internetChecksum } from "../bytes/checksum.ts";
import { readU16, readU32, writeU16, writeU32 } from "../bytes/integers.ts";
import { checkBytes, checkField, checkRoom, refuse, truncated } from "./wire.ts";

/** Bytes before the part that depends on the type, and of that the first word. */
export const ICMP_HEADER_LENGTH = 8;

/** Types by the names of RFC 792. */
export const IcmpType = {
  /** Answer to an echo. */
  ECHO_REPLY: 0,
  /** Could not be delivered. */
  DESTINATION_UNREACHABLE: 3,
  /** There is a better router. */
  REDIRECT: 5,
  /** Please answer. */
  ECHO: 8,
  /** Hops or time for reassembly ran out. */
  TIME_EXCEEDED: 11,
  /** A header field is wrong. */
  PARAMETER_PROBLEM: 12,
} as const;

/** A message. `quote` is the start of the datagram that caused it. */
export type IcmpMessage =
  | { readonly kind: "echo"; readonly identifier: number; readonly sequence: number; readonly data: Uint8Array }
  | { readonly kind: "echoReply"; readonly identifier: number; readonly sequence: number; readonly data: Uint8Array }
  /** `mtu` of the next hop where `code` is 4 (fragmentation needed), else 0. */
  | { readonly kind: "destinationUnreachable"; readonly code: number; readonly mtu: number; readonly quote: Uint8Array }
  /** `router` is an address of 4 bytes. */
  | { readonly kind: "redirect"; readonly code: number; readonly router: Uint8Array; readonly quote: Uint8Array }
  | { readonly kind: "timeExceeded"; readonly code: number; readonly quote: Uint8Array }
  /** `pointer` is the offset of the byte at fault. */
  | { readonly kind: "parameterProblem"; readonly code: number; readonly pointer: number; readonly quote: Uint8Array }
  /** Any other type; `word` is the one behind the checksum. */
  | {
    readonly kind: "unknown";
    readonly type: number;
    readonly code: number;
    readonly word: number;
    readonly data: Uint8Array;
  };

/**
 * What the views of ICMP and ICMPv6 messages share: all but the checksum, which covers addresses in ICMPv6 alone.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { IcmpFields } from "@leat/streams/packet";
 *
 * assertEquals(new IcmpFields(new Uint8Array([3, 4, 0, 0, 0, 0, 5, 0])).code, 4);
 * ```
 */
export class IcmpFields {
  /** The message. */
  readonly bytes: Uint8Array;

  /** Why the bytes cannot be a message, or `null`. */
  static check(bytes: Uint8Array): string | null {
    return bytes.length < ICMP_HEADER_LENGTH ? truncated(bytes.length, ICMP_HEADER_LENGTH) : null;
  }

  /**
   * Looks at a message.
   *
   * @throws {PacketError} when {@linkcode IcmpFields.check} refuses it
   */
  constructor(bytes: Uint8Array) {
    refuse("ICMP", IcmpFields.check(bytes));
    this.bytes = bytes;
  }

  /** See {@linkcode IcmpType} and {@linkcode Icmpv6Type}. */
  get type(): number {
    return this.bytes[0]!;
  }
  set type(type: number) {
    this.bytes[0] = type;
  }

  /** What exactly; depends on the type. */
  get code(): number {
    return this.bytes[1]!;
  }
  set code(code: number) {
    this.bytes[1] = code;
  }

  /** Checksum field. */
  get checksum(): number {
    return readU16(this.bytes, 2);
  }
  set checksum(checksum: number) {
    writeU16(this.bytes, 2, checksum);
  }

  /** The word behind the checksum; depends on the type. */
  get word(): number {
    return readU32(this.bytes, 4);
  }
  set word(word: number) {
    writeU32(this.bytes, 4, word);
  }

  /** What follows: a view. */
  get payload(): Uint8Array {
    return this.bytes.subarray(ICMP_HEADER_LENGTH);
  }
}

/**
 * The fixed fields of an ICMP message in place.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { IcmpView } from "@leat/streams/packet";
 *
 * const view = new IcmpView(new Uint8Array([8, 0, 0xf7, 0xfd, 0, 1, 0, 1]));
 * assertEquals([view.type, view.word, view.isChecksumValid], [8, 0x10001, true]);
 * ```
 */
export class IcmpView extends IcmpFields {
  /** Whether the checksum is right. */
  get isChecksumValid(): boolean {
    return internetChecksum(this.bytes) === 0;
  }

  /** Fills the checksum in. */
  fillChecksum(): void {
    this.checksum = 0;
    this.checksum = internetChecksum(this.bytes);
  }
}

/**
 * Reads a message. All bytes in it are views.
 *
 * @throws {PacketError} when the bytes are too few
 */
export function decodeIcmp(bytes: Uint8Array): IcmpMessage {
  const { type, code, word, payload } = new IcmpView(bytes);
  switch (type) {
    case IcmpType.ECHO:
      return { kind: "echo", identifier: word >>> 16, sequence: word & 0xffff, data: payload };
    case IcmpType.ECHO_REPLY:
      return { kind: "echoReply", identifier: word >>> 16, sequence: word & 0xffff, data: payload };
    case IcmpType.DESTINATION_UNREACHABLE:
      return { kind: "destinationUnreachable", code, mtu: word & 0xffff, quote: payload };
    case IcmpType.REDIRECT:
      return { kind: "redirect", code, router: bytes.subarray(4, 8), quote: payload };
    case IcmpType.TIME_EXCEEDED:
      return { kind: "timeExceeded", code, quote: payload };
    case IcmpType.PARAMETER_PROBLEM:
      return { kind: "parameterProblem", code, pointer: word >>> 24, quote: payload };
    default:
      return { kind: "unknown", type, code, word, data: payload };
  }
}

/** Length of the encoded message. */
export function icmpLength(message: IcmpMessage): number {
  return ICMP_HEADER_LENGTH + icmpData(message).length;
}

/**
 * Writes a message with its checksum and returns its length.
 *
 * @throws {RangeError} when a field is out of range, `into` too short, or an unknown type is one that has a kind
 */
export function encodeIcmp(message: IcmpMessage, into: Uint8Array): number {
  const length = icmpLength(message);
  checkRoom(into, length);
  const view = new IcmpView(into.subarray(0, length));
  view.bytes.set(icmpData(message), ICMP_HEADER_LENGTH);
  view.code = "code" in message ? message.code : 0;
  if ("code" in message) checkField("code", message.code, 0xff);
  const [type, word] = typeAndWord(message);
  view.type = type;
  view.word = word;
  view.fillChecksum();
  return length;
}

function icmpData(message: IcmpMessage): Uint8Array {
  return "quote" in message ? message.quote : message.data;
}

function typeAndWord(message: IcmpMessage): [type: number, word: number] {
  switch (message.kind) {
    case "echo":
    case "echoReply":
      checkField("identifier", message.identifier, 0xffff);
      checkField("sequence", message.sequence, 0xffff);
      return [
        message.kind === "echo" ? IcmpType.ECHO : IcmpType.ECHO_REPLY,
        message.identifier * 0x10000 + message.sequence,
      ];
    case "destinationUnreachable":
      checkField("mtu", message.mtu, 0xffff);
      return [IcmpType.DESTINATION_UNREACHABLE, message.mtu];
    case "redirect":
      checkBytes("router", message.router, 4);
      return [IcmpType.REDIRECT, readU32(message.router, 0)];
    case "timeExceeded":
      return [IcmpType.TIME_EXCEEDED, 0];
    case "parameterProblem":
      checkField("pointer", message.pointer, 0xff);
      return [IcmpType.PARAMETER_PROBLEM, message.pointer * 0x1000000];
    case "unknown":
      checkUnknown(message.type, IcmpType);
      checkField("word", message.word, 0xffffffff);
      return [message.type, message.word];
  }
}

/** An unknown message of a known type would be read back as another value. */
function checkUnknown(type: number, known: Readonly<Record<string, number>>): void {
  checkField("type", type, 0xff);
  if (Object.values(known).includes(type)) throw new RangeError(`type must be one without a kind, got ${type}`);
}
