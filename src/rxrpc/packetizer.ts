/**
 * Cuts what one direction of a call says into packets.
 *
 * A packet that is full is cut when there is more, or no more: only then is it known whether it is the last.
 *
 * @module
 */
import { HEADER_BYTES } from "./header.ts";
import type { PacketProtection } from "./security/protection.ts";
import type { SendPacket } from "./send_packet.ts";

/** Cuts packets for one call. */
export class Packetizer {
  readonly #protection: PacketProtection;
  readonly #cid: number;
  readonly #callNumber: number;
  readonly #isMore: (packet: SendPacket) => void;
  #bodyBytes: number;
  #seq = 1;
  #plain: Uint8Array;
  #filled = 0;
  #isEnded = false;

  /** Starts with packet 1; each packet is handed to `isMore`. */
  constructor(
    protection: PacketProtection,
    cid: number,
    callNumber: number,
    bodyBytes: number,
    isMore: (packet: SendPacket) => void,
  ) {
    this.#protection = protection;
    this.#cid = cid;
    this.#callNumber = callNumber;
    this.#bodyBytes = bodyBytes;
    this.#isMore = isMore;
    this.#plain = new Uint8Array(protection.capacity(bodyBytes));
  }

  /** Whether the last packet was cut. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether some bytes wait for more. */
  get hasRest(): boolean {
    return this.#filled > 0;
  }

  /** From the next packet on, bodies have at most so many bytes. */
  resize(bodyBytes: number): void {
    if (bodyBytes === this.#bodyBytes) return;
    this.#bodyBytes = bodyBytes;
    const capacity = this.#protection.capacity(bodyBytes);
    if (this.#filled > capacity) this.#cut(false);
    const plain = new Uint8Array(capacity);
    plain.set(this.#plain.subarray(0, this.#filled));
    this.#plain = plain;
  }

  /** Takes bytes, of which packets are cut as long as `hasRoom()`. Returns how many it took. */
  write(bytes: Uint8Array, hasRoom: () => boolean): number {
    let taken = 0;
    while (taken < bytes.length) {
      if (this.#filled === this.#plain.length) {
        if (!hasRoom()) break;
        this.#cut(false);
      }
      const part = Math.min(this.#plain.length - this.#filled, bytes.length - taken);
      this.#plain.set(bytes.subarray(taken, taken + part), this.#filled);
      this.#filled += part;
      taken += part;
    }
    return taken;
  }

  /** Cuts what there is, if there is something. */
  flush(): void {
    if (this.#filled > 0) this.#cut(false);
  }

  /** Cuts what there is, even if there is nothing, as the last packet. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#cut(true);
  }

  #cut(isLast: boolean): void {
    const data = this.#plain.subarray(0, this.#filled);
    const datagram = new Uint8Array(HEADER_BYTES + this.#protection.sealedLength(data.length));
    const place = { cid: this.#cid, callNumber: this.#callNumber, seq: this.#seq };
    this.#protection.seal(place, data, datagram.subarray(HEADER_BYTES));
    this.#filled = 0;
    this.#seq = (this.#seq + 1) >>> 0;
    this.#isMore({
      seq: place.seq,
      datagram,
      isLast,
      checksum: this.#protection.checksum(place),
      serial: 0,
      firstSerial: 0,
      sentAt: 0,
      firstSentAt: 0,
      order: -1,
      transmissions: 0,
      isAcked: false,
      isLost: false,
    });
  }
}
