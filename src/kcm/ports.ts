/**
 * The inputs and outputs of a multiplexor, as their drivers see them.
 *
 * @module
 */
import type { StreamParserOptions, StreamParserStats } from "../strparser/options.ts";
import type { FlowOrigin, KcmConnection, KcmMessage } from "./kcm_message.ts";

/** What to attach: how its messages are delineated, and what is known of it. */
export interface AttachOptions extends StreamParserOptions {
  /** The flow whose direction this is; its messages carry it. @default {undefined} */
  flow?: FlowOrigin | undefined;
  /** A name for people. @default {undefined} */
  label?: string | undefined;
}

/** What a connection tells the driver that attached it. */
export interface LowerEvents {
  /** There is room again: offer the bytes that were not taken. Everything may be called from here. */
  resumed?(): void;
  /**
   * The connection is over, its whole messages are not lost: called exactly once, when it has ended (`error` is
   * `undefined`), was cut off inside a message, broke its protocol, or was given up with `fail` or `abort`.
   */
  unattached?(error: unknown): void;
}

/** One attached connection, made by {@linkcode MultiplexorEngine.attach}. The kernel's psock. */
export interface LowerPort {
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
  /** The connection has failed with `error`; a part of a message is lost, whole ones are not. Allowed anywhere. */
  fail(error: unknown): void;
  /** Takes the connection away; a part of a message is lost, whole ones are not. Allowed anywhere. */
  abort(): void;
}

/**
 * Where a socket's messages go. Inside a callback only `pause`, `resume`, `close`, `fail` and `abort` may be called. What
 * it throws comes out of the call that brought the message, which counts as delivered.
 */
export interface SocketSink {
  /** A message came. */
  message(message: KcmMessage): void;
  /**
   * Attachments are closed, every connection has ended, every message was delivered. No more will come, except what
   * another socket gives back that is closed later.
   */
  end(): void;
}

/** Counters of a socket, under the kernel's names. */
export interface SocketStats {
  /** Messages delivered here, without those given back. Kernel: `rx_msgs`. */
  readonly rxMessages: number;
  /** Bytes of these messages. Kernel: `rx_bytes`. */
  readonly rxBytes: number;
}

/** One socket, made by {@linkcode MultiplexorEngine.socket}. Has no queue: whoever reads it keeps one. */
export interface SocketPort {
  /** Identifies the socket in its engine as long as it is open, and nothing after. */
  readonly handle: number;
  /** Smallest number that was free when it was opened, from 0, as in the kernel's reports. */
  readonly index: number;
  /** Live counters. */
  readonly stats: SocketStats;
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
   * Closes the socket. `unread` are messages of it that nobody has read, in order; they go to the other sockets, or wait
   * for one. Nothing comes any more, not even `end`. Allowed anywhere.
   */
  close(unread?: readonly KcmMessage[]): void;
}
