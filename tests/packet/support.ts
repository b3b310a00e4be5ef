/** What the tests of this folder share: packets around bytes, a decoder with everything it says, built datagrams. */
import { readFileSync } from "node:fs";
import { concat } from "../../src/bytes/concat.ts";
import { readU32, readU32le } from "../../src/bytes/integers.ts";
import {
  encodeIpv4,
  encodeIpv6,
  encodeTcp,
  encodeUdp,
  type IpAddresses,
  IpProtocol,
  type Ipv4Datagram,
  ipv4Length,
  type Ipv6Datagram,
  type Ipv6Extension,
  ipv6Length,
  LinkType,
  type Packet,
  type PacketError,
  parseAddress,
  type Segment,
  SegmentDecoder,
  type SegmentDecoderOptions,
  tcpLength,
  type TcpSegment,
  type UdpDatagram,
  udpLength,
} from "../../src/packet/mod.ts";

export const V4: IpAddresses = { source: parseAddress("192.0.2.1"), destination: parseAddress("198.51.100.7") };
export const V6: IpAddresses = { source: parseAddress("2001:db8::1"), destination: parseAddress("2001:db8:1::7") };

/** A packet around bytes: raw IP at time 0, whole, unless said otherwise. */
export function packetOf(bytes: Uint8Array, more: Partial<Packet> & { atMs?: number } = {}): Packet {
  const { atMs = 0, ...fields } = more;
  return {
    seconds: Math.floor(atMs / 1000),
    nanoseconds: (atMs % 1000) * 1e6,
    bytes,
    originalLength: bytes.length,
    linkType: LinkType.RAW,
    number: 1,
    interfaceId: 0,
    ...fields,
  };
}

export interface Decoded {
  decoder: SegmentDecoder;
  segments: Segment[];
  /** Reasons in order, as told to `onSkip`. */
  skipped: string[];
  errors: PacketError[];
  /** Pushes another packet at its own time. */
  push(packet: Packet): void;
}

/** A decoder that remembers everything; packets are pushed at the latest time so far. */
export function decoderOf(options: SegmentDecoderOptions = {}): Decoded {
  const segments: Segment[] = [];
  const skipped: string[] = [];
  const errors: PacketError[] = [];
  const decoder = new SegmentDecoder({
    onSkip: (_packet, reason) => skipped.push(reason),
    onError: (error) => errors.push(error),
    ...options,
  }, {
    item: (segment) => {
      segments.push(segment);
    },
    error: (error) => {
      throw error;
    },
    end: () => {},
  });
  let now = 0;
  const push = (packet: Packet): void => {
    now = Math.max(now, decoder.timeOf(packet));
    decoder.push(packet, now);
  };
  return { decoder, segments, skipped, errors, push };
}

/** Decodes packets, or bytes of raw IP. */
export function decode(packets: readonly (Packet | Uint8Array)[], options: SegmentDecoderOptions = {}): Decoded {
  const decoded = decoderOf(options);
  for (const packet of packets) decoded.push(packet instanceof Uint8Array ? packetOf(packet) : packet);
  return decoded;
}

/** The bytes that an encoder writes, after checking that it writes as many as announced and none beyond. */
export function written(length: number, write: (into: Uint8Array) => number): Uint8Array {
  const room = new Uint8Array(length + 3).fill(0xa5);
  const target = room.subarray(1, length + 2);
  if (write(target) !== length) throw new Error("length written is not the length announced");
  if (room[0] !== 0xa5 || room[length + 1] !== 0xa5) throw new Error("written beyond the length announced");
  return room.slice(1, length + 1);
}

export function udp(value: Partial<UdpDatagram>, addresses: IpAddresses): Uint8Array {
  const datagram = { sourcePort: 41111, destinationPort: 42222, payload: new Uint8Array(0), ...value };
  return written(udpLength(datagram), (into) => encodeUdp(datagram, into, addresses));
}

export function tcp(value: Partial<TcpSegment>, addresses: IpAddresses): Uint8Array {
  const segment: TcpSegment = {
    sourcePort: 41111,
    destinationPort: 42222,
    sequence: 1,
    acknowledgment: 2,
    flags: 0x10,
    window: 512,
    urgentPointer: 0,
    options: [],
    payload: new Uint8Array(0),
    ...value,
  };
  return written(tcpLength(segment), (into) => encodeTcp(segment, into, addresses));
}

export function v4(value: Partial<Ipv4Datagram>): Uint8Array {
  const datagram: Ipv4Datagram = {
    dscp: 0,
    ecn: 0,
    identification: 7,
    isDontFragment: false,
    hasMoreFragments: false,
    fragmentOffset: 0,
    ttl: 64,
    protocol: IpProtocol.UDP,
    ...V4,
    options: [],
    payload: new Uint8Array(0),
    ...value,
  };
  return written(ipv4Length(datagram), (into) => encodeIpv4(datagram, into));
}

export function v6(value: Partial<Ipv6Datagram>): Uint8Array {
  const datagram: Ipv6Datagram = {
    dscp: 0,
    ecn: 0,
    flowLabel: 0,
    hopLimit: 64,
    ...V6,
    extensions: [],
    protocol: IpProtocol.UDP,
    payload: new Uint8Array(0),
    ...value,
  };
  return written(ipv6Length(datagram), (into) => encodeIpv6(datagram, into));
}

/** Where to cut a fragmented part, as `[start, end)` of each piece. */
export type Cuts = readonly (readonly [start: number, end: number])[];

/** The pieces of `payload` as IPv4 fragments. */
export function v4Fragments(payload: Uint8Array, cuts: Cuts, value: Partial<Ipv4Datagram> = {}): Uint8Array[] {
  return cuts.map(([start, end]) =>
    v4({
      ...value,
      fragmentOffset: start,
      hasMoreFragments: end < payload.length,
      payload: payload.subarray(start, end),
    })
  );
}

/** The pieces of `payload` as IPv6 fragments; `before` goes in front of the Fragment header. */
export function v6Fragments(
  payload: Uint8Array,
  cuts: Cuts,
  value: Partial<Ipv6Datagram> & { identification?: number; before?: Ipv6Extension[] } = {},
): Uint8Array[] {
  const { identification = 7, before = [], ...fields } = value;
  return cuts.map(([offset, end]) =>
    v6({
      ...fields,
      extensions: [...before, { kind: "fragment", offset, hasMore: end < payload.length, identification }],
      payload: payload.subarray(offset, end),
    })
  );
}

/** Bytes 0, 1, 2 ... of a seed-free pattern that has no short period. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13) & 0xff);
}

/** The same bytes at an odd offset of a buffer with other bytes around. */
export function unaligned(bytes: Uint8Array): Uint8Array {
  return concat([new Uint8Array(3).fill(0xee), bytes, new Uint8Array(5).fill(0xee)]).subarray(3, 3 + bytes.length);
}

/** The packets of a classic capture file in this folder, of either byte order, with microseconds. */
export function readCapture(name: string): Packet[] {
  const file = new Uint8Array(readFileSync(new URL(`captures/${name}`, import.meta.url)));
  const read = readU32(file, 0) === 0xa1b2c3d4 ? readU32 : readU32le;
  const linkType = read(file, 20);
  const packets: Packet[] = [];
  for (let at = 24; at < file.length;) {
    const length = read(file, at + 8);
    packets.push({
      seconds: read(file, at),
      nanoseconds: read(file, at + 4) * 1000,
      bytes: file.subarray(at + 16, at + 16 + length),
      originalLength: read(file, at + 12),
      linkType,
      number: packets.length + 1,
      interfaceId: 0,
    });
    at += 16 + length;
  }
  return packets;
}
