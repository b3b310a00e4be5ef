/**
 * Packets in words.
 *
 * @module
 */
import { abortName } from "../abort_codes.ts";
import type { RxAck } from "../ack.ts";
import { namesOf, RxFlag, RxPacketType } from "../packet_types.ts";
import { ackReasonName } from "./data_track.ts";
import type { RxWatchedPacket } from "./records.ts";

const TYPE_NAMES: ReadonlyMap<number, string> = namesOf(RxPacketType);
const DATA_FLAGS: readonly (readonly [number, string])[] = [
  [RxFlag.LAST_PACKET, "last"],
  [RxFlag.REQUEST_ACK, "request-ack"],
];
/** Runs of soft acknowledgements that are told one by one. */
const MAX_RUNS = 4;

/** The name of a packet type. */
export function packetTypeName(type: number): string {
  return TYPE_NAMES.get(type) ?? `type ${type}`;
}

/**
 * The packets of a datagram in a line: `call 3 DATA 7-9, 4236 B, last`, `call 3 ACK below 8, IDLE, window 32`. Of a
 * jumbogram, packets with nothing special about them are told together.
 */
export function packetsText(packets: readonly RxWatchedPacket[]): string {
  const texts: string[] = [];
  for (let at = 0; at < packets.length;) {
    let end = at + 1;
    while (end < packets.length && packets[at]!.remark === packets[end]!.remark) end++;
    texts.push(packetText(packets.slice(at, end)));
    at = end;
  }
  return texts.join("; ");
}

/** Packets of data that follow each other, or one of any kind. */
function packetText(packets: readonly RxWatchedPacket[]): string {
  const [first, last] = [packets[0]!, packets.at(-1)!];
  const { header, call, remark, ack, rttMs, abortCode } = first;
  const of = call === undefined ? header.callNumber === 0 ? "" : `(${header.callNumber}) ` : `call ${call.id} `;
  const name = `${of}${packetTypeName(header.type)}`;
  if (ack !== undefined) return `${name} ${ackText(ack, rttMs)}`;
  if (abortCode !== undefined) return `${name} ${codeText(abortCode)}`;
  if (header.type !== RxPacketType.DATA) return name;
  const bytes = packets.reduce((sum, packet) => sum + packet.bytes, 0);
  const seqs = last === first ? `${header.seq}` : `${header.seq}-${last.header.seq}`;
  const parts = [`${name} ${seqs}`, `${bytes} B`];
  if (remark !== undefined) parts.push(remark);
  parts.push(...DATA_FLAGS.filter(([bit]) => (last.header.flags & bit) !== 0).map(([, flag]) => flag));
  if (header.seq === 1) parts.push(`service ${header.serviceId}`);
  return parts.join(", ");
}

/** A code by its name, or else as a number. */
export function codeText(code: number): string {
  return abortName(code) ?? String(code);
}

function ackText(ack: RxAck, rttMs: number | undefined): string {
  const parts = [`below ${ack.firstPacket}`, ackReasonName(ack.reason)];
  const those = (come: boolean): string =>
    runs(ack.acks.flatMap((hasCome, index) => hasCome === come ? [ack.firstPacket + index] : []));
  const [soft, missing] = [those(true), those(false)];
  if (soft !== "") parts.push(`has ${soft}`);
  if (missing !== "") parts.push(`lacks ${missing}`);
  if (ack.rwind !== undefined) parts.push(`window ${ack.rwind}`);
  if (rttMs !== undefined) parts.push(`rtt ${rttMs.toFixed(3)} ms`);
  return parts.join(", ");
}

/** Rising numbers, those that follow each other joined: `3-5, 7`. */
function runs(numbers: readonly number[]): string {
  const all: string[] = [];
  for (let at = 0; at < numbers.length;) {
    let end = at;
    while (numbers[end + 1] === numbers[end]! + 1) end++;
    all.push(at === end ? `${numbers[at]}` : `${numbers[at]}-${numbers[end]}`);
    at = end + 1;
  }
  return all.length > MAX_RUNS ? `${all.slice(0, MAX_RUNS).join(", ")} and more` : all.join(", ");
}
