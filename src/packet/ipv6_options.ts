/**
 * Options of the IPv6 Hop-by-Hop and Destination Options headers (RFC 8200 section 4.2).
 *
 * Padding is left out of values and put back where a header needs it; alignment that single options ask for is up to
 * whoever orders them.
 *
 * @module
 */
import { Ipv6OptionType } from "./ipv6_numbers.ts";
import { checkField, wireError } from "./wire.ts";

/** One option, other than padding. */
export interface Ipv6Option {
  /** Type; its two highest bits say what becomes of the packet where the type is unknown. Not 0 or 1. */
  readonly type: number;
  /** What follows the length, at most 255 bytes. */
  readonly data: Uint8Array;
}

/** What a node does with a packet that has an option that it does not know: RFC 8200 section 4.2. */
export type Ipv6OptionAction = "skip" | "discard" | "report" | "report-unless-multicast";

const ACTIONS: readonly Ipv6OptionAction[] = ["skip", "discard", "report", "report-unless-multicast"];

/** What the two highest bits of an option type ask of a node that does not know it. */
export function ipv6OptionAction(type: number): Ipv6OptionAction {
  return ACTIONS[(type >>> 6) & 3]!;
}

/**
 * Reads options, passing over padding. Data are views.
 *
 * @throws {PacketError} when an option reaches beyond the end
 */
export function decodeIpv6Options(bytes: Uint8Array): Ipv6Option[] {
  const options: Ipv6Option[] = [];
  let at = 0;
  while (at < bytes.length) {
    const type = bytes[at]!;
    if (type === Ipv6OptionType.PAD1) {
      at++;
      continue;
    }
    const end = at + 2 + (bytes[at + 1] ?? bytes.length);
    if (end > bytes.length) throw wireError("IPv6", `option ${type} reaches beyond its header`, at);
    if (type !== Ipv6OptionType.PADN) options.push({ type, data: bytes.subarray(at + 2, end) });
    at = end;
  }
  return options;
}

/** Length of the encoded options with the padding that fills a header of 2 more bytes to a multiple of 8. */
export function ipv6OptionsLength(options: readonly Ipv6Option[]): number {
  let length = 0;
  for (const option of options) length += 2 + option.data.length;
  return ((length + 2 + 7) & ~7) - 2;
}

/**
 * Writes the options and their padding, and returns their length.
 *
 * @throws {RangeError} when a field is out of range
 */
export function encodeIpv6Options(options: readonly Ipv6Option[], into: Uint8Array): number {
  const length = ipv6OptionsLength(options);
  let at = 0;
  for (const option of options) {
    checkField("IPv6 option type less 2", option.type - 2, 0xfd);
    checkField("length of IPv6 option data", option.data.length, 0xff);
    into[at] = option.type;
    into[at + 1] = option.data.length;
    into.set(option.data, at + 2);
    at += 2 + option.data.length;
  }
  into.fill(0, at, length);
  // one byte of padding is Pad1, a zero; more are one PadN
  if (length - at >= 2) {
    into[at] = Ipv6OptionType.PADN;
    into[at + 1] = length - at - 2;
  }
  return length;
}
