/**
 * Things that come and go by the thousand, of which a few are there at a time.
 *
 * Not a `Set`: when one that much has come and gone in is tidied up, V8 leaves the old table pointing at the new one, so
 * that an old table which the young generation's collector takes for alive keeps all later ones alive, and everything
 * that stood in them: with calls on Node, a fifth of the time went there.
 *
 * @module
 */

/** What can be in a bag, in one at a time. */
export interface BagMember {
  /** Where it is; kept by the bag, -1 outside. */
  bagIndex: number;
}

/** A bag. Its members are in no order. */
export class Bag<M extends BagMember> {
  readonly #members: M[] = [];

  /** How many members there are. */
  get size(): number {
    return this.#members.length;
  }

  /** Puts it in. */
  add(member: M): void {
    member.bagIndex = this.#members.length;
    this.#members.push(member);
  }

  /** Takes it out. Whether it was in. */
  delete(member: M): boolean {
    const { bagIndex } = member;
    if (bagIndex < 0) return false;
    const last = this.#members.pop()!;
    if (last !== member) {
      this.#members[bagIndex] = last;
      last.bagIndex = bagIndex;
    }
    member.bagIndex = -1;
    return true;
  }

  /** Takes all out. */
  takeAll(): M[] {
    const members = this.#members.splice(0);
    for (const member of members) member.bagIndex = -1;
    return members;
  }

  /** The members as they are now. */
  values(): readonly M[] {
    return this.#members.slice();
  }
}
