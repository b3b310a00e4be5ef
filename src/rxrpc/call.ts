/**
 * One call: a request, then a reply. The same at both ends; which comes first here is what makes a client or a server.
 *
 * Follows the two phases strictly: a client's reply begins when its request was sent, a server's when the request has
 * come. What state a call is in follows from its two directions; nothing else keeps it.
 *
 * Not here: which channel a call gets (bundle.ts), what it says (call_writer.ts), packets that come when it is over
 * (channel.ts).
 *
 * @module
 */
import type { RxAck } from "./ack.ts";
import { AckTimer } from "./ack_timer.ts";
import { RxAbort } from "./abort_codes.ts";
import { CallClock, CallDue } from "./call_clock.ts";
import type { PacketWriter, Sender } from "./call_host.ts";
import type { CallInit, CallPlace } from "./call_init.ts";
import { writeAck, writeData } from "./call_output.ts";
import { CallPackets, CallReceiving } from "./call_parts.ts";
import { CallWriter, type WriterCall } from "./call_writer.ts";
import { Congestion } from "./congestion.ts";
import type { ConnectionHost } from "./connection_host.ts";
import { abortedError, breachError, forgottenError, RxrpcError, timedOutError, unreadError } from "./errors.ts";
import type { RxHeader } from "./header.ts";
import type { RxDataPacket } from "./jumbo.ts";
import { JumboLimit } from "./jumbo_limit.ts";
import { RxAckReason, RxFlag } from "./packet_types.ts";
import { tellLearned, tellStatus } from "./observer.ts";
import type { RxPeer } from "./peer.ts";
import { Patience } from "./patience.ts";
import { Pings } from "./pings.ts";
import type { RxAddress, RxCallPort, RxCallSink } from "./ports.ts";
import { ReboundDetector, reboundError } from "./rebound_detector.ts";
import { ReceiveSide } from "./receive_side.ts";
import { RttEstimator } from "./rtt_estimator.ts";
import type { RxPeerIdentity } from "./security/protection.ts";
import { SendSide } from "./send_side.ts";
import type { Timed } from "../core/timer_queue.ts";

const LOST_REPLY_MS = 500;
/**
 * OpenAFS acknowledges the end of a reply in a way that it could take back, and says no more. It never does take it back;
 * a call must not stay open for much longer than its last packet.
 */
const MIN_GRACE_MS = 25;
const MAX_INVALID_ACKS = 3;
/** Packets of data sent in a row before others have their turn. */
const BURST = 10;

/** One call. */
export class RxCall implements RxCallPort, Timed, Sender, WriterCall {
  tag: unknown;
  readonly isClient: boolean;
  readonly mayUpgrade: boolean;
  readonly userStatus: number;
  readonly peer: RxPeer;
  readonly acks: AckTimer = new AckTimer();
  readonly pings: Pings = new Pings();
  readonly rtt: RttEstimator;
  readonly receive: ReceiveSide;
  readonly sending: SendSide;
  queuedAt: number = Infinity;
  queueIndex: number = -1;
  isQueued = false;
  isClosed = false;
  /** Packets of data that may still be sent in this turn. */
  burst: number = BURST;
  /** The byte for applications, as the other end said it last; at first this call's own. */
  lastStatus: number;
  /** Its place, once it has one. */
  place: CallPlace | undefined;
  readonly #host: ConnectionHost;
  readonly #failsWhenBusy: boolean;
  readonly #congestion: Congestion;
  readonly #clock: CallClock = new CallClock();
  readonly #patience: Patience;
  /** What has come before somebody has taken the call. */
  #early: Uint8Array[] = [];
  #sink: RxCallSink | undefined;
  #service: number;
  #invalidAcks = 0;
  readonly #rebound: ReboundDetector = new ReboundDetector();
  readonly #jumbos: JumboLimit = new JumboLimit();
  readonly #writer: CallWriter;
  #hasHeard = false;
  #isComplete = false;
  #isExposed = false;
  #hardMs: number;

  /** Makes a call that has no place yet. */
  constructor(host: ConnectionHost, init: CallInit, now: number) {
    this.#host = host;
    this.tag = init.tag;
    this.isClient = init.isClient;
    this.mayUpgrade = init.mayUpgrade ?? false;
    this.userStatus = init.userStatus ?? 0;
    this.lastStatus = this.userStatus;
    this.peer = init.peer;
    this.#service = init.service;
    this.#sink = init.sink;
    this.#writer = new CallWriter(this, host.limits.sendQueue, init.length);
    this.#failsWhenBusy = init.failsWhenBusy ?? false;
    this.#hardMs = init.timeouts.hardMs ?? Infinity;
    this.rtt = new RttEstimator(init.peer.rtt);
    this.#congestion = new Congestion(init.peer.threshold);
    const { stats, slab, limits } = host;
    this.sending = new SendSide(this.rtt, this.#congestion, limits.sendWindow, init.isClient, 1, stats, slab);
    const deadMs = init.timeouts.deadMs ?? host.limits.deadMs;
    const idleMs = host.limits.requestIdleMs;
    this.#patience = new Patience(deadMs, idleMs, this.#clock, this.rtt, this.sending, this.isClient);
    const receiving = new CallReceiving(
      host.stats,
      (header, body) => this.place!.connection.protection.open(header, header.checksum, body),
      (bytes) => this.#deliver(bytes),
      (own, wasRead) => this.isGated ? host.held.unprovenRoom(this.peer) : host.held.room(this.peer, own, wasRead),
      (bytes) => this.isGated ? host.held.addUnproven(bytes, this.peer) : host.held.add(bytes, this.peer),
      () => this.#sink !== undefined,
    );
    this.receive = new ReceiveSide(receiving, host.limits.receiveWindow);
    if (this.#hardMs !== Infinity) this.#clock.set(CallDue.HARD, now + this.#hardMs);
    if (!this.isClient) this.#patience.begin(now);
  }

  get service(): number {
    return this.#service;
  }

  get remote(): RxAddress {
    return this.peer.address;
  }

  get identity(): RxPeerIdentity | undefined {
    return this.place?.connection.identity;
  }

  get srtt(): number | undefined {
    return this.rtt.srtt;
  }

  get isWritable(): boolean {
    return this.#writer.isOpen;
  }

  /** Whether the peer has yet to prove that its address is its own. */
  get isGated(): boolean {
    return this.#patience.isGated;
  }

  /** Whether it has been seen on the wire. */
  get isExposed(): boolean {
    return this.#isExposed;
  }

  /** It gets its place. */
  attach(place: CallPlace): void {
    this.place = place;
    const { connection, callNumber, channel } = place;
    const cid = (connection.cid | channel) >>> 0;
    const bodyBytes = this.peer.bodyBytes(this.#host.limits.maxDatagram);
    const packets = new CallPackets(connection.protection, this.#host.slab, cid, callNumber, bodyBytes, (packet) => {
      this.sending.add(packet);
      this.#host.enqueue(this);
    });
    this.#writer.begin(packets);
    if (this.isClient) {
      this.#sink?.opened?.({ cid, channel, callNumber });
      this.#sink?.writable?.();
    }
    this.#schedule();
  }

  /** The call waits until its peer has answered a PING. */
  gate(now: number): void {
    this.#patience.isGated = true;
    this.#patience.pinged(now);
    this.pings.isDue = true;
    this.#host.enqueue(this);
    this.#schedule();
  }

  /** Somebody has taken it. */
  accept(sink: RxCallSink): void {
    if (this.isGated) this.#host.held.proved(this.receive.heldBytes);
    this.#patience.isGated = false;
    this.#sink = sink;
    for (const bytes of this.#early.splice(0)) if (!this.isClosed) sink.data(bytes);
    if (this.receive.isComplete && !this.isClosed) {
      sink.ended();
      sink.writable?.();
    }
  }

  write(bytes: Uint8Array, now: number): number {
    const taken = this.#writer.write(bytes, now);
    this.#schedule();
    return taken;
  }

  awaitTurn(now: number): void {
    if (this.isClient || this.isClosed || this.receive.isComplete) return;
    if (this.receive.widen()) this.acks.demand(RxAckReason.IDLE, 0);
    this.#patience.replyWaits(this.receive, now);
    this.#host.enqueue(this);
    this.#schedule();
  }

  flush(_now: number): void {
    this.#writer.flush();
    this.#schedule();
  }

  end(now: number): void {
    this.#writer.end(now);
    // the reply is the acknowledgement
    if (!this.isClient && this.receive.isComplete) this.acks.sent();
    this.#schedule();
  }

  consumed(bytes: number, now: number): void {
    if (this.isClosed) return;
    const isNews = this.receive.consumed(bytes);
    if (!this.#patience.read(this.receive, now) && !isNews) return;
    if (isNews) this.acks.demand(RxAckReason.IDLE, 0);
    if (isNews) this.#host.enqueue(this);
    this.#schedule();
  }

  abort(code: number, now: number, cause?: unknown): void {
    if (this.isClosed) return;
    this.place?.connection.abortCall(this, code, now);
    this.close(abortedError(code, "local", cause), now);
  }

  /** DATA has come. */
  data(packets: readonly RxDataPacket[], now: number): void {
    this.#heard(now);
    if (this.#host.observer !== undefined) tellStatus(this.#host.observer, this, packets[0]!.header);
    // whoever was told may have aborted it
    if (this.isClosed) return;
    if (packets.length > 1 && this.#jumbos.isReached) {
      this.#host.dropped("jumbogram beyond their number");
      this.acks.demand(RxAckReason.NOSPACE, packets.at(-1)!.header.serial);
      return this.#progress(now);
    }
    for (const { header, body } of packets) {
      if (!this.#mayReceive()) return this.#breach(now, "a reply before the request has ended");
      const arrival = this.receive.arrive(header, body);
      if (arrival === "invalid") return this.#breach(now, "packets that contradict each other");
      this.#jumbos.arrived(arrival);
      this.acks.arrived(arrival, header.serial);
      if (arrival === RxAckReason.NOSPACE) this.#host.observer?.full?.(this);
      if (this.isClosed) return;
    }
    this.#jumbos.datagramEnded();
    this.acks.datagramEnded(now, this.rtt.srtt);
    this.#patience.arrived(this.receive, now);
    this.#progress(now);
  }

  /** An ACK has come. */
  acknowledge(ack: RxAck, header: RxHeader, now: number): void {
    const { peerWindow } = this.sending;
    const { samples } = this.rtt;
    if (ack.reason === RxAckReason.PING) this.#answerPing(header.serial, now);
    else if ((header.flags & RxFlag.REQUEST_ACK) !== 0 && ack.reason !== RxAckReason.PING_RESPONSE) {
      this.acks.demand(RxAckReason.REQUESTED, header.serial);
    }
    // an observer that was told of the question may have aborted it
    if (this.isClosed) return;
    if (ack.reason === RxAckReason.PING_RESPONSE) this.#pingAnswered(ack.serial, now);
    if (this.isClient && this.#rebound.isCertain(ack, this.sending)) return this.close(reboundError(), now);
    const verdict = this.sending.acknowledge(ack, now);
    if (verdict === "invalid") {
      this.#host.dropped("invalid ACK");
      if (++this.#invalidAcks > MAX_INVALID_ACKS) return this.#breach(now, "acknowledgements of what was never sent");
    } else if (verdict === "taken") {
      this.#heard(now);
      this.#learn(ack);
      this.#patience.acknowledged(this.receive, now);
    }
    if (this.#host.observer !== undefined) tellLearned(this.#host.observer, this, samples, peerWindow);
    this.#progress(now);
  }

  /** Everything that was sent has come. */
  acknowledgeAll(now: number): void {
    this.#heard(now);
    this.sending.acknowledgeAll();
    this.#patience.acknowledged(this.receive, now);
    this.#progress(now);
  }

  /** The server is busy with something else. */
  busy(now: number): void {
    this.#host.observer?.busy?.(this);
    this.#sink?.busy?.();
    if (!this.#failsWhenBusy || this.#rebound.isKnown || this.isClosed) return;
    this.close(new RxrpcError("the server is busy", { code: "EBUSY", blame: "remote" }), now);
  }

  /** The next call of the channel has begun: the reply has come. */
  replaced(now: number): void {
    if (this.sending.isLastSent) this.close(undefined, now);
    else this.abort(RxAbort.RX_CALL_DEAD, now);
  }

  /** It is over. */
  close(error: unknown, now: number): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.peer.rtt = { srtt: this.rtt.srtt, variance: this.rtt.variance };
    this.peer.threshold = this.#congestion.threshold;
    this.receive.discard();
    this.#early = [];
    this.place?.connection.callClosed(this, error, now);
    this.#host.schedule(this);
    this.#sink?.closed(error);
    this.#sink = undefined;
  }

  timeoutAt(): number {
    if (this.isClosed) return Infinity;
    return Math.min(this.#clock.nextAt, this.acks.at, this.sending.timeoutAt());
  }

  onTimeout(now: number): void {
    for (let due = this.#clock.take(now); due !== undefined && !this.isClosed; due = this.#clock.take(now)) {
      this.#isDue(due, now);
    }
    if (this.isClosed) return;
    this.acks.onTimeout(now, this.receive.top >= this.receive.next);
    this.sending.onTimeout(now);
    if (this.sending.windowProbeDue(now)) this.pings.isDue = true;
    this.#host.enqueue(this);
  }

  transmit(out: PacketWriter, now: number): boolean {
    if (this.isClosed || this.place === undefined) return true;
    const isDone = writeAck(this, this.place, out, now) && this.#writeData(out, now);
    this.#schedule();
    return isDone;
  }

  /** A packet of this call goes out. */
  sent(now: number): void {
    this.#patience.pinged(now);
    this.#patience.told(this.receive, now);
    if (this.#isExposed) return;
    this.#isExposed = true;
    if (this.isClient) this.place?.connection.callExposed(this);
    this.#patience.begin(now);
  }

  #writeData(out: PacketWriter, now: number): boolean {
    if (this.isGated) return true;
    while (this.burst > 0) {
      const packet = this.sending.peek(now);
      if (packet === undefined) break;
      if (!writeData(this, this.place!, this.#host.limits, packet, out, now)) return false;
      this.burst--;
    }
    this.#writer.offerRoom();
    return true;
  }

  /** There is room for more of what it says. */
  writable(): void {
    this.#sink?.writable?.();
  }

  #mayReceive(): boolean {
    if (!this.isClient || this.receive.hasBegun) return true;
    if (!this.sending.isLastSent) return false;
    // a reply says that the request has come
    this.sending.acknowledgeAll();
    this.#clock.set(CallDue.LOST_REPLY, Infinity);
    return true;
  }

  #deliver(bytes: Uint8Array): void {
    if (this.#sink !== undefined) this.#sink.data(bytes);
    else this.#early.push(bytes.slice());
  }

  #heard(now: number): void {
    if (this.isClient && !this.#hasHeard) {
      this.#service = this.place!.connection.service;
      this.#sink?.service?.(this.#service);
    }
    this.#hasHeard = true;
    this.peer.heard(now);
    // anybody can have sent what comes before its address has answered
    if (!this.isGated) this.#patience.heard(now);
  }

  #answerPing(serial: number, now: number): void {
    if (!this.pings.asked(serial, now)) this.#host.dropped("PING beyond its rate");
    this.#host.observer?.pinged?.(this);
    this.#host.enqueue(this);
  }

  #pingAnswered(serial: number, now: number): void {
    const took = this.pings.answered(serial, now);
    if (took === undefined) return;
    this.rtt.sample(took, now);
    this.peer.validated(now);
    if (this.isGated) this.#host.begin(this, now);
  }

  #learn(ack: RxAck): void {
    this.peer.sizes(ack.maxMtu, ack.jumboMax);
    if (ack.rwind !== undefined) this.sending.window(ack.rwind);
    this.#writer.resize(this.peer.bodyBytes(this.#host.limits.maxDatagram));
  }

  /**
   * Whether the peer is to be asked. Linux aborts what it is asked about calls that it does not know; a client that has to
   * prove who it is has been asked, and may be at an address that is not its own.
   */
  get #mayAsk(): boolean {
    return this.isClient ? this.#hasHeard : !this.place!.connection.isSecuring;
  }

  /** Looks at what has changed, after packets came. */
  #progress(now: number): void {
    if (this.isClosed) return;
    if (this.receive.isComplete && !this.#isComplete) this.#completed(now);
    if (this.isClosed) return;
    const isAllAcked = this.sending.isAllAcked;
    if (this.sending.isAllReleased && !this.isClient) return this.close(undefined, now);
    // the last acknowledgement of some clients never says that they have it for good
    const grace = Math.max(2 * (this.rtt.srtt ?? 0), MIN_GRACE_MS);
    const due: CallDue = this.isClient ? CallDue.LOST_REPLY : CallDue.GRACE;
    if (!isAllAcked || (this.isClient && this.receive.hasBegun)) this.#clock.set(due, Infinity);
    else if (this.#clock.at(due) === Infinity) this.#clock.set(due, now + (this.isClient ? LOST_REPLY_MS : grace));
    this.#writer.offerRoom();
    this.#host.enqueue(this);
    this.#schedule();
  }

  #completed(now: number): void {
    this.#isComplete = true;
    this.#clock.set(CallDue.IDLE, Infinity);
    const sink = this.#sink;
    sink?.ended();
    if (this.isClient) this.close(undefined, now);
    else sink?.writable?.();
  }

  #breach(now: number, what: string): void {
    this.#fail(breachError(what), now);
  }

  #isDue(due: CallDue, now: number): void {
    switch (due) {
      case CallDue.HARD:
        return this.#timedOut(now, `the call took longer than ${this.#hardMs} ms`);
      case CallDue.IDLE:
        if (this.#patience.isDeadlock(this.receive)) return this.#fail(unreadError(this.#patience.requestIdleMs), now);
        if (this.#patience.isFull(this.receive, now)) return;
        return this.#timedOut(now, this.#patience.idleReason(this.receive));
      case CallDue.DEAD:
        return this.#silent(now);
      case CallDue.GRACE:
        return this.close(undefined, now);
      case CallDue.PING:
      case CallDue.LOST_REPLY:
        this.pings.isDue ||= this.#mayAsk;
        this.#patience.pinged(now);
    }
  }

  #silent(now: number): void {
    const connection = this.place?.connection;
    if (this.#hasHeard && connection !== undefined && connection.heardAt > now - this.#patience.deadMs / 2) {
      connection.abortCall(this, RxAbort.RX_CALL_DEAD, now);
      return this.close(forgottenError(), now);
    }
    this.#timedOut(now, `nothing was heard for ${this.#patience.deadMs} ms`);
  }

  #timedOut(now: number, what: string): void {
    this.#fail(timedOutError(what), now);
  }

  /** It is over; the peer is told the number that the error has. */
  #fail(error: RxrpcError, now: number): void {
    this.place?.connection.abortCall(this, error.abortCode!, now);
    this.close(error, now);
  }

  #schedule(): void {
    this.#host.schedule(this);
  }
}
