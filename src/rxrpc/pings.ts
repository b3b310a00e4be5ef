/**
 * Questions that are under way: PING acknowledgements, told apart by their serial numbers. And the peer's own.
 *
 * @module
 */
import { TokenBucket } from "../core/token_bucket.ts";

const MAX_OUTSTANDING = 4;
const ANSWERS_PER_SECOND = 10;

/** Those of one call. */
export class Pings {
  /** Whether one is to be sent. */
  isDue = false;
  /** Serial number of one of the peer that is to be answered. */
  answerFor: number | undefined;
  /** Made with the first: most calls are over before anybody asks. */
  #sentAt: Map<number, number> | undefined;
  #rate: TokenBucket | undefined;

  /** One goes out. */
  sent(serial: number, now: number): void {
    this.isDue = false;
    const sentAt = this.#sentAt ??= new Map();
    sentAt.set(serial, now);
    for (const oldest of sentAt.keys()) {
      if (sentAt.size <= MAX_OUTSTANDING) break;
      sentAt.delete(oldest);
    }
  }

  /** An answer has come. Returns how long it took; `undefined` for one to none of ours. Older ones count no more. */
  answered(serial: number, now: number): number | undefined {
    const sentAt = this.#sentAt?.get(serial);
    if (sentAt === undefined) return undefined;
    for (const [older, at] of this.#sentAt!) {
      if (at <= sentAt) this.#sentAt!.delete(older);
    }
    return now - sentAt;
  }

  /** The peer asks. Whether it gets an answer: those who ask too often don't. */
  asked(serial: number, now: number): boolean {
    this.#rate ??= new TokenBucket(ANSWERS_PER_SECOND);
    const isAnswered = this.#rate.take(now);
    if (isAnswered) this.answerFor = serial;
    return isAnswered;
  }
}
