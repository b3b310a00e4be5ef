/**
 * Answers to packets that belong to no call: refusals, and who is there. Nothing is kept of whoever asked, and answers
 * are few: the sender's address may be forged.
 *
 * @module
 */
import { packetOf, put } from "./control_packet.ts";
import type { RxHeader } from "./header.ts";
import { RxFlag } from "./packet_types.ts";
import type { RxAddress, RxOut } from "./ports.ts";
import { SourceLimiter } from "./source_limiter.ts";
import { TokenBucket } from "../core/token_bucket.ts";
import { versionAnswer } from "./version_answer.ts";

const MAX_QUEUE = 256;

/** The answers that wait to be sent. */
export class Strangers {
  readonly #answers: { datagram: Uint8Array; to: RxAddress }[] = [];
  readonly #rate: TokenBucket;
  readonly #questions: SourceLimiter = new SourceLimiter();
  readonly #dropped: (reason: string) => void;

  /** Sends at most so many answers a second, and tells what was dropped. */
  constructor(perSecond: number, dropped: (reason: string) => void) {
    this.#rate = new TokenBucket(perSecond);
    this.#dropped = dropped;
  }

  /** Says no to somebody of whom nothing is kept. */
  refuse(header: RxHeader, to: RxAddress, type: number, body: Uint8Array, now: number): void {
    const answer = { ...header, type, seq: 0, serial: 0, flags: 0, userStatus: 0, checksum: 0 };
    this.#answer(packetOf(answer, body), to, now);
  }

  /** Says who is there, to a question of so many bytes. */
  version(header: RxHeader, bytes: number, text: string, from: RxAddress, now: number): void {
    if (text === "") return this.#dropped("VERSION");
    if (!this.#questions.take(from.address, now)) return this.#dropped("VERSION beyond its rate");
    this.#answer(versionAnswer(header, bytes, text), from, now);
  }

  /** Answers somebody who may ask as often as he likes. */
  trusted(header: RxHeader, body: Uint8Array, to: RxAddress): void {
    if (this.#answers.length >= MAX_QUEUE) return this.#dropped("answer beyond its rate");
    const flags = header.flags & ~RxFlag.CLIENT_INITIATED;
    this.#answers.push({ datagram: packetOf({ ...header, flags }, body), to });
  }

  /** Sends the answers, or questions, that wait; whether all have gone. */
  transmit(out: RxOut): boolean {
    for (let answer = this.#answers[0]; answer !== undefined; answer = this.#answers[0]) {
      if (!put(out, answer.datagram, answer.to)) return false;
      this.#answers.shift();
    }
    return true;
  }

  #answer(datagram: Uint8Array, to: RxAddress, now: number): void {
    if (this.#answers.length >= MAX_QUEUE || !this.#rate.take(now)) return this.#dropped("answer beyond its rate");
    this.#answers.push({ datagram, to });
  }
}
