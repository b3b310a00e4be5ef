/**
 * What DEBUG packets say: records of OpenAFS, as its 32-bit machines kept them in memory, with big-endian numbers.
 *
 * @module
 */
import { readU16, readU32, writeU16, writeU32 } from "../bytes/integers.ts";

/** What can be asked for. */
export const RxDebugKind = { stats: 1, connection: 2, anyConnection: 3, counters: 4, peer: 5 } as const;

const STATS_BYTES = 56;
const CONNECTION_BYTES = 176;
/** Without padding before the calls: servers before version M. */
const OLD_CONNECTION_BYTES = 172;
const COUNTER_BYTES = 284;
const PEER_BYTES = 132;
const VERSION = "S".charCodeAt(0);
const NONE = 0xffffffff;

/** The endpoint as a whole. */
export interface RxDebugStats {
  /** Letter of the form of the records; `S` is the last. */
  readonly version: string;
  /** Calls that were served. */
  readonly callsExecuted: number;
  /** Calls that wait for a thread. */
  readonly waiting: number;
  /** Packets in store, and how many of them are free. */
  readonly packets: number;
  /** See `packets`. */
  readonly freePackets: number;
  /** Threads that wait for calls. */
  readonly idleThreads: number;
}

/** A channel of a connection. */
export interface RxDebugChannel {
  /** Number of the call that runs, or ran last. */
  readonly callNumber: number;
  /** 0 not initialised, 1 precall, 2 active, 3 dally, 4 hold, 5 reset. */
  readonly state: number;
  /** 1 sending, 2 receiving, 3 error, 4 eof. */
  readonly mode: number;
  /** Bits: 1 a reader waits, 4 the window is full, 32 all has come. */
  readonly flags: number;
  /** Bits: 1 there is something to read, 2 something to send. */
  readonly other: number;
}

/** A connection. */
export interface RxDebugConnection {
  /** The other end. */
  readonly address: string;
  /** Its port. */
  readonly port: number;
  /** Number of the connection. */
  readonly cid: number;
  /** Incarnation of the client. */
  readonly epoch: number;
  /** Packets sent. */
  readonly serial: number;
  /** Code that it was aborted with; 0 for none. */
  readonly error: number;
  /** Whether this end serves. */
  readonly isServer: boolean;
  /** Security class, */
  readonly securityIndex: number;
  /** and its level. */
  readonly level: number;
  /** Largest datagram of the network there. */
  readonly natMtu: number;
  /** The four channels. */
  readonly channels: readonly RxDebugChannel[];
}

/** Another endpoint. */
export interface RxDebugPeer {
  /** Its address. */
  readonly address: string;
  /** Its port. */
  readonly port: number;
  /** Connections that refer to it. */
  readonly refCount: number;
  /** Round-trip time in milliseconds; 0 when it is not known. */
  readonly rttMs: number;
  /** Deviation of the same. */
  readonly rttDeviationMs: number;
  /** Packets sent, */
  readonly sent: number;
  /** and sent again. */
  readonly resent: number;
  /** Largest datagram that it takes. */
  readonly maxMtu: number;
  /** Packets that may be under way. */
  readonly window: number;
}

/** Words of the counters, in order; gaps are of no use. */
const COUNTER_AT: Readonly<Record<string, number>> = {
  selects: 36,
  packetsRead: 44,
  dataPacketsRead: 96,
  ackPacketsRead: 100,
  packetsSent: 112,
  ackPacketsSent: 164,
  abortPacketsSent: 172,
  busyPacketsSent: 176,
  dataPacketsSent: 180,
  dataPacketsReSent: 184,
  nServerConns: 224,
  nClientConns: 228,
  nPeerStructs: 232,
  nCallStructs: 236,
};
const TYPES = 13;

/** Counters by the names that OpenAFS has for them; `packetsRead` and `packetsSent` by packet type, 1 first. */
export interface RxDebugCounters {
  /** Packets that came, by type. */
  readonly packetsRead: readonly number[];
  /** Packets that went, by type. */
  readonly packetsSent: readonly number[];
  /** All others. */
  readonly others: Readonly<Record<string, number>>;
}

/** Writes an IPv4 address; others, which the records have no room for, as zeroes. */
function writeHost(into: Uint8Array, at: number, address: string): void {
  const parts = address.replace(/^::ffff:/, "").split(".").map(Number);
  if (parts.length === 4 && parts.every((part) => part >= 0 && part <= 255)) into.set(parts, at);
}

function readHost(bytes: Uint8Array, at: number): string {
  return bytes.subarray(at, at + 4).join(".");
}

/** Encodes the endpoint as a whole. */
export function encodeDebugStats(stats: Omit<RxDebugStats, "version">): Uint8Array {
  const bytes = new Uint8Array(STATS_BYTES);
  writeU32(bytes, 0, stats.freePackets);
  writeU32(bytes, 8, stats.callsExecuted);
  bytes[14] = VERSION;
  writeU32(bytes, 16, stats.waiting);
  writeU32(bytes, 20, stats.idleThreads);
  writeU32(bytes, 28, stats.packets);
  return bytes;
}

/** Decodes it; `undefined` when it is none. */
export function decodeDebugStats(bytes: Uint8Array): RxDebugStats | undefined {
  if (bytes.length < 20 || readU32(bytes, 0) === 0xfffffff8) return undefined;
  const word = (at: number): number => bytes.length >= at + 4 ? readU32(bytes, at) : 0;
  return {
    version: String.fromCharCode(bytes[14]!),
    freePackets: word(0),
    callsExecuted: word(8),
    waiting: word(16),
    idleThreads: word(20),
    packets: word(28),
  };
}

/** Encodes a connection; `undefined` is the end of the list. */
export function encodeDebugConnection(connection: RxDebugConnection | undefined): Uint8Array {
  const bytes = new Uint8Array(CONNECTION_BYTES);
  if (connection === undefined) {
    writeU32(bytes, 4, NONE);
    return bytes;
  }
  writeHost(bytes, 0, connection.address);
  writeU32(bytes, 4, connection.cid);
  writeU32(bytes, 8, connection.serial);
  writeU32(bytes, 28, connection.error);
  writeU16(bytes, 32, connection.port);
  bytes[35] = connection.isServer ? 1 : 0;
  bytes[36] = connection.securityIndex;
  connection.channels.forEach((channel, index) => {
    writeU32(bytes, 12 + 4 * index, channel.callNumber);
    bytes[40 + index] = channel.state;
    bytes[44 + index] = channel.mode;
    bytes[48 + index] = channel.flags;
    bytes[52 + index] = channel.other;
  });
  bytes[56] = connection.securityIndex === 2 ? 3 : 1;
  bytes[57] = connection.level;
  writeU32(bytes, 132, connection.epoch);
  writeU32(bytes, 136, connection.natMtu);
  return bytes;
}

/** Decodes it, also in the oldest form, which has no padding before the calls; `undefined` at the end of the list. */
export function decodeDebugConnection(bytes: Uint8Array): RxDebugConnection | undefined {
  if (bytes.length < OLD_CONNECTION_BYTES || readU32(bytes, 4) === NONE) return undefined;
  const isOld = bytes.length < CONNECTION_BYTES;
  const calls = isOld ? 37 : 40;
  return {
    address: readHost(bytes, 0),
    cid: readU32(bytes, 4),
    serial: readU32(bytes, 8),
    error: readU32(bytes, 28) | 0,
    port: readU16(bytes, 32),
    isServer: bytes[35] === 1,
    securityIndex: bytes[36]!,
    level: bytes[57]!,
    epoch: readU32(bytes, 132),
    natMtu: isOld ? 0 : readU32(bytes, 136),
    channels: [0, 1, 2, 3].map((index) => ({
      callNumber: readU32(bytes, 12 + 4 * index),
      state: bytes[calls + index]!,
      mode: bytes[calls + 4 + index]!,
      flags: bytes[calls + 8 + index]!,
      other: bytes[calls + 12 + index]!,
    })),
  };
}

/** Encodes a peer; `undefined` is the end of the list. */
export function encodeDebugPeer(peer: RxDebugPeer | undefined): Uint8Array {
  const bytes = new Uint8Array(PEER_BYTES);
  if (peer === undefined) {
    writeU32(bytes, 0, NONE);
    return bytes;
  }
  writeHost(bytes, 0, peer.address);
  writeU16(bytes, 4, peer.port);
  writeU16(bytes, 12, peer.refCount);
  writeU32(bytes, 24, Math.round(peer.rttMs * 8));
  writeU32(bytes, 28, Math.round(peer.rttDeviationMs * 4));
  writeU32(bytes, 40, peer.sent);
  writeU32(bytes, 44, peer.resent);
  for (const at of [6, 60, 62, 68]) writeU16(bytes, at, peer.maxMtu);
  writeU16(bytes, 70, peer.window);
  return bytes;
}

/** Decodes it; `undefined` at the end of the list. */
export function decodeDebugPeer(bytes: Uint8Array): RxDebugPeer | undefined {
  if (bytes.length < PEER_BYTES || readU32(bytes, 0) === NONE) return undefined;
  return {
    address: readHost(bytes, 0),
    port: readU16(bytes, 4),
    refCount: readU16(bytes, 12),
    rttMs: readU32(bytes, 24) / 8,
    rttDeviationMs: readU32(bytes, 28) / 4,
    sent: readU32(bytes, 40),
    resent: readU32(bytes, 44),
    maxMtu: readU16(bytes, 62),
    window: readU16(bytes, 70),
  };
}

/** Encodes the counters. */
export function encodeDebugCounters(counters: RxDebugCounters): Uint8Array {
  const bytes = new Uint8Array(COUNTER_BYTES);
  const write = (name: string, values: readonly number[]): void =>
    values.slice(0, TYPES).forEach((value, index) => writeU32(bytes, COUNTER_AT[name]! + 4 * index, value));
  write("packetsRead", counters.packetsRead);
  write("packetsSent", counters.packetsSent);
  for (const [name, value] of Object.entries(counters.others)) write(name, [value]);
  return bytes;
}

/** Decodes them; `undefined` when it is something else. */
export function decodeDebugCounters(bytes: Uint8Array): RxDebugCounters | undefined {
  if (bytes.length < COUNTER_BYTES - 16) return undefined;
  const list = (name: string): number[] =>
    Array.from({ length: TYPES }, (_, index) => readU32(bytes, COUNTER_AT[name]! + 4 * index));
  const names = Object.keys(COUNTER_AT).filter((name) => name !== "packetsRead" && name !== "packetsSent");
  return {
    packetsRead: list("packetsRead"),
    packetsSent: list("packetsSent"),
    others: Object.fromEntries(names.map((name) => [name, readU32(bytes, COUNTER_AT[name]!)])),
  };
}

/** What an unknown kind is answered with. */
export function badDebugKind(): Uint8Array {
  return Uint8Array.of(0xff, 0xff, 0xff, 0xf8, 0xff, 0xff, 0xff, 0xf8);
}

/** Asks for one record. */
export function encodeDebugQuestion(kind: number, index: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeU32(bytes, 0, kind);
  writeU32(bytes, 4, index);
  return bytes;
}
