/** A table of connections with small connections of its own, and packets in and out as values. */
import type { L3L4Error } from "../../src/l3l4/errors.ts";
import { IpPacket } from "../../src/l3l4/ip_packet.ts";
import type { IpTemplate } from "../../src/l3l4/ip_header.ts";
import type {
  FlowPath,
  IncomingConnection,
  TcpPort,
  TcpPortOptions,
  TcpSink,
  Verdict,
} from "../../src/l3l4/l3l4_sink.ts";
import type { PacketOut } from "../../src/l3l4/packet_out.ts";
import type { SegmentCursor } from "../../src/l3l4/tcp/segment_cursor.ts";
import type {
  Handshake,
  HostedConnection,
  IcmpErrorNews,
  PassiveHandshake,
  TcpHost,
} from "../../src/l3l4/tcp/tcp_host.ts";
import { type TcpOptions, tcpSettings } from "../../src/l3l4/tcp/tcp_settings.ts";
import { TcpState } from "../../src/l3l4/tcp/tcp_state.ts";
import { type ConnectionFactory, TcpTable } from "../../src/l3l4/tcp/tcp_table.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import { readTcp, type TcpPacket, writeTcp } from "../packetdrill/tcp_packet.ts";

export const LOCAL: Uint8Array = new Uint8Array([10, 0, 0, 1]);
export const REMOTE: Uint8Array = new Uint8Array([192, 0, 2, 7]);
export const LOCAL6: Uint8Array = new Uint8Array([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
export const REMOTE6: Uint8Array = new Uint8Array([0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);

/** Keeps what it is told, and sends as many packets as it is told to. */
export class FakeConnection {
  hash = 0;
  chain: HostedConnection | null = null;
  isQueuedForTransmit = false;
  isQueuedForFlush = false;
  queuedAt: number = Infinity;
  queueIndex = -1;
  context: unknown = undefined;
  state: number;
  dueAt: number = Infinity;
  toSend = 0;
  readonly received: { flags: number; sequence: number; acknowledgment: number; length: number }[] = [];
  readonly news: IcmpErrorNews[] = [];
  told = 0;
  timeouts = 0;
  dropped: L3L4Error | null | undefined;
  readonly host: TcpHost;
  readonly path: FlowPath;
  readonly handshake: Handshake | PassiveHandshake;
  readonly options: TcpPortOptions;
  readonly template: IpTemplate;

  constructor(
    host: TcpHost,
    path: FlowPath,
    handshake: Handshake | PassiveHandshake,
    options: TcpPortOptions,
    template: IpTemplate,
  ) {
    this.host = host;
    this.path = path;
    this.handshake = handshake;
    this.options = options;
    this.template = template;
    this.state = "receiveInitial" in handshake ? TcpState.ESTABLISHED : TcpState.SYN_SENT;
  }

  get version(): 4 | 6 {
    return this.path.version;
  }
  get localAddress(): Uint8Array {
    return this.path.localAddress;
  }
  get localPort(): number {
    return this.path.localPort;
  }
  get remoteAddress(): Uint8Array {
    return this.path.remoteAddress;
  }
  get remotePort(): number {
    return this.path.remotePort;
  }

  receive({ flags, sequence, acknowledgment, dataLength }: SegmentCursor): void {
    this.received.push({ flags, sequence, acknowledgment, length: dataLength });
  }

  transmit(out: PacketOut): boolean {
    const { writer } = this.host;
    for (; this.toSend > 0; this.toSend--) {
      writer.begin(this.toSend, 0, 0x10, 0);
      const { template, localPort, remotePort } = this;
      if (!writer.write(out, template, localPort, remotePort, null, 0, 0, 0)) return false;
    }
    return true;
  }

  wants(packets: number): void {
    this.toSend += packets;
    this.host.wantsTransmit(this as unknown as HostedConnection);
  }

  tell(): void {
    this.told++;
  }

  timeoutAt(): number {
    return this.dueAt;
  }

  onTimeout(): void {
    this.timeouts++;
    this.dueAt = Infinity;
  }

  icmpError(news: IcmpErrorNews): void {
    this.news.push(news);
  }

  pathChanged(): void {}

  drop(error: L3L4Error | null): void {
    this.dropped = error;
    this.close();
  }

  close(): void {
    this.dueAt = Infinity;
    this.state = TcpState.CLOSED;
    this.host.removed(this as unknown as HostedConnection);
  }
}

/** A packet from the peer: all that a test does not name is as usual. */
export type Fields = Partial<TcpPacket>;

export class TableRig {
  readonly table: TcpTable;
  readonly connections: FakeConnection[] = [];
  readonly requests: IncomingConnection[] = [];
  verdict: Verdict = "accept";
  now = 1_000_000;
  mtu = 1500;
  /** Packets that there is room for in each `transmit`. */
  room: number = Infinity;
  readonly #packet = new IpPacket();

  constructor(options: TcpOptions = {}, seed = 1) {
    const sink: TcpSink = {
      incoming: (request) => {
        this.requests.push(request);
        return this.verdict;
      },
      opened() {},
      readable() {},
      writable() {},
      ended() {},
      closed() {},
    };
    const make: ConnectionFactory["accept"] = ({ host, path, template, options: portOptions }, handshake) => {
      const connection = new FakeConnection(host, path, handshake, portOptions, template);
      this.connections.push(connection);
      return connection as unknown as HostedConnection & TcpPort;
    };
    const connect = make as unknown as ConnectionFactory["connect"];
    const surroundings = { random: new SeededRandom(seed).fill, pathMtu: () => this.mtu };
    this.table = new TcpTable(tcpSettings(options), surroundings, sink, { accept: make, connect });
  }

  /** A segment comes; returns what is sent for it. */
  receive(fields: Fields): TcpPacket[] {
    this.push(fields);
    return this.transmit();
  }

  push(fields: Fields): void {
    const bytes = writeTcp({
      source: REMOTE,
      destination: LOCAL,
      sourcePort: 4000,
      destinationPort: 80,
      flags: "",
      sequence: 0,
      ack: 0,
      window: 5000,
      urgent: 0,
      options: [],
      length: 0,
      hopLimit: 64,
      trafficClass: 0,
      ...fields,
    });
    this.pushBytes(bytes);
  }

  pushBytes(bytes: Uint8Array): void {
    const packet = this.#packet;
    const isV4 = bytes[0]! >>> 4 === 4;
    packet.bytes = bytes;
    packet.version = isV4 ? 4 : 6;
    packet.sourceAt = isV4 ? 12 : 8;
    packet.destinationAt = isV4 ? 16 : 24;
    packet.addressLength = isV4 ? 4 : 16;
    packet.protocol = 6;
    packet.payloadAt = isV4 ? 20 : 40;
    packet.end = bytes.length;
    this.table.receive(packet, this.now);
  }

  transmit(): TcpPacket[] {
    const packets: TcpPacket[] = [];
    let buffer = new Uint8Array(0);
    const out: PacketOut = {
      alloc: (size) => {
        if (packets.length >= this.room) return null;
        buffer = new Uint8Array(size).fill(0xa5);
        return buffer;
      },
      commit: (length) => void packets.push(readTcp(buffer.slice(0, length))),
    };
    this.table.flush(this.now);
    this.isDone = this.table.transmit(out, this.now);
    return packets;
  }

  /** What the last `transmit` of the table returned. */
  isDone = true;

  /** Time passes, with all that is due; returns what is sent. */
  wait(ms: number): TcpPacket[] {
    const until = this.now + ms;
    const packets: TcpPacket[] = [];
    while (this.table.timeoutAt() <= until) {
      this.now = Math.max(this.now, this.table.timeoutAt());
      this.table.onTimeout(this.now);
      packets.push(...this.transmit());
    }
    this.now = until;
    return packets;
  }

  /** A whole handshake; returns the connection. */
  open(fields: Fields = {}): FakeConnection {
    const [answer] = this.receive({ flags: "S", sequence: 100, ...fields });
    this.receive({ flags: ".", sequence: 101, ...fields, ack: (answer!.sequence + 1) >>> 0, options: [] });
    return this.connections.at(-1)!;
  }
}

/** The flags and numbers of packets, to compare. */
export function brief({ flags, sequence, ack, length }: TcpPacket): string {
  return `${flags} ${sequence}:${(sequence + length) >>> 0} ack ${ack}`;
}
