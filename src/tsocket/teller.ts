/**
 * Telling a socket what happened to its driver, never from within a method of that driver, nor of its peer's.
 *
 * @module
 */

/** Calls `tell` from a microtask of its own, once however often it was asked to, and not before there are events. */
export class Teller<E> {
  readonly #tell: (events: E) => void;
  #events: E | undefined;
  #isComing = false;

  /** One that tells nobody yet. */
  constructor(tell: (events: E) => void) {
    this.#tell = tell;
  }

  /** Names whom to tell, who is told then what has happened before. */
  start(events: E): void {
    this.#events = events;
    this.soon();
  }

  /** There is something to be told. */
  soon(): void {
    const events = this.#events;
    if (this.#isComing || events === undefined) return;
    this.#isComing = true;
    queueMicrotask(() => {
      this.#isComing = false;
      this.#tell(events);
    });
  }
}
