/**
 * What the ports of a multiplexor see of it. Internal; breaks the cycle between the engine and its ports.
 *
 * @module
 */
import type { KcmError } from "./errors.ts";
import type { KcmMessage } from "./kcm_message.ts";
import type { KcmSock } from "./kcm_sock.ts";
import type { Psock } from "./psock.ts";

/** The engine, as its ports know it. */
export interface PortHost {
  /** Whether the engine is at work, so that the caller was called by it. */
  isBusy(): boolean;
  /** Begins work on behalf of the named method; throws `EBUSY` inside a callback. */
  enter(method: string): void;
  /** Ends work: what waits goes where room is, whoever can go on is told. */
  leave(): void;

  /** A message came in; returns whether a socket took it. Otherwise the port keeps it and pauses. */
  steer(port: Psock, message: KcmMessage): boolean;
  /** A port holds so many bytes more (negative: fewer) of a message that has begun; returns what is wrong with that. */
  partial(port: Psock, bytes: number): KcmError | undefined;
  /** A datagram was too long. */
  dropped(): void;
  /** A connection is over; `failure` is a code to count, unless it ended well. */
  unattach(port: Psock, failure: string | undefined): void;

  /** A socket can take messages. */
  roomAt(socket: KcmSock): void;
  /** A socket can take no more for now. */
  noRoomAt(socket: KcmSock): void;
  /** A socket is gone, and gives back what nobody has read. */
  closed(socket: KcmSock, unread: readonly KcmMessage[]): void;
}
