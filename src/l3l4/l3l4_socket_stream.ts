/**
 * A connection as its user sees it, in the shape of the WinterTC Sockets API: two streams, and how it opened and closed.
 *
 * Streams and promises are made on first access, so that a connection that waits costs little more than in the engine.
 * The peer's end ends `readable` and nothing else, as TCP has it: our own side ends when `writable` is closed.
 *
 * @module
 */
import { shownAs } from "../core/shown.ts";
import { type Deferred, deferred } from "../stream/deferred.ts";
import { InetAddress } from "../tsocket/inet_address.ts";
import type { TStreamDriver } from "../tsocket/driver_types.ts";
import type { SocketInfo } from "../tsocket/types.ts";
import { formatAddress } from "../packet/address.ts";
import { L3L4Error } from "./errors.ts";
import { FlowReadable, type FlowReads } from "./flow_readable_stream.ts";
import type { FlowHost, FlowUser } from "./flow_user.ts";
import { FlowWritable, type FlowWrites } from "./flow_writable_stream.ts";
import type { TcpInfo, TcpPort } from "./l3l4_sink.ts";
import { TcpDriver } from "./tcp_driver_stream.ts";

/** Bytes of a chunk, at most. */
const CHUNK_BYTES = 65536;

/**
 * One TCP connection of an {@linkcode L3L4}.
 */
export class L3L4Socket implements AsyncDisposable {
  readonly #life: FlowLife;

  /** Made by {@linkcode L3L4}. */
  constructor(host: FlowHost, port: TcpPort) {
    this.#life = new FlowLife(host, port);
  }

  /** Bytes of the peer. Nothing is read ahead; cancelling it ends reading only. Made on first access. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#life.readableSide().stream;
  }

  /** Bytes for the peer. Closing it ends our side, aborting it the connection. Made on first access. */
  get writable(): WritableStream<Uint8Array> {
    return this.#life.writableSide().stream;
  }

  /** Resolves when the connection stands. Needs no handler. */
  get opened(): Promise<SocketInfo> {
    return this.#life.openedPromise();
  }

  /** Resolves when both sides have ended, rejects when it broke. Needs no handler. */
  get closed(): Promise<void> {
    return this.#life.closedPromise();
  }

  /** The address that the stack plays. */
  get localAddress(): InetAddress {
    return addressOf(this.#life.port.localAddress, this.#life.port.localPort);
  }

  /** The peer's. */
  get remoteAddress(): InetAddress {
    return addressOf(this.#life.port.remoteAddress, this.#life.port.remotePort);
  }

  /** Whether this side asked for it. */
  get isActive(): boolean {
    return this.#life.port.isActive;
  }

  /** Whether TLS took it over: never. */
  get upgraded(): boolean {
    return false;
  }

  /** Everything that is known of it. */
  info(): TcpInfo {
    return this.#life.port.info();
  }

  /**
   * Without a reason: what was written is sent, then our side ends, and nobody reads any more. With one as
   * {@linkcode abort}. Resolves when the connection is over, which the peer may put off for as long as `finWaitMs`. One
   * that the peer has not answered yet, and for which nothing was written, is over at once.
   */
  close(reason?: unknown): Promise<void> {
    if (reason === undefined) this.#life.close();
    else this.#life.abort(reason);
    return this.#life.closedPromise();
  }

  /** Ends it at once; the peer sees a reset. What is under way rejects with `reason`. */
  abort(reason?: unknown): void {
    this.#life.abort(reason);
  }

  /**
   * Hands the connection over to a socket of `./tsocket`, as its driver; this one is not to be used any more.
   *
   * @throws {TypeError} when one of the streams was asked for already
   */
  intoDriver(): TStreamDriver {
    return this.#life.intoDriver();
  }

  /** Closes; what goes wrong is not told. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => {});
  }
}

shownAs(L3L4Socket, "L3L4Socket", (socket) => {
  const { state, bytesReceived, bytesAcked, bytesQueued } = socket.info();
  const [local, remote] = [socket.localAddress.toHostPort(), socket.remoteAddress.toHostPort()];
  return { local, remote, state, bytesReceived, bytesAcked, bytesQueued };
});

/** The address of an end. */
export function addressOf(address: Uint8Array, port: number): InetAddress {
  return InetAddress.from(formatAddress(address), port);
}

/** What the socket hides: its events, and what its streams ask for. */
class FlowLife implements FlowUser, FlowReads, FlowWrites {
  readonly port: TcpPort;
  readonly #host: FlowHost;
  #readable: FlowReadable | undefined;
  #writable: FlowWritable | undefined;
  #opened: Deferred<SocketInfo> | undefined;
  #closed: Deferred<void> | undefined;
  #isOpen: boolean;
  /** How it ended. */
  #over: { readonly error: unknown } | null | undefined;
  #hasEndedWriting = false;
  #isClosing = false;

  constructor(host: FlowHost, port: TcpPort) {
    this.#host = host;
    this.port = port;
    this.#isOpen = !port.isActive;
    port.context = this;
    host.joined(this);
  }

  readableSide(): FlowReadable {
    if (this.#readable === undefined) {
      this.#readable = new FlowReadable(this);
      if (this.#isClosing) this.#readable.end();
    }
    return this.#readable;
  }

  writableSide(): FlowWritable {
    if (this.#writable === undefined) {
      this.#writable = new FlowWritable(this);
      if (this.#over !== undefined || this.#hasEndedWriting) this.#writable.fail(this.#whyOver());
    }
    return this.#writable;
  }

  openedPromise(): Promise<SocketInfo> {
    if (this.#opened === undefined) {
      this.#opened = deferred();
      if (this.#isOpen) this.#opened.resolve(this.#socketInfo());
      else if (this.#over !== undefined) this.#opened.reject(this.#whyOver());
    }
    return this.#opened.promise;
  }

  closedPromise(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = deferred();
      this.#settleClosed();
    }
    return this.#closed.promise;
  }

  close(): void {
    if (this.#over !== undefined) return this.#forget(this.#over?.error);
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#host.closing(this);
    this.port.stopReading(this.#host.now());
    this.#readable?.end();
    if (!this.#writable?.drain()) this.#endClosing();
    this.#host.turn();
  }

  abort(given: unknown): void {
    const reason = given ?? new L3L4Error("the connection was aborted here", { code: "ECONNABORTED", blame: "local" });
    if (this.#over !== undefined) return this.#forget(reason);
    this.port.abort(this.#host.now());
    this.#readable?.end(reason);
    this.#finish({ error: reason });
    this.#host.turn();
  }

  intoDriver(): TStreamDriver {
    if (this.#readable !== undefined || this.#writable !== undefined || this.#isClosing) {
      throw new TypeError("the connection's streams are in use, or it was closed");
    }
    this.#host.left(this);
    return new TcpDriver(this.#host, this.port, this.#over);
  }

  // events of the port

  opened(): void {
    this.#isOpen = true;
    this.#opened?.resolve(this.#socketInfo());
    this.#writable?.wake();
  }

  readable(): void {
    this.#readable?.wake();
  }

  writable(): void {
    this.#writable?.wake();
  }

  ended(): void {
    this.#readable?.wake();
  }

  closed(error: L3L4Error | null): void {
    this.#finish(error === null ? null : { error });
  }

  gone(reason: unknown, isReset: boolean): void {
    if (isReset && this.#over === undefined) this.port.abort(this.#host.now());
    this.#finish({ error: reason });
  }

  // what the streams ask for

  take(): Uint8Array<ArrayBuffer> | undefined {
    const bytes = this.port.peek();
    const count = Math.min(bytes.length, CHUNK_BYTES);
    if (count === 0) return undefined;
    const chunk = bytes.slice(0, count) as Uint8Array<ArrayBuffer>;
    this.port.consume(count, this.#host.now());
    return chunk;
  }

  took(): void {
    this.#host.turn();
  }

  readEnding(): { readonly error: unknown } | null | undefined {
    if (this.port.hasEnded) return null;
    return this.port.readable === 0 ? this.#over : undefined;
  }

  stopReading(): void {
    this.port.stopReading(this.#host.now());
    this.#host.turn();
  }

  now(): number {
    return this.#host.now();
  }

  write(chunk: Uint8Array, at: number, now: number): number {
    if (this.#over !== undefined || this.#hasEndedWriting) throw this.#whyOver();
    return this.port.write(at === 0 ? chunk : chunk.subarray(at), now);
  }

  wrote(now: number): void {
    this.#host.turn(now);
  }

  endWriting(): void {
    if (this.#over !== undefined || this.#hasEndedWriting) return;
    this.#hasEndedWriting = true;
    this.#host.closing(this);
    this.port.shutdown(this.#host.now());
    this.#host.turn();
  }

  drained(): void {
    this.#endClosing();
  }

  /**
   * Everything that was written has been taken: our side ends. The stream is not failed, as its own end may be on its way;
   * what is written after this fails.
   */
  #endClosing(): void {
    if (!this.#isUnanswered()) return this.endWriting();
    this.port.abort(this.#host.now());
    this.#finish(null);
  }

  /** Whether the peer has not answered yet, and would get nothing if it did: there is nothing to wait for then. */
  #isUnanswered(): boolean {
    if (this.#isOpen) return false;
    const { state, bytesQueued } = this.port.info();
    return state === "SYN-SENT" && bytesQueued === 0;
  }

  /** It is over, and what was not read by now is not wanted. */
  #forget(reason: unknown): void {
    this.port.stopReading(this.#host.now());
    this.#readable?.end(reason);
  }

  #finish(over: { readonly error: unknown } | null): void {
    if (this.#over !== undefined) return;
    this.#over = over;
    this.#opened?.reject(this.#whyOver());
    this.#writable?.fail(this.#whyOver());
    this.#readable?.wake();
    this.#settleClosed();
    this.#host.left(this);
  }

  #settleClosed(): void {
    if (this.#over === undefined) return;
    if (this.#over === null) this.#closed?.resolve();
    else this.#closed?.reject(this.#over.error);
  }

  #whyOver(): unknown {
    return this.#over?.error ??
      new L3L4Error("the connection was closed here", { code: "ECONNABORTED", blame: "local" });
  }

  #socketInfo(): SocketInfo {
    const { localAddress, localPort, remoteAddress, remotePort } = this.port;
    return {
      localAddress: addressOf(localAddress, localPort).toHostPort(),
      remoteAddress: addressOf(remoteAddress, remotePort).toHostPort(),
      alpn: null,
    };
  }
}
