/**
 * What is known of another endpoint, whatever the connection.
 *
 * @module
 */
import { FIRST_THRESHOLD } from "./congestion.ts";
import type { RxAddress } from "./ports.ts";
import type { RttSeed } from "./rtt_estimator.ts";

/** What a peer that says nothing takes: a packet with 1412 bytes of data, and a little. */
const FIRST_MTU = 1444;
const MIN_MTU = 500;
const MAX_MTU = 65_507;
const MAX_JUMBO = 46;
/** How many times as much an unproven address gets as came from it. */
const MAX_AMPLIFICATION = 3;
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
  /** Largest datagram that it takes. */
  maxMtu: number = FIRST_MTU;
  /** How many packets it takes in one. */
  jumboMax = 1;
  /** Connections of it to this endpoint. */
  serviceConnections = 0;
  /** Calls of it at this endpoint. */
  serviceCalls = 0;
  /** Bytes of it that are kept out of order, or before their call was accepted. */
  heldBytes = 0;
  /** Packets of data sent to it, in calls that are over. */
  sent = 0;
  /** Those of them that had been sent before. */
  resent = 0;
  /** When something came from it last. */
  heardAt: number;
  /** Errors that the network reported since something came. */
  networkErrors = 0;
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

  /** Takes what an acknowledgement says of sizes; forged ones can do no more than make them small. */
  sizes(maxMtu: number, jumboMax: number): void {
    this.maxMtu = Math.min(MAX_MTU, Math.max(MIN_MTU, maxMtu));
    this.jumboMax = Math.min(MAX_JUMBO, jumboMax);
  }

  /** So many bytes came from it. */
  received(bytes: number): void {
    this.#credit += MAX_AMPLIFICATION * bytes;
  }

  /** Whether so many bytes may be sent to it although nobody knows whether it asked. */
  mayAnswer(bytes: number): boolean {
    if (bytes > this.#credit) return false;
    this.#credit -= bytes;
    return true;
  }

  /** It has answered something that only the owner of the address could have seen. */
  validated(now: number): void {
    this.#validatedAt = now;
  }

  /** Whether it has, lately. */
  isValidated(now: number): boolean {
    return now - this.#validatedAt <= VALIDATED_MS;
  }
}
