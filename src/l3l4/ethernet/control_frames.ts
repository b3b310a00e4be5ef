/**
 * Frames of a port's own that wait to be sent: questions, answers, announcements. Bounded, because peers cause them.
 *
 * @module
 */
import type { PacketOut } from "../packet_out.ts";
import type { FrameHeader } from "./frame_header.ts";

/** The queue. */
export class ControlFrames {
  readonly #header: FrameHeader;
  readonly #max: number;
  readonly #minFrameBytes: number;
  #frames: Uint8Array[] = [];

  /** Makes an empty one. */
  constructor(header: FrameHeader, max: number, minFrameBytes: number) {
    this.#header = header;
    this.#max = max;
    this.#minFrameBytes = minFrameBytes;
  }

  /** How many wait. */
  get size(): number {
    return this.#frames.length;
  }

  /** Queues a frame and returns where its payload of `length` bytes, all zero, has to be written; `null` without room. */
  add(destination: Uint8Array, at: number, type: number, length: number): Uint8Array | null {
    if (this.#frames.length >= this.#max) return null;
    const header = this.#header;
    const frame = new Uint8Array(Math.max(header.length + length, this.#minFrameBytes));
    header.write(frame, destination, at, type);
    this.#frames.push(frame);
    return frame.subarray(header.length, header.length + length);
  }

  /** Sends them; `false` when there was no room for all. */
  transmit(out: PacketOut): boolean {
    let sent = 0;
    for (const frame of this.#frames) {
      const into = out.alloc(frame.length);
      if (into === null) break;
      into.set(frame);
      out.commit(frame.length);
      sent++;
    }
    if (sent > 0) this.#frames = this.#frames.slice(sent);
    return this.#frames.length === 0;
  }

  /** Forgets all. */
  clear(): void {
    this.#frames = [];
  }
}
