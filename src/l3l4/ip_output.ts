/**
 * What goes to the network and is no TCP: whole datagrams that wait, cut into fragments where the path takes less
 * (RFC 791 section 3.2, RFC 8200 section 4.5).
 *
 * @module
 */
import { readU16, writeU16, writeU32 } from "../bytes/integers.ts";
import { Ipv6Header } from "../packet/ipv6_numbers.ts";
import type { IpIds } from "./ip_ids.ts";
import type { PacketOut } from "./packet_out.ts";
import { foldSum } from "../bytes/summer.ts";

/** Charged for each datagram beside its bytes: what the runtime needs to keep it. */
export const DATAGRAM_OVERHEAD = 192;

const MORE_FRAGMENTS = 0x2000;
const DONT_FRAGMENT = 0x4000;

/** Largest IP packet that the way to the destination of `packet` takes. */
export type MtuOf = (packet: Uint8Array) => number;

/** What all queues of an endpoint may hold together. */
export interface QueueBudget {
  /** Bytes that may still be held. */
  left: number;
}

/** Datagrams that wait to be sent: IPv4 ones without options, IPv6 ones without extension headers. */
export class DatagramQueue {
  /** Datagrams that were refused because there was no room. */
  refused = 0;
  /** Datagrams that were dropped because they must not be cut and the path takes less. */
  tooLong = 0;
  readonly #maxDatagrams: number;
  readonly #budget: QueueBudget;
  readonly #ids: IpIds;
  #waiting: Uint8Array[] = [];
  #from = 0;
  /** Bytes of the first one's payload that went in fragments already. */
  #sent = 0;
  #fragmentId = 0;

  /** Makes an empty one. */
  constructor(maxDatagrams: number, budget: QueueBudget, ids: IpIds) {
    this.#maxDatagrams = maxDatagrams;
    this.#budget = budget;
    this.#ids = ids;
  }

  /** Datagrams that wait. */
  get length(): number {
    return this.#waiting.length - this.#from;
  }

  /** Whether a datagram of so many bytes has room. */
  hasRoom(bytes: number): boolean {
    return this.length < this.#maxDatagrams && bytes + DATAGRAM_OVERHEAD <= this.#budget.left;
  }

  /** Takes a datagram, which it keeps; `false` when there is no room. */
  push(datagram: Uint8Array): boolean {
    if (!this.hasRoom(datagram.length)) {
      this.refused++;
      return false;
    }
    this.#budget.left -= datagram.length + DATAGRAM_OVERHEAD;
    this.#waiting.push(datagram);
    return true;
  }

  /** Sends what waits; `false` when `out` has no room for all of it. */
  transmit(out: PacketOut, mtuOf: MtuOf): boolean {
    while (this.length > 0) {
      if (!this.transmitOne(out, mtuOf)) return false;
    }
    return true;
  }

  /** Sends the first one that waits; `false` when `out` has no room for all of it. */
  transmitOne(out: PacketOut, mtuOf: MtuOf): boolean {
    const datagram = this.#waiting[this.#from]!;
    const mtu = mtuOf(datagram);
    if (datagram.length <= mtu && this.#sent === 0) {
      const into = out.alloc(datagram.length);
      if (into === null) return false;
      into.set(datagram);
      out.commit(datagram.length);
    } else if (isUncuttable(datagram)) {
      this.tooLong++;
    } else if (!this.#transmitFragments(datagram, mtu, out)) {
      return false;
    }
    this.#shift();
    return true;
  }

  /** Throws everything away. */
  clear(): void {
    while (this.length > 0) this.#shift();
  }

  #shift(): void {
    const from = this.#from;
    this.#budget.left += this.#waiting[from]!.length + DATAGRAM_OVERHEAD;
    this.#waiting[from] = NOTHING;
    this.#from = from + 1;
    this.#sent = 0;
    if (this.#from === this.#waiting.length) {
      this.#waiting = [];
      this.#from = 0;
    } else if (this.#from >= 64 && this.#from * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#from);
      this.#from = 0;
    }
  }

  #transmitFragments(datagram: Uint8Array, mtu: number, out: PacketOut): boolean {
    const isV4 = datagram[0]! >>> 4 === 4;
    const headerLength = isV4 ? 20 : 48;
    const payload = datagram.length - (isV4 ? 20 : 40);
    const most = Math.max(8, (mtu - headerLength) & ~7);
    if (!isV4 && this.#sent === 0) this.#fragmentId = this.#ids.next(datagram, 8, 40, datagram[6]!);
    while (this.#sent < payload) {
      const length = Math.min(most, payload - this.#sent);
      const into = out.alloc(headerLength + length);
      if (into === null) return false;
      const hasMore = this.#sent + length < payload;
      if (isV4) writeV4Fragment(into, datagram, this.#sent, length, hasMore);
      else writeV6Fragment(into, datagram, this.#sent, length, hasMore, this.#fragmentId);
      out.commit(headerLength + length);
      this.#sent += length;
    }
    return true;
  }
}

const NOTHING = new Uint8Array(0);

function isUncuttable(datagram: Uint8Array): boolean {
  return datagram[0]! >>> 4 === 4 && (readU16(datagram, 6) & DONT_FRAGMENT) !== 0;
}

function writeV4Fragment(into: Uint8Array, whole: Uint8Array, offset: number, length: number, hasMore: boolean): void {
  into.set(whole.subarray(0, 20));
  into.set(whole.subarray(20 + offset, 20 + offset + length), 20);
  writeU16(into, 2, 20 + length);
  writeU16(into, 6, (offset >>> 3) | (hasMore ? MORE_FRAGMENTS : 0));
  writeU16(into, 10, 0);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += readU16(into, at);
  writeU16(into, 10, ~foldSum(sum));
}

function writeV6Fragment(
  into: Uint8Array,
  whole: Uint8Array,
  offset: number,
  length: number,
  hasMore: boolean,
  id: number,
): void {
  into.set(whole.subarray(0, 40));
  into.set(whole.subarray(40 + offset, 40 + offset + length), 48);
  writeU16(into, 4, 8 + length);
  into[6] = Ipv6Header.FRAGMENT;
  into[40] = whole[6]!;
  into[41] = 0;
  writeU16(into, 42, offset | (hasMore ? 1 : 0));
  writeU32(into, 44, id);
}
