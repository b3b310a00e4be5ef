/**
 * How peers open connections (RFC 9293 sections 3.10.7.2 and 3.10.7.4 for SYN-RECEIVED): the verdict on a SYN before
 * anything is kept of it, the half-open ones under a limit, and beyond it cookies (RFC 4987).
 *
 * A connection proper is made when the peer has acknowledged the SYN-ACK.
 *
 * @module
 */
import type { FillRandom } from "../../core/random.ts";
import { TcpFlag } from "../../packet/tcp.ts";
import type { FlowPath, IncomingConnection, TcpPortOptions, TcpSink, Verdict } from "../l3l4_sink.ts";
import { HalfOpenTable } from "./half_open.ts";
import type { SegmentCursor } from "./segment_cursor.ts";
import { hintInTimestamp, SynCookies } from "./syn_cookies.ts";
import type { TcpAnswers } from "./tcp_answers.ts";
import type { PassiveHandshake } from "./tcp_host.ts";
import { TcpKey } from "./tcp_key.ts";
import { type TcpSecrets, timestampAt } from "./tcp_secrets.ts";
import type { TcpSettings } from "./tcp_settings.ts";
import type { TcpStats } from "./tcp_stats.ts";

const SYN_ACK = TcpFlag.SYN | TcpFlag.ACK;
const MAX_WINDOW_FIELD = 0xffff;
const TCP_AND_IPV4 = 40;
const TCP_AND_IPV6 = 60;

/** What passive opens need of the table. */
export interface PassiveOpensHost {
  /** Options, checked. */
  readonly settings: TcpSettings;
  /** Counters. */
  readonly counters: TcpStats;
  /** Where answers go. */
  readonly answers: TcpAnswers;
  /** Secrets. */
  readonly secrets: TcpSecrets;
  /** Whether there is room for another connection. */
  readonly hasRoom: boolean;
  /** Largest IP packet to this peer. */
  pathMtu(path: FlowPath): number;
  /** Answers with a reset. */
  reset(segment: SegmentCursor, key: TcpKey): void;
  /** The peer has acknowledged: the connection is open. */
  open(
    key: TcpKey,
    hash: number,
    handshake: PassiveHandshake,
    options: TcpPortOptions | undefined,
    segment: SegmentCursor,
    now: number,
  ): void;
}

/** All passive opens of an endpoint. */
export class PassiveOpens {
  /** The half-open ones. */
  readonly halfOpen: HalfOpenTable;
  readonly #host: PassiveOpensHost;
  readonly #sink: TcpSink;
  readonly #cookies: SynCookies;
  readonly #key = new TcpKey();

  /** None. */
  constructor(host: PassiveOpensHost, sink: TcpSink, random: FillRandom) {
    this.#host = host;
    this.#sink = sink;
    this.halfOpen = new HalfOpenTable(host.settings);
    this.#cookies = new SynCookies(random);
  }

  /**
   * A SYN of ends that nothing is known of. The initial sequence number will be beyond `floor`, if given (TIME-WAIT).
   * Returns whether something came of it.
   */
  receiveSyn(segment: SegmentCursor, key: TcpKey, hash: number, now: number, floor?: number): boolean {
    const { counters } = this.#host;
    counters.requests++;
    if (!this.#host.hasRoom) {
      counters.requestsDropped++;
      return false;
    }
    const request = this.#request(segment, key);
    const verdict = this.#sink.incoming(request);
    if (verdict === "refuse") {
      counters.requestsRefused++;
      this.#host.reset(segment, key);
    } else if (verdict === "ignore") counters.requestsIgnored++;
    else return this.#admit(verdict === "later", request, segment, key, hash, now, floor);
    return false;
  }

  #request(segment: SegmentCursor, key: TcpKey): IncomingConnection {
    const { version, localAddress, localPort, remoteAddress, remotePort } = key.toPath();
    return {
      version,
      localAddress,
      localPort,
      remoteAddress,
      remotePort,
      token: this.halfOpen.nextToken,
      segmentSize: segment.mss >= 0 ? segment.mss : (key.version === 4 ? 536 : 1220),
      hasTimestamps: segment.hasTimestamps,
      hasSack: segment.isSackPermitted,
      windowScale: segment.windowScale,
    };
  }

  #admit(
    isUndecided: boolean,
    path: FlowPath,
    segment: SegmentCursor,
    key: TcpKey,
    hash: number,
    now: number,
    floor: number | undefined,
  ): boolean {
    const { halfOpen } = this;
    const { settings, counters } = this.#host;
    const hasNoPlace = settings.maxHalfOpen === 0;
    this.#fill(segment, key, path, now, floor);
    if (halfOpen.isFull && settings.hasSynCookies && !isUndecided) {
      if (floor === undefined) this.#sendCookie(key, now);
      return false;
    }
    if (hasNoPlace) {
      counters.requestsDropped++;
      return false;
    }
    if (halfOpen.isFull) {
      counters.halfOpenEvicted++;
      halfOpen.remove(halfOpen.oldest);
    }
    const slot = halfOpen.add(key, hash, isUndecided, now);
    if (!isUndecided) this.#answerSyn(slot, key, now);
    return true;
  }

  /** What is agreed on, into `halfOpen.entry`. */
  #fill(segment: SegmentCursor, key: TcpKey, path: FlowPath, now: number, floor: number | undefined): void {
    const { settings, secrets } = this.#host;
    const { entry } = this.halfOpen;
    const initial = secrets.initialSequence(key, now);
    entry.version = key.version;
    entry.sendInitial = floor !== undefined && ((initial - floor) | 0) <= 0 ? (floor + MAX_WINDOW_FIELD) | 0 : initial;
    entry.receiveInitial = segment.sequence;
    entry.tsOffset = secrets.timestampOffset(key);
    entry.peerSegmentSize = segment.mss;
    entry.ownSegmentSize = this.#ownSegmentSize(path);
    entry.peerWindowScale = settings.windowShift < 0 ? -1 : segment.windowScale;
    entry.sendWindow = segment.window;
    entry.toldWindow = Math.min(MAX_WINDOW_FIELD, settings.receiveBufferBytes);
    entry.hasSack = settings.hasSack && segment.isSackPermitted;
    entry.hasTimestamps = settings.hasTimestamps && segment.hasTimestamps;
    entry.tsRecent = entry.hasTimestamps ? segment.tsValue : 0;
    const ecn = TcpFlag.ECE | TcpFlag.CWR;
    entry.hasEcn = settings.ecn !== "off" && (segment.flags & ecn) === ecn;
  }

  #ownSegmentSize(path: FlowPath): number {
    const room = this.#host.pathMtu(path) - (path.version === 4 ? TCP_AND_IPV4 : TCP_AND_IPV6);
    return Math.max(1, Math.min(MAX_WINDOW_FIELD, this.#host.settings.maxSegmentSize, room));
  }

  #answerSyn(slot: number, key: TcpKey, now: number): void {
    this.halfOpen.read(slot);
    const { entry } = this.halfOpen;
    this.#sendSynAck(key, entry.sendInitial, timestampAt(now, entry.tsOffset));
  }

  /** Sends a SYN-ACK for `halfOpen.entry`. */
  #sendSynAck(key: TcpKey, sequence: number, tsValue: number): void {
    const { answers, settings, counters } = this.#host;
    const { entry } = this.halfOpen;
    const { next } = answers;
    answers.bare(
      sequence,
      (entry.receiveInitial + 1) | 0,
      entry.hasEcn ? SYN_ACK | TcpFlag.ECE : SYN_ACK,
      entry.toldWindow,
    );
    next.segmentSize = settings.saysSegmentSize ? entry.ownSegmentSize : -1;
    next.windowScale = entry.peerWindowScale < 0 ? -1 : settings.windowShift;
    next.hasSack = entry.hasSack;
    next.hasTimestamps = entry.hasTimestamps;
    next.tsValue = tsValue;
    next.tsEcho = entry.tsRecent;
    if (!answers.push(key)) counters.answersDropped++;
  }

  #sendCookie(key: TcpKey, now: number): void {
    const { entry } = this.halfOpen;
    const { receiveInitial, peerWindowScale, hasSack, hasEcn, hasTimestamps, peerSegmentSize } = entry;
    // nowhere to say it without timestamps
    entry.hasEcn = hasEcn && hasTimestamps;
    const timestamp = hasTimestamps
      ? hintInTimestamp(timestampAt(now, entry.tsOffset), peerWindowScale, entry.hasEcn)
      : 0;
    const contents = { segmentSize: peerSegmentSize, windowScale: peerWindowScale, hasSack, hasEcn: entry.hasEcn };
    const cookie = this.#cookies.make(key, receiveInitial, contents, timestamp, now);
    this.#host.counters.cookiesSent++;
    this.#sendSynAck(key, cookie, timestamp);
  }

  /** An acknowledgment of ends that nothing is known of; whether it bore a good cookie. */
  receiveCookie(segment: SegmentCursor, key: TcpKey, hash: number, now: number): boolean {
    const { settings, counters, secrets } = this.#host;
    if (!settings.hasSynCookies || !this.#cookies.isActive(now)) return false;
    const sendInitial = (segment.acknowledgment - 1) | 0;
    const receiveInitial = (segment.sequence - 1) | 0;
    const hasTimestamps = settings.hasTimestamps && segment.hasTimestamps;
    const timestamp = hasTimestamps ? segment.tsEcho : 0;
    const contents = this.#cookies.read(key, receiveInitial, sendInitial, timestamp, hasTimestamps, now);
    if (contents === null) {
      counters.cookiesRejected++;
      return false;
    }
    if (!this.#mayOpen(key)) return true;
    counters.cookiesAccepted++;
    const handshake: PassiveHandshake = {
      sendInitial,
      tsOffset: secrets.timestampOffset(key),
      receiveInitial,
      toldWindow: Math.min(MAX_WINDOW_FIELD, settings.receiveBufferBytes),
      sendWindow: segment.window,
      peerSegmentSize: contents.segmentSize,
      peerWindowScale: contents.windowScale,
      hasSack: contents.hasSack,
      hasTimestamps,
      tsRecent: segment.tsValue,
      hasEcn: contents.hasEcn,
      synAckSentAt: -1,
      wasResent: false,
    };
    this.#host.open(key, hash, handshake, undefined, segment, now);
    return true;
  }

  #mayOpen(key: TcpKey): boolean {
    const { counters, hasRoom } = this.#host;
    if (!hasRoom) counters.requestsDropped++;
    else if (this.#sink.mayOpen?.(key.toPath()) === false) counters.openingsDropped++;
    else return true;
    return false;
  }

  /** A segment came for the half-open connection at `slot`. */
  receive(slot: number, segment: SegmentCursor, key: TcpKey, now: number): void {
    const { halfOpen } = this;
    const { flags, sequence } = segment;
    halfOpen.read(slot);
    const { entry } = halfOpen;
    const offset = (sequence - entry.receiveInitial - 1) | 0;
    if ((flags & TcpFlag.RST) !== 0) return this.#receiveReset(slot, offset, key, now);
    if (halfOpen.isUndecided(slot)) return;
    if ((flags & SYN_ACK) === TcpFlag.SYN && offset === -1) return this.#receiveSynAgain(slot, segment, key, now);
    if ((flags & TcpFlag.SYN) !== 0 || !this.#isAcceptable(offset, segment)) return this.#sendAck(key, now);
    if ((flags & TcpFlag.ACK) === 0) return;
    if (((segment.acknowledgment - entry.sendInitial - 1) | 0) !== 0) return this.#host.reset(segment, key);
    // the peer sends it again when there may be room
    if (!this.#mayOpen(key)) return;
    const handshake = this.#handshake(slot);
    const options = halfOpen.options(slot);
    const hash = halfOpen.hashOf(slot);
    halfOpen.remove(slot);
    this.#host.open(key, hash, handshake, options, segment, now);
  }

  /** Member by member: copies by spreading were a tenth of what a connection costs. */
  #handshake(slot: number): PassiveHandshake {
    const { halfOpen } = this;
    const { entry } = halfOpen;
    return {
      sendInitial: entry.sendInitial,
      tsOffset: entry.tsOffset,
      receiveInitial: entry.receiveInitial,
      toldWindow: entry.toldWindow,
      sendWindow: entry.sendWindow,
      peerSegmentSize: entry.peerSegmentSize,
      peerWindowScale: entry.peerWindowScale,
      hasSack: entry.hasSack,
      hasTimestamps: entry.hasTimestamps,
      tsRecent: entry.tsRecent,
      hasEcn: entry.hasEcn,
      synAckSentAt: halfOpen.wasResent(slot) ? -1 : halfOpen.sentAt(slot),
      wasResent: halfOpen.retries(slot) > 0,
    };
  }

  /** RFC 5961 section 3: a reset with the next sequence number counts, others in the window are asked back. */
  #receiveReset(slot: number, offset: number, key: TcpKey, now: number): void {
    const { halfOpen } = this;
    const window = halfOpen.entry.toldWindow;
    if (offset < 0 || offset >= Math.max(1, window)) return;
    if (offset > 0 && this.#host.settings.checksResets) {
      if (!halfOpen.isUndecided(slot)) this.#sendAck(key, now);
      return;
    }
    this.#host.counters.halfOpenResets++;
    halfOpen.remove(slot);
  }

  #receiveSynAgain(slot: number, segment: SegmentCursor, key: TcpKey, now: number): void {
    const { entry } = this.halfOpen;
    const isNewer = ((segment.tsValue - entry.tsRecent) | 0) > 0;
    if (entry.hasTimestamps && segment.hasTimestamps && isNewer) entry.tsRecent = segment.tsValue;
    this.halfOpen.askedAgain(slot, entry.tsRecent);
    this.#answerSyn(slot, key, now);
  }

  /** Whether the segment begins or ends in the window, and is not an old one. */
  #isAcceptable(offset: number, segment: SegmentCursor): boolean {
    const { entry } = this.halfOpen;
    if (entry.hasTimestamps && segment.hasTimestamps && ((segment.tsValue - entry.tsRecent) | 0) < 0) return false;
    const last = (offset + Math.max(1, segment.length) - 1) | 0;
    const window = Math.max(1, entry.toldWindow);
    return (offset >= 0 && offset < window) || (segment.length > 0 && last >= 0 && last < window);
  }

  #sendAck(key: TcpKey, now: number): void {
    const { answers, counters, settings } = this.#host;
    const { entry } = this.halfOpen;
    const { next } = answers;
    // only windows of SYNs are not scaled
    const window = entry.peerWindowScale < 0 ? entry.toldWindow : entry.toldWindow >>> settings.windowShift;
    answers.bare((entry.sendInitial + 1) | 0, (entry.receiveInitial + 1) | 0, TcpFlag.ACK, window);
    next.hasTimestamps = entry.hasTimestamps;
    next.tsValue = timestampAt(now, entry.tsOffset);
    next.tsEcho = entry.tsRecent;
    if (!answers.push(key)) counters.answersDropped++;
  }

  /** What becomes of a connection whose verdict was `"later"`; `false` when it is gone already. */
  decide(token: number, verdict: Verdict, options: TcpPortOptions | undefined, now: number): boolean {
    const { halfOpen } = this;
    const { counters, answers } = this.#host;
    const slot = halfOpen.findToken(token);
    if (slot < 0) return false;
    if (verdict === "later") return true;
    const key = this.#key;
    halfOpen.readKey(slot, key);
    if (verdict === "accept") {
      halfOpen.decided(slot, options, now);
      this.#answerSyn(slot, key, now);
      return true;
    }
    if (verdict === "refuse") {
      halfOpen.read(slot);
      answers.bare(0, (halfOpen.entry.receiveInitial + 1) | 0, TcpFlag.RST | TcpFlag.ACK, 0);
      counters.requestsRefused++;
      if (answers.push(key)) counters.resets++;
      else counters.answersDropped++;
    } else counters.requestsIgnored++;
    halfOpen.remove(slot);
    return true;
  }

  /** A hard error of ICMP came that quotes `sequence`. */
  icmpError(slot: number, sequence: number): void {
    this.halfOpen.read(slot);
    if (sequence === this.halfOpen.entry.sendInitial && !this.halfOpen.isUndecided(slot)) this.halfOpen.remove(slot);
  }

  /** Answers again, and gives up. */
  onTimeout(now: number): void {
    const { halfOpen } = this;
    const { counters } = this.#host;
    for (let slot = halfOpen.due(now); slot >= 0; slot = halfOpen.due(now)) {
      if (halfOpen.isExpired(slot, now)) {
        counters.halfOpenTimeouts++;
        halfOpen.remove(slot);
        continue;
      }
      counters.synAckRetransmits++;
      halfOpen.resent(slot, now);
      halfOpen.readKey(slot, this.#key);
      this.#answerSyn(slot, this.#key, now);
    }
  }
}
