/**
 * Headers of Ethernet frames: read from what comes, written before what is sent.
 *
 * Frames of IEEE 802.3 with LLC and SNAP (RFC 1042) are read and never written, as RFC 1122 section 2.3.3 allows.
 *
 * @module
 */
import { readU16, readU24, writeU16 } from "../../bytes/integers.ts";
import { isVlanTag, LLC_SNAP, MAX_802_3_LENGTH } from "../../packet/ethernet_types.ts";
import { ETHERNET_HEADER_LENGTH } from "../../packet/ethernet.ts";

/** Why a frame is not taken; names of counters. */
export type FrameFault = "truncated" | "otherVlan" | "unknownType";

/** The header that a port's frames have. */
export class FrameHeader {
  /** Bytes of it. */
  readonly length: number;
  readonly #ids: readonly number[];
  readonly #template: Uint8Array;
  /** Type of the frame read last. */
  type = 0;
  /** Where the payload of the frame read last lies. */
  payloadAt = 0;

  /** Makes the header of frames from `mac` in these VLANs. */
  constructor(mac: Uint8Array, tags: readonly (readonly [protocol: number, control: number])[]) {
    this.length = ETHERNET_HEADER_LENGTH + 4 * tags.length;
    this.#ids = tags.map(([, control]) => control & 0xfff);
    this.#template = new Uint8Array(this.length);
    this.#template.set(mac, 6);
    tags.forEach(([protocol, control], i) => {
      writeU16(this.#template, 12 + 4 * i, protocol);
      writeU16(this.#template, 14 + 4 * i, control);
    });
  }

  /** Reads the header of a frame into `type` and `payloadAt`, or says why not. */
  read(frame: Uint8Array): FrameFault | null {
    if (frame.length < this.length) return "truncated";
    let at = 12;
    for (const id of this.#ids) {
      if (!isVlanTag(readU16(frame, at)) || (readU16(frame, at + 2) & 0xfff) !== id) return "otherVlan";
      at += 4;
    }
    let type = readU16(frame, at);
    if (isVlanTag(type)) {
      if (frame.length < at + 6) return "truncated";
      // a tag with identifier 0 has a priority only
      if ((readU16(frame, at + 2) & 0xfff) !== 0) return "otherVlan";
      at += 4;
      type = readU16(frame, at);
    }
    at += 2;
    if (type <= MAX_802_3_LENGTH) {
      if (frame.length < at + 8 || readU24(frame, at) !== LLC_SNAP || readU24(frame, at + 3) !== 0) {
        return "unknownType";
      }
      type = readU16(frame, at + 6);
      at += 8;
    }
    this.type = type;
    this.payloadAt = at;
    return null;
  }

  /** Writes the header of a frame to `destination` (6 bytes at `at`). */
  write(into: Uint8Array, destination: Uint8Array, at: number, type: number): void {
    const template = this.#template;
    for (let i = 0; i < 6; i++) into[i] = destination[at + i]!;
    for (let i = 6; i < template.length; i++) into[i] = template[i]!;
    writeU16(into, template.length - 2, type);
  }
}
