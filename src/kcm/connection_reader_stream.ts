/**
 * Reads a connection's readable into its port of the engine. Internal.
 *
 * @module
 */
import type { Patience } from "../stream/patience.ts";
import { breathe } from "../stream/turn.ts";
import type { LowerPort } from "./ports.ts";

/** A connection: a byte stream, in chunks or in arrays of chunks, and perhaps one that goes the other way. */
export interface ByteSource {
  /** What the connection's peer sent. */
  readonly readable:
    | ReadableStream<Uint8Array>
    | ReadableStream<Uint8Array[]>
    | ReadableStream<
      Uint8Array | readonly Uint8Array[]
    >;
  /** Where messages to its peer are written; left out where there is no such thing, as with a captured flow. */
  readonly writable?: WritableStream<Uint8Array> | undefined;
  /** Is told how urgently the reader waits; see `FlowDirection.readWith`. */
  readWith?(patience: Patience): void;
}

/** The multiplexor, as its readers know it: the port's methods, and then what they make necessary. */
export interface ReaderOwner {
  /** Pushes; returns how much was taken. */
  push(port: LowerPort, bytes: Uint8Array): number;
  /** The readable has ended. */
  end(port: LowerPort): void;
  /** The readable has failed. */
  fail(port: LowerPort, error: unknown): void;
}

/** One loop of reads, which waits while no channel has room. */
export class ConnectionReader {
  readonly #owner: ReaderOwner;
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  #goOn: (() => void) | undefined;
  /** What was read and not taken; the first may be a rest. */
  #rest: readonly Uint8Array[] = [];
  #isDetached = false;

  /** Locks the readable. */
  constructor(owner: ReaderOwner, source: ByteSource) {
    this.#owner = owner;
    this.#reader = (source.readable as ReadableStream<unknown>).getReader();
  }

  /** Unlocks the readable. */
  release(): void {
    this.#reader.releaseLock();
  }

  /** Reads until either end is over; never rejects. */
  async run(port: LowerPort): Promise<void> {
    try {
      while (!port.isOver && !this.#isDetached) {
        if (port.isPaused) {
          await this.#room();
          continue;
        }
        const { done, value } = await this.#reader.read();
        if (done) return this.#isDetached ? undefined : this.#owner.end(port);
        const waiting = Array.isArray(value) ? this.#feedAll(port, value) : this.#feed(port, value as Uint8Array);
        if (waiting !== undefined) await waiting;
        const turn = breathe();
        if (turn !== undefined) await turn;
      }
    } catch (error) {
      if (!this.#isDetached) this.#owner.fail(port, error);
    }
  }

  /** The port has room again. */
  resume(): void {
    const goOn = this.#goOn;
    this.#goOn = undefined;
    goOn?.();
  }

  /** The port is over: the source need send no more. */
  stop(reason: unknown): void {
    this.#reader.cancel(reason).catch(() => {});
    this.resume();
  }

  /** Takes no more into the port. */
  detach(): void {
    this.#isDetached = true;
    this.resume();
  }

  /** What was read and not taken, once detached. */
  takeRest(): readonly Uint8Array[] {
    const rest = this.#rest;
    this.#rest = [];
    return rest;
  }

  #feedAll(port: LowerPort, chunks: readonly Uint8Array[]): Promise<void> | undefined {
    if (this.#isDetached) {
      this.#rest = chunks;
      return undefined;
    }
    for (let i = 0; i < chunks.length; i++) {
      const chunk = chunks[i]!;
      const taken = this.#owner.push(port, chunk);
      if (taken < chunk.length) return this.#feedRest(port, [chunk.subarray(taken), ...chunks.slice(i + 1)]);
    }
    return undefined;
  }

  #feed(port: LowerPort, chunk: Uint8Array): Promise<void> | undefined {
    if (this.#isDetached) {
      this.#rest = [chunk];
      return undefined;
    }
    const taken = this.#owner.push(port, chunk);
    return taken === chunk.length ? undefined : this.#feedRest(port, [chunk.subarray(taken)]);
  }

  async #feedRest(port: LowerPort, chunks: readonly Uint8Array[]): Promise<void> {
    let at = 0;
    let first = chunks[0]!;
    while (!port.isOver) {
      if (this.#isDetached) {
        this.#rest = [first, ...chunks.slice(at + 1)];
        return;
      }
      if (port.isPaused) {
        await this.#room();
        continue;
      }
      first = first.subarray(this.#owner.push(port, first));
      if (first.length > 0) continue;
      if (++at === chunks.length) return;
      first = chunks[at]!;
    }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#goOn = resolve;
    });
  }
}
