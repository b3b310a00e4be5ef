/**
 * Reads a connection's readable into its port of the engine. Internal.
 *
 * @module
 */
import type { Patience } from "../stream/patience.ts";
import { breathe } from "../stream/turn.ts";
import type { LowerPort } from "./ports.ts";

/** A byte stream, in chunks or in arrays of chunks. */
export interface ByteSource {
  /** What the connection's peer sent. */
  readonly readable:
    | ReadableStream<Uint8Array>
    | ReadableStream<Uint8Array[]>
    | ReadableStream<
      Uint8Array | readonly Uint8Array[]
    >;
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

  /** Locks the readable. */
  constructor(owner: ReaderOwner, source: ByteSource) {
    this.#owner = owner;
    this.#reader = (source.readable as ReadableStream<unknown>).getReader();
  }

  /** Unlocks the readable, untouched. */
  release(): void {
    this.#reader.releaseLock();
  }

  /** Reads until either end is over; never rejects. */
  async run(port: LowerPort): Promise<void> {
    try {
      while (!port.isOver) {
        if (port.isPaused) {
          await this.#room();
          continue;
        }
        const { done, value } = await this.#reader.read();
        if (done) return this.#owner.end(port);
        if (Array.isArray(value)) await this.#feedAll(port, value);
        else await this.#feed(port, value as Uint8Array);
        const turn = breathe();
        if (turn !== undefined) await turn;
      }
    } catch (error) {
      this.#owner.fail(port, error);
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

  async #feedAll(port: LowerPort, chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      const waiting = this.#feed(port, chunk);
      if (waiting !== undefined) await waiting;
    }
  }

  #feed(port: LowerPort, chunk: Uint8Array): Promise<void> | undefined {
    const taken = this.#owner.push(port, chunk);
    return taken === chunk.length ? undefined : this.#feedRest(port, chunk.subarray(taken));
  }

  async #feedRest(port: LowerPort, bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0 && !port.isOver) {
      if (port.isPaused) await this.#room();
      else rest = rest.subarray(this.#owner.push(port, rest));
    }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#goOn = resolve;
    });
  }
}
