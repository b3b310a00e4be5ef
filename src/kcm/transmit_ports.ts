/**
 * The send side of connections and sockets, as their drivers see it. {@linkcode LowerPort} and {@linkcode SocketPort}
 * have these members.
 *
 * Connections are pulled: when there is something to write the driver is told (`pullable`), asks for it (`pull`), writes it
 * however it likes, and says how much was written (`written`) or that the connection has failed (`fail`). Until then the
 * bytes are in flight. A message is bound to a connection by its first byte; those behind it on a connection that has no
 * room move to one that has.
 *
 * @module
 */
import type { LowerPort } from "./ports.ts";
import type { DiscardFilter, OutgoingMessage, SendOptions } from "./outgoing.ts";
import type { KcmMessage } from "./kcm_message.ts";

/** What a connection that can send tells its driver. */
export interface LowerTransmitEvents {
  /**
   * There is something to {@linkcode LowerTransmit.pull}. Comes at most once, and then not before a `pull` has found
   * nothing. A driver that has room pulls from within this call; one that does not is taken to have none until it pulls,
   * and what it was to write may go elsewhere. Everything may be called from here, for the first time perhaps before
   * `attach` has returned. Without this member nothing is sent on the connection.
   */
  pullable?(port: LowerPort): void;
}

/** The send side of a connection. */
export interface LowerTransmit {
  /** Its share relative to other connections, for policies that mind. May be changed at any time. */
  weight: number;
  /** What the policy `leastLoaded` goes by: requests that wait for their reply, say. May be changed at any time. */
  load: number;
  /**
   * Whether messages are given to it. Set to `false`, those that have begun are finished and the rest goes elsewhere:
   * for a peer that is ill, or going to be taken away.
   */
  isSending: boolean;
  /** Bytes given to it and not written yet, those in flight included. */
  readonly backlogBytes: number;
  /** Counters of what it has sent. */
  readonly transmitStats: LowerTransmitStats;
  /**
   * The bytes to be written next, at most `maxBytes`: the rest of the message that has begun, then whole ones and
   * perhaps the beginning of one. They are in flight until `written`, `fail` or `unattach` is called. Nothing to write, or
   * still in flight: empty.
   *
   * @throws {KcmError} `EBUSY` when called from within a callback other than `pullable` and `resumed`
   */
  pull(maxBytes?: number): readonly Uint8Array[];
  /**
   * Of the bytes in flight the first `count` were written, the others were not and will be pulled again. Fewer than all:
   * the connection has no room until it is pulled again, and messages that have not begun go elsewhere if they can. After
   * all, the driver pulls again at once.
   *
   * @throws {RangeError} when not so many are in flight
   * @throws {KcmError} `EBUSY` when called from within a callback other than `pullable` and `resumed`
   */
  written(count: number): void;
  /**
   * Nothing new is given to the connection but messages with `via`: a reply can go nowhere else. Once what has begun and
   * these are written it is unattached without an error. At `deadlineAt` it is unattached in any case, with `ETIMEDOUT` if
   * something had begun.
   */
  drain(deadlineAt?: number): void;
  /**
   * Takes the connection away, in both directions, and gives back what the multiplexor had of it. Messages that were to
   * go out on it are sent elsewhere or fail, as their retry policy says. Allowed anywhere.
   */
  unattach(): LowerRemains;
  /**
   * Writing has failed, or the peer reads no more: as `fail`, but for `compat: "linux"`, which goes on receiving.
   * Allowed anywhere.
   */
  failSending(error: unknown): void;
}

/** What is given back of a connection. */
export interface LowerRemains {
  /** Bytes taken by `push` of a message that is not complete: what was not taken follows. */
  readonly unread: Uint8Array;
  /** Whole messages that no socket had room for. */
  readonly messages: readonly KcmMessage[];
}

/** Counters of what a connection has sent, under the kernel's names. */
export interface LowerTransmitStats {
  /** Messages written whole. Kernel: `tx_msgs`. */
  readonly txMessages: number;
  /** Bytes written, those of messages that were not completed included. Kernel: `tx_bytes`. */
  readonly txBytes: number;
  /** Times that it was given to a socket. Kernel: `reserved`. */
  readonly reserved: number;
  /** Times that it was given back. Kernel: `unreserved`. */
  readonly unreserved: number;
  /** 1 once sending has failed. Kernel: `tx_aborts`. */
  readonly aborts: number;
}

/** What a socket that sends is told. Inside only what {@linkcode SocketSink} allows may be called, and `send`. */
export interface SocketTransmitEvents {
  /** A message was written whole. */
  written?(message: OutgoingMessage): void;
  /** Its connection has failed with `error`, and the message begins again on another. */
  retried?(message: OutgoingMessage, error: unknown): void;
  /** A message will not be sent; `error.cause` is what its connection failed with. Of it `message.bytesWritten` were. */
  failed?(message: OutgoingMessage, error: unknown): void;
  /**
   * The reply came that a message was sent to get, perhaps before `written`; returns whether it was wanted still. If not,
   * it goes to a socket like any other.
   */
  answered?(message: OutgoingMessage, reply: KcmMessage): boolean;
  /** A message was written, and its reply will not come; `error.cause` is what its connection failed with, if it did. */
  unanswered?(message: OutgoingMessage, error: unknown): void;
  /** There is room after {@linkcode SocketTransmit.send} has taken nothing. */
  writable?(): void;
  /** What {@linkcode SocketTransmit.drain} has waited for is done, or it was too late; the socket is closed. */
  drained?(): void;
}

/** The send side of a socket. */
export interface SocketTransmit {
  /** Messages accepted and neither written nor failed. */
  readonly queuedMessages: number;
  /** Bytes of these, and of the open message. */
  readonly queuedBytes: number;
  /** Whether `send` would begin a message. */
  readonly canSend: boolean;
  /**
   * Sends a message, or a part of one. The bytes are not copied: they must not be changed before the message was written
   * or has failed. Allowed anywhere; from within a callback it goes out when the engine is done.
   *
   * @returns how many bytes were taken: all, or none when the queue is full (`writable` follows). A message that has begun
   * is never held up, and one may exceed the limit
   * @throws {TypeError} when `bytes` is not a `Uint8Array`
   * @throws {KcmError} `EPIPE` once closed or draining, `ENOTCONN` when `via` is gone, `EMSGSIZE` beyond `maxSendLength`
   */
  send(bytes: Uint8Array, options?: SendOptions): number;
  /**
   * Fails the open message and all that have not begun with `error`, or with `which` those that it says; those that have
   * begun are finished. Allowed anywhere.
   */
  discard(error?: unknown, which?: DiscardFilter): void;
  /**
   * Nothing more is sent; once what is queued is written, or has failed, the socket is closed and `drained` is called. At
   * `deadlineAt` the rest fails with `ETIMEDOUT`. `unread` as for `close`.
   */
  drain(deadlineAt?: number, unread?: () => readonly KcmMessage[]): void;
}
