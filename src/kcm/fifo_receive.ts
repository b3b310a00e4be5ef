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
import { TurnWaiters, Waiters } from "./waiters.ts";

/** First in line first. */
export class FifoReceive implements ReceiveSteering {
  readonly asks = false;
  #messages = 0;
  #bytes = 0;
  readonly #host: ReceiveSteeringHost;
  readonly #waiters: Waiters<KcmSock>;
  readonly #hold: Fifo<KcmMessage> = new Fifo();
  readonly #ready: Fifo<ReceivePort | undefined> = new Fifo();

  /** Each socket gets `messagesPerTurn` of one run of messages; `Infinity`: all, as in the kernel. */
  constructor(host: ReceiveSteeringHost, messagesPerTurn: number) {
    this.#host = host;
    // not a condition in `steer`: that alone costs every message 4 ns
    this.#waiters = messagesPerTurn === 1 ? new Waiters() : new TurnWaiters(messagesPerTurn);
  }

  get counts(): ReceiveCounts {
    return { rxMessages: this.#messages, rxBytes: this.#bytes };
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
    return socket.hasRoom;
  }

  steer(port: ReceivePort, message: KcmMessage): boolean {
    this.#messages++;
    this.#bytes += message.data.length;
    // a callback may have made room meanwhile: what has waited longer goes first
    if (this.#ready.length > 0 || this.#hold.length > 0) this.moveWaiting();
    const socket = this.#waiters.first;
    if (socket === undefined) {
      this.#ready.push(port);
      return false;
    }
    this.#waiters.rotate();
    socket.deliver(message);
    return true;
  }

  runEnded(_port: ReceivePort): void {
    this.#waiters.endTurn();
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
    if (socket.hasRoom) this.#waiters.push(socket);
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

  enabled(socket: KcmSock): void {
    if (socket.hasRoom) this.#waiters.push(socket);
  }

  disabled(_socket: KcmSock, unread: readonly KcmMessage[]): void {
    this.#hold.prepend(unread);
  }

  returned(replies: readonly KcmMessage[]): void {
    this.#messages += replies.length;
    for (const { data } of replies) this.#bytes += data.length;
    this.#hold.prepend(replies);
  }

  #takeReady(): KcmMessage | undefined {
    const port = this.#ready.shift();
    if (port === undefined) return undefined;
    this.#host.resumed(port);
    return port.takeReady();
  }
}
