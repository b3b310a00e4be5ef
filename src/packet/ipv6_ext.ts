/**
 * IPv6 extension headers as values (RFC 8200 section 4, RFC 4302).
 *
 * Not here: ESP (RFC 4303), behind which everything is encrypted, and the meaning of routing types.
 *
 * @module
 */
import { readU16, readU32, writeU16, writeU32 } from "../bytes/integers.ts";
import { Ipv6Header } from "./ipv6_numbers.ts";
import { decodeIpv6Options, encodeIpv6Options, type Ipv6Option, ipv6OptionsLength } from "./ipv6_options.ts";
import { checkField, truncated, wireError } from "./wire.ts";

/** One extension header. */
export type Ipv6Extension =
  /** For every router; only as the first. */
  | { readonly kind: "hopByHop"; readonly options: readonly Ipv6Option[] }
  /** For the destination. */
  | { readonly kind: "destinationOptions"; readonly options: readonly Ipv6Option[] }
  /** A route; `data` has 4 bytes and any multiple of 8 more. */
  | { readonly kind: "routing"; readonly type: number; readonly segmentsLeft: number; readonly data: Uint8Array }
  /** A fragment; `offset` in bytes, a multiple of 8. Where it is not 0, nothing behind is a header. */
  | {
    readonly kind: "fragment";
    readonly offset: number;
    readonly hasMore: boolean;
    readonly identification: number;
  }
  /** Authentication; `icv`, the check value, has 4 bytes and any multiple of 8 more. */
  | { readonly kind: "authentication"; readonly spi: number; readonly sequence: number; readonly icv: Uint8Array };

/** Where a chain of extension headers led. */
export interface Ipv6Chain {
  /** The headers in order. */
  readonly extensions: Ipv6Extension[];
  /** Protocol number of what follows them. */
  readonly protocol: number;
  /** Offset of what follows them. */
  readonly offset: number;
}

/** Next-header number of each kind. */
const NUMBERS: Readonly<Record<Ipv6Extension["kind"], number>> = {
  hopByHop: Ipv6Header.HOP_BY_HOP,
  destinationOptions: Ipv6Header.DESTINATION_OPTIONS,
  routing: Ipv6Header.ROUTING,
  fragment: Ipv6Header.FRAGMENT,
  authentication: Ipv6Header.AUTHENTICATION,
};

/** Next-header number of an extension header. */
export function ipv6ExtensionNumber(extension: Ipv6Extension): number {
  return NUMBERS[extension.kind];
}

/**
 * Reads the extension headers that start at the start of `bytes`, the first of which is `first`. Stops before what is
 * none, and behind the header of a fragment that is not the first. All bytes in the values are views.
 *
 * @throws {PacketError} when the bytes are too few, a header is malformed, or Hop-by-Hop is not the first
 */
export function decodeIpv6Extensions(first: number, bytes: Uint8Array): Ipv6Chain {
  const extensions: Ipv6Extension[] = [];
  let protocol = first;
  let offset = 0;
  for (;;) {
    const length = headerLength(protocol, bytes, offset);
    if (length === 0) return { extensions, protocol, offset };
    if (offset + length > bytes.length) throw wireError("IPv6", truncated(bytes.length, offset + length), offset);
    if (protocol === Ipv6Header.HOP_BY_HOP && offset > 0) {
      throw wireError("IPv6", "hop-by-hop options are not the first extension header", offset);
    }
    const extension = decodeExtension(protocol, bytes.subarray(offset, offset + length));
    extensions.push(extension);
    protocol = bytes[offset]!;
    offset += length;
    if (extension.kind === "fragment" && extension.offset > 0) return { extensions, protocol, offset };
  }
}

/** Length of the encoded headers. */
export function ipv6ExtensionsLength(extensions: readonly Ipv6Extension[]): number {
  let length = 0;
  for (const extension of extensions) length += extensionLength(extension);
  return length;
}

/**
 * Writes the headers in the given order, the last naming `protocol`, and returns their length.
 *
 * @throws {RangeError} when a field is out of range, Hop-by-Hop is not the first, headers follow a later fragment, or
 * `protocol` is that of an extension header itself (behind a later fragment it may be)
 */
export function encodeIpv6Extensions(
  extensions: readonly Ipv6Extension[],
  protocol: number,
  into: Uint8Array,
): number {
  checkField("protocol", protocol, 0xff);
  checkOrder(extensions, protocol);
  let at = 0;
  extensions.forEach((extension, i) => {
    const length = extensionLength(extension);
    const next = extensions[i + 1];
    const target = into.subarray(at, at + length);
    target.fill(0);
    target[0] = next === undefined ? protocol : NUMBERS[next.kind];
    encodeExtension(extension, target);
    at += length;
  });
  return at;
}

/** Length of the header at `at`, 0 when `protocol` is no extension header; at least 8. */
function headerLength(protocol: number, bytes: Uint8Array, at: number): number {
  const units = bytes[at + 1] ?? 0;
  switch (protocol) {
    case Ipv6Header.HOP_BY_HOP:
    case Ipv6Header.DESTINATION_OPTIONS:
    case Ipv6Header.ROUTING:
      return (units + 1) * 8;
    case Ipv6Header.FRAGMENT:
      return 8;
    case Ipv6Header.AUTHENTICATION:
      // counted in units of 4, unlike all others
      return (units + 2) * 4;
    default:
      return 0;
  }
}

function decodeExtension(protocol: number, bytes: Uint8Array): Ipv6Extension {
  switch (protocol) {
    case Ipv6Header.HOP_BY_HOP:
      return { kind: "hopByHop", options: decodeIpv6Options(bytes.subarray(2)) };
    case Ipv6Header.DESTINATION_OPTIONS:
      return { kind: "destinationOptions", options: decodeIpv6Options(bytes.subarray(2)) };
    case Ipv6Header.ROUTING:
      return { kind: "routing", type: bytes[2]!, segmentsLeft: bytes[3]!, data: bytes.subarray(4) };
    case Ipv6Header.FRAGMENT:
      return decodeFragment(readU16(bytes, 2), readU32(bytes, 4));
    default:
      return decodeAuthentication(bytes);
  }
}

function decodeFragment(field: number, identification: number): Ipv6Extension {
  return { kind: "fragment", offset: field & 0xfff8, hasMore: (field & 1) !== 0, identification };
}

function decodeAuthentication(bytes: Uint8Array): Ipv6Extension {
  // RFC 4302 section 2.2: in IPv6 the header is a multiple of 8 bytes
  if (bytes.length < 16 || bytes.length % 8 !== 0) {
    throw wireError("IPv6", `authentication header has ${bytes.length} bytes`);
  }
  return { kind: "authentication", spi: readU32(bytes, 4), sequence: readU32(bytes, 8), icv: bytes.subarray(12) };
}

function extensionLength(extension: Ipv6Extension): number {
  switch (extension.kind) {
    case "hopByHop":
    case "destinationOptions":
      return 2 + ipv6OptionsLength(extension.options);
    case "routing":
      return 4 + extension.data.length;
    case "fragment":
      return 8;
    case "authentication":
      return 12 + extension.icv.length;
  }
}

function checkOrder(extensions: readonly Ipv6Extension[], protocol: number): void {
  extensions.forEach((extension, i) => {
    if (extension.kind === "hopByHop" && i > 0) {
      throw new RangeError(`hop-by-hop options must be the first extension header, got place ${i}`);
    }
    if (extension.kind === "fragment" && extension.offset > 0 && i < extensions.length - 1) {
      throw new RangeError("behind a later fragment there must be no extension header");
    }
  });
  const last = extensions[extensions.length - 1];
  const isLater = last?.kind === "fragment" && last.offset > 0;
  if (!isLater && Object.values(NUMBERS).includes(protocol)) {
    throw new RangeError(`protocol must not be that of an extension header, got ${protocol}`);
  }
}

/** Writes all but the next-header number into `into`, which is zeroed and exactly as long as the header. */
function encodeExtension(extension: Ipv6Extension, into: Uint8Array): void {
  const units = into.length / 8 - 1;
  switch (extension.kind) {
    case "hopByHop":
    case "destinationOptions":
      checkField("extension header length in units of 8", units, 0xff);
      into[1] = units;
      encodeIpv6Options(extension.options, into.subarray(2));
      return;
    case "routing":
      checkField("extension header length in units of 8", units, 0xff);
      checkField("routing type", extension.type, 0xff);
      checkField("segmentsLeft", extension.segmentsLeft, 0xff);
      into[1] = units;
      into[2] = extension.type;
      into[3] = extension.segmentsLeft;
      into.set(extension.data, 4);
      return;
    case "fragment":
      checkField("fragment offset in units of 8", extension.offset / 8, 0x1fff);
      checkField("identification", extension.identification, 0xffffffff);
      writeU16(into, 2, extension.offset | (extension.hasMore ? 1 : 0));
      writeU32(into, 4, extension.identification);
      return;
    case "authentication":
      checkField("icv length less 4 in units of 8", (extension.icv.length - 4) / 8, 126);
      checkField("spi", extension.spi, 0xffffffff);
      checkField("sequence", extension.sequence, 0xffffffff);
      into[1] = into.length / 4 - 2;
      writeU32(into, 4, extension.spi);
      writeU32(into, 8, extension.sequence);
      into.set(extension.icv, 12);
  }
}
