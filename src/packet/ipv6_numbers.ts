/**
 * The numbers of IPv6 extension headers and options.
 *
 * @module
 */

/** Next-header values of extension headers (RFC 8200, IANA "IPv6 Extension Header Types"). */
export const Ipv6Header = {
  /** Hop-by-Hop Options, RFC 8200 section 4.3. */
  HOP_BY_HOP: 0,
  /** Routing, RFC 8200 section 4.4. */
  ROUTING: 43,
  /** Fragment, RFC 8200 section 4.5. */
  FRAGMENT: 44,
  /** Encapsulating Security Payload, RFC 4303. */
  ESP: 50,
  /** Authentication Header, RFC 4302. */
  AUTHENTICATION: 51,
  /** Nothing follows, RFC 8200 section 4.7. */
  NO_NEXT: 59,
  /** Destination Options, RFC 8200 section 4.6. */
  DESTINATION_OPTIONS: 60,
} as const;

/** Option types of Hop-by-Hop and Destination Options headers that this layer looks at. */
export const Ipv6OptionType = {
  /** One byte of padding, without a length. */
  PAD1: 0x00,
  /** Padding. */
  PADN: 0x01,
  /** Router alert, RFC 2711. */
  ROUTER_ALERT: 0x05,
  /** Jumbo payload, RFC 2675. */
  JUMBO_PAYLOAD: 0xc2,
  /** Home address of a mobile node, RFC 6275 section 6.3. */
  HOME_ADDRESS: 0xc9,
} as const;

/** Option types of 0x40 and above in the IANA registry "Destination Options and Hop-by-Hop Options". */
const ASSIGNED = new Set([0x4d, 0x63, 0x6d, 0x8a, 0x8b, 0x8c, 0xc2, 0xc9, 0xee]);

/** Whether an option type that must not be passed over when unknown is one that is known to exist. */
export function isKnownIpv6Option(type: number): boolean {
  return type < 0x40 || ASSIGNED.has(type);
}
