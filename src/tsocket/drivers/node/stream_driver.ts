/**
 * A stream connection of `node:net` or `node:tls`, on Node, and as it is on Bun and Deno.
 *
 * Reading is lazy: until somebody asks, the system keeps what comes, and a reader that stalls leaves at most
 * {@linkcode READ_AHEAD_BYTES} and one chunk in this process. What the runtimes do differently is handled here: some
 * never call back a write that failed (then `close` settles it), some call back a moment before they say why.
 *
 * @module
 */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { concat } from "../../../bytes/concat.ts";
import { SocketError } from "../../errors.ts";
import { READ_AGAIN, READ_END, type TStreamDriver, type TStreamEvents } from "../../driver_types.ts";
import type { TlsOptions, TsocketAddress, Vector } from "../../types.ts";
import type { Ends } from "./addresses.ts";
import { codeOf, nodeError } from "./error_codes.ts";
import { Inbox } from "./inbox.ts";
import { checkEnd, readFurther } from "./quirks.ts";
import { alpnOf, clientHandshake, serverContext, serverHandshake } from "./tls.ts";

/** Several views of together no more than this are written as one copy, which is faster than as many. */
export const JOIN_BYTES: number = 16 * 1024;

/** Turns of the event loop that closing goes on reading while each brings more. */
export const LINGER_TURNS = 8;

/** What a driver is made of. */
export interface NodeStreamParts {
  /** The open socket, not read from yet, paused. */
  socket: Socket;
  /** The socket under TLS. */
  raw?: Socket | undefined;
  /** Where `onread` puts what comes; `data` events are used without. */
  inbox?: Inbox | undefined;
  /** Both addresses. */
  ends: Ends;
  /** Which side we are, for TLS. */
  role: "client" | "server";
  /** Name or numeric address of the peer, for TLS. */
  host?: string | undefined;
  /** What TLS is told when it is started later, unless it is told otherwise then. */
  tls?: TlsOptions | undefined;
}

interface PendingWrite {
  resolve(): void;
  reject(error: SocketError): void;
}

/** A stream driver around an open socket of `node:net` or `node:tls`. */
export class NodeStreamDriver implements TStreamDriver {
  /** What it is. */
  readonly kind: string = "node";
  /** Our own address. */
  readonly localAddress: TsocketAddress | undefined;
  /** The peer's address. */
  readonly remoteAddress: TsocketAddress | undefined;
  /** Protocol chosen by ALPN. */
  readonly alpn: string | null;
  readonly #parts: NodeStreamParts;
  readonly #socket: Socket;
  readonly #inbox: Inbox;
  readonly #released: Promise<void>;
  #events: TStreamEvents | undefined;
  #untold: SocketError[] = [];
  #error: SocketError | undefined;
  #write: PendingWrite | undefined;
  #ending: PendingWrite | undefined;
  #closing: Promise<void> | undefined;
  #isPaused = true;
  #isWanted = false;
  #hasEnded = false;
  /** The runtime says so, it may still be checked. */
  #mayHaveEnded = false;
  #isShut = false;
  #isClosed = false;
  #isReleased = false;
  #discarded = 0;
  /** Taken over by TLS. */
  #isGone = false;

  /** Takes the socket over. */
  constructor(parts: NodeStreamParts) {
    const { socket } = parts;
    this.#parts = parts;
    this.#socket = socket;
    this.localAddress = parts.ends.local;
    this.remoteAddress = parts.ends.remote;
    this.alpn = socket instanceof TLSSocket ? alpnOf(socket) : null;
    this.#inbox = parts.inbox ?? new Inbox();
    let release!: () => void;
    this.#released = new Promise((resolve) => release = resolve);
    this.#onClose = () => {
      release();
      this.#closed();
    };
    if (parts.inbox === undefined) socket.on("data", this.#onData);
    else parts.inbox.onArrival = () => this.#arrived();
    socket.on("end", this.#onEnd).on("error", this.#onError).on("close", this.#onClose);
    if (socket.readableEnded) this.#onEnd();
    if (socket.closed) this.#onClose();
  }

  /** Bytes that {@linkcode readSync} would hand out. */
  get pendingBytes(): number {
    return this.#inbox.length;
  }

  /** Why reading ended; `undefined` when the peer ended in order. */
  get readError(): SocketError | undefined {
    return this.#hasEnded ? undefined : this.#error;
  }

  /** Called once, before anything else. */
  start(events: TStreamEvents): void {
    this.#events = events;
    if (this.#untold.length > 0) queueMicrotask(() => this.#tellUntold());
  }

  /** Copies what is there. */
  readSync(into: Uint8Array): number {
    const taken = this.#inbox.read(into);
    if (taken > 0) {
      if (this.#isPaused && this.#inbox.hasRoom) this.#resume();
      return taken;
    }
    if (this.#hasEnded || this.#error !== undefined) return READ_END;
    this.#isWanted = true;
    this.#resume();
    return READ_AGAIN;
  }

  /** Reads ahead until the limit, so that an end is noticed that comes before it. */
  watch(): void {
    if (!this.#inbox.isFull) this.#resume();
  }

  /** Writes all of the views, as one. */
  writev(vector: Vector): Promise<void> {
    const refusal = this.#refusal("write");
    if (refusal !== undefined) return Promise.reject(refusal);
    const views = vector.filter((view) => view.length > 0);
    if (views.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const write = this.#write = { resolve, reject };
      this.#send(views, (error) => this.#written(write, error));
    });
  }

  /** Ends our side. */
  shutdown(): Promise<void> {
    const refusal = this.#refusal("shutdown");
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#isShut = true;
    return new Promise((resolve, reject) => {
      const ending = this.#ending = { resolve, reject };
      this.#socket.end((error?: Error | null) => this.#written(ending, error));
    });
  }

  /**
   * Sends FIN behind what was written, reads what the peer has sent so far (closing over unread bytes would be a reset,
   * which takes from the peer what it has not read yet), and frees everything.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Frees everything at once, with a reset on plain TCP. */
  abort(): void {
    if (this.#isReleased || this.#isGone) return;
    this.#isClosed = true;
    this.#inbox.clear();
    if (this.#canReset()) this.#socket.resetAndDestroy();
    this.#socket.destroy();
  }

  /**
   * Whether it can be ended with a reset. Not while the end is being sent: Node refuses that and loses the descriptor.
   * Not under TLS: Node crashes when the socket goes away beneath.
   */
  #canReset(): boolean {
    const isTcp = this.remoteAddress?.kind === "inet" && this.#parts.raw === undefined;
    return isTcp && this.#ending === undefined && this.#closing === undefined && !this.#socket.destroyed;
  }

  /** Starts TLS in the role that this side has. */
  async startTls(given: TlsOptions, signal: AbortSignal): Promise<TStreamDriver> {
    const tls = { ...this.#parts.tls, ...given };
    const { socket: raw, raw: below, role, host } = this.#parts;
    const refusal = below === undefined ? this.#refusal("startTls") : alreadyError(this.remoteAddress);
    if (refusal !== undefined) throw refusal;
    const context = role === "server" ? serverContext(tls) : undefined;
    if (role === "client" && this.#inbox.length > 0) {
      const error = injectedError(this.#inbox.length, this.remoteAddress);
      this.abort();
      throw error;
    }
    this.#handOver();
    const options = { tls, host, peer: this.remoteAddress };
    const socket = context === undefined
      ? await clientHandshake(raw, options, signal)
      : await serverHandshake(raw, context, options, signal);
    return new NodeStreamDriver({ ...this.#parts, socket, raw, inbox: undefined });
  }

  /** Whether the open connection keeps the process alive. */
  setRef(isRef: boolean): void {
    if (this.#isGone) return;
    if (isRef) this.#socket.ref();
    else this.#socket.unref();
  }

  // ---- events of the socket

  #onClose: () => void;

  readonly #onData = (chunk: Uint8Array): void => {
    this.#inbox.push(chunk);
    this.#arrived();
    if (this.#parts.raw !== undefined) readFurther(this.#socket);
    if (!this.#inbox.isFull || this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  };

  #arrived(): void {
    if (this.#isClosed) {
      this.#discarded += this.#inbox.length;
      return this.#inbox.clear();
    }
    this.#wake();
    // `onread` stops by itself when it is told that the inbox is full
    if (this.#parts.inbox?.isFull) this.#isPaused = true;
  }

  readonly #onEnd = (): void => {
    this.#mayHaveEnded = true;
    checkEnd(this.#socket, () => {
      if (this.#hasEnded || this.#error !== undefined || this.#isGone) return;
      this.#hasEnded = true;
      this.#wake();
      this.#tell(new SocketError("the peer has ended the connection", { code: "EOF", syscall: "read", ...this.#at() }));
    });
  };

  readonly #onError = (cause: unknown): void => {
    this.#fail(nodeError(cause, { syscall: "connection", address: this.remoteAddress }));
  };

  #closed(): void {
    if (this.#isReleased || this.#isGone) return;
    this.#isReleased = true;
    this.#parts.raw?.destroy();
    const isInOrder = this.#isClosed || (this.#mayHaveEnded && this.#isShut);
    // some runtimes close a broken socket without a word
    if (!isInOrder && this.#error === undefined) this.#onError(this.#socket.errored ?? { code: "ECONNRESET" });
    this.#settlePending();
  }

  #fail(error: SocketError): void {
    if (this.#error !== undefined || this.#isClosed || this.#isGone) return;
    this.#rescue();
    this.#error = error;
    this.#wake();
    this.#tell(error);
  }

  /** What the runtime had read before the error is still there to be read. */
  #rescue(): void {
    if (this.#parts.inbox !== undefined) return;
    for (let chunk = this.#socket.read(); chunk !== null; chunk = this.#socket.read()) this.#inbox.push(chunk);
  }

  #wake(): void {
    if (!this.#isWanted) return;
    this.#isWanted = false;
    this.#events?.readable();
  }

  #tell(error: SocketError): void {
    if (this.#isClosed) return;
    this.#untold.push(error);
    if (this.#events !== undefined) this.#tellUntold();
  }

  #tellUntold(): void {
    for (let error = this.#untold.shift(); error !== undefined; error = this.#untold.shift()) {
      if (!this.#isClosed) this.#events!.broken(error);
    }
  }

  // ---- reading and writing

  #resume(): void {
    if (!this.#isPaused || this.#isReleased || this.#isGone) return;
    this.#isPaused = false;
    this.#socket.resume();
    if (this.#parts.raw !== undefined) readFurther(this.#socket);
  }

  #send(views: readonly Uint8Array[], done: (error?: Error | null) => void): void {
    const socket = this.#socket;
    if (views.length === 1) {
      socket.write(views[0]!, done);
      return;
    }
    const length = views.reduce((sum, view) => sum + view.length, 0);
    if (length <= JOIN_BYTES) {
      socket.write(concat(views), done);
      return;
    }
    const last = views.length - 1;
    socket.cork();
    for (let i = 0; i < last; i++) socket.write(views[i]!);
    socket.write(views[last]!, done);
    socket.uncork();
  }

  #written(pending: PendingWrite, cause: unknown): void {
    if (pending !== this.#write && pending !== this.#ending) return;
    if (cause !== undefined && cause !== null) {
      // it was closed under the write, and `error` or `close` will say why
      if (!this.#isReleased && codeOf(cause) === "ECONNABORTED") return;
      if (this.#error === undefined && !this.#isClosed) this.#onWriteError(pending, cause);
      else this.#settle(pending, this.#pendingError());
      return;
    }
    // Node 20 calls a write done that it gave up when the socket was destroyed
    const isDoubtful = pending === this.#write && this.#socket.destroyed;
    this.#settle(pending, isDoubtful ? this.#pendingError() : undefined);
  }

  #onWriteError(pending: PendingWrite, cause: unknown): void {
    this.#settle(pending, nodeError(cause, { syscall: "write", address: this.remoteAddress }));
  }

  #settle(pending: PendingWrite, error: SocketError | undefined): void {
    if (pending === this.#write) this.#write = undefined;
    else this.#ending = undefined;
    if (error === undefined) pending.resolve();
    else pending.reject(error);
  }

  /** `close` is the last event: no callback comes after it, however a runtime is. */
  #settlePending(): void {
    for (const pending of [this.#write, this.#ending]) {
      if (pending !== undefined) this.#settle(pending, this.#pendingError());
    }
  }

  #pendingError(): SocketError {
    if (this.#error !== undefined) return this.#error;
    const code = this.#isClosed ? "ECONNABORTED" : "ECONNRESET";
    return nodeError({ code }, { syscall: "write", address: this.remoteAddress });
  }

  #refusal(syscall: string): SocketError | undefined {
    const address = this.remoteAddress;
    if (this.#isClosed || this.#isGone) return nodeError({ code: "ECONNABORTED" }, { syscall, address });
    if (this.#isShut) return nodeError({ code: "EPIPE" }, { syscall, address });
    if (this.#error !== undefined) return this.#error;
    return this.#socket.destroyed ? nodeError({ code: "EPIPE" }, { syscall, address }) : undefined;
  }

  async #close(): Promise<void> {
    if (this.#isGone) return;
    this.#isClosed = true;
    this.#inbox.clear();
    const socket = this.#socket;
    if (!socket.destroyed) {
      this.#isPaused = false;
      socket.resume();
      const ended = new Promise<void>((resolve) => socket.end(() => resolve()));
      await Promise.race([ended, this.#released]);
      await this.#linger();
      socket.destroy();
    }
    await this.#released;
  }

  async #linger(): Promise<void> {
    for (let turn = 0; turn < LINGER_TURNS && !this.#isReleased; turn++) {
      const before = this.#discarded;
      await new Promise<void>((resolve) => setImmediate(resolve));
      // the first turn may end before it has polled
      if (turn > 0 && this.#discarded === before) return;
    }
  }

  /** Lets go of the socket; what came already goes back, since it is the peer's part of the handshake. */
  #handOver(): void {
    const socket = this.#socket;
    socket.off("data", this.#onData).off("end", this.#onEnd).off("error", this.#onError).off("close", this.#onClose);
    socket.on("error", () => {});
    socket.pause();
    this.#isGone = true;
    if (this.#inbox.length > 0) socket.unshift(this.#inbox.takeAll());
  }

  #at(): { address?: TsocketAddress } {
    return this.remoteAddress === undefined ? {} : { address: this.remoteAddress };
  }
}

/** A TLS server speaks second: whatever came before is not its, and must not be taken for what TLS protects. */
function injectedError(length: number, peer: TsocketAddress | undefined): SocketError {
  return new SocketError(`${length} plain bytes came from the server before the TLS handshake`, {
    code: "EPROTO",
    syscall: "handshake",
    ...(peer === undefined ? {} : { address: peer }),
  });
}

function alreadyError(peer: TsocketAddress | undefined): SocketError {
  return new SocketError(`the connection${peer === undefined ? "" : ` to ${peer.toHostPort()}`} is TLS already`, {
    code: "EINVAL",
    syscall: "startTls",
  });
}
