/** A scenario's world in this process: the engine with `compat: "linux"`, and TCP as far as KCM sees it. */
import {
  KCM_RECV_DISABLE,
  KcmError,
  KcmNamespace,
  KernelSocket,
  type LowerPort,
  MultiplexorEngine,
  type Received,
  SOL_KCM,
} from "../../../src/kcm/mod.ts";
import type { Parser } from "../../../src/strparser/mod.ts";
import { parserOf } from "./programs.ts";
import { countersOf, type ReceiveHow, type SendHow, type Setup, shown, statusLines, type World } from "./world.ts";

const ALL = 1 << 22;
/** What a slow connection takes while its peer does not read. */
const SLOW_ROOM = 3000;

/** The engine. */
export class EngineWorld implements World {
  readonly notes: string[] = [];
  readonly #engine: MultiplexorEngine = new MultiplexorEngine({ compat: "linux" });
  readonly #namespace: KcmNamespace = new KcmNamespace();
  readonly #sockets: KernelSocket[] = [];
  readonly #open: Set<number> = new Set();
  readonly #connections: Connection[] = [];
  readonly #setup: Setup;
  readonly #parser: Parser;
  #now = 0;

  constructor(setup: Setup) {
    const { room, type, sockets = 1, sendBufferBytes } = setup;
    this.#setup = setup;
    this.#parser = parserOf(setup.program, setup.isNaive ?? false);
    this.#namespace.add(this.#engine);
    const receiveBufferBytes = room && room.messages * room.length;
    for (let i = 0; i < sockets; i++) {
      this.#add(new KernelSocket(this.#engine, { type, receiveBufferBytes, sendBufferBytes }));
    }
  }

  note(text: string): void {
    this.notes.push(text);
  }

  async connect(count: number = 1): Promise<void> {
    for (let i = 0; i < count; i++) {
      const connection = this.#connections.push(new Connection(this.#setup.isSlow ? SLOW_ROOM : Infinity)) - 1;
      if (!this.#setup.isManual) await this.attach(connection);
    }
  }

  attach(connection: number): Promise<void> {
    const { maxMessageLength = 131_072, messageTimeoutMs } = this.#setup;
    const one = this.#connections[connection]!;
    const isTaken = one.isAttached;
    if (!isTaken) one.attach(this.#engine, { parser: this.#parser, maxMessageLength, messageTimeoutMs }, this.#now);
    return this.#did(`attach ${connection}: ${isTaken ? "EALREADY" : "ok"}`);
  }

  unattach(connection: number): Promise<void> {
    const one = this.#connections[connection]!;
    const result = one.isAttached ? "ok" : "ENOENT";
    one.unattach();
    return this.#did(`unattach ${connection}: ${result}`);
  }

  left(connection: number): Promise<void> {
    return this.#did(`left ${connection}: ${this.#connections[connection]!.read()}`);
  }

  segment(connection: number, bytes: Uint8Array): Promise<void> {
    this.#connections[connection]!.arrive(bytes, this.#now);
    return this.#did();
  }

  end(connection: number): Promise<void> {
    this.#connections[connection]!.end(this.#now);
    return this.#did();
  }

  reset(connection: number): Promise<void> {
    this.#connections[connection]!.reset();
    return this.#did();
  }

  error(connection: number): Promise<void> {
    return this.#did(`error ${connection}: ${this.#connections[connection]!.takeError() ?? "0"}`);
  }

  clone(): Promise<void> {
    const [open] = this.#open;
    this.#add(this.#sockets[open!]!.clone(this.#engine));
    return this.#did();
  }

  receive(socket: number, how: ReceiveHow = {}): Promise<void> {
    this.#receive(socket, how);
    return this.#did();
  }

  drain(socket: number): Promise<void> {
    while (this.#receive(socket, {}));
    return this.#did();
  }

  disable(socket: number): Promise<void> {
    this.#sockets[socket]!.setOption(SOL_KCM, KCM_RECV_DISABLE, 1);
    return this.#did();
  }

  enable(socket: number): Promise<void> {
    this.#sockets[socket]!.setOption(SOL_KCM, KCM_RECV_DISABLE, 0);
    return this.#did();
  }

  closeSocket(socket: number): Promise<void> {
    this.#open.delete(socket);
    this.#sockets[socket]!.close();
    return this.#did();
  }

  send(socket: number, bytes: Uint8Array, how: SendHow = {}): Promise<void> {
    return this.#did(`send ${socket}: ${this.#send(socket, bytes, how)}`);
  }

  peer(connection: number): Promise<void> {
    return this.#did(`peer ${connection}: ${shown(this.#connections[connection]!.readAll())}`);
  }

  status(): Promise<void> {
    this.notes.push(...statusLines(this.#namespace.kcmText()));
    return this.#did();
  }

  wait(ms: number): Promise<void> {
    this.#now += ms;
    this.#engine.onTimeout(this.#now);
    return this.#did();
  }

  close(): Promise<void> {
    for (const socket of this.#open) this.#sockets[socket]!.close();
    for (const [name, value] of countersOf(this.#namespace.kcmStatsText())) {
      // the kernel counts these, and never shows them
      if (name === "mux TX-Retries" || name === "psock RX-Aborts") continue;
      if (value !== 0) this.note(`${name} ${value}`);
    }
    return this.#did();
  }

  /** The text of `/proc/net/kcm_stats`. */
  get statsText(): string {
    return this.#namespace.kcmStatsText();
  }

  /** Whether anything waits to be sent. */
  get isSending(): boolean {
    return this.#engine.stats.sendBytes > 0;
  }

  /** Whether a connection waits for a socket with room. */
  isPaused(connection: number): boolean {
    return this.#connections[connection]!.port?.isPaused ?? false;
  }

  #add(socket: KernelSocket): void {
    this.#open.add(this.#sockets.push(socket) - 1);
  }

  #receive(socket: number, { length, peek }: ReceiveHow): boolean {
    const received = this.#sockets[socket]!.recvmsg(length ?? ALL, { peek });
    this.note(
      `receive ${socket}: ${received === undefined ? "EAGAIN" : `${shown(received.data)} ${flagsOf(received)}`}`,
    );
    return received !== undefined;
  }

  #send(socket: number, bytes: Uint8Array, how: SendHow): string {
    try {
      return `ok ${this.#sockets[socket]!.sendmsg(bytes, how)}`;
    } catch (error) {
      if (error instanceof KcmError) return error.code;
      throw error;
    }
  }

  #did(note?: string): Promise<void> {
    if (note !== undefined) this.note(note);
    return Promise.resolve();
  }
}

function flagsOf({ isEnd, isTruncated }: Received): string {
  const flags = [...(isEnd ? ["EOR"] : []), ...(isTruncated ? ["TRUNC"] : [])];
  return flags.length === 0 ? "-" : flags.join("|");
}

/** One TCP connection with its peer. */
class Connection {
  port: LowerPort | undefined;
  readonly #inbox: number[] = [];
  #unread: number[] = [];
  #room: number;
  #isReset = false;
  #isEnded = false;
  /** The socket's error while it is not attached, or from before it was. */
  #error: string | undefined;

  constructor(room: number) {
    this.#room = room;
  }

  get isAttached(): boolean {
    return this.port !== undefined && !this.port.isOver;
  }

  attach(engine: MultiplexorEngine, options: Parameters<MultiplexorEngine["attach"]>[0], now: number): void {
    let hasError = this.#error !== undefined;
    // the socket's error stays where it is, and what is sent first gets it
    const postError = (port: LowerPort): void => {
      if (hasError) port.fail(undefined);
      hasError = false;
    };
    const port = engine.attach(options, {
      pullable: (port) => {
        postError(port);
        this.#write(port);
      },
      unattached: (_error, { unread }) => void this.#unread.push(...unread),
    });
    this.port = port;
    postError(port);
    const unread = this.takeUnread();
    if (unread.length > 0) port.push(unread, now);
  }

  unattach(): void {
    this.port?.unattach();
    this.#error = this.takeError();
  }

  takeError(): string | undefined {
    const error = this.port?.takeError();
    const before = this.#error;
    this.#error = undefined;
    if (error === undefined) return this.isAttached ? undefined : before;
    const isNew = this.#isReset || this.port!.transmitStats.aborts > 0 || error !== "EPIPE";
    return isNew ? error : before ?? error;
  }

  arrive(bytes: Uint8Array, now: number): void {
    if (this.isAttached) this.port!.push(bytes, now);
    else this.#unread.push(...bytes);
  }

  reset(): void {
    this.#isReset = true;
    if (this.isAttached) this.port!.fail(undefined);
    else this.#error = this.#isEnded ? "EPIPE" : "ECONNRESET";
  }

  end(now: number): void {
    this.#isEnded = true;
    if (this.isAttached) this.#error = undefined;
    this.port?.end(now);
  }

  /** What `recv` brings: bytes, else an error, which is not told behind the peer's end. */
  read(): string {
    const unread = this.takeUnread();
    if (unread.length > 0 || this.#isEnded) return shown(unread);
    return this.takeError() ?? "";
  }

  takeUnread(): Uint8Array {
    const unread = Uint8Array.from(this.#unread);
    this.#unread = [];
    return unread;
  }

  /** The peer reads, and goes on to. */
  readAll(): Uint8Array {
    this.#room = Infinity;
    if (this.isAttached) this.#write(this.port!);
    return Uint8Array.from(this.#inbox.splice(0));
  }

  #write(port: LowerPort): void {
    for (let views = port.pull(); views.length > 0; views = port.pull()) {
      if (this.#isReset) return port.failSending(new Error("connection reset"));
      const bytes = views.flatMap((view) => [...view]);
      const count = Math.min(bytes.length, this.#room);
      this.#room -= count;
      for (const byte of bytes.slice(0, count)) this.#inbox.push(byte);
      port.written(count);
      if (count < bytes.length) return;
    }
  }
}
