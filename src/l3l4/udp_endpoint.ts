/**
 * One end of UDP: what waits to be sent and to be received (RFC 768, RFC 1122 section 4.1, RFC 8200 section 8.1).
 *
 * @module
 */
import { writeU16 } from "../bytes/integers.ts";
import type { Timed } from "../core/timer_queue.ts";
import { IpProtocol } from "../packet/segment.ts";
import { UDP_HEADER_LENGTH } from "../packet/udp.ts";
import type { UdpDatagram, UdpPort, UdpTarget } from "./datagram_sink.ts";
import { L3L4Error } from "./errors.ts";
import type { FlowPath } from "./l3l4_sink.ts";
import type { IpIds } from "./ip_ids.ts";
import type { IpTemplate } from "./ip_header.ts";
import { DATAGRAM_OVERHEAD, DatagramQueue, type QueueBudget } from "./ip_output.ts";
import { foldSum, type Summer } from "../bytes/summer.ts";
import type { UdpSettings } from "./udp_settings.ts";

/** What a UDP datagram holds at most: 16 bits of length, in IPv4 with the header of IP. */
const MAX_PAYLOAD_V4 = 65_507;
const MAX_PAYLOAD_V6 = 65_527;

/** What all ends share, and whom they tell. */
export interface UdpHost {
  /** Limits. */
  readonly settings: UdpSettings;
  /** What may wait, of all. */
  readonly budget: QueueBudget;
  /** Numbers for datagrams that may be cut. */
  readonly ids: IpIds;
  /** Sums packets. */
  readonly summer: Summer;
  /** It has something to send. */
  wantsTransmit(port: UdpEndpoint): void;
  /** A `send` found no room: it is to be asked whether it has some, when some may have come. */
  isBlocked(port: UdpEndpoint): void;
  /** It has something to tell. */
  wantsFlush(port: UdpEndpoint): void;
  /** It may be due never more. */
  wantsTimer(port: UdpEndpoint): void;
  /** It is over: the table forgets it. */
  removed(port: UdpEndpoint): void;
}

/** What flows and bound ports have in common. */
export abstract class UdpEndpoint implements UdpPort, Timed {
  /** See {@linkcode UdpPort}. */
  readonly id: number;
  /** See {@linkcode UdpPort}. */
  readonly isActive: boolean;
  /** See {@linkcode UdpPort}. */
  context: unknown = undefined;
  /** See {@linkcode UdpPort}. */
  abstract readonly localAddress: Uint8Array | null;
  /** See {@linkcode UdpPort}. */
  abstract readonly localPort: number;
  /** See {@linkcode UdpPort}. */
  abstract readonly remoteAddress: Uint8Array | null;
  /** See {@linkcode UdpPort}. */
  abstract readonly remotePort: number;
  /** See {@linkcode UdpPort}. */
  isClosed = false;
  /** Whether it stands in the table's list of those that send: the table's own. */
  isQueuedForTransmit = false;
  /** Whether it stands in the list of those that have something to tell: the table's own. */
  isQueuedForFlush = false;
  /** What is to be told in `flush`: the table's own. */
  readonly news: UdpNews = { isOpened: false, hasCome: false, hasRoom: false, isExpired: false, errors: [] };
  /** See {@linkcode Timed}. */
  queuedAt: number = Infinity;
  /** See {@linkcode Timed}. */
  queueIndex = -1;
  /** Whether anything was ever sent. */
  hasSent = false;
  /** What waits to be sent. */
  readonly outgoing: DatagramQueue;
  /** What sends datagrams, counts them and keeps the time. */
  protected readonly host: UdpHost;
  readonly #idleTimeoutMs: number;
  #usedAt: number;
  /** Length of the packet that found no room, 0 when none did. */
  #missing = 0;
  #received: UdpDatagram[] = [];
  #from = 0;

  /** An end that begins now. */
  constructor(host: UdpHost, id: number, isActive: boolean, idleTimeoutMs: number, now: number) {
    this.host = host;
    this.id = id;
    this.isActive = isActive;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#usedAt = now;
    this.outgoing = new DatagramQueue(host.settings.maxUdpQueue, host.budget, host.ids);
  }

  /** The header of what goes to `to`. */
  protected abstract templateFor(to: UdpTarget | undefined): IpTemplate;

  /** See {@linkcode UdpPort}. */
  get readable(): number {
    return this.#received.length - this.#from;
  }

  /** See {@linkcode UdpPort}. */
  send(bytes: Uint8Array, now: number, to?: UdpTarget): boolean {
    const template = this.templateFor(to);
    const max = template.headerLength === 20 ? MAX_PAYLOAD_V4 : MAX_PAYLOAD_V6;
    if (bytes.length > max) {
      throw new L3L4Error(`a datagram of ${bytes.length} bytes, more than ${max}`, {
        code: "EMSGSIZE",
        blame: "local",
      });
    }
    const remotePort = to?.remotePort ?? this.remotePort;
    if (this.isClosed || remotePort === 0) return true;
    const length = template.headerLength + UDP_HEADER_LENGTH + bytes.length;
    if (!this.outgoing.hasRoom(length)) {
      this.outgoing.refused++;
      this.#missing = length;
      this.host.isBlocked(this);
      return false;
    }
    this.#usedAt = now;
    this.hasSent = true;
    this.outgoing.push(this.#datagram(template, remotePort, bytes));
    this.host.wantsTransmit(this);
    return true;
  }

  /** See {@linkcode UdpPort}. */
  receive(): UdpDatagram | null {
    if (this.readable === 0) return null;
    const datagram = this.#received[this.#from++]!;
    this.host.budget.left += datagram.bytes.length + DATAGRAM_OVERHEAD;
    if (this.#from === this.#received.length) {
      this.#received = [];
      this.#from = 0;
    } else if (this.#from >= 64 && this.#from * 2 >= this.#received.length) {
      this.#received = this.#received.slice(this.#from);
      this.#from = 0;
    }
    return datagram;
  }

  /** See {@linkcode UdpPort}. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    while (this.receive() !== null);
    this.host.wantsTimer(this);
    this.host.removed(this);
  }

  /** Whether a datagram with so many bytes has room. */
  hasRoom(bytes: number): boolean {
    return this.readable < this.host.settings.maxUdpQueue && bytes + DATAGRAM_OVERHEAD <= this.host.budget.left;
  }

  /** A datagram came for it, for which there is room. */
  deliver(datagram: UdpDatagram, now: number): void {
    this.#usedAt = now;
    this.host.budget.left -= datagram.bytes.length + DATAGRAM_OVERHEAD;
    this.#received.push(datagram);
    this.news.hasCome = true;
    this.host.wantsFlush(this);
  }

  /** Whether it still has not the room that a `send` did not find; when it has, it is to be told. */
  isStillBlocked(): boolean {
    if (this.#missing === 0 || this.isClosed) return false;
    if (!this.outgoing.hasRoom(this.#missing)) return true;
    this.#missing = 0;
    this.news.hasRoom = true;
    this.host.wantsFlush(this);
    return false;
  }

  /** See {@linkcode Timed}. */
  timeoutAt(): number {
    return this.isClosed ? Infinity : this.#usedAt + this.#idleTimeoutMs;
  }

  /** See {@linkcode Timed}. */
  onTimeout(_now: number): void {
    this.isClosed = true;
    this.news.isExpired = true;
    this.host.removed(this);
    this.host.wantsFlush(this);
  }

  #datagram(template: IpTemplate, remotePort: number, bytes: Uint8Array): Uint8Array {
    const length = UDP_HEADER_LENGTH + bytes.length;
    const at = template.headerLength;
    const datagram = new Uint8Array(at + length);
    const id = at === 20 ? this.host.ids.nextFor(template.words, IpProtocol.UDP) & 0xffff : 0;
    template.write(datagram, length, 0, id, false);
    writeU16(datagram, at, this.localPort);
    writeU16(datagram, at + 2, remotePort);
    writeU16(datagram, at + 4, length);
    datagram.set(bytes, at + UDP_HEADER_LENGTH);
    const sum = this.host.summer.add(template.pseudoSum + length, datagram, at, datagram.length);
    const checksum = ~foldSum(sum) & 0xffff;
    // 0 would say that there is none (RFC 768)
    writeU16(datagram, at + 6, checksum === 0 ? 0xffff : checksum);
    return datagram;
  }
}

/** What a port has to tell. */
export interface UdpNews {
  /** It was opened by a peer. */
  isOpened: boolean;
  /** Datagrams have come. */
  hasCome: boolean;
  /** There is room again. */
  hasRoom: boolean;
  /** Its time is over. */
  isExpired: boolean;
  /** Errors of ICMP, with what they are about. */
  readonly errors: UdpErrorNews[];
}

/** An error of ICMP. */
export interface UdpErrorNews {
  /** What happened. */
  readonly error: L3L4Error;
  /** To what was sent. */
  readonly to: FlowPath;
}
