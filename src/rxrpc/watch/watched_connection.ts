/**
 * A connection that is being watched: its channels, and when which packet was sent. Internal.
 *
 * @module
 */
import { readU32 } from "../../bytes/integers.ts";
import type { RxHeader } from "../header.ts";
import type { RxAddress } from "../ports.ts";
import type { RxSide, RxWatchedConnection } from "./records.ts";
import { type RingCount, RingTable } from "./ring_table.ts";
import type { WatchedCall } from "./watched_call.ts";

const RXKAD = 2;
const REMEMBERED = 1024;
const CHALLENGE_BYTES = 16;
const RESPONSE_BYTES = 60;
const RESPONSE_KVNO_AT = 48;
const CHALLENGE_LEVEL_AT = 8;

interface SentPacket {
  readonly at: number;
  readonly callNumber: number;
  readonly channel: number;
  readonly seq: number;
}

/** A connection. */
export class WatchedConnection implements RxWatchedConnection {
  readonly client: RxAddress;
  readonly server: RxAddress;
  readonly epoch: number;
  readonly cid: number;
  readonly securityIndex: number;
  challenges = 0;
  responses = 0;
  kvno: number | undefined;
  minLevel: number | undefined;
  abortCode: number | undefined;
  /** When its last packet was seen. */
  lastAt = 0;
  /** The latest call of each channel. */
  readonly calls: (WatchedCall | undefined)[] = [undefined, undefined, undefined, undefined];
  readonly #sent: Readonly<Record<RxSide, RingTable<SentPacket>>>;

  /** A connection whose first packet is this; the packets that it remembers count in `count`. */
  constructor(header: RxHeader, client: RxAddress, server: RxAddress, count: RingCount) {
    this.#sent = { client: new RingTable(REMEMBERED, count), server: new RingTable(REMEMBERED, count) };
    this.client = client;
    this.server = server;
    this.epoch = header.epoch;
    this.cid = (header.cid & ~3) >>> 0;
    this.securityIndex = header.securityIndex;
  }

  /** A packet was sent. */
  sent(side: RxSide, { serial, callNumber, cid, seq }: RxHeader, now: number): void {
    if (serial !== 0) this.#sent[side].set(serial, { at: now, callNumber, channel: cid & 3, seq });
  }

  /** The packet of a side that an ACK answers. */
  answered(side: RxSide, serial: number): SentPacket | undefined {
    return serial === 0 ? undefined : this.#sent[side].get(serial);
  }

  /** Remembers no packets any more, nor do its calls. */
  forget(): void {
    this.#sent.client.clear();
    this.#sent.server.clear();
    for (const call of this.calls) call?.forget();
  }

  /** A CHALLENGE was seen. */
  challenged(body: Uint8Array): void {
    this.challenges++;
    if (this.securityIndex !== RXKAD || body.length < CHALLENGE_BYTES) return;
    this.minLevel = readU32(body, CHALLENGE_LEVEL_AT);
  }

  /** A RESPONSE was seen. Most of it is enciphered. */
  responded(body: Uint8Array): void {
    this.responses++;
    if (this.securityIndex !== RXKAD || body.length < RESPONSE_BYTES) return;
    this.kvno = readU32(body, RESPONSE_KVNO_AT);
  }
}
