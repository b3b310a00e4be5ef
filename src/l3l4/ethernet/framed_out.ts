/**
 * The output of an IP engine, put into frames as it is written: no packet is copied but those that have to wait for an
 * address.
 *
 * @module
 */
import type { PacketOut } from "../packet_out.ts";
import type { FrameHeader } from "./frame_header.ts";

/** What framing needs of the port. */
export interface Framer {
  /** Header of its frames. */
  readonly header: FrameHeader;
  /** Shorter frames are filled up. */
  readonly minFrameBytes: number;
  /** Sends what has to go before any packet; `false` when nothing else can be sent now. */
  makeWay(out: PacketOut, now: number): boolean;
  /**
   * Where the packet that begins behind the header goes: writes the header and returns `true`, or keeps or drops the
   * packet.
   */
  address(frame: Uint8Array, packetLength: number, segmentSize: number | undefined, now: number): boolean;
}

/** One for each port, aimed anew at each batch. */
export class FramedOut implements PacketOut {
  readonly #framer: Framer;
  #out: PacketOut | null = null;
  #now = 0;
  /** The last buffer, while no frame is in it. */
  #frame: Uint8Array | null = null;

  /** Makes it for a port. */
  constructor(framer: Framer) {
    this.#framer = framer;
  }

  /** Puts frames there from now on. */
  aim(out: PacketOut, now: number): this {
    this.#out = out;
    this.#now = now;
    this.#frame = null;
    return this;
  }

  /** See {@linkcode PacketOut}. */
  alloc(size: number): Uint8Array | null {
    const framer = this.#framer;
    const need = Math.max(size + framer.header.length, framer.minFrameBytes);
    if (this.#frame === null || this.#frame.length < need) {
      const out = this.#out!;
      this.#frame = framer.makeWay(out, this.#now) ? out.alloc(need) : null;
    }
    return this.#frame === null ? null : this.#frame.subarray(framer.header.length);
  }

  /** See {@linkcode PacketOut}. */
  commit(length: number, segmentSize?: number): void {
    const frame = this.#frame!;
    const { header, minFrameBytes } = this.#framer;
    // a packet that waits leaves its buffer to the next one
    if (!this.#framer.address(frame, length, segmentSize, this.#now)) return;
    this.#frame = null;
    const end = length + header.length;
    if (end < minFrameBytes) frame.fill(0, end, minFrameBytes);
    this.#out!.commit(Math.max(end, minFrameBytes), segmentSize);
  }
}
