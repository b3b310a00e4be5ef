/**
 * A datagram that belongs to no socket, as those who decide about it see it.
 *
 * @module
 */
import { formatAddress } from "../packet/address.ts";
import type { FlowPath } from "./l3l4_sink.ts";

/** Who wants to talk to whom. Texts are made on first access. */
export class UdpRequest {
  readonly #path: FlowPath;

  /** Wraps what the engine says. */
  constructor(path: FlowPath) {
    this.#path = path;
  }

  /** IP version. */
  get version(): 4 | 6 {
    return this.#path.version;
  }

  /** The address that the peer wants to talk to. */
  get localAddress(): string {
    return formatAddress(this.#path.localAddress);
  }

  /** The port that it wants. */
  get localPort(): number {
    return this.#path.localPort;
  }

  /** The peer's address. */
  get remoteAddress(): string {
    return formatAddress(this.#path.remoteAddress);
  }

  /** Its port. */
  get remotePort(): number {
    return this.#path.remotePort;
  }
}
