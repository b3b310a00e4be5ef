/**
 * A connection that a peer asks for, as those who decide about it see it.
 *
 * @module
 */
import { formatAddress } from "../packet/address.ts";
import type { IncomingConnection } from "./l3l4_sink.ts";

/** Nothing is held of it but this. Texts are made on first access: a flood of requests should cost little. */
export class L3L4Request {
  readonly #request: IncomingConnection;

  /** Wraps what the engine says. */
  constructor(request: IncomingConnection) {
    this.#request = request;
  }

  /** IP version. */
  get version(): 4 | 6 {
    return this.#request.version;
  }

  /** The address that the peer wants to talk to. */
  get localAddress(): string {
    return formatAddress(this.#request.localAddress);
  }

  /** The port that it wants. */
  get localPort(): number {
    return this.#request.localPort;
  }

  /** The peer's address. */
  get remoteAddress(): string {
    return formatAddress(this.#request.remoteAddress);
  }

  /** Its port. */
  get remotePort(): number {
    return this.#request.remotePort;
  }

  /** To be given to {@linkcode L3L4.decide}, when the verdict was `"later"`. */
  get token(): number {
    return this.#request.token;
  }

  /** Segment size that the peer can take. */
  get segmentSize(): number {
    return this.#request.segmentSize;
  }

  /** Whether it takes selective acknowledgments. */
  get hasSack(): boolean {
    return this.#request.hasSack;
  }

  /** Whether it came with timestamps. */
  get hasTimestamps(): boolean {
    return this.#request.hasTimestamps;
  }

  /** Shift of its windows, -1 when it doesn't scale them. */
  get windowScale(): number {
    return this.#request.windowScale;
  }
}
