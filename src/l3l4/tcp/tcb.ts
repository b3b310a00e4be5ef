/**
 * The transmission control block: all that is known of a connection (RFC 9293 section 3.3.1), and the few changes of it that
 * more than one event makes. What segments, timers and the user do to it is in files of their own.
 *
 * @module
 */
import { L3L4Error } from "../errors.ts";
import type { IpTemplate } from "../ip_header.ts";
import type { FlowPath, TcpPort, TcpPortOptions, TcpSink } from "../l3l4_sink.ts";
import { ByteRing } from "./byte_ring.ts";
import type { CongestionControl } from "./congestion/congestion_control.ts";
import { createCongestion, initialWindow } from "./congestion/create_congestion.ts";
import { Pacer } from "./congestion/pacer.ts";
import type { LossRecovery } from "./loss_recovery.ts";
import { AckDue, ReceiveSide } from "./receive_side.ts";
import { RttEstimator } from "./rtt_estimator.ts";
import { TIMESTAMPS_LENGTH } from "./segment_writer.ts";
import type { HostedConnection, TcpHost } from "./tcp_host.ts";
import type { TcpSettings } from "./tcp_settings.ts";
import { TcpState } from "./tcp_state.ts";

/** Segment sizes that are assumed when a peer says none (RFC 9293 MUST-15). */
const DEFAULT_MSS_V4 = 536;
const DEFAULT_MSS_V6 = 1220;

/** No path is so narrow that a segment carries less. */
const MIN_MSS = 8;

/** No peer gets its bytes in smaller pieces, whatever it says. */
const MIN_PEER_MSS = 48;

/** What there is to tell the sink. */
export const TcpEvent = {
  /** It is open. */
  OPENED: 1,
  /** Bytes can be read. */
  READABLE: 2,
  /** There is room again. */
  WRITABLE: 4,
  /** The peer has ended. */
  ENDED: 8,
  /** It is over. */
  CLOSED: 16,
  /** The peer called something urgent. */
  URGENT: 32,
  /** The peer has acknowledged all of ours, and has not ended. */
  DELIVERED: 64,
} as const;

/** What may be due: places in {@linkcode DueTimes}. */
export const Due = {
  /** Retransmission. */
  RETRANSMISSION: 0,
  /** Tail loss probe. */
  TAIL_PROBE: 1,
  /** Zero window probe, or a small segment that waited long enough for a larger window. */
  WINDOW_PROBE: 2,
  /** Question whether the peer is there. */
  KEEPALIVE: 3,
  /** The peer should have ended. */
  FIN_WAIT: 4,
  /** Another try for memory. */
  MEMORY: 5,
  /** The next segment may go, with pacing. */
  PACE: 6,
} as const;

/**
 * When things are due; `Infinity` for never. An array, because V8 keeps each number of an object that is no small integer
 * in an object of its own, and those of an array in a row.
 */
export type DueTimes = [number, number, number, number, number, number, number];

/** A reset that is to be sent. */
export interface ResetDue {
  /** Sequence number. */
  readonly sequence: number;
  /** Whether it has no acknowledgment. */
  readonly isBare: boolean;
}

/** {@linkcode TcpPortOptions} with all that was not chosen filled in. */
type PortChoices = Pick<TcpSettings, "hasNagle" | "keepaliveMs" | "userTimeoutMs" | "idleTimeoutMs">;

/** Most connections have no options of their own, and share the endpoint's. */
function choicesOf(options: TcpPortOptions, settings: TcpSettings): PortChoices {
  const { hasNagle, keepaliveMs, userTimeoutMs, idleTimeoutMs } = options;
  if (hasNagle === undefined && (keepaliveMs ?? userTimeoutMs ?? idleTimeoutMs) === undefined) return settings;
  return {
    hasNagle: hasNagle ?? settings.hasNagle,
    keepaliveMs: keepaliveMs ?? settings.keepaliveMs,
    userTimeoutMs: userTimeoutMs ?? settings.userTimeoutMs,
    idleTimeoutMs: idleTimeoutMs ?? settings.idleTimeoutMs,
  };
}

/** A connection's state. `connection` is the object that the table and the user know. */
export class Tcb {
  /** What it shares with all others. */
  readonly host: TcpHost;
  /** Where it reports. */
  readonly sink: TcpSink;
  /** Both ends. */
  readonly path: FlowPath;
  /** How its IP headers look. */
  readonly template: IpTemplate;
  /** See {@linkcode TcpState}. */
  state: number = TcpState.CLOSED;
  /** Round trips. */
  readonly rtt: RttEstimator;
  /** How much may be under way. */
  readonly congestion: CongestionControl;
  /** What is under way, and what is lost; `null` while nothing is and nothing was. */
  flight: LossRecovery | null = null;
  /** Spreads what is sent, with pacing. */
  readonly pacer: Pacer | null;
  /** What it receives. */
  readonly receive: ReceiveSide;
  /** Bytes from SND.UNA on: sent and not acknowledged, then not sent. */
  readonly ring: ByteRing;
  /** When things are due. */
  readonly due: DueTimes = [Infinity, Infinity, Infinity, Infinity, Infinity, Infinity, Infinity];
  /** ISS. */
  readonly sendInitial: number;
  /** SND.UNA. */
  una: number;
  /** SND.NXT. */
  next: number;
  /** SND.WND. */
  sendWindow = 0;
  /** SND.WL1. */
  windowSequence = 0;
  /** SND.WL2. */
  windowAcknowledgment = 0;
  /** The largest window that the peer ever offered. */
  maxSendWindow = 0;
  /** Shift of the peer's windows. */
  sendShift = 0;
  /** What the peer takes in a segment, without options. */
  peerSegmentSize: number;
  /** Bytes of data that a segment carries, with the options that all have. */
  segmentSize = 536;
  /** Whether timestamps go both ways. */
  hasTimestamps = false;
  /** What is added to the time for timestamps. */
  readonly tsOffset: number;
  /** Whether ECN was agreed on. */
  hasEcn = false;
  /** Congestion that was echoed is not looked at again before this is acknowledged. */
  ecnEnd: number;
  /** Whether the next new segment tells that the window was reduced. */
  isCwrDue = false;
  /** SND.UP: behind the last byte that is urgent, while that is not acknowledged. */
  sendUrgent: number | null = null;
  /** RCV.UP: behind the last byte that the peer called urgent. */
  receiveUrgent: number | null = null;
  /** Whether nothing more is to be written. */
  isFinQueued = false;
  /** Whether a FIN was sent. */
  isFinSent = false;
  /** Whether the next acknowledgment repeats the FIN. */
  isFinRepeatDue = false;
  /** Whether somebody reads. */
  isReading = true;
  /** Whether a SYN is to be sent. */
  isSynDue = false;
  /** Bytes of data that came with the peer's SYN, when both asked at once. */
  synData = 0;
  /** SYNs sent again. */
  synRetries = 0;
  /** The reset that is to be sent. */
  resetDue: ResetDue | null = null;
  /** Whether the last segment is to be sent again, or a new one in its place. */
  isProbeDue = false;
  /** Whether one byte, or as much as the window allows, is to be sent in spite of it. */
  isPersistDue = false;
  /** How often in a row. */
  persistCount = 0;
  /** Whether the peer has said since the last timeout that its window is shut. */
  isShutConfirmed = false;
  /** Whether the peer is to be asked whether it is there. */
  isKeepaliveDue = false;
  /** How often in a row. */
  keepaliveCount = 0;
  /** Whether the congestion window kept the last segments back. */
  isWindowLimited = false;
  /** Whether a `write` came short. */
  isWritableWanted = false;
  /** Bits of {@linkcode TcpEvent}. */
  events = 0;
  /** Why it is over. */
  error: L3L4Error | null = null;
  /** An error of ICMP that did not end it. */
  softError: string | undefined = undefined;
  /** When bytes were acknowledged last, or the first ones queued. */
  progressAt: number;
  /** When bytes were acknowledged last, or the user closed. */
  advancedAt: number;
  /** When data were sent last, or the SYN first. */
  sentAt: number;
  /** When data went either way last. */
  dataAt: number;
  #challenges: { readonly since: number; count: number } | null = null;
  /** What its user chose: the endpoint's own settings, where that is nothing. */
  readonly choices: PortChoices;
  /** Segments sent. */
  segmentsSent = 0;
  /** Segments received. */
  segmentsReceived = 0;
  /** Bytes acknowledged. */
  bytesAcked = 0;
  /** Bytes received in order. */
  bytesReceived = 0;
  /** Retransmission timeouts. */
  timeouts = 0;
  /** The object that the table and the user know. */
  connection!: HostedConnection & TcpPort;

  /** A connection that is not opened yet. */
  constructor(
    host: TcpHost,
    sink: TcpSink,
    path: FlowPath,
    template: IpTemplate,
    sendInitial: number,
    tsOffset: number,
    options: TcpPortOptions,
    now: number,
  ) {
    const { settings } = host;
    this.host = host;
    this.sink = sink;
    this.path = path;
    this.template = template;
    this.sendInitial = sendInitial | 0;
    this.tsOffset = tsOffset | 0;
    this.una = sendInitial | 0;
    this.next = sendInitial | 0;
    this.ecnEnd = sendInitial | 0;
    this.peerSegmentSize = path.version === 4 ? DEFAULT_MSS_V4 : DEFAULT_MSS_V6;
    this.rtt = new RttEstimator(settings);
    this.receive = new ReceiveSide(settings, host.buffers);
    this.ring = new ByteRing(host.buffers);
    this.segmentSize = this.ownSegmentSize();
    this.receive.maxSegmentSize = this.segmentSize;
    this.congestion = createCongestion(settings, this.segmentSize);
    this.pacer = settings.hasPacing ? new Pacer() : null;
    this.progressAt = now;
    this.advancedAt = now;
    this.sentAt = now;
    this.dataAt = now;
    this.choices = choicesOf(options, settings);
  }

  /** Options of the endpoint. */
  get settings(): TcpSettings {
    return this.host.settings;
  }

  /** The largest segment that the path allows, without options. */
  ownSegmentSize(): number {
    const mtu = this.host.pathMtu(this.path);
    return Math.max(MIN_MSS, Math.min(this.settings.maxSegmentSize, mtu - this.template.headerLength - 20));
  }

  /** Works out how much a segment carries (RFC 9293 MUST-16, RFC 6691). */
  fitSegmentSize(): void {
    const whole = Math.min(Math.max(MIN_PEER_MSS, this.peerSegmentSize), this.ownSegmentSize());
    this.segmentSize = Math.max(MIN_MSS, whole - (this.hasTimestamps ? TIMESTAMPS_LENGTH : 0));
    this.congestion.segmentSize = this.segmentSize;
    if (this.flight !== null) this.#fitFlight(this.flight);
  }

  /** What is under way, to be changed. */
  get recovery(): LossRecovery {
    if (this.flight === null) {
      this.flight = this.host.recoveries.take(this.rtt, this.congestion);
      this.#fitFlight(this.flight);
    }
    return this.flight;
  }

  #fitFlight(flight: LossRecovery): void {
    flight.hasTimestamps = this.hasTimestamps;
    flight.hasSack = this.receive.hasSack;
    flight.segmentSize = this.segmentSize;
    flight.board.segmentSize = this.segmentSize;
  }

  /** Bytes under way. */
  get pipe(): number {
    return this.flight === null ? 0 : this.flight.pipe;
  }

  /** Gives back what is known of data under way, when none are and it is of no use for those that follow. */
  settle(): void {
    const { flight } = this;
    if (flight === null || !flight.isSettled) return;
    this.flight = null;
    this.host.recoveries.give(flight);
  }

  /** The clock of our timestamps. */
  timestamp(now: number): number {
    return (Math.floor(now % 0x100000000) + this.tsOffset) | 0;
  }

  /**
   * What a segment without data has for its sequence number: SND.NXT, but never beyond the window, where a probe or a window
   * that was taken back may have left it. There nobody would look at what it says, acknowledgments and resets included.
   */
  get acceptableSequence(): number {
    const beyond = (this.next - this.una - this.sendWindow) | 0;
    return beyond > 0 ? (this.next - beyond) | 0 : this.next;
  }

  /** Bytes written that were not sent. */
  get unsent(): number {
    const out = (this.next - this.una) | 0;
    return this.ring.length - (this.isFinSent && out > 0 ? out - 1 : out);
  }

  /** Something happened that the sink is to be told. */
  note(event: number): void {
    if (this.events === 0) this.host.wantsFlush(this.connection);
    this.events |= event;
  }

  /** Both sides have agreed: bytes may go. `wasResent`: the first segment had to be sent more than once. */
  establish(wasResent: boolean, now: number): void {
    this.state = this.isFinQueued ? TcpState.FIN_WAIT_1 : TcpState.ESTABLISHED;
    this.fitSegmentSize();
    const { congestion, settings } = this;
    if (settings.congestion !== "none") {
      congestion.cwnd = wasResent ? this.segmentSize : initialWindow(this.segmentSize, settings.initialWindowSegments);
    }
    if (wasResent) this.rtt.startSlow();
    else this.rtt.resetBackoff();
    this.due[Due.RETRANSMISSION] = Infinity;
    this.progressAt = now;
    this.armKeepalive(now);
    this.note(TcpEvent.OPENED);
  }

  /** Something came: the peer is there. */
  armKeepalive(now: number): void {
    this.keepaliveCount = 0;
    this.due[Due.KEEPALIVE] = now + this.choices.keepaliveMs;
  }

  /** An acknowledgment of something that is not right, as many as are allowed (RFC 5961 section 7). */
  challenge(now: number): void {
    if (this.#challenges === null || now - this.#challenges.since >= 1000) this.#challenges = { since: now, count: 0 };
    if (this.#challenges.count >= this.settings.challengesPerSecond) return;
    this.#challenges.count++;
    this.receive.ackNow();
  }

  /** A reset goes out, which ends nothing here. */
  sendReset(sequence: number, isBare: boolean): void {
    this.resetDue = { sequence, isBare };
  }

  /** It is over, for this reason or well. What came can still be read. */
  finish(error: L3L4Error | null): void {
    if (this.state === TcpState.CLOSED) return;
    this.state = TcpState.CLOSED;
    this.release();
    this.error = error;
    this.note(TcpEvent.CLOSED);
    this.host.removed(this.connection);
  }

  /** Gives back what was for sending, and forgets all timers. */
  release(): void {
    const { receive } = this;
    this.flight?.clear();
    this.settle();
    this.ring.free();
    receive.ring.detach();
    receive.ackDue = AckDue.NONE;
    receive.ackAt = Infinity;
    this.due.fill(Infinity);
    this.dataAt = Infinity;
    this.isSynDue = false;
    this.isProbeDue = false;
    this.isPersistDue = false;
    this.isKeepaliveDue = false;
    if (!this.isReading) receive.ring.free();
    this.host.wantsTimer(this.connection);
  }

  /** It is over because of a wait that was too long. */
  timeOut(what: string): void {
    const { state } = this;
    if (state >= TcpState.ESTABLISHED) this.sendReset(this.acceptableSequence, false);
    this.finish(new L3L4Error(what, { code: "ETIMEDOUT", blame: "remote" }));
    this.host.wantsTransmit(this.connection);
  }
}
