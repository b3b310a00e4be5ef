/**
 * Sends as the kernel does. Internal; for `compat: "linux"`.
 *
 * A socket reserves the first connection that is free, and keeps it while it has anything to send; sockets that find none
 * wait in line. A message on a connection that fails begins again on another, always. The totals are brought up to date
 * only when a connection is given up.
 *
 * @module
 */
import { Fifo } from "./fifo.ts";
import type { KcmSock } from "./kcm_sock.ts";
import type { LinuxPsock } from "./linux_psock.ts";
import type { DiscardFilter } from "./outgoing.ts";
import type { Outgoing } from "./outgoing_message.ts";
import type { TransmitCounts, TransmitPort, TransmitSteering, TransmitSteeringHost } from "./steering_ports.ts";

/** The kernel's way. */
export class LinuxTransmit implements TransmitSteering {
  readonly isDue = false;
  readonly counts: { -readonly [Name in keyof TransmitCounts]: number } = {
    txMessages: 0,
    txBytes: 0,
    unattachedReserved: 0,
  };
  readonly #host: TransmitSteeringHost;
  readonly #ports: Set<TransmitPort> = new Set();
  readonly #available: Fifo<TransmitPort> = new Fifo();
  readonly #waiters: Fifo<KcmSock> = new Fifo();
  readonly #portOf: Map<KcmSock, TransmitPort> = new Map();
  readonly #socketOf: Map<TransmitPort, KcmSock> = new Map();
  readonly #seen: WeakMap<TransmitPort, { messages: number; bytes: number }> = new WeakMap();

  constructor(host: TransmitSteeringHost) {
    this.#host = host;
  }

  get hasTargets(): boolean {
    return this.#ports.size > 0;
  }

  reservedBy(socket: KcmSock): TransmitPort | undefined {
    return this.#portOf.get(socket);
  }

  reserverOf(port: TransmitPort): KcmSock | undefined {
    return this.#socketOf.get(port);
  }

  accept(socket: KcmSock, message: Outgoing): void {
    socket.sending.waiting.push(message);
    this.#write(socket);
  }

  work(): void {}

  pull(port: TransmitPort, maxBytes: number): Uint8Array[] {
    const side = port.transmit;
    if (side.flying > 0) return [];
    // a pending error of the socket is what a write would get
    const isFailing = side.queue.length > 0 && (port as LinuxPsock).takeError() !== undefined;
    if (isFailing) this.failed(port, undefined);
    const reserver = this.#socketOf.get(port);
    if (reserver !== undefined) reserver.sending.isHeld = false;
    const views = side.isStopped ? [] : side.takeOff(maxBytes);
    if (views.length === 0) side.isAsleep = true;
    return views;
  }

  notPulled(port: TransmitPort): void {
    port.transmit.isBlocked = true;
  }

  written(port: TransmitPort, count: number): void {
    const side = port.transmit;
    side.land(count, (message) => this.#host.done(message, "written", undefined));
    if (side.queue.length === 0) this.#giveUp(port);
  }

  joined(port: TransmitPort): void {
    this.#ports.add(port);
    this.#makeAvailable(port);
  }

  left(port: TransmitPort, error: unknown): void {
    this.#ports.delete(port);
    if (this.#socketOf.has(port)) this.counts.unattachedReserved++;
    else {
      port.transmit.isStopped = true;
      this.#available.remove(port);
      return;
    }
    this.failed(port, error);
  }

  failed(port: TransmitPort, error: unknown): void {
    const side = port.transmit;
    if (side.isStopped) return;
    side.isStopped = true;
    side.counts.aborts++;
    (port as LinuxPsock).postError("EPIPE");
    this.#available.remove(port);
    const socket = this.#socketOf.get(port);
    if (socket === undefined) return;
    const back = side.takeAll();
    this.#release(port);
    this.#host.retriedOnce();
    if (back[0] !== undefined) this.#host.retried(back[0], error);
    for (const message of back) message.restart();
    socket.sending.waiting.prepend(back);
    this.#write(socket);
  }

  sendingChanged(_port: TransmitPort): void {}

  /** The socket closes: nothing is flushed, and a connection that may hold half a message is not used again. */
  discard(socket: KcmSock, which: DiscardFilter | undefined): Outgoing[] {
    if (which !== undefined) return this.#withdraw(socket, which);
    this.#waiters.remove(socket);
    const mine = socket.sending.waiting.takeAll();
    const port = this.#portOf.get(socket);
    if (port === undefined) return mine;
    mine.unshift(...port.transmit.takeAll());
    this.#release(port);
    this.failed(port, undefined);
    return mine;
  }

  /** Takes back what has not begun: nothing the kernel could do, so the connection is left alone. */
  #withdraw(socket: KcmSock, which: DiscardFilter): Outgoing[] {
    const mine: Outgoing[] = [];
    const isKept = (message: Outgoing): boolean => !which(message) || mine.push(message) === 0;
    for (const message of socket.sending.waiting.takeAll().filter(isKept)) socket.sending.waiting.push(message);
    if (socket.sending.waiting.length === 0) this.#waiters.remove(socket);
    const port = this.#portOf.get(socket);
    if (port !== undefined) {
      for (const message of port.transmit.takeUnstarted().filter(isKept)) port.transmit.give(message);
    }
    return mine;
  }

  takeAll(): Outgoing[] {
    const all: Outgoing[] = [];
    for (let socket = this.#waiters.shift(); socket !== undefined; socket = this.#waiters.shift()) {
      all.push(...socket.sending.waiting.takeAll());
    }
    return all;
  }

  #write(socket: KcmSock): void {
    const { waiting } = socket.sending;
    if (waiting.length === 0) return;
    const reserved = this.#portOf.get(socket);
    const port = reserved ?? this.#available.shift();
    if (port === undefined) {
      if (!this.#waiters.includes(socket)) this.#waiters.push(socket);
      return;
    }
    if (reserved === undefined) {
      this.#portOf.set(socket, port);
      this.#socketOf.set(port, socket);
      port.transmit.counts.reserved++;
    }
    for (const message of waiting.takeAll()) {
      message.connection = port.connection;
      port.transmit.give(message);
    }
    if (!port.transmit.isAsleep) return;
    port.transmit.isAsleep = false;
    this.#host.wake(port);
  }

  /** Everything is written: the connection goes to who waits, or to the end of the line. */
  #giveUp(port: TransmitPort): void {
    this.#release(port);
    this.#makeAvailable(port);
  }

  #makeAvailable(port: TransmitPort): void {
    this.#available.push(port);
    const socket = this.#waiters.shift();
    if (socket !== undefined) this.#write(socket);
  }

  #release(port: TransmitPort): void {
    this.#portOf.delete(this.#socketOf.get(port)!);
    this.#socketOf.delete(port);
    port.transmit.counts.unreserved++;
    const { txMessages, txBytes } = port.transmit.counts;
    const seen = this.#seen.get(port);
    this.counts.txMessages += txMessages - (seen?.messages ?? 0);
    this.counts.txBytes += txBytes - (seen?.bytes ?? 0);
    this.#seen.set(port, { messages: txMessages, bytes: txBytes });
  }
}
