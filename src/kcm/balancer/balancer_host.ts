/**
 * What the ports of a balancer need of it. Internal.
 *
 * @module
 */
import type { Backend, BackendEvent } from "./backend.ts";
import type { BalancerCounts, BalancerSettings } from "./balancer_options.ts";
import type { CheckChannel } from "./check_channel.ts";
import type { ClientPort } from "./client_port.ts";
import type { BasePort } from "./line_port.ts";
import type { Misfortune } from "./protocol.ts";
import type { Request } from "./request.ts";
import type { SessionChannel } from "./session_channel.ts";
import type { SharedChannel } from "./shared_channel.ts";

/** The balancer as its ports see it. */
export interface BalancerHost {
  /** Options. */
  readonly settings: BalancerSettings;
  /** Counters. */
  readonly counts: BalancerCounts;
  /** The time of the work under way. */
  now: number;
  /** Whether clients are to be closed when they have nothing under way. */
  readonly isDraining: boolean;
  /** The port has something for its driver, or to do in `flush`. */
  attend(port: BasePort): void;
  /** The port may hold more or less than before. */
  account(port: BasePort): void;
  /** Hands the request whose bytes lie in `bytes` to a channel, or lets it wait for one. */
  place(request: Request, bytes: Uint8Array, from: number, to: number): void;
  /** The request has failed for good. */
  fail(request: Request, why: Misfortune): void;
  /** A channel has room again, or is open. */
  roomAt(): void;
  /** A shared channel is over, with requests in order of which the last `unsent` have not left this process. */
  channelLost(channel: SharedChannel, left: readonly Request[], unsent: number, error: unknown): void;
  /** Makes a connection of its own for a client; `undefined` when there is no backend for it. */
  openSession(client: ClientPort, message: Uint8Array | undefined): SessionChannel | undefined;
  /** The connection of a session could not be made: another one, or `undefined`. */
  sessionFailed(session: SessionChannel, error: unknown): void;
  /** A session is over. */
  sessionClosed(session: SessionChannel): void;
  /** A check is over. */
  checked(check: CheckChannel, isWell: boolean, error: unknown): void;
  /** A client is over. */
  clientClosed(client: ClientPort): void;
  /** For the log. */
  backendChanged(backend: Backend, event: BackendEvent, reason: unknown): void;
}
