/**
 * A line of waiting things, each of which may leave it at any time, in constant time.
 *
 * A linked list through its members: cancelled ones would pile up in an array until their turn came.
 *
 * @module
 */

/** What can stand in line; the list keeps its links here. */
export interface Member {
  /** The one in front. Belongs to the line. */
  before?: Member | undefined;
  /** The one behind. Belongs to the line. */
  behind?: Member | undefined;
}

/** The line. */
export class Line<M extends Member> {
  #first: Member | undefined;
  #last: Member | undefined;

  /** Who is first. */
  get first(): M | undefined {
    return this.#first as M | undefined;
  }

  /** Goes to the end; must not stand in line already. */
  push(member: M): void {
    member.before = this.#last;
    member.behind = undefined;
    if (this.#last === undefined) this.#first = member;
    else this.#last.behind = member;
    this.#last = member;
  }

  /** Leaves; must stand in line. */
  remove(member: M): void {
    const { before, behind } = member;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    member.before = undefined;
    member.behind = undefined;
  }
}
