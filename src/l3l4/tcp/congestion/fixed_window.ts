/**
 * No congestion control: for links that nobody else uses and that do not lose packets. The peer's window is the limit.
 *
 * @module
 */
import type { CongestionControl } from "./congestion_control.ts";

/** More than a peer can offer (RFC 7323 section 2.3). */
const WINDOW = 2 ** 30;

/** A window that is always open, but for the one segment that follows a timeout. While losses are repaired it stays open. */
export class FixedWindow implements CongestionControl {
  readonly ssthresh: number = Infinity;
  segmentSize: number;
  #isTimedOut = false;

  /** Segments have `segmentSize` bytes. */
  constructor(segmentSize: number) {
    this.segmentSize = segmentSize;
  }

  get cwnd(): number {
    return this.#isTimedOut ? this.segmentSize : WINDOW;
  }
  /** What a connection would lead it to is not heeded: no loss is congestion. */
  set cwnd(_bytes: number) {}

  onAck(): void {
    this.#isTimedOut = false;
  }

  onCongestion(): void {
    this.#isTimedOut = false;
  }

  onRecovered(): void {
    this.#isTimedOut = false;
  }

  onTimeout(): void {
    this.#isTimedOut = true;
  }

  undo(): void {
    this.#isTimedOut = false;
  }

  onIdle(): void {}
}
