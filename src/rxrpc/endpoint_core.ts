/**
 * The machine of the rxrpc layer: everything behind one UDP port, for calls in both directions.
 *
 * Follows the Rx protocol as OpenAFS and Linux speak it. What differs, because their packets can be forged: a packet
 * that belongs to nothing is not answered, except for the first of a call; nothing is answered with more than was
 * asked; a client's first call from an address that has not proved to be its own waits for that proof.
 *
 * Not here: sockets, streams, the clock. Datagrams come by `push`, go by `transmit`; `flush` lies between.
 * @module
 */
import { Reasons } from "../core/reasons.ts";
import { readU32 } from "../bytes/integers.ts";
import { RxAbort } from "./abort_codes.ts";
import { RxCall } from "./call.ts";
import type { Sender } from "./call_host.ts";
import { ClientReaper } from "./client_reaper.ts";
import { ClientTable } from "./client_table.ts";
import { RxConnection } from "./connection.ts";
import type { ConnectionHost } from "./connection_host.ts";
import { abortBody } from "./control_packet.ts";
import { debugAnswer, debugConnection, debugPeer, debugRefusal } from "./debug_answers.ts";
import { checkOptions, newStats, type RxEndpointEngineOptions, type RxEndpointStats } from "./endpoint_options.ts";
import { RxrpcError } from "./errors.ts";
import { decodeHeader, HEADER_BYTES, type RxHeader } from "./header.ts";
import { HeldBytes } from "./held_bytes.ts";
import { type CheckedLimits, checkedLimits, checkedTimeouts, checkNumber } from "./limits.ts";
import { NatKeepalive } from "./nat_keepalive.ts";
import { networkFailed, type RxNetworkFailure } from "./network_failure.ts";
import { guardedObserver, type RxObserver, type RxRefusal } from "./observer.ts";
import { type AskedService, checkSecurity, checkService, OfferedServices } from "./offered_services.ts";
import { CountedOut, PacketCounters } from "./packet_counters.ts";
import { PacketSlab } from "./packet_slab.ts";
import { RxFlag, RxPacketType } from "./packet_types.ts";
import { PeerTable } from "./peer_table.ts";
import type {
  RxAddress,
  RxCallOptions,
  RxCallPort,
  RxCallSink,
  RxDatagram,
  RxEndpointSink,
  RxOut,
  RxService,
} from "./ports.ts";
import { Questions, type RxQuestion } from "./questions.ts";
import { firstSerial, mustProve } from "./reach_check.ts";
import { none } from "./security/none.ts";
import { ServiceTable } from "./service_table.ts";
import { makeRoom, putOff } from "./refusals.ts";
import type { RxSnapshot } from "./snapshot.ts";
import { Strangers } from "./strangers.ts";
import { type Timed, TimerQueue } from "../core/timer_queue.ts";

const UPGRADE = 1;
/** Packets of data that a call sends before others have their turn. */
const BURST = 10;

/** The machine behind {@linkcode RxEndpointEngine}, with what connections and calls need of it. */
export class EndpointCore implements ConnectionHost {
  readonly limits: CheckedLimits;
  readonly held: HeldBytes;
  /** Where packets are put that may have to be sent again. */
  readonly slab: PacketSlab = new PacketSlab();
  /** What was dropped, by reason. */
  readonly drops: Reasons = new Reasons();
  readonly stats: RxEndpointStats = newStats();
  readonly observer: RxObserver | undefined;
  readonly #options: RxEndpointEngineOptions;
  readonly #sink: RxEndpointSink;
  readonly #services: OfferedServices = new OfferedServices();
  readonly #clients: ClientTable;
  readonly #serviceConnections: ServiceTable;
  readonly #peers: PeerTable = new PeerTable();
  readonly #timers: TimerQueue = new TimerQueue();
  readonly #epoch: number;
  readonly #reaper: ClientReaper;
  readonly #strangers: Strangers;
  readonly #questions: Questions;
  readonly #keepalive: NatKeepalive;
  readonly #types: PacketCounters = new PacketCounters();
  readonly #out: CountedOut = new CountedOut(this.#types, this.stats);
  #senders: Sender[] = [];
  #resting: RxCall[] = [];
  #isClosed = false;
  /** Time of the last call of anything. */
  #now = 0;

  /**
   * Makes an endpoint without calls.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: RxEndpointEngineOptions, sink: RxEndpointSink) {
    this.limits = checkedLimits(options);
    checkOptions(options);
    this.observer = guardedObserver(options.observer, () => this.dropped("observer threw"));
    this.held = new HeldBytes(this.limits);
    this.#serviceConnections = new ServiceTable(this.limits, (connection) => {
      this.forget(connection);
      this.dropped("connection evicted");
    });
    this.#options = options;
    this.#sink = sink;
    this.#strangers = new Strangers(this.limits.statelessPerSecond, (reason) => this.dropped(reason));
    const random = new Uint8Array(12);
    options.random(random);
    // the highest bit says that the epoch is random
    this.#epoch = (readU32(random, 0) | 0x80000000) >>> 0;
    this.#questions = new Questions(readU32(random, 8));
    this.#keepalive = new NatKeepalive(this.limits.natKeepaliveMs, this.#epoch, () => this.#clients.servers());
    this.#clients = new ClientTable({
      maxConnectionsPerBundle: this.limits.maxConnectionsPerBundle,
      maxQueuedCalls: this.limits.maxQueuedCalls,
      connect: (cid, call, security) =>
        new RxConnection(this, {
          isClient: true,
          peer: this.#peers.of(call.to, 0),
          epoch: this.#epoch,
          cid,
          service: call.service,
          securityIndex: security.index,
          protection: security.connect({ epoch: this.#epoch, cid }),
        }, this.#now),
    }, readU32(random, 4));
    this.#reaper = new ClientReaper({
      idle: this.#clients.idle,
      keptMs: this.limits.idleClientFastMs,
      isCrowded: () => this.#clients.size > this.limits.reapThreshold,
      forget: (connection) => this.forget(connection),
    });
  }

  /** Connections of this end, and of others. */
  get connections(): { readonly client: number; readonly service: number } {
    return { client: this.#clients.size, service: this.#serviceConnections.size };
  }

  /** Everything that there is, as it is now. */
  snapshot(): RxSnapshot {
    return {
      stats: { ...this.stats },
      drops: this.drops.toJSON(),
      heldBytes: this.heldBytes,
      waitingCalls: this.#clients.waiting,
      bundles: this.#clients.bundles(),
      connections: this.#connections().map(debugConnection),
      peers: [...this.#peers.values()].map(debugPeer),
    };
  }

  /** The network says something about datagrams that were sent. */
  networkFailed(failure: RxNetworkFailure, now: number): void {
    this.#now = now;
    const peer = this.#peers.find(failure.to);
    if (peer !== undefined) networkFailed(failure, peer, this.#connections(), this.#questions, now);
  }

  #connections(): RxConnection[] {
    return [...this.#serviceConnections.connections(), ...this.#clients.connections()];
  }

  /** Bytes that have come and were not taken yet. */
  get heldBytes(): number {
    return this.held.total;
  }

  /**
   * Makes a call. It has its place when `opened` is told, which may be before this returns.
   *
   * @throws {RxrpcError} `ENOBUFS` when too many calls wait, `ESHUTDOWN` when the endpoint is closed
   * @throws {RangeError} when service or port can't be
   */
  call(options: RxCallOptions, sink: RxCallSink, now: number): RxCallPort {
    this.#mayBegin(options.to, now);
    checkNumber("service", options.service);
    if (options.security !== undefined) checkSecurity(options.security, "connect", "rxkadClient");
    const call = new RxCall(this, {
      isClient: true,
      service: options.service,
      timeouts: checkedTimeouts(options.timeouts),
      peer: this.#peers.of(options.to, now),
      failsWhenBusy: options.failsWhenBusy,
      mayUpgrade: options.mayUpgrade,
      length: options.length,
      tag: options.tag,
      sink,
    }, now);
    this.#clients.add(call, options, options.security ?? none(), now);
    this.schedule(this.#reaper);
    this.#keepalive.begin(now);
    this.schedule(this.#keepalive);
    this.stats.clientCalls++;
    this.schedule(call);
    return call;
  }

  /**
   * Takes calls for a service from now on.
   *
   * @throws {TypeError | RangeError} when it can be none
   */
  offer(service: RxService): void {
    checkService(service);
    this.withdraw(service.id);
    this.#services.add(service);
  }

  /** Takes no calls for it any more; those that run go on. */
  withdraw(id: number): void {
    const service = this.#services.remove(id);
    if (service === undefined) return;
    // whoever offers it again may ask for more security than these connections have
    for (const connection of [...this.#serviceConnections.connections()]) {
      const isOfIt = connection.service === id || connection.service === service.upgradeTo;
      if (isOfIt && !connection.isBusy) this.forget(connection);
    }
  }

  /** Asks what is no call; the result stops waiting for the answer. Such packets can be forged. */
  ask(question: RxQuestion, now: number): () => void {
    this.#mayBegin(question.to, now);
    if (this.#questions.isFull) throw new RxrpcError("too many questions wait", { code: "ENOBUFS", blame: "local" });
    // what the network says of it is believed more slowly once it has answered
    this.#peers.of(question.to, now);
    const stop = this.#questions.ask(question, now);
    this.schedule(this.#questions);
    return stop;
  }

  /** Takes a datagram. */
  push(input: RxDatagram, now: number): void {
    this.#now = now;
    const { data, from } = input;
    this.stats.received++;
    this.stats.receivedBytes += data.length;
    const header = decodeHeader(data);
    if (header === undefined) return this.dropped("short");
    this.#types.came(header.type);
    const isToServer = (header.flags & RxFlag.CLIENT_INITIATED) !== 0;
    switch (header.type) {
      case RxPacketType.VERSION:
        if (!isToServer) return this.#answered(header, data, from);
        return this.#strangers.version(header, data.length, this.#options.version ?? "leat", from, now);
      case RxPacketType.DEBUG:
        return isToServer ? this.#debug(header, data, from) : this.#answered(header, data, from);
      case RxPacketType.PARAMS:
      case 10:
      case 11:
      case 12:
        return this.dropped("unknown type");
      case RxPacketType.ABORT:
        if (data.length < HEADER_BYTES + 4) return this.dropped("short ABORT");
        break;
      case RxPacketType.BUSY:
      case RxPacketType.CHALLENGE:
        if (isToServer) return this.dropped("wrong direction");
        break;
      case RxPacketType.RESPONSE:
        if (!isToServer) return this.dropped("wrong direction");
    }
    if (isToServer) this.#toService(header, data, from, now);
    else this.#toClient(header, data, from, now);
  }

  /** The datagrams of a batch are all in. Nothing waits for this yet. */
  flush(_now: number): void {}

  /** Fills datagrams as long as there is something to send and room. */
  transmit(out: RxOut, now: number): void {
    this.#now = now;
    const counting = this.#out.before(out);
    if (!this.#strangers.transmit(counting) || !this.#questions.transmit(counting)) return;
    if (!this.#keepalive.transmit(counting)) return;
    const senders = this.#senders;
    if (senders.length === 0) return;
    this.#senders = [];
    for (let at = 0; at < senders.length; at++) {
      const sender = senders[at]!;
      sender.isQueued = false;
      if (!sender.transmit(counting, now)) {
        sender.isQueued = true;
        this.#senders = [...senders.slice(at), ...this.#senders];
        return;
      }
      if (sender instanceof RxCall && sender.burst <= 0) this.#resting.push(sender);
    }
  }

  timeoutAt(): number {
    return this.#resting.length > 0 ? this.#now : this.#timers.nextAt;
  }

  onTimeout(now: number): void {
    this.#now = now;
    const rested = this.#resting;
    this.#resting = [];
    for (const call of rested) {
      call.burst = BURST;
      this.enqueue(call);
    }
    this.#timers.run(now);
  }

  /** Ends everything: calls are aborted with -1. What there is to send goes with the next `transmit`. */
  close(now: number): void {
    this.#now = now;
    this.#isClosed = true;
    this.#services.clear();
    const error = new RxrpcError("the endpoint is closed", { code: "ESHUTDOWN", blame: "local" });
    this.#questions.close(error);
    for (const call of this.#clients.queued()) call.close(error, now);
    for (const table of [this.#clients, this.#serviceConnections]) {
      for (const connection of table.connections()) {
        connection.acknowledgeEnded(Infinity);
        for (const { call } of connection.channels) {
          if (call === undefined) continue;
          connection.abortCall(call, RxAbort.RX_CALL_DEAD, now);
          call.close(error, now);
        }
      }
    }
  }

  // What calls and connections need.

  wallMs(): number {
    return this.#options.wallMs();
  }

  schedule(timed: Timed): void {
    this.#timers.update(timed);
  }

  enqueue(sender: Sender): void {
    if (sender.isQueued) return;
    sender.isQueued = true;
    this.#senders.push(sender);
  }

  dropped(reason: string): void {
    this.drops.count(reason);
  }

  idleMs(connection: RxConnection): number {
    return connection.isClient ? this.limits.idleClientMs : this.#serviceConnections.idleMs;
  }

  forget(connection: RxConnection): void {
    connection.forgotten();
    if (connection.isClient) {
      this.#clients.remove(connection, this.#now);
    } else {
      this.#serviceConnections.remove(connection);
    }
  }

  callClosed(connection: RxConnection, call: RxCall, now: number): void {
    const { sent, resent } = call.sending.stats;
    call.peer.sent += sent + resent;
    call.peer.resent += resent;
    if (connection.isClient) {
      this.#clients.ended(connection, now);
      return this.schedule(this.#reaper);
    }
    call.peer.serviceCalls--;
    this.held.removeUnprovenCall(call);
    this.#serviceConnections.used(connection);
  }

  channelsFree(connection: RxConnection, now: number): void {
    this.#clients.pump(connection, now);
  }

  serviceCall(connection: RxConnection, header: RxHeader, now: number): RxCall | undefined {
    const { peer } = connection;
    const service = this.#isClosed ? undefined : this.#services.of(connection);
    if (service === undefined) {
      this.#refused(peer.address, connection.service, "service");
      connection.refuse(header, RxPacketType.ABORT, abortBody(RxAbort.RX_INVALID_OPERATION), now);
      return undefined;
    }
    const isUnproven = this.mustProve(connection, now);
    if (peer.serviceCalls >= this.limits.maxServiceCallsPerPeer) {
      this.#refused(peer.address, connection.service, "maxServiceCallsPerPeer");
      connection.refuse(header, RxPacketType.BUSY, new Uint8Array(0), now);
      return undefined;
    }
    if (isUnproven) makeRoom(this.held.oneUnprovenTooMany, this.observer, now);
    peer.serviceCalls++;
    this.stats.serviceCalls++;
    const { userStatus } = header;
    const timeouts = service.timeouts ?? {};
    const call = new RxCall(this, { isClient: false, service: connection.service, peer, timeouts, userStatus }, now);
    if (isUnproven) this.held.addUnprovenCall(call);
    return call;
  }

  begin(call: RxCall, now: number): void {
    const { connection } = call.place!;
    if (this.mustProve(connection, now)) return call.gate(now);
    this.held.removeUnprovenCall(call);
    const decision = this.#sink.incoming(call);
    if (typeof decision === "object" && !call.isClosed) return call.accept(decision);
    connection.refusals.count(now);
    // whoever was to decide may have aborted it
    if (call.isClosed) return;
    if (decision === "busy") putOff(call, now);
    else call.abort(decision as number, now);
  }

  mustProve(connection: RxConnection, now: number): boolean {
    return mustProve(connection, this.#options.reachCheck, now);
  }

  #mayBegin({ port }: RxAddress, now: number): void {
    if (this.#isClosed) throw new RxrpcError("the endpoint is closed", { code: "ESHUTDOWN", blame: "local" });
    checkNumber("port", port);
    this.#now = now;
  }

  #toClient(header: RxHeader, data: Uint8Array, from: RxAddress, now: number): void {
    const connection = this.#clients.find(header.cid);
    if (connection === undefined || header.epoch !== this.#epoch) return this.dropped("unknown connection");
    const { address, port } = connection.peer.address;
    const isFromThere = from.port === port && (from.address === address || this.#options.acceptMultihomed !== false);
    if (!isFromThere) return this.dropped("reply from elsewhere");
    connection.receive(header, data, now);
  }

  #toService(header: RxHeader, data: Uint8Array, from: RxAddress, now: number): void {
    const found = this.#serviceConnections.find(header, from);
    if (found !== undefined) return found.receive(header, data, now);
    if (header.type !== RxPacketType.DATA || header.callNumber === 0 || header.seq === 0) {
      return this.dropped("unknown connection");
    }
    const asked = this.#isClosed ? undefined : this.#services.askedBy(header);
    if (asked === undefined) {
      if (header.seq !== 1) return this.dropped("unknown service");
      this.#refused(from, header.serviceId, "service");
      return this.#strangers.refuse(header, from, RxPacketType.ABORT, abortBody(RxAbort.RX_INVALID_OPERATION), now);
    }
    if (header.seq > this.limits.receiveWindow) return this.dropped("call without beginning");
    const full = this.#serviceConnections.makeRoom(from.address, now);
    if (full !== undefined) {
      this.#refused(from, header.serviceId, full);
      return this.#strangers.refuse(header, from, RxPacketType.BUSY, new Uint8Array(0), now);
    }
    this.#accept(header, from, asked, now).receive(header, data, now);
  }

  #accept(header: RxHeader, from: RxAddress, { service, security }: AskedService, now: number): RxConnection {
    const peer = this.#peers.of(from, now);
    const cid = (header.cid & ~3) >>> 0;
    const isUpgraded = service.upgradeTo !== undefined && header.userStatus === UPGRADE && header.seq === 1;
    const connection = new RxConnection(this, {
      isClient: false,
      peer,
      epoch: header.epoch,
      cid,
      service: isUpgraded ? service.upgradeTo! : service.id,
      securityIndex: security.index,
      security,
      serial: firstSerial(this.#options.random),
      server: security.challenge({ epoch: header.epoch, cid }),
    }, now);
    this.#serviceConnections.add(connection);
    this.schedule(connection);
    return connection;
  }

  #refused(remote: RxAddress, service: number, why: RxRefusal): void {
    this.observer?.refused?.(remote, service, why);
  }

  #answered(header: RxHeader, data: Uint8Array, from: RxAddress): void {
    if (!this.#questions.answer(header, data.subarray(HEADER_BYTES), from)) {
      return this.dropped("answer without a question");
    }
    this.#peers.find(from)?.heard(this.#now);
  }

  #debug(header: RxHeader, data: Uint8Array, from: RxAddress): void {
    const refusal = debugRefusal(this.#options.answersDebug, from);
    if (refusal !== undefined) return this.dropped(refusal);
    const body = debugAnswer({
      callsExecuted: this.stats.serviceCalls,
      waiting: this.#clients.waiting,
      connections: () => this.#connections(),
      peers: () => this.#peers.values(),
      counters: () => this.#types.counters(this.stats, this.connections, this.#peers.size),
    }, data.subarray(HEADER_BYTES));
    if (body === undefined) return this.dropped("short DEBUG");
    this.#strangers.trusted(header, body, from);
  }
}
