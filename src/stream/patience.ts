/**
 * What a reader of many queues tells about itself: whether it waits for data, or would not know where to put any.
 *
 * @module
 */

/**
 * Shared by all the reads of one reader, such as a multiplexor that reads many flows and has few channels. While it
 * is patient, its reads of empty queues do not count as starving, so that no other queue has to give way for them.
 */
export class Patience {
  readonly #listeners: Set<() => void> = new Set();
  #isPatient = false;

  /** Whether it can wait; `false` at first. */
  get isPatient(): boolean {
    return this.#isPatient;
  }

  /** Says whether it can wait. */
  set(isPatient: boolean): void {
    if (this.#isPatient === isPatient) return;
    this.#isPatient = isPatient;
    if (isPatient) return;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` whenever it no longer can wait. Returns a function that ends that. */
  onImpatient(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
