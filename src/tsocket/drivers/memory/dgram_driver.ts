/**
 * A datagram socket in memory, as a driver.
 *
 * What is sent passes the faults (lost, doubled, late, out of order), then a route that knows who is to have it, then
 * the bounded queue of the receiver: as with a system's sockets, whoever does not read loses what does not fit.
 *
 * @module
 */
import { concat } from "../../../bytes/concat.ts";
import { limitOption } from "../../../core/limits.ts";
import { nextTurnOfLoop } from "../../../stream/turn.ts";
import { closedError, SocketError } from "../../errors.ts";
import type { TDgramDriver, TDgramEvents } from "../../driver_types.ts";
import { Teller } from "../../teller.ts";
import type { Datagram, DatagramError, OutDatagram, TsocketAddress, Vector } from "../../types.ts";
import { Chance } from "./chance.ts";
import { DelayLine } from "./delay_line.ts";
import { type DgramFaults, type DgramFaultSettings, dgramFaultSettings, type ForSides, ofSide } from "./faults.ts";

/** Largest datagram by default, in bytes: what fits into UDP over IPv4. */
export const MAX_DATAGRAM_BYTES = 65507;

/** Datagrams that a socket holds for its reader by default. */
export const MAX_QUEUED_DATAGRAMS = 8192;

/** Bytes that a socket holds for its reader by default. */
export const MAX_QUEUED_BYTES = 16777216;

/** Datagrams of one socket that may be on their way by default. */
export const MAX_IN_TRANSIT = 8192;

/** Errors of the network that wait to be told; more are dropped, as a system drops them. */
const MAX_UNTOLD_ERRORS = 256;

/** How datagram sockets in memory behave. */
export interface MemoryDgramOptions {
  /**
   * Largest datagram that can be sent; a larger one fails with `EMSGSIZE`.
   *
   * @default {65507}
   */
  maxDatagramSize?: number | undefined;
  /**
   * Bytes of a datagram that are received; of a longer one the end is cut off.
   *
   * @default {Infinity}
   */
  receiveBufferBytes?: number | undefined;
  /**
   * Datagrams held while nobody reads; more are dropped.
   *
   * @default {8192}
   */
  maxQueuedDatagrams?: number | undefined;
  /**
   * Bytes held while nobody reads; more are dropped.
   *
   * @default {16777216}
   */
  maxQueuedBytes?: number | undefined;
  /**
   * Datagrams of one socket that may be on their way; further ones wait.
   *
   * @default {8192}
   */
  maxInTransit?: number | undefined;
  /** What goes wrong with what is sent: the same for both ends of a pair, or for the left and for the right one. */
  faults?: ForSides<DgramFaults> | undefined;
}

/** {@linkcode MemoryDgramOptions} after validation. */
export interface MemoryDgramSettings {
  readonly maxDatagramSize: number;
  readonly receiveBufferBytes: number;
  readonly maxQueuedDatagrams: number;
  readonly maxQueuedBytes: number;
  readonly maxInTransit: number;
  readonly faults: DgramFaultSettings;
}

/**
 * Fills in the defaults, for the left end (0) or the right one (1) of a pair.
 *
 * @throws {TypeError} when an option is of a wrong type
 * @throws {RangeError} when one is out of its range
 */
export function memoryDgramSettings(options: MemoryDgramOptions, side: 0 | 1 = 0): MemoryDgramSettings {
  return {
    maxDatagramSize: limitOption("maxDatagramSize", options.maxDatagramSize, MAX_DATAGRAM_BYTES),
    receiveBufferBytes: limitOption("receiveBufferBytes", options.receiveBufferBytes, Infinity, 0),
    maxQueuedDatagrams: limitOption("maxQueuedDatagrams", options.maxQueuedDatagrams, MAX_QUEUED_DATAGRAMS),
    maxQueuedBytes: limitOption("maxQueuedBytes", options.maxQueuedBytes, MAX_QUEUED_BYTES),
    maxInTransit: limitOption("maxInTransit", options.maxInTransit, MAX_IN_TRANSIT),
    faults: dgramFaultSettings(ofSide(options.faults, side)),
  };
}

/** Who a socket is, and who knows the others. */
export interface MemoryDgramPlace {
  readonly localAddress: TsocketAddress | undefined;
  readonly remoteAddress: TsocketAddress | undefined;
  /** Distinguishes sockets that share a seed. */
  readonly number: number;
  /** Throws when nothing can be sent there. */
  check?(to: TsocketAddress): void;
  /** Joins a multicast group, or leaves it. */
  setMember?(group: string, isMember: boolean): void;
  /** Brings a datagram to whoever is to have it; `false` when that is nobody. */
  deliver(sender: MemoryDgramDriver, data: Uint8Array, to: TsocketAddress): boolean;
  /** The socket is closed. */
  freed(driver: MemoryDgramDriver): void;
}

interface InTransit {
  readonly data: Uint8Array;
  readonly to: TsocketAddress;
}

/** One datagram socket. */
export class MemoryDgramDriver implements TDgramDriver {
  /** Always `memory`. */
  readonly kind: string = "memory";
  /** Our own address. */
  readonly localAddress: TsocketAddress | undefined;
  /** The peer's address, when connected. */
  readonly remoteAddress: TsocketAddress | undefined;
  /** Largest datagram that can be sent. */
  readonly maxDatagramSize: number;
  /** Joins a multicast group, in a network. */
  readonly joinMulticast?: (group: string) => void;
  /** Leaves a multicast group, in a network. */
  readonly leaveMulticast?: (group: string) => void;
  readonly #settings: MemoryDgramSettings;
  readonly #place: MemoryDgramPlace;
  readonly #chance: Chance;
  readonly #line: DelayLine<InTransit>;
  readonly #queue: Datagram[] = [];
  readonly #errors: DatagramError[] = [];
  #queuedBytes = 0;
  #droppedIncoming = 0;
  readonly #teller: Teller<TDgramEvents> = new Teller((events) => this.#tell(events));
  #isReading = true;
  #isClosed = false;
  #sentThisTurn = 0;
  /** Whether `sendMany` took fewer than it was given. */
  #isWriterWaiting = false;
  #isWritable = false;
  /** Called when there is room, or the socket is closed. */
  #roomWaiters: (() => void)[] = [];

  /** A socket at the given place. */
  constructor(settings: MemoryDgramSettings, place: MemoryDgramPlace) {
    this.#settings = settings;
    this.#place = place;
    this.localAddress = place.localAddress;
    this.remoteAddress = place.remoteAddress;
    this.maxDatagramSize = settings.maxDatagramSize;
    if (place.setMember !== undefined) {
      this.joinMulticast = (group) => place.setMember!(group, true);
      this.leaveMulticast = (group) => place.setMember!(group, false);
    }
    this.#chance = new Chance(settings.faults.chance, place.number);
    this.#line = new DelayLine<InTransit>(settings.faults, this.#chance, false, (thing) => this.#arrive(thing));
  }

  /** Datagrams dropped because nobody read and the queue was full. */
  get droppedIncoming(): number {
    return this.#droppedIncoming;
  }

  /** Whether the socket is closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Names whom to tell. */
  start(events: TDgramEvents): void {
    this.#teller.start(events);
  }

  /** Holds back what comes, up to the limits, or hands it out again. */
  setReading(isReading: boolean): void {
    this.#isReading = isReading;
    this.#teller.soon();
  }

  /** Sends one datagram, once there is room for it. */
  async send(data: Uint8Array | Vector, to: TsocketAddress | undefined): Promise<void> {
    const thing = this.#check({ data, to });
    while (!this.#hasRoom && !this.#isClosed) await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    if (this.#isClosed) throw closedError("send");
    this.#launch(thing);
  }

  /** Sends as many as there is room for. */
  sendMany(datagrams: readonly OutDatagram[], from: number): number {
    for (let at = from; at < datagrams.length; at++) {
      if (!this.#isClosed && !this.#hasRoom) {
        this.#isWriterWaiting = true;
        return at - from;
      }
      this.#launch(this.#check(datagrams[at]!, at - from));
    }
    return datagrams.length - from;
  }

  /** Frees the socket; what was sent still arrives. */
  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#queue.length = 0;
      this.#errors.length = 0;
      this.#wakeWriters();
      this.#place.freed(this);
    }
    return Promise.resolve();
  }

  /** Takes what another socket sent here. */
  receive(data: Uint8Array, source: TsocketAddress | undefined): void {
    const { receiveBufferBytes, maxQueuedDatagrams, maxQueuedBytes } = this.#settings;
    if (this.#isClosed) return;
    const truncated = data.length > receiveBufferBytes;
    const kept = truncated ? data.slice(0, receiveBufferBytes) : data;
    if (this.#queue.length >= maxQueuedDatagrams || this.#queuedBytes + kept.length > maxQueuedBytes) {
      this.#droppedIncoming++;
      return;
    }
    this.#queue.push({ data: kept, source, truncated });
    this.#queuedBytes += kept.length;
    this.#teller.soon();
  }

  get #hasRoom(): boolean {
    return this.#sentThisTurn < this.#settings.faults.maxSendsPerTurn &&
      this.#line.length < this.#settings.maxInTransit;
  }

  /** Copies what is to be sent, after all that could be wrong with it. */
  #check({ data, to = this.remoteAddress }: OutDatagram, bytesTransferred = 0): InTransit {
    if (this.#isClosed) throw closedError("send");
    const vector = data instanceof Uint8Array ? [data] : data;
    const length = vector.reduce((sum, view) => sum + view.length, 0);
    const common = { syscall: "send", bytesTransferred };
    if (to === undefined) {
      throw new SocketError("the socket has no peer, so a datagram needs an address", {
        code: "EDESTADDRREQ",
        ...common,
      });
    }
    if (length > this.maxDatagramSize) {
      const message = `a datagram of ${length} bytes exceeds the limit of ${this.maxDatagramSize}`;
      throw new SocketError(message, { code: "EMSGSIZE", address: to, ...common });
    }
    this.#place.check?.(to);
    return { data: concat(vector), to };
  }

  /** Puts a datagram on its way, or loses it. */
  #launch(thing: InTransit): void {
    const { loss, duplication, reordering, reorderTurns, maxSendsPerTurn } = this.#settings.faults;
    if (this.#sentThisTurn++ === 0 && maxSendsPerTurn !== Infinity) void this.#countTurn();
    if (this.#chance.happens(loss)) return;
    const copies = this.#chance.happens(duplication) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const late = this.#chance.happens(reordering) ? this.#chance.between(1, reorderTurns) : 0;
      this.#line.send(i === 0 ? thing : { ...thing, data: thing.data.slice() }, late);
    }
  }

  async #countTurn(): Promise<void> {
    await nextTurnOfLoop();
    this.#sentThisTurn = 0;
    this.#wakeWriters();
  }

  #arrive({ data, to }: InTransit): void {
    if (!this.#place.deliver(this, data, to) && this.#errors.length < MAX_UNTOLD_ERRORS && !this.#isClosed) {
      this.#errors.push({ code: "ECONNREFUSED", destination: to });
      this.#teller.soon();
    }
    this.#wakeWriters();
  }

  #wakeWriters(): void {
    if (!this.#isClosed && !this.#hasRoom) return;
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const wake of waiters) wake();
    if (!this.#isWriterWaiting) return;
    this.#isWriterWaiting = false;
    this.#isWritable = true;
    this.#teller.soon();
  }

  #tell(events: TDgramEvents): void {
    let at = 0;
    // what a listener sends to its own socket waits for the next round
    const end = this.#queue.length;
    while (at < end && this.#isReading && !this.#isClosed) {
      const { data, source, truncated } = this.#queue[at++]!;
      this.#queuedBytes -= data.length;
      events.datagram(data, source, truncated);
    }
    this.#queue.splice(0, at);
    if (this.#queue.length > 0 && this.#isReading) this.#teller.soon();
    while (this.#errors.length > 0) events.icmpError(this.#errors.shift()!);
    if (!this.#isWritable || this.#isClosed) return;
    this.#isWritable = false;
    events.writable();
  }
}
