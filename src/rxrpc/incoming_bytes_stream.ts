/**
 * What the other end of a call says, on its way to whoever reads it: as a stream, or whole.
 *
 * @module
 */
import { Collected } from "../bytes/collected.ts";
import { concat } from "../bytes/concat.ts";
import { fitted } from "../bytes/fitted.ts";
import { type Deferred, deferred } from "../stream/deferred.ts";

/** Packets that are read as one: a chunk of a stream costs more than copying these. */
const MAX_COALESCED = 32;

/** What reading tells the call. */
export interface IncomingEvents {
  /** So many bytes were taken. */
  consumed(bytes: number): void;
  /** Nobody wants the rest. */
  cancelled(reason: unknown): void;
}

/** These, made with `new`: see decision 61. */
export class CallReading implements IncomingEvents {
  readonly consumed: IncomingEvents["consumed"];
  readonly cancelled: IncomingEvents["cancelled"];

  /** Made of its parts. */
  constructor(
    consumed: IncomingEvents["consumed"],
    cancelled: IncomingEvents["cancelled"],
  ) {
    this.consumed = consumed;
    this.cancelled = cancelled;
  }
}

/** The incoming direction of one call. */
export class IncomingBytes {
  readonly #events: IncomingEvents;
  #chunks: Uint8Array[] = [];
  #readable: ReadableStream<Uint8Array> | undefined;
  #whole: Deferred<Uint8Array> | undefined;
  /** What has come for `#whole`. */
  #collected: Collected | undefined;
  #wake: (() => void) | undefined;
  #hasEnded = false;
  #failure: { readonly error: unknown } | undefined;

  /** Nothing has come. */
  constructor(events: IncomingEvents) {
    this.#events = events;
  }

  /** The stream; made at the first time. */
  get readable(): ReadableStream<Uint8Array> {
    return this.#readable ??= new ReadableStream<Uint8Array>({
      pull: (controller) => this.#pull(controller),
      cancel: (reason) => {
        this.#chunks = [];
        this.#events.cancelled(reason);
      },
    }, { highWaterMark: 0 });
  }

  /** Everything as one, in place of the stream. */
  whole(): Promise<Uint8Array> {
    if (this.#readable !== undefined || this.#whole !== undefined) {
      return Promise.reject(new TypeError("the call is being read already"));
    }
    this.#whole = deferred();
    this.#collected = new Collected();
    for (const chunk of this.#chunks.splice(0)) this.data(chunk);
    this.#settle();
    return this.#whole.promise;
  }

  /** Bytes came. */
  data(bytes: Uint8Array): void {
    if (this.#collected !== undefined) {
      this.#collected.add(bytes);
      return this.#events.consumed(bytes.length);
    }
    // what is kept until it is read must not keep more than is counted
    this.#chunks.push(fitted(bytes));
    this.#wake?.();
  }

  /** The other end is done. */
  ended(): void {
    this.#hasEnded = true;
    this.#settle();
  }

  /** The call has failed: what was not read is lost. */
  failed(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#chunks = [];
    this.#settle();
    this.#collected = undefined;
  }

  #settle(): void {
    this.#wake?.();
    if (this.#failure !== undefined) return this.#whole?.reject(this.#failure.error);
    if (!this.#hasEnded || this.#collected === undefined) return;
    this.#whole!.resolve(this.#collected.take());
    this.#collected = undefined;
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    while (this.#chunks.length === 0) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#hasEnded) return controller.close();
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
    const chunks = this.#chunks.splice(0, MAX_COALESCED);
    const bytes = chunks.length === 1 ? chunks[0]! : concat(chunks);
    controller.enqueue(bytes);
    this.#events.consumed(bytes.length);
  }
}
