/** The adapter to our TCP: a table of connections under a profile that makes it speak as FreeBSD does. */
import type { L3L4Error } from "../../src/l3l4/errors.ts";
import { IpPacket } from "../../src/l3l4/ip_packet.ts";
import type { TcpPort, TcpSink } from "../../src/l3l4/l3l4_sink.ts";
import type { IcmpErrorNews } from "../../src/l3l4/tcp/tcp_host.ts";
import type { BsdHabits } from "../../src/l3l4/tcp/bsd_habits.ts";
import { type TcpOptions, type TcpSettings, tcpSettings } from "../../src/l3l4/tcp/tcp_settings.ts";
import type { TcpStateName } from "../../src/l3l4/tcp/tcp_state.ts";
import { TcpTable } from "../../src/l3l4/tcp/tcp_table.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import type { DrillFlow, DrillListener, DrillStack, SocketSettings } from "./drill_stack.ts";
import type { HostOptions } from "./runner.ts";
import { byteAt, getU32 } from "./tcp_packet.ts";
import { SCRIPT_PORT } from "./conversation.ts";

const RECEIVE_BUFFER = 65_536;
/** The shift that FreeBSD takes for its largest buffer of 2 MiB. */
const WINDOW_SHIFT = 6;
const TCP = 6;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What a `sysctl` does to our options, by name. */
const sysctls: Readonly<Record<string, (settings: Mutable<TcpSettings>, value: number) => void>> = {
  "net.inet.tcp.rfc1323"(settings, value) {
    settings.hasTimestamps = value !== 0;
    settings.windowShift = value !== 0 ? WINDOW_SHIFT : -1;
  },
  "net.inet.tcp.sack.enable": (settings, value) => settings.hasSack = value !== 0,
  "net.inet.tcp.ecn.enable": (settings, value) => settings.ecn = (["off", "request", "accept"] as const)[value]!,
  "net.inet.tcp.ecn.maxretries": (settings, value) => settings.ecnSynRetries = value,
  "net.inet.tcp.insecure_rst": (settings, value) => settings.checksResets = value === 0,
  "net.inet.tcp.insecure_syn": (settings, value) => settings.checksSyns = value === 0,
  "net.inet.tcp.drop_synfin": (settings, value) => settings.dropsSynFin = value !== 0,
  "net.inet.tcp.rexmit_initial": (settings, value) => settings.initialRtoMs = value,
  "net.inet.tcp.rexmit_slop": (settings, value) => settings.rtoSlopMs = value,
  "net.inet.tcp.rexmit_drop_options": (settings, value) => settings.plainSynRetries = value !== 0 ? 3 : Infinity,
  "net.inet.tcp.keepinit": (settings, value) => settings.connectTimeoutMs = value,
  "net.inet.tcp.tolerate_missing_ts": (settings, value) => settings.needsTimestamps = value === 0,
  "net.inet.tcp.syncookies_only": (_, value) => {
    if (value !== 0) throw new Error("cookies are for floods only");
  },
  "net.inet.tcp.syncookies": (settings, value) => settings.hasSynCookies = value !== 0,
  "kern.ipc.maxsockbuf": (settings, value) => settings.windowShift = shiftFor(value),
  "net.inet.tcp.recvspace": () => {},
  "net.inet.tcp.sendspace": () => {},
  "net.inet.tcp.blackhole": () => {},
  "net.inet.tcp.hostcache.purgenow": () => {},
};

/** The least shift that makes a window of the largest buffer. */
function shiftFor(maxBuffer: number): number {
  let shift = 0;
  while (shift < 14 && 0xffff * 2 ** shift < maxBuffer) shift++;
  return shift;
}

class Flow implements DrillFlow {
  readonly #stack: L3L4Stack;
  readonly port: TcpPort;
  hasOpened = false;
  failure: L3L4Error | null = null;
  /** Sequence number of the next byte that is read or written, for `byteAt`; unknown before the first. */
  #isClosed = false;

  constructor(stack: L3L4Stack, port: TcpPort) {
    this.#stack = stack;
    this.port = port;
  }

  get state(): string {
    const { state } = this.port.info();
    // a connection hands TIME-WAIT over to its table
    return state === "CLOSED" && this.#stack.states().includes("TIME-WAIT") ? "TIME-WAIT" : state;
  }

  get error(): string | undefined {
    return this.failure?.code;
  }

  get readable(): number {
    return this.port.readable;
  }

  get hasEnded(): boolean {
    return this.port.hasEnded;
  }

  get receiveBuffer(): number {
    return this.port.info().state === "SYN-SENT" ? RECEIVE_BUFFER : this.#stack.flowBuffer;
  }

  read(length: number, now: number): void {
    for (let left = length; left > 0;) {
      const bytes = this.port.peek().subarray(0, left);
      this.#stack.check(bytes);
      left -= bytes.length;
      this.port.consume(bytes.length, now);
    }
  }

  write(length: number, now: number): number {
    return this.port.write(new Uint8Array(length), now);
  }

  shutdown(now: number): void {
    this.port.shutdown(now);
  }

  close(now: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.port.info().state === "SYN-SENT") return this.port.abort(now);
    this.port.shutdown(now);
    this.port.stopReading(now);
  }
}

export class L3L4Stack implements DrillStack {
  readonly receiveBuffer: number = RECEIVE_BUFFER;
  /** As FreeBSD rounds it up, once it knows the segment size. */
  readonly flowBuffer: number;
  readonly #options: HostOptions;
  readonly #settings: Mutable<TcpSettings>;
  readonly #table: TcpTable;
  readonly #flows = new Map<TcpPort, Flow>();
  readonly #packet = new IpPacket();
  #accepted: ((flow: DrillFlow) => void) | undefined;
  #heedsIcmp = true;
  #mtu: number;
  /** Sequence number of the next byte from the peer. */
  #nextByte = 0;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#mtu = options.mtu;
    const headers = options.version === 4 ? 40 : 60;
    const segmentSize = options.mtu - headers;
    this.flowBuffer = Math.ceil(RECEIVE_BUFFER / segmentSize) * segmentSize;
    const profile: TcpOptions = {
      receiveBufferBytes: this.flowBuffer,
      windowScale: WINDOW_SHIFT,
      congestion: "newreno",
      plainSynRetries: Infinity,
    };
    const habits: BsdHabits = {
      rtoSlopMs: 200,
      minWindowGainBytes: 1,
      takesBeyondWindow: true,
      repeatsFin: true,
      tellsLateResets: true,
      ignoresOldSyns: true,
      acksEverySecond: true,
      saysSegmentSize: true,
    };
    this.#settings = { ...tcpSettings(profile), ...habits };
    const sink: TcpSink = {
      incoming: ({ localPort }) => this.#accepted !== undefined && localPort === SCRIPT_PORT ? "accept" : "refuse",
      opened: (port) => this.#opened(port),
      readable() {},
      writable() {},
      ended() {},
      closed: (port, error) => {
        this.#flow(port).failure = error;
      },
    };
    const surroundings = { random: new SeededRandom(1).fill, pathMtu: () => this.#mtu };
    this.#table = new TcpTable(this.#settings, surroundings, sink);
  }

  #flow(port: TcpPort): Flow {
    const known = this.#flows.get(port);
    if (known !== undefined) return known;
    const flow = new Flow(this, port);
    this.#flows.set(port, flow);
    return flow;
  }

  #opened(port: TcpPort): void {
    if (!port.isActive) this.#accepted?.(this.#flow(port));
  }

  /** What the peer sent is what was read: each byte tells its sequence number. */
  check(bytes: Uint8Array): void {
    for (const byte of bytes) {
      const expected = byteAt(this.#nextByte++ >>> 0);
      if (byte !== expected) throw new Error(`byte ${this.#nextByte - 1} is ${byte} instead of ${expected}`);
    }
  }

  push(bytes: Uint8Array, now: number): void {
    const packet = this.#packet;
    const isV4 = bytes[0]! >>> 4 === 4;
    packet.bytes = bytes;
    packet.version = isV4 ? 4 : 6;
    packet.sourceAt = isV4 ? 12 : 8;
    packet.destinationAt = isV4 ? 16 : 24;
    packet.addressLength = isV4 ? 4 : 16;
    packet.protocol = bytes[isV4 ? 9 : 6]!;
    packet.payloadAt = isV4 ? 20 : 40;
    packet.end = bytes.length;
    if (packet.protocol === TCP) {
      // the peer's SYN tells where its bytes begin; those that it bears count from its own number on
      const { payloadAt } = packet;
      const hasData = bytes.length > payloadAt + (bytes[payloadAt + 12]! >>> 4) * 4;
      if ((bytes[payloadAt + 13]! & 2) !== 0) this.#nextByte = getU32(bytes, payloadAt + 4) + (hasData ? 0 : 1);
      this.#table.receive(packet, now);
    } else this.#icmp(bytes.subarray(packet.payloadAt), now);
    this.#table.flush(now);
  }

  #icmp(message: Uint8Array, now: number): void {
    const { version, local, remote } = this.#options;
    const news = icmpNews(version, message);
    // of IPv4 FreeBSD keeps no path's MTU that nothing was sent on
    if (news?.code === "EMSGSIZE" && version === 6) this.#mtu = news.mtu;
    if (news === undefined) return;
    const tcp = message.subarray(8 + (version === 4 ? 20 : 40));
    const path = {
      version,
      localAddress: local,
      localPort: (tcp[0]! << 8) | tcp[1]!,
      remoteAddress: remote,
      remotePort: (tcp[2]! << 8) | tcp[3]!,
    };
    const isHard = news.isHard && this.#heedsIcmp;
    this.#table.icmpError(path, { ...news, sequence: getU32(tcp, 4) | 0, isHard }, now);
  }

  transmit(now: number): Uint8Array[] {
    const packets: Uint8Array[] = [];
    let buffer = new Uint8Array(0);
    this.#table.flush(now);
    this.#table.transmit({
      alloc: (size) => buffer = new Uint8Array(size),
      commit: (length) => void packets.push(buffer.subarray(0, length)),
    }, now);
    return packets;
  }

  timeoutAt(): number {
    return this.#table.timeoutAt();
  }

  onTimeout(now: number): void {
    this.#table.onTimeout(now);
  }

  connect(settings: SocketSettings, now: number): DrillFlow {
    const seconds = settings.get("TCP_KEEPINIT");
    if (seconds !== undefined) this.#settings.connectTimeoutMs = 1000 * seconds;
    this.#heedNoOptions(settings);
    const { local, remote } = this.#options;
    const ends = { localAddress: local, remoteAddress: remote, remotePort: SCRIPT_PORT };
    const flow = this.#flow(this.#table.connect(ends, now));
    return flow;
  }

  #heedNoOptions(settings: SocketSettings): void {
    if (settings.get("TCP_NOOPT") !== 1) return;
    this.#settings.plainSynRetries = 0;
    this.#settings.saysSegmentSize = false;
    this.#settings.hasTimestamps = false;
    this.#settings.hasSack = false;
    this.#settings.windowShift = -1;
  }

  listen(settings: SocketSettings, _backlog: number, accepted: (flow: DrillFlow) => void): DrillListener {
    this.#accepted = accepted;
    this.#heedNoOptions(settings);
    this.#settings.strays = "listen";
    return {
      close: () => {
        this.#accepted = undefined;
        this.#settings.strays = "reset";
      },
    };
  }

  set(name: string, value: number): boolean {
    if (name === "net.inet.tcp.icmp_may_rst") {
      this.#heedsIcmp = value !== 0;
      return true;
    }
    const set = Object.hasOwn(sysctls, name) ? sysctls[name] : undefined;
    set?.(this.#settings, value);
    return set !== undefined;
  }

  states(): readonly string[] {
    return this.#table.states();
  }

  drop(state: string): void {
    this.#table.forget(state as TcpStateName, null);
  }
}

/** What an error says to FreeBSD: most mean nothing to a connection. */
function icmpNews(version: 4 | 6, message: Uint8Array): Omit<IcmpErrorNews, "sequence"> | undefined {
  const name = `${message[0]}/${message[1]}`;
  const refused = version === 4 ? ["3/2", "3/3", "3/9", "3/10", "3/13"] : ["1/1", "1/4", "4/1"];
  const unreachable = version === 4 ? "11/0" : "3/0";
  const tooBig = version === 4 ? "3/4" : "2/0";
  const mtu = getU32(message, 4) & (version === 4 ? 0xffff : -1);
  if (refused.includes(name)) return { code: "ECONNREFUSED", isHard: true, mtu: 0, text: `ICMP ${name}` };
  if (name === unreachable) return { code: "EHOSTUNREACH", isHard: true, mtu: 0, text: `ICMP ${name}` };
  if (name === tooBig) return { code: "EMSGSIZE", isHard: false, mtu, text: `ICMP ${name}` };
  return { code: "EHOSTUNREACH", isHard: false, mtu: 0, text: `ICMP ${name}` };
}
