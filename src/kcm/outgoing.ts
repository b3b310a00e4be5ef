/**
 * A message on its way out, as its sender sees it.
 *
 * @module
 */
import type { KcmConnection, KcmMessage } from "./kcm_message.ts";
import type { SteeringKey } from "./steering_policy.ts";

/**
 * Whether a message whose connection has failed is sent again, whole, on another one.
 *
 * - `never`: it fails.
 * - `ifUnstarted`: only if no byte of it can have left, so that no peer sees any of it twice.
 * - `always`: also when some of it was, or may have been, written. Only for messages of which a peer may see two. The kernel does this.
 */
export type RetryPolicy = "never" | "ifUnstarted" | "always";

/** The reply has these bytes at this place: a number that the request had as well, say. */
export interface ReplyPattern {
  /** Where, from the beginning of the message. */
  readonly offset: number;
  /** Which. */
  readonly bytes: Uint8Array;
}

/**
 * Which message on the connection that a message was written to answers it.
 *
 * - `"next"`: the first one that answers no earlier message, where replies come in the order of requests.
 * - A pattern, or a function that is asked of each message that comes; it is asked while the engine is at work, and may
 *   call nothing of it.
 */
export type ReplyMatcher = "next" | ReplyPattern | ((message: KcmMessage) => boolean);

/** How to send a message. The flags are those of `sendmsg`. */
export interface SendOptions {
  /** The message goes on with the next `send`. For `type: "datagram"`. Kernel: `MSG_MORE`. @default {false} */
  more?: boolean | undefined;
  /** The message ends here. For `type: "seqpacket"`, whose messages end no other way. Kernel: `MSG_EOR`. @default {false} */
  eor?: boolean | undefined;
  /** Keep the message until one without this flag is sent: both leave together. Kernel: `MSG_BATCH`. @default {false} */
  batch?: boolean | undefined;
  /**
   * The only connection that it may go out on: that of the request, for a reply. It fails with `ENOTCONN` when that is
   * gone, whatever `retry` says.
   *
   * @default {undefined} (the policy chooses)
   */
  via?: KcmConnection | undefined;
  /** What a policy of key affinity goes by. @default {undefined} (its function of the message) */
  key?: SteeringKey | undefined;
  /** What happens when the connection fails. @default {"ifUnstarted"} or what the socket was opened with */
  retry?: RetryPolicy | undefined;
  /**
   * Wait for this reply: the message that is one goes to the sender and to no socket. Not with `compat: "linux"`.
   *
   * @default {undefined} (nobody waits for one)
   */
  reply?: ReplyMatcher | undefined;
  /** Anything; comes back with the message's events. @default {undefined} */
  tag?: unknown;
}

/** A message that was accepted, and its fate so far. */
export interface OutgoingMessage {
  /** Its length in bytes. */
  readonly length: number;
  /** What `send` was told. */
  readonly tag: unknown;
  /** The connection that it is on, or was last; `undefined` before the first. */
  readonly connection: KcmConnection | undefined;
  /** Bytes of it written to that connection. */
  readonly bytesWritten: number;
  /** Bytes of it in flight: when its connection has failed, those may have been written or not. */
  readonly bytesOffered: number;
  /** How often it was begun again on another connection. */
  readonly retries: number;
}

/** Which messages to give up; asked once for each. */
export type DiscardFilter = (message: OutgoingMessage) => boolean;
