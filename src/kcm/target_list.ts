/**
 * The targets that a policy chooses among, in order of their index. Internal.
 *
 * @module
 */

/** What can be a target. */
export interface Target {
  /** Its number. */
  readonly index: number;
  /** Whether it takes a message now. */
  readonly hasRoom: boolean;
}

/** A list in order that is made anew only when it has changed: joining and leaving are rare, messages are not. */
export class TargetList<T extends Target> {
  readonly #isOpen: (target: T) => boolean;
  readonly #members: Set<T> = new Set();
  #all: readonly T[] | undefined;
  #withRoom: readonly T[] | undefined;

  /** Of its members only those count that are open. */
  constructor(isOpen: (target: T) => boolean) {
    this.#isOpen = isOpen;
  }

  /** Whether it is one. */
  has(target: T): boolean {
    return this.#members.has(target) && this.#isOpen(target);
  }

  /** Every member, in no order. */
  get every(): ReadonlySet<T> {
    return this.#members;
  }

  /** All targets. */
  get all(): readonly T[] {
    return this.#all ??= [...this.#members].filter(this.#isOpen).sort((a, b) => a.index - b.index);
  }

  /** Those with room. */
  withRoom(): readonly T[] {
    return this.#withRoom ??= this.all.filter((target) => target.hasRoom);
  }

  /** Adds a target. */
  add(target: T): void {
    this.#members.add(target);
    this.changed();
  }

  /** Removes a target. */
  remove(target: T): void {
    this.changed();
    this.#members.delete(target);
  }

  /** A target has, or has no longer, room. */
  roomChanged(): void {
    this.#withRoom = undefined;
  }

  /** A member has opened or closed. */
  changed(): void {
    this.#withRoom = undefined;
    this.#all = undefined;
  }
}
