/**
 * A connection: four channels between two endpoints, for one service, under one security class. Never opened nor closed
 * on the wire: it is there once a packet names it, and forgotten when nobody has used it for long.
 * @module
 */
import { seqDiff, seqLess } from "../bytes/sequence.ts";
import { ackLength, decodeAck } from "./ack.ts";
import { RxAbort } from "./abort_codes.ts";
import type { RxCall } from "./call.ts";
import type { PacketWriter, Sender } from "./call_host.ts";
import { abortFor, CHANNELS, leastNumber, mayAnswerLate, newChannel, type RxChannel } from "./channel.ts";
import type { ConnectionHost, ConnectionInit } from "./connection_host.ts";
import { abortBody, abortCodeOf, finalAckBody, packetOf, put } from "./control_packet.ts";
import { abortedError } from "./errors.ts";
import { HEADER_BYTES, nextSerial, type RxHeader } from "./header.ts";
import { dataPackets } from "./jumbo.ts";
import type { CheckedLimits } from "./limits.ts";
import { RxAckReason, RxFlag, RxPacketType } from "./packet_types.ts";
import type { RxPeer } from "./peer.ts";
import { isOfProved } from "./reach_check.ts";
import { isPutOff, lastEnded, NOTHING, Refusals, refuseReplay } from "./refusals.ts";
import { ServerHandshake } from "./server_handshake.ts";
import { isGenuine } from "./seal_check.ts";
import { unprotected } from "./security/none.ts";
import type { ClientProtection, PacketProtection, RxPeerIdentity, ServerSecurity } from "./security/protection.ts";
import type { CallNumbers } from "./security/rxkad/challenge.ts";
import type { Timed } from "../core/timer_queue.ts";
import { TokenBucket } from "../core/token_bucket.ts";

const FINAL_ACK_MS = 10;
const FINAL_ACK_BYTES = HEADER_BYTES + ackLength(0);
const TERMINAL_PER_SECOND = 10;
const MAX_CONTROL = 32;
/** Call numbers end before their sign bit does. */
const LAST_CALL_NUMBER = 0x7fffffff;
const MAX_JUMP = 65_536;
/** The same where it ends a call, and anybody could have made the packet. */
const MAX_UNPROVED_JUMP = 16;
const MAX_SERIAL_DISTANCE = 0x40000000;

/** A connection. */
export class RxConnection implements Timed, Sender {
  readonly isClient: boolean;
  readonly peer: RxPeer;
  readonly epoch: number;
  readonly cid: number;
  readonly securityIndex: number;
  /** What its service asked for; at a server. */
  readonly security: ServerSecurity | undefined;
  readonly refusals: Refusals = new Refusals();
  readonly channels: readonly RxChannel[] = Array.from({ length: CHANNELS }, newChannel);
  queuedAt: number = Infinity;
  queueIndex: number = -1;
  isQueued = false;
  /** The service; changed once at most, by an upgrade. */
  service: number;
  /** Who the client is, once it has said so. */
  identity: RxPeerIdentity | undefined;
  /** When something came that was valid. */
  heardAt: number;
  /** When it was made, or a call of it began or ended last. Packets of calls that are over do not count. */
  usedAt: number;
  /** Nobody finds it any more. */
  isForgotten = false;
  /** The code that it was aborted with. */
  deadCode: number | undefined;
  /** No new calls: it is exclusive, or its numbers are used up. */
  isRetired = false;
  /** Whether the client waits to learn whether the service is upgraded. */
  isProbing = false;
  readonly #host: ConnectionHost;
  readonly #handshake: ServerHandshake | undefined;
  readonly #client: ClientProtection | undefined;
  readonly #control: Uint8Array[] = [];
  readonly #terminals: TokenBucket = new TokenBucket(TERMINAL_PER_SECOND);
  #protection: PacketProtection;
  #serial: number;
  #highestSerial = 0;
  #isUpgraded = false;

  /** Makes one. */
  constructor(host: ConnectionHost, init: ConnectionInit, now: number) {
    this.#host = host;
    this.isClient = init.isClient;
    this.peer = init.peer;
    this.epoch = init.epoch;
    this.cid = init.cid;
    this.service = init.service;
    this.securityIndex = init.securityIndex;
    this.#serial = init.serial ?? 0;
    this.security = init.security;
    this.#client = init.protection;
    this.#protection = init.protection ?? unprotected;
    this.#handshake = init.server &&
      new ServerHandshake(init.server, (bytes) => host.held.takeUnproven(bytes, init.peer));
    this.heardAt = now;
    this.usedAt = now;
  }

  /** Limits of the endpoint. */
  get limits(): CheckedLimits {
    return this.#host.limits;
  }

  /** Serial number of the last packet sent; 0 at a client that has sent none. */
  get serial(): number {
    return this.#serial;
  }

  /** What protects its packets. */
  get protection(): PacketProtection {
    return this.#protection;
  }

  /** Flag of the packets of this end. */
  get direction(): number {
    return this.isClient ? RxFlag.CLIENT_INITIATED : 0;
  }

  /** Whether calls run. */
  get isBusy(): boolean {
    return this.channels.some(({ call }) => call !== undefined);
  }

  /** Whether everything else waits until the client has proved who it is. */
  get isSecuring(): boolean {
    return this.#handshake !== undefined && !this.#handshake.isDone;
  }

  /** The header of its packets; serial number, sequence number and flags are still to be set. */
  header(type: number, channel: number, callNumber: number): RxHeader {
    return {
      epoch: this.epoch,
      cid: (this.cid | channel) >>> 0,
      callNumber,
      seq: 0,
      serial: 0,
      type,
      flags: this.direction,
      userStatus: 0,
      securityIndex: this.securityIndex,
      checksum: 0,
      serviceId: this.service,
    };
  }

  /** The serial number for the next packet. */
  nextSerial(): number {
    this.#serial = nextSerial(this.#serial);
    return this.#serial;
  }

  /** Begins a call in a free channel. */
  begin(call: RxCall, channel: number, now: number): void {
    const state = this.channels[channel]!;
    state.call = call;
    this.usedAt = now;
    call.attach({ connection: this, channel, callNumber: state.callNumber + 1 });
  }

  /** The first packet of a client's call goes out: now its number is used. */
  callExposed(call: RxCall): void {
    const { channel, callNumber } = call.place!;
    const state = this.channels[channel]!;
    state.callNumber = callNumber;
    state.terminal = undefined;
    state.finalAckAt = Infinity;
    if (callNumber >= LAST_CALL_NUMBER) this.isRetired = true;
  }

  /** A call is aborted by this end. */
  abortCall(call: RxCall, code: number, now: number): void {
    if (call.isClient && !call.isExposed) return;
    const { channel, callNumber } = call.place!;
    this.channels[channel]!.terminal = { kind: "abort", code };
    if (isOfProved(this, channel, callNumber) || this.#mayTell(HEADER_BYTES + 4, now)) {
      this.#send(RxPacketType.ABORT, channel, callNumber, abortBody(code), 0);
    }
  }

  /** A call is over. */
  callClosed(call: RxCall, error: unknown, now: number): void {
    const { channel } = call.place!;
    const state = this.channels[channel]!;
    if (state.call !== call) return;
    state.call = undefined;
    this.usedAt = now;
    if (error === undefined) {
      const reply = call.isClient ? undefined : { last: call.sending.last, ackSerial: this.#highestSerial };
      state.terminal = { kind: "acknowledge", last: call.receive.top, reply };
      if (call.isClient) state.finalAckAt = now + FINAL_ACK_MS;
    } else if (call.isExposed || !call.isClient) {
      state.isSuspect = call.isClient;
      state.terminal ??= { kind: "abort", code: RxAbort.RX_CALL_DEAD };
    }
    this.#host.callClosed(this, call, now);
    this.#host.schedule(this);
  }

  /** Nobody will find it any more. */
  forgotten(): void {
    this.isForgotten = true;
    this.#handshake?.stop();
    this.#host.schedule(this);
  }

  /** Takes a packet that is for this connection. */
  receive(header: RxHeader, datagram: Uint8Array, now: number): void {
    if (header.securityIndex !== this.securityIndex && header.type !== RxPacketType.ABORT) {
      return this.#host.dropped("other security index");
    }
    // a call that was proved spends nothing of what came, and would leave it to packets that are forged later
    const isCounted = !isOfProved(this, header.cid, header.callNumber) && this.#host.mustProve(this, now);
    if (isCounted) this.peer.received(datagram.length);
    if (this.deadCode !== undefined) return this.#answerDead(header, now);
    if (!this.#isPlausible(header)) return this.#host.dropped("implausible ABORT");
    this.heardAt = now;
    if (seqLess(this.#highestSerial, header.serial)) this.#highestSerial = header.serial;
    if (this.isClient && header.type !== RxPacketType.ABORT && !this.#isServiceRight(header, now)) return;
    if (header.callNumber === 0) return this.#connectionPacket(header, datagram, now);
    this.#callPacket(header, datagram, now);
  }

  /** Ends it, with all its calls. */
  abort(code: number, now: number, cause: unknown, blame: "local" | "remote"): void {
    if (this.deadCode !== undefined) return;
    this.deadCode = code;
    this.isRetired = true;
    if (blame === "local" && this.#mayTell(HEADER_BYTES + 4, now)) {
      this.#send(RxPacketType.ABORT, 0, 0, abortBody(code), 0);
    }
    this.#handshake?.stop();
    for (const { call } of this.channels) call?.close(cause ?? abortedError(code, blame), now);
    this.#host.schedule(this);
  }

  timeoutAt(): number {
    if (this.isForgotten) return Infinity;
    let at = this.#handshake?.timeoutAt() ?? Infinity;
    for (const { finalAckAt } of this.channels) at = Math.min(at, finalAckAt);
    return this.isBusy ? at : Math.min(at, this.usedAt + this.#host.idleMs(this));
  }

  /** Sends the last acknowledgements that are due by then; later ones would not be sent by an endpoint that is closed. */
  acknowledgeEnded(dueAt: number): void {
    this.channels.forEach((state, channel) => {
      const isDue = state.finalAckAt <= dueAt && state.finalAckAt !== Infinity;
      if (!isDue || state.terminal?.kind !== "acknowledge") return;
      state.finalAckAt = Infinity;
      this.#finalAck(channel, state.callNumber, state.terminal.last, RxAckReason.IDLE, 0);
    });
  }

  onTimeout(now: number): void {
    this.acknowledgeEnded(now);
    if (this.#handshake !== undefined && this.#handshake.timeoutAt() <= now) this.#challengeAgain(now);
    if (this.isBusy || now < this.usedAt + this.#host.idleMs(this)) return;
    this.#host.forget(this);
  }

  transmit(out: PacketWriter): boolean {
    while (this.#control.length > 0) {
      if (!put(out, this.#control[0]!, this.peer.address)) return false;
      this.#control.shift();
    }
    return true;
  }

  /** Sends a packet that says no to a call that was never begun. */
  refuse(header: RxHeader, type: number, body: Uint8Array, now: number): void {
    if (!this.#mayAnswer(HEADER_BYTES + body.length, now)) return;
    this.#send(type, header.cid & 3, header.callNumber, body, 0);
  }

  #connectionPacket(header: RxHeader, datagram: Uint8Array, now: number): void {
    const body = datagram.subarray(HEADER_BYTES);
    switch (header.type) {
      case RxPacketType.ABORT:
        return this.abort(abortCodeOf(body), now, undefined, "remote");
      case RxPacketType.CHALLENGE:
        return this.isClient ? this.#challenged(body, now) : this.#host.dropped("CHALLENGE to a server");
      case RxPacketType.RESPONSE:
        return this.isClient ? this.#host.dropped("RESPONSE to a client") : this.#responded(body, now);
      default:
        this.#host.dropped("no call number");
    }
  }

  #callPacket(header: RxHeader, datagram: Uint8Array, now: number): void {
    const state = this.channels[header.cid & 3]!;
    const { callNumber, call } = state;
    if (header.callNumber < callNumber) return this.#host.dropped("old call");
    if (header.callNumber > callNumber) return this.#newer(state, header, datagram, now);
    // a client's call that has sent nothing yet stands there already, and nothing can be for it
    if (call?.place?.callNumber !== callNumber) return this.#late(state, header, datagram, now);
    if (this.isSecuring && header.type !== RxPacketType.ABORT) return this.#park(header, datagram);
    this.#toCall(call, header, datagram, now);
  }

  #toCall(call: RxCall, header: RxHeader, datagram: Uint8Array, now: number): void {
    switch (header.type) {
      case RxPacketType.DATA:
        return this.#data(call, header, datagram, now);
      case RxPacketType.ACK: {
        const ack = decodeAck(datagram.subarray(HEADER_BYTES));
        return ack === undefined ? this.#host.dropped("short ACK") : call.acknowledge(ack, header, now);
      }
      case RxPacketType.ACKALL:
        return call.acknowledgeAll(now);
      case RxPacketType.BUSY:
        return this.isClient ? call.busy(now) : this.#host.dropped("BUSY to a server");
      case RxPacketType.ABORT: {
        this.channels[header.cid & 3]!.terminal = undefined;
        return call.close(abortedError(abortCodeOf(datagram.subarray(HEADER_BYTES)), "remote"), now);
      }
      default:
        if (header.type === 0 || header.type > RxPacketType.VERSION) call.abort(RxAbort.RX_PROTOCOL_ERROR, now);
        else this.#host.dropped("type out of place");
    }
  }

  #data(call: RxCall, header: RxHeader, datagram: Uint8Array, now: number): void {
    const packets = header.seq === 0 ? undefined : dataPackets(header, datagram);
    if (packets === undefined) return this.#host.dropped("malformed DATA");
    try {
      call.data(packets, now);
    } catch (error) {
      const code = (error as { abortCode?: unknown } | null)?.abortCode;
      if (typeof code !== "number") throw error;
      // what does not fit its seal says that keys or places differ: nothing of the connection can be believed
      this.abort(code, now, error, "local");
    }
  }

  /** A packet of a call that is over. */
  #late(state: RxChannel, header: RxHeader, datagram: Uint8Array, now: number): void {
    const { terminal } = state;
    if (header.type === RxPacketType.ABORT || terminal === undefined) return this.#host.dropped("late packet");
    const isQuestion = header.type === RxPacketType.DATA ||
      (header.type === RxPacketType.ACK && (header.flags & RxFlag.REQUEST_ACK) !== 0);
    if (terminal.kind === "acknowledge" && !isQuestion) return;
    if (!mayAnswerLate(terminal, now)) return this.#host.dropped("answer beyond its rate");
    if (!this.#mayAnswer(terminal.kind === "abort" ? HEADER_BYTES + 4 : FINAL_ACK_BYTES, now)) return;
    const channel = header.cid & 3;
    const abort = (code: number): void => this.#send(RxPacketType.ABORT, channel, state.callNumber, abortBody(code), 0);
    if (terminal.kind === "abort") return abort(terminal.code);
    const code = abortFor(terminal, header, datagram);
    if (code !== undefined) return abort(code);
    state.finalAckAt = Infinity;
    const reason = header.type === RxPacketType.DATA ? RxAckReason.DUPLICATE : RxAckReason.PING;
    this.#finalAck(channel, state.callNumber, terminal.last, reason, header.serial);
  }

  /** A packet of a call that has not begun here. */
  #newer(state: RxChannel, header: RxHeader, datagram: Uint8Array, now: number): void {
    // a client's own call before its first packet: nothing can have come
    if (this.isClient || header.type !== RxPacketType.DATA || header.seq === 0) {
      return this.#host.dropped("unknown call");
    }
    const maxJump = state.call && this.securityIndex === 0 ? MAX_UNPROVED_JUMP : MAX_JUMP;
    if (state.callNumber > 0 && header.callNumber - state.callNumber > maxJump) {
      return this.#host.dropped("call number out of reach");
    }
    if (header.seq > this.limits.receiveWindow) return this.#host.dropped("call without beginning");
    // an old call is not given up for one that nobody who has the key has made
    const isDoubtful = state.call !== undefined && this.securityIndex !== 0;
    if (isDoubtful && (this.isSecuring || !isGenuine(this.#protection, header, datagram))) {
      return this.#host.dropped("forged call");
    }
    if (isPutOff(state, header, now)) return this.refuse(header, RxPacketType.BUSY, NOTHING, now);
    if (this.refusals.isDeaf(now)) return this.#host.dropped("call beyond the rate of refusals");
    state.call?.replaced(now);
    const call = this.#host.serviceCall(this, header, now);
    if (call === undefined) return;
    state.callNumber = header.callNumber;
    state.call = call;
    state.terminal = undefined;
    call.attach({ connection: this, channel: header.cid & 3, callNumber: header.callNumber });
    if (this.isSecuring) {
      this.#park(header, datagram);
      if (this.#handshake!.begin(now)) this.#challenge(now);
      return this.#host.schedule(this);
    }
    this.#host.begin(call, now);
    if (!call.isClosed) this.#toCall(call, header, datagram, now);
  }

  #park(header: RxHeader, datagram: Uint8Array): void {
    if (header.type !== RxPacketType.DATA) return this.#host.dropped("early packet");
    const most = CHANNELS * this.limits.receiveWindow;
    if (!this.#handshake!.park(header, datagram, most)) this.#host.dropped("too much before the response");
  }

  #challenge(now: number): void {
    const body = this.#handshake!.challenge();
    if (!this.#mayTell(HEADER_BYTES + body.length, now)) return this.#host.dropped("CHALLENGE beyond its rate");
    this.#send(RxPacketType.CHALLENGE, 0, 0, body, 0);
  }

  /** Who has not proved that the address is his own gets no more than he sent, three times. */
  #mayTell(bytes: number, now: number): boolean {
    return !this.#host.mustProve(this, now) || this.peer.mayAnswer(bytes, now);
  }

  /** Whether a packet may be answered that belongs to no call that runs. */
  #mayAnswer(bytes: number, now: number): boolean {
    if (this.#terminals.take(now) && this.#mayTell(bytes, now)) return true;
    this.#host.dropped("answer beyond its rate");
    return false;
  }

  #challengeAgain(now: number): void {
    if (!this.isBusy) return this.#handshake!.stop();
    if (this.#handshake!.again(now)) return this.#challenge(now);
    const failure = this.#handshake!.failure;
    if (failure !== undefined) return this.abort(failure.code, now, failure.error, "local");
    this.#handshake!.stop();
    for (const { call } of this.channels) call?.abort(RxAbort.RX_CALL_DEAD, now);
  }

  #challenged(body: Uint8Array, now: number): void {
    // nothing is enciphered for somebody who asks without a reason
    if (!this.isBusy) return this.#host.dropped("CHALLENGE without a call");
    if (this.securityIndex === 0) return this.abort(RxAbort.RX_PROTOCOL_ERROR, now, undefined, "local");
    try {
      const response = this.#client!.respond(body, this.channels.map(leastNumber) as unknown as CallNumbers);
      this.#send(RxPacketType.RESPONSE, 0, 0, response, 0);
      this.#host.observer?.challenged?.(this.peer.address);
    } catch (error) {
      const code = (error as { abortCode?: unknown }).abortCode;
      if (typeof code !== "number") throw error;
      this.abort(code, now, error, "local");
    }
  }

  #responded(body: Uint8Array, now: number): void {
    const handshake = this.#handshake;
    if (handshake === undefined || !handshake.isWaiting) return this.#host.dropped("RESPONSE unasked");
    const accepted = handshake.respond(body, this.#host.wallMs(), now);
    // a bad response is answered late, so that keys can't be tried out quickly
    if (accepted === undefined) {
      this.#host.observer?.authenticationFailed?.(this.peer.address, handshake.failure!.error);
      return this.#host.schedule(this);
    }
    this.#protection = accepted.protection;
    this.identity = accepted.identity;
    this.peer.validated(now);
    accepted.callNumbers.forEach((number, at) => {
      const state = this.channels[at]!;
      // its client has a later one: what has come is an old one, sent again by somebody
      if (state.call !== undefined && state.call.place!.callNumber < number) refuseReplay(state, now);
      if (state.call === undefined) lastEnded(state, number - 1);
      else state.call.attach(state.call.place!);
    });
    for (const { call } of this.channels) if (call !== undefined) this.#host.begin(call, now);
    for (const { header, datagram } of handshake.unpark()) {
      if (this.deadCode === undefined) this.#callPacket(header, datagram, now);
    }
  }

  /** The first packet of a server tells which service answers; `false` when it is not the first that tells. */
  #isServiceRight({ serviceId }: RxHeader, now: number): boolean {
    if (this.#isUpgraded && serviceId !== this.service) {
      this.abort(RxAbort.RX_PROTOCOL_ERROR, now, undefined, "local");
      return false;
    }
    if (!this.isProbing) return true;
    this.isProbing = false;
    this.#isUpgraded = serviceId !== this.service;
    this.service = serviceId;
    this.#host.channelsFree(this, now);
    return true;
  }

  #answerDead(header: RxHeader, now: number): void {
    if (header.type === RxPacketType.ABORT) return this.#host.dropped("dead connection");
    if (!this.#mayAnswer(HEADER_BYTES + 4, now)) return;
    this.#send(RxPacketType.ABORT, 0, 0, abortBody(this.deadCode!), 0);
  }

  /** Whether an ABORT can come from somebody who has seen other packets of the connection. */
  #isPlausible({ type, serial }: RxHeader): boolean {
    if (type !== RxPacketType.ABORT || serial === 0) return true;
    return Math.abs(seqDiff(serial, this.#highestSerial)) <= MAX_SERIAL_DISTANCE;
  }

  #finalAck(channel: number, callNumber: number, last: number, reason: number, serial: number): void {
    const body = finalAckBody(last, reason, serial, this.limits);
    this.#send(RxPacketType.ACK, channel, callNumber, body, RxFlag.SLOW_START_OK);
  }

  #send(type: number, channel: number, callNumber: number, body: Uint8Array, flags: number): void {
    if (this.#control.length >= MAX_CONTROL) return this.#host.dropped("too many answers wait");
    const header = this.header(type, channel, callNumber);
    header.serial = this.nextSerial();
    header.flags |= flags;
    this.#control.push(packetOf(header, body));
    this.#host.enqueue(this);
  }
}
