/**
 * A copy of all packets of a stack, for a capture file. Internal.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";
import { systemWallMs } from "../core/clock.ts";
import type { Packet } from "../packet/packet.ts";
import { Outlet } from "../stream/outlet.ts";

/** Bytes of packets that wait to be read; what comes meanwhile is dropped, and counted. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Taps one stack. */
export class Tap {
  /** Packets that were dropped because nobody read. */
  dropped = 0;
  readonly #clock: Pick<Clock, "now">;
  readonly #linkType: number;
  readonly #startedAt: number;
  readonly #outlet: Outlet<Packet, true> = new Outlet<Packet, true>(true);
  #number = 0;

  /** Times are those of `clock`, which was at the time of day `wallMs` when this was made. */
  constructor(clock: Pick<Clock, "now">, linkType: number, wallMs: number = systemWallMs()) {
    this.#clock = clock;
    this.#linkType = linkType;
    this.#startedAt = wallMs - clock.now();
  }

  /** Packets, in arrays. */
  get readable(): ReadableStream<Packet[]> {
    return this.#outlet.readable;
  }

  /** One more. */
  packet(bytes: Uint8Array, isSent: boolean): void {
    if (this.#outlet.isOver) return;
    this.#number++;
    if (this.#outlet.heldBytes + bytes.length > MAX_BYTES) {
      this.dropped++;
      return;
    }
    const micros = Math.round((this.#startedAt + this.#clock.now()) * 1000);
    const seconds = Math.floor(micros / 1e6);
    this.#outlet.push({
      // one that came belongs to whoever wrote it
      bytes: isSent ? bytes : bytes.slice(),
      originalLength: bytes.length,
      linkType: this.#linkType,
      seconds,
      nanoseconds: (micros - seconds * 1e6) * 1000,
      number: this.#number,
      interfaceId: 0,
    }, bytes.length);
  }

  /** No more come. */
  end(): void {
    this.#outlet.end();
  }
}
