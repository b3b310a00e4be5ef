/**
 * IPv4 options (RFC 791 section 3.1).
 *
 * @module
 */
import type { SkipReason } from "./skip_reasons.ts";

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

/** Why a datagram with these options must be skipped, or `null`. Unknown options are passed over by their length. */
export function scanIpv4Options(datagram: Uint8Array, headerLength: number, keepRouted: boolean): SkipReason | null {
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
    const isRouted = type === Ipv4OptionType.LOOSE_SOURCE_ROUTE || type === Ipv4OptionType.STRICT_SOURCE_ROUTE;
    if (isRouted && !keepRouted) return "sourceRouted";
    at += length;
  }
  return null;
}
