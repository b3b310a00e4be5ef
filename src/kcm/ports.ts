/**
 * The inputs and outputs of a multiplexor, as their drivers see them.
 *
 * @module
 */
import type { ConnectionOutcome } from "./connection_outcome.ts";
import type { StreamParserOptions, StreamParserStats } from "../strparser/options.ts";
import type { RetryPolicy } from "./outgoing.ts";
import type { LowerTransmit, LowerTransmitEvents, SocketTransmit, SocketTransmitEvents } from "./transmit_ports.ts";
import type { FlowOrigin, KcmConnection, KcmMessage } from "./kcm_message.ts";

/** What to attach: how its messages are delineated, and what is known of it. */
export interface AttachOptions extends StreamParserOptions {
  /** The flow whose direction this is; its messages carry it. @default {undefined} */
  flow?: FlowOrigin | undefined;
  /** A name for people. @default {undefined} */
  label?: string | undefined;
  /** Its share of what is sent, for policies that mind; above 0. @default {1} */
  weight?: number | undefined;
  /**
   * Whether sending goes on when the peer has sent its end, until `drain`, `unattach` or `fail`. Without it the
   * connection is over then.
   *
   * @default {false}
   */
  halfOpen?: boolean | undefined;
  /** Only with `compat: "linux"`: most bytes that wait to be parsed, as in TCP's receive queue. @default {6291456} */
  receiveQueueBytes?: number | undefined;
}

/** What a connection tells the driver that attached it. */
export interface LowerEvents extends LowerTransmitEvents {
  /** There is room again: offer the bytes that were not taken. Everything may be called from here. */
  resumed?(): void;
  /**
   * The connection is over, its whole messages are not lost: called exactly once, when it has ended (`error` is
   * `undefined`), was cut off inside a message, broke its protocol, or was given up with `fail` or `abort`.
   */
  unattached?(error: unknown, outcome: ConnectionOutcome): void;
}

/** One attached connection, made by {@linkcode MultiplexorEngine.attach}. The kernel's psock. */
export interface LowerPort extends LowerTransmit {
  /** Identifies the connection in its engine as long as it is attached, and nothing after. */
  readonly handle: number;
  /** Smallest number that was free when it was attached, from 0, as in the kernel's reports. */
  readonly index: number;
  /** What its messages carry as their origin. */
  readonly connection: KcmConnection;
  /** Counters of its parser. */
  readonly stats: StreamParserStats;
  /** Whether it is over: nothing is taken any more. */
  readonly isOver: boolean;
  /** Whether it waits for a socket with room; `push` takes nothing until then. */
  readonly isPaused: boolean;
  /** What it failed with, once it has. */
  readonly error: unknown;
  /** Bytes held of a message that has begun. */
  readonly bytesHeld: number;
  /**
   * Takes the connection's next bytes; for {@linkcode datagrams} exactly one datagram.
   *
   * @returns how many bytes were taken. Fewer than offered: the rest is to be offered again after `resumed`, unless the
   * connection is over
   * @throws {TypeError} when `bytes` is not a `Uint8Array`
   * @throws {KcmError} `EBUSY` when called from within a callback other than `resumed`
   */
  push(bytes: Uint8Array, now: number): number;
  /**
   * The connection has ended. All its bytes must have been taken; inside a message it is `ETRUNCATED`.
   *
   * @throws {KcmError} `EBUSY` when called from within a callback other than `resumed`
   */
  end(now: number): void;
  /** Whether nothing more is received. */
  readonly isReceiveStopped: boolean;
  /**
   * Only with `compat: "linux"`: the code of the error that the connection's socket would tell, once. Kernel: `SO_ERROR`.
   */
  takeError(): string | undefined;
  /** The connection has failed with `error`; a part of a message is lost, whole ones are not. Allowed anywhere. */
  fail(error: unknown): void;
  /** Takes the connection away; a part of a message is lost, whole ones are not. Allowed anywhere. */
  abort(): void;
}

/**
 * Where a socket's messages go. Inside a callback only `pause`, `resume`, `close`, `fail` and `abort` may be called. What
 * it throws comes out of the call that brought the message, which counts as delivered.
 */
export interface SocketSink extends SocketTransmitEvents {
  /** Bytes that wait to be read, for policies that mind. @default {0} */
  readonly backlogBytes?: number;
  /** What was read, for reports. @default {undefined} (what was delivered) */
  readonly readStats?: { readonly messages: number; readonly bytes: number };
  /** Messages that wait to be read, for reports. @default {0} */
  readonly backlogMessages?: number;
  /** Whether it would refuse a message: only `compat: "linux"` asks; otherwise a sink that is full pauses its port. */
  readonly isFull?: boolean;
  /** A message came. */
  message(message: KcmMessage): void;
  /**
   * Attachments are closed, every connection has ended, every message was delivered. No more will come, except what
   * another socket gives back that is closed later.
   */
  end(): void;
}

/** The kernel's `SOCK_DGRAM` and `SOCK_SEQPACKET`. */
export type SocketType = "datagram" | "seqpacket";

/** How to open a socket. */
export interface SocketOptions {
  /** How its messages end when it sends: with each `send` without `more`, or only with `eor`. @default {"datagram"} */
  type?: SocketType | undefined;
  /** Without room until it is resumed. @default {false} */
  paused?: boolean | undefined;
  /**
   * From so many bytes accepted and not written on no message is begun. Kernel: `SO_SNDBUF`.
   *
   * @default {212992} or what the multiplexor was made with
   */
  sendBufferBytes?: number | undefined;
  /** What happens to its messages when their connection fails. @default {"ifUnstarted"} */
  retry?: RetryPolicy | undefined;
  /** Its share of what comes in, for policies that mind; above 0. @default {1} */
  weight?: number | undefined;
}

/** Counters of a socket, under the kernel's names. */
export interface SocketStats {
  /** Messages delivered here, without those given back. Kernel: `rx_msgs`, of those that were read. */
  readonly rxMessages: number;
  /** Bytes of these messages. Kernel: `rx_bytes`. */
  readonly rxBytes: number;
  /** Messages that were accepted. Kernel: `tx_msgs`. */
  readonly txMessages: number;
  /** Bytes that were accepted, those of an open message included. Kernel: `tx_bytes`. */
  readonly txBytes: number;
}

/** One socket, made by {@linkcode MultiplexorEngine.socket}. Has no queue: whoever reads it keeps one. */
export interface SocketPort extends SocketTransmit {
  /** Identifies the socket in its engine as long as it is open, and nothing after. */
  readonly handle: number;
  /** Smallest number that was free when it was opened, from 0, as in the kernel's reports. */
  readonly index: number;
  /** A snapshot of the counters. */
  readonly stats: SocketStats;
  /** Its share relative to other sockets, for policies that mind. May be changed at any time. */
  weight: number;
  /** What the policy `leastLoaded` goes by first. May be changed at any time. */
  load: number;
  /** Whether {@linkcode disableReceive} was called last. Kernel: `KCM_RECV_DISABLE`. */
  readonly isReceiveDisabled: boolean;
  /** Whether it was closed. */
  readonly isClosed: boolean;
  /** Whether it takes messages: neither paused nor closed. */
  readonly hasRoom: boolean;
  /** No room: nothing comes until {@linkcode resume}. Allowed anywhere; takes effect at once. */
  pause(): void;
  /**
   * Room again: the socket goes to the end of the line. Messages that waited for it come before this returns, unless it
   * is called from within a callback: then they come when the engine is done.
   */
  resume(): void;
  /**
   * Takes no messages until {@linkcode enableReceive}, and gives back those that nobody has read, for other sockets.
   * Sending goes on. Allowed anywhere.
   */
  disableReceive(unread?: readonly KcmMessage[]): void;
  /** Takes messages again, if it has room. Allowed anywhere. */
  enableReceive(): void;
  /**
   * Opens another socket of the same multiplexor, of the same type and limits.
   *
   * @throws {KcmError} as {@linkcode MultiplexorEngine.socket}
   */
  clone(sink: SocketSink, options?: { paused?: boolean | undefined }): SocketPort;
  /**
   * Closes the socket; messages that it sends and that have not begun fail with `ECANCELED`. `unread` are messages of it that nobody has read, in order; they go to the other sockets, or wait
   * for one. Nothing comes any more, not even `end`. Allowed anywhere.
   */
  close(unread?: readonly KcmMessage[]): void;
}
