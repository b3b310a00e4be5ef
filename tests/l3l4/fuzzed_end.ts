/** An endpoint in a state of the test's choice, and packets that are nearly right for it. */
import { L3L4Engine } from "../../src/l3l4/l3l4_engine.ts";
import type { TcpPort } from "../../src/l3l4/l3l4_sink.ts";
import { encodeIpv4, ipv4Length } from "../../src/packet/ipv4.ts";
import { decodeTcp, encodeTcp, TcpFlag, tcpLength, type TcpSegment } from "../../src/packet/tcp.ts";
import type { TcpOption } from "../../src/packet/tcp_options.ts";
import { mutate, type SeededRandom } from "../../src/sim/mod.ts";

const OURS = Uint8Array.of(192, 0, 2, 1);
const THEIRS = Uint8Array.of(198, 51, 100, 2);
const OUR_PORT = 80;
const THEIR_PORT = 4000;
const THEIR_INITIAL = 0xffff_ff00;
const SYN_OPTIONS: readonly TcpOption[] = [
  { kind: "mss", size: 1460 },
  { kind: "sackPermitted" },
  { kind: "timestamps", value: 1000, echo: 0 },
  { kind: "nop" },
  { kind: "windowScale", shift: 2 },
];

/** States that packets are thrown at. */
export const FUZZED_STATES = [
  "LISTEN",
  "SYN-SENT",
  "SYN-RECEIVED",
  "ESTABLISHED",
  "FIN-WAIT-1",
  "FIN-WAIT-2",
  "CLOSE-WAIT",
  "CLOSING",
  "LAST-ACK",
  "TIME-WAIT",
] as const;

/** One of them. */
export type FuzzedState = typeof FUZZED_STATES[number];

/** The endpoint. */
export class FuzzedEnd {
  readonly engine: L3L4Engine;
  readonly state: FuzzedState;
  now = 1_000_000;
  bytesIn = 0;
  bytesOut = 0;
  packetsOut = 0;
  /** The connection that was opened last, and all of them. */
  port: TcpPort | undefined;
  readonly ports: TcpPort[] = [];
  /** Whether its user reads. */
  isReading = true;
  /** What we expect next of the peer, and what it expects of us. */
  #theirNext = THEIR_INITIAL;
  #ourNext = 0;
  #buffer = new Uint8Array(0);
  readonly #random: SeededRandom;

  constructor(state: FuzzedState, random: SeededRandom) {
    this.state = state;
    this.#random = random;
    const isSome = () => random.chance(0.5);
    const options = { receiveBufferBytes: 50_000, hasTimestamps: isSome(), hasSack: isSome(), ecn: "accept" } as const;
    this.engine = new L3L4Engine({ ...options, timeWaitMs: 1000, random: random.fill }, {
      incoming: () => "accept",
      opened: (port) => {
        this.port = port;
        this.ports.push(port);
      },
      readable: (port) => this.isReading && port.consume(port.readable, this.now),
      writable() {},
      ended() {},
      closed() {},
      incomingUdp: () => "ignore",
      udpOpened() {},
      udpReadable() {},
      udpWritable() {},
      udpError() {},
      udpClosed() {},
      icmp() {},
    });
    this.#bring();
    this.bytesIn = this.bytesOut = this.packetsOut = 0;
  }

  /** Whether it still is where it was brought to. */
  get isThere(): boolean {
    const states = this.engine.states();
    return this.state === "LISTEN" ? states.length < 100 : states.length <= 2 && states.includes(this.state);
  }

  #bring(): void {
    const { state } = this;
    if (state === "LISTEN") return;
    if (state === "SYN-SENT") {
      const ends = { localAddress: OURS, localPort: OUR_PORT, remoteAddress: THEIRS, remotePort: THEIR_PORT };
      this.ports.push(this.engine.connect(ends, this.now));
      return this.exchange();
    }
    this.#say(TcpFlag.SYN, SYN_OPTIONS);
    this.#theirNext = (this.#theirNext + 1) >>> 0;
    if (state === "SYN-RECEIVED") return;
    this.#say(TcpFlag.ACK);
    const { port } = this;
    // something is under way, but in the states that need all of it to be acknowledged
    const acked = state === "FIN-WAIT-2" || state === "TIME-WAIT";
    if (!acked) port!.write(new Uint8Array(5000), this.now);
    this.exchange();
    if (state === "ESTABLISHED") return;
    if (state === "CLOSE-WAIT" || state === "LAST-ACK") this.#say(TcpFlag.ACK | TcpFlag.FIN, [], this.#ourNext - 5000);
    if (state === "CLOSE-WAIT") return;
    port!.shutdown(this.now);
    this.exchange();
    if (state === "FIN-WAIT-2" || state === "TIME-WAIT") this.#say(TcpFlag.ACK);
    if (state === "TIME-WAIT") this.#say(TcpFlag.ACK | TcpFlag.FIN);
    if (state === "CLOSING") this.#say(TcpFlag.ACK | TcpFlag.FIN, [], this.#ourNext - 5001);
  }

  #say(flags: number, options: readonly TcpOption[] = [], acknowledgment: number = this.#ourNext): void {
    const timestamps = { kind: "timestamps", value: 1000 + this.now - 1_000_000, echo: 0 } as const;
    this.push(
      this.#packet({
        flags,
        options: options.length > 0 ? options : [timestamps],
        acknowledgment: acknowledgment >>> 0,
      }),
    );
    this.exchange();
  }

  #packet(fields: Partial<TcpSegment>): Uint8Array {
    const segment: TcpSegment = {
      sourcePort: THEIR_PORT,
      destinationPort: OUR_PORT,
      sequence: this.#theirNext >>> 0,
      acknowledgment: 0,
      flags: TcpFlag.ACK,
      window: 20_000,
      urgentPointer: 0,
      options: [],
      payload: new Uint8Array(0),
      ...fields,
    };
    const payload = new Uint8Array(tcpLength(segment));
    encodeTcp(segment, payload, { source: THEIRS, destination: OURS });
    const datagram = { ...HEADER, payload };
    const packet = new Uint8Array(ipv4Length(datagram));
    encodeIpv4(datagram, packet);
    return packet;
  }

  /** A packet comes. */
  push(packet: Uint8Array): void {
    this.bytesIn += packet.length;
    this.engine.push(packet, this.now);
  }

  /** It tells and sends what it has to. */
  exchange(): void {
    this.engine.flush(this.now);
    this.engine.transmit(this, this.now);
  }

  alloc(size: number): Uint8Array {
    return this.#buffer = new Uint8Array(size);
  }

  commit(length: number): void {
    this.packetsOut++;
    this.bytesOut += length;
    // a damaged packet may be one of IPv6, and be answered
    if (this.#buffer[0] !== 0x45 || this.#buffer[9] !== 6) return;
    const segment = decodeTcp(this.#buffer.subarray(20, length));
    if ((segment.flags & TcpFlag.RST) !== 0) return;
    const { SYN, FIN } = TcpFlag;
    const control = ((segment.flags & SYN) !== 0 ? 1 : 0) + ((segment.flags & FIN) !== 0 ? 1 : 0);
    this.#ourNext = (segment.sequence + segment.payload.length + control) >>> 0;
  }

  /** A packet that a peer might send, or that somebody has damaged. */
  random(): Uint8Array {
    const random = this.#random;
    const near = () => random.pick([0, 0, 0, 0, 1, -1, 100, -100, 1460, -5000, 50_000, 65_536, random.bits()]);
    const flags = random.chance(0.8)
      ? random.pick([0x10, 0x10, 0x18, 0x11, 0x02, 0x12, 0x04, 0x14, 0x30, 0x50, 0x90, 0xc2])
      : random.below(512);
    const packet = this.#packet({
      sequence: (this.#theirNext + near()) >>> 0,
      acknowledgment: (this.#ourNext + near()) >>> 0,
      flags,
      window: random.pick([0, 1, 20_000, 65_535]),
      urgentPointer: random.pick([0, 1, 65_535]),
      options: this.#options(near),
      payload: new Uint8Array(random.pick([0, 0, 1, 100, 1460])),
    });
    return random.chance(0.3) ? mutate(packet, random) : packet;
  }

  #options(near: () => number): TcpOption[] {
    const random = this.#random;
    const options: TcpOption[] = [];
    const value = (1000 + this.now - 1_000_000 + near()) >>> 0;
    if (random.chance(0.6)) options.push({ kind: "timestamps", value, echo: random.bits() });
    if (random.chance(0.3)) {
      const block = () => {
        const left = this.#ourNext - 5000 + random.below(6000);
        return { left: left >>> 0, right: (left + near()) >>> 0 };
      };
      options.push({ kind: "sack", blocks: Array.from({ length: random.between(1, 3) }, block) });
    }
    return options;
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
  source: THEIRS,
  destination: OURS,
} as const;
