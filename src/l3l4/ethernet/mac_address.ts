/**
 * MAC addresses of Ethernet: as text, and those that groups of IP addresses have (RFC 1112, RFC 2464).
 *
 * @module
 */
import { MAC_ADDRESS_LENGTH } from "../../packet/ethernet.ts";

/** An address of 6 bytes, or as people write it: `02:00:5e:00:53:01`. */
export type MacAddress = string | Uint8Array;

/** For all stations. */
export const BROADCAST_MAC: Uint8Array = new Uint8Array(MAC_ADDRESS_LENGTH).fill(0xff);

const TEXT = /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i;

/**
 * The bytes of a MAC address that one station can have: a copy.
 *
 * @throws {TypeError} when it is no MAC address
 * @throws {RangeError} when it is one of a group, or zero
 */
export function macOption(name: string, value: MacAddress): Uint8Array {
  const bytes = typeof value === "string" ? parseMac(value) : value;
  if (!(bytes instanceof Uint8Array) || bytes.length !== MAC_ADDRESS_LENGTH) {
    throw new TypeError(`${name} must be a MAC address like 02:00:5e:00:53:01 or 6 bytes`);
  }
  if (!isStation(bytes, 0)) throw new RangeError(`${name} must be the address of one station`);
  return bytes.slice();
}

function parseMac(text: string): Uint8Array | undefined {
  if (!TEXT.test(text)) return undefined;
  return Uint8Array.from(text.split(/[:-]/), (part) => parseInt(part, 16));
}

/** Whether one station can have this address: neither a group's nor zero. */
export function isStation(bytes: Uint8Array, at: number): boolean {
  if ((bytes[at]! & 1) !== 0) return false;
  for (let i = 0; i < MAC_ADDRESS_LENGTH; i++) {
    if (bytes[at + i] !== 0) return true;
  }
  return false;
}

/** Whether the bytes at `at` are this address. */
export function isMac(mac: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < MAC_ADDRESS_LENGTH; i++) {
    if (mac[i] !== bytes[at + i]) return false;
  }
  return true;
}

/** Writes the address of an IPv4 group (RFC 1112 section 6.4) to `into`. */
export function ipv4GroupMac(address: Uint8Array, at: number, into: Uint8Array): void {
  into[0] = 0x01;
  into[1] = 0x00;
  into[2] = 0x5e;
  into[3] = address[at + 1]! & 0x7f;
  into[4] = address[at + 2]!;
  into[5] = address[at + 3]!;
}

/** Writes the address of an IPv6 group (RFC 2464 section 7) to `into`. */
export function ipv6GroupMac(address: Uint8Array, at: number, into: Uint8Array): void {
  into[0] = 0x33;
  into[1] = 0x33;
  for (let i = 0; i < 4; i++) into[2 + i] = address[at + 12 + i]!;
}

/** The link-local address that a station has by its MAC address (RFC 4291 appendix A). */
export function linkLocalAddress(mac: Uint8Array): Uint8Array {
  return Uint8Array.of(
    ...[0xfe, 0x80, 0, 0, 0, 0, 0, 0],
    ...[mac[0]! ^ 2, mac[1]!, mac[2]!, 0xff, 0xfe, mac[3]!, mac[4]!, mac[5]!],
  );
}
