/**
 * Hand-made conversations: real IPv4 or IPv6 and TCP or UDP bytes, wrapped in `Segment` as the decoder would.
 *
 * Each end keeps its own sequence numbers, so a script reads like a trace: `c.syn(); s.synAck(); c.data("abc")`.
 */
import { Segment } from "../../src/packet/segment.ts";
import { LinkType } from "../../src/packet/packet.ts";
import { writeU16, writeU32 } from "../../src/bytes/integers.ts";
import { type FlowRecord, type FlowSide, type FlowSink, FlowTracker } from "../../src/flow/mod.ts";
import type { FlowTrackerOptions, FlowTrackerStats } from "../../src/flow/mod.ts";

export interface TcpFields {
  seq?: number;
  ack?: number | null;
  syn?: boolean;
  fin?: boolean;
  rst?: boolean;
  window?: number;
  payload?: Uint8Array | string;
  /** Length on the wire, where the capture cut the payload. */
  wireLength?: number;
  /** Capture time in milliseconds. */
  at?: number;
}

export interface Address {
  bytes: Uint8Array;
  port: number;
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export function bytesOf(value: Uint8Array | string | undefined): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : value ?? new Uint8Array(0);
}

export function ipv4(last: number, port: number): Address {
  return { bytes: new Uint8Array([10, last >>> 16, last >>> 8, last]), port };
}

export function ipv6(last: number, port: number): Address {
  const bytes = new Uint8Array(16);
  bytes.set([0x20, 0x01, 0x0d, 0xb8]);
  writeU32(bytes, 12, last);
  return { bytes, port };
}

let packetNumber = 0;

function wrap(from: Address, to: Address, protocol: number, header: Uint8Array, fields: TcpFields): Segment {
  const payload = bytesOf(fields.payload);
  const isV4 = from.bytes.length === 4;
  const ipLength = isV4 ? 20 : 40;
  // An odd offset into a larger buffer: views, not whole arrays, are the normal input.
  const bytes = new Uint8Array(3 + ipLength + header.length + payload.length).subarray(3);
  bytes[0] = isV4 ? 0x45 : 0x60;
  bytes[isV4 ? 9 : 6] = protocol;
  bytes.set(from.bytes, isV4 ? 12 : 8);
  bytes.set(to.bytes, isV4 ? 16 : 24);
  bytes.set(header, ipLength);
  bytes.set(payload, ipLength + header.length);
  const at = fields.at ?? 0;
  const seconds = Math.floor(at / 1000);
  const packet = {
    seconds,
    nanoseconds: Math.round((at - seconds * 1000) * 1e6),
    bytes,
    originalLength: bytes.length + (fields.wireLength ?? payload.length) - payload.length,
    linkType: isV4 ? LinkType.IPV4 : LinkType.IPV6,
    number: ++packetNumber,
    interfaceId: 0,
  };
  return new Segment(packet, bytes, {
    version: isV4 ? 4 : 6,
    protocol,
    transportOffset: ipLength,
    payloadOffset: ipLength + header.length,
    payloadEnd: bytes.length,
    wirePayloadLength: fields.wireLength ?? payload.length,
    checksum: "unverified",
  });
}

export function tcp(from: Address, to: Address, fields: TcpFields): Segment {
  const header = new Uint8Array(20);
  writeU16(header, 0, from.port);
  writeU16(header, 2, to.port);
  writeU32(header, 4, (fields.seq ?? 0) >>> 0);
  const hasAck = fields.ack !== undefined && fields.ack !== null;
  writeU32(header, 8, hasAck ? fields.ack! >>> 0 : 0);
  header[12] = 0x50;
  header[13] = (fields.fin ? 1 : 0) | (fields.syn ? 2 : 0) | (fields.rst ? 4 : 0) | (hasAck ? 16 : 0);
  writeU16(header, 14, fields.window ?? 65535);
  return wrap(from, to, 6, header, fields);
}

export function udp(from: Address, to: Address, payload: Uint8Array | string, fields: TcpFields = {}): Segment {
  const header = new Uint8Array(8);
  writeU16(header, 0, from.port);
  writeU16(header, 2, to.port);
  writeU16(header, 4, 8 + (fields.wireLength ?? bytesOf(payload).length));
  return wrap(from, to, 17, header, { ...fields, payload });
}

/** One end of a TCP connection. */
export class End {
  seq: number;
  readonly isn: number;
  readonly address: Address;
  peer!: End;
  readonly #send: (segment: Segment) => void;

  constructor(address: Address, isn: number, send: (segment: Segment) => void) {
    this.address = address;
    this.isn = isn >>> 0;
    this.seq = this.isn;
    this.#send = send;
  }

  /** Sends exactly this; `seq` and `ack` default to where the two ends are. */
  raw(fields: TcpFields): void {
    this.#send(tcp(this.address, this.peer.address, { seq: this.seq, ack: this.peer.seq, ...fields }));
  }
  syn(fields: TcpFields = {}): void {
    this.raw({ seq: this.isn, ack: null, syn: true, ...fields });
    this.seq = (this.isn + 1 + bytesOf(fields.payload).length) >>> 0;
  }
  synAck(fields: TcpFields = {}): void {
    this.raw({ seq: this.isn, syn: true, ...fields });
    this.seq = (this.isn + 1 + bytesOf(fields.payload).length) >>> 0;
  }
  ack(fields: TcpFields = {}): void {
    this.raw(fields);
  }
  /** Sends the next bytes. */
  data(payload: Uint8Array | string, fields: TcpFields = {}): void {
    const bytes = bytesOf(payload);
    this.raw({ payload: bytes, ...fields });
    this.seq = (this.seq + bytes.length) >>> 0;
  }
  /** Sends bytes at a stream offset, counted from behind the SYN, without moving on. */
  at(offset: number, payload: Uint8Array | string, fields: TcpFields = {}): void {
    this.raw({ seq: this.isn + 1 + offset, payload, ...fields });
  }
  fin(fields: TcpFields = {}): void {
    this.raw({ fin: true, ...fields });
    this.seq = (this.seq + bytesOf(fields.payload).length + 1) >>> 0;
  }
  rst(fields: TcpFields = {}): void {
    this.raw({ rst: true, ...fields });
  }
}

/** What a sink was told, as lines, and the streams that were handed out. */
export class Recorder implements FlowSink {
  readonly lines: string[] = [];
  readonly streams: Map<string, Uint8Array[]> = new Map();
  readonly flows: FlowRecord[] = [];
  #ended = new Set<string>();

  open(flow: FlowRecord): void {
    this.flows.push(flow);
    this.lines.push(`open ${flow.id} ${flow.key.client.port}>${flow.key.server.port}`);
  }
  data(flow: FlowRecord, side: FlowSide, bytes: Uint8Array): void {
    this.#alive(flow, side);
    const name = `${flow.id} ${side}`;
    const chunks = this.streams.get(name);
    if (chunks === undefined) this.streams.set(name, [bytes]);
    else chunks.push(bytes);
    this.lines.push(`${name} ${text(bytes)}`);
  }
  gap(flow: FlowRecord, side: FlowSide, gap: { offset: number; length: number }): void {
    this.#alive(flow, side);
    this.lines.push(`${flow.id} ${side} gap ${gap.offset}+${gap.length}`);
  }
  end(flow: FlowRecord, side: FlowSide): void {
    this.#alive(flow, side);
    this.#ended.add(`${flow.id} ${side}`);
    this.lines.push(`${flow.id} ${side} end`);
  }
  error(flow: FlowRecord, side: FlowSide, error: Error & { code: string; offset: number | undefined }): void {
    this.#alive(flow, side);
    this.#ended.add(`${flow.id} ${side}`);
    this.lines.push(`${flow.id} ${side} ${error.code}${error.offset === undefined ? "" : ` at ${error.offset}`}`);
  }
  close(flow: FlowRecord, reason: string): void {
    for (const side of ["client", "server"]) {
      if (!this.#ended.has(`${flow.id} ${side}`)) this.lines.push(`BUG: ${flow.id} ${side} never ended`);
    }
    this.lines.push(`close ${flow.id} ${reason}`);
  }
  finish(): void {
    this.lines.push("finish");
  }

  /** All bytes of a side. */
  stream(id: number, side: FlowSide): string {
    return (this.streams.get(`${id} ${side}`) ?? []).map(text).join("");
  }

  /** The lines since the last call. */
  take(): string[] {
    return this.lines.splice(0);
  }

  #alive(flow: FlowRecord, side: FlowSide): void {
    if (this.#ended.has(`${flow.id} ${side}`)) this.lines.push(`BUG: ${flow.id} ${side} was told more after its end`);
  }
}

/** A tracker with a recorder and one connection's two ends. */
export interface Bench {
  tracker: FlowTracker;
  sink: Recorder;
  /** Client 10.0.0.1:40000, ISN 1000. */
  c: End;
  /** Server 10.0.0.2:80, ISN 5000. */
  s: End;
  stats: Readonly<FlowTrackerStats>;
  push(segment: Segment): void;
  pair(clientPort: number, isn?: number): [End, End];
  end(): void;
}

export function bench(options: FlowTrackerOptions = {}, isn: { c?: number; s?: number } = {}): Bench {
  const sink = new Recorder();
  const tracker = new FlowTracker(options, sink);
  let latest = 0;
  const push = (segment: Segment): void => {
    latest = Math.max(latest, tracker.timeOf(segment));
    tracker.push(segment, latest);
  };
  const ends = (client: Address, server: Address, c: number, s: number): [End, End] => {
    const pair: [End, End] = [new End(client, c, push), new End(server, s, push)];
    pair[0].peer = pair[1];
    pair[1].peer = pair[0];
    return pair;
  };
  const [c, s] = ends(ipv4(1, 40000), ipv4(2, 80), isn.c ?? 1000, isn.s ?? 5000);
  return {
    tracker,
    sink,
    c,
    s,
    push,
    get stats() {
      return tracker.stats;
    },
    pair: (clientPort, first = 1000) => ends(ipv4(1, clientPort), ipv4(2, 80), first, first + 4000),
    end: () => tracker.end(latest),
  };
}

/** Opens a connection and forgets what the recorder saw of it. */
export function handshake({ c, s, sink }: Bench): void {
  c.syn();
  s.synAck();
  c.ack();
  sink.take();
}
