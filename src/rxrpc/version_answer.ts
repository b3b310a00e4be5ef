/**
 * VERSION packets: who is there?
 *
 * @module
 */
import { packetOf } from "./control_packet.ts";
import type { RxHeader } from "./header.ts";
import { RxFlag, RxPacketType } from "./packet_types.ts";

const TEXT_BYTES = 65;

/** The answer to a question, with a text of up to 64 characters. */
export function versionAnswer(question: RxHeader, text: string): Uint8Array {
  const body = new Uint8Array(TEXT_BYTES);
  body.set(new TextEncoder().encode(text).subarray(0, TEXT_BYTES - 1));
  return packetOf({ ...question, flags: question.flags & ~RxFlag.CLIENT_INITIATED }, body);
}

/** A question with this number. */
export function versionQuestion(number: number, epoch: number): Uint8Array {
  return packetOf({
    epoch,
    cid: 0,
    callNumber: number,
    seq: 0,
    serial: 0,
    type: RxPacketType.VERSION,
    flags: RxFlag.CLIENT_INITIATED | RxFlag.LAST_PACKET,
    userStatus: 0,
    securityIndex: 0,
    checksum: 0,
    serviceId: 0,
  }, new Uint8Array(1));
}
