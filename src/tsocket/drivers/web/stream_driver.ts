/**
 * A pair of byte streams as a driver: whatever has `readable` and `writable` becomes a socket.
 *
 * @module
 */
import { closedError, SocketError } from "../../errors.ts";
import { READ_AGAIN, READ_END, type TStreamDriver, type TStreamEvents } from "../../driver_types.ts";
import { Teller } from "../../teller.ts";
import type { TsocketAddress, Vector } from "../../types.ts";
import { StreamReader } from "./stream_reader.ts";

/** Bytes of a vector that are joined to one chunk. */
const CHUNK_BYTES = 65536;

/** Two halves of a connection. */
export interface ByteStreams {
  /** What the peer sends; may be a byte stream. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What is sent to the peer. */
  readonly writable: WritableStream<Uint8Array>;
}

/** What is known of the connection behind a pair of streams. */
export interface FromStreamsOptions {
  /** Our own address. */
  localAddress?: TsocketAddress | undefined;
  /** The peer's address. */
  remoteAddress?: TsocketAddress | undefined;
  /** Protocol chosen by ALPN. */
  alpn?: string | null | undefined;
  /**
   * Write views as they are, without copying them: for sinks that have done with a chunk when its write resolves. A
   * `TransformStream` has not.
   *
   * @default {false}
   */
  isSinkDone?: boolean | undefined;
}

/**
 * A driver over two byte streams, which are locked from now on. Closing it closes the writable and cancels the readable,
 * aborting it aborts the one and cancels the other.
 *
 * The end of the readable is the peer's end. An error of either stream breaks the connection: with its own `code` if it
 * is a {@linkcode SocketError}, else with `ECONNRESET`, and the error as the cause.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { fromStreams, StreamSocket } from "@leat/streams/tsocket";
 *
 * const echo = new TransformStream<Uint8Array, Uint8Array>();
 * const socket = new StreamSocket(fromStreams(echo));
 * const written = socket.writev([Uint8Array.of(1, 2, 3)]);
 * const bytes = new Uint8Array(3);
 * await socket.readv([bytes]);
 * assertEquals([await written, bytes], [3, Uint8Array.of(1, 2, 3)]);
 * await socket.close();
 * ```
 *
 * @throws {TypeError} when a stream is locked
 */
export function fromStreams(streams: ByteStreams, options: FromStreamsOptions = {}): TStreamDriver {
  return new WebStreamDriver(streams, options);
}

/** The driver behind {@linkcode fromStreams}. */
export class WebStreamDriver implements TStreamDriver {
  /** Always `web`. */
  readonly kind: string = "web";
  /** Our own address. */
  readonly localAddress: TsocketAddress | undefined;
  /** The peer's address. */
  readonly remoteAddress: TsocketAddress | undefined;
  /** Protocol chosen by ALPN. */
  readonly alpn: string | null;
  readonly #reader: StreamReader;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #isSinkDone: boolean;
  readonly #free: (() => void) | undefined;
  readonly #teller: Teller<TStreamEvents> = new Teller((events) => this.#tell(events));
  #isAsked = false;
  #isClosed = false;
  #isAborted = false;
  #hasShutDown = false;
  #readError: SocketError | undefined;
  /** How reading ended, until that was told. */
  #untold: SocketError | undefined;
  #ended: Promise<void> | undefined;
  /** Fails the write that is under way, which a sink may never do. */
  #failWrite: ((error: SocketError) => void) | undefined;

  /**
   * Locks the streams; `free` is called when both are done with.
   *
   * @throws {TypeError} when one is locked already
   */
  constructor({ readable, writable }: ByteStreams, options: FromStreamsOptions, free?: () => void) {
    this.#free = free;
    if (readable.locked || writable.locked) throw new TypeError("both streams must be unlocked");
    this.localAddress = options.localAddress;
    this.remoteAddress = options.remoteAddress;
    this.alpn = options.alpn ?? null;
    this.#isSinkDone = options.isSinkDone === true;
    this.#reader = new StreamReader(readable, {
      progress: () => this.#teller.soon(),
      ended: (failure) => this.#readEnded(failure),
    });
    this.#writer = writable.getWriter();
    // what the peer sent before it refused our bytes may still be read; that half knows when it is over
    this.#writer.closed.catch(() => this.watch());
    this.#writer.ready.catch(() => {});
  }

  /** Bytes that {@linkcode readSync} would hand out. */
  get pendingBytes(): number {
    return this.#reader.length;
  }

  /** Why reading is over. */
  get readError(): SocketError | undefined {
    return this.#isClosed ? closedError("readv") : this.#readError;
  }

  /** Names whom to tell. */
  start(events: TStreamEvents): void {
    this.#teller.start(events);
  }

  /** Copies what is there. */
  readSync(into: Uint8Array): number {
    if (this.#isClosed) return READ_END;
    this.#isAsked = false;
    if (this.#reader.length > 0) return this.#reader.take(into);
    if (this.#reader.isAtEnd) return READ_END;
    this.#isAsked = true;
    this.#reader.pull();
    return READ_AGAIN;
  }

  /** Reads ahead, up to a limit, so that the end is noticed. */
  watch(): void {
    if (!this.#isClosed) this.#reader.watch();
  }

  /** Writes all of the views. */
  async writev(vector: Vector): Promise<void> {
    if (this.#isClosed) throw closedError("writev");
    if (this.#hasShutDown) {
      throw new SocketError("this side has ended its direction", { code: "EPIPE", blame: "local", syscall: "writev" });
    }
    let taken = 0;
    const stopped = new Promise<never>((_, reject) => this.#failWrite = reject);
    stopped.catch(() => {});
    try {
      for (const chunk of this.#isSinkDone ? vector : joined(vector)) {
        if (chunk.length === 0) continue;
        const written = this.#writer.write(chunk);
        written.catch(() => {});
        await Promise.race([written, stopped]);
        taken += chunk.length;
      }
    } catch (reason) {
      throw this.#writeError(reason, taken);
    } finally {
      this.#failWrite = undefined;
    }
  }

  /** Closes the writable. */
  async shutdown(): Promise<void> {
    if (this.#isClosed) throw closedError("shutdown");
    this.#hasShutDown = true;
    try {
      await this.#writer.close();
    } catch (reason) {
      throw this.#writeError(reason, 0);
    }
  }

  /** Closes the writable, and then cancels the readable. Resolves when both are done with that. */
  close(): Promise<void> {
    if (this.#isClosed) return this.#ended!;
    this.#isClosed = true;
    this.#failWrite?.(closedError("writev"));
    this.#reader.drop();
    return this.#ended = this.#end();
  }

  /** Aborts the writable and cancels the readable. */
  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#isClosed = true;
    const reason = closedError();
    this.#failWrite?.(reason);
    const aborted = this.#writer.abort(reason).catch(() => {});
    const cancelled = this.#reader.cancel(reason);
    this.#free?.();
    this.#ended ??= Promise.all([aborted, cancelled]).then(() => {});
  }

  /** Gives both streams back; whether that was possible. Only while nothing is under way and nothing was read ahead. */
  release(): boolean {
    if (this.#isClosed || this.#failWrite !== undefined || this.#hasShutDown || !this.#reader.release()) return false;
    this.#isClosed = true;
    this.#ended = Promise.resolve();
    this.#writer.releaseLock();
    return true;
  }

  /** The writable goes first: many a readable takes the whole connection with it. */
  async #end(): Promise<void> {
    try {
      await (this.#hasShutDown ? this.#writer.closed : this.#writer.close());
    } catch {
      // nobody is left who could be told
    }
    await this.#reader.cancel(undefined);
    this.#free?.();
  }

  #readEnded(failure: { readonly reason: unknown } | undefined): void {
    if (this.#isClosed) return;
    if (failure !== undefined) this.#readError = brokenBy(failure.reason);
    this.#untold = this.#readError ?? new SocketError("the peer has ended the connection", { code: "EOF" });
    this.#teller.soon();
  }

  #writeError(reason: unknown, bytesTransferred: number): SocketError {
    if (this.#isClosed) {
      return new SocketError("the socket was closed here", { code: "ECONNABORTED", bytesTransferred });
    }
    const broken = brokenBy(reason);
    return new SocketError(broken.reason, { code: broken.code, syscall: "writev", bytesTransferred, cause: reason });
  }

  #tell(events: TStreamEvents): void {
    if (this.#isAsked && !this.#isClosed && (this.#reader.length > 0 || this.#reader.isAtEnd)) {
      this.#isAsked = false;
      events.readable();
    }
    if (this.#untold === undefined || this.#isClosed) return;
    const error = this.#untold;
    this.#untold = undefined;
    events.broken(error);
  }
}

/** What an error of a stream says about the connection. */
function brokenBy(reason: unknown): SocketError {
  // one that the far end of streams within this program was closed with says nothing of this end
  if (reason instanceof SocketError && reason.code !== "ECONNABORTED") return reason;
  return new SocketError("a stream of the connection failed", { code: "ECONNRESET", cause: reason });
}

/** Copies of the views, joined to chunks of moderate size. */
function* joined(vector: Vector): Generator<Uint8Array> {
  let left = vector.reduce((sum, view) => sum + view.length, 0);
  let chunk = new Uint8Array(Math.min(left, CHUNK_BYTES));
  let at = 0;
  for (const view of vector) {
    for (let from = 0; from < view.length;) {
      const part = view.subarray(from, from + chunk.length - at);
      chunk.set(part, at);
      at += part.length;
      from += part.length;
      left -= part.length;
      if (at < chunk.length) continue;
      yield chunk;
      chunk = new Uint8Array(Math.min(left, CHUNK_BYTES));
      at = 0;
    }
  }
}
