/**
 * How often the calls of one connection were refused: whoever asks is not to cost more than a packet, again and again.
 *
 * @module
 */
import { TokenBucket } from "../core/token_bucket.ts";
import type { RxCall } from "./call.ts";
import type { RxChannel } from "./channel.ts";
import { forgottenError, RxrpcError } from "./errors.ts";
import type { RxHeader } from "./header.ts";
import type { RxObserver } from "./observer.ts";
import { RxPacketType } from "./packet_types.ts";

/** The body of a packet that has none. */
export const NOTHING: Uint8Array = new Uint8Array(0);
const PER_SECOND = 10;
/** Clients without a place try again after a fifth of a second at the earliest. */
const REMEMBERED_MS = 100;

/** The number of a call that was told that this end is busy, and until when that is said without asking anybody. */
export interface BusyCall {
  readonly callNumber: number;
  readonly until: number;
}

/** There is no room for a call now: the client is told, and goes on trying with the same number. */
export function putOff(call: RxCall, now: number): void {
  const { connection, channel, callNumber } = call.place!;
  connection.refuse(connection.header(RxPacketType.BUSY, channel, callNumber), RxPacketType.BUSY, NOTHING, now);
  call.close(new RxrpcError("this end is busy", { code: "EBUSY", blame: "local" }), now);
  const state = connection.channels[channel]!;
  state.terminal = undefined;
  state.callNumber--;
  state.busy = { callNumber, until: now + REMEMBERED_MS };
}

/**
 * Puts off the call that has waited longest for its client to prove something, if it is one too many. Not the new call: a
 * client that is there proves it within a round trip, and is kept out only by as many others within that.
 */
export function makeRoom(oldest: RxCall | undefined, observer: RxObserver | undefined, now: number): void {
  if (oldest === undefined) return;
  observer?.refused?.(oldest.peer.address, oldest.service, "maxHeldBytes");
  // whoever was told may have ended it
  if (!oldest.isClosed) putOff(oldest, now);
}

/** Whether the packet is of the call that was put off just now. */
export function isPutOff({ busy }: RxChannel, { callNumber }: RxHeader, now: number): boolean {
  return busy?.callNumber === callNumber && now < busy.until;
}

/**
 * A client has proved that the channel's calls up to this one are over: the next may begin, whether nothing has come of it
 * yet or it was put off.
 */
export function lastEnded(channel: RxChannel, callNumber: number): void {
  channel.callNumber = Math.max(channel.callNumber, callNumber);
  channel.busy = undefined;
}

/** The channel's call, of which packets have come, is one that its client says is over: nobody is told of it. */
export function refuseReplay(channel: RxChannel, now: number): void {
  channel.call!.close(forgottenError(), now);
  channel.terminal = undefined;
}

/** Counts them. */
export class Refusals {
  #bucket: TokenBucket | undefined;
  #deafUntil = -Infinity;

  /** A call was refused. */
  count(now: number): void {
    this.#bucket ??= new TokenBucket(PER_SECOND);
    if (!this.#bucket.take(now)) this.#deafUntil = now + REMEMBERED_MS;
  }

  /** Whether there were too many: nobody is asked about another call. */
  isDeaf(now: number): boolean {
    return now < this.#deafUntil;
  }
}
