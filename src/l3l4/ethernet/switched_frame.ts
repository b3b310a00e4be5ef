/**
 * A frame on its way through a switch, with a tag and without one, each form made when it is first needed.
 *
 * @module
 */
import { readU16, writeU16 } from "../../bytes/integers.ts";
import { EtherType } from "../../packet/ethernet_types.ts";

const TAG_AT = 12;
const TAG_LENGTH = 4;
const PRIORITY = 0xf000;

/** The frame. */
export class SwitchedFrame {
  /** VLAN of the frame's tag; 0 when it has none, or one for priority only. */
  readonly taggedVlan: number;
  readonly #bytes: Uint8Array;
  readonly #isTagged: boolean;
  #untagged: Uint8Array | undefined;
  #tagged: Uint8Array | undefined;

  /** Takes a frame of at least 14 bytes as it came. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#isTagged = readU16(bytes, TAG_AT) === EtherType.VLAN && bytes.length >= TAG_AT + 6;
    this.taggedVlan = this.#isTagged ? readU16(bytes, TAG_AT + 2) & 0xfff : 0;
  }

  /** Without a tag. */
  get untagged(): Uint8Array {
    return this.#untagged ??= this.#isTagged ? this.#strip() : this.#bytes;
  }

  /** With the tag of its VLAN. */
  tagged(vlan: number): Uint8Array {
    return this.#tagged ??= this.taggedVlan === vlan ? this.#bytes : this.#tag(vlan);
  }

  #strip(): Uint8Array {
    const bytes = new Uint8Array(this.#bytes.length - TAG_LENGTH);
    bytes.set(this.#bytes.subarray(0, TAG_AT));
    bytes.set(this.#bytes.subarray(TAG_AT + TAG_LENGTH), TAG_AT);
    return bytes;
  }

  #tag(vlan: number): Uint8Array {
    const { untagged } = this;
    const priority = this.#isTagged ? readU16(this.#bytes, TAG_AT + 2) & PRIORITY : 0;
    const bytes = new Uint8Array(untagged.length + TAG_LENGTH);
    bytes.set(untagged.subarray(0, TAG_AT));
    writeU16(bytes, TAG_AT, EtherType.VLAN);
    writeU16(bytes, TAG_AT + 2, priority | vlan);
    bytes.set(untagged.subarray(TAG_AT), TAG_AT + TAG_LENGTH);
    return bytes;
  }
}
