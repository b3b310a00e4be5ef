/**
 * A call that is being watched. Internal.
 *
 * @module
 */
import { DataTrack } from "./data_track.ts";
import type { RingCount } from "./ring_table.ts";
import type { RxSide, RxWatchedCall, RxWatchedConnection, RxWatchedState, RxWatchedTrack } from "./records.ts";

/** Where a call is. */
export interface WatchedPlace {
  /** Position among all calls. */
  readonly id: number;
  /** Its connection. */
  readonly connection: RxWatchedConnection;
  /** 0 to 3. */
  readonly channel: number;
  /** In the channel. */
  readonly callNumber: number;
}

/** A call and its two directions. */
export class WatchedCall implements RxWatchedCall {
  readonly id: number;
  readonly connection: RxWatchedConnection;
  readonly channel: number;
  readonly callNumber: number;
  readonly startedAt: number;
  service: number;
  lastAt: number;
  state: RxWatchedState = "open";
  abortCode: number | undefined;
  abortedBy: RxSide | undefined;
  busy = 0;
  user: unknown;
  /** Whether it was told as closed. */
  isClosed = false;
  /** What each end says, with what is needed to count it. */
  readonly tracks: Readonly<Record<RxSide, DataTrack>>;

  /** A call whose first packet was seen now; the packets that it remembers count in `count`. */
  constructor({ id, connection, channel, callNumber }: WatchedPlace, service: number, now: number, count: RingCount) {
    this.tracks = { client: new DataTrack(count), server: new DataTrack(count) };
    this.id = id;
    this.connection = connection;
    this.channel = channel;
    this.callNumber = callNumber;
    this.service = service;
    this.startedAt = now;
    this.lastAt = now;
  }

  get request(): RxWatchedTrack {
    return this.tracks.client.track;
  }

  get reply(): RxWatchedTrack {
    return this.tracks.server.track;
  }

  /** Whether the reply is there with all its packets. */
  get hasReply(): boolean {
    return this.reply.isWhole && this.reply.missing === 0;
  }

  /** An end gives up. */
  abort(code: number, side: RxSide): void {
    // an ABORT of a call that is over answers packets that came late
    if (this.state !== "open") return;
    this.state = "aborted";
    this.abortCode = code;
    this.abortedBy = side;
  }

  /** Remembers no packets any more: what is counted stays, for whoever keeps the call. */
  forget(): void {
    this.tracks.client.forget();
    this.tracks.server.forget();
  }

  /** Nothing more is expected; the next call of the channel has begun, where `isReplaced`. */
  settle(isReplaced: boolean): void {
    this.isClosed = true;
    this.forget();
    if (this.state !== "open") return;
    if (this.reply.isWhole) this.state = "complete";
    else if (isReplaced) this.state = "replaced";
  }
}
