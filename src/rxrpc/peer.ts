/**
 * What is known of another endpoint, whatever the connection.
 *
 * @module
 */
import { FIRST_THRESHOLD } from "./congestion.ts";
import { HEADER_BYTES } from "./header.ts";
import { JUMBO_DATA_BYTES } from "./jumbo.ts";
import type { RxAddress } from "./ports.ts";
import type { RttSeed } from "./rtt_estimator.ts";

/** What a peer that says nothing takes: a packet with 1412 bytes of data, and a little. */
const FIRST_MTU = 1444;
const MIN_MTU = 500;
const MAX_MTU = 65_507;
/** By how much datagrams shrink that are no larger than usual, and too large. */
const MTU_STEP = 128;
const MAX_JUMBO = 46;
/** How many times as much an unproven address gets as came from it. */
const MAX_AMPLIFICATION = 3;
/** How long is kept what was learned of a peer that is silent. */
const KEPT_MS = 60_000;
/** How long an answer proves that an address is real. */
const VALIDATED_MS = 60_000;

/** Another endpoint. */
export class RxPeer {
  /** Where it is. */
  readonly address: RxAddress;
  /** Its round-trip time, as the last call measured it. */
  rtt: RttSeed | undefined;
  /** Where slow start ended. */
  threshold: number = FIRST_THRESHOLD;
  /** How many packets it takes in one. */
  jumboMax = 1;
  /** Connections of it to this endpoint. */
  serviceConnections = 0;
  /** Calls of it at this endpoint. */
  serviceCalls = 0;
  /** Bytes of it that have come and were not taken yet. */
  heldBytes = 0;
  /** Packets of data sent to it, in calls that are over. */
  sent = 0;
  /** Those of them that had been sent before. */
  resent = 0;
  /** When something came from it last. */
  heardAt: number;
  #hasSpoken = false;
  /** Errors that the network reported since something came. */
  #networkErrors = 0;
  /** Largest datagram that it says it takes. */
  #told = FIRST_MTU;
  /** Largest datagram that the way to it takes, as far as is known. */
  #way = MAX_MTU;
  #validatedAt = -Infinity;
  /** Bytes that may be sent to an address that has not proved to be real. */
  #credit = 0;

  /** Made when it is first heard of. */
  constructor(address: RxAddress, now: number) {
    this.address = address;
    this.heardAt = now;
  }

  /** Whether connections refer to it. */
  get isInUse(): boolean {
    return this.serviceConnections > 0 || this.serviceCalls > 0 || this.heldBytes > 0;
  }

  /** Largest datagram that gets there. */
  get maxMtu(): number {
    return Math.min(this.#told, this.#way);
  }

  /** Most data in one packet to it, when this end sends no larger datagrams than that. */
  bodyBytes(maxDatagram: number): number {
    return Math.min(JUMBO_DATA_BYTES, Math.min(maxDatagram, this.maxMtu) - HEADER_BYTES);
  }

  /** A datagram of so many bytes was too large for the way: smaller ones from now on. */
  tooLarge(bytes: number): void {
    const next = bytes > FIRST_MTU ? Math.max(FIRST_MTU, bytes >>> 1) : Math.max(MIN_MTU, bytes - MTU_STEP);
    this.#way = Math.min(this.#way, next);
  }

  /** Something valid came from it. */
  heard(now: number): void {
    this.heardAt = now;
    this.#hasSpoken = true;
    this.#networkErrors = 0;
  }

  /** The network says that it can't be reached. Whether that is to be believed: such reports can be forged. */
  isUnreachable(): boolean {
    return ++this.#networkErrors > 1 || !this.#hasSpoken;
  }

  /** What was learned of it is forgotten when nothing was heard for long: it may be another machine by now. */
  refresh(now: number): void {
    if (now - this.heardAt <= KEPT_MS) return;
    this.rtt = undefined;
    this.threshold = FIRST_THRESHOLD;
    this.jumboMax = 1;
    this.#told = FIRST_MTU;
    this.#way = MAX_MTU;
    this.#hasSpoken = false;
    this.#networkErrors = 0;
    this.#credit = 0;
  }

  /** Takes what an acknowledgement says of sizes; forged ones can do no more than make them small. */
  sizes(maxMtu: number, jumboMax: number): void {
    this.#told = Math.min(MAX_MTU, Math.max(MIN_MTU, maxMtu));
    this.jumboMax = Math.min(MAX_JUMBO, jumboMax);
  }

  /** So many bytes came from it, and nobody knows whether it sent them. */
  received(bytes: number): void {
    this.#credit += MAX_AMPLIFICATION * bytes;
  }

  /** Whether so many bytes may be sent to it, although it may be that it did not ask. */
  mayAnswer(bytes: number, now: number): boolean {
    if (this.isValidated(now)) return true;
    if (bytes > this.#credit) return false;
    this.#credit -= bytes;
    return true;
  }

  /** It has answered something that only the owner of the address could have seen. */
  validated(now: number): void {
    this.#validatedAt = now;
    // what is left was sent by its owner: it is not for packets that are forged later
    this.#credit = 0;
  }

  /** Whether it has, lately. */
  isValidated(now: number): boolean {
    return now - this.#validatedAt <= VALIDATED_MS;
  }
}
