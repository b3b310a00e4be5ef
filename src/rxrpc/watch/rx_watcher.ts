/**
 * Watches the calls of others: datagrams of a capture in, calls out, with what was lost, sent again, acknowledged.
 *
 * Not here: finding out which datagrams are of Rx (`looksLikeRx`), and deciphering.
 *
 * @module
 */
import { durationOption, limitOption } from "../../core/limits.ts";
import { abortCodeOf } from "../control_packet.ts";
import { decodeAck, type RxAck } from "../ack.ts";
import { decodeHeader, HEADER_BYTES, type RxHeader } from "../header.ts";
import { dataPackets } from "../jumbo.ts";
import { RxFlag, RxPacketType, TIMED_REASONS } from "../packet_types.ts";
import type { RxSide, RxWatchedDatagram, RxWatchedPacket, RxWatchSink } from "./records.ts";
import type { RingCount } from "./ring_table.ts";
import { WatchedCall } from "./watched_call.ts";
import { WatchedConnection } from "./watched_connection.ts";

/** Options of a {@linkcode RxWatcher}. */
export interface RxWatcherOptions {
  /** Connections that are watched at a time; beyond, the one that was quiet the longest is given up. @default {10000} */
  readonly maxConnections?: number | undefined;
  /** A connection that is quiet for so long is given up. Milliseconds. @default {600000} */
  readonly idleMs?: number | undefined;
  /**
   * Packets that are remembered, of all calls and connections together, to find out which come again and how long their
   * acknowledgements take; beyond, the connections that were quiet the longest forget theirs. One is remembered twice:
   * for its call and for its connection. A call that is over remembers none. @default {400000}
   */
  readonly maxPackets?: number | undefined;
  /** A call that is over is still watched for so long, for what comes late. Milliseconds. @default {1000} */
  readonly lingerMs?: number | undefined;
}

/** Counters of a watcher. */
export interface RxWatcherStats {
  /** Datagrams. */
  datagrams: number;
  /** Their bytes. */
  bytes: number;
  /** Packets in them. */
  packets: number;
  /** Datagrams that can't be read. */
  malformed: number;
  /** VERSION and DEBUG packets. */
  questions: number;
  /** Connections. */
  connections: number;
  /** Calls. */
  calls: number;
  /** Packets of calls that were told as closed. */
  late: number;
  /** Connections that were given up for others. */
  evicted: number;
  /** Packets that are remembered now. */
  readonly remembered: number;
  /** Packets that were forgotten before their time, for others. */
  forgotten: number;
}

const DEFAULT_CONNECTIONS = 10_000;
const DEFAULT_PACKETS = 400_000;
/** Beyond the limit so much of it is left, so that not each packet has to look for others to forget. */
const LEFT_OF_LIMIT = 7 / 8;
const DEFAULT_IDLE_MS = 600_000;
const DEFAULT_LINGER_MS = 1000;

/**
 * A passive engine: it never sends, and its time is that of the capture.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { RxWatcher } from "@leat/streams/rxrpc";
 *
 * const client = { address: "192.0.2.1", port: 7001 };
 * const server = { address: "192.0.2.2", port: 7003 };
 * const head = [0x9a, 0xbc, 0x12, 0x34, 0, 0, 1, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1];
 * const request = Uint8Array.from([...head, 5, 0, 0, 0, 0, 0, 52, 1, 2, 3, 4]);
 * const reply = Uint8Array.from([...head, 4, 0, 0, 0, 0, 0, 52, 5, 6]);
 *
 * const seen: string[] = [];
 * const watcher = new RxWatcher({}, {
 *   closed: ({ service, state, request, reply }) => seen.push(`${service} ${state} ${request.bytes} ${reply.bytes}`),
 * });
 * watcher.push({ data: request, from: client, to: server }, 0);
 * watcher.push({ data: reply, from: server, to: client }, 3);
 * watcher.end(3);
 * assertEquals(seen, ["52 complete 4 2"]);
 * ```
 */
export class RxWatcher {
  readonly #count: RingCount = { kept: 0 };
  /** Counters. */
  readonly stats: RxWatcherStats = newStats(this.#count);
  readonly #sink: RxWatchSink;
  readonly #maxConnections: number;
  readonly #maxPackets: number;
  readonly #idleMs: number;
  readonly #lingerMs: number;
  /** By ends, epoch and number; the one that was quiet the longest first. */
  readonly #connections: Map<string, WatchedConnection> = new Map();
  /** Calls that are over, and when that was. */
  #over: { readonly call: WatchedCall; readonly at: number }[] = [];
  /** Position of the first of them that was not told yet. */
  #firstOver = 0;

  /**
   * Tells `sink` of calls.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: RxWatcherOptions, sink: RxWatchSink) {
    this.#sink = sink;
    this.#maxConnections = limitOption("maxConnections", options.maxConnections, DEFAULT_CONNECTIONS);
    this.#maxPackets = limitOption("maxPackets", options.maxPackets, DEFAULT_PACKETS);
    this.#idleMs = durationOption("idleMs", options.idleMs, DEFAULT_IDLE_MS);
    this.#lingerMs = durationOption("lingerMs", options.lingerMs, DEFAULT_LINGER_MS);
  }

  /** A datagram of Rx was seen. */
  push(datagram: RxWatchedDatagram, now: number): void {
    this.onTimeout(now);
    this.stats.datagrams++;
    this.stats.bytes += datagram.data.length;
    const header = decodeHeader(datagram.data);
    if (header === undefined) return void this.stats.malformed++;
    const isClient = (header.flags & RxFlag.CLIENT_INITIATED) !== 0;
    const side = isClient ? "client" : "server";
    if (header.type === RxPacketType.VERSION || header.type === RxPacketType.DEBUG) {
      this.stats.questions++;
      return this.#tell(header, side, datagram.data.length - HEADER_BYTES, now, {});
    }
    const connection = this.#connectionOf(header, isClient, datagram);
    connection.lastAt = now;
    if (header.callNumber === 0) return this.#connectionPacket(connection, header, side, datagram.data, now);
    const call = this.#callOf(connection, header, now);
    if (call === undefined) {
      this.stats.late++;
      return this.#tell(header, side, datagram.data.length - HEADER_BYTES, now, {});
    }
    call.lastAt = now;
    this.#callPacket(call, header, side, datagram.data, now);
    if (this.#count.kept > this.#maxPackets) this.#forget();
  }

  /** No more come. Calls that are still open are told as such. */
  end(_now: number): void {
    for (const connection of this.#connections.values()) this.#giveUp(connection);
    this.#connections.clear();
    this.#over = [];
    this.#firstOver = 0;
  }

  /** When something is to be told without a new datagram. */
  timeoutAt(): number {
    const [connection] = this.#connections.values();
    const over = this.#over[this.#firstOver];
    return Math.min(
      connection === undefined ? Infinity : connection.lastAt + this.#idleMs,
      over === undefined ? Infinity : over.at + this.#lingerMs,
    );
  }

  /** Gives up what was quiet for long. */
  onTimeout(now: number): void {
    this.#closeOver(now);
    for (const [key, connection] of this.#connections) {
      if (connection.lastAt + this.#idleMs > now) break;
      this.#giveUp(connection);
      this.#connections.delete(key);
    }
  }

  /** The connections that were quiet the longest forget their packets. */
  #forget(): void {
    const before = this.#count.kept;
    for (const connection of this.#connections.values()) {
      if (this.#count.kept <= LEFT_OF_LIMIT * this.#maxPackets) break;
      connection.forget();
    }
    this.stats.forgotten += before - this.#count.kept;
  }

  #closeOver(now: number): void {
    const over = this.#over;
    while (this.#firstOver < over.length && over[this.#firstOver]!.at + this.#lingerMs <= now) {
      this.#close(over[this.#firstOver++]!.call, false);
    }
    if (2 * this.#firstOver <= over.length) return;
    this.#over = over.slice(this.#firstOver);
    this.#firstOver = 0;
  }

  #connectionOf(header: RxHeader, isClient: boolean, { from, to }: RxWatchedDatagram): WatchedConnection {
    const [client, server] = isClient ? [from, to] : [to, from];
    const key = `${client.address} ${client.port} ${server.address} ${server.port} ${header.epoch} ${header.cid >>> 2}`;
    const known = this.#connections.get(key);
    if (known !== undefined) {
      // behind all others
      this.#connections.delete(key);
      this.#connections.set(key, known);
      return known;
    }
    if (this.#connections.size >= this.#maxConnections) this.#evict();
    const connection = new WatchedConnection(header, client, server, this.#count);
    this.#connections.set(key, connection);
    this.stats.connections++;
    return connection;
  }

  #evict(): void {
    const [[key, connection]] = this.#connections as unknown as [[string, WatchedConnection]];
    this.stats.evicted++;
    this.#giveUp(connection);
    this.#connections.delete(key);
  }

  #callOf(connection: WatchedConnection, header: RxHeader, now: number): WatchedCall | undefined {
    const channel = header.cid & 3;
    const { callNumber } = header;
    const current = connection.calls[channel];
    if (current?.callNumber === callNumber) return current.isClosed ? undefined : current;
    if (current !== undefined && current.callNumber > callNumber) return undefined;
    if (current !== undefined) this.#close(current, true);
    const place = { id: ++this.stats.calls, connection, channel, callNumber };
    const call = new WatchedCall(place, header.serviceId, now, this.#count);
    connection.calls[channel] = call;
    this.#sink.opened?.(call);
    return call;
  }

  #connectionPacket(
    connection: WatchedConnection,
    header: RxHeader,
    side: RxSide,
    data: Uint8Array,
    now: number,
  ): void {
    const body = data.subarray(HEADER_BYTES);
    if (header.type === RxPacketType.CHALLENGE) connection.challenged(body);
    if (header.type === RxPacketType.RESPONSE) connection.responded(body);
    let abortCode: number | undefined;
    if (header.type === RxPacketType.ABORT && body.length >= 4) {
      abortCode = abortCodeOf(body);
      connection.abortCode ??= abortCode;
      for (const call of connection.calls) if (call !== undefined) this.#abort(call, abortCode, side, now);
    }
    this.#tell(header, side, body.length, now, { abortCode });
  }

  #callPacket(call: WatchedCall, header: RxHeader, side: RxSide, datagram: Uint8Array, now: number): void {
    const connection = call.connection as WatchedConnection;
    if (header.type === RxPacketType.DATA) return this.#data(call, header, side, datagram, now);
    connection.sent(side, header, now);
    const body = datagram.subarray(HEADER_BYTES);
    const bytes = body.length;
    if (header.type === RxPacketType.ACK) {
      const ack = decodeAck(body);
      if (ack === undefined) this.stats.malformed++;
      const rttMs = ack && this.#ack(call, ack, side, now);
      return this.#tell(header, side, bytes, now, { call, ack, rttMs });
    }
    if (header.type === RxPacketType.BUSY) call.busy++;
    let abortCode: number | undefined;
    if (header.type === RxPacketType.ABORT && bytes >= 4) {
      abortCode = abortCodeOf(body);
      this.#abort(call, abortCode, side, now);
    }
    this.#tell(header, side, bytes, now, { call, abortCode });
  }

  #data(call: WatchedCall, header: RxHeader, side: RxSide, datagram: Uint8Array, now: number): void {
    const packets = dataPackets(header, datagram);
    if (packets === undefined) {
      this.stats.malformed++;
      return this.#tell(header, side, datagram.length - HEADER_BYTES, now, { call });
    }
    if (side === "server") call.service = header.serviceId;
    const hadReply = call.hasReply;
    for (const { header: own, body } of packets) {
      (call.connection as WatchedConnection).sent(side, own, now);
      const isLast = (own.flags & RxFlag.LAST_PACKET) !== 0;
      const remark = call.tracks[side].data(own.seq, own.serial, body.length, isLast, now);
      this.#tell(own, side, body.length, now, { call, remark });
    }
    if (!hadReply && call.hasReply) this.#isOver(call, now);
  }

  /** An ACK is about what the other side sent. */
  #ack(call: WatchedCall, ack: RxAck, side: RxSide, now: number): number | undefined {
    const other = side === "client" ? "server" : "client";
    const answered = (call.connection as WatchedConnection).answered(other, ack.serial);
    const isOfCall = answered?.callNumber === call.callNumber && answered.channel === call.channel;
    const rttMs = isOfCall && TIMED_REASONS.has(ack.reason) ? now - answered.at : undefined;
    call.tracks[other].ack(ack, rttMs, isOfCall ? answered.seq : undefined);
    return rttMs;
  }

  #abort(call: WatchedCall, code: number, side: RxSide, now: number): void {
    if (call.isClosed || call.state !== "open") return;
    call.abort(code, side);
    this.#isOver(call, now);
  }

  #isOver(call: WatchedCall, now: number): void {
    if (call.state === "open") call.state = "complete";
    this.#over.push({ call, at: now });
  }

  #giveUp(connection: WatchedConnection): void {
    for (const call of connection.calls) if (call !== undefined) this.#close(call, false);
    connection.forget();
  }

  #close(call: WatchedCall, isReplaced: boolean): void {
    if (call.isClosed) return;
    call.settle(isReplaced);
    this.#sink.closed?.(call);
  }

  #tell(header: RxHeader, side: RxSide, bytes: number, at: number, more: PacketDetails): void {
    this.stats.packets++;
    const { call, remark, ack, rttMs, abortCode } = more;
    this.#sink.packet?.({ header, side, bytes, at, call, remark, ack, rttMs, abortCode });
  }
}

function newStats(count: RingCount): RxWatcherStats {
  return {
    datagrams: 0,
    bytes: 0,
    packets: 0,
    malformed: 0,
    questions: 0,
    connections: 0,
    calls: 0,
    late: 0,
    evicted: 0,
    get remembered() {
      return count.kept;
    },
    forgotten: 0,
  };
}

type PacketDetails = Partial<Omit<RxWatchedPacket, "header" | "side" | "bytes" | "at">>;
