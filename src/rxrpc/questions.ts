/**
 * Questions of this end that are no calls: VERSION and DEBUG packets, asked again until they are answered.
 *
 * @module
 */
import { looseHeader, packetOf, put } from "./control_packet.ts";
import type { RxrpcError } from "./errors.ts";
import type { RxHeader } from "./header.ts";
import { RxFlag } from "./packet_types.ts";
import type { RxAddress, RxOut } from "./ports.ts";
import type { Timed } from "../core/timer_queue.ts";

/** Seconds between the transmissions, as the program rxdebug waits. */
const WAITS_MS: readonly number[] = [1000, 2000, 4000, 8000, 16_000];
const MAX_QUESTIONS = 1024;
const EPOCH = 999;
const FLAGS = RxFlag.CLIENT_INITIATED | RxFlag.LAST_PACKET;

/** A question. */
export interface RxQuestion {
  /** Whom. */
  readonly to: RxAddress;
  /** What kind of packet: DEBUG or VERSION. */
  readonly type: 8 | 13;
  /** What the packet says. */
  readonly body: Uint8Array;
  /** The answer; `undefined` when none came in half a minute, or for the reason that is told. Called once. */
  answered(body: Uint8Array | undefined, why?: RxrpcError): void;
}

interface Asked {
  readonly question: RxQuestion;
  tries: number;
  nextAt: number;
  /** Whether it is to be sent. */
  isDue: boolean;
}

/** The questions that wait for their answers. */
export class Questions implements Timed {
  queuedAt: number = Infinity;
  queueIndex: number = -1;
  readonly #asked: Map<number, Asked> = new Map();
  #next: number;

  /** None yet. Their numbers begin at `first`, which nobody should guess. */
  constructor(first: number) {
    this.#next = first >>> 1;
  }

  /** Whether one more may wait. */
  get isFull(): boolean {
    return this.#asked.size >= MAX_QUESTIONS;
  }

  /** Asks, with the next `transmit`. Returns how to stop waiting. */
  ask(question: RxQuestion, now: number): () => void {
    const number = this.#next;
    this.#next = number >= 0x7fffffff ? 1 : number + 1;
    this.#asked.set(number, { question, tries: 1, nextAt: now + WAITS_MS[0]!, isDue: true });
    return () => void this.#asked.delete(number);
  }

  /** An answer has come. Whether it was waited for. */
  answer(header: RxHeader, body: Uint8Array, from: RxAddress): boolean {
    const asked = this.#asked.get(header.callNumber);
    if (asked === undefined || header.epoch !== EPOCH || header.type !== asked.question.type) return false;
    const { to, answered } = asked.question;
    if (to.address !== from.address || to.port !== from.port) return false;
    this.#asked.delete(header.callNumber);
    answered(body.slice());
    return true;
  }

  timeoutAt(): number {
    let at = Infinity;
    for (const { nextAt } of this.#asked.values()) at = Math.min(at, nextAt);
    return at;
  }

  onTimeout(now: number): void {
    for (const [number, asked] of this.#asked) {
      if (asked.nextAt > now) continue;
      if (asked.tries < WAITS_MS.length) {
        asked.isDue = true;
        asked.nextAt = now + WAITS_MS[asked.tries++]!;
      } else {
        this.#asked.delete(number);
        asked.question.answered(undefined);
      }
    }
  }

  /** Whoever is asked there can't be reached. */
  unreachable(error: RxrpcError, { address, port }: RxAddress): void {
    // whoever is told may ask again, which this report says nothing of
    for (const [number, { question }] of [...this.#asked]) {
      if (question.to.address !== address || question.to.port !== port) continue;
      this.#asked.delete(number);
      question.answered(undefined, error);
    }
  }

  /** Nobody answers any more, for this reason. */
  close(error: RxrpcError): void {
    const all = [...this.#asked.values()];
    this.#asked.clear();
    for (const { question } of all) question.answered(undefined, error);
  }

  /** Sends what is due; whether all has gone. */
  transmit(out: RxOut): boolean {
    for (const [number, asked] of this.#asked) {
      if (!asked.isDue) continue;
      const packet = packetOf(looseHeader(EPOCH, number, asked.question.type, FLAGS), asked.question.body);
      if (!put(out, packet, asked.question.to)) return false;
      asked.isDue = false;
    }
    return true;
  }
}
