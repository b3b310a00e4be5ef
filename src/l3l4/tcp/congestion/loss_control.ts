/**
 * What algorithms have in common that take losses for congestion: slow start, thresholds, timeouts, idle times and taking
 * things back (RFC 5681). They differ in how far the window falls and how it grows afterwards.
 *
 * @module
 */
import type { CongestionControl } from "./congestion_control.ts";
import { HyStart } from "./hystart.ts";

/** The window never falls below so many segments, but after a timeout. */
const MIN_SEGMENTS = 2;

/** An algorithm without its formulas. */
export abstract class LossControl implements CongestionControl {
  cwnd: number;
  segmentSize: number;
  #ssthresh = Infinity;
  readonly #isPaced: boolean;
  /** Not there before something was acknowledged: many connections wait for that. */
  #slowStart: HyStart | null = null;
  /** What the last congestion changed. */
  #saved: { readonly cwnd: number; readonly ssthresh: number } | null = null;

  /** Starts with a window of `initialWindow` bytes. */
  constructor(initialWindow: number, segmentSize: number, isPaced: boolean) {
    this.cwnd = initialWindow;
    this.segmentSize = segmentSize;
    this.#isPaced = isPaced;
  }

  get ssthresh(): number {
    return this.#ssthresh;
  }

  onAck(
    acked: number,
    acknowledgment: number,
    sendNext: number,
    rttMs: number,
    isLimited: boolean,
    now: number,
  ): void {
    this.measure(rttMs, isLimited, now);
    if (this.cwnd >= this.#ssthresh) {
      if (isLimited) this.cwnd += this.growth(acked);
      return;
    }
    const isFirst = this.#ssthresh === Infinity;
    const slowStart = this.#slowStart ??= new HyStart(this.#isPaced);
    const more = slowStart.onAck(acked, acknowledgment, sendNext, rttMs, this.segmentSize, isFirst);
    if (isLimited) this.cwnd = Math.min(this.cwnd + more, this.#ssthresh);
    if (isFirst && slowStart.isOver) this.#ssthresh = this.cwnd;
    if (this.cwnd >= this.#ssthresh) this.begin(false, now);
  }

  onCongestion(flight: number, kind: "loss" | "ecn", now: number): void {
    this.#save();
    this.#lower(flight);
    if (kind === "loss") return;
    this.cwnd = this.#ssthresh;
    this.begin(true, now);
  }

  onRecovered(now: number): void {
    this.cwnd = this.#ssthresh;
    this.begin(true, now);
  }

  onTimeout(flight: number, isRepeated: boolean, _now: number): void {
    if (!isRepeated) {
      this.#save();
      this.#lower(flight);
    }
    this.#slowStart ??= new HyStart(this.#isPaced);
    this.#slowStart.onTimeout();
    this.cwnd = this.segmentSize;
  }

  undo(now: number): void {
    this.cwnd = Math.max(this.cwnd, this.#saved?.cwnd ?? 0);
    this.#ssthresh = this.#saved?.ssthresh ?? Infinity;
    this.#slowStart?.undoTimeout();
    this.undone(now);
  }

  onIdle(initialWindow: number, _now: number): void {
    if (this.cwnd <= initialWindow) return;
    // what the path took once is found again fast (RFC 7661 section 4.4.3)
    if (this.#ssthresh < Infinity) this.#ssthresh = Math.max(this.#ssthresh, 0.75 * this.cwnd);
    this.cwnd = initialWindow;
  }

  /** A round trip was measured, or -1; `isLimited` as with `onAck`. */
  protected abstract measure(rttMs: number, isLimited: boolean, now: number): void;
  /** Congestion avoidance: by how much the window grows for `acked` bytes. */
  protected abstract growth(acked: number): number;
  /** Congestion, with `flight` bytes not acknowledged: the window to go down to. */
  protected abstract lowered(flight: number): number;
  /** Congestion avoidance begins, after congestion or else after a slow start. */
  protected abstract begin(isAfterCongestion: boolean, now: number): void;
  /** What `lowered` did was a mistake. */
  protected abstract undone(now: number): void;

  #save(): void {
    this.#saved = { cwnd: this.cwnd, ssthresh: this.#ssthresh };
  }

  #lower(flight: number): void {
    this.#ssthresh = Math.max(this.lowered(flight), MIN_SEGMENTS * this.segmentSize);
  }
}
