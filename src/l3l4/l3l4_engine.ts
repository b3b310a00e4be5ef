/**
 * The endpoint: IP packets in, what flows say out, and back; any address, IPv4 and IPv6.
 *
 * Order of calls, as of all engines: `push` for each packet, `flush`, `transmit`, `timeoutAt`. Not here: streams, which are
 * in `l3l4_stream.ts`; Ethernet; routes, because there are none.
 *
 * @module
 */
import type { Reasons } from "../core/reasons.ts";
import { IcmpType } from "../packet/icmp.ts";
import { Icmpv6Type } from "../packet/icmpv6.ts";
import { IpProtocol } from "../packet/segment.ts";
import type { IcmpSendOptions, L3L4Sink, PingOptions, UdpOpenOptions, UdpPort } from "./datagram_sink.ts";
import { L3L4Error } from "./errors.ts";
import { ParameterProblemCode } from "./extension_headers.ts";
import { IcmpErrors } from "./icmp_errors.ts";
import { IcmpInput } from "./icmp_input.ts";
import { IcmpOutput } from "./icmp_output.ts";
import { IpIds } from "./ip_ids.ts";
import { IpInput, IpOutcome } from "./ip_input.ts";
import { DatagramQueue, type MtuOf, type QueueBudget } from "./ip_output.ts";
import type { IpPacket } from "./ip_packet.ts";
import type { L3L4Stats } from "./l3l4_stats.ts";
import type { FlowPath, TcpPort, TcpPortOptions, Verdict } from "./l3l4_sink.ts";
import { checkMtu, type L3L4EngineOptions, l3l4Settings } from "./l3l4_settings.ts";
import type { PacketOut } from "./packet_out.ts";
import { PathMtus } from "./path_mtu.ts";
import type { StackEngine, TcpConnectOptions } from "./stack_engine.ts";
import { Summer } from "../bytes/summer.ts";
import { TcpTable } from "./tcp/tcp_table.ts";
import type { TcpStateName } from "./tcp/tcp_state.ts";
import { emptyDatagramOf } from "./udp_refused.ts";
import { UdpTable } from "./udp_table.ts";

/** Codes of destination unreachable (RFC 792, RFC 4443 section 3.1). */
const PROTOCOL_UNREACHABLE = 2;
const PORT_UNREACHABLE = 3;
const PORT_UNREACHABLE_V6 = 4;

/** Code of time exceeded: for reassembly. */
const REASSEMBLY = 1;

/** Those that send in turn: answers of ICMP, TCP, UDP. */
const SENDERS = 3;

/**
 * The endpoint.
 *
 * Nothing is configured: whatever address a packet is for is played, and a sink decides on every connection and flow that a
 * peer asks for. Packets are only looked at during `push`, and never throw, whatever they hold.
 *
 * @example A host that answers whatever is asked of it, by UDP
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { L3L4Engine, type L3L4Sink, type PacketOut } from "@leat/streams/l3l4";
 *
 * const nothing = () => {};
 * const tcp = { opened: nothing, readable: nothing, writable: nothing, ended: nothing, closed: nothing };
 * const udp = { udpOpened: nothing, udpWritable: nothing, udpError: nothing, udpClosed: nothing };
 * const sink: L3L4Sink = {
 *   ...tcp,
 *   ...udp,
 *   incoming: () => "refuse",
 *   incomingUdp: () => "accept",
 *   udpReadable: (port) => port.send(port.receive()!.bytes, 0),
 *   icmp: nothing,
 * };
 * const engine = new L3L4Engine({ random: (into) => crypto.getRandomValues(into as Uint8Array<ArrayBuffer>) }, sink);
 *
 * const packet = new Uint8Array([
 *   0x45, 0, 0, 30, 0, 1, 0, 0, 64, 17, 0xf6, 0xca, 192, 0, 2, 1, 192, 0, 2, 2, // IPv4
 *   0, 53, 0x30, 0x39, 0, 10, 0, 0, 0x68, 0x69, // UDP, without a checksum
 * ]);
 * engine.push(packet, 0);
 * engine.flush(0);
 * const sent: Uint8Array[] = [];
 * let buffer = new Uint8Array(0);
 * const out: PacketOut = {
 *   alloc: (size) => buffer = new Uint8Array(size),
 *   commit: (length) => void sent.push(buffer.subarray(0, length)),
 * };
 * engine.transmit(out, 0);
 * assertEquals(new TextDecoder().decode(sent[0]!.subarray(28)), "hi");
 * ```
 */
export class L3L4Engine implements StackEngine {
  readonly #sink: L3L4Sink;
  readonly #input: IpInput;
  readonly #paths: PathMtus;
  readonly #icmpIn: IcmpInput;
  readonly #icmpOut: IcmpOutput;
  readonly #icmpErrors: IcmpErrors;
  readonly #answers: DatagramQueue;
  readonly #budget: QueueBudget;
  readonly #tcp: TcpTable;
  readonly #udp: UdpTable;
  readonly #mtuOf: MtuOf;
  readonly #counters = { packets: 0, unknownProtocols: 0 };
  #firstSender = 0;
  /** Time of the call that runs. */
  #now = 0;
  #isBusy = false;
  #isFlushing = false;

  /**
   * An endpoint that reports to `sink`.
   *
   * @throws {TypeError} or {@linkcode RangeError} when an option is wrong
   */
  constructor(options: L3L4EngineOptions, sink: L3L4Sink) {
    const settings = l3l4Settings(options);
    const { random } = settings;
    const summer = new Summer();
    const ids = new IpIds(random);
    const budget: QueueBudget = { left: settings.maxDatagramBytes };
    const paths = new PathMtus(settings.mtu, settings.paths);
    this.#sink = sink;
    this.#budget = budget;
    this.#paths = paths;
    this.#answers = new DatagramQueue(settings.tcp.maxAnswers, budget, ids);
    this.#icmpOut = new IcmpOutput(settings.icmp, this.#answers, ids, summer);
    this.#udp = new UdpTable(settings.udp, {
      random,
      budget,
      ids,
      summer,
      refuse: (packet, now) => this.#refusePort(packet, now),
    }, sink);
    this.#tcp = new TcpTable(settings.tcp, { random, pathMtu: (path) => this.#icmpErrors.pathMtu(path) }, sink);
    this.#icmpErrors = new IcmpErrors(paths, this.#tcp, this.#udp);
    this.#icmpIn = new IcmpInput(settings.icmp, this.#icmpOut, this.#icmpErrors, budget);
    this.#input = new IpInput(settings.input, summer, (fragment) => this.#reassemblyFailed(fragment));
    this.#mtuOf = (packet) => packet[0]! >>> 4 === 4 ? paths.get(packet, 16, 4) : paths.get(packet, 24, 16);
  }

  /** A packet has come; `isChecksumTrusted` when the driver vouches for the checksum of its transport. */
  push(packet: Uint8Array, now: number, isChecksumTrusted = false): void {
    this.#enter();
    try {
      this.#counters.packets++;
      this.#now = now;
      const input = this.#input;
      const outcome = input.read(packet, now, isChecksumTrusted);
      if (outcome === IpOutcome.DATAGRAM) this.#dispatch(input.packet, now);
      else if (outcome === IpOutcome.PROBLEM) {
        const { code, pointer } = input.problem;
        this.#icmpOut.error(input.packet, Icmpv6Type.PARAMETER_PROBLEM, code, pointer, now);
      }
    } finally {
      this.#isBusy = false;
    }
  }

  #dispatch(packet: IpPacket, now: number): void {
    switch (packet.protocol) {
      case IpProtocol.TCP:
        return this.#tcp.receive(packet, now);
      case IpProtocol.UDP:
        return this.#udp.receive(packet, now);
      case IpProtocol.ICMP:
        if (packet.version === 4) return this.#icmpIn.receive(packet, now);
        break;
      case IpProtocol.ICMPV6:
        if (packet.version === 6) return this.#icmpIn.receive(packet, now);
        break;
    }
    this.#counters.unknownProtocols++;
    if (packet.version === 4) {
      this.#icmpOut.error(packet, IcmpType.DESTINATION_UNREACHABLE, PROTOCOL_UNREACHABLE, 0, now);
      return;
    }
    const pointer = packet.payloadAt === 40 ? 6 : this.#input.nextHeaderAt;
    this.#icmpOut.error(packet, Icmpv6Type.PARAMETER_PROBLEM, ParameterProblemCode.NEXT_HEADER, pointer, now);
  }

  #refusePort(packet: IpPacket, now: number): void {
    const isV4 = packet.version === 4;
    const type = isV4 ? IcmpType.DESTINATION_UNREACHABLE : Icmpv6Type.DESTINATION_UNREACHABLE;
    this.#icmpOut.error(packet, type, isV4 ? PORT_UNREACHABLE : PORT_UNREACHABLE_V6, 0, now);
  }

  #reassemblyFailed(fragment: IpPacket): void {
    const type = fragment.version === 4 ? IcmpType.TIME_EXCEEDED : Icmpv6Type.TIME_EXCEEDED;
    this.#icmpOut.error(fragment, type, REASSEMBLY, 0, this.#now);
  }

  /** The batch is over, or something was done to a port: the sink is told what has happened. */
  flush(now: number): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      do {
        this.#icmpIn.flush(this.#sink);
        this.#udp.flush();
        this.#tcp.flush(now);
      } while (this.#hasNews);
    } finally {
      this.#isFlushing = false;
    }
  }

  get #hasNews(): boolean {
    return this.#icmpIn.hasNews || this.#udp.hasNews;
  }

  /** Sends what is to be sent; `false` when `out` had no room for all of it. */
  transmit(out: PacketOut, now: number): boolean {
    this.#enter();
    try {
      for (let i = 0; i < SENDERS; i++) {
        const sender = (this.#firstSender + i) % SENDERS;
        if (this.#send(sender, out, now)) continue;
        // the next time the others come first, so that none of them starves
        this.#firstSender = (sender + 1) % SENDERS;
        return false;
      }
      return true;
    } finally {
      this.#isBusy = false;
    }
  }

  #send(sender: number, out: PacketOut, now: number): boolean {
    if (sender === 0) return this.#answers.transmit(out, this.#mtuOf);
    return sender === 1 ? this.#tcp.transmit(out, now) : this.#udp.transmit(out, this.#mtuOf);
  }

  /** When `onTimeout` is to be called; `Infinity` for never. */
  timeoutAt(): number {
    // what transmit has found out is told at once
    if (this.#hasNews) return 0;
    const tables = Math.min(this.#tcp.timeoutAt(), this.#udp.timeoutAt());
    return Math.min(tables, this.#input.timeoutAt(), this.#paths.timeoutAt());
  }

  /** Does what is due, and tells the sink. */
  onTimeout(now: number): void {
    this.#enter();
    try {
      this.#now = now;
      this.#input.onTimeout(now);
      if (this.#paths.onTimeout(now)) this.#tcp.pathsChanged();
      this.#udp.onTimeout(now);
      this.#isFlushing = true;
      this.#tcp.onTimeout(now);
    } finally {
      this.#isFlushing = false;
      this.#isBusy = false;
    }
    this.flush(now);
  }

  /**
   * From now on the link takes packets of so many bytes.
   *
   * @throws {RangeError} when that can't be
   */
  setMtu(mtu: number): void {
    this.#paths.linkMtu = checkMtu(mtu);
    this.#tcp.pathsChanged();
  }

  /**
   * Connects to a peer with TCP.
   *
   * @throws {@linkcode L3L4Error} when there is no room, the port is taken, or no TCP runs between such addresses
   * @throws {TypeError} or {@linkcode RangeError} for wrong arguments
   */
  connect(options: TcpConnectOptions, now: number): TcpPort {
    return this.#tcp.connect(options, now);
  }

  /** What becomes of the connection whose verdict was `"later"`; `false` when it is gone already. */
  decide(token: number, verdict: Verdict, options: TcpPortOptions | undefined, now: number): boolean {
    return this.#tcp.decide(token, verdict, options, now);
  }

  /**
   * Opens a UDP port: a flow with one peer when it is named, else one for all.
   *
   * @throws {@linkcode L3L4Error} when there is no room, or the port is taken
   * @throws {RangeError} for addresses and ports that can't be
   */
  udpOpen(options: UdpOpenOptions, now: number): UdpPort {
    return this.#udp.open(options, now);
  }

  /** Tells a peer of UDP that its datagrams reach nobody, as `refuse` of `incomingUdp` does, about one that came earlier. */
  refuseUdp(path: FlowPath, now: number): void {
    this.#refusePort(emptyDatagramOf(path), now);
  }

  /**
   * Asks for an echo; the answer comes as a message of ICMP. `false` when there is no room.
   *
   * @throws {RangeError} for addresses or a length that can't be
   */
  ping(options: PingOptions): boolean {
    const { identifier, sequence } = options;
    const type = options.localAddress.length === 4 ? IcmpType.ECHO : Icmpv6Type.ECHO_REQUEST;
    return this.#icmpOut.send({ ...options, type, word: ((identifier & 0xffff) << 16 | (sequence & 0xffff)) >>> 0 });
  }

  /**
   * Sends any message of ICMP; `false` when there is no room.
   *
   * @throws {RangeError} for addresses or a length that can't be
   */
  icmpSend(options: IcmpSendOptions): boolean {
    return this.#icmpOut.send(options);
  }

  /** States of all TCP connections. */
  states(): TcpStateName[] {
    return this.#tcp.states();
  }

  /** Forgets all TCP connections in this state, or all, without a word to the peers. */
  forget(state: TcpStateName | undefined, error: L3L4Error | null): void {
    this.#tcp.forget(state, error);
  }

  /** Packets that were dropped, by reason. */
  get drops(): Reasons {
    return this.#input.drops;
  }

  /** Counters. */
  get stats(): L3L4Stats {
    const { drops, fragments, reassembled } = this.#input;
    return {
      ...this.#counters,
      dropped: drops.total,
      reassembled,
      fragmentBytes: fragments.heldBytes,
      fragmentDatagrams: fragments.size,
      fragmentTimeouts: fragments.timeouts,
      fragmentEvictions: fragments.evictions,
      pathMtus: this.#paths.size,
      datagramBytesLeft: this.#budget.left,
      ...this.#icmpIn.stats,
      ...this.#icmpOut.stats,
      icmpDisbelieved: this.#icmpErrors.disbelieved,
      ...this.#udp.counters,
      udpPorts: this.#udp.size,
      ...this.#tcp.stats,
    };
  }

  /** The sink must not call back into what it is called from. */
  #enter(): void {
    if (this.#isBusy || this.#isFlushing) {
      throw new L3L4Error("called from within a callback", { code: "EBUSY", blame: "local" });
    }
    this.#isBusy = true;
  }
}
