/**
 * A connection of Deno's as a stream driver.
 *
 * Three things about Deno.Conn shape it. A read that was begun cannot be taken back short of closing everything, so a
 * read that may be cancelled goes into a buffer of the driver's own, at most one of them is under way, and what it brings
 * is kept for whoever reads next. A write may take less than it was given. And after a reset has been told once, be it to
 * a write, every read says that the peer ended in order; so the first reset is remembered.
 *
 * The streams of a Deno.Conn are never touched: the end of one closes the other.
 *
 * @module
 */
import { ShortCopies } from "../../../bytes/short_copies.ts";
import { closedError, SocketError } from "../../errors.ts";
import { READ_AGAIN, READ_END, type TStreamDriver, type TStreamEvents } from "../../driver_types.ts";
import type { SocketTarget } from "../../option_types.ts";
import type { TlsOptions, TsocketAddress, Vector } from "../../types.ts";
import { fromDenoAddress } from "./addresses.ts";
import type { DenoConn } from "./deno_api.ts";
import { denoError } from "./errors.ts";
import { joinViews } from "./join_views.ts";

/** Size of the buffer that reads go into unless they fill the caller's own views, in bytes. */
export const READ_BUFFER_BYTES = 65536;

/**
 * Behind a view of so many bytes that was read into little is read ahead: the next one is probably as large, and with
 * the header of a PDU comes no more of its body than is soon copied. A read more per PDU takes a third of the time of
 * copying 64 KiB. Where large views are filled from the buffer, as for a stream, the buffer is filled whole.
 */
const LARGE_VIEW_BYTES = 32768;

/** What is little then, in bytes. */
const SMALL_READ_BYTES = 512;

/** What a driver is told about its connection. */
export interface DenoStreamOptions {
  /** Protocol chosen by ALPN. */
  readonly alpn?: string | null;
  /** Where it was meant to go, which may have a zone that Deno drops. */
  readonly target?: SocketTarget | undefined;
  /** Starts TLS on the connection; left out where it cannot be started. */
  readonly startTls?: DenoTlsStarter | undefined;
}

/** Starts TLS on a connection which nobody else uses any more. */
export type DenoTlsStarter = (conn: DenoConn, options: TlsOptions, signal: AbortSignal) => Promise<TStreamDriver>;

/** One connection. */
export class DenoStreamDriver implements TStreamDriver {
  readonly kind: string = "deno";
  readonly localAddress: TsocketAddress;
  readonly remoteAddress: TsocketAddress;
  readonly alpn: string | null;
  readonly startTls?: (options: TlsOptions, signal: AbortSignal) => Promise<TStreamDriver>;
  readonly #conn: DenoConn;
  #events: TStreamEvents | undefined;
  /** Made when first needed: whoever reads into large views of his own never needs it. */
  #buffer: Uint8Array | undefined;
  readonly #copies: ShortCopies = new ShortCopies();
  #from = 0;
  #to = 0;
  #isFilling = false;
  /** How much one read into the buffer may bring. */
  #fillBytes = READ_BUFFER_BYTES;
  /** Readers were told to ask again, and have not been told when. */
  #isWanted = false;
  #isWatched = false;
  #isOver = false;
  #isClosed = false;
  #readError: SocketError | undefined;
  /** The reset that a write was told of, and no read will be. */
  #reset: SocketError | undefined;
  #waitsForFill: (() => void) | undefined;

  /** Takes a connection over. */
  constructor(conn: DenoConn, options: DenoStreamOptions = {}) {
    this.#conn = conn;
    this.localAddress = fromDenoAddress(conn.localAddr);
    this.remoteAddress = fromDenoAddress(conn.remoteAddr, options.target);
    this.alpn = options.alpn ?? null;
    const { startTls } = options;
    if (startTls !== undefined) this.startTls = (tls, signal) => this.#startTls(startTls, tls, signal);
  }

  get pendingBytes(): number {
    return this.#to - this.#from;
  }

  get readError(): SocketError | undefined {
    return this.#readError;
  }

  start(events: TStreamEvents): void {
    this.#events = events;
  }

  readSync(into: Uint8Array): number {
    if (this.pendingBytes > 0) {
      const count = this.#takeBuffered(into);
      if (this.#isWatched) this.#fill();
      return count;
    }
    if (this.#isOver) return READ_END;
    if (!this.#isWanted) {
      this.#isWanted = true;
      // readInto may follow at once, and then nothing is to be read into the buffer
      queueMicrotask(() => this.#isWanted && this.#fill());
    }
    return READ_AGAIN;
  }

  readInto(into: Uint8Array): Promise<number> {
    this.#isWanted = false;
    if (into.length >= LARGE_VIEW_BYTES) this.#fillBytes = SMALL_READ_BYTES;
    if (!this.#isFilling) {
      return this.#conn.read(into).then(
        (count) => count ?? this.#ended(undefined),
        (thrown) => this.#ended(denoError(thrown, { syscall: "read", address: this.remoteAddress })),
      );
    }
    return new Promise((resolve) => {
      this.#waitsForFill = () => {
        const count = this.pendingBytes > 0 ? this.#takeBuffered(into) : READ_END;
        resolve(count);
      };
    });
  }

  watch(): void {
    // a read under way would be in the way of TLS, which Deno then refuses to start
    if (this.startTls !== undefined) return;
    this.#isWatched = true;
    this.#fill();
  }

  async writev(vector: Vector): Promise<void> {
    let written = 0;
    try {
      for (const piece of joinViews(vector)) {
        let count = await this.#conn.write(piece);
        written += count;
        for (let at = count; at < piece.length; at += count) {
          count = await this.#conn.write(piece.subarray(at));
          written += count;
        }
      }
    } catch (thrown) {
      throw this.#writeError(thrown, "write", written);
    }
  }

  async shutdown(): Promise<void> {
    try {
      await this.#conn.closeWrite();
    } catch (thrown) {
      throw this.#writeError(thrown, "shutdown", 0);
    }
  }

  close(): Promise<void> {
    this.abort();
    return Promise.resolve();
  }

  abort(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // what is under way fails now, and with it whoever waits for it
    closeQuietly(this.#conn);
    if (!this.#isOver) this.#end(closedError());
  }

  setRef(isRef: boolean): void {
    if (isRef) this.#conn.ref();
    else this.#conn.unref();
  }

  #takeBuffered(into: Uint8Array): number {
    const count = Math.min(into.length, this.pendingBytes);
    this.#copies.copy(into, this.#buffer!, this.#from, this.#from + count);
    this.#from += count;
    if (this.#from === this.#to) this.#copies.forget();
    return count;
  }

  /** Reads into the buffer, unless that is being done, cannot be done, or there is no room. */
  #fill(): void {
    if (this.#isFilling || this.#isOver) return;
    this.#buffer ??= new Uint8Array(READ_BUFFER_BYTES);
    this.#makeRoom(this.#buffer);
    if (this.#to === READ_BUFFER_BYTES) return;
    this.#isFilling = true;
    const most = this.#isWatched ? READ_BUFFER_BYTES : this.#fillBytes;
    const end = Math.min(READ_BUFFER_BYTES, this.#to + most);
    // until a large view is read into again
    this.#fillBytes = READ_BUFFER_BYTES;
    this.#conn.read(this.#buffer.subarray(this.#to, end)).then(
      (count) => this.#filled(count ?? this.#ended(undefined)),
      (thrown) => this.#filled(this.#ended(denoError(thrown, { syscall: "read", address: this.remoteAddress }))),
    );
  }

  /** Moves what is there to the front once that is the smaller part. */
  #makeRoom(buffer: Uint8Array): void {
    if (this.#from < READ_BUFFER_BYTES / 2 && this.pendingBytes > 0) return;
    buffer.copyWithin(0, this.#from, this.#to);
    this.#to -= this.#from;
    this.#from = 0;
  }

  #filled(count: number): void {
    this.#isFilling = false;
    if (count > 0) this.#to += count;
    const waits = this.#waitsForFill;
    this.#waitsForFill = undefined;
    waits?.();
    if (this.#isWanted && !this.#isClosed) {
      this.#isWanted = false;
      this.#events?.readable();
    }
    if (this.#isWatched) this.#fill();
  }

  /** Reading came to its end. */
  #ended(error: SocketError | undefined): number {
    if (this.#isOver) return READ_END;
    this.#end(error ?? this.#reset);
    this.#events?.broken(this.#readError ?? new SocketError("the peer has ended the connection", { code: "EOF" }));
    return READ_END;
  }

  #end(error: SocketError | undefined): void {
    this.#isOver = true;
    this.#readError = error;
  }

  #writeError(thrown: unknown, syscall: string, bytesTransferred: number): SocketError {
    const error = denoError(thrown, { syscall, address: this.remoteAddress, bytesTransferred });
    if (error.code === "ECONNRESET") this.#reset ??= error;
    return error;
  }

  #startTls(start: DenoTlsStarter, options: TlsOptions, signal: AbortSignal): Promise<TStreamDriver> {
    const refusal = this.#refusalOfTls();
    if (refusal !== undefined) {
      this.abort();
      return Promise.reject(refusal);
    }
    this.#isClosed = true;
    this.#isWanted = false;
    this.#end(new SocketError("the connection went on to TLS", { code: "ECONNABORTED" }));
    return start(this.#conn, options, signal);
  }

  #refusalOfTls(): SocketError | undefined {
    const where = { syscall: "startTls", address: this.remoteAddress };
    if (this.#isClosed) {
      return new SocketError("startTls: the socket was closed here", { code: "ECONNABORTED", ...where });
    }
    if (this.pendingBytes > 0) {
      const message =
        "startTls: the peer sent more before TLS began; what came unprotected must not be taken for protected";
      return new SocketError(message, { code: "EPROTO", ...where });
    }
    if (!this.#isFilling) return undefined;
    const message = "startTls: Deno cannot start TLS while a read is under way, not even one that was cancelled";
    return new SocketError(message, { code: "EBUSY", ...where });
  }
}

/** Closes a connection, or whatever it is, that may be closed already. */
export function closeQuietly(resource: { close(): void }): void {
  try {
    resource.close();
  } catch { /* Deno throws when it is closed already */ }
}
