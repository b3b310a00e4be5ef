/**
 * What a segment does to a connection: "SEGMENT ARRIVES" of RFC 9293 section 3.10.7, with RFC 5961's answers to blind
 * attacks and RFC 7323's protection against old segments.
 *
 * @module
 */
import { TcpFlag } from "../../packet/tcp.ts";
import { L3L4Error } from "../errors.ts";
import type { AckContext } from "./loss_recovery.ts";
import { RecoveryPhase } from "./loss_recovery.ts";
import type { SegmentCursor } from "./segment_cursor.ts";
import { Due, type Tcb, TcpEvent } from "./tcb.ts";
import { TcpState } from "./tcp_state.ts";

/** ECN: congestion was experienced (RFC 3168 section 5). */
const CONGESTION_EXPERIENCED = 3;

/** Filled anew for each acknowledgment, and read at once. */
const context = { una: 0, sendNext: 0, isDuplicate: false, isLimited: false, timestamp: 0 };

/** What the losses of `tcb` are judged by, between acknowledgments. */
export function ackContext(tcb: Tcb, now: number): AckContext {
  context.una = tcb.una;
  context.sendNext = tcb.next;
  context.isDuplicate = false;
  context.isLimited = tcb.isWindowLimited;
  context.timestamp = tcb.timestamp(now);
  return context;
}

/** A segment came. */
export function segmentArrives(tcb: Tcb, segment: SegmentCursor, now: number): void {
  tcb.segmentsReceived++;
  if (tcb.state === TcpState.CLOSED) return;
  if (tcb.state === TcpState.SYN_SENT) arrivesInSynSent(tcb, segment, now);
  else if (isAcceptable(tcb, segment, now)) processInOrder(tcb, segment, now);
  tcb.settle();
  tcb.host.wantsTransmit(tcb.connection);
  tcb.host.wantsTimer(tcb.connection);
}

/** First: timestamps and sequence numbers. Whatever is not acceptable is answered here. */
function isAcceptable(tcb: Tcb, segment: SegmentCursor, now: number): boolean {
  const { receive } = tcb;
  const isReset = (segment.flags & TcpFlag.RST) !== 0;
  if (tcb.hasTimestamps && !isReset && (segment.flags & TcpFlag.SYN) === 0) {
    if (!segment.hasTimestamps) {
      if (tcb.settings.needsTimestamps) return false;
    } else if (receive.isOld(segment, now)) {
      answerUnacceptable(tcb, segment, now);
      return false;
    }
  }
  if (receive.isAcceptable(segment.sequence, segment.length)) return true;
  const offset = (segment.sequence - receive.next) | 0;
  if (isReset) {
    // a reset with data does not fit into a closed window, but counts (MUST-66)
    return receive.window === 0 && offset === 0;
  }
  if (tcb.state === TcpState.SYN_RECEIVED && (segment.flags & TcpFlag.SYN) !== 0 && offset === -1) {
    return isSimultaneousOpen(tcb, segment);
  }
  // the end that comes again may acknowledge something new, such as ours when both have ended at once
  if (receive.isEnded && (segment.flags & TcpFlag.FIN) !== 0 && offset + segment.length === 0) {
    receive.ackNow();
    return true;
  }
  // into a closed window nothing fits, but acknowledgments and windows have to pass
  if (receive.window === 0 && offset === 0) return true;
  // a peer that has filled the window acknowledges from its edge, also when the beginning got lost (as Linux does)
  if (segment.length === 0 && offset === receive.window) return true;
  answerUnacceptable(tcb, segment, now);
  return false;
}

/** Both have asked at once: the peer's answer repeats its SYN, its SYN alone asks for ours again (RFC 9293 figure 8). */
function isSimultaneousOpen(tcb: Tcb, segment: SegmentCursor): boolean {
  if ((segment.flags & TcpFlag.ACK) === 0) {
    tcb.isSynDue = true;
    return false;
  }
  dropSyn(segment);
  return true;
}

function dropSyn(segment: SegmentCursor): void {
  segment.flags &= ~TcpFlag.SYN;
  segment.sequence = (segment.sequence + 1) | 0;
}

/** Data that came twice is always acknowledged, for the peer would send it again; anything else only so often. */
function answerUnacceptable(tcb: Tcb, segment: SegmentCursor, now: number): void {
  const { receive } = tcb;
  const { length, sequence } = segment;
  if (length === 0) return tcb.challenge(now);
  const end = (sequence + segment.dataLength) | 0;
  if (segment.dataLength > 0 && ((end - receive.next) | 0) <= 0) receive.noteDuplicate(sequence, end);
  // our acknowledgment of it got lost: with the timestamp of the first copy the peer would take all that for a round trip
  if (segment.hasTimestamps && end === receive.lastAckSent) receive.noteTimestamp(segment, now);
  receive.ackNow();
}

/** Second to last: reset, SYN, acknowledgment, data, FIN. */
function processInOrder(tcb: Tcb, segment: SegmentCursor, now: number): void {
  const { receive } = tcb;
  const { flags } = segment;
  if ((flags & TcpFlag.RST) !== 0) {
    if (segment.sequence === receive.next || !tcb.settings.checksResets) arriveReset(tcb);
    else tcb.challenge(now);
    return;
  }
  if ((flags & TcpFlag.SYN) !== 0) {
    if (tcb.settings.checksSyns) tcb.challenge(now);
    else arriveSyn(tcb);
    return;
  }
  if ((flags & TcpFlag.ACK) === 0) return;
  if (tcb.state === TcpState.SYN_RECEIVED && !acknowledgeSyn(tcb, segment, now)) return;
  if (!acknowledge(tcb, segment, now)) return;
  if (tcb.hasEcn) noteCongestion(tcb, segment, now);
  tcb.armKeepalive(now);
  if (!advanceClosing(tcb, now)) return;
  if ((flags & TcpFlag.URG) !== 0) noteUrgent(tcb, segment);
  if (segment.dataLength > 0 || (flags & TcpFlag.FIN) !== 0) arriveData(tcb, segment, now);
}

/** A SYN that is believed, as before RFC 5961: the peer has lost the connection. */
function arriveSyn(tcb: Tcb): void {
  tcb.sendReset(tcb.acceptableSequence, false);
  arriveReset(tcb);
}

function arriveReset(tcb: Tcb): void {
  const { state } = tcb;
  if (state === TcpState.SYN_RECEIVED) return tcb.finish(refused());
  const isOver = state >= TcpState.CLOSING && tcb.ring.length === 0 && !tcb.settings.tellsLateResets;
  tcb.finish(
    isOver ? null : new L3L4Error("the peer has reset the connection", { code: "ECONNRESET", blame: "remote" }),
  );
}

function refused(): L3L4Error {
  return new L3L4Error("the peer has refused the connection", { code: "ECONNREFUSED", blame: "remote" });
}

/** In SYN-RECEIVED only an acknowledgment of our SYN counts. */
function acknowledgeSyn(tcb: Tcb, segment: SegmentCursor, now: number): boolean {
  const { acknowledgment } = segment;
  if (((acknowledgment - tcb.una) | 0) <= 0 || ((acknowledgment - tcb.next) | 0) > 0) {
    tcb.sendReset(acknowledgment, true);
    return false;
  }
  tcb.una = (tcb.sendInitial + 1) | 0;
  if (tcb.synRetries === 0) tcb.rtt.sample(now - tcb.sentAt, now);
  setWindow(tcb, segment, segment.window << tcb.sendShift);
  tcb.establish(tcb.synRetries > 0, now);
  if (tcb.synData > 0) {
    tcb.receive.takeSynData(tcb.synData, now);
    tcb.bytesReceived += tcb.synData;
    tcb.note(TcpEvent.READABLE);
  }
  return true;
}

/** The acknowledgment: `false` when the segment is to be dropped. */
function acknowledge(tcb: Tcb, segment: SegmentCursor, now: number): boolean {
  const { acknowledgment } = segment;
  const advanced = (acknowledgment - tcb.una) | 0;
  if (((acknowledgment - tcb.next) | 0) > 0 || advanced < -tcb.maxSendWindow) {
    tcb.challenge(now);
    return false;
  }
  if (tcb.hasTimestamps && segment.hasTimestamps) tcb.receive.noteTimestamp(segment, now);
  const window = segment.window << tcb.sendShift;
  const isDuplicate = advanced === 0 && segment.length === 0 && window === tcb.sendWindow && tcb.next !== tcb.una;
  if (advanced >= 0) updateWindow(tcb, segment, window, advanced, now);
  if (advanced > 0 || isDuplicate || (segment.sackCount > 0 && advanced === 0)) {
    const ack = ackContext(tcb, now) as typeof context;
    ack.isDuplicate = isDuplicate;
    tcb.recovery.acknowledge(segment, ack, now);
  }
  if (advanced > 0) dropAcknowledged(tcb, acknowledgment, advanced, now);
  return true;
}

/**
 * Old segments must not bring old windows back (RFC 9293 section 3.10.7.4). But one with an old sequence number may be the
 * first to acknowledge something, and its window begins there: the one before would reach beyond what the peer has offered.
 */
function updateWindow(tcb: Tcb, segment: SegmentCursor, window: number, advanced: number, now: number): void {
  const newer = (segment.sequence - tcb.windowSequence) | 0;
  const isOlder = newer < 0 || (newer === 0 && ((segment.acknowledgment - tcb.windowAcknowledgment) | 0) < 0);
  if (isOlder && advanced === 0) return;
  if (window === 0) {
    tcb.progressAt = now;
    tcb.isShutConfirmed = true;
  } else if (tcb.sendWindow === 0) {
    tcb.persistCount = 0;
    // what was sent into the closed window only to ask is not there
    tcb.flight?.board.loseAll();
  }
  if (window > tcb.sendWindow) tcb.due[Due.WINDOW_PROBE] = Infinity;
  setWindow(tcb, segment, window);
}

function setWindow(tcb: Tcb, segment: SegmentCursor, window: number): void {
  tcb.sendWindow = window;
  if (window > tcb.maxSendWindow) tcb.maxSendWindow = window;
  tcb.windowSequence = segment.sequence;
  tcb.windowAcknowledgment = segment.acknowledgment;
}

/** Bytes have arrived: room for others, and the timer starts anew (RFC 6298 section 5.3). */
function dropAcknowledged(tcb: Tcb, acknowledgment: number, advanced: number, now: number): void {
  const { ring, due, recovery } = tcb;
  const bytes = Math.min(advanced, ring.length);
  if (bytes > 0) ring.drop(bytes);
  tcb.bytesAcked += bytes;
  tcb.una = acknowledgment;
  tcb.progressAt = now;
  tcb.advancedAt = now;
  if (tcb.sendWindow > 0) tcb.persistCount = 0;
  tcb.softError = undefined;
  due[Due.RETRANSMISSION] = recovery.board.segments.size > 0 ? now + tcb.rtt.rtoMs : Infinity;
  due[Due.TAIL_PROBE] = recovery.probeAt(now, due[Due.RETRANSMISSION]);
  const { cwnd, ssthresh } = tcb.congestion;
  tcb.pacer?.update(cwnd, ssthresh, tcb.rtt.srtt, tcb.segmentSize, now);
  if (tcb.isWritableWanted && isRoomy(tcb)) {
    tcb.isWritableWanted = false;
    tcb.note(TcpEvent.WRITABLE);
  }
}

/**
 * Whether there is so much room that it is worth a word. Half of the buffer, as many do it, leaves half of the path empty
 * where the buffer is what limits the rate.
 */
function isRoomy({ ring, segmentSize, settings }: Tcb): boolean {
  const { sendBufferBytes } = settings;
  return sendBufferBytes - ring.length >=
    Math.min(sendBufferBytes >>> 1, Math.max(2 * segmentSize, sendBufferBytes >>> 3));
}

/** Congestion: what the peer saw of ours, and what we see of its packets (RFC 3168 section 6.1). */
function noteCongestion(tcb: Tcb, segment: SegmentCursor, now: number): void {
  const { receive } = tcb;
  if ((segment.flags & TcpFlag.CWR) !== 0) receive.echoesCongestion = false;
  if (segment.ecn === CONGESTION_EXPERIENCED) {
    receive.echoesCongestion = true;
    receive.ackNow();
  }
  if ((segment.flags & TcpFlag.ECE) === 0 || ((tcb.una - tcb.ecnEnd) | 0) < 0) return;
  if (tcb.flight !== null && tcb.flight.phase !== RecoveryPhase.OPEN) return;
  tcb.congestion.onCongestion((tcb.next - tcb.una) | 0, "ecn", now);
  tcb.ecnEnd = tcb.next;
  tcb.isCwrDue = true;
}

/** Our FIN may have been acknowledged: `false` when that was the end. */
function advanceClosing(tcb: Tcb, now: number): boolean {
  if (!tcb.isFinSent || tcb.una !== tcb.next) return true;
  if (tcb.state === TcpState.FIN_WAIT_1) {
    tcb.state = TcpState.FIN_WAIT_2;
    tcb.note(TcpEvent.DELIVERED);
    if (!tcb.isReading) tcb.due[Due.FIN_WAIT] = now + tcb.settings.finWaitMs;
  } else if (tcb.state === TcpState.CLOSING) {
    enterTimeWait(tcb);
  } else if (tcb.state === TcpState.LAST_ACK) {
    tcb.finish(null);
    return false;
  }
  return true;
}

/** The pointer leads behind the last urgent byte, and counts in a closed window too (RFC 6093, RFC 9293 MUST-62 and 66). */
function noteUrgent(tcb: Tcb, segment: SegmentCursor): void {
  const { receive } = tcb;
  const end = (segment.sequence + segment.urgentPointer) | 0;
  if (receive.isEnded || ((end - receive.next) | 0) <= 0) return;
  if (tcb.receiveUrgent !== null && ((end - tcb.receiveUrgent) | 0) <= 0) return;
  tcb.receiveUrgent = end;
  if (tcb.isReading) tcb.note(TcpEvent.URGENT);
}

/** Data and FIN. */
function arriveData(tcb: Tcb, segment: SegmentCursor, now: number): void {
  const { receive } = tcb;
  if (receive.isEnded) return;
  if (!tcb.isReading && tcb.isFinQueued && segment.dataLength > 0) {
    // nobody will ever read this, and the peer should know (RFC 9293 SHLD-3)
    tcb.sendReset(tcb.acceptableSequence, false);
    return tcb.finish(
      new L3L4Error("the peer has sent data after the connection was closed", { code: "ECONNRESET", blame: "remote" }),
    );
  }
  const count = receive.take(segment, now);
  if (count > 0) {
    tcb.bytesReceived += count;
    tcb.dataAt = now;
    if (tcb.isReading) tcb.note(TcpEvent.READABLE);
    else receive.ring.drop(receive.ring.length);
  }
  if (receive.isEnded) arriveFin(tcb);
}

function arriveFin(tcb: Tcb): void {
  tcb.note(TcpEvent.ENDED);
  if (tcb.state === TcpState.ESTABLISHED) tcb.state = TcpState.CLOSE_WAIT;
  else if (tcb.state === TcpState.FIN_WAIT_1) {
    tcb.state = TcpState.CLOSING;
    tcb.isFinRepeatDue = tcb.settings.repeatsFin && tcb.isFinSent && tcb.ring.length === 0;
  }
  if (tcb.state === TcpState.FIN_WAIT_2) enterTimeWait(tcb);
}

/** Both have ended: what is left to do is done by the table, once the last acknowledgment is out. */
function enterTimeWait(tcb: Tcb): void {
  const { ackDue } = tcb.receive;
  tcb.state = TcpState.TIME_WAIT;
  tcb.release();
  tcb.receive.ackDue = ackDue;
  tcb.note(TcpEvent.CLOSED);
}

/** RFC 9293 section 3.10.7.3. */
function arrivesInSynSent(tcb: Tcb, segment: SegmentCursor, now: number): void {
  const { flags, acknowledgment } = segment;
  const hasAck = (flags & TcpFlag.ACK) !== 0;
  if (hasAck && acknowledgment !== tcb.next) {
    if ((flags & TcpFlag.RST) === 0) tcb.sendReset(acknowledgment, true);
    return;
  }
  if ((flags & TcpFlag.RST) !== 0) {
    if (hasAck) tcb.finish(refused());
    return;
  }
  if ((flags & TcpFlag.SYN) === 0) return;
  agree(tcb, segment, now);
  setWindow(tcb, segment, segment.window);
  if (!hasAck) {
    tcb.state = TcpState.SYN_RECEIVED;
    tcb.isSynDue = true;
    const ecn = TcpFlag.ECE | TcpFlag.CWR;
    tcb.hasEcn = tcb.settings.ecn !== "off" && (flags & ecn) === ecn;
    if (segment.dataLength > 0) tcb.synData = tcb.receive.keepSynData(segment);
    return;
  }
  const { ECE, CWR } = TcpFlag;
  tcb.hasEcn = tcb.hasEcn && (flags & (ECE | CWR)) === ECE;
  tcb.una = acknowledgment;
  if (tcb.synRetries === 0) tcb.rtt.sample(now - tcb.sentAt, now);
  tcb.establish(tcb.synRetries > 0, now);
  tcb.receive.ackNow();
  dropSyn(segment);
  if (segment.dataLength > 0 || (flags & TcpFlag.FIN) !== 0) arriveData(tcb, segment, now);
}

/**
 * What the peer's SYN offers is used where we had offered it too. A SYN-ACK with an option answers a SYN that had it,
 * even where the last ones were sent without (RFC 7323 section 2.2): the peer uses it from now on.
 */
function agree(tcb: Tcb, segment: SegmentCursor, now: number): void {
  const { receive, settings } = tcb;
  const hasAck = (segment.flags & TcpFlag.ACK) !== 0;
  const isPlain = settings.plainSynRetries === 0 || (!hasAck && tcb.synRetries >= settings.plainSynRetries);
  const scales = settings.windowShift >= 0 && segment.windowScale >= 0 && !isPlain;
  if (segment.mss >= 0) tcb.peerSegmentSize = segment.mss;
  tcb.sendShift = scales ? segment.windowScale : 0;
  receive.start(segment.sequence, scales ? settings.windowShift : 0);
  receive.hasSack = settings.hasSack && segment.isSackPermitted && !isPlain;
  tcb.hasTimestamps = settings.hasTimestamps && segment.hasTimestamps && !isPlain;
  if (!tcb.hasTimestamps) return;
  receive.tsRecent = segment.tsValue;
  receive.tsRecentAt = now;
}
