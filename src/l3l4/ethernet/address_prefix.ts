/**
 * IP addresses with the length of their network's prefix (RFC 4632, RFC 4291 section 2.3).
 *
 * @module
 */
import { isUnspecified, readPrefix } from "../../packet/address.ts";

/** An address and how much of it names its network. */
export class AddressPrefix {
  /** The address, with the bits that are not the network's. */
  readonly address: Uint8Array;
  /** Bits that name the network. */
  readonly length: number;

  /**
   * Reads `192.0.2.1/24`; without a length, it is the address alone.
   *
   * @throws {TypeError} when it is not an address
   * @throws {RangeError} when the length is none of such an address
   */
  constructor(text: string) {
    const { address, length } = readPrefix(text);
    this.address = address;
    this.length = length ?? address.length * 8;
  }

  /** Whether an address of `size` bytes is in the network. */
  contains(bytes: Uint8Array, at: number, size: number): boolean {
    const { address, length } = this;
    if (size !== address.length) return false;
    const whole = length >>> 3;
    for (let i = 0; i < whole; i++) {
      if (bytes[at + i] !== address[i]) return false;
    }
    const rest = length & 7;
    return rest === 0 || ((bytes[at + whole]! ^ address[whole]!) >>> (8 - rest)) === 0;
  }

  /** Whether it is this very address. */
  is(bytes: Uint8Array, at: number, size: number): boolean {
    return size === this.address.length && isAddress(this.address, bytes, at);
  }

  /** Whether it is the IPv4 address that stands for all of the network; networks of one or two have none (RFC 3021). */
  isBroadcast(bytes: Uint8Array, at: number): boolean {
    if (this.length > 30 || !this.contains(bytes, at, 4)) return false;
    for (let bit = this.length; bit < 32; bit++) {
      if (((bytes[at + (bit >>> 3)]! >>> (7 - (bit & 7))) & 1) === 0) return false;
    }
    return true;
  }
}

/** Whether the bytes at `at` are the address. */
export function isAddress(address: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < address.length; i++) {
    if (address[i] !== bytes[at + i]) return false;
  }
  return true;
}

/** Whether an address can be a single host's on a link: not unspecified, of a group, loopback or broadcast. */
export function isHostAddress(bytes: Uint8Array, at: number, size: number): boolean {
  const first = bytes[at]!;
  if (size === 4) return first !== 0 && first !== 127 && first < 224;
  if (first === 0xff) return false;
  // ::/127, unspecified and loopback
  return !isUnspecified(bytes, at, 15) || bytes[at + 15]! > 1;
}
