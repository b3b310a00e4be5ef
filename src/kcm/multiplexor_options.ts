/**
 * Limits and counters of the kcm engine.
 *
 * @module
 */
import type { Stats } from "../core/engine.ts";
import type { ConnectionOutcome } from "./connection_outcome.ts";
import type { LowerPort } from "./ports.ts";
import type { SteeringPolicy } from "./steering_policy.ts";

/** Limits and policies of a multiplexor. */
export interface MultiplexorLimits {
  /** Which socket gets a message that came in. @default {fifo()} */
  policy?: SteeringPolicy | undefined;
  /** Which connection a message goes out on. @default {fifo()} */
  sendPolicy?: SteeringPolicy | undefined;
  /**
   * Do as Linux does where that differs: a socket is reserved for all that one readiness of a connection brings and comes
   * back when it is empty, a connection is reserved by a socket while that has something to send, failures stop one
   * direction only and are told as errors of the connection, counters lag. Policies are not asked then.
   *
   * @default {undefined} (do it right)
   */
  compat?: "linux" | undefined;
  /**
   * From so many bytes accepted and not written on a socket begins no message, unless it has a limit of its own.
   *
   * @default {212992}
   */
  sendBufferBytes?: number | undefined;
  /** The same for all sockets together. @default {67108864} */
  maxSendBytes?: number | undefined;
  /** Longest message to be sent, in bytes; beyond, `send` is refused with `EMSGSIZE`. @default {1048576} */
  maxSendLength?: number | undefined;
  /** How often a message is begun again whose connection has failed; then it fails. @default {8} */
  maxRetries?: number | undefined;
  /** Messages whose senders wait for a reply; beyond, `send` with `reply` is refused with `ENOBUFS`. @default {65536} */
  maxAwaitedReplies?: number | undefined;
  /** Fail messages with `ENOTCONN` while there is no connection to send on, instead of waiting for one. @default {false} */
  failWhenUnconnected?: boolean | undefined;
  /**
   * Called when a connection is over. The engine is at work: only `pause`, `resume`, `close`, `fail`, `abort`, `send` may
   * be called.
   *
   * @default {undefined}
   */
  onUnattached?: ((port: LowerPort, outcome: ConnectionOutcome) => void) | undefined;
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
  /** Messages written whole. Kernel: `tx_msgs`. */
  readonly txMessages: number;
  /** Bytes of these messages. Kernel: `tx_bytes`. */
  readonly txBytes: number;
  /** Messages begun again after their connection had failed. Kernel: `tx_retries`. */
  readonly retries: number;
  /** Messages that were accepted and will not be sent. */
  readonly failedMessages: number;
  /** Messages lost with a connection that kept them: only with `compat: "linux"`. Kernel: `rx_ready_drops`. */
  readonly readyDrops: number;
  /** Connections that were taken away with something to write. Kernel: `psock_unattach_rsvd`. */
  readonly unattachedReserved: number;
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
  /** Now: bytes accepted to be sent and not written. */
  readonly sendBytes: number;
  /** Messages that were the reply that a sender waited for: `rxMessages` are the others. */
  readonly answered: number;
  /** Now: messages sent for a reply that has not come. */
  readonly awaitedReplies: number;
}
