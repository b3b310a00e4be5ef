/**
 * A connection that a peer asks for, as those who decide about it see it.
 *
 * @module
 */
import { shownAs } from "../core/shown.ts";
import { formatAddress } from "../packet/address.ts";
import type { FlowPath, IncomingConnection } from "./l3l4_sink.ts";

/** Nothing is held of it but this. Texts are made on first access: a flood of requests should cost little. */
export class L3L4Request {
  readonly #request: FlowPath & Partial<IncomingConnection>;

  /** Wraps what the engine says; of a connection that is open, only its path is known. */
  constructor(request: FlowPath & Partial<IncomingConnection>) {
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
    return this.#request.token ?? -1;
  }

  /** Segment size that the peer can take, -1 when it is not known any more, for a connection that is open. */
  get segmentSize(): number {
    return this.#request.segmentSize ?? -1;
  }

  /** Whether it takes selective acknowledgments; `false` also when that is not known any more. */
  get hasSack(): boolean {
    return this.#request.hasSack ?? false;
  }

  /** Whether it came with timestamps; `false` also when that is not known any more. */
  get hasTimestamps(): boolean {
    return this.#request.hasTimestamps ?? false;
  }

  /** Shift of its windows, -1 when it doesn't scale them, or that is not known any more. */
  get windowScale(): number {
    return this.#request.windowScale ?? -1;
  }
}

shownAs(L3L4Request, "L3L4Request", (request) => {
  const { version, localAddress, localPort, remoteAddress, remotePort } = request;
  const { token, segmentSize, hasSack, hasTimestamps, windowScale } = request;
  const path = { version, localAddress, localPort, remoteAddress, remotePort };
  return { ...path, token, segmentSize, hasSack, hasTimestamps, windowScale };
});
