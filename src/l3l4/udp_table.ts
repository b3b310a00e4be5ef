/**
 * The UDP of an endpoint: all flows and bound ports, found by their ends (RFC 768, RFC 1122 section 4.1).
 *
 * Not here: IP, whose datagrams come in as {@linkcode IpPacket} with lengths and checksums verified.
 *
 * @module
 */
import { type FillRandom, randomSeed } from "../core/random.ts";
import { HalfSipHash } from "../core/half_sip_hash.ts";
import { TimerQueue } from "../core/timer_queue.ts";
import { UDP_HEADER_LENGTH } from "../packet/udp.ts";
import type { UdpOpenOptions, UdpPort, UdpSink } from "./datagram_sink.ts";
import { L3L4Error } from "./errors.ts";
import type { IcmpMeaning } from "./icmp_news.ts";
import type { IpIds } from "./ip_ids.ts";
import type { MtuOf, QueueBudget } from "./ip_output.ts";
import type { IpPacket } from "./ip_packet.ts";
import type { FlowPath } from "./l3l4_sink.ts";
import type { PacketOut } from "./packet_out.ts";
import type { Summer } from "../bytes/summer.ts";
import { Demux } from "./tcp/demux.ts";
import { TcpKey } from "./tcp/tcp_key.ts";
import { UdpBindings } from "./udp_bindings.ts";
import type { UdpEndpoint, UdpHost } from "./udp_endpoint.ts";
import { checkUdpOpen } from "./udp_open.ts";
import { UdpBound, UdpFlow } from "./udp_ports.ts";
import type { UdpSettings } from "./udp_settings.ts";

/** The dynamic ports of IANA, and as many again below them (RFC 6056 section 3.2). */
const FIRST_PORT = 32_768;
const PORTS = 32_768;

/** Errors of ICMP that wait to be told, of one port. */
const MAX_ERRORS = 16;

/** What a table needs of its surroundings. */
export interface UdpSurroundings {
  /** Secrets are drawn from it. */
  readonly random: FillRandom;
  /** What may wait. */
  readonly budget: QueueBudget;
  /** Numbers for datagrams that may be cut. */
  readonly ids: IpIds;
  /** Sums packets. */
  readonly summer: Summer;
  /** Tells the sender of a datagram that its port cannot be reached. */
  refuse(packet: IpPacket, now: number): void;
}

/** Counters of {@linkcode UdpTable}. */
export interface UdpStats {
  /** Datagrams that came and were right. */
  udpReceived: number;
  /** Datagrams for no port, whatever became of them. */
  udpNoPort: number;
  /** Datagrams of flows that were refused. */
  udpRefused: number;
  /** Datagrams that found no room in their port, or none for their flow. */
  udpOverflowed: number;
  /** Datagrams for port 0, which is none. */
  udpUnsuitable: number;
}

/** The UDP of an endpoint. */
export class UdpTable implements UdpHost {
  /** Limits. */
  readonly settings: UdpSettings;
  /** What may wait. */
  readonly budget: QueueBudget;
  /** Numbers for datagrams that may be cut. */
  readonly ids: IpIds;
  /** Sums packets. */
  readonly summer: Summer;
  /** Counters as they grow. */
  readonly counters: UdpStats = { udpReceived: 0, udpNoPort: 0, udpRefused: 0, udpOverflowed: 0, udpUnsuitable: 0 };
  readonly #surroundings: UdpSurroundings;
  readonly #sink: UdpSink;
  readonly #sip: HalfSipHash;
  /** The ends of the datagram that is looked at, and of what is asked for meanwhile. */
  readonly #key = new TcpKey();
  readonly #ownKey = new TcpKey();
  readonly #flows = new Demux<UdpFlow>();
  readonly #bindings = new UdpBindings();
  readonly #timers = new TimerQueue();
  #count = 0;
  #lastId = 0;
  #toSend: UdpEndpoint[] = [];
  #toTell: UdpEndpoint[] = [];
  readonly #blocked: Set<UdpEndpoint> = new Set();

  /** An endpoint without ports. */
  constructor(settings: UdpSettings, surroundings: UdpSurroundings, sink: UdpSink) {
    this.settings = settings;
    this.budget = surroundings.budget;
    this.ids = surroundings.ids;
    this.summer = surroundings.summer;
    this.#surroundings = surroundings;
    this.#sink = sink;
    this.#sip = new HalfSipHash(randomSeed(surroundings.random), randomSeed(surroundings.random));
  }

  /** How many ports there are. */
  get size(): number {
    return this.#count;
  }

  /** Takes a datagram for protocol 17. */
  receive(packet: IpPacket, now: number): void {
    const key = this.#key;
    key.readPacket(packet);
    if (key.localPort === 0) {
      this.counters.udpUnsuitable++;
      return;
    }
    this.counters.udpReceived++;
    const flow = this.#flows.findRecent(key) ?? this.#flows.find(key, key.hash(this.#sip));
    if (flow !== null) return this.#deliver(flow, packet, flow.localAddress, flow.remoteAddress, now);
    const { addressLength, bytes, destinationAt, sourceAt } = packet;
    const bound = this.#bindings.find(key.localPort, bytes, destinationAt, destinationAt + addressLength);
    if (bound === null) return this.#receiveStray(packet, now);
    const local = bytes.slice(destinationAt, destinationAt + addressLength);
    this.#deliver(bound, packet, local, bytes.slice(sourceAt, sourceAt + addressLength), now);
  }

  #receiveStray(packet: IpPacket, now: number): void {
    this.counters.udpNoPort++;
    if (packet.isToMany) return;
    const path = this.#key.toPath();
    const verdict = this.#sink.incomingUdp(path);
    if (verdict === "refuse") {
      this.counters.udpRefused++;
      this.#surroundings.refuse(packet, now);
    }
    if (verdict !== "accept") return;
    if (this.#count >= this.settings.maxUdpPorts) {
      this.counters.udpOverflowed++;
      return;
    }
    const flow = new UdpFlow(this, ++this.#lastId, false, this.settings.udpIdleTimeoutMs, path, now);
    this.#addFlow(flow);
    flow.news.isOpened = true;
    this.wantsFlush(flow);
    this.#deliver(flow, packet, flow.localAddress, flow.remoteAddress, now);
  }

  #deliver(port: UdpEndpoint, packet: IpPacket, local: Uint8Array, remote: Uint8Array, now: number): void {
    const start = packet.payloadAt + UDP_HEADER_LENGTH;
    if (!port.hasRoom(packet.end - start)) {
      this.counters.udpOverflowed++;
      return;
    }
    const bytes = packet.bytes.slice(start, packet.end);
    port.deliver({ bytes, localAddress: local, remoteAddress: remote, remotePort: this.#key.remotePort }, now);
  }

  /**
   * Opens a port.
   *
   * @throws {@linkcode L3L4Error} when there is no room, or the port is taken
   * @throws {RangeError} for addresses and ports that can't be
   */
  open(options: UdpOpenOptions, now: number): UdpPort {
    checkUdpOpen(options);
    if (this.#count >= this.settings.maxUdpPorts) {
      throw failure("ENOBUFS", `there are ${this.#count} UDP ports, maxUdpPorts`);
    }
    const localPort = options.localPort ?? this.#choosePort(options);
    if (!this.#isFree(options, localPort)) throw failure("EADDRINUSE", `UDP port ${localPort} is taken`);
    const { idleTimeoutMs = Infinity } = options;
    const path = pathOf(options, localPort);
    if (path !== null) {
      const flow = new UdpFlow(this, ++this.#lastId, true, idleTimeoutMs, path, now);
      this.#addFlow(flow);
      return flow;
    }
    const address = options.localAddress?.slice() ?? null;
    const bound = new UdpBound(this, ++this.#lastId, idleTimeoutMs, address, localPort, now);
    this.#bindings.add(bound);
    this.#count++;
    this.#timers.update(bound);
    return bound;
  }

  /** RFC 6056 section 3.3.1. */
  #choosePort(options: UdpOpenOptions): number {
    const first = randomSeed(this.#surroundings.random);
    for (let i = 0; i < PORTS; i++) {
      const port = FIRST_PORT + (first + i) % PORTS;
      if (this.#isFree(options, port)) return port;
    }
    throw failure("EADDRNOTAVAIL", "no UDP port is free");
  }

  #isFree(options: UdpOpenOptions, localPort: number): boolean {
    const path = pathOf(options, localPort);
    if (path === null) return !this.#bindings.has(localPort, options.localAddress ?? null);
    this.#ownKey.readPath(path);
    return this.#flows.find(this.#ownKey, this.#ownKey.hash(this.#sip)) === null;
  }

  #addFlow(flow: UdpFlow): void {
    this.#ownKey.readEnds(flow);
    this.#flows.add(flow, this.#ownKey.hash(this.#sip));
    this.#count++;
    this.#timers.update(flow);
  }

  /** The port that sent what goes along `path`, `null` when none has. */
  sender(path: FlowPath): UdpPort | null {
    return this.#sender(path);
  }

  #sender(path: FlowPath): UdpEndpoint | null {
    const key = this.#ownKey;
    key.readPath(path);
    const flow = this.#flows.find(key, key.hash(this.#sip));
    const { localAddress, localPort } = path;
    const port = flow ?? this.#bindings.find(localPort, localAddress, 0, localAddress.length);
    return port !== null && port.hasSent ? port : null;
  }

  /** An error of ICMP came for what was sent along `path`; `false` when nothing was. */
  icmpError(path: FlowPath, { code, text }: IcmpMeaning): boolean {
    const port = this.#sender(path);
    if (port === null) return false;
    const { errors } = port.news;
    if (errors.length < MAX_ERRORS) {
      errors.push({ error: new L3L4Error(text, { code, blame: "remote" }), to: path });
      this.wantsFlush(port);
    }
    return true;
  }

  /** Whether there is something to tell. */
  get hasNews(): boolean {
    return this.#toTell.length > 0;
  }

  /** Tells the sink what has happened. */
  flush(): void {
    this.#unblock();
    while (this.#toTell.length > 0) {
      const ports = this.#toTell;
      this.#toTell = [];
      let told = 0;
      try {
        for (const port of ports) {
          told++;
          this.#tell(port);
        }
      } finally {
        // a sink that throws takes nothing away from others
        if (told < ports.length) this.#toTell = ports.slice(told).concat(this.#toTell);
      }
    }
  }

  #tell(port: UdpEndpoint): void {
    const sink = this.#sink;
    const { news } = port;
    const { errors, hasCome, hasRoom, isExpired, isOpened } = news;
    port.isQueuedForFlush = false;
    news.isOpened = news.hasCome = news.hasRoom = false;
    // a port that its user has closed tells nothing, from the moment on
    if (isOpened && (!port.isClosed || isExpired)) sink.udpOpened(port);
    // the list is made anew only when there is something in it
    const happened = errors.length > 0 ? errors.splice(0) : errors;
    for (const { error, to } of happened) if (!port.isClosed) sink.udpError(port, error, to);
    if (hasCome && port.readable > 0) sink.udpReadable(port);
    if (hasRoom && !port.isClosed) sink.udpWritable(port);
    if (!isExpired) return;
    news.isExpired = false;
    sink.udpClosed(port);
    // nobody may come for it any more
    while (port.receive() !== null);
  }

  /** Sends what waits, a datagram of each port in turn; `false` when `out` has no room for all of it. */
  transmit(out: PacketOut, mtuOf: MtuOf): boolean {
    let isDone = true;
    while (isDone && this.#toSend.length > 0) {
      const ports = this.#toSend;
      this.#toSend = [];
      for (let i = 0; i < ports.length; i++) {
        const port = ports[i]!;
        isDone = port.outgoing.transmitOne(out, mtuOf);
        if (!isDone) {
          // whose turn it is comes first the next time
          this.#toSend = ports.slice(i).concat(this.#toSend);
          break;
        }
        if (port.outgoing.length > 0) this.#toSend.push(port);
        else port.isQueuedForTransmit = false;
      }
    }
    this.#unblock();
    return isDone;
  }

  /** Finds those that have room again. */
  #unblock(): void {
    for (const port of this.#blocked) {
      if (!port.isStillBlocked()) this.#blocked.delete(port);
    }
  }

  /** When `onTimeout` is to be called. */
  timeoutAt(): number {
    return this.#timers.nextAt;
  }

  /** Closes flows that are idle for too long. */
  onTimeout(now: number): void {
    this.#timers.run(now);
  }

  /** See {@linkcode UdpHost}. */
  wantsTransmit(port: UdpEndpoint): void {
    if (port.isQueuedForTransmit) return;
    port.isQueuedForTransmit = true;
    this.#toSend.push(port);
  }

  /** See {@linkcode UdpHost}. */
  isBlocked(port: UdpEndpoint): void {
    this.#blocked.add(port);
  }

  /** See {@linkcode UdpHost}. */
  wantsFlush(port: UdpEndpoint): void {
    if (port.isQueuedForFlush) return;
    port.isQueuedForFlush = true;
    this.#toTell.push(port);
  }

  /** See {@linkcode UdpHost}. */
  wantsTimer(port: UdpEndpoint): void {
    this.#timers.update(port);
  }

  /** See {@linkcode UdpHost}. */
  removed(port: UdpEndpoint): void {
    this.#count--;
    if (port instanceof UdpBound) this.#bindings.remove(port);
    else if (port instanceof UdpFlow) {
      this.#ownKey.readEnds(port);
      this.#flows.remove(port, this.#ownKey);
    }
  }
}

function pathOf({ localAddress, remoteAddress, remotePort }: UdpOpenOptions, localPort: number): FlowPath | null {
  if (localAddress === undefined || remoteAddress === undefined || remotePort === undefined) return null;
  const version = localAddress.length === 4 ? 4 : 6;
  return { version, localAddress: localAddress.slice(), localPort, remoteAddress: remoteAddress.slice(), remotePort };
}

function failure(code: string, message: string): L3L4Error {
  return new L3L4Error(message, { code, blame: "local" });
}
