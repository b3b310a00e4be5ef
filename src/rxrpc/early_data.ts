/**
 * What a call brings before somebody has taken it, within the limits of its peer and of the endpoint.
 *
 * @module
 */
import type { CallHost } from "./call_host.ts";
import type { RxPeer } from "./peer.ts";

/** Counts what a call makes its endpoint hold, and keeps what came early. */
export class EarlyData {
  readonly #host: CallHost;
  readonly #peer: RxPeer;
  #chunks: Uint8Array[] = [];

  /** Nothing has come. */
  constructor(host: CallHost, peer: RxPeer) {
    this.#host = host;
    this.#peer = peer;
  }

  /** Whether so many more bytes may be held; gives back when negative. */
  hold(bytes: number): boolean {
    if (bytes > 0 && this.#peer.heldBytes + bytes > this.#host.limits.maxHeldBytesPerPeer) return false;
    if (!this.#host.hold(bytes)) return false;
    this.#peer.heldBytes += bytes;
    return true;
  }

  /** Keeps a copy. What is in order must not be lost: it is kept even beyond the limit, which the window bounds. */
  keep(bytes: Uint8Array): void {
    this.#peer.heldBytes += bytes.length;
    this.#chunks.push(bytes.slice());
  }

  /** Gives out everything. */
  take(): readonly Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    for (const chunk of chunks) this.#peer.heldBytes -= chunk.length;
    return chunks;
  }
}
