/**
 * A TCP connection (RFC 9293): what the table drives and what its user holds.
 *
 * Its state is in `tcb.ts`; what segments do to it in `segment_arrives.ts`, what it sends in `segment_output.ts`, what time
 * does in `connection_timers.ts`.
 *
 * Not here: connections that a peer has asked for and not acknowledged, and those that only wait in TIME-WAIT. They are the
 * table's.
 *
 * @module
 */
import { L3L4Error } from "../errors.ts";
import type { IpTemplate } from "../ip_header.ts";
import type { FlowPath, TcpInfo, TcpPort, TcpPortOptions, TcpSink } from "../l3l4_sink.ts";
import type { PacketOut } from "../packet_out.ts";
import { onTimeout, timeoutAt } from "./connection_timers.ts";
import { segmentArrives } from "./segment_arrives.ts";
import type { SegmentCursor } from "./segment_cursor.ts";
import { transmit } from "./segment_output.ts";
import { SentState } from "./sent_segments.ts";
import { Due, Tcb, TcpEvent } from "./tcb.ts";
import type { Handshake, HostedConnection, IcmpErrorNews, PassiveHandshake, TcpHost } from "./tcp_host.ts";
import { TCP_STATE_NAMES, TcpState } from "./tcp_state.ts";

/** How long a write that found no memory waits for its next try. */
const MEMORY_RETRY_MS = 50;

/** What both kinds of connection are made of. */
export interface ConnectionParts {
  /** The table. */
  readonly host: TcpHost;
  /** Where it reports. */
  readonly sink: TcpSink;
  /** Number of the connection. */
  readonly id: number;
  /** Both ends. */
  readonly path: FlowPath;
  /** How its IP headers look. */
  readonly template: IpTemplate;
  /** What its user chose. */
  readonly options: TcpPortOptions;
}

/** One connection. */
export class TcpConnection implements HostedConnection, TcpPort {
  /** See {@linkcode TcpPort}. */
  readonly id: number;
  /** See {@linkcode TcpPort}. */
  readonly isActive: boolean;
  /** See {@linkcode TcpPort}. */
  context: unknown = undefined;
  /** See {@linkcode HostedConnection}. */
  hash = 0;
  /** See {@linkcode HostedConnection}. */
  chain: HostedConnection | null = null;
  /** See {@linkcode HostedConnection}. */
  isQueuedForTransmit = false;
  /** See {@linkcode HostedConnection}. */
  isQueuedForFlush = false;
  /** See `Timed`. */
  queuedAt: number = Infinity;
  /** See `Timed`. */
  queueIndex = -1;
  readonly #tcb: Tcb;

  private constructor(parts: ConnectionParts, tcb: Tcb, isActive: boolean) {
    this.id = parts.id;
    this.isActive = isActive;
    this.#tcb = tcb;
    tcb.connection = this;
  }

  /** Asks a peer for a connection: a SYN goes with the next `transmit`. */
  static connect(parts: ConnectionParts, handshake: Handshake, now: number): TcpConnection {
    const { sendInitial, tsOffset } = handshake;
    const tcb = new Tcb(parts.host, parts.sink, parts.path, parts.template, sendInitial, tsOffset, parts.options, now);
    const connection = new TcpConnection(parts, tcb, true);
    tcb.state = TcpState.SYN_SENT;
    tcb.isSynDue = true;
    parts.host.wantsTransmit(connection);
    return connection;
  }

  /** A peer has asked, was answered, and has acknowledged the answer: `receive` is to be called with that segment next. */
  static accept(parts: ConnectionParts, handshake: PassiveHandshake, now: number): TcpConnection {
    const { sendInitial, tsOffset } = handshake;
    const tcb = new Tcb(parts.host, parts.sink, parts.path, parts.template, sendInitial, tsOffset, parts.options, now);
    const connection = new TcpConnection(parts, tcb, false);
    const { receive } = tcb;
    const scales = handshake.peerWindowScale >= 0 && tcb.settings.windowShift >= 0;
    tcb.una = (sendInitial + 1) | 0;
    tcb.next = tcb.una;
    tcb.ecnEnd = tcb.una;
    if (handshake.peerSegmentSize >= 0) tcb.peerSegmentSize = handshake.peerSegmentSize;
    tcb.sendWindow = handshake.sendWindow;
    tcb.maxSendWindow = handshake.sendWindow;
    tcb.windowSequence = handshake.receiveInitial | 0;
    tcb.windowAcknowledgment = tcb.una;
    tcb.sendShift = scales ? handshake.peerWindowScale : 0;
    receive.start(handshake.receiveInitial, scales ? tcb.settings.windowShift : 0);
    receive.started(handshake.toldWindow);
    receive.hasSack = handshake.hasSack;
    receive.tsRecent = handshake.tsRecent;
    receive.tsRecentAt = now;
    tcb.hasTimestamps = handshake.hasTimestamps;
    tcb.hasEcn = handshake.hasEcn;
    if (handshake.synAckSentAt >= 0) tcb.rtt.sample(now - handshake.synAckSentAt, now);
    tcb.establish(handshake.wasResent, now);
    parts.host.wantsTimer(connection);
    return connection;
  }

  /** IP version. */
  get version(): 4 | 6 {
    return this.#tcb.path.version;
  }

  /** The address that the endpoint plays. */
  get localAddress(): Uint8Array {
    return this.#tcb.path.localAddress;
  }

  /** Its port. */
  get localPort(): number {
    return this.#tcb.path.localPort;
  }

  /** The peer's address. */
  get remoteAddress(): Uint8Array {
    return this.#tcb.path.remoteAddress;
  }

  /** Its port. */
  get remotePort(): number {
    return this.#tcb.path.remotePort;
  }

  /** See {@linkcode HostedConnection}. */
  get state(): number {
    return this.#tcb.state;
  }

  /** See {@linkcode HostedConnection}. */
  get template(): IpTemplate {
    return this.#tcb.template;
  }

  /** See {@linkcode HostedConnection}. */
  receive(segment: SegmentCursor, now: number): void {
    segmentArrives(this.#tcb, segment, now);
  }

  /** See {@linkcode HostedConnection}. */
  transmit(out: PacketOut, now: number): boolean {
    return transmit(this.#tcb, out, now);
  }

  /** See `Timed`. */
  timeoutAt(): number {
    return timeoutAt(this.#tcb);
  }

  /** See `Timed`. */
  onTimeout(now: number): void {
    onTimeout(this.#tcb, now);
  }

  /** See {@linkcode HostedConnection}. */
  tell(): void {
    const tcb = this.#tcb;
    const { sink } = tcb;
    const { events } = tcb;
    tcb.events = 0;
    // a callback may abort, after which nothing more is told
    if ((events & TcpEvent.OPENED) !== 0) sink.opened(this);
    if ((events & TcpEvent.URGENT) !== 0 && tcb.isReading) sink.urgent?.(this);
    if ((events & TcpEvent.READABLE) !== 0 && tcb.isReading && this.readable > 0) sink.readable(this);
    if ((events & TcpEvent.WRITABLE) !== 0 && this.#mayWrite) sink.writable(this);
    if ((events & TcpEvent.ENDED) !== 0 && tcb.isReading) sink.ended(this);
    if ((events & TcpEvent.DELIVERED) !== 0) sink.delivered?.(this);
    if (((events | tcb.events) & TcpEvent.CLOSED) === 0 || this.#isAborted) return;
    tcb.events = 0;
    sink.closed(this, tcb.error);
  }

  #isAborted = false;

  get #mayWrite(): boolean {
    const { state, isFinQueued } = this.#tcb;
    return !isFinQueued && state >= TcpState.SYN_SENT && state <= TcpState.CLOSE_WAIT;
  }

  /** See {@linkcode TcpPort}. */
  get writeRoom(): number {
    const { ring, settings } = this.#tcb;
    return this.#mayWrite ? settings.sendBufferBytes - ring.length : 0;
  }

  /** See {@linkcode TcpPort}. */
  write(bytes: Uint8Array, now: number): number {
    const tcb = this.#tcb;
    const { ring } = tcb;
    let count = Math.min(this.writeRoom, bytes.length);
    if (count > 0 && !ring.writeAt(ring.length, bytes, 0, count)) {
      // no memory for more than the buffer that is there
      count = Math.max(0, Math.min(count, ring.capacity - ring.span));
      if (count > 0) ring.writeAt(ring.length, bytes, 0, count);
      tcb.due[Due.MEMORY] = now + MEMORY_RETRY_MS;
      tcb.host.wantsTimer(this);
    }
    if (count < bytes.length && this.#mayWrite) tcb.isWritableWanted = true;
    if (count === 0) return 0;
    if (ring.length === 0) tcb.progressAt = now;
    ring.extend(count);
    tcb.host.wantsTransmit(this);
    return count;
  }

  /** See {@linkcode TcpPort}. */
  writeUrgent(bytes: Uint8Array, now: number): number {
    const tcb = this.#tcb;
    const count = this.write(bytes, now);
    if (count === 0) return 0;
    // while the SYN is not acknowledged it comes before the bytes
    const first = tcb.state < TcpState.ESTABLISHED ? (tcb.sendInitial + 1) | 0 : tcb.una;
    tcb.sendUrgent = (first + tcb.ring.length) | 0;
    return count;
  }

  /** See {@linkcode TcpPort}. */
  get urgent(): number {
    const { receive, receiveUrgent } = this.#tcb;
    if (receiveUrgent === null) return 0;
    const behind = (receiveUrgent - receive.next) | 0;
    return Math.max(0, receive.ring.length + behind + (receive.isEnded ? 1 : 0));
  }

  /** See {@linkcode TcpPort}. */
  peek(): Uint8Array {
    return this.#tcb.receive.ring.peek();
  }

  /** See {@linkcode TcpPort}. */
  get readable(): number {
    return this.#tcb.receive.ring.length;
  }

  /** See {@linkcode TcpPort}. */
  consume(count: number, _now: number): void {
    const { receive, state, host } = this.#tcb;
    if (count > receive.ring.length) {
      throw new RangeError(`only ${receive.ring.length} bytes are readable, not ${count}`);
    }
    receive.ring.drop(count);
    if (state === TcpState.CLOSED || receive.isEnded || !receive.isOfferDue) return;
    receive.ackNow();
    host.wantsTransmit(this);
  }

  /** See {@linkcode TcpPort}. */
  get hasEnded(): boolean {
    const { receive } = this.#tcb;
    return receive.isEnded && receive.ring.length === 0;
  }

  /** See {@linkcode TcpPort}. */
  shutdown(now: number): void {
    const tcb = this.#tcb;
    if (tcb.isFinQueued || tcb.state === TcpState.CLOSED) return;
    tcb.isFinQueued = true;
    tcb.progressAt = now;
    tcb.advancedAt = now;
    if (tcb.state === TcpState.ESTABLISHED) tcb.state = TcpState.FIN_WAIT_1;
    else if (tcb.state === TcpState.CLOSE_WAIT) tcb.state = TcpState.LAST_ACK;
    tcb.host.wantsTransmit(this);
  }

  /** See {@linkcode TcpPort}. */
  stopReading(now: number): void {
    const tcb = this.#tcb;
    if (!tcb.isReading) return;
    tcb.isReading = false;
    tcb.advancedAt = now;
    const { ring } = tcb.receive;
    if (ring.length > 0) this.consume(ring.length, now);
    if (tcb.state !== TcpState.FIN_WAIT_2) return;
    tcb.due[Due.FIN_WAIT] = now + tcb.settings.finWaitMs;
    tcb.host.wantsTimer(this);
  }

  /** See {@linkcode TcpPort}. */
  abort(_now: number): void {
    const tcb = this.#tcb;
    this.#isAborted = true;
    tcb.isReading = false;
    if (tcb.state >= TcpState.SYN_RECEIVED && tcb.state < TcpState.TIME_WAIT) {
      tcb.sendReset(tcb.acceptableSequence, false);
    }
    this.drop(null);
    tcb.receive.ring.free();
    tcb.host.wantsTransmit(this);
  }

  /** See {@linkcode HostedConnection}. */
  drop(error: L3L4Error | null): void {
    this.#tcb.finish(error);
  }

  /** See {@linkcode HostedConnection}. */
  icmpError(news: IcmpErrorNews, now: number): void {
    const tcb = this.#tcb;
    const offset = (news.sequence - tcb.una) | 0;
    // what quotes nothing that is under way was not caused by it (RFC 5927 section 4.1)
    if (tcb.state === TcpState.CLOSED || offset < 0 || offset >= ((tcb.next - tcb.una) | 0)) return;
    const isOpening = tcb.state === TcpState.SYN_SENT || tcb.state === TcpState.SYN_RECEIVED;
    if (news.code === "EMSGSIZE" && !isOpening) return this.#shrink(now);
    if (news.isHard && (isOpening || tcb.settings.heedsHardErrors)) {
      tcb.finish(new L3L4Error(news.text, { code: news.code, blame: "remote" }));
      return;
    }
    tcb.softError = news.code;
  }

  /** See {@linkcode HostedConnection}. What is under way may well have got through. */
  pathChanged(): void {
    const tcb = this.#tcb;
    if (tcb.state >= TcpState.ESTABLISHED) tcb.fitSegmentSize();
  }

  /** The path has become narrower: what was too large is sent again in smaller segments, and nobody is to blame. */
  #shrink(now: number): void {
    const tcb = this.#tcb;
    const before = tcb.segmentSize;
    tcb.fitSegmentSize();
    if (tcb.segmentSize >= before) return;
    const { board } = tcb.recovery;
    for (let i = 0; i < board.segments.size; i++) {
      const segment = board.segments.at(i);
      if (segment.state !== SentState.OUT || ((segment.end - segment.start) | 0) <= tcb.segmentSize) continue;
      board.lose(segment);
    }
    tcb.due[Due.RETRANSMISSION] = now + tcb.rtt.rtoMs;
    tcb.host.wantsTransmit(this);
  }

  /** See {@linkcode TcpPort}. */
  info(): TcpInfo {
    const tcb = this.#tcb;
    const { rtt, congestion, flight, receive } = tcb;
    return {
      state: TCP_STATE_NAMES[tcb.state]!,
      segmentSize: tcb.segmentSize,
      srttMs: rtt.srtt,
      rttvarMs: rtt.rttvar,
      rtoMs: rtt.rtoMs,
      cwnd: congestion.cwnd,
      ssthresh: congestion.ssthresh,
      sendWindow: tcb.sendWindow,
      receiveWindow: receive.window,
      bytesInFlight: tcb.pipe,
      bytesQueued: tcb.ring.length,
      bytesReadable: receive.ring.length,
      bytesAcked: tcb.bytesAcked,
      bytesReceived: tcb.bytesReceived,
      segmentsSent: tcb.segmentsSent,
      segmentsReceived: tcb.segmentsReceived,
      retransmits: flight?.retransmits ?? 0,
      timeouts: tcb.timeouts,
      spuriousRetransmits: flight?.spuriousRetransmits ?? 0,
      softError: tcb.softError,
    };
  }
}
