/** What the tests of sending streams share: connections whose peers read as much as they are told to. */
import { bodyOfBytes } from "./support.ts";
import { Feed } from "./feed.ts";

/** A connection that is fed by hand and whose peer takes writes one by one. */
export class Duplex extends Feed {
  readonly writable: WritableStream<Uint8Array>;
  /** What was written. */
  readonly bytes: number[] = [];
  /** Lengths of the writes. */
  readonly writes: number[] = [];
  /** Whether writes wait for `take`. */
  isSlow = false;
  /** What the next write fails with. */
  failure: unknown;
  isClosed = false;
  aborted: { reason: unknown } | undefined;
  writableController!: WritableStreamDefaultController;
  #take: (() => void) | undefined;

  constructor() {
    super();
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.writableController = controller;
      },
      write: async (chunk) => {
        if (this.isSlow) await new Promise<void>((resolve) => this.#take = resolve);
        if (this.failure !== undefined) throw this.failure;
        this.writes.push(chunk.length);
        this.bytes.push(...chunk);
      },
      close: () => {
        this.isClosed = true;
      },
      abort: (reason) => {
        this.aborted = { reason };
      },
    });
  }

  /** The write that waits goes through. */
  take(): void {
    const take = this.#take;
    this.#take = undefined;
    take?.();
  }

  /** Bodies of what was written. */
  get bodies(): string[] {
    return bodyOfBytes(Uint8Array.from(this.bytes));
  }
}
