/**
 * IPv4 options (RFC 791 section 3.1).
 *
 * @module
 */
import { checkField, wireError } from "./wire.ts";

/** Option types by the names of RFC 791 and RFC 2113. */
export const Ipv4OptionType = {
  /** End of the list. */
  END: 0,
  /** One byte of padding. */
  NOP: 1,
  /** Record route. */
  RECORD_ROUTE: 7,
  /** Internet timestamp. */
  TIMESTAMP: 68,
  /** Loose source route. */
  LOOSE_SOURCE_ROUTE: 131,
  /** Strict source route. */
  STRICT_SOURCE_ROUTE: 137,
  /** Router alert, RFC 2113. */
  ROUTER_ALERT: 148,
} as const;

/** All options of a datagram together, at most: what the header length can say. */
export const IPV4_MAX_OPTIONS_LENGTH = 40;

/** One option. The end of the list is no option; padding in between is. */
export interface Ipv4Option {
  /** Type with its copied flag and class; see {@linkcode Ipv4OptionType}. Not 0. */
  readonly type: number;
  /** What follows the length; empty for `NOP`, which has none. */
  readonly data: Uint8Array;
}

const EMPTY = new Uint8Array(0);

/**
 * Reads the options of a header, up to the end of the list. Data are views.
 *
 * @throws {PacketError} when an option has a length below 2 or beyond the end
 */
export function decodeIpv4Options(bytes: Uint8Array): Ipv4Option[] {
  const options: Ipv4Option[] = [];
  let at = 0;
  while (at < bytes.length && bytes[at] !== Ipv4OptionType.END) {
    const type = bytes[at]!;
    if (type === Ipv4OptionType.NOP) {
      options.push({ type, data: EMPTY });
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > bytes.length) {
      throw wireError("IPv4", `option ${type} has length ${length} of ${bytes.length - at} left`, at);
    }
    options.push({ type, data: bytes.subarray(at + 2, at + length) });
    at += length;
  }
  return options;
}

/** Length of the encoded options, padded to a multiple of 4. */
export function ipv4OptionsLength(options: readonly Ipv4Option[]): number {
  let length = 0;
  for (const option of options) length += optionLength(option);
  return (length + 3) & ~3;
}

/**
 * Writes the options, padded with zeros to a multiple of 4, and returns their length.
 *
 * @throws {RangeError} when they do not fit in 40 bytes or in `into`, or a field is out of range
 */
export function encodeIpv4Options(options: readonly Ipv4Option[], into: Uint8Array): number {
  const length = ipv4OptionsLength(options);
  checkField("length of IPv4 options", length, Math.min(IPV4_MAX_OPTIONS_LENGTH, into.length));
  into.fill(0, 0, length);
  let at = 0;
  for (const option of options) {
    checkField("IPv4 option type less 1", option.type - 1, 0xfe);
    into[at] = option.type;
    if (option.type === Ipv4OptionType.NOP) checkField("length of NOP data", option.data.length, 0);
    else {
      into[at + 1] = optionLength(option);
      into.set(option.data, at + 2);
    }
    at += optionLength(option);
  }
  return length;
}

function optionLength(option: Ipv4Option): number {
  return option.type === Ipv4OptionType.NOP ? 1 : 2 + option.data.length;
}

/** What is to be said against a datagram with these options, or `null`. Unknown ones are passed over by their length. */
export function scanIpv4Options(datagram: Uint8Array, headerLength: number): "badIpOptions" | "sourceRouted" | null {
  let at = 20;
  while (at < headerLength) {
    const type = datagram[at]!;
    if (type === Ipv4OptionType.END) return null;
    if (type === Ipv4OptionType.NOP) {
      at++;
      continue;
    }
    const length = at + 1 < headerLength ? datagram[at + 1]! : 0;
    if (length < 2 || at + length > headerLength) return "badIpOptions";
    if (type === Ipv4OptionType.LOOSE_SOURCE_ROUTE || type === Ipv4OptionType.STRICT_SOURCE_ROUTE) {
      return "sourceRouted";
    }
    at += length;
  }
  return null;
}
