/**
 * Steers what comes in as the kernel does. Internal; for `compat: "linux"`.
 *
 * A connection reserves the first socket in line for all that one readiness brings; then the socket goes to the end of the
 * line. Whether a socket is full is looked at before each message, and one that was found full stands in line again when
 * it says so, which the kernel's does when it is empty. The totals are brought up to date only when a socket is reserved.
 *
 * @module
 */
import { Fifo } from "./fifo.ts";
import type { KcmMessage } from "./kcm_message.ts";
import type { KcmSock } from "./kcm_sock.ts";
import type { LinuxPsock } from "./linux_psock.ts";
import type { ReceivePort, ReceiveSteering, ReceiveSteeringHost } from "./steering_ports.ts";
import { Waiters } from "./waiters.ts";

/** A socket that has given back its messages while it was reserved, so that they move later. */
type GivenBack = () => void;

/** The kernel's way. */
export class LinuxReceive implements ReceiveSteering {
  readonly asks = true;
  readonly counts: { rxMessages: number; rxBytes: number } = { rxMessages: 0, rxBytes: 0 };
  readonly #host: ReceiveSteeringHost;
  readonly #waiters: Waiters<KcmSock> = new Waiters();
  readonly #waiting: Set<KcmSock> = new Set();
  readonly #hold: Fifo<KcmMessage> = new Fifo();
  readonly #ready: Fifo<ReceivePort> = new Fifo();
  readonly #reserved: Map<ReceivePort, KcmSock> = new Map();
  readonly #reservers: Map<KcmSock, ReceivePort> = new Map();
  readonly #after: Map<KcmSock, GivenBack> = new Map();
  readonly #closed: WeakSet<KcmSock> = new WeakSet();
  readonly #seen: WeakMap<ReceivePort, { messages: number; bytes: number }> = new WeakMap();

  constructor(host: ReceiveSteeringHost) {
    this.#host = host;
  }

  get hasRoom(): boolean {
    return this.#waiters.first !== undefined;
  }

  get readyMessages(): number {
    return this.#ready.length;
  }

  get heldMessages(): number {
    return this.#hold.length;
  }

  isWaiting(socket: KcmSock): boolean {
    return this.#waiting.has(socket);
  }

  steer(port: ReceivePort, message: KcmMessage): boolean {
    for (;;) {
      const socket = this.#reserved.get(port) ?? this.#reserve(port as LinuxPsock);
      if (socket === undefined) {
        this.#ready.push(port);
        return false;
      }
      if (!socket.isFull) {
        socket.deliver(message);
        return true;
      }
      this.#unreserve(port, false);
    }
  }

  runEnded(port: ReceivePort): void {
    this.#unreserve(port, true);
  }

  forget(port: ReceivePort): void {
    this.#ready.remove(port);
  }

  originLeft(port: ReceivePort): void {
    this.#unreserve(port, true);
  }

  /** Loses what was given back. */
  dropHeld(): void {
    this.#hold.takeAll();
  }

  /** Nothing moves by itself: only a socket that becomes ready takes what waits. */
  moveWaiting(): void {}

  opened(socket: KcmSock): void {
    this.#becomeReady(socket);
  }

  roomAt(socket: KcmSock): void {
    this.#becomeReady(socket);
  }

  noRoomAt(socket: KcmSock): void {
    this.#leaveLine(socket);
  }

  closed(socket: KcmSock, unread: readonly KcmMessage[]): void {
    this.#closed.add(socket);
    this.disabled(socket, unread);
  }

  disabled(socket: KcmSock, unread: readonly KcmMessage[]): void {
    this.#leaveLine(socket);
    if (this.#reservers.has(socket)) this.#after.set(socket, () => this.#requeue(unread));
    else this.#requeue(unread);
  }

  enabled(socket: KcmSock): void {
    this.#becomeReady(socket);
  }

  /** Linux knows no replies. */
  returned(): void {}

  #reserve(port: LinuxPsock): KcmSock | undefined {
    this.#refresh(port);
    const socket = this.#waiters.first;
    if (socket === undefined) return undefined;
    this.#leaveLine(socket);
    this.#reserved.set(port, socket);
    this.#reservers.set(socket, port);
    return socket;
  }

  #unreserve(port: ReceivePort, isRunOver: boolean): void {
    const socket = this.#reserved.get(port);
    if (socket === undefined) return;
    this.#reserved.delete(port);
    this.#reservers.delete(socket);
    const giveBack = this.#after.get(socket);
    this.#after.delete(socket);
    giveBack?.();
    if (isRunOver || socket.backlogBytes === 0) this.#becomeReady(socket);
  }

  /** The kernel's `kcm_rcv_ready`. */
  #becomeReady(socket: KcmSock): void {
    const isOut = this.#closed.has(socket) || socket.isReceiveDisabled || !socket.hasRoom;
    if (isOut || this.#waiting.has(socket) || this.#reservers.has(socket)) return;
    for (let message = this.#hold.shift(); message !== undefined; message = this.#hold.shift()) {
      if (socket.isFull) return this.#hold.unshift(message);
      socket.deliver(message);
    }
    while (this.#ready.length > 0) {
      if (socket.isFull) return;
      const port = this.#ready.shift()!;
      this.#host.resumed(port);
      socket.deliver(port.takeReady());
    }
    this.#waiting.add(socket);
    this.#waiters.push(socket);
  }

  #leaveLine(socket: KcmSock): void {
    if (this.#waiting.delete(socket)) this.#waiters.remove(socket);
  }

  /** What was given back goes to the first in line until that is full, and so on; the rest is held. */
  #requeue(unread: readonly KcmMessage[]): void {
    for (const message of unread) {
      let socket = this.#waiters.first;
      while (socket !== undefined && socket.isFull) {
        this.#leaveLine(socket);
        socket = this.#waiters.first;
      }
      if (socket === undefined) this.#hold.push(message);
      else socket.deliver(message);
    }
  }

  #refresh(port: LinuxPsock): void {
    const { messages, bytes } = port.stats;
    const seen = this.#seen.get(port);
    this.counts.rxMessages += messages - (seen?.messages ?? 0);
    this.counts.rxBytes += bytes - (seen?.bytes ?? 0);
    this.#seen.set(port, { messages, bytes });
  }
}
