/**
 * Calls as their drivers see them, and what an endpoint tells its driver.
 *
 * @module
 */
import type { ClientSecurity, RxPeerIdentity, ServerSecurity } from "./security/protection.ts";

/** Where packets go to and come from. */
export interface RxAddress {
  /** IP address, as the socket writes it. */
  readonly address: string;
  /** UDP port. */
  readonly port: number;
}

/** A datagram that came. */
export interface RxDatagram {
  /** Its bytes; not to be changed afterwards. */
  readonly data: Uint8Array;
  /** Who sent it. */
  readonly from: RxAddress;
}

/** Where an endpoint puts the datagrams that it sends. */
export interface RxOut {
  /** A buffer of at least so many bytes, or `null` when there is no room now. */
  alloc(size: number): Uint8Array | null;
  /** The first `length` bytes of the last buffer are a datagram. */
  commit(length: number, to: RxAddress): void;
}

/** How long a call may take. Milliseconds. */
export interface RxTimeouts {
  /** From its beginning to its end. @default {Infinity} */
  hardMs?: number | undefined;
  /** Without a word of the peer. @default {the endpoint's deadMs} */
  deadMs?: number | undefined;
}

/** What a call is made of. */
export interface RxCallOptions {
  /** The server. */
  readonly to: RxAddress;
  /** The service there, 1 to 65535. */
  readonly service: number;
  /** As whom. @default {none()} */
  readonly security?: ClientSecurity | undefined;
  /** On a connection of its own, that is used no more. @default {false} */
  readonly isExclusive?: boolean | undefined;
  /** Ask whether the service can be upgraded. @default {false} */
  readonly mayUpgrade?: boolean | undefined;
  /** How many bytes the request has: the call fails with `EMSGSIZE` when more or fewer are written. */
  readonly length?: number | undefined;
  /** How long it may take. */
  readonly timeouts?: RxTimeouts | undefined;
  /** Something that belongs to the caller: `call.tag`. */
  readonly tag?: unknown;
  /** Fail with `EBUSY` when the server says that it is busy, instead of going on trying. @default {false} */
  readonly failsWhenBusy?: boolean | undefined;
}

/** What a call tells whoever made it or accepted it. */
export interface RxCallSink {
  /** Bytes of the other end, in order. Each must be reported as consumed some time. */
  data(bytes: Uint8Array): void;
  /** The other end has said everything. */
  ended(): void;
  /** There is room to write again. */
  writable?(): void;
  /** The call has a place on the wire. */
  opened?(place: { readonly cid: number; readonly channel: number; readonly callNumber: number }): void;
  /** A server's first word: the service that answers. */
  service?(service: number): void;
  /** The server says that it is busy. */
  busy?(): void;
  /** It is over: well, or (`error`) not. The last thing that is told, exactly once. */
  closed(error: unknown): void;
}

/** A call, at either end. */
export interface RxCallPort {
  /** Something that belongs to whoever made the call, or takes it. */
  tag: unknown;
  /** Whether this end made it. */
  readonly isClient: boolean;
  /** The service that it is for; the one that answers, once that is known. */
  readonly service: number;
  /** The other end. */
  readonly remote: RxAddress;
  /** Who the client is, as far as its security class knows; for servers. */
  readonly identity: RxPeerIdentity | undefined;
  /** The byte for applications in the first packet of a call that came. */
  readonly userStatus: number;
  /** Whether it is over. */
  readonly isClosed: boolean;
  /** Whether `write` is of use now: the call has its place and, at a server, the request has ended. */
  readonly isWritable: boolean;
  /** Round-trip time to the peer in milliseconds, once it is known. */
  readonly srtt: number | undefined;
  /**
   * Says something. Returns how many bytes were taken; fewer than offered: `writable` follows.
   *
   * @throws {RxrpcError} `EPROTO` at a server before the request has ended, or behind `end`
   */
  write(bytes: Uint8Array, now: number): number;
  /**
   * Something waits to be written, at a server whose request has not ended; `writable` follows. When that can't end
   * because nobody has read for `requestIdleMs` what has come of it, the call is over with `EPROTO`.
   */
  awaitTurn(now: number): void;
  /** Sends what waits for a packet to be full. */
  flush(now: number): void;
  /** That was all. */
  end(now: number): void;
  /** So many bytes of `data` were taken: as many more may come. */
  consumed(bytes: number, now: number): void;
  /** Gives up. `code` goes to the other end. */
  abort(code: number, now: number, cause?: unknown): void;
}

/** What to do with a call that comes: take it with this sink, say that one is busy, or abort it with a number. */
export type RxDecision = RxCallSink | "busy" | number;

/** A service, at a server. */
export interface RxService {
  /** 1 to 65535. */
  readonly id: number;
  /** What it is upgraded to for clients that ask. */
  readonly upgradeTo?: number | undefined;
  /**
   * How long its calls may take, from their first packet on. Without `hardMs` a call runs as long as its client waits, and
   * what has come of it and is not read counts against the client's budget.
   */
  readonly timeouts?: RxTimeouts | undefined;
  /** Security classes that it takes. @default {[none()]} */
  readonly security?: readonly ServerSecurity[] | undefined;
}

/** What an endpoint asks and tells. */
export interface RxEndpointSink {
  /** A call has come. Answer at once; its data come behind. */
  incoming(call: RxCallPort): RxDecision;
}
