/**
 * An engine with the interface of the real one and a protocol of ten lines: no loss, no order but the right one. For
 * tests of what stands around the engine, which can so look at every packet.
 *
 * Packets are `[kind, from, to, ...payload]` with ports of one byte.
 */
import { L3L4Error } from "../../../src/l3l4/errors.ts";
import type {
  L3L4Sink,
  PingOptions,
  UdpDatagram,
  UdpOpenOptions,
  UdpPort,
  UdpTarget,
} from "../../../src/l3l4/datagram_sink.ts";
import type { IncomingConnection, TcpInfo, TcpPort, Verdict } from "../../../src/l3l4/l3l4_sink.ts";
import type { L3L4Stats } from "../../../src/l3l4/l3l4_stats.ts";
import type { PacketOut } from "../../../src/l3l4/packet_out.ts";
import type { StackEngine, TcpConnectOptions } from "../../../src/l3l4/stack_engine.ts";

export const Kind = { SYN: 1, SYN_ACK: 2, RST: 3, DATA: 4, FIN: 5, WINDOW: 6, FIN_ACK: 7 } as const;

export interface FakeOptions {
  /** Bytes that each side of a connection holds. */
  bufferBytes?: number;
  /** Bytes of payload of a packet. */
  segmentBytes?: number;
}

export class FakeStack implements StackEngine {
  readonly calls: string[] = [];
  readonly ports: Map<string, FakePort> = new Map();
  readonly udpPorts: FakeUdpPort[] = [];
  readonly pings: PingOptions[] = [];
  readonly bufferBytes: number;
  readonly segmentBytes: number;
  readonly sink: L3L4Sink;
  dueAt: number = Infinity;
  #answers: Uint8Array[] = [];
  #events: (() => void)[] = [];
  #waiting: Map<number, IncomingConnection> = new Map();
  #ids = 0;
  depth: number = 0;

  constructor(sink: L3L4Sink, options: FakeOptions = {}) {
    this.sink = sink;
    this.bufferBytes = options.bufferBytes ?? 16;
    this.segmentBytes = options.segmentBytes ?? 8;
  }

  push(packet: Uint8Array): void {
    const [kind, from, to] = packet as unknown as [number, number, number];
    const port = this.ports.get(`${to} ${from}`);
    if (port !== undefined) return port.receive(kind, packet.slice(3));
    if (kind === Kind.SYN) this.#syn(from, to);
    else if (kind !== Kind.RST && kind !== Kind.FIN_ACK) this.answer(Kind.RST, to, from);
  }

  #syn(from: number, to: number): void {
    const request: IncomingConnection = {
      ...path(to, from),
      token: ++this.#ids,
      segmentSize: 1460,
      hasTimestamps: true,
      hasSack: true,
      windowScale: -1,
    };
    const verdict = this.sink.incoming(request);
    this.calls.push(`incoming ${verdict}`);
    if (verdict === "later") this.#waiting.set(request.token, request);
    else this.#judge(request, verdict);
  }

  #judge(request: IncomingConnection, verdict: Verdict): void {
    const { localPort, remotePort } = request;
    if (verdict === "refuse") this.answer(Kind.RST, localPort, remotePort);
    if (verdict !== "accept") return;
    const port = new FakePort(this, localPort, remotePort, false);
    this.answer(Kind.SYN_ACK, localPort, remotePort);
    this.tell(() => this.sink.opened(port));
  }

  decide(token: number, verdict: Exclude<Verdict, "later">): boolean {
    const request = this.#waiting.get(token);
    if (request === undefined) return false;
    this.#waiting.delete(token);
    this.#judge(request, verdict);
    return true;
  }

  connect(options: TcpConnectOptions): TcpPort {
    if (options.remotePort === 99) {
      throw new L3L4Error("no port is free", { code: "EADDRINUSE", blame: "local" });
    }
    const local = options.localPort ?? 100 + this.ports.size;
    this.answer(Kind.SYN, local, options.remotePort);
    return new FakePort(this, local, options.remotePort, true);
  }

  udpOpen(options: UdpOpenOptions): UdpPort {
    const port = new FakeUdpPort(this, options);
    this.udpPorts.push(port);
    return port;
  }

  setMtu(): void {}

  refuseUdp(): void {}

  get stats(): L3L4Stats {
    throw new Error("not here");
  }

  ping(options: PingOptions): boolean {
    this.pings.push(options);
    return true;
  }

  flush(): void {
    const events = this.#events;
    this.#events = [];
    for (const event of events) event();
  }

  transmit(out: PacketOut): boolean {
    for (let packet = this.#answers[0]; packet !== undefined; packet = this.#answers[0]) {
      const into = out.alloc(packet.length + 2);
      if (into === null) return false;
      into.set(packet);
      out.commit(packet.length);
      this.#answers.shift();
    }
    for (const port of this.ports.values()) if (!port.transmit(out)) return false;
    return true;
  }

  timeoutAt(): number {
    // what transmit has found out is told at once, as the real one does
    return this.#events.length > 0 ? 0 : this.dueAt;
  }

  onTimeout(now: number): void {
    if (this.dueAt <= now) {
      this.calls.push(`timeout ${now}`);
      this.dueAt = Infinity;
      for (const port of this.ports.values()) port.break("ETIMEDOUT");
    }
    this.flush();
  }

  tell(event: () => void): void {
    this.#events.push(event);
  }

  answer(kind: number, from: number, to: number, ...payload: number[]): void {
    this.#answers.push(Uint8Array.of(kind, from, to, ...payload));
  }
}

function path(localPort: number, remotePort: number) {
  const localAddress = Uint8Array.of(10, 0, 0, 1);
  const remoteAddress = Uint8Array.of(10, 0, 0, 2);
  return { version: 4 as const, localAddress, localPort, remoteAddress, remotePort };
}

export class FakePort implements TcpPort {
  readonly version: 4 = 4;
  readonly localAddress: Uint8Array = Uint8Array.of(10, 0, 0, 1);
  readonly remoteAddress: Uint8Array = Uint8Array.of(10, 0, 0, 2);
  readonly localPort: number;
  readonly remotePort: number;
  readonly id: number = 1;
  readonly isActive: boolean;
  context: unknown = undefined;
  readonly #stack: FakeStack;
  #received: number[] = [];
  #toSend: number[] = [];
  #window: number;
  #freed = 0;
  #hasPeerEnded = false;
  #isShutDown = false;
  #hasSentFin = false;
  #isFinAcked = false;
  #isShort = false;
  #isUnread = false;
  #isOpen: boolean;
  isOver: boolean = false;

  constructor(stack: FakeStack, localPort: number, remotePort: number, isActive: boolean) {
    this.#stack = stack;
    this.localPort = localPort;
    this.remotePort = remotePort;
    this.isActive = isActive;
    this.#isOpen = !isActive;
    this.#window = stack.bufferBytes;
    stack.ports.set(`${localPort} ${remotePort}`, this);
  }

  get writeRoom(): number {
    return this.isOver || this.#isShutDown ? 0 : this.#stack.bufferBytes - this.#toSend.length;
  }

  get readable(): number {
    return this.#received.length;
  }

  get hasEnded(): boolean {
    return this.#hasPeerEnded && this.#received.length === 0;
  }

  write(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.writeRoom);
    this.#toSend.push(...bytes.subarray(0, count));
    if (count < bytes.length) this.#isShort = true;
    return count;
  }

  writeUrgent(bytes: Uint8Array): number {
    return this.write(bytes);
  }

  readonly urgent: number = 0;

  peek(): Uint8Array {
    return Uint8Array.from(this.#received.slice(0, this.#stack.segmentBytes));
  }

  consume(count: number): void {
    this.#received.splice(0, count);
    this.#freed += count;
  }

  shutdown(): void {
    this.#isShutDown = true;
  }

  stopReading(): void {
    this.#isUnread = true;
    this.#freed += this.#received.length;
    this.#received = [];
  }

  abort(): void {
    if (this.isOver) return;
    this.#stack.answer(Kind.RST, this.localPort, this.remotePort);
    this.#remove();
  }

  info(): TcpInfo {
    const state = this.#isOpen ? "ESTABLISHED" : "SYN-SENT";
    return { state, bytesQueued: this.#toSend.length } as Partial<TcpInfo> as TcpInfo;
  }

  break(code: string): void {
    if (this.isOver) return;
    this.#remove();
    const error = new L3L4Error("it broke", { code, blame: "remote" });
    this.#stack.tell(() => this.#stack.sink.closed(this, error));
  }

  receive(kind: number, payload: Uint8Array): void {
    const { sink } = this.#stack;
    if (kind === Kind.RST) return this.break(this.#isOpen ? "ECONNRESET" : "ECONNREFUSED");
    if (kind === Kind.SYN_ACK) {
      this.#isOpen = true;
      this.#stack.tell(() => sink.opened(this));
    }
    if (kind === Kind.WINDOW) this.#window += payload[0]!;
    if (kind === Kind.DATA && this.#isUnread) this.#freed += payload.length;
    if (kind === Kind.DATA && !this.#isUnread) {
      this.#received.push(...payload);
      this.#stack.tell(() => sink.readable(this));
    }
    if (kind === Kind.FIN_ACK) {
      this.#isFinAcked = true;
      this.#checkOver();
    }
    if (kind !== Kind.FIN) return;
    this.#stack.answer(Kind.FIN_ACK, this.localPort, this.remotePort);
    this.#hasPeerEnded = true;
    this.#stack.tell(() => sink.ended(this));
    this.#checkOver();
  }

  transmit(out: PacketOut): boolean {
    const { segmentBytes, sink } = this.#stack;
    if (!this.#isOpen || this.isOver) return true;
    while (this.#freed > 0) {
      const count = Math.min(255, this.#freed);
      if (!this.#put(out, Kind.WINDOW, [count])) return false;
      this.#freed -= count;
    }
    while (this.#toSend.length > 0 && this.#window > 0) {
      const count = Math.min(segmentBytes, this.#toSend.length, this.#window);
      if (!this.#put(out, Kind.DATA, this.#toSend.slice(0, count))) return false;
      this.#toSend.splice(0, count);
      this.#window -= count;
    }
    if (this.#isShort && this.writeRoom > 0) {
      this.#isShort = false;
      this.#stack.tell(() => sink.writable(this));
    }
    if (!this.#isShutDown || this.#toSend.length > 0 || this.#hasSentFin) return true;
    if (!this.#put(out, Kind.FIN, [])) return false;
    this.#hasSentFin = true;
    return true;
  }

  #put(out: PacketOut, kind: number, payload: number[]): boolean {
    const into = out.alloc(3 + payload.length);
    if (into === null) return false;
    into.set([kind, this.localPort, this.remotePort, ...payload]);
    out.commit(3 + payload.length);
    return true;
  }

  #checkOver(): void {
    if (!this.#isFinAcked || !this.#hasPeerEnded || this.isOver) return;
    this.#remove();
    this.#stack.tell(() => this.#stack.sink.closed(this, null));
  }

  #remove(): void {
    this.isOver = true;
    this.#stack.ports.delete(`${this.localPort} ${this.remotePort}`);
  }
}

/** Keeps what it sends, and gives what the test has put into it. */
export class FakeUdpPort implements UdpPort {
  readonly id: number = 1;
  readonly isActive: boolean = true;
  context: unknown = undefined;
  readonly localAddress: Uint8Array | null;
  readonly localPort: number;
  readonly remoteAddress: Uint8Array | null;
  readonly remotePort: number;
  isClosed: boolean = false;
  /** Datagrams that `send` takes. */
  room: number = Infinity;
  readonly sent: { bytes: Uint8Array; to: UdpTarget | undefined }[] = [];
  readonly incoming: UdpDatagram[] = [];
  readonly #stack: FakeStack;

  constructor(stack: FakeStack, options: UdpOpenOptions) {
    this.#stack = stack;
    this.localAddress = options.localAddress ?? null;
    this.localPort = options.localPort ?? 1000;
    this.remoteAddress = options.remoteAddress ?? null;
    this.remotePort = options.remotePort ?? 0;
  }

  get readable(): number {
    return this.incoming.length;
  }

  send(bytes: Uint8Array, _now: number, to?: UdpTarget): boolean {
    if (bytes.length > 100) throw new L3L4Error("too long", { code: "EMSGSIZE", blame: "local" });
    if (this.room === 0) return false;
    this.room--;
    this.sent.push({ bytes: bytes.slice(), to });
    return true;
  }

  receive(): UdpDatagram | null {
    return this.incoming.shift() ?? null;
  }

  close(): void {
    this.isClosed = true;
  }

  /** A datagram comes. */
  come(remotePort: number, ...bytes: number[]): void {
    const remoteAddress = Uint8Array.of(10, 0, 0, 2);
    const localAddress = this.localAddress ?? Uint8Array.of(10, 0, 0, 77);
    this.incoming.push({ bytes: Uint8Array.from(bytes), localAddress, remoteAddress, remotePort });
    this.#stack.tell(() => this.#stack.sink.udpReadable(this));
  }
}
