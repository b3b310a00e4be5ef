/**
 * No congestion control: for links that nobody else uses and that do not lose packets. The peer's window is the limit.
 *
 * @module
 */
import type { CongestionControl } from "./congestion_control.ts";

/** More than a peer can offer (RFC 7323 section 2.3). */
const WINDOW = 2 ** 30;

/** A window that is always open, but for the one segment that follows a timeout. */
export class FixedWindow implements CongestionControl {
  cwnd: number = WINDOW;
  readonly ssthresh: number = Infinity;
  segmentSize: number;

  /** Segments have `segmentSize` bytes. */
  constructor(segmentSize: number) {
    this.segmentSize = segmentSize;
  }

  onAck(): void {
    this.cwnd = WINDOW;
  }

  onCongestion(): void {}

  onRecovered(): void {
    this.cwnd = WINDOW;
  }

  onTimeout(): void {
    this.cwnd = this.segmentSize;
  }

  undo(): void {
    this.cwnd = WINDOW;
  }

  onIdle(): void {}
}
