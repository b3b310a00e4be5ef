/**
 * Finding the flow of a packet: a hash table over the addresses, ports and protocol, the same for both directions.
 *
 * Keys are compared as numbers read from the packet; no string or object is made for a look-up. The hash is keyed, so
 * that whoever chooses the addresses cannot aim for one chain without knowing the key.
 *
 * @module
 */
import { readI32, readU16 } from "../bytes/integers.ts";
import { HalfSipHash } from "../core/half_sip_hash.ts";
import type { Segment } from "../packet/segment.ts";
import type { FlowState } from "./flow_state.ts";

/** Who sent a segment to whom, as numbers: addresses in 32-bit words (IPv4: one), zero where unused. */
export class Tuple {
  /** IP version. */
  version: 4 | 6 = 4;
  /** IP protocol number. */
  protocol = 0;
  /** Source address. */
  s0 = 0;
  /** Source address, IPv6. */
  s1 = 0;
  /** Source address, IPv6. */
  s2 = 0;
  /** Source address, IPv6. */
  s3 = 0;
  /** Source port. */
  sourcePort = 0;
  /** Destination address. */
  d0 = 0;
  /** Destination address, IPv6. */
  d1 = 0;
  /** Destination address, IPv6. */
  d2 = 0;
  /** Destination address, IPv6. */
  d3 = 0;
  /** Destination port. */
  destinationPort = 0;

  /** Takes over the addresses and ports of a TCP or UDP segment. */
  read(segment: Segment): void {
    const { bytes, datagramOffset: at } = segment;
    const ports = at + segment.transportOffset;
    const wasIpv6 = this.version === 6;
    this.version = segment.version;
    this.protocol = segment.protocol;
    this.sourcePort = readU16(bytes, ports);
    this.destinationPort = readU16(bytes, ports + 2);
    if (segment.version === 4) {
      this.s0 = readI32(bytes, at + 12);
      this.d0 = readI32(bytes, at + 16);
      // not for every packet: the six stores make this method take 55 ns on Node 20 instead of 15
      if (wasIpv6) {
        this.s1 =
          this.s2 =
          this.s3 =
          this.d1 =
          this.d2 =
          this.d3 =
            0;
      }
      return;
    }
    this.s0 = readI32(bytes, at + 8);
    this.s1 = readI32(bytes, at + 12);
    this.s2 = readI32(bytes, at + 16);
    this.s3 = readI32(bytes, at + 20);
    this.d0 = readI32(bytes, at + 24);
    this.d1 = readI32(bytes, at + 28);
    this.d2 = readI32(bytes, at + 32);
    this.d3 = readI32(bytes, at + 36);
  }

  /** A few bits that both directions of a flow share: cheap, unlike the hash, and for anyone to aim at. */
  get trace(): number {
    const mixed = this.s0 ^ this.d0 ^ this.s3 ^ this.d3 ^ this.sourcePort ^ this.destinationPort;
    return (mixed ^ (mixed >>> 10) ^ (mixed >>> 20)) & (RECENT_FLOWS - 1);
  }

  /** Whether the source counts as lower: gives both directions of a flow the same order. */
  get isSourceLower(): boolean {
    if (this.s0 !== this.d0) return this.s0 < this.d0;
    if (this.s1 !== this.d1) return this.s1 < this.d1;
    if (this.s2 !== this.d2) return this.s2 < this.d2;
    if (this.s3 !== this.d3) return this.s3 < this.d3;
    return this.sourcePort < this.destinationPort;
  }
}

/** Flows that are found without the hash, which costs as much as all else about a segment. A power of two. */
const RECENT_FLOWS = 1024;
const INITIAL_BUCKETS = 256;

/** Hash table of flows, chained through the flows themselves. Grows with them. */
export class FlowTable {
  readonly #sip: HalfSipHash;
  #buckets: (FlowState | null)[] = new Array(INITIAL_BUCKETS).fill(null);
  #size = 0;
  /** The flow found last for each trace. Flows that share one only take the way through the hash. */
  readonly #recent: (FlowState | null)[] = new Array(RECENT_FLOWS).fill(null);

  /** Makes an empty table; `seed` is an integer from 0 to 2^53 - 1. */
  constructor(seed: number) {
    this.#sip = new HalfSipHash(seed, Math.floor(seed / 0x100000000));
  }

  /** Number of flows in it. */
  get size(): number {
    return this.#size;
  }

  /** Hash of the flow that the tuple belongs to. */
  hash(tuple: Tuple): number {
    const { words } = this.#sip;
    const lower = tuple.isSourceLower;
    words[0] = lower ? tuple.s0 : tuple.d0;
    words[1] = lower ? tuple.d0 : tuple.s0;
    words[2] = lower
      ? (tuple.sourcePort << 16) | tuple.destinationPort
      : (tuple.destinationPort << 16) | tuple.sourcePort;
    words[3] = (tuple.version << 8) | tuple.protocol;
    if (tuple.version === 4) return this.#sip.hash(4);
    words[4] = lower ? tuple.s1 : tuple.d1;
    words[5] = lower ? tuple.d1 : tuple.s1;
    words[6] = lower ? tuple.s2 : tuple.d2;
    words[7] = lower ? tuple.d2 : tuple.s2;
    words[8] = lower ? tuple.s3 : tuple.d3;
    words[9] = lower ? tuple.d3 : tuple.s3;
    return this.#sip.hash(10);
  }

  /** The flow that the tuple belongs to, if it is one of those found lately. */
  findRecent(tuple: Tuple): FlowState | null {
    const flow = this.#recent[tuple.trace]!;
    return flow !== null && flow.matches(tuple) ? flow : null;
  }

  /** The flow that the tuple belongs to, in either direction. */
  find(tuple: Tuple, hash: number): FlowState | null {
    let flow: FlowState | null = this.#buckets[hash & (this.#buckets.length - 1)]!;
    while (flow !== null && !(flow.hash === hash && flow.matches(tuple))) flow = flow.chain;
    if (flow !== null) this.#recent[flow.trace] = flow;
    return flow;
  }

  /** Adds a flow that is not in it, under its own `hash`. */
  add(flow: FlowState): void {
    if (this.#size === this.#buckets.length) this.#grow();
    const at = flow.hash & (this.#buckets.length - 1);
    flow.chain = this.#buckets[at]!;
    this.#buckets[at] = flow;
    this.#size++;
  }

  /** Takes a flow out. */
  remove(flow: FlowState): void {
    if (this.#recent[flow.trace] === flow) this.#recent[flow.trace] = null;
    const at = flow.hash & (this.#buckets.length - 1);
    let other: FlowState | null = this.#buckets[at]!;
    if (other === flow) {
      this.#buckets[at] = flow.chain;
    } else {
      while (other !== null && other.chain !== flow) other = other.chain;
      if (other === null) return;
      other.chain = flow.chain;
    }
    flow.chain = null;
    this.#size--;
  }

  #grow(): void {
    const old = this.#buckets;
    const buckets: (FlowState | null)[] = new Array(old.length * 2).fill(null);
    for (const first of old) {
      let flow = first;
      while (flow !== null) {
        const next: FlowState | null = flow.chain;
        const at = flow.hash & (buckets.length - 1);
        flow.chain = buckets[at]!;
        buckets[at] = flow;
        flow = next;
      }
    }
    this.#buckets = buckets;
  }
}
