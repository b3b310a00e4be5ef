/** Small captures made by hand: raw IPv4 packets of one TCP connection or of UDP datagrams. */
import type { Packet } from "../../../src/packet/mod.ts";
import { CaptureWriter, type CaptureWriterOptions, LinkType } from "../../../src/pcap/mod.ts";
import { concat } from "../../../src/bytes/mod.ts";

export interface End {
  readonly address: readonly [number, number, number, number];
  readonly port: number;
}

export const CLIENT: End = { address: [10, 0, 0, 1], port: 40000 };
export const SERVER: End = { address: [10, 0, 0, 2], port: 6379 };

const START_SECONDS = 1_700_000_000;
const FIN = 1;
const SYN = 2;
const ACK = 16;

/** A list of packets whose numbers and times go up by themselves: a millisecond and 5 ns from one to the next. */
export class PacketList {
  readonly packets: Packet[] = [];

  add(bytes: Uint8Array): void {
    const n = this.packets.length;
    this.packets.push({
      seconds: START_SECONDS + Math.floor(n / 1000),
      nanoseconds: (n % 1000) * 1_000_000 + (n % 1000) * 5,
      bytes,
      originalLength: bytes.length,
      linkType: LinkType.RAW,
      number: n + 1,
      interfaceId: 0,
    });
  }
}

/** What one side says, in order. */
export type Talk = readonly (readonly [side: "client" | "server", text: string | Uint8Array])[];

/** Packets of a whole TCP connection: handshake, what is said, FIN from both sides unless `isOpen`. */
export function addTcp(
  list: PacketList,
  talk: Talk,
  options: { client?: End; server?: End; isOpen?: boolean } = {},
): void {
  const ends = { client: options.client ?? CLIENT, server: options.server ?? SERVER };
  const next = { client: 1000, server: 5000 };
  const send = (side: "client" | "server", flags: number, payload: Uint8Array): void => {
    const other = side === "client" ? "server" : "client";
    const ack = (flags & ACK) === 0 ? 0 : next[other];
    list.add(tcpPacket(ends[side], ends[other], next[side], ack, flags, payload));
    next[side] += payload.length + ((flags & (SYN | FIN)) === 0 ? 0 : 1);
  };
  const nothing = new Uint8Array(0);
  send("client", SYN, nothing);
  send("server", SYN | ACK, nothing);
  send("client", ACK, nothing);
  for (const [side, text] of talk) send(side, ACK, toBytes(text));
  if (options.isOpen === true) return;
  send("client", FIN | ACK, nothing);
  send("server", FIN | ACK, nothing);
  send("client", ACK, nothing);
}

/** One UDP datagram. */
export function addUdp(list: PacketList, from: End, to: End, text: string | Uint8Array): void {
  const payload = toBytes(text);
  const header = new Uint8Array(8);
  new DataView(header.buffer).setUint16(0, from.port);
  new DataView(header.buffer).setUint16(2, to.port);
  new DataView(header.buffer).setUint16(4, 8 + payload.length);
  list.add(concat([ipHeader(from, to, 17, 8 + payload.length), header, payload]));
}

/** A capture file with these packets. */
export function captureOf(list: PacketList, options: CaptureWriterOptions = {}): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new CaptureWriter({ linkType: LinkType.RAW, ...options }, {
    item: (chunk) => chunks.push(chunk),
    error: (error) => {
      throw error;
    },
    end: () => {},
  });
  writer.pushBatch(list.packets);
  writer.end();
  return concat(chunks);
}

/** A capture of one Redis connection with two commands and their replies. */
export function redisCapture(): Uint8Array {
  const list = new PacketList();
  addTcp(list, [
    ["client", "*1\r\n$4\r\nPING\r\n"],
    ["server", "+PONG\r\n"],
    ["client", "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n"],
    ["server", "$5\r\nvalue\r\n"],
  ]);
  return captureOf(list);
}

function toBytes(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? new TextEncoder().encode(text) : text;
}

function tcpPacket(from: End, to: End, seq: number, ack: number, flags: number, payload: Uint8Array): Uint8Array {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  view.setUint16(0, from.port);
  view.setUint16(2, to.port);
  view.setUint32(4, seq);
  view.setUint32(8, ack);
  header[12] = 5 << 4;
  header[13] = flags;
  view.setUint16(14, 65535);
  return concat([ipHeader(from, to, 6, 20 + payload.length), header, payload]);
}

function ipHeader(from: End, to: End, protocol: number, length: number): Uint8Array {
  const header = new Uint8Array(20);
  header[0] = 0x45;
  new DataView(header.buffer).setUint16(2, 20 + length);
  header[8] = 64;
  header[9] = protocol;
  header.set(from.address, 12);
  header.set(to.address, 16);
  return header;
}
