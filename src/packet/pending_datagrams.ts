/**
 * The datagrams of one IP version that miss fragments: by key, and from the oldest on.
 *
 * A list of its own beside the map, because the first entry of a `Map` that entries are taken from at the front is found
 * only behind all the slots that they left.
 *
 * @module
 */

/** A copied fragment. */
export interface Piece {
  /** Position in the fragmented part. */
  readonly offset: number;
  /** Its bytes. */
  readonly data: Uint8Array;
}

/** A datagram that misses fragments. */
export interface Pending {
  /** Its name among those of its IP version. */
  readonly key: string;
  /** When its first fragment came. */
  readonly startedAt: number;
  /** When it is given up. */
  readonly deadline: number;
  /** Sorted by offset, never touching another's bytes; empty once dropped. */
  pieces: Piece[];
  /** Sum of the lengths of the pieces. */
  filled: number;
  /** What is charged for it. */
  cost: number;
  /** Length of the fragmented part, -1 until the last fragment was seen. */
  total: number;
  /** Headers of the first fragment, once it was seen. */
  head: Uint8Array | null;
  /** Congestion bits of its fragments: a bit for each value that was seen. */
  ecns: number;
  /** Whether it is kept only to refuse what still comes. */
  isDropped: boolean;
  /** The next older one. */
  older: Pending | undefined;
  /** The next younger one. */
  younger: Pending | undefined;
}

/** Pending datagrams in order of their start. */
export class PendingDatagrams {
  /** The one that started first. */
  oldest: Pending | undefined;
  #youngest: Pending | undefined;
  readonly #byKey: Map<string, Pending> = new Map();

  /** How many there are. */
  get size(): number {
    return this.#byKey.size;
  }

  /** The one with this key. */
  get(key: string): Pending | undefined {
    return this.#byKey.get(key);
  }

  /** Adds one without fragments, as the youngest. */
  start(key: string, startedAt: number, deadline: number): Pending {
    const older = this.#youngest;
    const state = { pieces: [], filled: 0, cost: 0, total: -1, head: null, ecns: 0, isDropped: false };
    const pending: Pending = { key, startedAt, deadline, ...state, older, younger: undefined };
    if (older === undefined) this.oldest = pending;
    else older.younger = pending;
    this.#youngest = pending;
    this.#byKey.set(key, pending);
    return pending;
  }

  /** Takes one out. */
  delete(pending: Pending): void {
    const { older, younger } = pending;
    if (older === undefined) this.oldest = younger;
    else older.younger = younger;
    if (younger === undefined) this.#youngest = older;
    else younger.older = older;
    this.#byKey.delete(pending.key);
  }
}
