/**
 * One read under way: which view is being filled, and what has to be given back should it be cancelled.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import type { NextVector, PduProgress, Vector } from "./types.ts";
import { NOTHING, overlap } from "./vector.ts";

/** So many filled views a cancellable read keeps; then it copies them. */
const MAX_KEPT_VIEWS = 16;

/** What a read does: fill all of a vector, one PDU of several vectors, or take what is there. */
export type ReadKind = "readv" | "readvPdu" | "readSome" | "pull";

/** A read that has begun. */
export class ReadOperation implements PduProgress {
  /** What it does, for errors. */
  readonly kind: ReadKind;
  /** Hands out the next vector, for PDUs. */
  next: NextVector | undefined;
  /** Bytes filled so far. */
  total = 0;
  /** Views being filled. */
  vector: Vector;
  /** Index of the view being filled. */
  index = 0;
  /** Bytes of that view that are filled. */
  at = 0;
  /** Whether something came of it before anybody had to wait; then {@linkcode result} says what. */
  outcome: "none" | "resolved" | "rejected" = "none";
  /** What it resolves, or rejects, with. */
  result: unknown = undefined;
  /** Settles the promise, when it could not be answered at once. */
  settle: { resolve(value: number | null | Promise<number | null>): void; reject(reason: unknown): void } | undefined =
    undefined;
  /** Whether whoever asked still wants it: a stream's pull whose reader has left does not. */
  readonly isWanted: (() => boolean) | undefined;
  /** Takes signal and deadline off. */
  disarm: (() => void) | undefined = undefined;
  /** Whether signal or deadline may cancel it. */
  readonly isCancellable: boolean;
  /** Filled views of earlier vectors and of this one, as long as nothing fills them again. */
  #views: Uint8Array[] | undefined = undefined;
  /** Copies of what was filled before {@linkcode #views}. */
  #copies: Uint8Array[] | undefined = undefined;
  #mustCopy = false;

  /** A read of `vector`, or, with `next`, of what that hands out. */
  constructor(
    kind: ReadKind,
    vector: Vector,
    next: NextVector | undefined,
    isCancellable: boolean,
    isWanted?: () => boolean,
  ) {
    this.kind = kind;
    this.isWanted = isWanted;
    this.vector = vector;
    this.next = next;
    this.isCancellable = isCancellable;
    if (isCancellable) this.#protect(vector);
  }

  /** Makes a read of a PDU, which nothing cancels and which is over, another one. */
  renew(next: NextVector): void {
    this.next = next;
    this.total = 0;
    this.vector = NOTHING;
    this.index = 0;
    this.at = 0;
    this.outcome = "none";
  }

  /** Whether it is content with what is there. */
  get takesSome(): boolean {
    return this.kind === "readSome" || this.kind === "pull";
  }

  /** Goes on with another vector of the same PDU. */
  begin(vector: Vector): void {
    if (this.isCancellable) this.#protect(vector);
    this.vector = vector;
    this.index = 0;
    this.at = 0;
  }

  /** Finds a view with room. Returns whether there is one. */
  hasRoom(): boolean {
    while (this.index < this.vector.length) {
      if (this.at < this.vector[this.index]!.length) return true;
      this.viewFilled();
    }
    return false;
  }

  /** The view that is being filled is full. */
  viewFilled(): void {
    const view = this.vector[this.index++]!;
    this.at = 0;
    if (!this.isCancellable || view.length === 0) return;
    const views = this.#views ??= [];
    views.push(view);
    if (this.#mustCopy || views.length >= MAX_KEPT_VIEWS) this.#copy();
  }

  /** All bytes filled so far, copied: what a cancelled read gives back. */
  filled(): Uint8Array[] {
    if (this.at > 0) (this.#views ??= []).push(this.vector[this.index]!.subarray(0, this.at));
    this.#copy();
    return this.#copies ?? [];
  }

  /** A caller may fill the same memory twice; what is kept of it has to be copied before. */
  #protect(vector: Vector): void {
    const overlaps = (view: Uint8Array): boolean => vector.some((other) => overlap(view, other));
    if (this.#views?.some(overlaps)) this.#copy();
    this.#mustCopy = vector.length > MAX_KEPT_VIEWS ||
      vector.some((view, i) => vector.some((other, j) => j < i && overlap(view, other)));
  }

  #copy(): void {
    if (this.#views === undefined) return;
    (this.#copies ??= []).push(concat(this.#views));
    this.#views = undefined;
  }
}
