/**
 * A progress bar on standard error, for files that take a while.
 *
 * @module
 */
import { formatBytes, formatDuration } from "./format/bytes.ts";
import type { Output } from "./io.ts";

/** Smaller files are done before a bar can be read. */
const LEAST_BYTES = 10e6;
/** Faster than this nobody sees. */
const REDRAW_MS = 100;
const BAR_WIDTH = 24;

/** One line that is drawn over and over. */
export class Progress {
  readonly #output: Output;
  readonly #size: number;
  readonly #now: () => number;
  readonly #startedAt: number;
  #drawnAt: number;
  #isVisible = false;

  /** A bar for `size` bytes; {@linkcode Progress.isWorthwhile} says whether it should be made. */
  constructor(output: Output, size: number, now: () => number) {
    this.#output = output;
    this.#size = size;
    this.#now = now;
    this.#startedAt = now();
    this.#drawnAt = this.#startedAt;
  }

  /** Whether a file of that size deserves a bar there. */
  static isWorthwhile(output: Output, size: number | undefined): size is number {
    return output.isTerminal && size !== undefined && size > LEAST_BYTES;
  }

  /** So many bytes are done; draws if it is time to. */
  update(done: number): void {
    const now = this.#now();
    if (now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    this.#isVisible = true;
    this.#output.write(`\r\x1b[K${progressLine(done, this.#size, now - this.#startedAt)}`);
  }

  /** Wipes the bar, so that other lines can be written. */
  clear(): void {
    if (this.#isVisible) this.#output.write("\r\x1b[K");
    this.#isVisible = false;
  }
}

/** The bar as text. */
export function progressLine(done: number, size: number, elapsedMs: number): string {
  const share = Math.min(1, done / size);
  const full = Math.round(share * BAR_WIDTH);
  const bar = "█".repeat(full) + "░".repeat(BAR_WIDTH - full);
  const rate = elapsedMs > 0 ? `${formatBytes((done / elapsedMs) * 1000)}/s` : "";
  const left = share > 0 && share < 1 ? `${formatDuration((elapsedMs / share) * (1 - share))} left` : "";
  return [bar, `${Math.floor(share * 100)} %`, `${formatBytes(done)} of ${formatBytes(size)}`, rate, left]
    .filter((part) => part !== "").join("  ");
}
