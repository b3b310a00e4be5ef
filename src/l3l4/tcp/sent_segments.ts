/**
 * The segments that were sent and not acknowledged, in the order of their bytes and in the order of their sending.
 *
 * The first order is an array that works as a queue; the second a list through the segments, which loss detection by
 * time (RFC 8985) walks from the oldest on.
 *
 * @module
 */

/** What is known of a segment that was sent. */
export const SentState = {
  /** On its way, for all we know. */
  OUT: 0,
  /** The peer said that it has it. */
  SACKED: 1,
  /** Taken for lost: to be sent again. */
  LOST: 2,
} as const;

/** A segment that was sent. */
export class SentSegment {
  /** Sequence number of its first byte. */
  start = 0;
  /** Sequence number behind it. */
  end = 0;
  /** When it was last sent. */
  sentAt = 0;
  /** How often it was sent. */
  transmissions = 0;
  /** See {@linkcode SentState}. */
  state: number = SentState.OUT;
  /** Whether it ends with a FIN. */
  isFin = false;
  /** Neighbours in the order of sending, while it is on its way. */
  older: SentSegment | null = null;
  /** See `older`. */
  newer: SentSegment | null = null;
}

/** Segments that nobody uses, for all connections: a segment in flight costs no new object. */
export class SentSegmentPool {
  readonly #free: SentSegment[] = [];

  /** One with any contents. */
  take(): SentSegment {
    return this.#free.pop() ?? new SentSegment();
  }

  /** Takes one back. */
  give(segment: SentSegment): void {
    if (this.#free.length < 65_536) this.#free.push(segment);
  }
}

const FIRST_CAPACITY = 16;

/** All segments of one connection. */
export class SentSegments {
  /** The one sent longest ago of those on their way. */
  oldest: SentSegment | null = null;
  /** The one sent last. */
  newest: SentSegment | null = null;
  readonly #pool: SentSegmentPool;
  #slots: (SentSegment | null)[] = [];
  #head = 0;
  #size = 0;

  /** None. */
  constructor(pool: SentSegmentPool) {
    this.#pool = pool;
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** The one at `index`, counted from the first byte on. */
  at(index: number): SentSegment {
    return this.#slots[(this.#head + index) & (this.#slots.length - 1)]!;
  }

  /** Adds one that was sent now, behind all others. */
  push(start: number, end: number, now: number, isFin: boolean): SentSegment {
    if (this.#size === this.#slots.length) this.#grow();
    const segment = this.#pool.take();
    segment.start = start;
    segment.end = end;
    segment.transmissions = 1;
    segment.isFin = isFin;
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = segment;
    this.#size++;
    this.sent(segment, now);
    return segment;
  }

  /** It is on its way from now on. */
  sent(segment: SentSegment, now: number): void {
    segment.state = SentState.OUT;
    segment.sentAt = now;
    segment.older = this.newest;
    segment.newer = null;
    if (this.newest === null) this.oldest = segment;
    else this.newest.newer = segment;
    this.newest = segment;
  }

  /** It is on its way after all, since it was sent: longer than all others. */
  restore(segment: SentSegment): void {
    segment.state = SentState.OUT;
    segment.older = null;
    segment.newer = this.oldest;
    if (this.oldest === null) this.newest = segment;
    else this.oldest.older = segment;
    this.oldest = segment;
  }

  /** It is not on its way any more: it arrived, or is lost. */
  unlink(segment: SentSegment): void {
    if (segment.older === null) this.oldest = segment.newer;
    else segment.older.newer = segment.newer;
    if (segment.newer === null) this.newest = segment.older;
    else segment.newer.older = segment.older;
    segment.older = null;
    segment.newer = null;
  }

  /** Takes the first one out, which is the one sent longest ago too. */
  shiftOldest(): void {
    const { newer } = this.at(0);
    this.oldest = newer;
    if (newer === null) this.newest = null;
    else {
      this.at(0).newer = null;
      newer.older = null;
    }
    this.shift();
  }

  /** Takes the first one out. It has to be unlinked if it was on its way. */
  shift(): void {
    const segment = this.at(0);
    this.#slots[this.#head] = null;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size--;
    this.#pool.give(segment);
    if (this.#size === 0 && this.#slots.length > FIRST_CAPACITY) this.#slots = [];
  }

  /** Cuts the one at `index` in two behind `length` bytes; both are as it was. */
  split(index: number, length: number): void {
    if (this.#size === this.#slots.length) this.#grow();
    const mask = this.#slots.length - 1;
    const first = this.at(index);
    for (let i = this.#size; i > index + 1; i--) {
      this.#slots[(this.#head + i) & mask] = this.#slots[(this.#head + i - 1) & mask]!;
    }
    const second = this.#pool.take();
    second.start = (first.start + length) | 0;
    second.end = first.end;
    second.sentAt = first.sentAt;
    second.transmissions = first.transmissions;
    second.state = first.state;
    second.isFin = first.isFin;
    second.older = null;
    second.newer = null;
    first.end = second.start;
    first.isFin = false;
    this.#slots[(this.#head + index + 1) & mask] = second;
    this.#size++;
    if (first.state !== SentState.OUT) return;
    second.older = first;
    second.newer = first.newer;
    if (first.newer === null) this.newest = second;
    else first.newer.older = second;
    first.newer = second;
  }

  /** Index of the first one that ends behind `sequence`. */
  find(sequence: number): number {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.at(middle).end - sequence) | 0) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Forgets all. */
  clear(): void {
    while (this.#size > 0) {
      const segment = this.at(0);
      segment.older = null;
      segment.newer = null;
      this.shift();
    }
    this.oldest = null;
    this.newest = null;
    this.#slots = [];
    this.#head = 0;
  }

  #grow(): void {
    const larger: (SentSegment | null)[] = new Array(Math.max(FIRST_CAPACITY, 2 * this.#slots.length)).fill(null);
    for (let i = 0; i < this.#size; i++) larger[i] = this.at(i);
    this.#slots = larger;
    this.#head = 0;
  }
}
