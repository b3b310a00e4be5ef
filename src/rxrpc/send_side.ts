/**
 * The sending direction of a call: packets that wait, that are under way, that have come but may be asked for again.
 *
 * Not here: when acknowledgements are sent, and what the call's state makes of all this.
 *
 * Theory. Packets stand in order of their sequence numbers; the first `#sent` of them were sent at least once. A packet
 * under way is one that was sent and is neither acknowledged nor lost. The peer's window bounds how far beyond the first
 * packet is sent, the congestion window how many are under way.
 *
 * @module
 */
import { seqDiff } from "../bytes/sequence.ts";
import { MAX_SOFT_ACKS, type RxAck } from "./ack.ts";
import type { Congestion } from "./congestion.ts";
import { LossDetector } from "./loss_detector.ts";
import { RxAckReason, TIMED_REASONS } from "./packet_types.ts";
import type { PacketSlab } from "./packet_slab.ts";
import type { RttEstimator } from "./rtt_estimator.ts";
import type { SendPacket } from "./send_packet.ts";

const FIRST_PEER_WINDOW = 16;
const ACK_DELAY_MS = 100;
const LAST_DELAY_MS = 400;
const MAX_PROBE_MS = 10_000;

/** What became of an acknowledgement. */
export type AckVerdict = "taken" | "stale" | "invalid";

/** Counters of a direction. */
export interface SendStats {
  /** Packets sent, each counted once. */
  sent: number;
  /** Transmissions of packets that had been sent before. */
  resent: number;
}

/** The same of all calls, under the names that they have there. */
export interface SendTotals {
  /** Packets sent, each counted once. */
  dataPackets: number;
  /** Transmissions of packets that had been sent before. */
  resentPackets: number;
}

/** Keeps the packets of one direction of one call. */
export class SendSide {
  readonly stats: SendStats = { sent: 0, resent: 0 };
  /** Counters of all calls. */
  readonly #totals: SendTotals;
  /** Where the bodies of packets come from, and go to. */
  readonly #slab: PacketSlab | undefined;
  readonly #rtt: RttEstimator;
  readonly #congestion: Congestion;
  readonly #maxWindow: number;
  readonly #isClient: boolean;
  readonly #losses: LossDetector = new LossDetector();
  readonly #packets: SendPacket[] = [];
  /** How many of them were sent. */
  #sent = 0;
  #underWay = 0;
  #lost = 0;
  /** Packets that the acknowledgement at hand acknowledges, without those that it takes back. */
  #newly = 0;
  #order = 0;
  /** Sequence number of the first packet that is kept. */
  #base: number;
  #previousPacket: number;
  #peerWindow = FIRST_PEER_WINDOW;
  #isCongested = false;
  /** The first packet of a loss is sent again whatever is under way (RFC 6675, section 5). */
  #isRepairDue = false;
  #hasProbed = false;
  #lastSentAt = -Infinity;
  /** When something was newly acknowledged: what is still under way may wait behind it (RFC 6298, rule 5.3). */
  #progressAt = -Infinity;
  #windowProbeMs = 0;
  #windowProbeAt = Infinity;
  #isLastSent = false;
  #isReleased = false;

  /** Starts empty. The first packet is number `first`: 1, unless somebody wants to see the numbers go round. */
  constructor(
    rtt: RttEstimator,
    congestion: Congestion,
    maxWindow: number,
    isClient: boolean,
    first = 1,
    totals: SendTotals = { dataPackets: 0, resentPackets: 0 },
    slab?: PacketSlab,
  ) {
    this.#slab = slab;
    this.#totals = totals;
    this.#base = first;
    this.#previousPacket = (first - 1) >>> 0;
    this.#rtt = rtt;
    this.#congestion = congestion;
    this.#maxWindow = maxWindow;
    this.#isClient = isClient;
  }

  /** Packets that are kept. */
  get length(): number {
    return this.#packets.length;
  }

  /** Whether the last packet was sent, once at least. */
  get isLastSent(): boolean {
    return this.#isLastSent;
  }

  /** Whether the peer has everything for good. */
  get isAllReleased(): boolean {
    return this.#isReleased;
  }

  /** Whether the peer has everything, and could throw some of it away yet. */
  get isAllAcked(): boolean {
    return this.#isLastSent && this.#packets.every((packet) => packet.isAcked);
  }

  /** Sequence number of the first packet that the peer does not have for good. */
  get base(): number {
    return this.#base;
  }

  /** When the peer last had something new; `-Infinity` for never. */
  get progressAt(): number {
    return this.#progressAt;
  }

  /** Whether packets are not acknowledged that the peer has room for. */
  get isWaiting(): boolean {
    return this.#underWay + this.#lost > 0 && this.#peerWindow > 0;
  }

  /** Sequence number of the last packet that was added. */
  get last(): number {
    return (this.#base + this.#packets.length - 1) >>> 0;
  }

  /** Whether the peer's window is closed, and somebody must ask when it opens. */
  windowProbeDue(now: number): boolean {
    if (now < this.#windowProbeAt) return false;
    this.#windowProbeMs = Math.min(MAX_PROBE_MS, 2 * this.#windowProbeMs);
    this.#windowProbeAt = now + this.#windowProbeMs;
    return true;
  }

  /** Takes a packet that was cut. */
  add(packet: SendPacket): void {
    this.#packets.push(packet);
  }

  /** The packet that may be sent now, if there is one: a lost one first. */
  peek(now: number): SendPacket | undefined {
    const isNew = this.#lost === 0;
    const packet = isNew ? this.#packets[this.#sent] : this.#packets.find((one) => one.isLost);
    if (packet === undefined) return undefined;
    if (isNew && this.#sent >= this.#windowOf()) {
      if (this.#underWay === 0 && this.#windowProbeAt === Infinity) {
        this.#windowProbeMs = this.#rtt.rto;
        this.#windowProbeAt = now + this.#windowProbeMs;
      }
      return undefined;
    }
    if (this.#underWay === 0 && isNew && now - this.#lastSentAt > this.#rtt.rto) this.#congestion.idle();
    const isRepair = this.#isRepairDue && !isNew;
    this.#isCongested = !isRepair && this.#underWay >= this.#congestion.window;
    return this.#isCongested ? undefined : packet;
  }

  /** Whether the packet should ask for an acknowledgement. */
  requestsAck(packet: SendPacket, now: number): boolean {
    if (packet.transmissions > 0) return true;
    if (packet.isLast) return false;
    const isStalled = this.#packets.at(-1) === packet;
    const isNarrow = this.#peerWindow <= 2 || (this.#congestion.isInSlowStart && this.#congestion.window <= 4);
    return isStalled || isNarrow || this.#rtt.wantsSample(now);
  }

  /** The packet of {@linkcode peek} goes out with this serial number. */
  transmitted(packet: SendPacket, serial: number, now: number): void {
    if (packet.transmissions === 0) {
      packet.firstSerial = serial;
      packet.firstSentAt = now;
      this.#sent++;
      this.stats.sent++;
      this.#totals.dataPackets++;
    } else {
      this.stats.resent++;
      this.#totals.resentPackets++;
    }
    if (packet.isLost) {
      this.#lost--;
      this.#isRepairDue = false;
    }
    packet.isLost = false;
    packet.serial = serial;
    packet.sentAt = now;
    packet.order = this.#order++;
    packet.transmissions++;
    this.#underWay++;
    this.#lastSentAt = now;
    if (packet.isLast) this.#isLastSent = true;
  }

  /** How many packets the peer takes. */
  get peerWindow(): number {
    return this.#peerWindow;
  }

  /** The peer says how much it takes. */
  window(packets: number): void {
    this.#peerWindow = Math.min(packets, MAX_SOFT_ACKS);
    if (this.#peerWindow > 0) this.#windowProbeAt = Infinity;
  }

  /** Takes an acknowledgement. */
  acknowledge(ack: RxAck, now: number): AckVerdict {
    const released = seqDiff(ack.firstPacket, this.#base);
    if (ack.firstPacket === 0) return "invalid";
    if (released < 0) return "stale";
    if (released === 0 && this.#isOld(ack.previousPacket)) return "stale";
    if (released > this.#sent || ack.acks.length > this.#sent - released) return "invalid";
    this.#sample(ack, now);
    this.#previousPacket = ack.previousPacket;
    this.#newly = 0;
    this.#release(released);
    ack.acks.forEach((hasCome, at) => this.#judge(this.#packets[at]!, hasCome));
    const newly = this.#newly;
    if (newly > 0) {
      this.#hasProbed = false;
      this.#progressAt = now;
      const { isQueueing } = this.#rtt;
      this.#congestion.acknowledged(newly, this.#losses.latestOrder, this.#isCongested, isQueueing);
    }
    if (ack.reason === RxAckReason.DUPLICATE) this.#noticeNeedless(ack.serial);
    this.#detectLosses();
    return "taken";
  }

  /** The peer has everything that was sent: it says so, or has begun to answer. */
  acknowledgeAll(): void {
    this.#release(this.#sent);
  }

  /** Everything that was sent and not released is to be sent again. */
  loseAll(): void {
    for (const packet of this.#packets.slice(0, this.#sent)) this.#markLost(packet);
  }

  /** When something has to be done about packets that don't come. */
  timeoutAt(): number {
    return Math.min(this.#windowProbeAt, this.#retransmitAt());
  }

  /** Does it: a probe first, and when that does not help, everything again. */
  onTimeout(now: number): void {
    if (now < this.#retransmitAt()) return;
    if (!this.#hasProbed && this.#packets.length > 0) {
      this.#hasProbed = true;
      // what the probe does not bring is late from now on
      this.#lastSentAt = now;
      const probe = this.#packets.slice(0, this.#sent).findLast((packet) => !packet.isAcked && !packet.isLost);
      if (probe !== undefined) this.#markLost(probe);
      return;
    }
    this.#congestion.timedOut(this.#order - 1, this.#underWay);
    this.#rtt.backOff();
    this.loseAll();
  }

  #windowOf(): number {
    return Math.min(this.#peerWindow, this.#maxWindow);
  }

  #retransmitAt(): number {
    if (this.#underWay === 0) return Infinity;
    const { srtt, rto, latest } = this.#rtt;
    // the server may take its time with the last packet of a request: its reply is the acknowledgement
    const patience = this.#isClient && this.#isLastSent ? LAST_DELAY_MS : 0;
    const probe = srtt === undefined ? rto : Math.min(rto, 2 * Math.max(srtt, latest) + ACK_DELAY_MS);
    return Math.max(this.#lastSentAt, this.#progressAt) + (this.#hasProbed ? rto : probe) + patience;
  }

  /** Whether an acknowledgement that releases nothing was sent before one that was seen. */
  #isOld(previousPacket: number): boolean {
    if (seqDiff(previousPacket, this.#previousPacket) >= 0) return false;
    // some old peers put a serial number there
    return seqDiff(previousPacket, this.#base) <= MAX_SOFT_ACKS;
  }

  #sample(ack: RxAck, now: number): void {
    if (ack.serial === 0 || !TIMED_REASONS.has(ack.reason)) return;
    const packet = this.#packets.find((one) =>
      one.transmissions > 0 && (one.serial === ack.serial || one.firstSerial === ack.serial)
    );
    if (packet === undefined || packet.isAcked) return;
    this.#rtt.sample(now - (packet.serial === ack.serial ? packet.sentAt : packet.firstSentAt), now);
  }

  #release(count: number): void {
    if (count === 0) return;
    for (const packet of this.#packets.splice(0, count)) {
      this.#judge(packet, true);
      this.#slab?.giveBack(packet.body);
      if (packet.isLast) this.#isReleased = true;
    }
    this.#sent -= count;
    this.#base = (this.#base + count) >>> 0;
  }

  #judge(packet: SendPacket, hasCome: boolean): void {
    if (hasCome === packet.isAcked) return;
    if (!hasCome) {
      // it had come, and was thrown away
      packet.isAcked = false;
      packet.isLost = true;
      this.#lost++;
      this.#newly--;
      return;
    }
    this.#newly++;
    if (packet.isLost) this.#lost--;
    else this.#underWay--;
    packet.isLost = false;
    packet.isAcked = true;
    this.#losses.acknowledged(packet);
  }

  #markLost(packet: SendPacket): void {
    if (packet.isAcked || packet.isLost) return;
    packet.isLost = true;
    this.#lost++;
    this.#underWay--;
  }

  #detectLosses(): void {
    const rtt = Math.max(this.#rtt.srtt ?? 0, this.#rtt.minRtt === Infinity ? 0 : this.#rtt.minRtt, 1);
    for (let at = 0; at < this.#sent; at++) {
      const packet = this.#packets[at]!;
      if (packet.isAcked || packet.isLost || !this.#losses.isLost(packet, rtt)) continue;
      this.#isRepairDue = this.#congestion.lost(packet.order, this.#order - 1, this.#underWay) || this.#isRepairDue;
      this.#markLost(packet);
    }
  }

  /** A duplicate of a transmission that was not the first: that one had come after all. */
  #noticeNeedless(serial: number): void {
    if (this.#packets.some((packet) => packet.serial === serial && packet.transmissions > 1)) this.#losses.wasWrong();
  }
}
