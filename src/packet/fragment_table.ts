/**
 * Reassembly of IP fragments under limits (RFC 791, RFC 815, RFC 8200 section 4.5).
 *
 * Overlaps drop the whole datagram with everything still to come (RFC 5722), for IPv4 too: the policy that gives no two
 * readers different bytes. Exact duplicates are tolerated. Fragments are copied, so none pins the chunk it came in. A mark
 * of congestion on any fragment is one of the datagram (RFC 3168 section 5.3).
 * Not here: ICMP errors about what was given up; whoever sends them is told.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import { equals } from "../bytes/equals.ts";
import { type Pending, PendingDatagrams, type Piece } from "./pending_datagrams.ts";
import type { SkipReason } from "./skip_reasons.ts";

/** Limits of a {@linkcode FragmentTable}. */
export interface FragmentLimits {
  /** Bytes held, with {@linkcode FRAGMENT_OVERHEAD} for each fragment. */
  readonly maxFragmentBytes: number;
  /** Datagrams held, counting dropped ones whose remaining fragments are still refused. */
  readonly maxFragmentDatagrams: number;
  /** Fragments of one datagram. */
  readonly maxFragmentsPerDatagram: number;
  /** Time from the first fragment on, IPv4. */
  readonly v4TimeoutMs: number;
  /** Time from the first fragment on, IPv6. */
  readonly v6TimeoutMs: number;
}

/** Charged for each fragment beside its bytes: what the runtime needs to keep a small array. */
export const FRAGMENT_OVERHEAD = 192;

/** One fragment, as the decoder found it. */
export interface Fragment {
  /** IP version. */
  readonly version: 4 | 6;
  /** Names the datagram among those of its IP version. */
  readonly key: string;
  /** Position in the fragmented part, in bytes. */
  readonly offset: number;
  /** Whether it says that more follow. */
  readonly hasMore: boolean;
  /** Congestion bits of its IP header. */
  readonly ecn: number;
  /** The bytes from `offset` on: a view, which is copied. */
  readonly data: Uint8Array;
  /** The headers before the fragmented part: a view, which is copied if `offset` is 0. */
  readonly head: Uint8Array;
}

/**
 * Told of a datagram whose time is over, when its first fragment has come: the headers before the fragmented part, what
 * follows them, and the datagram's key.
 */
export type FragmentTimeout = (version: 4 | 6, head: Uint8Array, data: Uint8Array, key: string) => void;

/** Largest IPv4 datagram, and largest IPv6 payload. */
const MAX_LENGTH = 0xffff;

/** Bits of {@linkcode Pending.ecns}: RFC 3168's not-ECT and CE. */
const NOT_CAPABLE = 1 << 0;
const CONGESTION_EXPERIENCED = 1 << 3;

/** The datagrams that still miss fragments. */
export class FragmentTable {
  /** Bytes held, with overhead. */
  heldBytes = 0;
  /** Datagrams given up because their time was over. */
  timeouts = 0;
  /** Datagrams given up to make room. */
  evictions = 0;

  readonly #limits: FragmentLimits;
  readonly #onTimeout: FragmentTimeout | undefined;
  // insertion order is order of expiry in each, because each has one timeout
  readonly #v4: PendingDatagrams = new PendingDatagrams();
  readonly #v6: PendingDatagrams = new PendingDatagrams();

  /** Makes an empty table. */
  constructor(limits: FragmentLimits, onTimeout?: FragmentTimeout) {
    this.#limits = limits;
    this.#onTimeout = onTimeout;
  }

  /** Datagrams held. */
  get size(): number {
    return this.#v4.size + this.#v6.size;
  }

  /** When the next datagram is given up, `Infinity` when none is held. */
  get deadline(): number {
    return Math.min(this.#v4.oldest?.deadline ?? Infinity, this.#v6.oldest?.deadline ?? Infinity);
  }

  /** Takes a fragment: the whole datagram when it was the last one missing, why it was refused, or `null`: kept. */
  add(fragment: Fragment, now: number): Uint8Array | SkipReason | null {
    const { data, hasMore, offset, head } = fragment;
    if (data.length === 0 || (hasMore && data.length % 8 !== 0)) return "badFragmentLength";
    const pending = this.#find(fragment, now);
    if (pending.isDropped) return "fragmentOfDropped";
    const end = offset + data.length;
    if (headLength(fragment.version, head) + end > MAX_LENGTH) return this.#drop(pending, "fragmentBeyondLimit");
    const fault = place(pending, fragment);
    if (fault !== null) return fault === "duplicateFragment" ? fault : this.#drop(pending, fault);
    const cost = data.length + FRAGMENT_OVERHEAD + (offset === 0 ? head.length : 0);
    pending.cost += cost;
    pending.ecns |= 1 << fragment.ecn;
    this.heldBytes += cost;
    if (pending.pieces.length > this.#limits.maxFragmentsPerDatagram) return this.#drop(pending, "tooManyFragments");
    if (pending.filled === pending.total && pending.head !== null) return this.#complete(fragment.version, pending);
    return this.#makeRoom(pending) ? null : "fragmentMemory";
  }

  /** Gives up the datagrams whose time is over. */
  expire(now: number): void {
    for (const datagrams of [this.#v4, this.#v6]) {
      let { oldest } = datagrams;
      while (oldest !== undefined && oldest.deadline <= now) {
        if (!oldest.isDropped) this.timeouts++;
        this.#forget(datagrams, oldest);
        if (oldest.head !== null) {
          this.#onTimeout?.(datagrams === this.#v4 ? 4 : 6, oldest.head, oldest.pieces[0]!.data, oldest.key);
        }
        oldest = datagrams.oldest;
      }
    }
  }

  /** Forgets everything; returns how many datagrams that were still wanted. */
  clear(): number {
    let unfinished = 0;
    for (const datagrams of [this.#v4, this.#v6]) {
      for (let { oldest } = datagrams; oldest !== undefined; oldest = datagrams.oldest) {
        if (!oldest.isDropped) unfinished++;
        this.#forget(datagrams, oldest);
      }
    }
    return unfinished;
  }

  #find(fragment: Fragment, now: number): Pending {
    const isV4 = fragment.version === 4;
    const datagrams = isV4 ? this.#v4 : this.#v6;
    const known = datagrams.get(fragment.key);
    if (known !== undefined) return known;
    if (this.size >= this.#limits.maxFragmentDatagrams) this.#evictOldest();
    return datagrams.start(fragment.key, now, now + (isV4 ? this.#limits.v4TimeoutMs : this.#limits.v6TimeoutMs));
  }

  #complete(version: 4 | 6, pending: Pending): Uint8Array | SkipReason {
    const head = pending.head!;
    if (headLength(version, head) + pending.total > MAX_LENGTH) return this.#drop(pending, "fragmentBeyondLimit");
    const isMarked = (pending.ecns & CONGESTION_EXPERIENCED) !== 0;
    // a mark where there can be none: whoever put it there broke a rule, and nobody would heed it
    if (isMarked && (pending.ecns & NOT_CAPABLE) !== 0) return this.#drop(pending, "fragmentEcn");
    if (isMarked) markCongestion(head, version);
    this.#forget(version === 4 ? this.#v4 : this.#v6, pending);
    return concat([head, ...pending.pieces.map((piece) => piece.data)]);
  }

  /** Keeps the entry, so that what still comes of this datagram is refused until its time is over. */
  #drop(pending: Pending, reason: SkipReason): SkipReason {
    this.heldBytes -= pending.cost;
    pending.cost = 0;
    pending.pieces = [];
    pending.head = null;
    pending.isDropped = true;
    return reason;
  }

  /** Evicts from the oldest on until the limit holds; whether `latest` is still there. */
  #makeRoom(latest: Pending): boolean {
    while (this.heldBytes > this.#limits.maxFragmentBytes) {
      if (this.#evictOldest() === latest) return false;
    }
    return true;
  }

  #evictOldest(): Pending | undefined {
    const v4 = this.#v4.oldest;
    const v6 = this.#v6.oldest;
    const oldest = v4 !== undefined && (v6 === undefined || v4.startedAt <= v6.startedAt) ? v4 : v6;
    if (oldest === undefined) return undefined;
    if (!oldest.isDropped) this.evictions++;
    this.#forget(oldest === v4 ? this.#v4 : this.#v6, oldest);
    return oldest;
  }

  #forget(datagrams: PendingDatagrams, pending: Pending): void {
    datagrams.delete(pending);
    this.heldBytes -= pending.cost;
  }
}

/** What the headers count against the limit: all of them in IPv4, those behind the fixed one in IPv6. */
function headLength(version: 4 | 6, head: Uint8Array): number {
  return version === 4 ? head.length : head.length - 40;
}

/** Marks the headers of a datagram: it has met congestion. */
function markCongestion(head: Uint8Array, version: 4 | 6): void {
  head[1]! |= version === 4 ? 3 : 0x30;
}

/** Puts a copy of the fragment in its place, or says why that cannot be. */
function place(pending: Pending, fragment: Fragment): "duplicateFragment" | "fragmentOverlap" | null {
  const { offset, data } = fragment;
  const end = offset + data.length;
  const index = lowerBound(pending.pieces, offset);
  const next = pending.pieces[index];
  const before = pending.pieces[index - 1];
  const { total } = pending;
  if (total >= 0 && (fragment.hasMore ? end >= total : end !== total)) return "fragmentOverlap";
  if (next !== undefined && next.offset === offset && equals(next.data, data) && (fragment.hasMore || total >= 0)) {
    return "duplicateFragment";
  }
  if (next !== undefined && (next.offset < end || !fragment.hasMore)) return "fragmentOverlap";
  if (before !== undefined && before.offset + before.data.length > offset) return "fragmentOverlap";
  if (!fragment.hasMore) pending.total = end;
  pending.pieces.splice(index, 0, { offset, data: data.slice() });
  pending.filled += data.length;
  if (offset === 0) pending.head = fragment.head.slice();
  return null;
}

/** Index of the first piece at or behind `offset`. */
function lowerBound(pieces: readonly Piece[], offset: number): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (pieces[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
