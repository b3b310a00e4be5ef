/**
 * What one direction holds back because bytes before it are missing: pieces of the stream, sorted and disjoint.
 *
 * Positions are stream offsets (plain numbers, exact up to 2^53), so sequence wrap is no concern here. Everything held
 * is copied: a view would keep the whole capture buffer alive for one byte, and no limit could be honest.
 *
 * Not here: deciding when to stop waiting, and bytes in order, which never come this way.
 *
 * @module
 */
import type { OverlapPolicy } from "./options.ts";

/** A stretch of the stream: its bytes, or `null` where the capture has cut them off for good. */
export interface Piece {
  /** Offset of its first byte. */
  readonly start: number;
  /** Offset behind its last byte. */
  readonly end: number;
  /** The bytes, or `null` when it is known that they were never captured. */
  readonly bytes: Uint8Array | null;
}

/** What a held piece costs beyond its bytes: objects, and a share of the array. */
export const PIECE_OVERHEAD = 128;

/** Above this many arguments a spread into `splice` could overflow the stack. */
const MAX_SPREAD = 1024;

/** Sorted disjoint pieces of one direction. */
export class Assembler {
  #pieces: Piece[] = [];
  #cost = 0;
  #conflicts = 0;

  /** Memory held: bytes, plus {@linkcode PIECE_OVERHEAD} for each piece. */
  get cost(): number {
    return this.#cost;
  }

  /** Number of pieces held. */
  get size(): number {
    return this.#pieces.length;
  }

  /** Bytes so far that came twice with different content. */
  get conflicts(): number {
    return this.#conflicts;
  }

  /** Where the first piece starts; only with {@linkcode size} above 0. */
  get firstStart(): number {
    return this.#pieces[0]!.start;
  }

  /** Where the last piece ends; only with {@linkcode size} above 0. */
  get lastEnd(): number {
    return this.#pieces[this.#pieces.length - 1]!.end;
  }

  /** Holds a copy of `bytes` at `start`. Returns how many of them are at places where no bytes were held. */
  insert(start: number, bytes: Uint8Array, overlap: OverlapPolicy): number {
    const end = start + bytes.length;
    if (end === start) return 0;
    const from = this.#firstEndingAfter(start);
    const first = this.#pieces[from];
    if (first === undefined || first.start >= end) {
      this.#replace(from, 0, [{ start, end, bytes: new Uint8Array(bytes) }]);
      return bytes.length;
    }
    return overlap === "first" ? this.#fillAround(from, start, bytes) : this.#overwrite(from, start, bytes);
  }

  /** Marks `start` to `end` as lost, except where bytes are held. */
  insertLost(start: number, end: number): void {
    const from = this.#firstEndingAfter(start);
    const pieces: Piece[] = [];
    let at = start;
    let to = from;
    for (; to < this.#pieces.length && this.#pieces[to]!.start < end; to++) {
      const piece = this.#pieces[to]!;
      if (piece.start > at) pieces.push({ start: at, end: piece.start, bytes: null });
      pieces.push(piece);
      at = piece.end;
    }
    if (at < end) pieces.push({ start: at, end, bytes: null });
    this.#replace(from, to - from, pieces);
  }

  /** Takes out the pieces that follow one another from `offset` on. */
  take(offset: number): Piece[] {
    let count = 0;
    let at = offset;
    while (count < this.#pieces.length && this.#pieces[count]!.start === at) at = this.#pieces[count++]!.end;
    const taken = this.#pieces.splice(0, count);
    for (const piece of taken) this.#cost -= costOf(piece);
    return taken;
  }

  /** Drops everything from `end` on; returns how many bytes. */
  truncate(end: number): number {
    const from = this.#firstEndingAfter(end);
    let dropped = 0;
    for (let i = from; i < this.#pieces.length; i++) {
      const piece = this.#pieces[i]!;
      dropped += piece.bytes === null ? 0 : piece.end - Math.max(piece.start, end);
    }
    const cut = this.#pieces[from];
    const rest = cut !== undefined && cut.start < end ? [part(cut, cut.start, end)] : [];
    this.#replace(from, this.#pieces.length - from, rest);
    return dropped;
  }

  /** Policy `first`: what is held stays, and the new bytes fill what is free or lost. */
  #fillAround(from: number, start: number, bytes: Uint8Array): number {
    const end = start + bytes.length;
    const pieces: Piece[] = [];
    let fresh = 0;
    let at = start;
    let to = from;
    const fill = (until: number): void => {
      if (until <= at) return;
      pieces.push({ start: at, end: until, bytes: new Uint8Array(bytes.subarray(at - start, until - start)) });
      fresh += until - at;
      at = until;
    };
    for (; to < this.#pieces.length && this.#pieces[to]!.start < end; to++) {
      const piece = this.#pieces[to]!;
      if (piece.bytes === null) {
        if (piece.start < at) pieces.push(part(piece, piece.start, at));
        if (piece.end > end) {
          fill(end);
          pieces.push(part(piece, end, piece.end));
        }
        continue;
      }
      fill(piece.start);
      this.#compare(piece, start, bytes);
      pieces.push(piece);
      at = piece.end;
    }
    fill(end);
    this.#replace(from, to - from, pieces);
    return fresh;
  }

  /** Policy `last`: the new bytes replace what is held. */
  #overwrite(from: number, start: number, bytes: Uint8Array): number {
    const end = start + bytes.length;
    const pieces: Piece[] = [];
    let fresh = bytes.length;
    let to = from;
    for (; to < this.#pieces.length && this.#pieces[to]!.start < end; to++) {
      const piece = this.#pieces[to]!;
      if (piece.bytes !== null) fresh -= Math.min(end, piece.end) - Math.max(start, piece.start);
      this.#compare(piece, start, bytes);
    }
    const first = this.#pieces[from]!;
    const last = this.#pieces[to - 1]!;
    if (first.start < start) pieces.push(part(first, first.start, start));
    pieces.push({ start, end, bytes: new Uint8Array(bytes) });
    if (last.end > end) pieces.push(part(last, end, last.end));
    this.#replace(from, to - from, pieces);
    return fresh;
  }

  #compare(piece: Piece, start: number, bytes: Uint8Array): void {
    const held = piece.bytes;
    if (held === null) return;
    const to = Math.min(piece.end, start + bytes.length);
    for (let at = Math.max(piece.start, start); at < to; at++) {
      if (held[at - piece.start] !== bytes[at - start]) this.#conflicts++;
    }
  }

  /** Index of the first piece that reaches beyond `offset`; the number of pieces when none does. */
  #firstEndingAfter(offset: number): number {
    const pieces = this.#pieces;
    let low = 0;
    let high = pieces.length;
    if (high > 0 && pieces[high - 1]!.end <= offset) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (pieces[middle]!.end > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #replace(from: number, count: number, pieces: Piece[]): void {
    const all = this.#pieces;
    for (let i = from; i < from + count; i++) this.#cost -= costOf(all[i]!);
    for (const piece of pieces) this.#cost += costOf(piece);
    if (pieces.length <= MAX_SPREAD) {
      all.splice(from, count, ...pieces);
      return;
    }
    this.#pieces = all.slice(0, from).concat(pieces, all.slice(from + count));
  }
}

function costOf(piece: Piece): number {
  return PIECE_OVERHEAD + (piece.bytes === null ? 0 : piece.bytes.length);
}

/** Part of a piece; copied where the rest would otherwise be kept alive unseen. */
function part(piece: Piece, start: number, end: number): Piece {
  if (piece.bytes === null) return { start, end, bytes: null };
  const view = piece.bytes.subarray(start - piece.start, end - piece.start);
  return { start, end, bytes: view.length * 2 < view.buffer.byteLength ? new Uint8Array(view) : view };
}
