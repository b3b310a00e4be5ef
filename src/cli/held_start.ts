/**
 * The first bytes of a flow, held until it is decided how to read them.
 *
 * @module
 */
import type { FlowSide } from "../flow/mod.ts";
import type { Timestamp } from "../packet/mod.ts";

/** One piece, as it came. */
export interface HeldPiece {
  /** Who sent it. */
  readonly side: FlowSide;
  /** A copy, so that it keeps no chunk of the file alive. */
  readonly bytes: Uint8Array;
  /** When it was captured. */
  readonly time: Timestamp;
}

/** Below so many bytes it is asked after each piece what they are, later only when there is a good deal more. */
const EAGER_BYTES = 512;

/** Pieces in order, and what each direction makes of them when joined. */
export class HeldStart {
  /** The pieces in the order in which they came. */
  readonly pieces: HeldPiece[] = [];
  #length = 0;
  #asked = 0;
  readonly #client = new GrowingBytes();
  readonly #server = new GrowingBytes();

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  /** First bytes of the client. */
  get client(): Uint8Array {
    return this.#client.bytes;
  }

  /** First bytes of the server. */
  get server(): Uint8Array {
    return this.#server.bytes;
  }

  /** Holds a copy of a piece. */
  add(side: FlowSide, bytes: Uint8Array, time: Timestamp): void {
    const copy = new Uint8Array(bytes);
    this.pieces.push({ side, bytes: copy, time });
    this.#length += copy.length;
    (side === "client" ? this.#client : this.#server).append(copy);
  }

  /** Whether there is enough more than at the last time to look at it again; keeps the whole linear. */
  isWorthAsking(): boolean {
    if (this.#length > EAGER_BYTES && this.#length < this.#asked * 1.125) return false;
    this.#asked = this.#length;
    return true;
  }
}

/** Bytes that grow at their end. */
class GrowingBytes {
  #buffer = new Uint8Array(64);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#buffer.length));
      grown.set(this.bytes);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
  }
}
