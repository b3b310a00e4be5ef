/**
 * What a connection sends, and when it may: RFC 9293 sections 3.8.4 to 3.8.6 (Nagle, silly windows, zero windows), RFC 5681
 * and RFC 8985 (congestion window, probes), RFC 3168 (ECN).
 *
 * @module
 */
import { TcpFlag } from "../../packet/tcp.ts";
import type { PacketOut } from "../packet_out.ts";
import { initialWindow } from "./congestion/create_congestion.ts";
import { AckDue } from "./receive_side.ts";
import { type SentSegment, SentState } from "./sent_segments.ts";
import { Due, type ResetDue, type Tcb } from "./tcb.ts";
import { TcpState } from "./tcp_state.ts";

/** ECN-capable transport, code point 0 (RFC 3168 section 5). */
const ECT_0 = 2;

/** Bytes that the header's options take at most. */
const MAX_OPTIONS = 40;

const blocks = new Int32Array(8);

/** Sends all that may be sent. `false` when `out` had no room for all of it. */
export function transmit(tcb: Tcb, out: PacketOut, now: number): boolean {
  if (tcb.resetDue !== null && !writeReset(tcb, tcb.resetDue, out, now)) return false;
  const { state } = tcb;
  if (state === TcpState.CLOSED) return true;
  if (state === TcpState.SYN_SENT || state === TcpState.SYN_RECEIVED) {
    if (tcb.isSynDue) return writeSyn(tcb, out, now);
    return tcb.receive.ackDue !== AckDue.NOW || writeAcks(tcb, out, now);
  }
  const nextBefore = tcb.next;
  const isDone = writeLost(tcb, out, now) && writeNew(tcb, out, now) && writeProbes(tcb, out, now);
  if (state !== TcpState.TIME_WAIT) armTimers(tcb, nextBefore, now);
  if (!isDone || (tcb.receive.ackDue === AckDue.NOW && !writeAcks(tcb, out, now))) return false;
  if (state === TcpState.TIME_WAIT) leave(tcb, now);
  else tcb.host.wantsTimer(tcb.connection);
  return true;
}

/** The last acknowledgment is out: the table keeps what TIME-WAIT needs. */
function leave(tcb: Tcb, now: number): void {
  const { receive } = tcb;
  tcb.state = TcpState.CLOSED;
  tcb.host.enterTimeWait(tcb.connection, {
    sendNext: tcb.next,
    receiveNext: receive.next,
    windowField: Math.min(0xffff, receive.window >>> receive.shift),
    hasTimestamps: tcb.hasTimestamps,
    tsRecent: receive.tsRecent,
    tsOffset: tcb.tsOffset,
  }, now);
}

function writeReset(tcb: Tcb, { sequence, isBare }: ResetDue, out: PacketOut, now: number): boolean {
  const { writer } = tcb.host;
  writer.begin(sequence, tcb.receive.next, isBare ? TcpFlag.RST : TcpFlag.RST | TcpFlag.ACK, 0);
  if (tcb.hasTimestamps && !isBare) writer.addTimestamps(tcb.timestamp(now), tcb.receive.tsRecent);
  if (!write(tcb, out, 0, 0, 0)) return false;
  tcb.resetDue = null;
  return true;
}

function write(tcb: Tcb, out: PacketOut, offset: number, length: number, segmentSize: number): boolean {
  const { writer } = tcb.host;
  const { localPort, remotePort } = tcb.path;
  if (!writer.write(out, tcb.template, localPort, remotePort, tcb.ring, offset, length, segmentSize)) return false;
  tcb.segmentsSent++;
  return true;
}

/** SYN, or SYN-ACK when both have asked at once. */
function writeSyn(tcb: Tcb, out: PacketOut, now: number): boolean {
  const { settings, receive } = tcb;
  const { writer } = tcb.host;
  const isAnswer = tcb.state === TcpState.SYN_RECEIVED;
  const isPlain = tcb.synRetries >= settings.plainSynRetries;
  let flags: number = TcpFlag.SYN;
  if (isAnswer) flags |= tcb.hasEcn ? TcpFlag.ACK | TcpFlag.ECE : TcpFlag.ACK;
  else {
    tcb.hasEcn = settings.ecn === "request" && tcb.synRetries <= settings.ecnSynRetries;
    if (tcb.hasEcn) flags |= TcpFlag.ECE | TcpFlag.CWR;
  }
  const window = Math.min(0xffff, settings.receiveBufferBytes);
  writer.begin(tcb.sendInitial, receive.next, flags, window);
  const scales = isAnswer ? receive.shift > 0 || tcb.sendShift > 0 : !isPlain;
  const hasSack = isAnswer ? receive.hasSack : settings.hasSack && !isPlain;
  writer.addSynOptions(
    settings.saysSegmentSize ? tcb.ownSegmentSize() : -1,
    scales ? settings.windowShift : -1,
    hasSack,
  );
  if (isAnswer ? tcb.hasTimestamps : settings.hasTimestamps && !isPlain) {
    writer.addSynTimestamps(tcb.timestamp(now), isAnswer ? receive.tsRecent : 0);
  }
  if (!write(tcb, out, 0, 0, 0)) return false;
  tcb.isSynDue = false;
  tcb.next = (tcb.sendInitial + 1) | 0;
  if (isAnswer) receive.told(window, 0);
  tcb.due[Due.RETRANSMISSION] = Math.min(now + tcb.rtt.rtoMs, tcb.sentAt + settings.connectTimeoutMs);
  tcb.host.wantsTimer(tcb.connection);
  return true;
}

/** Begins a segment with the options that it has to have, and returns how many bytes of data fit. */
function begin(tcb: Tcb, sequence: number, flags: number, now: number): number {
  const { receive } = tcb;
  const { writer } = tcb.host;
  const field = Math.min(0xffff, receive.offer() >>> receive.shift);
  const congestion = tcb.hasEcn && receive.echoesCongestion ? TcpFlag.ECE : 0;
  writer.begin(sequence, receive.next, flags | TcpFlag.ACK | congestion, field);
  if (tcb.sendUrgent !== null) markUrgent(tcb, tcb.sendUrgent, sequence);
  if (tcb.hasTimestamps) writer.addTimestamps(tcb.timestamp(now), receive.tsRecent);
  if (!receive.hasSack || !receive.hasSackBlocks) return tcb.segmentSize;
  const before = writer.optionsLength;
  const count = receive.sackBlocks((MAX_OPTIONS - before - 4) >>> 3, blocks);
  if (count > 0) writer.addSack(blocks, count);
  return tcb.segmentSize - (writer.optionsLength - before);
}

/** Segments before the end of urgent data point to it. */
function markUrgent(tcb: Tcb, end: number, sequence: number): void {
  const { fields } = tcb.host.writer;
  if (((end - tcb.una) | 0) <= 0) tcb.sendUrgent = null;
  const ahead = (end - sequence) | 0;
  if (ahead <= 0) return;
  fields.flags |= TcpFlag.URG;
  fields.urgentPointer = Math.min(0xffff, ahead);
}

/** A segment with an acknowledgment went out. */
function told(tcb: Tcb): void {
  tcb.receive.told(tcb.host.writer.fields.window, tcb.receive.shift);
}

/** Acknowledgments without data: one, or as many as a peer without SACK has to count. */
function writeAcks(tcb: Tcb, out: PacketOut, now: number): boolean {
  const { receive } = tcb;
  do {
    if (tcb.isFinRepeatDue) begin(tcb, (tcb.next - 1) | 0, TcpFlag.FIN, now);
    else begin(tcb, tcb.acceptableSequence, 0, now);
    if (!write(tcb, out, 0, 0, 0)) return false;
    tcb.isFinRepeatDue = false;
    if (!receive.hasSack && receive.duplicateAcks > 1) receive.duplicateAcks--;
    else receive.duplicateAcks = 0;
  } while (receive.duplicateAcks > 0);
  told(tcb);
  return true;
}

/** What is lost goes first. */
function writeLost(tcb: Tcb, out: PacketOut, now: number): boolean {
  const { flight } = tcb;
  if (flight === null) return true;
  const { board } = flight;
  while (board.lostSegments > 0) {
    const index = board.firstLost();
    const segment = board.segments.at(index);
    const beyond = (segment.end - ((tcb.una + tcb.sendWindow) | 0)) | 0;
    // the peer may have taken back some of its window; its edge still gets what asks for it
    if (beyond > 0 && segment.start !== tcb.una && !(segment.isFin && beyond === 1)) break;
    const length = Math.min(tcb.segmentSize, (segment.end - segment.start) | 0);
    if (flight.pipe > 0 && flight.allowance < length) {
      tcb.isWindowLimited = true;
      return true;
    }
    if (!resend(tcb, out, index, now)) return false;
  }
  return true;
}

/** Sends the segment at `index` again, or as much of it as fits now. */
function resend(tcb: Tcb, out: PacketOut, index: number, now: number): boolean {
  const { recovery } = tcb;
  const { board } = recovery;
  const segment = board.segments.at(index);
  const room = begin(tcb, segment.start, 0, now);
  if (dataLength(segment) > room) board.split(index, room);
  else fill(tcb, segment, room);
  const length = dataLength(segment);
  const { fields } = tcb.host.writer;
  fields.flags |= (segment.isFin ? TcpFlag.FIN : 0) | (length > 0 ? TcpFlag.PSH : 0);
  if (!write(tcb, out, (segment.start - tcb.una) | 0, length, 0)) return false;
  told(tcb);
  board.resent(segment, now);
  recovery.retransmitted(segment.end, tcb.timestamp(now));
  recovery.sent((segment.end - segment.start) | 0);
  tcb.pacer?.sent(length);
  tcb.sentAt = now;
  return true;
}

/** A lost segment that was short, such as a window probe, takes along what follows it by now. */
function fill(tcb: Tcb, segment: SentSegment, room: number): void {
  if (segment.state !== SentState.LOST || segment.end !== tcb.next || segment.isFin) return;
  const usable = (tcb.una + tcb.sendWindow - tcb.next) | 0;
  const more = Math.min(room - dataLength(segment), tcb.unsent, usable);
  if (more <= 0) return;
  segment.end = (segment.end + more) | 0;
  tcb.next = segment.end;
}

function dataLength(segment: SentSegment): number {
  return ((segment.end - segment.start) | 0) - (segment.isFin ? 1 : 0);
}

/** New data, and the FIN behind it. */
function writeNew(tcb: Tcb, out: PacketOut, now: number): boolean {
  if (tcb.state < TcpState.ESTABLISHED || (tcb.flight !== null && tcb.flight.board.lostSegments > 0)) return true;
  tcb.isWindowLimited = false;
  if (tcb.next === tcb.una && tcb.unsent > 0 && now - tcb.sentAt > tcb.rtt.rtoMs) restart(tcb, now);
  for (;;) {
    const { unsent } = tcb;
    const isFinDue = tcb.isFinQueued && !tcb.isFinSent;
    if (unsent <= 0 && !isFinDue) return true;
    const length = nextLength(tcb, unsent, isFinDue);
    if (length < 0 || isTooEarly(tcb, length, now)) return true;
    if (!writeData(tcb, out, length, unsent, isFinDue, now)) return false;
  }
}

/** Nothing was sent for long: the network may have changed (RFC 5681 section 4.1). */
function restart(tcb: Tcb, now: number): void {
  tcb.fitSegmentSize();
  tcb.congestion.onIdle(initialWindow(tcb.segmentSize, tcb.settings.initialWindowSegments), now);
}

/** Bytes of the next new segment; 0 for a FIN alone, -1 when nothing is to be sent now. */
function nextLength(tcb: Tcb, unsent: number, isFinDue: boolean): number {
  const { pipe, segmentSize, settings } = tcb;
  const usable = (tcb.una + tcb.sendWindow - tcb.next) | 0;
  if (unsent <= 0) return usable > 0 || tcb.next === tcb.una ? finLength(tcb, usable) : -1;
  const whole = Math.min(unsent, segmentSize);
  const allowance = tcb.congestion.cwnd - pipe;
  if (pipe > 0 && allowance < whole) {
    tcb.isWindowLimited = true;
    return -1;
  }
  let length = Math.min(unsent, usable, segmentSize);
  if (settings.superSegmentBytes > segmentSize && length === segmentSize) {
    const most = Math.min(unsent, usable, allowance, settings.superSegmentBytes);
    length = Math.max(segmentSize, most - most % segmentSize);
  }
  if (length <= 0) return -1;
  return length >= segmentSize || maySendSmall(tcb, length, unsent, isFinDue) ? length : -1;
}

/** With pacing, each segment has its time. */
function isTooEarly(tcb: Tcb, length: number, now: number): boolean {
  const { pacer, due } = tcb;
  if (pacer === null || pacer.budget(now) >= Math.min(length, tcb.segmentSize)) return false;
  due[Due.PACE] = pacer.nextAt(now);
  return due[Due.PACE] > now;
}

function finLength(tcb: Tcb, usable: number): number {
  return usable > 0 || tcb.isPersistDue ? 0 : -1;
}

/** Small segments (RFC 9293 sections 3.7.4 and 3.8.6.2.1). */
function maySendSmall(tcb: Tcb, length: number, unsent: number, isFinDue: boolean): boolean {
  if (tcb.isPersistDue) return true;
  const isAlone = tcb.next === tcb.una;
  if (length === unsent) return !tcb.choices.hasNagle || isAlone || isFinDue;
  return (isAlone || !tcb.choices.hasNagle) && length >= tcb.maxSendWindow >>> 1;
}

function writeData(
  tcb: Tcb,
  out: PacketOut,
  wanted: number,
  unsent: number,
  isFinDue: boolean,
  now: number,
): boolean {
  const room = begin(tcb, tcb.next, 0, now);
  const isSuper = wanted > tcb.segmentSize;
  const length = isSuper ? wanted : Math.min(wanted, room);
  const usable = (tcb.una + tcb.sendWindow - tcb.next) | 0;
  const isLast = length === unsent;
  const isFin = isFinDue && isLast && (usable > length || (tcb.isPersistDue && length === 0));
  const { fields } = tcb.host.writer;
  if (isLast && length > 0) fields.flags |= TcpFlag.PSH;
  if (isFin) fields.flags |= TcpFlag.FIN;
  // not what asks into a shut window, whose marks nobody might look at (RFC 3168 section 6.1.6)
  if (tcb.hasEcn && length > 0 && usable > 0) fields.ecn = ECT_0;
  if (tcb.isCwrDue && length > 0) fields.flags |= TcpFlag.CWR;
  if (!write(tcb, out, (tcb.next - tcb.una) | 0, length, isSuper ? room : 0)) return false;
  told(tcb);
  const { recovery } = tcb;
  const end = (tcb.next + length + (isFin ? 1 : 0)) | 0;
  recovery.board.push(tcb.next, end, now, isFin);
  recovery.sent((end - tcb.next) | 0);
  tcb.pacer?.sent(length);
  tcb.next = end;
  if (length > 0) tcb.isCwrDue = false;
  tcb.isPersistDue = false;
  if (isFin) tcb.isFinSent = true;
  tcb.sentAt = now;
  tcb.dataAt = now;
  return true;
}

/** What timers have asked for. */
function writeProbes(tcb: Tcb, out: PacketOut, now: number): boolean {
  if (tcb.isProbeDue && !writeTailProbe(tcb, out, now)) return false;
  if (tcb.isPersistDue && !writeWindowProbe(tcb, out, now)) return false;
  if (tcb.isKeepaliveDue) {
    begin(tcb, (tcb.next - 1) | 0, 0, now);
    if (!write(tcb, out, 0, 0, 0)) return false;
    // peers drop it for its sequence number, and the acknowledgment with it: one that is due is still due
    tcb.receive.offered(tcb.host.writer.fields.window, tcb.receive.shift);
    tcb.isKeepaliveDue = false;
  }
  return true;
}

/** Tail loss probe: something new if there is, else the last segment again (RFC 8985 section 7.3). */
function writeTailProbe(tcb: Tcb, out: PacketOut, now: number): boolean {
  const { flight, unsent } = tcb;
  const usable = (tcb.una + tcb.sendWindow - tcb.next) | 0;
  const length = Math.min(unsent, usable, tcb.segmentSize);
  const isNew = length > 0;
  if (flight === null || flight.board.segments.size === 0) {
    tcb.isProbeDue = false;
    return true;
  }
  const { segments } = flight.board;
  if (isNew) {
    if (!writeData(tcb, out, length, unsent, tcb.isFinQueued && !tcb.isFinSent, now)) return false;
  } else {
    let index = segments.size - 1;
    if (segments.at(index).state !== SentState.OUT) {
      tcb.isProbeDue = false;
      return true;
    }
    if (dataLength(segments.at(index)) > tcb.segmentSize) {
      flight.board.split(index, dataLength(segments.at(index)) - tcb.segmentSize);
      index++;
    }
    if (!resend(tcb, out, index, now)) return false;
  }
  tcb.isProbeDue = false;
  flight.probed(tcb.next, !isNew);
  tcb.due[Due.RETRANSMISSION] = now + tcb.rtt.rtoMs;
  return true;
}

/** One byte beyond the window, or the FIN, which asks for an answer (RFC 9293 section 3.8.6.1). From then on it is resent. */
function writeWindowProbe(tcb: Tcb, out: PacketOut, now: number): boolean {
  const { unsent } = tcb;
  const isFin = unsent === 0;
  if (tcb.next !== tcb.una || (isFin && (!tcb.isFinQueued || tcb.isFinSent))) {
    tcb.isPersistDue = false;
    return true;
  }
  return writeData(tcb, out, Math.min(1, unsent), unsent, tcb.isFinQueued && !tcb.isFinSent, now);
}

/** When it is this connection's turn again. */
function armTimers(tcb: Tcb, nextBefore: number, now: number): void {
  const { due, flight } = tcb;
  if (flight !== null && flight.board.segments.size > 0) {
    due[Due.WINDOW_PROBE] = Infinity;
    if (due[Due.RETRANSMISSION] === Infinity) due[Due.RETRANSMISSION] = now + tcb.rtt.rtoMs;
    if (tcb.next !== nextBefore) due[Due.TAIL_PROBE] = flight.probeAt(now, due[Due.RETRANSMISSION]);
    return;
  }
  due[Due.RETRANSMISSION] = Infinity;
  due[Due.TAIL_PROBE] = Infinity;
  const isWaiting = tcb.unsent > 0 || (tcb.isFinQueued && !tcb.isFinSent);
  if (!isWaiting) due[Due.WINDOW_PROBE] = Infinity;
  else if (due[Due.WINDOW_PROBE] === Infinity) {
    due[Due.WINDOW_PROBE] = now + Math.min(tcb.settings.maxRtoMs, tcb.rtt.rtoMs * 2 ** tcb.persistCount);
  }
}
