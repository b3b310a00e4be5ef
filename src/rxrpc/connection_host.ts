/**
 * What a connection needs of its endpoint, and what it is made with.
 *
 * @module
 */
import type { RxCall } from "./call.ts";
import type { CallHost } from "./call_host.ts";
import type { RxConnection } from "./connection.ts";
import type { RxHeader } from "./header.ts";
import type { RxPeer } from "./peer.ts";
import type { ClientProtection, ServerProtection, ServerSecurity } from "./security/protection.ts";

/** What a connection needs of its endpoint. */
export interface ConnectionHost extends CallHost {
  /** A client begins a call. Returns it, or `undefined` when it was refused. */
  serviceCall(connection: RxConnection, header: RxHeader, now: number): RxCall | undefined;
  /** A call has its place and a client that may be known: somebody is to be asked whether to take it. */
  begin(call: RxCall, now: number): void;
  /** Whether the client has yet to prove that its address is its own, or who it is. */
  mustProve(connection: RxConnection, now: number): boolean;
  /** A call is over. */
  callClosed(connection: RxConnection, call: RxCall, now: number): void;
  /** Calls that wait may begin. */
  channelsFree(connection: RxConnection, now: number): void;
  /** The connection is dead, or was not used for long. */
  forget(connection: RxConnection): void;
  /** How long it is kept without calls. */
  idleMs(connection: RxConnection): number;
}

/** What a connection is made with. */
export interface ConnectionInit {
  readonly isClient: boolean;
  readonly peer: RxPeer;
  readonly epoch: number;
  readonly cid: number;
  readonly service: number;
  readonly securityIndex: number;
  /** What the serial numbers of its packets begin behind; 0 without. */
  readonly serial?: number | undefined;
  readonly protection?: ClientProtection | undefined;
  /** What the service asked for when the connection came. */
  readonly security?: ServerSecurity | undefined;
  readonly server?: ServerProtection | undefined;
}
