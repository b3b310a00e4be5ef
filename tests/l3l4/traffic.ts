/** Applications at both ends of connections: they write patterns, read and judge what comes, stop and go on. */
import type { L3L4Error } from "../../src/l3l4/errors.ts";
import type { TcpPort } from "../../src/l3l4/l3l4_sink.ts";
import type { Application, Network } from "./network.ts";
import { isPattern, patternAt } from "./pattern.ts";
import { streamNumber } from "./wire_watch.ts";

/** One end of a connection. */
export class Side {
  readonly port: TcpPort;
  /** Bytes that it is to write, in all. */
  target = 0;
  written = 0;
  read = 0;
  /** Whether it does not read. */
  isStalled = false;
  /** Largest write. */
  chunk = 16_384;
  /** Whether it ends once all is written. */
  ends = false;
  isShut = false;
  isAborted = false;
  isOpened = false;
  hasEnded = false;
  /** How it was over; `undefined` until it is. */
  error: L3L4Error | null | undefined = undefined;
  /** When the last byte was read. */
  readAt = 0;
  readonly #stream: number;
  readonly #peerStream: number;
  readonly #network: Network;

  constructor(network: Network, port: TcpPort) {
    this.#network = network;
    this.port = port;
    const clientPort = port.isActive ? port.localPort : port.remotePort;
    this.#stream = streamNumber(clientPort, port.isActive);
    this.#peerStream = streamNumber(clientPort, !port.isActive);
  }

  /** Whether nothing more will happen here. */
  get isOver(): boolean {
    return this.isAborted || this.error !== undefined;
  }

  /** Writes what there is room for. */
  pump(): void {
    if (!this.isOpened || this.isOver) return;
    while (this.written < this.target) {
      const bytes = patternAt(this.#stream, this.written, Math.min(this.chunk, this.target - this.written));
      const count = this.port.write(bytes, this.#network.now);
      this.written += count;
      if (count < bytes.length) return;
    }
    if (!this.ends || this.isShut) return;
    this.isShut = true;
    this.port.shutdown(this.#network.now);
  }

  /** Reads what is there. */
  drain(): void {
    if (this.isStalled || this.isAborted) return;
    while (this.port.readable > 0) {
      const view = this.port.peek();
      if (view.length === 0) throw new Error(`${this.port.readable} bytes are readable, but none is there`);
      if (!isPattern(this.#peerStream, this.read, view)) throw new Error(`wrong bytes from ${this.read} on`);
      this.read += view.length;
      this.readAt = this.#network.now;
      this.port.consume(view.length, this.#network.now);
    }
  }

  abort(): void {
    if (this.isOver) return;
    this.isAborted = true;
    this.port.abort(this.#network.now);
  }
}

/** All ends of all connections of a network. */
export class Traffic implements Application {
  /** In the order in which they came to be. */
  readonly sides: Side[] = [];
  /** What a new end is to do. */
  prepare: (side: Side) => void = () => {};
  readonly #network: Network;
  readonly #byPort = new Map<TcpPort, Side>();

  constructor(network: Network) {
    this.#network = network;
    network.application = this;
  }

  /** The end of this port, also of one that has not opened yet. */
  side(port: TcpPort): Side {
    let side = this.#byPort.get(port);
    if (side === undefined) {
      side = new Side(this.#network, port);
      this.#byPort.set(port, side);
      this.sides.push(side);
      this.prepare(side);
    }
    return side;
  }

  opened(port: TcpPort): void {
    const side = this.side(port);
    if (side.isOpened) throw new Error("opened twice");
    side.isOpened = true;
    side.pump();
  }

  readable(port: TcpPort): void {
    this.#live(port, "readable").drain();
  }

  writable(port: TcpPort): void {
    this.#live(port, "writable").pump();
  }

  ended(port: TcpPort): void {
    const side = this.#live(port, "ended");
    if (side.hasEnded) throw new Error("ended twice");
    side.hasEnded = true;
    side.drain();
  }

  closed(port: TcpPort, error: L3L4Error | null): void {
    const side = this.side(port);
    if (side.isOver) throw new Error(side.isAborted ? "closed after an abort" : "closed twice");
    side.error = error;
    side.drain();
  }

  #live(port: TcpPort, event: string): Side {
    const side = this.side(port);
    if (!side.isOpened) throw new Error(`${event} before it was opened`);
    if (side.isOver) throw new Error(`${event} after it was over`);
    return side;
  }
}
