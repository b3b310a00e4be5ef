/**
 * Notices that the server takes this end for somebody else, because its address was changed on the way.
 *
 * @module
 */
import type { RxAck } from "./ack.ts";
import { RxrpcError } from "./errors.ts";
import { RxAckReason } from "./packet_types.ts";
import type { SendSide } from "./send_side.ts";

/** One such acknowledgement may come of packets that overtook each other, two hardly. */
const SIGNS = 2;

/** Looks at the acknowledgements of one client's call. */
export class ReboundDetector {
  /** Whether the server knows something of the call. */
  isKnown = false;
  #signs = 0;

  /** Whether that is certain with this acknowledgement. Where all is still there, it is sent from the beginning. */
  isCertain({ firstPacket, previousPacket, acks, reason }: RxAck, sending: SendSide): boolean {
    this.isKnown ||= firstPacket > 1 || acks.length > 0;
    if (this.isKnown || firstPacket !== 1 || previousPacket !== 0) return false;
    if (reason === RxAckReason.OUT_OF_SEQUENCE && sending.base === 1) sending.loseAll();
    return reason === RxAckReason.EXCEEDS_WINDOW && ++this.#signs >= SIGNS;
  }
}

/** What the call then fails with. */
export function reboundError(): RxrpcError {
  const what = "the server takes this end for another one: its address was changed on the way";
  return new RxrpcError(what, { code: "ENETRESET", blame: "remote" });
}
