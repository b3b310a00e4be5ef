/**
 * Cuts what one direction of a call says into packets.
 *
 * A packet that is full is cut when there is more, or no more: only then is it known whether it is the last. Data are
 * collected where the packet will be; only a cipher moves them.
 *
 * @module
 */
import type { PacketSlab } from "./packet_slab.ts";
import type { PacketProtection } from "./security/protection.ts";
import type { SendPacket } from "./send_packet.ts";

const NOTHING = new Uint8Array(0);

/** What packets are made for. */
export interface PacketizerInit {
  readonly protection: PacketProtection;
  readonly slab: PacketSlab;
  readonly cid: number;
  readonly callNumber: number;
  /** Most bytes of a body. */
  readonly bodyBytes: number;
  /** Takes each packet. */
  readonly packet: (packet: SendPacket) => void;
}

/** Cuts packets for one call. */
export class Packetizer {
  readonly #init: PacketizerInit;
  #bodyBytes: number;
  #capacity: number;
  #seq = 1;
  /** The body of a packet that is being filled. */
  #filling: Uint8Array | undefined;
  #filled = 0;
  #isEnded = false;

  /** Starts with packet 1. */
  constructor(init: PacketizerInit) {
    this.#init = init;
    this.#bodyBytes = init.bodyBytes;
    this.#capacity = init.protection.capacity(init.bodyBytes);
  }

  /** Whether the last packet was cut. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** From the next packet on, bodies have at most so many bytes. */
  resize(bodyBytes: number): void {
    if (bodyBytes === this.#bodyBytes) return;
    // what was begun goes out in the size that it was begun in
    if (this.#filled > 0) this.#cut(false);
    this.#filling = undefined;
    this.#bodyBytes = bodyBytes;
    this.#capacity = this.#init.protection.capacity(bodyBytes);
  }

  /** Takes bytes, of which packets are cut as long as `hasRoom()`. Returns how many it took. */
  write(bytes: Uint8Array, hasRoom: () => boolean): number {
    let taken = 0;
    while (taken < bytes.length) {
      if (this.#filled === this.#capacity) {
        if (!hasRoom()) break;
        this.#cut(false);
      }
      const part = Math.min(this.#capacity - this.#filled, bytes.length - taken);
      const filling = this.#filling ??= this.#bufferFor(part);
      filling.set(part === bytes.length ? bytes : bytes.subarray(taken, taken + part), this.#filled);
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
    const { protection, cid, callNumber } = this.#init;
    const place = { cid, callNumber, seq: this.#seq };
    const body = this.#sealed(place);
    this.#filling = undefined;
    this.#filled = 0;
    this.#seq = (this.#seq + 1) >>> 0;
    this.#init.packet({
      seq: place.seq,
      body,
      isLast,
      checksum: protection.checksum(place),
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

  /** A buffer of which at least the first `part` bytes are written at once. */
  #bufferFor(part: number): Uint8Array {
    const { slab } = this.#init;
    return part === this.#capacity ? slab.allocFull(part) : slab.alloc(this.#capacity);
  }

  #sealed(place: { cid: number; callNumber: number; seq: number }): Uint8Array {
    const { protection, slab } = this.#init;
    const data = this.#filling === undefined ? NOTHING : slab.trim(this.#filling, this.#filled);
    if (!protection.changesBody) return data;
    const body = new Uint8Array(protection.sealedLength(data.length));
    protection.seal(place, data, body);
    return body;
  }
}
