/**
 * The reading half of a driver over a `ReadableStream`: one read at a time, into a buffer of our own where the stream
 * can fill one, and what was not asked for yet is kept.
 *
 * @module
 */
import { ChunkQueue } from "../../../bytes/chunk_queue.ts";
import { nextTurnOfLoop } from "../../../stream/turn.ts";

/** Size of the buffer that a byte stream is asked to fill. */
const BUFFER_BYTES = 65536;

/** Bytes that are kept at most because somebody watches for the end without reading. */
export const MAX_AHEAD_BYTES = 262144;

/** What the reading half tells its driver. */
export interface StreamReaderEvents {
  /** Bytes came, or the end. */
  progress(): void;
  /** Nothing more will come; `undefined` at the stream's own end. Told once, before {@linkcode progress}. */
  ended(failure: { readonly reason: unknown } | undefined): void;
}

type ByteReader = ReadableStreamDefaultReader<Uint8Array> | ReadableStreamBYOBReader;

/** Reads a stream on behalf of a driver. */
export class StreamReader {
  readonly #reader: ByteReader;
  readonly #isByob: boolean;
  readonly #events: StreamReaderEvents;
  readonly #kept: ChunkQueue = new ChunkQueue();
  /** Bytes of the buffer that are not read yet keep it from being filled again. */
  #buffer: ArrayBuffer | undefined;
  #isReading = false;
  #isWatched = false;
  #isOver = false;
  #isCancelled = false;

  /**
   * Locks the stream.
   *
   * @throws {TypeError} when it is locked already
   */
  constructor(readable: ReadableStream<Uint8Array>, events: StreamReaderEvents) {
    this.#events = events;
    const byob = byobReader(readable);
    this.#isByob = byob !== undefined;
    this.#reader = byob ?? readable.getReader();
    this.#reader.closed.then(() => this.#streamClosed(), (reason) => this.#end({ reason }));
  }

  /** Bytes kept. */
  get length(): number {
    return this.#kept.length;
  }

  /** Whether nothing is kept and nothing more will come. */
  get isAtEnd(): boolean {
    return this.#isOver && this.#kept.length === 0;
  }

  /** Copies what is kept into `into`; how many bytes. */
  take(into: Uint8Array): number {
    const count = Math.min(into.length, this.#kept.length);
    this.#kept.takeInto(count === into.length ? into : into.subarray(0, count));
    if (this.#isWatched) this.pull();
    return count;
  }

  /** Reads once, unless that is under way. */
  pull(): void {
    if (!this.#isReading && !this.#isOver && this.#kept.length < MAX_AHEAD_BYTES) void this.#read();
  }

  /** Reads ahead from now on. */
  watch(): void {
    this.#isWatched = true;
    this.pull();
  }

  /** Ends reading; what is kept is dropped. */
  drop(): void {
    this.#isOver = true;
    this.#isCancelled = true;
    this.#kept.clear();
  }

  /** Tells the stream that nobody reads it any more. */
  async cancel(reason: unknown): Promise<void> {
    this.drop();
    try {
      await this.#reader.cancel(reason);
    } catch {
      // it had failed before, or fails at the end that it should have
    }
  }

  /** Gives the stream back, which is possible only while nothing has been taken out of it; whether it was. */
  release(): boolean {
    if (this.#kept.length > 0 || this.#isOver) return false;
    this.#isOver = true;
    this.#isCancelled = true;
    this.#reader.releaseLock();
    return true;
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      const { done, value } = await this.#next();
      this.#isReading = false;
      if (this.#isCancelled) return;
      if (done) this.#end(undefined);
      else this.#keep(value);
    } catch (reason) {
      this.#isReading = false;
      this.#end({ reason });
    }
  }

  #next(): Promise<ReadableStreamReadResult<Uint8Array>> {
    if (!this.#isByob) return (this.#reader as ReadableStreamDefaultReader<Uint8Array>).read();
    const buffer = this.#kept.length === 0 ? this.#buffer : undefined;
    this.#buffer = undefined;
    return (this.#reader as ReadableStreamBYOBReader).read(new Uint8Array(buffer ?? new ArrayBuffer(BUFFER_BYTES)));
  }

  #keep(chunk: unknown): void {
    if (!(chunk instanceof Uint8Array)) {
      const reason = new TypeError("the stream has to give Uint8Array chunks");
      this.#end({ reason });
      this.#reader.cancel(reason).catch(() => {});
      return;
    }
    if (this.#isByob && this.#kept.length === 0) this.#buffer = chunk.buffer as ArrayBuffer;
    this.#kept.push(chunk);
    // an empty chunk is no progress
    if (this.#isWatched || chunk.length === 0) this.pull();
    if (chunk.length > 0) this.#events.progress();
  }

  /** Tells of the end although nobody reads. */
  async #streamClosed(): Promise<void> {
    if (this.#isReading) {
      // the read answers; except that byte streams which forget about it at their end leave it hanging
      if (!this.#isByob) return;
      await nextTurnOfLoop();
    }
    this.#end(undefined);
  }

  #end(failure: { readonly reason: unknown } | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.ended(failure);
    this.#events.progress();
  }
}

function byobReader(readable: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  if (readable.locked) return undefined;
  try {
    return readable.getReader({ mode: "byob" });
  } catch {
    return undefined;
  }
}
