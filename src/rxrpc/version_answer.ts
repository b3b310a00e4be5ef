/**
 * VERSION packets: who is there?
 *
 * @module
 */
import { packetOf } from "./control_packet.ts";
import { HEADER_BYTES, type RxHeader } from "./header.ts";
import { RxFlag } from "./packet_types.ts";

const TEXT_BYTES = 65;
const MAX_AMPLIFICATION = 3;

/**
 * The answer to a question, with a text of up to 64 characters. Whoever asked may have forged the address, which gets no
 * more than three times what was asked with: of a usual question of 29 bytes the answer has 87, not 93 as others'.
 */
export function versionAnswer(question: RxHeader, questionBytes: number, text: string): Uint8Array {
  const body = new Uint8Array(Math.min(TEXT_BYTES, MAX_AMPLIFICATION * questionBytes - HEADER_BYTES));
  body.set(new TextEncoder().encode(text).subarray(0, body.length - 1));
  return packetOf({ ...question, flags: question.flags & ~RxFlag.CLIENT_INITIATED }, body);
}
