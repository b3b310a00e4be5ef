/**
 * What the codecs of this layer share: their errors, the checks of their arguments, pseudo headers.
 *
 * @module
 */
import { checksumAdd, checksumFinish } from "../bytes/checksum.ts";
import { IPV4_ADDRESS_LENGTH, IPV6_ADDRESS_LENGTH } from "./address.ts";
import { PacketError } from "./errors.ts";

/** Reasons for which a `check` refuses bytes begin like this when the bytes are too few. */
const TRUNCATED = "truncated";

/** The error for bytes of `protocol` that a `check` refused, found at `offset`. */
export function wireError(protocol: string, reason: string, offset = 0): PacketError {
  const code = reason.startsWith(TRUNCATED) ? "ETRUNCATED" : "EPROTO";
  return new PacketError(`${protocol}: ${reason}`, { code, offset });
}

/** Throws {@linkcode wireError} unless `reason` is `null`. */
export function refuse(protocol: string, reason: string | null): void {
  if (reason !== null) throw wireError(protocol, reason);
}

/** The reason for bytes that are too few. */
export function truncated(actual: number, needed: number): string {
  return `${TRUNCATED}, ${actual} of at least ${needed} bytes`;
}

/**
 * Checks an integer field of a value.
 *
 * @throws {RangeError} when it does not fit
 */
export function checkField(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw new RangeError(`${name} must be an integer from 0 to ${max}, got ${value}`);
}

/**
 * Checks the length of a field of bytes.
 *
 * @throws {RangeError} when it is another
 */
export function checkBytes(name: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new RangeError(`${name} must have ${length} bytes, got ${bytes.length}`);
}

/**
 * Checks that an encoder's target is large enough.
 *
 * @throws {RangeError} when it is not
 */
export function checkRoom(into: Uint8Array, length: number): void {
  if (into.length < length) throw new RangeError(`encoding takes ${length} bytes, got room for ${into.length}`);
}

/** Source and destination of a datagram, both of 4 or both of 16 bytes: what transport checksums cover beside data. */
export interface IpAddresses {
  /** Who sent it. */
  readonly source: Uint8Array;
  /** For whom it is, in the end (RFC 8200 section 8.1: with a routing header, its last address). */
  readonly destination: Uint8Array;
}

/**
 * Checksum of the first `length` bytes of `bytes` with their pseudo header; 0 when the one within them is right.
 *
 * @throws {RangeError} when the addresses are not two of IPv4 or two of IPv6
 */
export function checksumWithAddresses(
  addresses: IpAddresses,
  protocol: number,
  bytes: Uint8Array,
  length: number,
): number {
  const { source, destination } = addresses;
  const isKnown = source.length === IPV4_ADDRESS_LENGTH || source.length === IPV6_ADDRESS_LENGTH;
  if (!isKnown || source.length !== destination.length) {
    throw new RangeError(`addresses must both have 4 or 16 bytes, got ${source.length} and ${destination.length}`);
  }
  const pseudo = checksumAdd(checksumAdd(protocol + length, source), destination);
  return checksumFinish(checksumAdd(pseudo, bytes, 0, length));
}
