/**
 * The default way to steer what comes in: a message, or so many, to the first socket in line, which then goes to the end
 * of the line. Internal.
 *
 * Theory. A message is in exactly one of four places: delivered; kept by its port, which is paused then and stands in
 * `#ready`; given back by a socket and in `#hold`; or nowhere yet, as bytes that were not taken. While a socket has room,
 * `#hold` and `#ready` are empty, except during work.
 *
 * @module
 */
import { Fifo } from "./fifo.ts";
import type { KcmMessage } from "./kcm_message.ts";
import type { KcmSock } from "./kcm_sock.ts";
import type { ReceiveCounts, ReceivePort, ReceiveSteering, ReceiveSteeringHost } from "./steering_ports.ts";
import { Waiters } from "./waiters.ts";

/** First in line first. */
export class FifoReceive implements ReceiveSteering {
  readonly asks = false;
  readonly counts: ReceiveCounts = { rxMessages: 0, rxBytes: 0 };
  readonly #host: ReceiveSteeringHost;
  readonly #messagesPerTurn: number;
  readonly #waiters: Waiters<KcmSock> = new Waiters();
  readonly #hold: Fifo<KcmMessage> = new Fifo();
  readonly #ready: Fifo<ReceivePort | undefined> = new Fifo();
  /** Who has begun its turn, and how much is left of it. */
  #inTurn: KcmSock | undefined;
  #left = 0;

  /** Each socket gets `messagesPerTurn` of one run of messages; `Infinity`: all, as in the kernel. */
  constructor(host: ReceiveSteeringHost, messagesPerTurn: number) {
    this.#host = host;
    this.#messagesPerTurn = messagesPerTurn;
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

  steer(port: ReceivePort, message: KcmMessage): boolean {
    this.counts.rxMessages++;
    this.counts.rxBytes += message.data.length;
    // a callback may have made room meanwhile: what has waited longer goes first
    if (this.#ready.length > 0 || this.#hold.length > 0) this.moveWaiting();
    const socket = this.#waiters.first;
    if (socket === undefined) {
      this.#ready.push(port);
      return false;
    }
    if (this.#messagesPerTurn === 1) this.#waiters.rotate();
    else this.#takeTurn(socket);
    socket.deliver(message);
    return true;
  }

  runEnded(_port: ReceivePort): void {
    if (this.#inTurn === undefined) return;
    if (this.#inTurn === this.#waiters.first) this.#waiters.rotate();
    this.#inTurn = undefined;
  }

  forget(port: ReceivePort): void {
    this.#ready.remove(port);
  }

  originLeft(_port: ReceivePort): void {}

  moveWaiting(): void {
    for (let socket = this.#waiters.first; socket !== undefined; socket = this.#waiters.first) {
      const message = this.#hold.shift() ?? this.#takeReady();
      if (message === undefined) return;
      this.#waiters.rotate();
      socket.deliver(message);
    }
  }

  opened(socket: KcmSock): void {
    this.#waiters.push(socket);
  }

  roomAt(socket: KcmSock): void {
    this.#waiters.push(socket);
  }

  noRoomAt(socket: KcmSock): void {
    this.#waiters.remove(socket);
  }

  closed(_socket: KcmSock, unread: readonly KcmMessage[]): void {
    // they came before whatever another closed socket gave back and nobody took since
    this.#hold.prepend(unread);
  }

  disabled(_socket: KcmSock, unread: readonly KcmMessage[]): void {
    this.#hold.prepend(unread);
  }

  #takeTurn(socket: KcmSock): void {
    if (this.#inTurn !== socket) this.#left = this.#messagesPerTurn;
    this.#inTurn = socket;
    if (--this.#left > 0) return;
    this.#inTurn = undefined;
    this.#waiters.rotate();
  }

  #takeReady(): KcmMessage | undefined {
    const port = this.#ready.shift();
    if (port === undefined) return undefined;
    this.#host.resumed(port);
    return port.takeReady();
  }
}
