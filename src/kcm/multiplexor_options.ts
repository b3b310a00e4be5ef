/**
 * Limits and counters of the kcm engine.
 *
 * @module
 */
import type { Stats } from "../core/engine.ts";

/** Limits of a multiplexor. */
export interface MultiplexorLimits {
  /**
   * Most connections attached at a time; beyond, `attach` is refused with `ENFILE`. The default is what the flow layer
   * can have open: two directions of 65,536 flows.
   *
   * @default {131072}
   */
  maxConnections?: number | undefined;
  /**
   * Most sockets open at a time; beyond, `socket` is refused with `ENFILE`.
   *
   * @default {1024}
   */
  maxSockets?: number | undefined;
  /**
   * Longest message, in bytes, header included, for connections that are attached without a limit of their own. Each
   * connection holds at most one message that waits and one that has begun.
   *
   * @default {1048576}
   */
  maxMessageLength?: number | undefined;
  /**
   * Most bytes of messages that have begun and not ended, of all connections together; the connection that goes beyond
   * fails with `ENOBUFS`.
   *
   * @default {268435456}
   */
  maxPartialBytes?: number | undefined;
}

/** Counters of a multiplexor, under the kernel's names where it has one. */
export interface MultiplexorStats extends Stats {
  /** Messages that came in. Kernel: `rx_msgs`. */
  readonly rxMessages: number;
  /** Bytes of these messages. Kernel: `rx_bytes`. */
  readonly rxBytes: number;
  /** Connections attached so far. Kernel: `psock_attach`. */
  readonly attached: number;
  /** Connections that are over, for whatever reason. Kernel: `psock_unattach`. */
  readonly unattached: number;
  /** Connections that were not attached: `maxConnections` was reached, or it was too late. */
  readonly refused: number;
  /** Messages given back by sockets that were closed. */
  readonly requeued: number;
  /** Datagrams longer than `maxMessageLength`. */
  readonly dropped: number;
  /** Now: connections attached. */
  readonly connections: number;
  /** Now: sockets open. */
  readonly sockets: number;
  /** Now: bytes held of messages that have begun. */
  readonly partialBytes: number;
  /** Now: connections that wait with a message. */
  readonly readyMessages: number;
  /** Now: messages of closed sockets that wait. */
  readonly heldMessages: number;
}
