/** Two connections that have asked each other at once, over a wire in virtual time: no table, no IP layer. */
import { TimerQueue } from "../../../src/core/timer_queue.ts";
import type { L3L4Error } from "../../../src/l3l4/errors.ts";
import { IpTemplate } from "../../../src/l3l4/ip_header.ts";
import { IpPacket } from "../../../src/l3l4/ip_packet.ts";
import type { FlowPath, TcpPort, TcpSink } from "../../../src/l3l4/l3l4_sink.ts";
import type { PacketOut } from "../../../src/l3l4/packet_out.ts";
import { foldSum, Summer } from "../../../src/bytes/summer.ts";
import { BufferPool } from "../../../src/l3l4/tcp/buffer_pool.ts";
import { SegmentCursor } from "../../../src/l3l4/tcp/segment_cursor.ts";
import { SegmentWriter } from "../../../src/l3l4/tcp/segment_writer.ts";
import { RecoveryPool } from "../../../src/l3l4/tcp/recovery_pool.ts";
import { TcpConnection } from "../../../src/l3l4/tcp/tcp_connection.ts";
import type { Ending, HostedConnection, TcpHost } from "../../../src/l3l4/tcp/tcp_host.ts";
import { type TcpOptions, type TcpSettings, tcpSettings } from "../../../src/l3l4/tcp/tcp_settings.ts";
import { decodeIpv4 } from "../../../src/packet/ipv4.ts";
import { decodeTcp, type TcpSegment } from "../../../src/packet/tcp.ts";

/** What one end has told. */
export class Told {
  readonly events: string[] = [];
  error: L3L4Error | null | undefined = undefined;
  readonly received: number[] = [];
  isConsuming = true;
}

/** One end. */
export class End implements TcpHost, TcpSink {
  readonly settings: TcpSettings;
  readonly buffers: BufferPool;
  readonly recoveries: RecoveryPool = new RecoveryPool();
  readonly summer: Summer = new Summer();
  readonly writer: SegmentWriter = new SegmentWriter(this.summer);
  readonly timers: TimerQueue = new TimerQueue();
  readonly told: Told = new Told();
  connection!: TcpConnection;
  mtu = 1500;
  isTransmitWanted = false;
  isFlushWanted = false;
  isRemoved = false;
  ending: Ending | undefined = undefined;
  now = 0;
  readonly #packet = new IpPacket();
  readonly #cursor = new SegmentCursor();

  constructor(options: TcpOptions) {
    this.settings = tcpSettings(options);
    this.buffers = new BufferPool(this.settings.maxBufferBytes);
  }

  open(path: FlowPath, initial: number, now: number): void {
    const template = new IpTemplate(4, path.localAddress, path.remoteAddress, 6);
    const parts = { host: this, sink: this, id: 1, path, template, options: {} };
    this.connection = TcpConnection.connect(parts, { sendInitial: initial, tsOffset: 0 }, now);
  }

  pathMtu(): number {
    return this.mtu;
  }
  wantsTransmit(): void {
    this.isTransmitWanted = true;
  }
  wantsTimer(connection: HostedConnection): void {
    this.timers.update(connection);
  }
  wantsFlush(): void {
    this.isFlushWanted = true;
  }
  enterTimeWait(_connection: HostedConnection, ending: Ending): void {
    this.ending = ending;
  }
  removed(): void {
    this.isRemoved = true;
  }

  push(packet: Uint8Array, now: number): void {
    const view = this.#packet;
    view.bytes = packet;
    view.payloadAt = 20;
    view.end = packet.length;
    view.ecn = packet[1]! & 3;
    const sum = this.summer.add(this.connection.template.pseudoSum + packet.length - 20, packet, 20, packet.length);
    if (foldSum(sum) !== 0xffff) throw new Error("wrong checksum");
    if (!this.#cursor.read(view)) throw new Error("malformed segment");
    this.connection.receive(this.#cursor, now);
  }

  flush(now: number): void {
    this.now = now;
    while (this.isFlushWanted) {
      this.isFlushWanted = false;
      this.connection.tell();
    }
  }

  transmit(out: PacketOut, now: number): void {
    if (!this.isTransmitWanted) return;
    this.isTransmitWanted = !this.connection.transmit(out, now);
  }

  incoming(): "ignore" {
    return "ignore";
  }
  opened(): void {
    this.told.events.push("opened");
  }
  readable(port: TcpPort): void {
    if (this.told.isConsuming) this.consume(port.readable);
  }
  urgent(): void {
    this.told.events.push("urgent");
  }
  writable(): void {
    this.told.events.push("writable");
  }
  ended(): void {
    this.told.events.push("ended");
  }
  closed(_port: TcpPort, error: L3L4Error | null): void {
    this.told.events.push(error === null ? "closed" : error.code);
    this.told.error = error;
  }

  /** Reads so many bytes. */
  consume(count: number): void {
    let left = count;
    while (left > 0) {
      const view = this.connection.peek();
      const length = Math.min(left, view.length);
      if (length === 0) throw new RangeError(`${left} bytes more are not there`);
      for (let i = 0; i < length; i++) this.told.received.push(view[i]!);
      this.connection.consume(length, this.now);
      left -= length;
    }
  }
}

/** A packet on the wire. */
export interface OnWire {
  readonly from: "a" | "b";
  readonly at: number;
  readonly segment: TcpSegment;
  readonly bytes: Uint8Array;
}

/** Both ends and the wire between them. */
export class TcpPair {
  readonly a: End;
  readonly b: End;
  readonly delayMs: number;
  now = 1000;
  /** All that was sent, dropped or not. */
  readonly log: OnWire[] = [];
  /** Whether this packet gets lost. */
  drop: (packet: OnWire, number: number) => boolean = () => false;
  #flying: { at: number; to: End; bytes: Uint8Array }[] = [];

  constructor(optionsA: TcpOptions = {}, optionsB: TcpOptions = optionsA, delayMs = 10) {
    this.a = new End(optionsA);
    this.b = new End(optionsB);
    this.delayMs = delayMs;
  }

  /** Opens both. */
  open(initialA = 1000, initialB = 0xfffff000): void {
    const [one, two] = [Uint8Array.of(10, 0, 0, 1), Uint8Array.of(10, 0, 0, 2)];
    this.a.open(
      { version: 4, localAddress: one, localPort: 1, remoteAddress: two, remotePort: 2 },
      initialA,
      this.now,
    );
    this.b.open(
      { version: 4, localAddress: two, localPort: 2, remoteAddress: one, remotePort: 1 },
      initialB,
      this.now,
    );
    this.run(1);
  }

  /** Sends what is to be sent, then goes on in time while anything is due, until `until`. */
  run(forMs: number): void {
    const until = this.now + forMs;
    for (let round = 0; round < 1_000_000; round++) {
      this.#exchange();
      const next = Math.min(
        this.#flying[0]?.at ?? Infinity,
        this.a.timers.nextAt,
        this.b.timers.nextAt,
      );
      if (next > until) {
        this.now = until;
        return;
      }
      this.now = Math.max(this.now, next);
      while (this.#flying.length > 0 && this.#flying[0]!.at <= this.now) {
        const { to, bytes } = this.#flying.shift()!;
        to.push(bytes, this.now);
      }
      this.a.timers.run(this.now);
      this.b.timers.run(this.now);
    }
    throw new Error("never comes to rest");
  }

  #exchange(): void {
    this.a.flush(this.now);
    this.b.flush(this.now);
    this.a.transmit(this.#out("a"), this.now);
    this.b.transmit(this.#out("b"), this.now);
    this.a.flush(this.now);
    this.b.flush(this.now);
    if (this.a.isTransmitWanted || this.b.isTransmitWanted) this.#exchange();
  }

  #out(from: "a" | "b"): PacketOut {
    let buffer = new Uint8Array(0);
    return {
      alloc: (size) => buffer = new Uint8Array(size),
      commit: (length) => {
        const bytes = buffer.subarray(0, length);
        const segment = decodeTcp(decodeIpv4(bytes).payload);
        const packet = { from, at: this.now, segment, bytes };
        const number = this.log.push(packet) - 1;
        if (this.drop(packet, number)) return;
        this.#flying.push({ at: this.now + this.delayMs, to: from === "a" ? this.b : this.a, bytes });
      },
    };
  }
}

/** `length` bytes of a pattern that does not repeat soon. */
export function pattern(length: number, from = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((from + i) * 31 + ((from + i) >>> 8)) & 0xff);
}
