/**
 * A connection as a driver of `./tsocket`: what runs on a socket of the system runs on one of the stack.
 *
 * Reads and writes go to the connection's own memory, without a stream in between.
 *
 * @module
 */
import { InetAddress } from "../tsocket/inet_address.ts";
import { READ_AGAIN, READ_END, type TStreamDriver, type TStreamEvents } from "../tsocket/driver_types.ts";
import { closedError, SocketError } from "../tsocket/errors.ts";
import { Teller } from "../tsocket/teller.ts";
import type { Vector } from "../tsocket/types.ts";
import { formatAddress } from "../packet/address.ts";
import type { FlowHost, FlowUser } from "./flow_user.ts";
import type { TcpPort } from "./l3l4_sink.ts";

interface PendingWrite {
  readonly vector: Vector;
  index: number;
  at: number;
  taken: number;
  resolve(): void;
  reject(error: SocketError): void;
}

/** One connection. */
export class TcpDriver implements TStreamDriver, FlowUser {
  /** Always `l3l4`. */
  readonly kind: string = "l3l4";
  /** The address that the stack plays. */
  readonly localAddress: InetAddress;
  /** The peer's. */
  readonly remoteAddress: InetAddress;
  /** There is no TLS. */
  readonly alpn: null = null;
  readonly #host: FlowHost;
  readonly #port: TcpPort;
  readonly #teller: Teller<TStreamEvents> = new Teller((events) => this.#tell(events));
  #write: PendingWrite | undefined;
  /** Whether a read was answered with {@linkcode READ_AGAIN} and nobody was told since. */
  #isAsked = false;
  #hasToldEnd = false;
  #hasEnded = false;
  #hasShutDown = false;
  #isClosed = false;
  #isOpen = false;
  /** How the connection ended, `undefined` while it has not. */
  #over: { readonly error: SocketError } | null | undefined;
  #hasToldOver = false;
  #onOpen: { resolve(): void; reject(error: SocketError): void } | undefined;

  /** Takes the port over; `over` is how it ended already. */
  constructor(host: FlowHost, port: TcpPort, over?: { readonly error: unknown } | null) {
    this.#host = host;
    this.#port = port;
    port.context = this;
    this.localAddress = InetAddress.from(formatAddress(port.localAddress), port.localPort);
    this.remoteAddress = InetAddress.from(formatAddress(port.remoteAddress), port.remotePort);
    if (over === undefined) host.joined(this);
    else this.#over = over === null ? null : { error: socketError(over.error) };
    this.#hasEnded = port.hasEnded;
  }

  /** Bytes that {@linkcode readSync} would hand out. */
  get pendingBytes(): number {
    return this.#isClosed ? 0 : this.#port.readable;
  }

  /** Why reading is over. */
  get readError(): SocketError | undefined {
    if (this.#isClosed) return closedError("readv");
    return this.#port.hasEnded ? undefined : this.#over?.error;
  }

  /** Resolves when the connection stands; rejects with a {@linkcode SocketError}. */
  whenOpen(): Promise<void> {
    return new Promise((resolve, reject) => {
      // some runtimes pipe without a promise in between: everything may have happened before `connect` returned
      if (this.#isOpen) return resolve();
      if (this.#over?.error !== undefined) return reject(this.#over.error);
      this.#onOpen = { resolve, reject };
    });
  }

  /** Names whom to tell. */
  start(events: TStreamEvents): void {
    this.#teller.start(events);
  }

  /** Copies what has come; the window follows. */
  readSync(into: Uint8Array): number {
    const port = this.#port;
    if (this.#isClosed) return READ_END;
    this.#isAsked = false;
    let count = 0;
    while (count < into.length) {
      const bytes = port.peek();
      const piece = Math.min(bytes.length, into.length - count);
      if (piece === 0) break;
      into.set(piece === bytes.length ? bytes : bytes.subarray(0, piece), count);
      count += piece;
      port.consume(piece, this.#host.now());
    }
    if (count > 0) {
      this.#host.turn();
      return count;
    }
    if (port.hasEnded || this.#over !== undefined) return READ_END;
    this.#isAsked = true;
    return READ_AGAIN;
  }

  /** Copies all of the views to where the connection keeps them; waits while there is no room. */
  writev(vector: Vector): Promise<void> {
    const refusal = this.#refusal("writev");
    if (refusal !== undefined) return Promise.reject(refusal);
    const written = new Promise<void>((resolve, reject) => {
      this.#write = { vector, index: 0, at: 0, taken: 0, resolve, reject };
      this.#pump();
    });
    this.#host.turn();
    return written;
  }

  /** Ends our side. */
  shutdown(): Promise<void> {
    const refusal = this.#refusal("shutdown");
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#shutdown();
    this.#host.turn();
    return Promise.resolve();
  }

  /** What was written is still delivered; nobody reads any more. */
  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    this.#failWrite(closedError("writev"));
    // also when it is over: what came is held until it is read or not wanted
    this.#port.stopReading(this.#host.now());
    if (this.#over === undefined) {
      this.#shutdown();
      this.#host.turn();
    }
    return Promise.resolve();
  }

  /** Resets the connection. */
  abort(): void {
    this.#isClosed = true;
    if (this.#over !== undefined) return this.#port.stopReading(this.#host.now());
    this.#port.abort(this.#host.now());
    this.#end({ error: closedError("writev") });
    this.#host.turn();
  }

  // events of the port

  /** The connection stands. */
  opened(): void {
    this.#isOpen = true;
    this.#onOpen?.resolve();
    this.#onOpen = undefined;
    this.#pump();
  }

  /** Bytes have come. */
  readable(): void {
    if (this.#isAsked) this.#teller.soon();
  }

  /** There is room. */
  writable(): void {
    this.#pump();
  }

  /** The peer has ended. */
  ended(): void {
    this.#hasEnded = true;
    this.#teller.soon();
  }

  /** It is over. */
  closed(error: unknown): void {
    this.#end(error === null ? null : { error: socketError(error) });
  }

  /** The stack is over. */
  gone(reason: unknown, isReset: boolean): void {
    if (isReset && this.#over === undefined) this.#port.abort(this.#host.now());
    this.#end({ error: socketError(reason) });
  }

  #refusal(syscall: string): SocketError | undefined {
    if (this.#isClosed) return closedError(syscall);
    if (this.#over !== undefined && this.#over !== null) return this.#over.error;
    if (!this.#hasShutDown) return undefined;
    return new SocketError("this side has ended its direction", { code: "EPIPE", blame: "local", syscall });
  }

  #shutdown(): void {
    if (this.#hasShutDown) return;
    this.#hasShutDown = true;
    if (this.#over === undefined) this.#host.closing(this);
    this.#port.shutdown(this.#host.now());
  }

  /** Writes as far as there is room. */
  #pump(): void {
    const write = this.#write;
    if (write === undefined) return;
    const now = this.#host.now();
    while (write.index < write.vector.length) {
      const view = write.vector[write.index]!;
      const taken = this.#port.write(write.at === 0 ? view : view.subarray(write.at), now);
      write.at += taken;
      write.taken += taken;
      if (write.at < view.length) return;
      write.index++;
      write.at = 0;
    }
    this.#write = undefined;
    write.resolve();
  }

  #failWrite(error: SocketError): void {
    const write = this.#write;
    this.#write = undefined;
    if (write === undefined) return;
    const { code, blame, cause, reason } = error;
    write.reject(new SocketError(reason, { code, blame, cause, syscall: "writev", bytesTransferred: write.taken }));
  }

  #end(over: { readonly error: SocketError } | null): void {
    if (this.#over !== undefined) return;
    this.#over = over;
    if (over !== null) {
      this.#failWrite(over.error);
      this.#onOpen?.reject(over.error);
    }
    this.#host.left(this);
    this.#teller.soon();
  }

  #tell(events: TStreamEvents): void {
    if (this.#isClosed) return;
    const { readable, hasEnded } = this.#port;
    if (this.#isAsked && (readable > 0 || hasEnded || this.#over !== undefined)) {
      this.#isAsked = false;
      events.readable();
    }
    if (this.#hasEnded && !this.#hasToldEnd) {
      this.#hasToldEnd = true;
      events.broken(new SocketError("the peer has ended the connection", { code: "EOF" }));
    }
    if (this.#over === undefined || this.#over === null || this.#hasToldOver) return;
    this.#hasToldOver = true;
    events.broken(this.#over.error);
  }
}

/** What ended a connection, as sockets tell it. */
export function socketError(thrown: unknown): SocketError {
  if (thrown instanceof SocketError) return thrown;
  const { code, message, blame } = thrown as { code?: unknown; message?: unknown; blame?: "local" | "remote" };
  const text = typeof message === "string" ? message : String(thrown);
  return new SocketError(text, {
    code: typeof code === "string" ? code : "ENETDOWN",
    ...blame === undefined ? {} : { blame },
    cause: thrown,
  });
}
