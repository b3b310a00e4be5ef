/**
 * Between datagrams and fragments: what the table needs of a fragment, and the headers of what it put together.
 *
 * @module
 */
import { readU16, writeU16 } from "../bytes/integers.ts";
import { ipv4HeaderChecksum } from "./checksums.ts";
import type { Fragment } from "./fragment_table.ts";

/** The fragment in an IPv4 datagram whose header and length have been checked. */
export function v4Fragment(datagram: Uint8Array): Fragment {
  const headerLength = (datagram[0]! & 0x0f) * 4;
  const field = readU16(datagram, 6);
  return {
    version: 4,
    // RFC 791: source, destination, protocol and identification name a datagram
    key: text(datagram, 12, 20) + text(datagram, 9, 10) + text(datagram, 4, 6),
    offset: (field & 0x1fff) * 8,
    hasMore: (field & 0x2000) !== 0,
    ecn: datagram[1]! & 3,
    data: datagram.subarray(headerLength),
    head: datagram.subarray(0, headerLength),
  };
}

/**
 * The fragment in an IPv6 datagram whose Fragment header is at `at`; `nextAt` is where the byte lies that names it.
 */
export function v6Fragment(datagram: Uint8Array, at: number, nextAt: number): Fragment {
  const field = readU16(datagram, at + 2);
  const offset = field & 0xfff8;
  let head = datagram.subarray(0, at);
  if (offset === 0) {
    // RFC 8200 section 4.5: the first fragment says what the fragmented part is
    head = head.slice();
    head[nextAt] = datagram[at]!;
  }
  return {
    version: 6,
    key: text(datagram, 8, 40) + text(datagram, at + 4, at + 8),
    offset,
    hasMore: (field & 1) !== 0,
    ecn: (datagram[1]! >>> 4) & 3,
    data: datagram.subarray(at + 8),
    head,
  };
}

/** Turns the header of the first fragment into that of the whole datagram. */
export function restoreIpv4(datagram: Uint8Array): void {
  writeU16(datagram, 2, datagram.length);
  writeU16(datagram, 6, 0);
  writeU16(datagram, 10, 0);
  writeU16(datagram, 10, ipv4HeaderChecksum(datagram, 0, (datagram[0]! & 0x0f) * 4));
}

/** Turns the fixed header of the first fragment into that of the whole datagram. */
export function restoreIpv6(datagram: Uint8Array): void {
  writeU16(datagram, 4, datagram.length - 40);
}

function text(bytes: Uint8Array, start: number, end: number): string {
  let key = "";
  for (let i = start; i < end; i++) key += String.fromCharCode(bytes[i]!);
  return key;
}
