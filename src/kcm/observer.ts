/**
 * What a multiplexor tells about itself while it works: for logs, traces and metrics. No message is ever told of that
 * arrived well, since there may be millions; those are counted (`stats`, `report`).
 *
 * @module
 */
import type { ConnectionOutcome } from "./connection_outcome.ts";
import type { KcmConnection } from "./kcm_message.ts";
import type { OutgoingMessage } from "./outgoing.ts";

/** Is told; each member may be left out. What one throws aborts the multiplexor. */
export interface MultiplexorObserver {
  /** A connection was attached. */
  attached?(connection: KcmConnection): void;
  /** A connection is over. */
  unattached?(connection: KcmConnection, outcome: ConnectionOutcome): void;
  /** A connection was not attached. */
  refused?(connection: KcmConnection, error: unknown): void;
  /** A channel was opened; so many there are now. */
  opened?(sockets: number): void;
  /** A channel was closed; so many there are now. */
  closed?(sockets: number): void;
  /** A message begins again on another connection, its own having failed with `error`. */
  retried?(message: OutgoingMessage, error: unknown): void;
  /** A message will not be sent. */
  failed?(message: OutgoingMessage, error: unknown): void;
}
