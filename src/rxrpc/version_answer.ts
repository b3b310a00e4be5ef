/**
 * VERSION packets: who is there?
 *
 * @module
 */
import { packetOf } from "./control_packet.ts";
import type { RxHeader } from "./header.ts";
import { RxFlag } from "./packet_types.ts";

const TEXT_BYTES = 65;

/** The answer to a question, with a text of up to 64 characters. */
export function versionAnswer(question: RxHeader, text: string): Uint8Array {
  const body = new Uint8Array(TEXT_BYTES);
  body.set(new TextEncoder().encode(text).subarray(0, TEXT_BYTES - 1));
  return packetOf({ ...question, flags: question.flags & ~RxFlag.CLIENT_INITIATED }, body);
}
