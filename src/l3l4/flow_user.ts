/**
 * What stands behind a port: the user that its events go to, by way of `port.context`. Internal.
 *
 * @module
 */
import type { L3L4Error } from "./errors.ts";

/** Whoever uses something of the stack. */
export interface StackUser {
  /** The stack is over. Unless `isReset`, the port is of no use any more; else the peer is to see a reset. */
  gone(reason: unknown, isReset: boolean): void;
}

/** Told what happens to one connection; see `TcpSink`. */
export interface FlowUser extends StackUser {
  /** The connection is open. */
  opened(): void;
  /** Bytes can be read. */
  readable(): void;
  /** There is room to write. */
  writable(): void;
  /** The peer has ended. */
  ended(): void;
  /** It is over. */
  closed(error: L3L4Error | null): void;
}

/** The stack, as the users of its ports see it. */
export interface FlowHost {
  /** The time for methods of the port. */
  now(): number;
  /** Something was done to the port, at this time. */
  turn(now?: number): void;
  /** The user has closed its side and waits for what was written to arrive. */
  closing(user: StackUser): void;
  /** The peer has acknowledged all of it, and may end itself within so many milliseconds. */
  delivered(user: StackUser, waitMs: number): void;
  /** There is one more, to be told when the stack is over. */
  joined(user: StackUser): void;
  /** The user is done. */
  left(user: StackUser): void;
}
