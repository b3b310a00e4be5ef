/**
 * How often strangers are answered: each a little, all together not too much.
 *
 * @module
 */
import { TokenBucket } from "../core/token_bucket.ts";

const PER_SOURCE = 2;
const BURST_PER_SOURCE = 4;
const PER_SECOND = 100;
const MAX_SOURCES = 1024;

/** Counts by address; those that asked longest ago are forgotten. */
export class SourceLimiter {
  readonly #all: TokenBucket = new TokenBucket(PER_SECOND);
  readonly #sources: Map<string, TokenBucket> = new Map();

  /** Whether the address may be answered once more. */
  take(address: string, now: number): boolean {
    const bucket = this.#sources.get(address) ?? new TokenBucket(PER_SOURCE, BURST_PER_SOURCE);
    this.#sources.delete(address);
    this.#sources.set(address, bucket);
    for (const oldest of this.#sources.keys()) {
      if (this.#sources.size <= MAX_SOURCES) break;
      this.#sources.delete(oldest);
    }
    return bucket.take(now) && this.#all.take(now);
  }
}
