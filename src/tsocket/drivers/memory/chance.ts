/**
 * Draws for injected faults: from a seed, or from randomness that the caller brings. The same seed draws the same on
 * every runtime.
 *
 * @module
 */
import type { FillRandom } from "../../../core/random.ts";

/** What faults draw from. */
export interface ChanceOptions {
  /**
   * Seed of the built-in generator, of which the low 32 bits count.
   *
   * @default {1}
   */
  seed?: number | undefined;
  /** Randomness to draw from instead of the built-in generator. */
  random?: FillRandom | undefined;
}

/** A source of decisions. */
export class Chance {
  readonly #fill: FillRandom | undefined;
  readonly #word: Uint8Array<ArrayBuffer> = new Uint8Array(4);
  #state: number;

  /** Draws from `random` if that is given, else from `seed`, which `stream` makes different for each user of it. */
  constructor(options: ChanceOptions = {}, stream = 0) {
    this.#fill = options.random;
    this.#state = ((options.seed ?? 1) + Math.imul(stream, 0x632be5ab)) >>> 0;
  }

  /** True with the given probability; does not draw for 0. */
  happens(probability: number): boolean {
    return probability > 0 && this.#fraction() < probability;
  }

  /** An integer of at least `min` and at most `max`; does not draw where they are the same. */
  between(min: number, max: number): number {
    return max <= min ? min : min + Math.floor(this.#fraction() * (max - min + 1));
  }

  #fraction(): number {
    return this.#bits() / 0x100000000;
  }

  /** SplitMix32, a Weyl sequence through a finaliser: enough for faults, of no use for secrets. */
  #bits(): number {
    if (this.#fill !== undefined) {
      this.#fill(this.#word);
      return new DataView(this.#word.buffer).getUint32(0);
    }
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  }
}
