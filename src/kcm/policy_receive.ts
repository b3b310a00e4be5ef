/**
 * Steers what comes in as a policy says. Internal.
 *
 * Theory. As in `fifo_receive.ts`, but with a policy that waits a message may wait for one certain socket, in that
 * socket's own line; everything else that waits stands in `#anywhere`. A line has what was given back and what
 * connections keep, in the order in which it came.
 *
 * @module
 */
import { Fifo } from "./fifo.ts";
import { GuardedSteering } from "./guarded_steering.ts";
import type { KcmMessage } from "./kcm_message.ts";
import type { KcmSock } from "./kcm_sock.ts";
import type { Steering, SteeringKey, SteeringPolicy, SteeringSubject } from "./steering_policy.ts";
import type { ReceiveCounts, ReceivePort, ReceiveSteering, ReceiveSteeringHost } from "./steering_ports.ts";
import { TargetList } from "./target_list.ts";

/** What waits: a message that was given back, or the one that a port keeps. */
interface Waiting {
  readonly message: KcmMessage;
  /** Who keeps it. */
  readonly port: ReceivePort | undefined;
  /** Taken away. */
  isGone: boolean;
}

/** A message as policies see it. */
class Subject implements SteeringSubject {
  data: Uint8Array = new Uint8Array(0);
  origin = 0;
  readonly key: SteeringKey | undefined = undefined;
}

/** As a policy says. */
export class PolicyReceive implements ReceiveSteering {
  readonly asks = false;
  #messages = 0;
  #bytes = 0;
  readonly #host: ReceiveSteeringHost;
  readonly #steering: Steering;
  readonly #told: GuardedSteering;
  readonly #waits: boolean;
  readonly #targets: TargetList<KcmSock> = new TargetList((socket) => !socket.isReceiveDisabled);
  readonly #anywhere: Fifo<Waiting> = new Fifo();
  readonly #lines: Map<KcmSock, Fifo<Waiting>> = new Map();
  readonly #kept: Map<ReceivePort, Waiting> = new Map();
  readonly #subject: Subject = new Subject();
  #held = 0;
  #next = 0;

  constructor(host: ReceiveSteeringHost, policy: SteeringPolicy) {
    this.#host = host;
    this.#steering = policy.start();
    this.#told = new GuardedSteering(this.#steering, (thrown) => host.threw(thrown));
    this.#waits = policy.waits ?? false;
  }

  get counts(): ReceiveCounts {
    return { rxMessages: this.#messages, rxBytes: this.#bytes };
  }

  get hasRoom(): boolean {
    return this.#targets.withRoom().length > 0;
  }

  get readyMessages(): number {
    return this.#kept.size;
  }

  get heldMessages(): number {
    return this.#held;
  }

  isWaiting(socket: KcmSock): boolean {
    return socket.hasRoom;
  }

  steer(port: ReceivePort, message: KcmMessage): boolean {
    this.#messages++;
    this.#bytes += message.data.length;
    if (this.#anywhere.length > 0) this.moveWaiting();
    const socket = this.#choose(message);
    if (socket !== undefined && this.#takes(socket)) {
      socket.deliver(message);
      return true;
    }
    const waiting: Waiting = { message, port, isGone: false };
    this.#kept.set(port, waiting);
    this.#lineOf(socket).push(waiting);
    return false;
  }

  runEnded(_port: ReceivePort): void {}

  forget(port: ReceivePort): void {
    const waiting = this.#kept.get(port);
    if (waiting === undefined) return;
    waiting.isGone = true;
    this.#kept.delete(port);
  }

  originLeft(port: ReceivePort): void {
    this.#told.originLeft(port.connection.id);
  }

  moveWaiting(): void {
    for (const [socket, line] of this.#lines) this.#drain(socket, line);
    for (let left = this.#anywhere.length; left > 0; left--) {
      if (this.#targets.withRoom().length === 0 && !(this.#waits && this.#targets.all.length > 0)) return;
      const waiting = this.#anywhere.shift()!;
      if (waiting.isGone) continue;
      const socket = this.#choose(waiting.message);
      if (socket !== undefined && this.#takes(socket)) this.#deliver(waiting, socket);
      else this.#lineOf(socket).push(waiting);
    }
  }

  opened(socket: KcmSock): void {
    this.#targets.add(socket);
    this.#told.joined(socket);
  }

  roomAt(_socket: KcmSock): void {
    this.#targets.roomChanged();
  }

  noRoomAt(_socket: KcmSock): void {
    this.#targets.roomChanged();
  }

  closed(socket: KcmSock, unread: readonly KcmMessage[]): void {
    this.#targets.remove(socket);
    this.#told.left(socket);
    this.#steerAnew(socket, unread);
  }

  disabled(socket: KcmSock, unread: readonly KcmMessage[]): void {
    this.#targets.changed();
    this.#told.left(socket);
    this.#steerAnew(socket, unread);
  }

  enabled(socket: KcmSock): void {
    this.#targets.changed();
    this.#told.joined(socket);
  }

  returned(replies: readonly KcmMessage[]): void {
    this.#messages += replies.length;
    for (const { data } of replies) this.#bytes += data.length;
    this.#giveBack(replies, []);
  }

  /** What a socket has not read, and then what waits for it, goes before all else that may go anywhere. */
  #steerAnew(socket: KcmSock, unread: readonly KcmMessage[]): void {
    const line = this.#lines.get(socket)?.takeAll() ?? [];
    this.#lines.delete(socket);
    this.#giveBack(unread, line);
  }

  #giveBack(messages: readonly KcmMessage[], line: readonly Waiting[]): void {
    this.#held += messages.length;
    const back = messages.map((message): Waiting => ({ message, port: undefined, isGone: false }));
    this.#anywhere.prepend([...back, ...line]);
  }

  #drain(socket: KcmSock, line: Fifo<Waiting>): void {
    while (socket.hasRoom && line.length > 0) {
      const waiting = line.shift()!;
      if (!waiting.isGone) this.#deliver(waiting, socket);
    }
    if (line.length === 0) this.#lines.delete(socket);
  }

  #deliver(waiting: Waiting, socket: KcmSock): void {
    const { port, message } = waiting;
    if (port === undefined) {
      this.#held--;
      return socket.deliver(message);
    }
    this.#kept.delete(port);
    this.#host.resumed(port);
    socket.deliver(port.takeReady());
  }

  /** Whether a message goes to a socket now, and not behind others that wait for it. */
  #takes(socket: KcmSock): boolean {
    return socket.hasRoom && !this.#lines.has(socket);
  }

  #lineOf(socket: KcmSock | undefined): Fifo<Waiting> {
    if (socket === undefined || !this.#waits) return this.#anywhere;
    let line = this.#lines.get(socket);
    if (line === undefined) this.#lines.set(socket, line = new Fifo());
    return line;
  }

  #choose(message: KcmMessage): KcmSock | undefined {
    const targets = this.#waits ? this.#targets.all : this.#targets.withRoom();
    if (targets.length === 0) return undefined;
    const subject = this.#subject;
    subject.data = message.data;
    subject.origin = message.connection.id;
    try {
      const socket = this.#steering.choose(subject, targets) as KcmSock | undefined;
      if (socket !== undefined && this.#targets.has(socket) && (this.#waits || socket.hasRoom)) return socket;
      if (socket !== undefined) throw new TypeError("a policy must choose one of the targets, or undefined");
    } catch (thrown) {
      this.#host.threw(thrown);
    }
    return targets[this.#next++ % targets.length];
  }
}
