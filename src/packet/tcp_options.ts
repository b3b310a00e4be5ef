/**
 * TCP options (RFC 9293 section 3.1, RFC 7323, RFC 2018, RFC 7413, RFC 5482, RFC 8684).
 *
 * An option of a known kind but of a length that the kind does not have is kept as `unknown`, as are kinds that this
 * layer does not know; Multipath TCP is kept opaque.
 *
 * @module
 */
import { readU16, readU32, writeU16, writeU32 } from "../bytes/integers.ts";
import { checkField, wireError } from "./wire.ts";

/** Kind numbers by the names of the IANA registry "TCP Option Kind Numbers". */
export const TcpOptionKind = {
  /** End of the list, RFC 9293. */
  END: 0,
  /** One byte of padding, RFC 9293. */
  NOP: 1,
  /** Maximum segment size, RFC 9293. */
  MSS: 2,
  /** RFC 7323. */
  WINDOW_SCALE: 3,
  /** RFC 2018. */
  SACK_PERMITTED: 4,
  /** RFC 2018. */
  SACK: 5,
  /** RFC 7323. */
  TIMESTAMPS: 8,
  /** RFC 5482. */
  USER_TIMEOUT: 28,
  /** RFC 8684. */
  MPTCP: 30,
  /** RFC 7413. */
  FAST_OPEN: 34,
} as const;

/** All options of a segment together, at most: what the data offset can say. */
export const TCP_MAX_OPTIONS_LENGTH = 40;

/** Largest shift of a window; a larger one is used as this (RFC 7323 section 2.3). */
export const TCP_MAX_WINDOW_SCALE = 14;

/** One range of bytes that was received. */
export interface SackBlock {
  /** Sequence number of the first byte. */
  readonly left: number;
  /** Sequence number behind the last byte. */
  readonly right: number;
}

/** One option. The end of the list is no option; padding in between is. */
export type TcpOption =
  | { readonly kind: "nop" }
  | { readonly kind: "mss"; readonly size: number }
  | { readonly kind: "windowScale"; readonly shift: number }
  | { readonly kind: "sackPermitted" }
  | { readonly kind: "sack"; readonly blocks: readonly SackBlock[] }
  | { readonly kind: "timestamps"; readonly value: number; readonly echo: number }
  | { readonly kind: "userTimeout"; readonly isMinutes: boolean; readonly timeout: number }
  | { readonly kind: "fastOpen"; readonly cookie: Uint8Array }
  | { readonly kind: "mptcp"; readonly data: Uint8Array }
  | { readonly kind: "unknown"; readonly number: number; readonly data: Uint8Array };

/**
 * Offset of the first option of `kind` between `start` and `end` of a segment, -1 when there is none or the list is
 * malformed before it. Makes nothing: for hot paths. The option has at least its two first bytes and ends before `end`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { findTcpOption, TcpOptionKind } from "@leat/streams/packet";
 *
 * assertEquals(findTcpOption(new Uint8Array([1, 1, 2, 4, 5, 0xb4, 0, 0]), 0, 8, TcpOptionKind.MSS), 2);
 * ```
 */
export function findTcpOption(bytes: Uint8Array, start: number, end: number, kind: number): number {
  let at = start;
  while (at < end) {
    const found = bytes[at]!;
    if (found === TcpOptionKind.END) return -1;
    if (found === TcpOptionKind.NOP) {
      at++;
      continue;
    }
    const length = at + 1 < end ? bytes[at + 1]! : 0;
    if (length < 2 || at + length > end) return -1;
    if (found === kind) return at;
    at += length;
  }
  return -1;
}

/**
 * Reads the options of a segment, up to the end of the list. Bytes within options are views.
 *
 * @throws {PacketError} when an option has a length below 2 or beyond the end
 */
export function decodeTcpOptions(bytes: Uint8Array): TcpOption[] {
  const options: TcpOption[] = [];
  let at = 0;
  while (at < bytes.length && bytes[at] !== TcpOptionKind.END) {
    if (bytes[at] === TcpOptionKind.NOP) {
      options.push({ kind: "nop" });
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > bytes.length) {
      throw wireError("TCP", `option ${bytes[at]} has length ${length} of ${bytes.length - at} left`, at);
    }
    options.push(decodeOption(bytes[at]!, bytes.subarray(at + 2, at + length)));
    at += length;
  }
  return options;
}

/** Length of the encoded options, padded to a multiple of 4. */
export function tcpOptionsLength(options: readonly TcpOption[]): number {
  let length = 0;
  for (const option of options) length += optionLength(option);
  return (length + 3) & ~3;
}

/**
 * Writes the options, padded with zeros (end of the list) to a multiple of 4, and returns their length.
 *
 * @throws {RangeError} when they do not fit in 40 bytes or in `into`, or a field is out of range
 */
export function encodeTcpOptions(options: readonly TcpOption[], into: Uint8Array): number {
  const length = tcpOptionsLength(options);
  checkField("length of TCP options", length, Math.min(TCP_MAX_OPTIONS_LENGTH, into.length));
  into.fill(0, 0, length);
  let at = 0;
  for (const option of options) {
    encodeOption(option, into, at);
    at += optionLength(option);
  }
  return length;
}

function decodeOption(number: number, data: Uint8Array): TcpOption {
  switch (number) {
    case TcpOptionKind.MSS:
      if (data.length === 2) return { kind: "mss", size: readU16(data, 0) };
      break;
    case TcpOptionKind.WINDOW_SCALE:
      if (data.length === 1) return { kind: "windowScale", shift: Math.min(data[0]!, TCP_MAX_WINDOW_SCALE) };
      break;
    case TcpOptionKind.SACK_PERMITTED:
      if (data.length === 0) return { kind: "sackPermitted" };
      break;
    case TcpOptionKind.SACK:
      if (data.length >= 8 && data.length % 8 === 0) return { kind: "sack", blocks: decodeBlocks(data) };
      break;
    case TcpOptionKind.TIMESTAMPS:
      if (data.length === 8) return { kind: "timestamps", value: readU32(data, 0), echo: readU32(data, 4) };
      break;
    case TcpOptionKind.USER_TIMEOUT:
      if (data.length === 2) return decodeUserTimeout(readU16(data, 0));
      break;
    case TcpOptionKind.FAST_OPEN:
      if (isCookieLength(data.length)) return { kind: "fastOpen", cookie: data };
      break;
    case TcpOptionKind.MPTCP:
      return { kind: "mptcp", data };
  }
  return { kind: "unknown", number, data };
}

function decodeBlocks(data: Uint8Array): SackBlock[] {
  const blocks: SackBlock[] = [];
  for (let at = 0; at < data.length; at += 8) {
    blocks.push({ left: readU32(data, at), right: readU32(data, at + 4) });
  }
  return blocks;
}

/** RFC 7413 section 4.1.1: none in a request, else 4 to 16 bytes, an even number of them. */
function isCookieLength(length: number): boolean {
  return length === 0 || (length >= 4 && length <= 16 && length % 2 === 0);
}

/** RFC 5482 section 3: the highest bit says minutes, else seconds. */
function decodeUserTimeout(field: number): TcpOption {
  return { kind: "userTimeout", isMinutes: field >= 0x8000, timeout: field & 0x7fff };
}

function optionLength(option: TcpOption): number {
  switch (option.kind) {
    case "nop":
      return 1;
    case "sackPermitted":
      return 2;
    case "windowScale":
      return 3;
    case "mss":
    case "userTimeout":
      return 4;
    case "timestamps":
      return 10;
    case "sack":
      return 2 + 8 * option.blocks.length;
    case "fastOpen":
      return 2 + option.cookie.length;
    case "mptcp":
    case "unknown":
      return 2 + option.data.length;
  }
}

function encodeOption(option: TcpOption, into: Uint8Array, at: number): void {
  if (option.kind === "nop") {
    into[at] = TcpOptionKind.NOP;
    return;
  }
  into[at + 1] = optionLength(option);
  into[at] = encodeOptionData(option, into, at + 2);
}

/** Writes what follows the length, and returns the kind number. */
function encodeOptionData(option: Exclude<TcpOption, { kind: "nop" }>, into: Uint8Array, at: number): number {
  switch (option.kind) {
    case "mss":
      checkField("mss size", option.size, 0xffff);
      writeU16(into, at, option.size);
      return TcpOptionKind.MSS;
    case "windowScale":
      checkField("windowScale shift", option.shift, TCP_MAX_WINDOW_SCALE);
      into[at] = option.shift;
      return TcpOptionKind.WINDOW_SCALE;
    case "sackPermitted":
      return TcpOptionKind.SACK_PERMITTED;
    case "sack":
      encodeBlocks(option.blocks, into, at);
      return TcpOptionKind.SACK;
    case "timestamps":
      checkField("timestamps value", option.value, 0xffffffff);
      checkField("timestamps echo", option.echo, 0xffffffff);
      writeU32(into, at, option.value);
      writeU32(into, at + 4, option.echo);
      return TcpOptionKind.TIMESTAMPS;
    case "userTimeout":
      checkField("userTimeout timeout", option.timeout, 0x7fff);
      writeU16(into, at, (option.isMinutes ? 0x8000 : 0) | option.timeout);
      return TcpOptionKind.USER_TIMEOUT;
    case "fastOpen":
      if (!isCookieLength(option.cookie.length)) {
        throw new RangeError(`fastOpen cookie must have 0, 4, 6 ... 16 bytes, got ${option.cookie.length}`);
      }
      into.set(option.cookie, at);
      return TcpOptionKind.FAST_OPEN;
    case "mptcp":
      into.set(option.data, at);
      return TcpOptionKind.MPTCP;
    case "unknown":
      // 0 and 1 have no length, so they cannot be written as others are
      checkField("unknown option number less 2", option.number - 2, 0xfd);
      if (decodeOption(option.number, option.data).kind !== "unknown") {
        throw new RangeError(`unknown option must not be one with a kind, got number ${option.number}`);
      }
      into.set(option.data, at);
      return option.number;
  }
}

function encodeBlocks(blocks: readonly SackBlock[], into: Uint8Array, at: number): void {
  if (blocks.length === 0) throw new RangeError("sack must have at least 1 block, got 0");
  blocks.forEach((block, i) => {
    checkField("sack left", block.left, 0xffffffff);
    checkField("sack right", block.right, 0xffffffff);
    writeU32(into, at + 8 * i, block.left);
    writeU32(into, at + 8 * i + 4, block.right);
  });
}
