/**
 * The TCP of an endpoint: all connections, found by their ends, and everything that belongs to none of them (RFC 9293
 * section 3.10). Any address, any port: nothing has to be configured or listened on.
 *
 * Not here: IP, whose packets come in as {@linkcode IpPacket} with all checksums verified; and what happens on a connection
 * that is open.
 *
 * @module
 */
import type { FillRandom } from "../../core/random.ts";
import { TimerQueue } from "../../core/timer_queue.ts";
import { TcpFlag } from "../../packet/tcp.ts";
import { L3L4Error } from "../errors.ts";
import { checkPort, versionOf } from "../flow_ends.ts";
import { IpTemplate } from "../ip_header.ts";
import type { IpPacket } from "../ip_packet.ts";
import type { FlowPath, TcpPort, TcpPortOptions, TcpSink, Verdict } from "../l3l4_sink.ts";
import type { PacketOut } from "../packet_out.ts";
import type { TcpConnectOptions } from "../stack_engine.ts";
import { Summer } from "../../bytes/summer.ts";
import { BufferPool } from "./buffer_pool.ts";
import { Demux } from "./demux.ts";
import { EphemeralPorts } from "./ephemeral_ports.ts";
import { FlowEnds } from "./flow_ends.ts";
import { PassiveOpens, type PassiveOpensHost } from "./passive_opens.ts";
import { RecoveryPool } from "./recovery_pool.ts";
import { SegmentCursor } from "./segment_cursor.ts";
import { SegmentWriter } from "./segment_writer.ts";
import { type ConnectionParts, TcpConnection } from "./tcp_connection.ts";
import { TcpAnswers } from "./tcp_answers.ts";
import type { Ending, Handshake, HostedConnection, IcmpErrorNews, PassiveHandshake, TcpHost } from "./tcp_host.ts";
import { TcpKey } from "./tcp_key.ts";
import { tableHash, TcpSecrets } from "./tcp_secrets.ts";
import type { TcpSettings } from "./tcp_settings.ts";
import { TCP_STATE_NAMES, type TcpStateName } from "./tcp_state.ts";
import { newTcpStats, type TcpStats } from "./tcp_stats.ts";
import { TimeWaitTable } from "./time_wait.ts";
import { reopensTimeWait, TimeWaitAnswers } from "./time_wait_answers.ts";
import { TransmitQueue } from "./transmit_queue.ts";

const PROTOCOL_TCP = 6;

/** Answers that are sent before a connection has its turn. */
const ANSWERS_IN_TURN = 16;

const SYN_FIN = TcpFlag.SYN | TcpFlag.FIN;

/** Makes connections: {@linkcode TcpConnection}, or what a test puts in its place. */
export interface ConnectionFactory {
  /** One that sends a SYN. */
  connect(parts: ConnectionParts, handshake: Handshake, now: number): HostedConnection & TcpPort;
  /** One whose SYN-ACK has been acknowledged; that segment is given to its `receive` next. */
  accept(parts: ConnectionParts, handshake: PassiveHandshake, now: number): HostedConnection & TcpPort;
}

/** What a table needs of its surroundings. */
export interface TcpSurroundings {
  /** Secrets are drawn from it. */
  readonly random: FillRandom;
  /** Largest IP packet that goes to this peer now. */
  pathMtu(path: FlowPath): number;
}

/** The TCP of an endpoint. */
export class TcpTable implements TcpHost, PassiveOpensHost {
  /** Options, checked. */
  readonly settings: TcpSettings;
  /** Memory for bytes. */
  readonly buffers: BufferPool;
  /** Memory for what is known of data under way. */
  readonly recoveries: RecoveryPool = new RecoveryPool();
  /** Writes segments. */
  readonly writer: SegmentWriter;
  /** Secrets. */
  readonly secrets: TcpSecrets;
  /** Segments that belong to no connection. */
  readonly answers: TcpAnswers;
  /** Counters as they grow; `stats` has the rest. */
  readonly counters: TcpStats = newTcpStats();
  readonly #surroundings: TcpSurroundings;
  readonly #sink: TcpSink;
  readonly #connections: ConnectionFactory;
  readonly #sip;
  readonly #demux = new Demux<HostedConnection>();
  readonly #passive: PassiveOpens;
  readonly #timeWait: TimeWaitTable;
  readonly #timeWaitAnswers: TimeWaitAnswers;
  readonly #ports: EphemeralPorts;
  readonly #timers = new TimerQueue();
  readonly #transmits = new TransmitQueue();
  readonly #segment = new SegmentCursor();
  /** The ends of the segment that is looked at, and of what a connection asks for meanwhile. */
  readonly #key = new TcpKey();
  readonly #ownKey = new TcpKey();
  #toTell: HostedConnection[] = [];
  #isFlushing = false;
  #wereAnswersLast = false;
  #lastId = 0;

  /** An endpoint without connections. `settings` come from `tcpSettings`. */
  constructor(
    settings: TcpSettings,
    surroundings: TcpSurroundings,
    sink: TcpSink,
    connections: ConnectionFactory = TcpConnection,
  ) {
    const { random } = surroundings;
    const summer = new Summer();
    this.settings = settings;
    this.buffers = new BufferPool(settings.maxBufferBytes);
    this.writer = new SegmentWriter(summer);
    this.secrets = new TcpSecrets(random);
    this.answers = new TcpAnswers(settings, summer);
    this.#surroundings = surroundings;
    this.#sink = sink;
    this.#connections = connections;
    this.#sip = tableHash(random);
    this.#passive = new PassiveOpens(this, sink, random);
    this.#timeWait = new TimeWaitTable(settings.maxTimeWait, settings.timeWaitMs, this.#sip);
    this.#timeWaitAnswers = new TimeWaitAnswers(this.#timeWait, this.answers, this.secrets);
    this.#ports = new EphemeralPorts(this.secrets);
  }

  /** Takes a segment: a datagram for protocol 6 whose checksums are right. */
  receive(packet: IpPacket, now: number): void {
    const segment = this.#segment;
    this.counters.segments++;
    if (!segment.read(packet)) {
      this.counters.malformed++;
      return;
    }
    if ((segment.flags & SYN_FIN) === SYN_FIN && this.settings.dropsSynFin) return;
    const key = this.#key;
    key.readPacket(packet);
    const connection = this.#demux.findRecent(key);
    if (connection !== null) connection.receive(segment, now);
    else this.#receiveByHash(segment, key, now);
  }

  #receiveByHash(segment: SegmentCursor, key: TcpKey, now: number): void {
    const hash = key.hash(this.#sip);
    const connection = this.#demux.find(key, hash);
    if (connection !== null) return connection.receive(segment, now);
    const slot = this.#passive.halfOpen.find(key, hash);
    if (slot >= 0) return this.#passive.receive(slot, segment, key, now);
    const id = this.#timeWait.find(key, hash);
    if (id >= 0) return this.#receiveInTimeWait(id, segment, key, hash, now);
    this.#receiveStray(segment, key, hash, now);
  }

  #receiveInTimeWait(id: number, segment: SegmentCursor, key: TcpKey, hash: number, now: number): void {
    const ending = this.#timeWait.ending(id);
    if (reopensTimeWait(ending, segment, this.settings)) {
      if (!this.#passive.receiveSyn(segment, key, hash, now, ending.sendNext)) return;
      this.counters.timeWaitReopened++;
      this.#timeWait.remove(id);
      return;
    }
    const isOldSyn = (segment.flags & (TcpFlag.SYN | TcpFlag.ACK)) === TcpFlag.SYN;
    if (isOldSyn && this.settings.ignoresOldSyns) return;
    if (this.#timeWaitAnswers.receive(id, ending, segment, key, now)) this.counters.answersDropped++;
  }

  /** RFC 9293 section 3.10.7.1 and 3.10.7.2. */
  #receiveStray(segment: SegmentCursor, key: TcpKey, hash: number, now: number): void {
    const { flags } = segment;
    const { counters } = this;
    if (key.isUnsuitable) {
      counters.unsuitable++;
      return;
    }
    if ((flags & (TcpFlag.SYN | TcpFlag.ACK | TcpFlag.RST)) === TcpFlag.SYN) {
      this.#passive.receiveSyn(segment, key, hash, now);
      return;
    }
    const mayBeCookie = (flags & (TcpFlag.SYN | TcpFlag.ACK | TcpFlag.RST)) === TcpFlag.ACK;
    if (mayBeCookie && this.#passive.receiveCookie(segment, key, hash, now)) return;
    counters.strays++;
    const { strays } = this.settings;
    if ((flags & TcpFlag.RST) !== 0 || strays === "ignore") return;
    if (strays === "reset" || mayBeCookie) this.reset(segment, key);
  }

  /** Answers a segment with a reset. */
  reset(segment: SegmentCursor, key: TcpKey): void {
    const { answers, counters } = this;
    if ((segment.flags & TcpFlag.ACK) !== 0) answers.bare(segment.acknowledgment, 0, TcpFlag.RST, 0);
    else answers.bare(0, (segment.sequence + segment.length) | 0, TcpFlag.RST | TcpFlag.ACK, 0);
    if (answers.push(key, true)) counters.resets++;
    else counters.answersDropped++;
  }

  /** Whether there is room for another connection. */
  get hasRoom(): boolean {
    return this.#demux.size < this.settings.maxConnections;
  }

  /** A peer has acknowledged our SYN-ACK. */
  open(
    key: TcpKey,
    hash: number,
    handshake: PassiveHandshake,
    options: TcpPortOptions | undefined,
    segment: SegmentCursor,
    now: number,
  ): void {
    this.counters.passiveOpens++;
    const connection = this.#connections.accept(this.#parts(key, options ?? {}), handshake, now);
    this.#add(connection, hash);
    connection.receive(segment, now);
  }

  /**
   * Connects.
   *
   * @throws {@linkcode L3L4Error} when there is no room, the port is taken, or no TCP runs between such addresses
   * @throws {TypeError} or {@linkcode RangeError} for wrong arguments
   */
  connect(options: TcpConnectOptions, now: number): TcpPort {
    const key = this.#ownKey;
    const { localAddress, remoteAddress, remotePort, localPort } = options;
    const version = versionOf(localAddress, remoteAddress);
    checkPort("localPort", localPort);
    checkPort("remotePort", remotePort);
    key.readPath({ version, localAddress, localPort: localPort ?? 1, remoteAddress, remotePort });
    if (key.isUnsuitable) throw failure("EADDRNOTAVAIL", "no TCP runs between such addresses");
    if (!this.hasRoom) throw failure("ENOBUFS", `there are ${this.#demux.size} connections, maxConnections`);
    if (localPort !== undefined && !this.#isFree(key)) throw failure("EADDRINUSE", `port ${localPort} is taken`);
    if (localPort === undefined && !this.#ports.choose(key, (other) => this.#isFree(other))) {
      throw failure("EADDRNOTAVAIL", "no port is free for this peer");
    }
    const hash = key.hash(this.#sip);
    const handshake: Handshake = {
      sendInitial: this.secrets.initialSequence(key, now),
      tsOffset: this.secrets.timestampOffset(key),
    };
    const connection = this.#connections.connect(this.#parts(key, options), handshake, now);
    this.counters.activeOpens++;
    this.#add(connection, hash);
    return connection;
  }

  #isFree(key: TcpKey): boolean {
    const hash = key.hash(this.#sip);
    return this.#demux.find(key, hash) === null && this.#passive.halfOpen.find(key, hash) < 0 &&
      this.#timeWait.find(key, hash) < 0;
  }

  #parts(key: TcpKey, options: TcpPortOptions): ConnectionParts {
    const { version, localAddress, localPort, remoteAddress, remotePort } = key.toPath();
    const { hopLimit, dscp } = this.settings;
    const template = new IpTemplate(version, localAddress, remoteAddress, PROTOCOL_TCP, hopLimit, dscp);
    const path = new FlowEnds(template, localPort, remotePort);
    return { host: this, sink: this.#sink, id: ++this.#lastId, path, template, options };
  }

  #add(connection: HostedConnection, hash: number): void {
    this.#demux.add(connection, hash);
    this.#timers.update(connection);
  }

  /**
   * What becomes of the connection `token` whose verdict was `"later"`; `false` when it is gone already. `options` are for
   * one that is accepted.
   */
  decide(token: number, verdict: Verdict, options: TcpPortOptions | undefined, now: number): boolean {
    return this.#passive.decide(token, verdict, options, now);
  }

  /** An error of ICMP came for the flow `path`. */
  icmpError(path: FlowPath, news: IcmpErrorNews, now: number): void {
    const key = this.#key;
    key.readPath(path);
    const hash = key.hash(this.#sip);
    const connection = this.#demux.find(key, hash);
    if (connection !== null) return connection.icmpError(news, now);
    const slot = this.#passive.halfOpen.find(key, hash);
    if (slot >= 0 && news.isHard) this.#passive.icmpError(slot, news.sequence);
  }

  /** Tells the sink what has happened. */
  flush(_now: number): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      while (this.#toTell.length > 0) {
        const batch = this.#toTell;
        this.#toTell = [];
        for (const connection of batch) {
          connection.isQueuedForFlush = false;
          connection.tell();
        }
      }
    } finally {
      this.#isFlushing = false;
    }
  }

  /** Sends what is to be sent. `false` when `out` had no room for all of it. */
  transmit(out: PacketOut, now: number): boolean {
    const { answers } = this;
    const transmits = this.#transmits;
    // a flood that is answered must not keep connections from sending, nor they handshakes
    let isAnswersTurn = !this.#wereAnswersLast;
    while (answers.size > 0) {
      this.#wereAnswersLast = isAnswersTurn;
      if (!(isAnswersTurn ? answers.transmit(out, ANSWERS_IN_TURN) : transmits.turn(out, now))) return false;
      isAnswersTurn = !isAnswersTurn;
    }
    this.#wereAnswersLast = false;
    return transmits.transmit(out, now);
  }

  /** When `onTimeout` is to be called. */
  timeoutAt(): number {
    return Math.min(this.#timers.nextAt, this.#passive.halfOpen.nextAt, this.#timeWait.nextAt);
  }

  /** Runs what is due, and tells the sink. */
  onTimeout(now: number): void {
    this.#timers.run(now);
    this.#passive.onTimeout(now);
    this.#timeWait.expire(now);
    this.flush(now);
  }

  /** States of all connections, half-open ones and those in TIME-WAIT included. */
  states(): TcpStateName[] {
    const states = [...this.#demux].map(({ state }) => TCP_STATE_NAMES[state]!);
    for (let i = this.#passive.halfOpen.size; i > 0; i--) states.push("SYN-RECEIVED");
    for (let i = this.#timeWait.size; i > 0; i--) states.push("TIME-WAIT");
    return states;
  }

  /** What `pathMtu` says has changed. */
  pathsChanged(): void {
    for (const connection of this.#demux) connection.pathChanged();
  }

  /** All connections, half-open ones and those in TIME-WAIT apart. */
  connections(): Iterable<HostedConnection> {
    return this.#demux;
  }

  /** Forgets all connections in this state, or all, without a word to the peers. */
  forget(state: TcpStateName | undefined, error: L3L4Error | null): void {
    for (const connection of [...this.#demux]) {
      if (state === undefined || TCP_STATE_NAMES[connection.state] === state) connection.drop(error);
    }
    const { halfOpen } = this.#passive;
    if (state === undefined || state === "SYN-RECEIVED") {
      while (halfOpen.size > 0) halfOpen.remove(halfOpen.oldest);
    }
    if (state === undefined || state === "TIME-WAIT") this.#timeWait.clear();
  }

  /** Counters. */
  get stats(): Readonly<TcpStats> {
    return {
      ...this.counters,
      connections: this.#demux.size,
      halfOpen: this.#passive.halfOpen.size,
      timeWait: this.#timeWait.size,
      bufferBytes: this.buffers.usedBytes,
    };
  }

  /** Bytes of memory that half-open connections and those in TIME-WAIT take. */
  get tableBytes(): number {
    return this.#passive.halfOpen.byteLength + this.#timeWait.byteLength;
  }

  /** See {@linkcode TcpHost}. */
  pathMtu(path: FlowPath): number {
    return this.#surroundings.pathMtu(path);
  }

  /** See {@linkcode TcpHost}. */
  wantsTransmit(connection: HostedConnection): void {
    this.#transmits.push(connection);
  }

  /** See {@linkcode TcpHost}. */
  wantsTimer(connection: HostedConnection): void {
    this.#timers.update(connection);
  }

  /** See {@linkcode TcpHost}. */
  wantsFlush(connection: HostedConnection): void {
    if (connection.isQueuedForFlush) return;
    connection.isQueuedForFlush = true;
    this.#toTell.push(connection);
  }

  /** See {@linkcode TcpHost}. */
  enterTimeWait(connection: HostedConnection, ending: Ending, now: number): void {
    if (!this.#remove(connection)) return;
    if (this.settings.timeWaitMs === 0) return;
    if (this.#timeWait.add(this.#ownKey, connection.hash, ending, now)) this.counters.timeWaitEvicted++;
  }

  /** See {@linkcode TcpHost}. */
  removed(connection: HostedConnection): void {
    this.#remove(connection);
  }

  /** Takes it out, whose ends are in `#ownKey` then. What it has to send and to tell still goes its way. */
  #remove(connection: HostedConnection): boolean {
    this.#ownKey.readEnds(connection);
    this.#timers.update(connection);
    return this.#demux.remove(connection, this.#ownKey);
  }
}

function failure(code: string, message: string): L3L4Error {
  return new L3L4Error(message, { code, blame: "local" });
}
