/**
 * The packets that a call sends, put into datagrams.
 *
 * @module
 */
import { writeU16 } from "../bytes/integers.ts";
import { ackLength, encodeAck } from "./ack.ts";
import type { RxCall } from "./call.ts";
import type { CallPlace } from "./call_init.ts";
import type { PacketWriter } from "./call_host.ts";
import { encodeHeader, HEADER_BYTES } from "./header.ts";
import { JUMBO_DATA_BYTES, JUMBO_HEADER_BYTES } from "./jumbo.ts";
import type { CheckedLimits } from "./limits.ts";
import { RxAckReason, RxFlag, RxPacketType } from "./packet_types.ts";
import type { SendPacket } from "./send_packet.ts";

/** What this end says that it takes in one datagram. */
const ACCEPTED_MTU = 65_160;
const UPGRADE = 1;

/**
 * Sends the acknowledgements that are due; `false` when there is no room. As long as nobody was asked whether to take the
 * call nothing is acknowledged: its client may yet hear that this end is busy, and has to send it once more then.
 */
export function writeAck(call: RxCall, place: CallPlace, out: PacketWriter, now: number): boolean {
  if (call.acks.due !== undefined && !call.isGated) {
    const { reason, serial } = call.acks.due;
    if (!writeOneAck(call, place, reason, serial, out, now)) return false;
    call.acks.sent();
  }
  if (call.pings.answerFor !== undefined) {
    if (!writeOneAck(call, place, RxAckReason.PING_RESPONSE, call.pings.answerFor, out, now)) return false;
    call.pings.answerFor = undefined;
  }
  return !call.pings.isDue || writeOneAck(call, place, RxAckReason.PING, 0, out, now);
}

function writeOneAck(
  call: RxCall,
  place: CallPlace,
  reason: number,
  serial: number,
  out: PacketWriter,
  now: number,
): boolean {
  const { receive, isGated } = call;
  const acks = isGated ? [] : receive.softAcks();
  const length = HEADER_BYTES + ackLength(acks.length);
  const isPing = reason === RxAckReason.PING;
  // whoever has not proved that the address is his own gets no more than he sent, three times
  if (isGated && !call.peer.mayAnswer(length, now)) {
    call.pings.isDue &&= !isPing;
    return true;
  }
  const into = out.alloc(length);
  if (into === null) return false;
  const { connection, channel, callNumber } = place;
  const own = connection.nextSerial();
  const header = connection.header(RxPacketType.ACK, channel, callNumber);
  header.serial = own;
  header.flags |= RxFlag.SLOW_START_OK | (isPing ? RxFlag.REQUEST_ACK : 0);
  encodeHeader(header, into);
  receive.advertised();
  encodeAck({
    firstPacket: isGated ? 1 : receive.next,
    previousPacket: isGated ? 0 : receive.top,
    serial,
    reason,
    acks,
    maxMtu: ACCEPTED_MTU,
    ifMtu: connection.limits.maxDatagram,
    // counted from the first packet that it names
    rwind: receive.window + (isGated ? receive.next - 1 : 0),
    jumboMax: connection.limits.acceptJumbo,
  }, into.subarray(HEADER_BYTES));
  out.commit(length, call.remote);
  if (isPing) call.pings.sent(own, now);
  call.sent(now);
  return true;
}

/** Sends a packet of data, and those behind it that fit into the same datagram; `false` when there is no room. */
export function writeData(
  call: RxCall,
  place: CallPlace,
  limits: CheckedLimits,
  first: SendPacket,
  out: PacketWriter,
  now: number,
): boolean {
  const jumbo = jumboOf(call, limits, first);
  const length = HEADER_BYTES + first.body.length + (jumbo - 1) * (JUMBO_HEADER_BYTES + JUMBO_DATA_BYTES);
  const into = out.alloc(length);
  if (into === null) return false;
  const { connection, channel, callNumber } = place;
  let at = 0;
  let packet: SendPacket | undefined = first;
  for (let left = jumbo; packet !== undefined && left > 0; left--) {
    const hasNext: boolean = left > 1 && isFull(packet) && !packet.isLast;
    const asks = !hasNext && call.sending.requestsAck(packet, now);
    const serial = connection.nextSerial();
    call.sending.transmitted(packet, serial, now);
    const next: SendPacket | undefined = hasNext ? fresh(call, now) : undefined;
    const flags = connection.direction | (packet.isLast ? RxFlag.LAST_PACKET : 0) |
      (asks || (hasNext && next === undefined) ? RxFlag.REQUEST_ACK : 0) |
      (next === undefined ? 0 : RxFlag.JUMBO_PACKET);
    if (at === 0) {
      const header = connection.header(RxPacketType.DATA, channel, callNumber);
      header.seq = packet.seq;
      header.serial = serial;
      header.flags = flags;
      header.checksum = packet.checksum;
      header.userStatus = connection.isProbing && packet.seq === 1 ? UPGRADE : 0;
      encodeHeader(header, into);
      at = HEADER_BYTES;
    } else {
      into[at] = flags;
      into[at + 1] = 0;
      writeU16(into, at + 2, packet.checksum);
      at += JUMBO_HEADER_BYTES;
    }
    into.set(packet.body, at);
    at += packet.body.length;
    packet = next;
  }
  out.commit(at, call.remote);
  // what is said now acknowledges what was asked
  if (!call.isClient) call.acks.sent();
  call.sent(now);
  return true;
}

function isFull(packet: SendPacket): boolean {
  return packet.body.length === JUMBO_DATA_BYTES;
}

/** The next packet, when it was never sent. */
function fresh(call: RxCall, now: number): SendPacket | undefined {
  const packet = call.sending.peek(now);
  return packet?.transmissions === 0 ? packet : undefined;
}

function jumboOf(call: RxCall, limits: CheckedLimits, first: SendPacket): number {
  if (limits.jumbo === 1 || first.transmissions > 0 || !isFull(first)) return 1;
  const { maxMtu, jumboMax } = call.peer;
  // a peer that leaves it to measuring gets them only where it was said that the path carries them
  const accepted = jumboMax === 0 && limits.maxDatagram > JUMBO_DATA_BYTES + HEADER_BYTES + 4 ? limits.jumbo : jumboMax;
  const size = Math.min(maxMtu, limits.maxDatagram);
  const fitting = Math.floor((size - HEADER_BYTES + JUMBO_HEADER_BYTES) / (JUMBO_DATA_BYTES + JUMBO_HEADER_BYTES));
  return Math.max(1, Math.min(limits.jumbo, accepted, fitting));
}
