/**
 * What an endpoint tells about itself while it works: for logs, traces and metrics. Calls that go well are not told of,
 * since there may be many; they are counted (`stats`, `snapshot`).
 *
 * @module
 */
import { callbackOption, needObject } from "../core/limits.ts";
import type { RxCall } from "./call.ts";
import type { RxHeader } from "./header.ts";
import type { RxAddress, RxCallPort } from "./ports.ts";

/**
 * Why nobody was asked whether to take a call: its service is not offered, or not under its security class; as many calls
 * wait as may (`backlog`); or the limit of that name is reached. The first is answered with an ABORT, others with BUSY.
 */
export type RxRefusal =
  | "service"
  | "backlog"
  | "maxHeldBytes"
  | "maxServiceCallsPerPeer"
  | "maxServiceConnections"
  | "maxServiceConnectionsPerPeer";

/**
 * Is told; each member may be left out. Never needed for what is right: calls end and fail as they do without.
 *
 * It is told in the midst of the endpoint's work: it may abort the call that it is told of, and leaves all else for later.
 * What one throws is counted (`drops`: `observer threw`) and else lost, since packets of anybody cause what is told. Most
 * of them can be forged, and come as often as anybody likes: work for each should be small.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { RxEndpoint, type RxObserver } from "@leat/streams/rxrpc";
 * import { dgramPair, InetAddress } from "@leat/streams/tsocket";
 *
 * const lines: string[] = [];
 * const observer: RxObserver = {
 *   refused: ({ address }, service, why) => lines.push(`${address} service ${service}: ${why}`),
 * };
 * const to = InetAddress.parse("192.0.2.1:7000");
 * const [left, right] = dgramPair({ addresses: [InetAddress.parse("192.0.2.2:7001"), to] });
 * const client = await RxEndpoint.open(left);
 * const server = await RxEndpoint.open(right, { observer });
 * await client.request({ to, service: 73, body: new Uint8Array(4) }).catch(() => {});
 * assertEquals(lines, ["192.0.2.2 service 73: service"]);
 * await Promise.all([client.close(), server.close()]);
 * ```
 */
export interface RxObserver {
  /** The server says that it is busy: the call goes on trying, unless it is to fail then. */
  busy?(call: RxCallPort): void;
  /** A server asks who this end is, and gets an answer. */
  challenged?(remote: RxAddress): void;
  /**
   * A client could not prove who it is, and hears so: `error.code` is the number's name, as `RXKADUNKNOWNKEY`. With
   * `error.blame` `local` it is the server's own fault: its keys could not be had, `error.cause` says why. Never with a key
   * or ticket of the library's; what `keys` throws is `cause` as it is.
   */
  authenticationFailed?(remote: RxAddress, error: unknown): void;
  /** A call is not taken, by the endpoint or for its listener's `backlog`; what `refuses` and `incoming` say is not told. */
  refused?(remote: RxAddress, service: number, why: RxRefusal): void;
  /** A packet of the call found no room (`maxHeldBytesPerPeer`, `maxHeldBytes`), and was dropped: it will come again. */
  full?(call: RxCallPort): void;
  /** The other end asks whether this one is there still. */
  pinged?(call: RxCallPort): void;
  /** A round trip took so long; `call.srtt` is the mean. */
  rtt?(call: RxCallPort, ms: number): void;
  /** The other end takes so many packets beyond what it has: another number than before, at first than 16. */
  window?(call: RxCallPort, packets: number): void;
  /** The byte for applications in a packet of data is another one than before, or than `call.userStatus` at a server. */
  userStatus?(call: RxCallPort, byte: number): void;
}

/** Tells what an acknowledgement has brought; before it there were so many samples of round trips, and this window. */
export function tellLearned(observer: RxObserver, call: RxCall, samples: number, window: number): void {
  const { rtt, sending } = call;
  if (rtt.samples !== samples) observer.rtt?.(call, rtt.latest);
  if (sending.peerWindow !== window && !call.isClosed) observer.window?.(call, sending.peerWindow);
}

/** Tells the byte for applications, where it is another one than before. */
export function tellStatus(observer: RxObserver, call: RxCall, { userStatus }: RxHeader): void {
  if (userStatus === call.lastStatus || call.isClosed) return;
  call.lastStatus = userStatus;
  observer.userStatus?.(call, userStatus);
}

type Guarded = { [Name in keyof Required<RxObserver>]: (...told: never[]) => void };

const MEMBERS: Record<keyof RxObserver, true> = {
  busy: true,
  challenged: true,
  authenticationFailed: true,
  refused: true,
  full: true,
  pinged: true,
  rtt: true,
  window: true,
  userStatus: true,
};

/**
 * The same, with members that never throw; `threw` is told instead.
 *
 * @throws {TypeError} when it is no object, or a member no function
 */
export function guardedObserver(observer: RxObserver | undefined, threw: () => void): RxObserver | undefined {
  if (observer === undefined) return undefined;
  needObject("observer", observer);
  const guarded: Partial<Guarded> = {};
  for (const name of Object.keys(MEMBERS) as (keyof RxObserver)[]) {
    const member = callbackOption(`observer.${name}`, observer[name]);
    if (member === undefined) continue;
    guarded[name] = (...told) => {
      try {
        Reflect.apply(member, observer, told);
      } catch {
        threw();
      }
    };
  }
  return guarded;
}
