/**
 * Which connection a message goes out on. Internal.
 *
 * Theory. A message is in exactly one place: open or batched in its socket (`send_queue.ts`); waiting, in its socket's
 * queue or, when it comes back from a connection, in `#returned`; with a connection (`transmit_side.ts`); or done. A
 * connection may be given messages unless it has no room (its driver wrote less than it pulled, or was told and did not
 * pull) or has been given enough; idle ones (`#idle`: their driver has found nothing to pull) come first, those that are
 * writing (`#busy`) after. So while there is such a connection nothing waits, and while one is idle nothing that could go
 * there stands behind one that is writing: whoever becomes idle takes it (`#laden`). What a connection without room was
 * given and has not begun comes back.
 *
 * Messages with `via`, and all of a policy that waits, go to their connection at once, whatever its state, and stay.
 *
 * @module
 */
import { KcmError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import { GuardedSteering } from "./guarded_steering.ts";
import type { KcmSock } from "./kcm_sock.ts";
import type { DiscardFilter } from "./outgoing.ts";
import type { Outgoing } from "./outgoing_message.ts";
import type { TransmitCounts, TransmitPort, TransmitSteering, TransmitSteeringHost } from "./steering_ports.ts";
import type { Steering, SteeringPolicy } from "./steering_policy.ts";
import { TargetList } from "./target_list.ts";
import { Waiters } from "./waiters.ts";

/** How much a connection may be given before its driver has pulled any of it. */
const MAX_GIVEN_BYTES = 64 * 1024;

/** Steers as a policy says, first in line first without one. */
export class PolicyTransmit implements TransmitSteering {
  readonly counts: { -readonly [Name in keyof TransmitCounts]: number } = {
    txMessages: 0,
    txBytes: 0,
    unattachedReserved: 0,
  };
  readonly #host: TransmitSteeringHost;
  readonly #steering: Steering | undefined;
  readonly #told: GuardedSteering | undefined;
  readonly #waits: boolean;
  /** All that may be sent on. */
  readonly #targets: TargetList<TransmitPort> = new TargetList((port) => port.isSending);
  readonly #idle: Waiters<TransmitPort> = new Waiters();
  readonly #busy: Waiters<TransmitPort> = new Waiters();
  /** Sockets with messages that wait. */
  readonly #senders: Fifo<KcmSock> = new Fifo();
  /** Sockets in it that had their messages discarded, about. */
  #idleSenders = 0;
  #returned: Fifo<Outgoing> = new Fifo();
  /** Connections that were given messages while they were writing. */
  readonly #laden: Fifo<TransmitPort> = new Fifo();

  constructor(host: TransmitSteeringHost, policy: SteeringPolicy | undefined) {
    this.#host = host;
    const steering = policy?.start();
    this.#steering = steering;
    this.#told = steering && new GuardedSteering(steering, (thrown) => host.threw(thrown));
    this.#waits = policy?.waits ?? false;
  }

  get isDue(): boolean {
    if (this.#firstInLine() === undefined) return false;
    return this.#returned.length > 0 || this.#senders.length > 0;
  }

  get hasTargets(): boolean {
    return this.#targets.all.length > 0;
  }

  /** Nothing is reserved here. */
  reservedBy(_socket: KcmSock): undefined {}

  /** The socket whose message has begun on a connection. */
  reserverOf(port: TransmitPort): KcmSock | undefined {
    const { queue } = port.transmit;
    return queue.length > 0 ? queue.at(0).socket : undefined;
  }

  accept(socket: KcmSock, message: Outgoing, isAlone: boolean): void {
    if (this.#waits || message.via !== undefined) return this.#returnOrPlace(message);
    if (isAlone && this.#steering === undefined && this.#senders.length === 0 && this.#returned.length === 0) {
      // as `work` would, at half the cost
      const port = this.#firstInLine();
      if (port !== undefined) return this.#give(message, port);
    }
    const { sending } = socket;
    sending.waiting.push(message);
    if (!sending.isInLine) this.#lineUp(socket);
  }

  work(): void {
    for (let port = this.#firstInLine(); port !== undefined; port = this.#firstInLine()) {
      if (this.#returned.length > 0) {
        this.#giveGroup(this.#returned, this.#choose(this.#returned.at(0)) ?? port);
        continue;
      }
      const socket = this.#nextSender();
      if (socket === undefined) return;
      this.#giveTurn(socket, this.#choose(socket.sending.waiting.at(0)) ?? port);
    }
  }

  pull(port: TransmitPort, maxBytes: number): Uint8Array[] {
    const side = port.transmit;
    if (side.flying > 0 || side.isStopped) return [];
    side.isBlocked = false;
    if (side.backlogBytes < maxBytes) this.#take(port, Math.max(maxBytes, MAX_GIVEN_BYTES));
    const views = side.takeOff(maxBytes);
    if (views.length === 0 && !side.isAsleep) {
      side.isAsleep = true;
      side.counts.unreserved++;
    }
    this.#updateLine(port);
    return views;
  }

  notPulled(port: TransmitPort): void {
    port.transmit.isBlocked = true;
    this.#giveBack(port);
    this.#updateLine(port);
  }

  written(port: TransmitPort, count: number): void {
    const side = port.transmit;
    side.land(count, (message) => {
      this.counts.txMessages++;
      this.counts.txBytes += message.length;
      this.#host.done(message, "written", undefined);
    });
    if (side.isBlocked) this.#giveBack(port);
    this.#updateLine(port);
  }

  joined(port: TransmitPort): void {
    this.#targets.add(port);
    this.#told?.joined(port);
    this.#updateLine(port);
    this.#wayOut(port);
    if (this.#waits) this.#placeReturned();
  }

  left(port: TransmitPort, error: unknown): void {
    const side = port.transmit;
    if (side.queue.length > 0) this.counts.unattachedReserved++;
    this.#targets.remove(port);
    side.isStopped = true;
    this.#updateLine(port);
    this.#told?.left(port);
    this.#return(rest(side.takeAll(), (message) => this.#host.survives(message, error)));
  }

  failed(port: TransmitPort, error: unknown): void {
    this.left(port, error);
  }

  sendingChanged(port: TransmitPort): void {
    this.#targets.changed();
    if (port.isSending) this.#told?.joined(port);
    else this.#told?.left(port);
    if (!port.isSending) this.#giveBack(port);
    this.#updateLine(port);
    if (port.isSending) this.#wayOut(port);
    if (this.#waits && port.isSending) this.#placeReturned();
  }

  discard(socket: KcmSock, which: DiscardFilter | undefined): Outgoing[] {
    const mine: Outgoing[] = [];
    const isKept = (message: Outgoing): boolean => {
      if (message.socket !== socket || which?.(message) === false) return true;
      mine.push(message);
      return false;
    };
    const { waiting } = socket.sending;
    waiting.prepend(rest(waiting.takeAll(), isKept));
    this.#returned.prepend(rest(this.#returned.takeAll(), isKept));
    for (const port of this.#targets.every) {
      if (port.transmit.queue.length === 0) continue;
      for (const message of rest(port.transmit.takeUnstarted(), isKept)) port.transmit.give(message);
      this.#updateLine(port);
    }
    if (socket.sending.isInLine && waiting.length === 0 && ++this.#idleSenders * 2 > this.#senders.length) {
      this.#purge();
    }
    return mine;
  }

  takeAll(): Outgoing[] {
    const all = this.#returned.takeAll();
    for (let socket = this.#nextSender(); socket !== undefined; socket = this.#nextSender()) {
      for (const message of socket.sending.waiting.takeAll()) all.push(message);
    }
    return all;
  }

  #lineUp(socket: KcmSock): void {
    socket.sending.isInLine = true;
    this.#senders.push(socket);
  }

  /** Forgets the sockets whose messages were discarded, while no connection asks for them. */
  #purge(): void {
    this.#idleSenders = 0;
    for (const socket of this.#senders.takeAll()) {
      if (socket.sending.waiting.length > 0) this.#senders.push(socket);
      else socket.sending.isInLine = false;
    }
  }

  /** The next socket with something that waits; those whose messages were discarded fall out. */
  #nextSender(): KcmSock | undefined {
    for (let socket = this.#senders.shift(); socket !== undefined; socket = this.#senders.shift()) {
      socket.sending.isInLine = false;
      if (socket.sending.waiting.length > 0) return socket;
    }
    return undefined;
  }

  /** Gives a socket's first message, and those joined to it, to a connection; then it is the others' turn. */
  #giveTurn(socket: KcmSock, port: TransmitPort): void {
    const { waiting } = socket.sending;
    this.#giveGroup(waiting, port);
    if (waiting.length > 0) this.#lineUp(socket);
  }

  /** Gives the first message of a queue, and those joined to it, to a connection. */
  #giveGroup(from: Fifo<Outgoing>, port: TransmitPort): void {
    do this.#give(from.shift()!, port); while (from.length > 0 && from.at(0).isJoined);
  }

  /** A connection that pulls takes what waits; if it has nothing then, what another was given in vain. */
  #take(port: TransmitPort, maxBytes: number): void {
    if (!port.isSending || this.#waits) return;
    while (port.transmit.backlogBytes < maxBytes) {
      if (this.#returned.length > 0) {
        this.#giveGroup(this.#returned, port);
        continue;
      }
      const socket = this.#nextSender();
      if (socket === undefined) break;
      this.#giveTurn(socket, port);
    }
    if (port.transmit.queue.length === 0) this.#takeFromLaden(port);
  }

  /** Takes what another connection was given that is still writing. */
  #takeFromLaden(port: TransmitPort): void {
    for (let left = this.#laden.length; left > 0; left--) {
      const other = this.#laden.shift()!;
      const taken = other.transmit.flying > 0 && other !== port ? this.#takeFree(other, 0.5) : [];
      if (taken.length === 0) {
        other.isLaden = false;
        continue;
      }
      this.#laden.push(other);
      this.#updateLine(other);
      for (const message of taken) this.#give(message, port);
      return;
    }
  }

  /**
   * Takes back so much of what a connection was given, has not begun and may go elsewhere, the first of it first. A share
   * of it and not one message: each taking costs as much as there is.
   */
  #takeFree(port: TransmitPort, share: number): Outgoing[] {
    const side = port.transmit;
    const unstarted = side.takeUnstarted();
    const most = unstarted.length * share;
    const taken: Outgoing[] = [];
    // order counts with a policy that waits, and where there is nowhere else to go
    const isOrdered = this.#waits || this.#targets.all.every((other) => other === port);
    const stuck = isOrdered ? lastStuck(unstarted) : undefined;
    // a group whose first message stays, or was written, stays
    let isTaken = false;
    for (let i = 0; i < unstarted.length; i++) {
      const message = unstarted[i]!;
      const isBeforeStuck = stuck !== undefined && i < (stuck.get(message.socket) ?? 0);
      isTaken = isFree(message) && !isBeforeStuck && (message.isJoined ? isTaken : taken.length < most);
      if (isTaken) taken.push(message);
      else side.give(message);
    }
    return taken;
  }

  #choose(message: Outgoing): TransmitPort | undefined {
    if (this.#steering === undefined) return undefined;
    const targets = this.#waits ? this.#targets.all : this.#targets.withRoom();
    if (targets.length === 0) return undefined;
    try {
      const port = this.#steering.choose(message, targets) as TransmitPort | undefined;
      if (port === undefined || (this.#waits ? this.#targets.has(port) : port.hasRoom)) return port;
      throw new TypeError("a policy must choose one of the targets, or undefined");
    } catch (thrown) {
      this.#host.threw(thrown);
      return undefined;
    }
  }

  /** For messages that go to a certain connection. */
  #returnOrPlace(message: Outgoing): void {
    const port = message.via === undefined
      ? this.#choose(message) ?? this.#targets.all[0]
      : this.#host.portOf(message.via);
    if (port !== undefined && !port.transmit.isStopped) return this.#give(message, port);
    if (message.via === undefined) this.#returned.push(message);
    else {this.#host.done(
        message,
        "failed",
        new KcmError("its connection is gone", { code: "ENOTCONN", blame: "local" }),
      );}
  }

  #placeReturned(): void {
    for (const message of this.#returned.takeAll()) this.#returnOrPlace(message);
  }

  #give(message: Outgoing, port: TransmitPort): void {
    const side = port.transmit;
    message.connection = port.connection;
    side.give(message);
    if (side.isAsleep) {
      side.isAsleep = false;
      side.counts.reserved++;
      this.#host.wake(port);
    }
    if (side.flying > 0 && !port.isLaden) {
      port.isLaden = true;
      this.#laden.push(port);
    }
    // the others come first now
    this.#leaveLine(port);
    this.#updateLine(port);
  }

  /** Takes back from a connection what it cannot send for now, if that can go elsewhere. */
  #giveBack(port: TransmitPort): void {
    if (this.#waits && port.isSending) return;
    this.#return(this.#takeFree(port, 1));
  }

  /** There is somewhere to go: what stayed on another connection only because there was not goes there. */
  #wayOut(to: TransmitPort): void {
    if (this.#waits || this.#targets.all.length > 2) return;
    for (const port of this.#targets.every) {
      const { queue, isBlocked } = port.transmit;
      if (port === to || queue.length === 0 || (port.isSending && !isBlocked)) continue;
      this.#giveBack(port);
      this.#updateLine(port);
    }
  }

  /** Messages come back, in order, to be sent before others. */
  #return(messages: Outgoing[]): void {
    if (messages.length === 0) return;
    if (this.#waits) { for (const message of messages) this.#returnOrPlace(message); }
    else this.#returned.prepend(messages);
  }

  /** Who is next. Not a getter: asked after every chunk of a connection, and V8 calls private ones through its runtime. */
  #firstInLine(): TransmitPort | undefined {
    return this.#idle.first ?? this.#busy.first;
  }

  #updateLine(port: TransmitPort): void {
    const side = port.transmit;
    const isFit = port.isSending && !side.isStopped && !side.isBlocked && side.backlogBytes < MAX_GIVEN_BYTES;
    if (isFit !== port.hasRoom) {
      port.hasRoom = isFit;
      this.#targets.roomChanged();
    }
    const isIdle = side.isAsleep || side.isWaking;
    const line = !isFit ? undefined : isIdle ? this.#idle : this.#busy;
    if (line === port.line) return;
    this.#leaveLine(port);
    port.line = line;
    line?.push(port);
  }

  #leaveLine(port: TransmitPort): void {
    port.line?.remove(port);
    port.line = undefined;
  }
}

/** What is kept of a list; what was joined to one that is not is a group of its own. */
function rest(all: readonly Outgoing[], isKept: (message: Outgoing) => boolean): Outgoing[] {
  const kept: Outgoing[] = [];
  let isHeadGone = false;
  for (const message of all) {
    const isGone = !isKept(message);
    if (!message.isJoined) isHeadGone = false;
    if (isGone) isHeadGone ||= !message.isJoined;
    else {
      if (isHeadGone) message.isJoined = isHeadGone = false;
      kept.push(message);
    }
  }
  return kept;
}

/** Whether a message that has not begun may go to another connection. */
function isFree(message: Outgoing): boolean {
  return message.via === undefined && !isStuck(message);
}

/** Whether it must not be tried again. */
function isStuck(message: Outgoing): boolean {
  return message.retry === "never" && message.isTried;
}

/** Where each socket's last message is that has to stay: those before it stay, too, or they would come after it. */
function lastStuck(messages: readonly Outgoing[]): Map<KcmSock, number> | undefined {
  let stuck: Map<KcmSock, number> | undefined;
  for (let i = 0; i < messages.length; i++) {
    if (isStuck(messages[i]!)) (stuck ??= new Map()).set(messages[i]!.socket, i);
  }
  return stuck;
}
