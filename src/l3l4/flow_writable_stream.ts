/**
 * The bytes for a connection as a stream: each chunk is copied to where the connection keeps it, at once as far as there
 * is room. Internal.
 *
 * @module
 */
import { typeName } from "../core/words.ts";

/** Bytes that the stream takes before it asks its writer to wait. */
const HIGH_WATER_MARK_BYTES = 65536;

/** Whom the stream tells. */
export interface FlowWrites {
  /** Takes as many bytes of the chunk from `at` on as there is room for; how many. Throws what broke the connection. */
  write(chunk: Uint8Array, at: number, now: number): number;
  /** What was taken may be sent. */
  wrote(now: number): void;
  /** The time. */
  now(): number;
  /** No more come. */
  endWriting(): void;
  /** The connection is not wanted any more. */
  abort(reason: unknown): void;
  /** Everything that the stream had accepted before {@linkcode FlowWritable.drain} was taken. */
  drained(): void;
}

interface Waiting {
  readonly chunk: Uint8Array;
  at: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** The stream and what is behind it. */
export class FlowWritable implements UnderlyingSink<Uint8Array> {
  /** What writers get. */
  readonly stream: WritableStream<Uint8Array>;
  /** Chunks that were accepted and not taken. */
  #pending = 0;
  /** Of those the ones that {@linkcode drain} waits for. */
  #draining = 0;
  readonly #writes: FlowWrites;
  #controller!: WritableStreamDefaultController;
  #waiting: Waiting | undefined;
  /** For an abort. */
  #listens = false;
  #isOver = false;

  /** Makes the stream. */
  constructor(writes: FlowWrites) {
    this.#writes = writes;
    this.stream = new WritableStream<Uint8Array>(this, {
      highWaterMark: HIGH_WATER_MARK_BYTES,
      // asked once for each chunk, when it is accepted
      size: (chunk) => {
        this.#pending++;
        return chunk?.byteLength ?? 0;
      },
    });
  }

  /** The stream's own. */
  start(controller: WritableStreamDefaultController): void {
    this.#controller = controller;
  }

  /** The stream's own. */
  write(given: unknown): Promise<void> | undefined {
    const chunk = this.#bytesOf(given);
    const now = this.#writes.now();
    const at = this.#writes.write(chunk, 0, now);
    if (at === chunk.length) {
      this.#taken();
      this.#writes.wrote(now);
      return undefined;
    }
    const room = this.#room(chunk, at);
    this.#writes.wrote(now);
    return room;
  }

  /** The stream's own. */
  close(): void {
    this.#isOver = true;
    this.#writes.endWriting();
  }

  /** The stream's own. */
  abort(reason: unknown): void {
    this.#isOver = true;
    this.#writes.abort(reason);
  }

  /** Has `drained` called when what was accepted so far has been taken; `false` when that is so already. */
  drain(): boolean {
    this.#draining = this.#isOver ? 0 : this.#pending;
    return this.#draining > 0;
  }

  /** There is room. */
  wake(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    waiting.at += this.#writes.write(waiting.chunk, waiting.at, this.#writes.now());
    if (waiting.at < waiting.chunk.length) return;
    this.#waiting = undefined;
    waiting.resolve();
    this.#taken();
  }

  /** Fails what waits, and the stream. */
  fail(reason: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(reason);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller.error(reason);
  }

  #bytesOf(chunk: unknown): Uint8Array {
    if (chunk instanceof Uint8Array) return chunk;
    if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
    if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const error = new TypeError(`only bytes can be written, got ${typeName(chunk)}`);
    // the peer must not take what came before for all
    this.#isOver = true;
    this.#writes.abort(error);
    throw error;
  }

  #taken(): void {
    this.#pending--;
    if (this.#draining > 0 && --this.#draining === 0) this.#writes.drained();
  }

  #room(chunk: Uint8Array, at: number): Promise<void> {
    const { signal } = this.#controller;
    // The stream calls `abort` only when the write under way has settled, which may need the abort. Not from within the
    // stream's own method, in whose midst failing the stream finds it half changed. Most streams never wait, and a
    // listener takes half as long as all else of a `WritableStream`.
    if (!this.#listens) {
      signal.addEventListener("abort", () => queueMicrotask(() => this.#writes.abort(signal.reason)));
      this.#listens = true;
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { chunk, at, resolve, reject };
    });
  }
}
