/** A connection whose peer is a script: segments by hand, sequence numbers counted from the initial ones. */
import { encodeIpv4, ipv4Length } from "../../../src/packet/ipv4.ts";
import { decodeIpv4 } from "../../../src/packet/ipv4.ts";
import { decodeTcp, encodeTcp, TcpFlag, tcpLength, type TcpSegment } from "../../../src/packet/tcp.ts";
import type { TcpOption } from "../../../src/packet/tcp_options.ts";
import type { TcpOptions } from "../../../src/l3l4/tcp/tcp_settings.ts";
import { End } from "./tcp_pair.ts";

const OURS = Uint8Array.of(10, 0, 0, 1);
const THEIRS = Uint8Array.of(10, 0, 0, 2);

/** What a segment says; all but what is given is what comes next in a quiet connection. */
export interface Said {
  readonly seq?: number;
  readonly ack?: number;
  readonly flags?: number;
  readonly window?: number;
  readonly data?: Uint8Array;
  readonly options?: readonly TcpOption[];
  readonly ecn?: number;
  readonly urgentPointer?: number;
}

/** A segment of ours, with numbers from 0 on. */
export interface Heard {
  readonly seq: number;
  readonly ack: number;
  readonly length: number;
  readonly flags: string;
  readonly window: number;
  readonly ecn: number;
  readonly segment: TcpSegment;
}

const NAMES: readonly [number, string][] = [
  [TcpFlag.SYN, "S"],
  [TcpFlag.FIN, "F"],
  [TcpFlag.RST, "R"],
  [TcpFlag.PSH, "P"],
  [TcpFlag.ACK, "A"],
  [TcpFlag.URG, "U"],
  [TcpFlag.ECE, "E"],
  [TcpFlag.CWR, "W"],
];

/** Our side opens, and is called R in the names of cases; the script is P. */
export class ScriptedPeer {
  readonly end: End;
  now = 1000;
  readonly ours: number;
  readonly theirs: number;
  /** What P has sent so far, SYN included. */
  sent = 0;

  constructor(options: TcpOptions = {}, ours = 5000, theirs = 9000) {
    this.end = new End(options);
    this.ours = ours;
    this.theirs = theirs;
    const path = { version: 4, localAddress: OURS, localPort: 1, remoteAddress: THEIRS, remotePort: 2 } as const;
    this.end.open(path, ours, this.now);
  }

  /** Opens the connection as a plain peer does. */
  open(options: readonly TcpOption[] = [{ kind: "mss", size: 1460 }], window = 65_535, rttMs = 10): void {
    this.heard();
    this.now += rttMs;
    this.say({ seq: 0, ack: 1, flags: TcpFlag.SYN | TcpFlag.ACK, window, options });
    this.sent = 1;
    this.heard();
  }

  /** P sends a segment. */
  say(said: Said): void {
    const { data = new Uint8Array(0) } = said;
    const segment: TcpSegment = {
      sourcePort: 2,
      destinationPort: 1,
      sequence: (this.theirs + (said.seq ?? this.sent)) >>> 0,
      acknowledgment: (this.ours + (said.ack ?? 1)) >>> 0,
      flags: said.flags ?? TcpFlag.ACK,
      window: said.window ?? 65_535,
      urgentPointer: said.urgentPointer ?? 0,
      options: said.options ?? [],
      payload: data,
    };
    const addresses = { source: THEIRS, destination: OURS };
    const payload = new Uint8Array(tcpLength(segment));
    encodeTcp(segment, payload, addresses);
    const datagram = { ...HEADER, ecn: said.ecn ?? 0, source: THEIRS, destination: OURS, payload };
    const packet = new Uint8Array(ipv4Length(datagram));
    encodeIpv4(datagram, packet);
    this.end.push(packet, this.now);
    this.end.flush(this.now);
  }

  /** P sends the next bytes in order. */
  data(bytes: Uint8Array, said: Said = {}): void {
    this.say({ data: bytes, flags: TcpFlag.ACK | TcpFlag.PSH, ...said });
    this.sent += bytes.length;
  }

  /** Everything that R sends now. */
  heard(): Heard[] {
    const packets: Heard[] = [];
    let buffer = new Uint8Array(0);
    this.end.flush(this.now);
    this.end.transmit({
      alloc: (size) => buffer = new Uint8Array(size),
      commit: (length) => packets.push(this.#read(buffer.subarray(0, length))),
    }, this.now);
    this.end.flush(this.now);
    return packets;
  }

  #read(packet: Uint8Array): Heard {
    const ip = decodeIpv4(packet);
    const segment = decodeTcp(ip.payload);
    const flags = NAMES.filter(([bit]) => segment.flags & bit).map(([, name]) => name).join("");
    return {
      seq: (segment.sequence - this.ours) | 0,
      ack: (segment.acknowledgment - this.theirs) | 0,
      length: segment.payload.length,
      flags,
      window: segment.window,
      ecn: ip.ecn,
      segment,
    };
  }

  /** Lets time pass, timers included, and gives what R sent meanwhile with its time from now. */
  wait(ms: number): (Heard & { readonly after: number })[] {
    const start = this.now;
    const until = start + ms;
    const packets: (Heard & { readonly after: number })[] = [];
    for (;;) {
      packets.push(...this.heard().map((heard) => ({ ...heard, after: this.now - start })));
      const at = this.end.timers.nextAt;
      if (at > until) break;
      this.now = Math.max(this.now, at);
      this.end.timers.run(this.now);
    }
    this.now = until;
    return packets;
  }

  /** State of R. */
  get state(): string {
    return this.end.connection.info().state;
  }
}

const HEADER = {
  dscp: 0,
  ecn: 0,
  identification: 0,
  isDontFragment: true,
  hasMoreFragments: false,
  fragmentOffset: 0,
  ttl: 64,
  protocol: 6,
  options: [],
} as const;
