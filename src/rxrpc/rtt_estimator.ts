/**
 * Round-trip times of a peer and the retransmission timeout that follows from them (RFC 6298).
 *
 * Serial numbers tell which transmission an ACK answers, so samples of retransmissions count as well (no Karn's rule).
 *
 * @module
 */

const FIRST_RTO_MS = 1000;
const MIN_RTO_MS = 200;
const MAX_RTO_MS = 60_000;
/** Peers delay acknowledgements by about so much. */
const ACK_DELAY_MS = 100;
const MIN_RTT_WINDOW_MS = 10_000;
const MAX_BACKOFF = 64;
/** So much may be the receiver's event loop. */
const QUEUEING_MS = 4;

/** What is kept of a peer from call to call. */
export interface RttSeed {
  readonly srtt: number | undefined;
  readonly variance: number;
}

/** Estimates one call's round-trip times. */
export class RttEstimator implements RttSeed {
  /** Smoothed round-trip time in milliseconds, once there is a sample. */
  srtt: number | undefined;
  /** Smoothed deviation in milliseconds. */
  variance: number;
  /** Samples of this call. */
  samples = 0;
  /** The last sample of this call. */
  latest: number = 0;
  /** Time of the last sample. */
  lastSampleAt: number = -Infinity;
  #minRtt = Infinity;
  #minRttAt = -Infinity;
  #backoff = 1;

  /** Starts with what is known of the peer. */
  constructor(seed?: RttSeed) {
    this.srtt = seed?.srtt;
    this.variance = seed?.variance ?? 0;
  }

  /** Smallest round-trip time of the last ten seconds, or the smoothed one. */
  get minRtt(): number {
    return Math.min(this.#minRtt, this.srtt ?? Infinity);
  }

  /** Whether the latest packet took so much longer than others that it must have waited on the way. */
  get isQueueing(): boolean {
    return this.latest > 2 * this.minRtt + QUEUEING_MS;
  }

  /** How long to wait for an acknowledgement, in milliseconds. */
  get rto(): number {
    const base = this.srtt === undefined
      ? FIRST_RTO_MS
      // what is sent behind a queue that grows takes up to twice as long, which the mean learns too late
      : Math.max(MIN_RTO_MS, this.srtt + 4 * this.variance + ACK_DELAY_MS, 2 * this.latest);
    return Math.min(MAX_RTO_MS, base * this.#backoff);
  }

  /** Takes a sample. */
  sample(rtt: number, now: number): void {
    if (this.srtt === undefined) {
      this.srtt = rtt;
      this.variance = rtt / 2;
    } else {
      this.variance += (Math.abs(rtt - this.srtt) - this.variance) / 4;
      this.srtt += (rtt - this.srtt) / 8;
    }
    if (rtt <= this.#minRtt || now - this.#minRttAt > MIN_RTT_WINDOW_MS) {
      this.#minRtt = rtt;
      this.#minRttAt = now;
    }
    this.latest = rtt;
    this.samples++;
    this.lastSampleAt = now;
    this.#backoff = 1;
  }

  /** The timeout has passed: the next one is twice as long, until there is a sample. */
  backOff(): void {
    this.#backoff = Math.min(MAX_BACKOFF, 2 * this.#backoff);
  }

  /** Whether the peer should be asked for a sample. */
  wantsSample(now: number): boolean {
    return this.samples < 3 || now - this.lastSampleAt > 1000;
  }
}
