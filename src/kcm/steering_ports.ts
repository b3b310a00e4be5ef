/**
 * What steering in either direction is made of, and what it sees of the engine. Internal.
 *
 * There are three ways to steer what comes in (`fifo_receive.ts`, `policy_receive.ts`, `linux_receive.ts`) and two to
 * steer what goes out (`transmit_steering.ts`, `linux_transmit.ts`).
 *
 * @module
 */
import type { KcmConnection, KcmMessage } from "./kcm_message.ts";
import type { KcmSock } from "./kcm_sock.ts";
import type { DiscardFilter } from "./outgoing.ts";
import type { Fate, Outgoing } from "./outgoing_message.ts";
import type { SteeringTarget } from "./steering_policy.ts";
import type { TransmitSide } from "./transmit_side.ts";
import type { Waiter, Waiters } from "./waiters.ts";

/** A connection that messages come in on, as receive steering sees it. */
export interface ReceivePort {
  /** Its connection. */
  readonly connection: KcmConnection;
  /** Hands over the message that it keeps; its parser goes on. */
  takeReady(): KcmMessage;
}

/** Steering of what comes in. */
export interface ReceiveSteering {
  /** Messages and bytes so far. */
  readonly counts: ReceiveCounts;
  /** Whether it asks sockets if they are full, and wants to know of each resume: the kernel's way. */
  readonly asks: boolean;
  /** Whether a socket with no choice but its turn would take a message. */
  readonly hasRoom: boolean;
  /** Connections that keep a message. */
  readonly readyMessages: number;
  /** Messages given back that wait. */
  readonly heldMessages: number;
  /** Whether a socket stands in line: the status `RxWait`. */
  isWaiting(socket: KcmSock): boolean;
  /** A message came in; returns whether a socket took it. Otherwise the port keeps it. */
  steer(port: ReceivePort, message: KcmMessage): boolean;
  /** What a port was pushed has been gone through. */
  runEnded(port: ReceivePort): void;
  /** A port's message that waits is taken away from here. */
  forget(port: ReceivePort): void;
  /** A connection is gone. */
  originLeft(port: ReceivePort): void;
  /** Moves messages that wait to sockets with room. */
  moveWaiting(): void;
  /** A socket takes part. */
  opened(socket: KcmSock): void;
  /** A socket takes messages again. */
  roomAt(socket: KcmSock): void;
  /** A socket takes none for now. */
  noRoomAt(socket: KcmSock): void;
  /** A socket takes part no more, and gives back what nobody has read. */
  closed(socket: KcmSock, unread: readonly KcmMessage[]): void;
  /** A socket takes nothing until it is resumed, and gives back what nobody has read. */
  disabled(socket: KcmSock, unread: readonly KcmMessage[]): void;
  /** It takes part again. */
  enabled(socket: KcmSock): void;
  /** Messages that went to whoever waited for a reply come back: they are steered after all, before what comes next. */
  returned(replies: readonly KcmMessage[]): void;
}

/** Counters of what came in. */
export interface ReceiveCounts {
  /** Messages. */
  readonly rxMessages: number;
  /** Their bytes. */
  readonly rxBytes: number;
}

/** The engine, as receive steering knows it. */
export interface ReceiveSteeringHost {
  /** A port's kept message was taken; it can go on. */
  resumed(port: ReceivePort): void;
  /** What a policy threw comes out of the call in work, once that is done. */
  threw(thrown: unknown): void;
}

/** A connection that messages go out on, as transmit steering sees it. */
export interface TransmitPort extends SteeringTarget, Waiter {
  /** Its connection. */
  readonly connection: KcmConnection;
  /** Messages given to it. */
  readonly transmit: TransmitSide;
  /** Whether it may be given messages. */
  readonly isSending: boolean;
  /** Whether it takes a message now. Belongs to the steering. */
  hasRoom: boolean;
  /** The line that it stands in. Belongs to the steering. */
  line: Waiters<TransmitPort> | undefined;
  /** Whether it was given messages while writing. Belongs to the steering. */
  isLaden: boolean;
}

/** Counters of what went out. */
export interface TransmitCounts {
  /** Messages. */
  readonly txMessages: number;
  /** Their bytes; the kernel also counts those of attempts that failed. */
  readonly txBytes: number;
  /** Connections that were taken away with something to write. */
  readonly unattachedReserved: number;
}

/** Steering of what goes out. */
export interface TransmitSteering {
  /** So far. */
  readonly counts: TransmitCounts;
  /** Whether `work` would do something. */
  readonly isDue: boolean;
  /** Whether there is a connection to send on. */
  readonly hasTargets: boolean;
  /** The connection that a socket has reserved: the status `Psck`. */
  reservedBy(socket: KcmSock): TransmitPort | undefined;
  /** The socket that has reserved a connection: the status `Rsvd`. */
  reserverOf(port: TransmitPort): KcmSock | undefined;
  /** A message is complete. Those of a batch come one after the other, and then `isAlone` is false. */
  accept(socket: KcmSock, message: Outgoing, isAlone: boolean): void;
  /** Gives messages that wait to connections. */
  work(): void;
  /** See {@linkcode LowerTransmit.pull}. */
  pull(port: TransmitPort, maxBytes: number): Uint8Array[];
  /** Its driver was told to pull, and did not. */
  notPulled(port: TransmitPort): void;
  /** See {@linkcode LowerTransmit.written}. */
  written(port: TransmitPort, count: number): void;
  /** A connection that can send takes part. */
  joined(port: TransmitPort): void;
  /** It takes part no more; what it was given goes elsewhere, or fails because of `error`. */
  left(port: TransmitPort, error: unknown): void;
  /** Sending on it has failed, and only that: the kernel's way. */
  failed(port: TransmitPort, error: unknown): void;
  /** Its `isSending` has changed. */
  sendingChanged(port: TransmitPort): void;
  /** Takes back all messages of a socket that have not begun. */
  discard(socket: KcmSock, which: DiscardFilter | undefined): Outgoing[];
  /** Takes back all messages that no connection was given. */
  takeAll(): Outgoing[];
}

/** The engine, as transmit steering knows it. */
export interface TransmitSteeringHost {
  /** A message is done. */
  done(message: Outgoing, fate: Fate, cause: unknown): void;
  /** A message's connection has failed; returns whether it begins again, else it is done. */
  survives(message: Outgoing, error: unknown): boolean;
  /** A message's connection has failed, and it begins again; to be told. */
  retried(message: Outgoing, error: unknown): void;
  /** Counts a retry. */
  retriedOnce(): void;
  /** The port's driver is to be told to pull. */
  wake(port: TransmitPort): void;
  /** The attached connection that can send. */
  portOf(connection: KcmConnection): TransmitPort | undefined;
  /** What a policy threw comes out of the call in work, once that is done. */
  threw(thrown: unknown): void;
}
