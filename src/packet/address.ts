/**
 * Network addresses as text: IPv4 in dotted decimal, IPv6 as RFC 5952 wants it written and as RFC 4291 lets it be read.
 *
 * Not here: zones (`%eth0`), prefixes (`/64`), ports, names.
 *
 * @module
 */

/** Bytes of an IPv4 address. */
export const IPV4_ADDRESS_LENGTH = 4;

/** Bytes of an IPv6 address. */
export const IPV6_ADDRESS_LENGTH = 16;

/**
 * Writes an address of 4 bytes in dotted decimal, of 16 bytes as in RFC 5952: lower case, no leading zeros, the longest
 * run of at least two zero groups shortened (the first of equals), IPv4-mapped addresses with a dotted tail.
 *
 * @throws {RangeError} for any other length
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatAddress } from "@leat/streams/packet";
 *
 * assertEquals(formatAddress(new Uint8Array([192, 0, 2, 1])), "192.0.2.1");
 * ```
 */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === IPV4_ADDRESS_LENGTH) return formatIpv4(bytes, 0);
  if (bytes.length === IPV6_ADDRESS_LENGTH) return formatIpv6(bytes);
  throw new RangeError(`an address has 4 or 16 bytes, got ${bytes.length}`);
}

/**
 * Reads an address: 4 bytes for dotted decimal (four numbers without leading zeros), 16 for IPv6.
 *
 * @throws {TypeError} when the text is not an address
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatAddress, parseAddress } from "@leat/streams/packet";
 *
 * assertEquals(formatAddress(parseAddress("2001:DB8:0:0::1")), "2001:db8::1");
 * ```
 */
export function parseAddress(text: string): Uint8Array<ArrayBuffer> {
  const bytes = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  if (bytes === null) throw new TypeError(`not an IPv4 or IPv6 address: ${JSON.stringify(text.slice(0, 64))}`);
  return bytes;
}

function formatIpv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

function formatIpv6(bytes: Uint8Array): string {
  if (isIpv4Mapped(bytes)) return `::ffff:${formatIpv4(bytes, 12)}`;
  const groups: number[] = [];
  for (let i = 0; i < IPV6_ADDRESS_LENGTH; i += 2) groups.push((bytes[i]! << 8) | bytes[i + 1]!);
  const [start, length] = longestZeroRun(groups);
  if (length < 2) return hexGroups(groups);
  return `${hexGroups(groups.slice(0, start))}::${hexGroups(groups.slice(start + length))}`;
}

function hexGroups(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(":");
}

/** ::ffff:0:0/96, RFC 4291 section 2.5.5.2. */
function isIpv4Mapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) {
    if (bytes[i] !== 0) return false;
  }
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

function longestZeroRun(groups: readonly number[]): [start: number, length: number] {
  let best = 0;
  let bestLength = 0;
  let length = 0;
  for (let i = 0; i < groups.length; i++) {
    length = groups[i] === 0 ? length + 1 : 0;
    if (length <= bestLength) continue;
    bestLength = length;
    best = i + 1 - length;
  }
  return [best, bestLength];
}

function parseIpv4(text: string): Uint8Array<ArrayBuffer> | null {
  const parts = text.split(".", 5);
  if (parts.length !== 4) return null;
  const bytes = new Uint8Array(IPV4_ADDRESS_LENGTH);
  for (let i = 0; i < 4; i++) {
    const part = parts[i]!;
    // a leading zero is octal to some readers and decimal to others
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return null;
    bytes[i] = Number(part);
  }
  return bytes;
}

function parseIpv6(text: string): Uint8Array<ArrayBuffer> | null {
  const halves = text.split("::", 3);
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  // "::" stands for at least one group
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const bytes = new Uint8Array(IPV6_ADDRESS_LENGTH);
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  groups.forEach((group, i) => {
    bytes[2 * i] = group >>> 8;
    bytes[2 * i + 1] = group;
  });
  return bytes;
}

/** The 16-bit groups of one side of a "::"; the last may be an IPv4 address where `isLast` says that nothing follows. */
function parseGroups(text: string, isLast: boolean): number[] | null {
  if (text === "") return [];
  const parts = text.split(":", 9);
  const groups: number[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(parseInt(part, 16));
      continue;
    }
    const dotted = isLast && i === parts.length - 1 ? parseIpv4(part) : null;
    if (dotted === null) return null;
    groups.push((dotted[0]! << 8) | dotted[1]!, (dotted[2]! << 8) | dotted[3]!);
  }
  return groups;
}

/** Whether `size` bytes at `at` are 0, as all of an address that stands for none are. */
export function isUnspecified(bytes: Uint8Array, at: number, size: number): boolean {
  for (let i = 0; i < size; i++) {
    if (bytes[at + i] !== 0) return false;
  }
  return true;
}

/**
 * Reads an address with the length of its network's prefix, `192.0.2.1/24` (RFC 4632, RFC 4291 section 2.3); `length` is
 * `undefined` where there is none.
 *
 * @throws {TypeError} when it is not an address
 * @throws {RangeError} when the length is none of such an address
 */
export function readPrefix(text: string): { readonly address: Uint8Array; readonly length: number | undefined } {
  const slash = text.indexOf("/");
  if (slash < 0) return { address: parseAddress(text), length: undefined };
  const address = parseAddress(text.slice(0, slash));
  const length = text.slice(slash + 1);
  const bits = address.length * 8;
  if (/^\d{1,3}$/.test(length) && Number(length) <= bits) return { address, length: Number(length) };
  throw new RangeError(`length of a prefix must be an integer from 0 to ${bits}, got ${length.slice(0, 16)}`);
}
