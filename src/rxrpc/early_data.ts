/**
 * What a call brings before somebody has taken it, within the limits of its peer and of the endpoint.
 *
 * @module
 */

/** Keeps what came early. */
export class EarlyData {
  readonly #hold: (bytes: number) => boolean;
  #chunks: Uint8Array[] = [];

  /** Nothing has come. What comes is held as far as `hold` allows, which gives back what is negative. */
  constructor(hold: (bytes: number) => boolean) {
    this.#hold = hold;
  }

  /** Keeps a copy. */
  keep(bytes: Uint8Array): void {
    this.#hold(bytes.length);
    this.#chunks.push(bytes.slice());
  }

  /** Gives out everything. */
  take(): readonly Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    for (const chunk of chunks) this.#hold(-chunk.length);
    return chunks;
  }
}
