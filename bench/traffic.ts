/**
 * Makes captures for benchmarks: TCP connections that carry messages with a 4-byte length in front.
 *
 * Deterministic by seed, as fast as a disk, flat in memory. Every connection has its handshake, data both ways, ACKs
 * and FINs; addresses, ports, sizes and turns are mixed. IP checksums are right, TCP checksums are 0 (none of the
 * tools that read these files looks at them unasked).
 *
 * @module
 */
import { SeededRandom } from "../src/sim/seeded_random.ts";

/** What traffic to make. */
export interface TrafficOptions {
  /** Size of the capture, in bytes; the connections that are open then end behind their current messages. */
  size: number;
  /**
   * How many connections are open at a time.
   *
   * @default {64}
   */
  flows?: number | undefined;
  /**
   * Bytes that one end sends before another connection has its turn; a packet's worth at least.
   *
   * @default {8192}
   */
  burst?: number | undefined;
  /**
   * Share of the data packets that come behind the next one of their direction.
   *
   * @default {0.01}
   */
  reorder?: number | undefined;
  /**
   * Length of every message, header included; otherwise each direction has its own: 64, 1024 or 16,384 bytes.
   */
  message?: number | undefined;
  /**
   * Bytes of the longest connection, per direction. Sizes are spread evenly over orders of magnitude from 1000 on.
   *
   * @default {1,000,000}
   */
  longest?: number | undefined;
  /**
   * Seed of all choices.
   *
   * @default {1}
   */
  seed?: number | undefined;
}

const CHUNK = 1 << 20;
const MSS = 1448;
const MESSAGE_SIZES = [64, 1024, 16384];
const SYN = 0x02, FIN = 0x01, ACK = 0x10, PSH = 0x08;
/** Ethernet, IPv4, TCP with a timestamp option. */
const HEADERS = 14 + 20 + 32;
const PACKET_HEADER = 16;
/** No dissector of tshark claims it: some other protocol's would find nothing but errors in these messages. */
const SERVER_PORT = 18018;
const FIRST_SECOND = 1_700_000_000;

/** One direction of a connection. */
interface Direction {
  /** All of its headers, ready but for lengths and numbers. */
  readonly template: Uint8Array;
  readonly firstSequence: number;
  /** Messages one after the other; the stream repeats this from `period` on. */
  readonly content: Uint8Array;
  readonly period: number;
  /** Bytes to send. */
  total: number;
  /** Bytes sent. */
  sent: number;
  /** Packets written; the IP identification. */
  packets: number;
  /** Position of a data packet that is held back to come late, or -1. */
  heldAt: number;
  heldLength: number;
}

interface Connection {
  readonly ends: readonly [Direction, Direction];
}

/** Makes a capture in pcap format, in chunks of about a megabyte. */
export function* traffic(options: TrafficOptions): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
  const maker = new TrafficMaker(options);
  while (maker.step()) {
    if (maker.isChunkFull) yield maker.takeChunk();
  }
  yield maker.takeChunk();
}

class TrafficMaker {
  readonly #random: SeededRandom;
  readonly #size: number;
  readonly #burst: number;
  readonly #reorder: number;
  readonly #message: number | undefined;
  readonly #longest: number;
  readonly #open: Connection[] = [];
  readonly #contents = new Map<number, Uint8Array>();
  #chunk = new Uint8Array(CHUNK + (CHUNK >> 1));
  #length = 0;
  #written = 0;
  #microseconds = 0;
  #opened = 0;
  #isWindingUp = false;

  constructor(options: TrafficOptions) {
    this.#random = new SeededRandom(options.seed ?? 1);
    this.#size = options.size;
    this.#burst = Math.max(options.burst ?? 8192, MSS);
    this.#reorder = options.reorder ?? 0.01;
    this.#message = options.message;
    this.#longest = options.longest ?? 1_000_000;
    const header = new DataView(this.#chunk.buffer);
    [0xa1b2c3d4, 0x00020004, 0, 0, 262144, 1].forEach((word, index) => header.setUint32(index * 4, word, true));
    header.setUint16(4, 2, true);
    header.setUint16(6, 4, true);
    this.#length = 24;
    for (let i = 0; i < (options.flows ?? 64); i++) this.#open.push(this.#connect());
  }

  get isChunkFull(): boolean {
    return this.#length >= CHUNK;
  }

  takeChunk(): Uint8Array<ArrayBuffer> {
    const chunk = this.#chunk.subarray(0, this.#length);
    this.#written += this.#length;
    this.#chunk = new Uint8Array(this.#chunk.length);
    this.#length = 0;
    return chunk;
  }

  /** One turn of one connection; false when all have ended. */
  step(): boolean {
    const isOver = this.#written + this.#length >= this.#size;
    if (isOver && !this.#isWindingUp) this.#windUp();
    const index = this.#random.below(this.#open.length);
    const { ends } = this.#open[index]!;
    const isDone = ends[0].sent === ends[0].total && ends[1].sent === ends[1].total;
    if (!isDone) {
      const from = ends[0].sent === ends[0].total ? 1 : ends[1].sent === ends[1].total ? 0 : this.#random.below(2);
      this.#talk(ends[from]!, ends[1 - from]!);
      return true;
    }
    this.#disconnect(ends);
    if (isOver) this.#open.splice(index, 1);
    else this.#open[index] = this.#connect();
    return this.#open.length > 0;
  }

  #windUp(): void {
    this.#isWindingUp = true;
    for (const direction of this.#open.flatMap((connection) => connection.ends)) {
      direction.total = Math.min(direction.total, Math.ceil(direction.sent / direction.period) * direction.period);
      if (direction.heldAt >= 0 && direction.sent === direction.total) direction.total += direction.period;
    }
  }

  #connect(): Connection {
    const number = this.#opened++;
    const [client, server] = [this.#direction(number, true), this.#direction(number, false)];
    this.#packet(client, client.firstSequence - 1, 0, SYN, 0, 0);
    this.#packet(server, server.firstSequence - 1, client.firstSequence, SYN | ACK, 0, 0);
    this.#acknowledge(client, server);
    return { ends: [client, server] };
  }

  /** A burst of one end, with an ACK of the other for every second packet. */
  #talk(from: Direction, to: Direction): void {
    const until = Math.min(from.sent + this.#burst, from.total);
    for (let count = 1; from.sent < until; count++) {
      const length = Math.min(MSS, until - from.sent);
      const at = from.sent;
      from.sent += length;
      const isLate = from.heldAt < 0 && from.sent < from.total && this.#random.chance(this.#reorder);
      if (isLate) {
        from.heldAt = at;
        from.heldLength = length;
        continue;
      }
      this.#data(from, to, at, length, from.sent === until);
      this.#release(from, to);
      if (count % 2 === 0 || from.sent === until) this.#acknowledge(to, from);
    }
  }

  #release(from: Direction, to: Direction): void {
    if (from.heldAt < 0) return;
    const at = from.heldAt;
    from.heldAt = -1;
    this.#data(from, to, at, from.heldLength, false);
  }

  #data(from: Direction, to: Direction, at: number, length: number, isLast: boolean): void {
    const acknowledged = to.firstSequence + firstMissing(to);
    this.#packet(from, from.firstSequence + at, acknowledged, isLast ? ACK | PSH : ACK, at, length);
  }

  #acknowledge(from: Direction, to: Direction): void {
    this.#packet(from, from.firstSequence + from.sent, to.firstSequence + firstMissing(to), ACK, 0, 0);
  }

  #disconnect([client, server]: readonly [Direction, Direction]): void {
    const clientEnd = client.firstSequence + client.total, serverEnd = server.firstSequence + server.total;
    this.#packet(client, clientEnd, serverEnd, FIN | ACK, 0, 0);
    this.#packet(server, serverEnd, clientEnd + 1, FIN | ACK, 0, 0);
    this.#packet(client, clientEnd + 1, serverEnd + 1, ACK, 0, 0);
  }

  #direction(number: number, isClient: boolean): Direction {
    const period = this.#message ?? this.#random.pick(MESSAGE_SIZES);
    const wanted = 1000 * (this.#longest / 1000) ** this.#random.fraction();
    return {
      template: headerTemplate(number, isClient),
      firstSequence: this.#random.bits(),
      content: this.#contentOf(period),
      period,
      total: Math.max(1, Math.round(wanted / period)) * period,
      sent: 0,
      packets: 0,
      heldAt: -1,
      heldLength: 0,
    };
  }

  #contentOf(period: number): Uint8Array {
    let content = this.#contents.get(period);
    if (content === undefined) {
      content = new Uint8Array((Math.ceil(MSS / period) + 1) * period).fill(0x2e);
      for (let at = 0; at < content.length; at += period) new DataView(content.buffer).setUint32(at, period - 4);
      this.#contents.set(period, content);
    }
    return content;
  }

  /** Writes one packet: the record header of pcap, all headers, the payload. */
  #packet(from: Direction, sequence: number, acknowledged: number, flags: number, at: number, length: number): void {
    const chunk = this.#chunk;
    const start = this.#length;
    const frame = HEADERS + length;
    this.#microseconds += 1 + (frame >> 7);
    const packet = start + PACKET_HEADER;
    setU32le(chunk, start, FIRST_SECOND + Math.floor(this.#microseconds / 1e6));
    setU32le(chunk, start + 4, this.#microseconds % 1e6);
    setU32le(chunk, start + 8, frame);
    setU32le(chunk, start + 12, frame);
    chunk.set(from.template, packet);
    setU16(chunk, packet + 16, frame - 14);
    setU16(chunk, packet + 18, from.packets++ & 0xffff);
    setU16(chunk, packet + 24, headerChecksum(chunk, packet + 14));
    setU32(chunk, packet + 38, sequence);
    setU32(chunk, packet + 42, flags === SYN ? 0 : acknowledged);
    chunk[packet + 47] = flags;
    setU32(chunk, packet + 58, Math.floor(this.#microseconds / 1000));
    if (length > 0) {
      const from0 = at % from.period;
      chunk.set(from.content.subarray(from0, from0 + length), packet + HEADERS);
    }
    this.#length = packet + frame;
  }
}

/** How far the other end can acknowledge: to the packet that is held back, or to all. */
function firstMissing(direction: Direction): number {
  return direction.heldAt >= 0 ? direction.heldAt : direction.sent;
}

function headerTemplate(number: number, isClient: boolean): Uint8Array {
  const bytes = new Uint8Array(HEADERS);
  const client = [10, 1 + ((number >> 8) % 250), number & 0xff, 1], server = [10, 0, 0, 1 + (number % 7)];
  const ports = [20000 + (number % 40000), SERVER_PORT];
  bytes.set([2, 0, 0, 0, 0, isClient ? 2 : 1, 2, 0, 0, 0, 0, isClient ? 1 : 2, 0x08, 0x00]);
  bytes.set([0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6], 14);
  bytes.set(isClient ? client : server, 26);
  bytes.set(isClient ? server : client, 30);
  setU16(bytes, 34, isClient ? ports[0]! : ports[1]!);
  setU16(bytes, 36, isClient ? ports[1]! : ports[0]!);
  bytes.set([0x80, 0, 0xff, 0xff, 0, 0, 0, 0, 1, 1, 8, 10], 46);
  return bytes;
}

function headerChecksum(bytes: Uint8Array, at: number): number {
  let sum = 0;
  for (let i = 0; i < 20; i += 2) {
    if (i !== 10) sum += (bytes[at + i]! << 8) | bytes[at + i + 1]!;
  }
  sum = (sum & 0xffff) + (sum >> 16);
  return ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
}

function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}

function setU32(bytes: Uint8Array, at: number, value: number): void {
  setU16(bytes, at, value >>> 16);
  setU16(bytes, at + 2, value);
}

function setU32le(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
