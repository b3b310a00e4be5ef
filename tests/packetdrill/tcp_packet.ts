/** TCP packets written and read, apart from the code under test; only the checksum is shared. */
import { checksumAdd, checksumFinish } from "../../src/bytes/checksum.ts";
import type { TcpOption } from "./ast.ts";

export interface TcpPacket {
  source: Uint8Array;
  destination: Uint8Array;
  sourcePort: number;
  destinationPort: number;
  /** As scripts write them: letters of `FSRP.UEW`. */
  flags: string;
  sequence: number;
  ack: number;
  window: number;
  urgent: number;
  options: TcpOption[];
  length: number;
  hopLimit: number;
  trafficClass: number;
}

const FLAGS = "FSRP.UEW";
const TCP = 6;

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, value);
}

export function getU32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

function putU16(bytes: Uint8Array, at: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint16(at, value);
}

function getU16(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint16(at);
}

/** The byte of the stream at this sequence number: data tells where it belongs. */
export function byteAt(sequence: number): number {
  return (sequence * 7 + (sequence >>> 8)) & 255;
}

/** An IP packet around a transport's header and payload, whose checksum field lies at `checksumAt` of them. */
export function wrapInIp(
  payload: Uint8Array,
  protocol: number,
  checksumAt: number,
  { source, destination, hopLimit = 64, trafficClass = 0 }: {
    source: Uint8Array;
    destination: Uint8Array;
    hopLimit?: number;
    trafficClass?: number;
  },
): Uint8Array {
  const isV4 = source.length === 4;
  const header = new Uint8Array(isV4 ? 20 : 40);
  if (isV4) {
    header.set([0x45, trafficClass, 0, 0, 0, 0, 0x40, 0, hopLimit, protocol]);
    putU16(header, 2, 20 + payload.length);
    header.set(source, 12);
    header.set(destination, 16);
    putU16(header, 10, checksumFinish(checksumAdd(0, header)));
  } else {
    header.set([0x60 | trafficClass >>> 4, trafficClass << 4 & 255, 0, 0, 0, 0, protocol, hopLimit]);
    putU16(header, 4, payload.length);
    header.set(source, 8);
    header.set(destination, 24);
  }
  const sum = protocol === 1 ? 0 : pseudoSum(source, destination, protocol, payload.length);
  putU16(payload, checksumAt, checksumFinish(checksumAdd(sum, payload)));
  const bytes = new Uint8Array(header.length + payload.length);
  bytes.set(header);
  bytes.set(payload, header.length);
  return bytes;
}

function pseudoSum(source: Uint8Array, destination: Uint8Array, protocol: number, length: number): number {
  return checksumAdd(checksumAdd(protocol + length, source), destination);
}

/** Builds a packet. */
export function writeTcp(packet: TcpPacket): Uint8Array {
  const options = packet.options.flatMap(writeOption);
  if (options.length % 4 !== 0) throw new Error(`options of ${options.length} bytes do not fill words of 4`);
  const headerLength = 20 + options.length;
  const bytes = new Uint8Array(headerLength + packet.length);
  putU16(bytes, 0, packet.sourcePort);
  putU16(bytes, 2, packet.destinationPort);
  putU32(bytes, 4, packet.sequence);
  putU32(bytes, 8, packet.ack);
  bytes[12] = headerLength << 2;
  for (const flag of packet.flags) bytes[13]! |= 1 << FLAGS.indexOf(flag);
  putU16(bytes, 14, packet.window);
  putU16(bytes, 18, packet.urgent);
  bytes.set(options, 20);
  for (let i = 0; i < packet.length; i++) bytes[headerLength + i] = byteAt((packet.sequence + i) >>> 0);
  return wrapInIp(bytes, TCP, 16, packet);
}

function writeOption(option: TcpOption): number[] {
  const u32 = (value: number): number[] => [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
  switch (option.kind) {
    case "eol":
      return [0];
    case "nop":
      return [1];
    case "mss":
      return [2, 4, option.value >>> 8, option.value & 255];
    case "wscale":
      return [3, 3, option.value];
    case "sackOK":
      return [4, 2];
    case "sack":
      return [
        5,
        2 + 8 * option.blocks.length,
        ...option.blocks.flatMap(({ start, end }) => [...u32(start), ...u32(end)]),
      ];
    case "TS":
      return [8, 10, ...u32(option.value), ...u32(option.echo)];
    default:
      throw new Error(`option ${option.kind} is not supported`);
  }
}

/** Reads a TCP packet; throws for one with anything wrong. */
export function readTcp(bytes: Uint8Array): TcpPacket {
  const isV4 = bytes[0]! >>> 4 === 4;
  const headerLength = isV4 ? (bytes[0]! & 15) * 4 : 40;
  const addressAt = isV4 ? 12 : 8;
  const size = isV4 ? 4 : 16;
  const source = bytes.subarray(addressAt, addressAt + size);
  const destination = bytes.subarray(addressAt + size, addressAt + 2 * size);
  const length = isV4 ? getU16(bytes, 2) - headerLength : getU16(bytes, 4);
  if (headerLength + length !== bytes.length) throw new Error(`IP length is ${length}, of ${bytes.length} bytes`);
  if (isV4 && checksumFinish(checksumAdd(0, bytes, 0, headerLength)) !== 0) throw new Error("wrong IP checksum");
  const protocol = isV4 ? bytes[9]! : bytes[6]!;
  if (protocol !== TCP) throw new Error(`protocol ${protocol} instead of TCP`);
  const tcp = bytes.subarray(headerLength);
  const sum = checksumAdd(pseudoSum(source, destination, TCP, length), tcp);
  if (checksumFinish(sum) !== 0) throw new Error("wrong TCP checksum");
  const dataAt = (tcp[12]! >>> 4) * 4;
  return {
    source,
    destination,
    sourcePort: getU16(tcp, 0),
    destinationPort: getU16(tcp, 2),
    flags: [..."SFRP.UEW"].filter((flag) => (tcp[13]! >>> FLAGS.indexOf(flag) & 1) === 1).join(""),
    sequence: getU32(tcp, 4),
    ack: getU32(tcp, 8),
    window: getU16(tcp, 14),
    urgent: getU16(tcp, 18),
    options: readOptions(tcp.subarray(20, dataAt)),
    length: length - dataAt,
    hopLimit: isV4 ? bytes[8]! : bytes[7]!,
    trafficClass: isV4 ? bytes[1]! : (bytes[0]! & 15) << 4 | bytes[1]! >>> 4,
  };
}

function readOptions(bytes: Uint8Array): TcpOption[] {
  const options: TcpOption[] = [];
  for (let at = 0; at < bytes.length;) {
    const kind = bytes[at]!;
    const length = kind < 2 ? 1 : bytes[at + 1]!;
    if (length < 1 || at + length > bytes.length) throw new Error(`option ${kind} of ${length} bytes`);
    options.push(readOption(kind, bytes.subarray(at, at + length)));
    at += length;
  }
  return options;
}

function readOption(kind: number, bytes: Uint8Array): TcpOption {
  switch (kind) {
    case 0:
      return { kind: "eol" };
    case 1:
      return { kind: "nop" };
    case 2:
      return { kind: "mss", value: getU16(bytes, 2) };
    case 3:
      return { kind: "wscale", value: bytes[2]! };
    case 4:
      return { kind: "sackOK" };
    case 5: {
      const count = (bytes.length - 2) / 8;
      const block = (_: unknown, i: number) => ({ start: getU32(bytes, 2 + 8 * i), end: getU32(bytes, 6 + 8 * i) });
      return { kind: "sack", blocks: Array.from({ length: count }, block) };
    }
    case 8:
      return { kind: "TS", value: getU32(bytes, 2), echo: getU32(bytes, 6) };
    default:
      throw new Error(`option of kind ${kind}`);
  }
}

/** An option as scripts write it. */
export function optionText(option: TcpOption): string {
  if (option.kind === "mss" || option.kind === "wscale") return `${option.kind} ${option.value}`;
  if (option.kind === "TS") return `TS val ${option.value} ecr ${option.echo}`;
  if (option.kind === "sack") return `sack ${option.blocks.map(({ start, end }) => `${start}:${end}`).join(" ")}`;
  return option.kind;
}

/** A packet as scripts write it, its numbers as they are. */
export function packetText(packet: TcpPacket): string {
  const { flags, sequence, length, ack, window, options } = packet;
  const acked = flags.includes(".") ? ` ack ${ack}` : "";
  const end = (sequence + length) >>> 0;
  const tail = options.length > 0 ? ` <${options.map(optionText).join(",")}>` : "";
  return `${flags === "" ? "-" : flags} ${sequence}:${end}(${length})${acked} win ${window}${tail}`;
}
