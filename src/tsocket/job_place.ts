/**
 * A place in a queue, and the list of places: linked both ways, so that one can be given up in constant time.
 *
 * @module
 */

/** What one job, lock, barrier or blocker has of the queue. */
export class Place {
  /** The place before. */
  previous: Place | undefined = undefined;
  /** The place behind. */
  next: Place | undefined = undefined;
  /** Whether it was reached; it holds the queue from then on. */
  isStarted = false;
  /** Whether it was given up, or its job is done. */
  isDone = false;
  /** Tells a running job to stop; only jobs that take a signal have one. */
  controller: AbortController | undefined = undefined;
  /** Called when it is reached. Never throws. */
  begin: () => void = () => {};
  /** Called when it never will be. */
  reject: (reason: unknown) => void = () => {};
  #signal: AbortSignal | undefined = undefined;
  #listener: (() => void) | undefined = undefined;

  /** Calls `listener` when the signal is aborted, until {@linkcode unlisten}. */
  listen(signal: AbortSignal, listener: () => void): void {
    this.#signal = signal;
    this.#listener = listener;
    signal.addEventListener("abort", listener);
  }

  /** Whether it listens to a signal. */
  get isListening(): boolean {
    return this.#signal !== undefined;
  }

  /** Forgets the signal. */
  unlisten(): void {
    if (this.#signal === undefined || this.#listener === undefined) return;
    this.#signal.removeEventListener("abort", this.#listener);
    this.#signal = undefined;
    this.#listener = undefined;
  }
}

/** Places in order. */
export class PlaceList {
  #head: Place | undefined = undefined;
  #tail: Place | undefined = undefined;
  #length = 0;

  /** The first place. */
  get head(): Place | undefined {
    return this.#head;
  }

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** Puts a place at the end. */
  append(place: Place): void {
    place.previous = this.#tail;
    if (this.#tail === undefined) this.#head = place;
    else this.#tail.next = place;
    this.#tail = place;
    this.#length++;
  }

  /** Takes a place out, wherever it is; only once. */
  remove(place: Place): void {
    if (place.previous === undefined) this.#head = place.next;
    else place.previous.next = place.next;
    if (place.next === undefined) this.#tail = place.previous;
    else place.next.previous = place.previous;
    place.previous = undefined;
    place.next = undefined;
    this.#length--;
  }

  /** All places, first to last. */
  toArray(): Place[] {
    const places: Place[] = [];
    for (let place = this.#head; place !== undefined; place = place.next) places.push(place);
    return places;
  }
}
